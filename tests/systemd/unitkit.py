# SPDX-License-Identifier: MIT
"""Guests in units on two hosts with a systemd each: containers or machines of
tools/lab.

The hosts are booted once, by the first test that wants them. A guest is the
built-in one, slow and small, as it may run in an emulated machine that is
emulated on another one.
"""
import atexit
import json
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
for folder in ("tests/e2e", "tools/lab"):
    sys.path.insert(0, os.path.join(ROOT, folder))

import harness
import container
import machine

QEMU = "/usr/bin/qemu-system-x86_64"
MEMORY = "16392K"
# Without a rate its clock ticks 100 times a second, else 1000 times.
SLOW_GUEST = "fill=4 hb=500"
# A copy that takes minutes.
HELD = ("--bandwidth", "16k", "--max-blackout", "60000", "--xbzrle", "off")
FAULTS = os.environ.get("VMFERRY_FAULT_BUILD",
                        os.path.join(ROOT, "build-fault"))
# Another test's guest of that name has not moved away.
STATES = "/var/lib/vmferry /home/ferry/.local/state/vmferry"
BUDGET = ("--max-blackout", "60000")

def readme_block(first):
    """The lines behind this one in a code block of README."""
    with open(os.path.join(ROOT, "README.md")) as f:
        return f.read().split(f"```\n{first}\n", 1)[1].split("```", 1)[0]


KIND = (machine.Machine if os.environ.get("VMFERRY_LAB") == "machine"
        else container.Container)
_machines = None


def machines():
    global _machines
    if _machines is None:
        group = machine.Machines(harness.BUILD, {
            "guestwatch.py": os.path.join(ROOT, "tests/e2e/guestwatch.py"),
            "vmferry-faulty": os.path.join(FAULTS, "vmferry")}, KIND)
        _machines = group.__enter__()
        atexit.register(group.__exit__)
        for m in _machines:
            m.wait_up()
    return _machines


