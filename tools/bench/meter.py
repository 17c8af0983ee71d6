# SPDX-License-Identifier: MIT
"""CPU seconds and memory of all processes of some hosts, by what they are.

Processes come and go within a measurement, so that each is read again and
again; what one has spent counts as of its last reading.
"""
import os
import re
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
EVERY_S, MEMORY_EVERY_S = 0.05, 0.5
# The first that fits the command line names it.
ROLES = (
    ("endpoint", r"\Svmferry ssh-endpoint|^vmferry ssh-endpoint"),
    ("vmferry", r"vmferry"),
    ("qemu", r"qemu-system"),
    ("sshd", r"^(\S*/)?sshd"),
    ("ssh", r"^(\S*/)?ssh "),
    ("libvirtd", r"libvirtd"),
    ("virsh", r"virsh|virt-ssh-helper"),
    ("script", r"by_hand"),
)


def role_of(line):
    return next((role for role, words in ROLES if re.search(words, line)),
                None)


def ticks_of(pid):
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as f:
            words = f.read().rpartition(")")[2].split()
        return int(words[11]) + int(words[12])
    except OSError:
        return None


def pss_kib(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return next((int(line.split()[1]) for line in f
                         if line.startswith("Pss:")), 0)
    except OSError:
        return 0


class Meter(threading.Thread):
    """From start() to end(). hosts: {name: pid namespace of it}."""

    def __init__(self, hosts):
        super().__init__(daemon=True)
        self.spaces = {space: name for name, space in hosts.items()}
        self.stopped = threading.Event()
        self.first, self.last, self.names = {}, {}, {}
        self.peak_kib, self.memory_due = {}, 0
        self.look()
        self.first = dict(self.last)

    def processes(self):
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                space = os.readlink(f"/proc/{entry}/ns/pid")
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    line = f.read().replace(b"\0", b" ").decode(
                        errors="replace").strip()
            except OSError:
                continue
            if space in self.spaces:
                yield int(entry), self.spaces[space], role_of(line)

    def look(self):
        memory = {}
        weigh = time.monotonic() >= self.memory_due
        for pid, host, role in self.processes():
            ticks = ticks_of(pid)
            if role is None or ticks is None:
                continue
            name = f"{role} {host}"
            # one that was forked has another name for a moment
            self.names[pid] = name
            self.last[pid] = ticks
            self.first.setdefault(pid, 0)
            if weigh and role != "qemu":
                memory[name] = memory.get(name, 0) + pss_kib(pid)
        if weigh:
            self.memory_due = time.monotonic() + MEMORY_EVERY_S
        for name, kib in memory.items():
            self.peak_kib[name] = max(kib, self.peak_kib.get(name, 0))

    def run(self):
        while not self.stopped.wait(EVERY_S):
            self.look()

    def end(self):
        """({name: CPU seconds}, {name: KiB at its peak})"""
        self.stopped.set()
        self.join()
        self.look()
        spent = {}
        for pid, ticks in self.last.items():
            name = self.names[pid]
            spent[name] = spent.get(name, 0) + \
                (ticks - self.first.get(pid, 0)) / TICKS
        return ({n: round(s, 3) for n, s in spent.items() if s > 0},
                self.peak_kib)
