#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How fast one stream is, by each way to another host.

Moves the same bytes from one socket to another on this machine, by each lane in
turn, round after round, and prints medians: MB/s, CPU seconds for each GB of the
client and of its sshd, and the client's memory (peak of its resident set).

Lanes: unix, tcp (no tunnel); ssh (its default cipher), ssh-gcm (ssh(1), a UNIX
socket forwarded); NAME=PROGRAM for each vmferry (an endpoint of its own),
NAME*N=PROGRAM for N of them that share the bytes.

--delay and --rate put the far side behind a link with that round-trip time, or
that rate (root).

Usage: transport.py [--mib N] [--rounds N] [--receive] [--rekey LIMIT]
                    [--delay MS] [--rate MBIT] [--json FILE] LANE...
"""

import argparse
import getpass
import json
import os
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import delayed_link
import endpoint_parent

MIB = 1 << 20
TICKS = os.sysconf("SC_CLK_TCK")
CHUNK = os.urandom(MIB)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Ground:
    """A directory with keys, a running sshd and an agent."""

    def __init__(self, path, extra, link=None):
        self.dir, self.link = Path(path), link
        self.address = link.far if link else "127.0.0.1"
        self.port = free_port()
        for name in "hostkey", "id":
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
        (self.dir / "sshd_config").write_text(
            f"{extra}ListenAddress {self.address}\nPort {self.port}\n"
            f"HostKey {path}/hostkey\nPidFile none\nStrictModes no\nUsePAM no\n"
            f"AuthorizedKeysFile {path}/id.pub\nPermitRootLogin yes\n")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.children = [
            self.start(*(link.inside if link else ()), "/usr/sbin/sshd", "-D",
                       "-e", "-f", self.dir / "sshd_config"),
            self.start("ssh-agent", "-D", "-a", "agent")]
        while not (self.dir / "agent").exists() or not self.listens():
            time.sleep(0.01)
        self.run("ssh-add", "-q", "id",
                 env=os.environ | {"SSH_AUTH_SOCK": "agent"})

    def run(self, *argv, **kw):
        subprocess.run(argv, cwd=self.dir, check=True, **kw)

    def start(self, *argv):
        return subprocess.Popen(argv, cwd=self.dir, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL,
                                stderr=open(self.dir / "log", "ab"))

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex((self.address, self.port)) == 0

    def sshd_pids(self):
        """All below the sshd, grandchildren too."""
        found, parents = [], {self.children[0].pid}
        while parents:
            parents = {p for p in all_pids() if parent_of(p) in parents}
            found += parents
        return found

    def close(self):
        for child in self.children:
            child.terminate()
            child.wait()


def all_pids():
    return [int(p.name) for p in Path("/proc").glob("[0-9]*")]


def stat_of(pid):
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def parent_of(pid):
    stat = stat_of(pid)
    return int(stat[1]) if stat else 0


def cpu_of(pids):
    stats = filter(None, map(stat_of, pids))
    return sum(int(s[11]) + int(s[12]) for s in stats) / TICKS


def peak_kib(pid):
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines()
                 if line.startswith("VmHWM:")), 0)


# --- lanes: each has sockets that lead to @path, and pids of the client ------

class Unix:
    pids = ()

    def __init__(self, _, path):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(path))
        self.sockets = [s]

    def close(self):
        pass


class Tcp(Unix):
    def __init__(self, _, address):
        self.sockets = [socket.create_connection(address)]


class Ssh:
    options = ()

    def __init__(self, ground, path):
        forwarded = ground.dir / f"forward-{path.name}"
        self.process = subprocess.Popen(
            ["ssh", "-F", "none", "-N", "-i", ground.dir / "id",
             "-p", str(ground.port), "-o", "StrictHostKeyChecking=no",
             "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
             *self.options, "-L", f"{forwarded}:{path}", ground.address])
        self.pids = [self.process.pid]
        while not forwarded.exists():
            time.sleep(0.01)
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(forwarded))
        self.sockets = [s]

    def close(self):
        self.process.terminate()
        self.process.wait()


class SshGcm(Ssh):
    options = ("-c", "aes128-gcm@openssh.com")


class Vmferry:
    def __init__(self, ground, path, program, count):
        self.endpoints = [endpoint_parent.Endpoint(
            program, (ground.address, ground.port), getpass.getuser(),
            ground.dir / "agent") for _ in range(count)]
        self.pids = [e.process.pid for e in self.endpoints]
        self.algorithms = self.endpoints[0].algorithms
        self.sockets = [e.connect(path) for e in self.endpoints]

    def close(self):
        for e in self.endpoints:
            e.close()
        packets = sum(e.whole_packets() for e in self.endpoints)
        self.algorithms += f", {packets} whole packets"


def lane_of(name):
    simple = {"unix": Unix, "tcp": Tcp, "ssh": Ssh, "ssh-gcm": SshGcm}
    if name in simple:
        return simple[name]
    label, equals, program = name.partition("=")
    count = label.partition("*")[2] or "1"
    if not equals or not count.isdigit() or not int(count):
        raise SystemExit(f"transport: {name} is no lane; there are "
                         f"{', '.join(simple)}, and NAME[*N]=PROGRAM")
    return lambda ground, path: Vmferry(ground, path, Path(program).resolve(),
                                        int(count))


# --- one run ------------------------------------------------------------------

def send(s, mib):
    for _ in range(mib):
        s.sendall(CHUNK)
    s.shutdown(socket.SHUT_WR)


def receive(s, totals):
    room = bytearray(MIB)
    total = 0
    while n := s.recv_into(room):
        total += n
    totals.append(total)


def listener(ground, name, serial):
    """(what listens, where the lane is to lead)"""
    if name == "tcp":
        s = ground.link.server() if ground.link else \
            socket.create_server(("127.0.0.1", 0))
        return s, s.getsockname()
    path = ground.dir / f"far{serial}"
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(path))
    s.listen()
    return s, path


def move(pairs, args):
    """Shares the bytes among the pairs (near, far); (bytes, seconds)."""
    totals, threads = [], []
    mib, began = args.mib // len(pairs), time.monotonic()
    for near, far in pairs:
        sender, receiver = (far, near) if args.receive else (near, far)
        threads += [threading.Thread(target=send, args=(sender, mib)),
                    threading.Thread(target=receive, args=(receiver, totals))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum(totals) == mib * len(pairs) * MIB, f"{totals} bytes came"
    return sum(totals), time.monotonic() - began


def one_run(ground, name, serial, args):
    listening, path = listener(ground, name, serial)
    lane = lane_of(name)(ground, path)
    pairs = [(s, listening.accept()[0]) for s in lane.sockets]
    servers = ground.sshd_pids() if lane.pids else ()
    cpu = cpu_of(lane.pids), cpu_of(servers)
    total, seconds = move(pairs, args)
    gb = total / 1e9
    for pair in pairs:
        for s in pair:
            s.close()
    cpu_spent = cpu_of(lane.pids) - cpu[0], cpu_of(servers) - cpu[1]
    memory = sum(map(peak_kib, lane.pids))
    lane.close()
    listening.close()
    return {
        "mb_s": total / 1e6 / seconds,
        "client_s_gb": cpu_spent[0] / gb,
        "sshd_s_gb": cpu_spent[1] / gb,
        "client_peak_kib": memory,
        "algorithms": getattr(lane, "algorithms", ""),
    }


def table(runs):
    print(f"{'lane':12} {'MB/s':>6} {'(from–to)':>11} {'client s/GB':>12} "
          f"{'sshd s/GB':>10} {'peak MB':>8}")
    for name, results in runs.items():
        rates = [r["mb_s"] for r in results]
        client, sshd, peak = (statistics.median(r[k] for r in results)
                              for k in ("client_s_gb", "sshd_s_gb",
                                        "client_peak_kib"))
        print(f"{name.partition('=')[0]:12} {statistics.median(rates):6.0f} "
              f"{min(rates):5.0f}–{max(rates):5.0f} {client:12.2f} {sshd:10.2f}"
              f" {peak / 1e3:8.1f}"
              f"  {results[0]['algorithms']}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--receive", action="store_true")
    parser.add_argument("--rekey", metavar="LIMIT")
    parser.add_argument("--delay", metavar="MS", type=float)
    parser.add_argument("--rate", metavar="MBIT", type=float)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("lanes", nargs="+", metavar="LANE")
    args = parser.parse_args()
    runs = {name: [] for name in args.lanes}
    extra = f"RekeyLimit {args.rekey}\n" if args.rekey else ""
    with tempfile.TemporaryDirectory(prefix="vmferry-bench-") as path:
        link = delayed_link.DelayedLink(args.delay or 0, args.rate) \
            if args.delay or args.rate else None
        ground = Ground(path, extra, link)
        try:
            for serial in range(args.rounds * len(runs)):
                name = args.lanes[serial % len(runs)]
                runs[name].append(one_run(ground, name, serial, args))
        finally:
            ground.close()
            if link:
                link.close()
    table(runs)
    if args.json:
        Path(args.json).write_text(json.dumps(runs, indent=1))


if __name__ == "__main__":
    main()
