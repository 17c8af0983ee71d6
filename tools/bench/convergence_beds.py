# SPDX-License-Identifier: MIT
"""Where the convergence bench runs: on loopback, or between two lab hosts.

On loopback the link is what --bandwidth allows. QEMU may go beyond that in the
final copy, so blackouts can look better than on a link of that speed. In the
lab the link itself is shaped.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import harness
import labkit

GUEST = "bench"
# Beyond the deadline: to connect, to undo, on a machine that is busy.
PATIENCE_S = 60
# A forecast takes no longer.
MOST_S = 90


def still(guest, serial):
    """Stops its rewriting, so that a check of all pages takes no time."""
    guest.watch.wait_beats(serial, 5, 20)
    guest.watch.send(serial, b"p")


class Program:
    """A copy of the program: what is built meanwhile is not measured."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="vmferry-bench-")
        os.chmod(self.dir, 0o755)
        harness.VMFERRY = shutil.copy(harness.VMFERRY, self.dir)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Loopback:
    name = "loopback"

    def __init__(self):
        self.place = harness.isolate()
        self.sshd = harness.Sshd(self.place)

    def guest(self, case):
        guest = harness.Guest(self.place, case.append, memory=case.memory,
                              name=GUEST, start=False)
        try:
            guest.start()
        except BaseException:
            self.drop(guest)
            raise
        return guest

    def migrate(self, guest, case, *options):
        run = harness.Run(
            [harness.VMFERRY, "migrate", guest.name, self.sshd.target,
             *self.sshd.login(), "--bandwidth", f"{case.link_mbs}M",
             *options], self.place.env, guest)
        outcome = run.finish(case.deadline_s + PATIENCE_S)
        result = outcome.result
        if result and result["owner"] == "destination":
            guest.process.wait()
            guest.pid = result["owner_pid"]
        return outcome

    def forecast(self, guest, case, *options):
        return harness.vmferry(
            self.place, "forecast", guest.name, self.sshd.target,
            *self.sshd.login(), "--bandwidth", f"{case.link_mbs}M", *options,
            timeout=MOST_S)

    def problems(self, guest):
        """What is not as it should be once a migration has ended."""
        still(guest, guest.serial)
        verdict, watch = guest.verify(), guest.watch
        found = [] if verdict["ok"] else [f"memory: {verdict['line']}"]
        if watch.missing():
            found.append(f"heartbeats missing: {watch.missing()}")
        if watch.both_ran():
            found.append(f"two copies ran: {watch.both_ran()}")
        found += [f"the guest says: {ln.text}" for ln in watch.lines("E ")]
        if guest.read_settings() != guest.settings:
            found.append("migration settings of its QEMU changed")
        return found

    def drop(self, guest):
        guest.stop()

    def strangers(self):
        found = harness.ours()
        found.pop(self.sshd.process.pid, None)
        return found

    def sweep(self):
        """Ends and removes what a run left; says what that was."""
        try:
            harness.wait_until(lambda: not self.strangers(), 10, "")
        except TimeoutError:
            pass
        left = self.strangers()
        for pid in left:
            harness.kill(pid)
        files = self.place.left_over()
        for path in files:
            harness.remove(path)
        return [f"left over: {what}" for what in [*left.values(), *files]]

    def close(self):
        self.sweep()
        self.sshd.stop()
        self.place.remove()


class TwoHosts:
    name = "lab"

    def __init__(self):
        self.lab = labkit.Lab("convergence")
        self.mbit = None
        try:
            self.lab.up()
        except BaseException:
            self.lab.down()
            raise

    def guest(self, case):
        if self.mbit != case.link_mbs * 8:
            self.mbit = case.link_mbs * 8
            self.lab.ok("rate", str(self.mbit))
        return labkit.LabGuest(self.lab["hosta"], GUEST, case.append,
                               case.memory)

    def migrate(self, guest, case, *options):
        outcome = guest.start(*options).finish(case.deadline_s + PATIENCE_S)
        if outcome.result and outcome.result["owner"] == "destination":
            guest.arrive(outcome)
        return outcome

    def forecast(self, guest, _case, *options):
        there = self.lab.other(guest.host)
        done = guest.host.run(harness.VMFERRY, "forecast", guest.name,
                              there.name, "--no-input", *options,
                              timeout=MOST_S)
        return harness.Outcome(done.returncode, done.stdout, done.stderr)

    def problems(self, guest):
        still(guest, guest.at())
        return labkit.problems(guest, self.lab)

    def drop(self, guest):
        guest.stop()
        if guest.run_dir:
            harness.remove(guest.host.at(guest.run_dir))

    def sweep(self):
        found = []
        for host in self.lab.hosts.values():
            try:
                harness.wait_until(lambda h=host: not h.strangers(), 10, "")
            except TimeoutError:
                pass
            left = host.strangers()
            for pid in left:
                harness.kill(pid)
            files = host.files()
            for path in files:
                harness.remove(host.at(path))
            found += [f"left over on {host.name}: {what}" for what in
                      [*(line for _, line in left.values()), *files]]
        return found

    def close(self):
        self.lab.down()


def takes(option):
    """Whether this build's migrate has the option."""
    shown = subprocess.run([harness.VMFERRY, "migrate", "--help"], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)
    return any(line.split()[:1] == [option]
               for line in shown.stdout.splitlines())
