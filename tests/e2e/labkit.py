# SPDX-License-Identifier: MIT
"""Two hosts of the lab with guests on them, driven from outside.

A host's private /run is reached through /proc/PID/root of its first process;
its processes are those of its pid namespace.
"""
import os
import re
import subprocess

import harness
from guestwatch import GuestWatch

LAB = os.path.join(harness.ROOT, "tools/lab/lab")
# How processes that serve a connection call themselves, before and since
# OpenSSH 9.8: "sshd: root [priv]", "sshd-session: root [priv]", "sshd-auth: …".
SSH_SESSION = re.compile(r"sshd(-session|-auth)?: ")


class Host:
    def __init__(self, lab, name, pid):
        self.lab, self.name = lab, name
        self.root = f"/proc/{pid}/root"
        self.space = os.readlink(f"/proc/{pid}/ns/pid")
        self.init = pid
        self.always = self.processes()

    def at(self, path):
        """A path of this host as seen from here."""
        return self.root + path

    def argv(self, *command):
        return self.lab.argv("exec", self.name, *command)

    def run(self, *command, timeout=120):
        return subprocess.run(self.argv(*command), text=True,
                              capture_output=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)

    def sh(self, script):
        done = self.run("sh", "-c", script)
        if done.returncode:
            raise AssertionError(f"{self.name}: {script}: {done.stderr}")
        return done.stdout.strip()

    def processes(self):
        """{its pid seen from here: (its own pid, command line)}"""
        found = {}
        for name in os.listdir("/proc"):
            if not name.isdigit() or not harness.is_alive(name):
                continue
            try:
                if os.readlink(f"/proc/{name}/ns/pid") != self.space:
                    continue
            except OSError:
                continue
            status = harness.read(f"/proc/{name}/status").decode(
                errors="replace")
            own = re.search(r"^NSpid:.*\s(\d+)$", status, re.M)
            line = harness.read(f"/proc/{name}/cmdline")
            found[int(name)] = (int(own[1]) if own else 0,
                                line.replace(b"\0", b" ").decode(
                                    errors="replace").strip())
        return found

    def outside_pid(self, own):
        """The pid from here of what this host knows as own."""
        return next((p for p, (o, _) in self.processes().items() if o == own),
                    None)

    def strangers(self, guests=()):
        """Processes beside the host's own and these guests' QEMUs."""
        pids = {g.outside_pid for g in guests if g.host is self}
        known = set(self.always) | pids | set(harness.keepers(pids))
        return {p: what for p, what in self.processes().items()
                if p not in known}

    def end_ssh_sessions(self):
        for pid, (_, line) in self.processes().items():
            if pid not in self.always and SSH_SESSION.match(line):
                harness.kill(pid)

    def files(self, guests=()):
        """In the run root, but what belongs to these guests."""
        top = self.at("/run/vmferry")
        kept = [g.run_dir for g in guests if g.host is self and g.run_dir]
        found = []
        for where, dirs, names in os.walk(top):
            for name in dirs + names:
                path = os.path.join(where, name)[len(self.root):]
                if not any((path + "/").startswith(k + "/") for k in kept):
                    found.append(path)
        stay = ("/run/vmferry/locks", "/run/vmferry/tokens",
                "/run/vmferry/sockets")
        return [p for p in found if p not in stay]

    def descriptors_of_sshd(self):
        pid = harness.read(self.at("/run/sshd.pid")).decode().strip()
        return len(os.listdir(f"/proc/{self.outside_pid(int(pid))}/fd"))


class Lab:
    def __init__(self, name):
        self.name = f"{name}-{os.urandom(3).hex()}"
        self.hosts = {}

    def argv(self, *args):
        return [LAB, "--name", self.name, *args]

    def ok(self, *args):
        done = subprocess.run(self.argv(*args), text=True, timeout=120,
                              capture_output=True)
        if done.returncode:
            raise AssertionError(f"lab {' '.join(args)}: {done.stderr}")
        return done.stdout

    def up(self, *number):
        for line in self.ok("up", *number).splitlines():
            match = re.match(r"(\S+)\s.*\bup \(pid (\d+)\)", line)
            name, pid = (match[1], int(match[2])) if match else ("", 0)
            if name and (name not in self.hosts or
                         self.hosts[name].init != pid):
                self.hosts[name] = Host(self, name, pid)
        return self

    def down(self):
        self.ok("down")

    def __getitem__(self, name):
        return self.hosts[name]

    def other(self, host):
        return next(h for h in self.hosts.values() if h is not host)