class Guest:
    """A guest that a unit of a machine starts.

    What it says stays in a log file of each machine that it runs on.
    """

    def __init__(self, name, user=None, **service):
        """@service: more lines of its unit."""
        self.name, self.user, self.service = name, user, service
        run = "/run/user/1000" if user else "/run"
        self.serial, self.qmp = f"{run}/{name}.serial", f"{run}/{name}.qmp"
        self.log = f"/var/tmp/{name}.log"
        self.unit = f"{name}.service"
        self.login = user or "root"

    def argv(self):
        return (f"{QEMU} -name {self.name} -accel tcg -M pc -m {MEMORY} "
                "-nodefaults -display none -chardev socket,id=serial,"
                f"path={self.serial},server=on,wait=off,logfile={self.log},"
                "logappend=on -serial chardev:serial "
                f"-qmp unix:{self.qmp},server=on,wait=off "
                f'-kernel /lab/guest.elf -append "{SLOW_GUEST}"')

    def unit_text(self):
        after = self.service.get("After", "")
        lines = [f"{k}={v}" for k, v in self.service.items() if k != "After"]
        target = "default" if self.user else "multi-user"
        return "\n".join([
            "[Unit]", "StartLimitIntervalSec=0", after, "[Service]",
            f"ExecStart={self.argv()}", "RestartSec=0", *lines,
            "[Install]", f"WantedBy={target}.target", ""])

    def file(self):
        return (f"/home/{self.user}/.config/systemd/user/{self.unit}"
                if self.user else f"/etc/systemd/system/{self.unit}")

    def ctl(self, words):
        return "systemctl " + ("--user " if self.user else "") + words

    def install(self, host):
        host.put(self.file(), self.unit_text(), self.login)
        host.run(self.ctl("daemon-reload"), self.login)

    def start(self, host):
        host.run(self.ctl(f"start {self.unit}"), self.login)
        self.await_beats(host)

    def show(self, host, *names):
        words = " ".join(f"-p {n}" for n in names)
        text = host.run(self.ctl(f"show {words} {self.unit}"), self.login)
        return dict(line.split("=", 1) for line in text.splitlines())

    def starts(self, host):
        """How often its unit has been started in this boot."""
        kind = "USER_UNIT" if self.user else "UNIT"
        text = host.run(f"journalctl -b -o cat {kind}={self.unit}")
        return sum(line.startswith("Started ") for line in text.splitlines())

    def qemus(self, host):
        """Pids of its QEMUs on the host."""
        text = host.run(f"pgrep -f '^{QEMU} -name {self.name} ' || true")
        return [int(p) for p in text.split()]

    # --- the witness ---------------------------------------------------------

    def beats(self, host):
        """Numbers of its beats there, as they came."""
        text = host.run(f"cat {self.log} 2>/dev/null || true")
        lines = [ln.strip("\r") for ln in text.split("\n")[:-1]]
        errors = [ln for ln in lines if ln.startswith("E ")]
        if errors:
            raise AssertionError(f"{self.name} says on {host.name}: {errors}")
        return [int(ln.split()[1]) for ln in lines
                if re.fullmatch(r"H \d+ \d+us", ln)]

    def await_beats(self, host, more=3):
        """Until it has sent so many more there."""
        count = len(self.beats(host)) + more
        host.wait(f"test $(grep -c '^H ' {self.log} || true) -ge {count}",
                  f"{self.name} does not beat")

    def verify(self, host):
        """What it says of its memory."""
        text = host.run("python3 /lab/guestwatch.py --seconds 2 "
                        f"--verify {self.serial} {self.serial}")
        return json.loads(text)["verify"]

    def remove(self, *hosts):
        for host in hosts:
            host.attempt(self.ctl(f"disable --now {self.unit}"), self.login)
            host.attempt(
                f"pkill -KILL -f '^{QEMU} -name {self.name} '; rm -rf "
                f"{self.log} {self.file()} {self.file()}.d {STATES}")


class UnitCase(unittest.TestCase):
    longMessage = True

    def setUp(self):
        self.a, self.b = machines()

    def guest(self, host, name, user=None, **service):
        guest = Guest(name, user, **service)
        self.addCleanup(guest.remove, self.a, self.b)
        guest.install(host)
        guest.start(host)
        return guest

    def there(self, host):
        return self.b if host is self.a else self.a

    def checks(self, host, guest, name, code=0):
        """[(verdict, found, remedy)] of the checks of that name."""
        done = host.attempt(f"vmferry check {guest.name} "
                            f"{self.there(host).name} --json --no-input",
                            guest.login)
        self.assertEqual(done.returncode, code, done)
        return [(c["verdict"], c["found"], c["remedy"])
                for c in json.loads(done.stdout)["checks"]
                if c["name"] == name]

    def migrate(self, host, guest, *args, program="vmferry"):
        """Its migration to the other machine, under way."""
        run = harness.Run(
            host.argv(f"{program} migrate {guest.name} {self.there(host).name} "
                      "--no-input --watch-source 0 "
                      + " ".join(args or BUDGET), guest.login), mixed=True)
        self.addCleanup(run.abandon)
        return run

    def move(self, host, guest):
        done = self.migrate(host, guest).finish(machine.RUN_S)
        self.assertEqual(done.code, 0, str(done))
        self.assert_moved(host, guest)
        return done

    def assert_moved(self, host, guest):
        """It runs on the other one, whole, and never ran on both at a time."""
        there = self.there(host)
        guest.await_beats(there)
        self.assertEqual(guest.qemus(host), [], "the source runs on")
        before, after = guest.beats(host), guest.beats(there)
        # numbers have no gaps, whatever was written where
        self.assertEqual(before + after, list(range(after[-1] + 1)))
        verdict = guest.verify(there)
        self.assertTrue(verdict["ok"], verdict)
