# SPDX-License-Identifier: MIT
"""A link with a round-trip time, to a network namespace or between two (root).

A process passes packets between two tun devices and holds each for half of the
round trip, so that TCP itself sees the delay. A relay of bytes does not do:
it answers for the far side at once.
"""

import collections
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
MTU = 32000
QUEUE = 4096  # packets; beyond it they are lost
BURST_S = 0.010
NEAR, FAR = "10.203.77.1", "10.203.77.2"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF,
                struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def configure(name, address, prefix=()):
    for words in (["addr", "add", f"{address}/30", "dev", name],
                  ["link", "set", name, "mtu", str(MTU), "txqueuelen",
                   str(QUEUE), "up"]):
        ip(*prefix, *words)


def shape(name, mbit, prefix=()):
    """Each direction has its rate at the end where it begins."""
    burst = max(int(mbit * 125000 * BURST_S), 2 * MTU)
    subprocess.run([*prefix, "tc", "qdisc", "replace", "dev", name, "root",
                    "tbf", "rate", f"{mbit:g}mbit", "burst", f"{burst}b",
                    "latency", "50ms"], check=True)


def pass_packets(fds, hold_s):
    held = {fd: collections.deque() for fd in fds}
    other = {fds[0]: fds[1], fds[1]: fds[0]}
    while True:
        due = min((q[0][0] for q in held.values() if q), default=None)
        wait = None if due is None else max(0, due - time.monotonic())
        readable, _, _ = select.select(fds, [], [], wait)
        now = time.monotonic()
        for fd in readable:
            try:
                while len(held[fd]) < QUEUE:
                    held[fd].append((now + hold_s, os.read(fd, MTU + 100)))
            except BlockingIOError:
                pass
        for fd, queue in held.items():
            while queue and queue[0][0] <= now:
                try:
                    os.write(other[fd], queue.popleft()[1])
                except OSError:
                    pass


def forward(fds, round_trip_ms):
    """A process that passes packets until it is killed; its pid."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pass_packets(fds, round_trip_ms / 2000)
    for fd in fds:
        os.close(fd)
    return pid


class DelayBetween:
    """What two hosts of the lab send each other takes so long from now on.

    @hosts: of labkit, each with its address. Their routes lead to the link, so
    that names and addresses stay what they are.
    """

    def __init__(self, round_trip_ms, hosts, addresses):
        names = [f"vmb{os.getpid()}{side}" for side in "nf"]
        fds = [tun(name) for name in names]
        for name, host, own, other in zip(names, hosts, addresses,
                                          reversed(addresses)):
            ip("link", "set", name, "netns", str(host.init))
            host.sh(f"ip link set {name} mtu {MTU} txqueuelen {QUEUE} up && "
                    f"ip route replace {other}/32 dev {name} src {own}")
        self.pid = forward(fds, round_trip_ms)

    def close(self):
        """The links go with their hosts."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class DelayedLink:
    """.far is the other end's address; .inside runs a command there."""

    far = FAR

    def __init__(self, round_trip_ms, mbit=None):
        self.namespace = f"vmferry-bench-{os.getpid()}"
        self.inside = ["ip", "netns", "exec", self.namespace]
        ip("netns", "add", self.namespace)
        names = [f"vmf{os.getpid()}{side}" for side in "nf"]
        fds = [tun(name) for name in names]
        ip("link", "set", names[1], "netns", self.namespace)
        configure(names[0], NEAR)
        configure(names[1], FAR, ["-n", self.namespace])
        if mbit:
            shape(names[0], mbit)
            shape(names[1], mbit, self.inside)
        self.pid = forward(fds, round_trip_ms)

    def server(self):
        """A TCP socket that listens at the other end."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as own, \
                open(f"/run/netns/{self.namespace}") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "cannot enter the link")
            try:
                return socket.create_server((FAR, 0))
            finally:
                libc.setns(own.fileno(), CLONE_NEWNET)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        ip("netns", "del", self.namespace)