class LabGuest:
    """A built-in guest that knows which host it is on."""

    def __init__(self, host, name, append, memory, extra=(), under=(),
                 directory="/run", kernel=harness.GUEST_ELF):
        """@under: a command line that runs QEMU's as its child."""
        self.host, self.name = host, name
        self.run_dir, self.followed = None, set()
        # The serial port first: its socket is the run directory's s0.sock.
        self.serial, self.qmp = (
            f"{directory}/{name}.{what}" for what in ("serial", "qmp"))
        self.watch = GuestWatch()
        self.watch.add(host.at(self.serial))
        self.process = subprocess.Popen(
            host.argv(*under, harness.QEMU, "-name", name, "-accel", "tcg", "-M",
                      "pc", "-m", memory, "-nodefaults", "-display", "none",
                      "-serial", f"unix:{self.serial},server=on,wait=off",
                      "-qmp", f"unix:{self.qmp},server=on,wait=off",
                      "-kernel", kernel, "-append", append,
                      *extra),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.watch.wait_for(lambda: self.watch.lines("F "), 120,
                            "the guest does not boot")
        self.outside_pid = next(p for p, (_, line) in host.processes().items()
                                if line.startswith(harness.QEMU) and
                                f"-name {name} " in line)

    def start(self, *args, there=None, under=(), watch="0"):
        """Its migration to the other host, as a user there would start it.

        under: a command that runs it. watch: how long the source is watched.
        """
        there = there or self.host.lab.other(self.host)
        # One guest a lab, so every serial socket there is its own.
        path = there.at("/run/vmferry/run-*/s0.sock")
        if path not in self.followed:
            self.followed.add(path)
            self.watch.add(path)
        return harness.Run(
            self.host.argv(*under, harness.VMFERRY, "migrate", self.name,
                           there.name, "--no-input", "--watch-source", watch,
                           *harness.budget(args),
                           *args), mixed=True)

    def arrive(self, outcome, there=None):
        """Takes note of a migration that went well."""
        self.host = there or self.host.lab.other(self.host)
        self.run_dir = f"/run/vmferry/{outcome.result['run']}"
        self.outside_pid = self.host.outside_pid(outcome.result["owner_pid"])

    def find(self, host, run):
        """Notes where a migration without a reported end has left it."""
        self.host, self.run_dir = host, f"/run/vmferry/{run}"
        self.outside_pid = next(
            p for p, (_, line) in host.processes().items()
            if f"-name {self.name} " in line and self.run_dir in line)

    def monitor(self):
        return harness.Qmp(self.host.at(self.qmp))

    def at(self):
        return self.host.at(self.serial)

    def verify(self):
        return self.watch.verify(self.at(), timeout=120)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.outside_pid}/fd"))

    def resident_bytes(self):
        """Without the guest's own memory: what QEMU itself takes."""
        status = harness.read(f"/proc/{self.outside_pid}/status").decode()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def stop(self):
        self.watch.close()
        if self.outside_pid:
            harness.kill(self.outside_pid)
        self.process.kill()
        self.process.wait()


def problems(guest, lab, verify=True):
    """What is not as it should be once a migration has ended."""
    found = []
    watch = guest.watch
    watch.wait_beats(guest.at(), 5, 60)
    if verify:
        verdict = guest.verify()
        if not verdict["ok"] or verdict["bad"]:
            found.append(f"memory: {verdict['line']}")
    if watch.missing():
        found.append(f"heartbeats missing: {watch.missing()}")
    if watch.both_ran():
        found.append(f"two copies ran: {watch.both_ran()}")
    found += [f"the guest says: {ln.text}" for ln in watch.lines("E ")]
    for host in lab.hosts.values():
        try:
            harness.wait_until(lambda h=host: not h.strangers([guest]), 60, "")
        except TimeoutError:
            found.append(f"left over on {host.name}: "
                         f"{host.strangers([guest])}")
        found += [f"left over on {host.name}: {p}"
                  for p in host.files([guest])]
    return found
