# SPDX-License-Identifier: MIT
"""The cells that need a network or hosts to break: two hosts of the lab.

A hole lets no packet through for so many seconds and breaks no connection;
for how long the guest was stopped is in the book as gap_ms.
"""
import json
import os
import shutil
import subprocess
import time

import cells
import ground
import harness
import holds
import labkit
import processes
from cells import Expect, concluded
from guestwatch import GuestWatch

GUEST = "labguest"
# Frozen for 5 s at most where the network is lost, and a slow machine.
FROZEN_MS = 5000 + ground.SLACK_MS


def is_ferry(line):
    words = line.split(" ")
    return words[0].endswith("vmferry") and \
        words[1:2] in (["migrate"], ["guardian"], ["recover"])


def write_report(name, lines):
    """The directory for the evidence of this trial, begun."""
    where = os.path.join(processes.OUT, "failures", name.replace("/", "_"))
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    with open(os.path.join(where, "report"), "w") as f:
        f.writelines(f"{line}\n" for line in lines)
    return where


class LabGround:
    def __init__(self):
        self.last, self.lab, self.guest = None, None, None
        self.clean()

    def clean(self):
        self.close()
        self.lab = labkit.Lab("fault").up()
        self.fresh_guest()

    def close(self):
        if self.guest:
            self.guest.stop()
        if self.lab:
            self.lab.down()
        self.guest = self.lab = None

    def fresh_guest(self):
        if self.guest:
            self.guest.stop()
        self.guest = labkit.LabGuest(self.lab["hosta"], GUEST, ground.LOAD,
                                     harness.SMALL)

    def fresh_watch(self):
        """One client a serial port: the one before must not come between."""
        guest = self.guest
        guest.watch.close()
        guest.watch = GuestWatch()
        guest.watch.add(guest.at(), timeout=60)
        self.follow()
        guest.watch.started_ns = time.monotonic_ns()
        return guest.watch

    def follow(self):
        """Wherever it may run, on hosts as they are now."""
        for host in self.lab.hosts.values():
            self.guest.watch.add(host.at("/run/vmferry/run-*/s0.sock"))

    def problems(self):
        """What is wrong with a guest that is where it should be."""
        # An sshd behind a hole never learns that its client is dead.
        for host in self.lab.hosts.values():
            host.end_ssh_sessions()
        try:
            found = labkit.problems(self.guest, self.lab)
        except (TimeoutError, LookupError) as e:
            found = [f"beats: the guest does not run: {e}"]
        words = {"two": "two", "left": "left", "memory:": "memory"}
        return [f"{words.get(p.split(' ')[0], 'beats')}: {p}" for p in found
                ] + [f"left: {p}" for p in self.files()]

    def up(self):
        """What is down comes back."""
        self.lab.up()
        self.follow()

    def processes(self):
        return [(p, own, line, h) for h in self.lab.hosts.values()
                for p, (own, line) in h.processes().items()]

    def qemus(self):
        return {p: line for p, _, line, _ in self.processes()
                if f"-name {GUEST} " in line and "qemu-system" in
                line.split(" ")[0]}

    def ferries(self):
        return {p: line for p, _, line, _ in self.processes()
                if is_ferry(line)}

    def recover(self, host=None, timeout=120):
        done = (host or self.last.host).run(harness.VMFERRY, "recover",
                                            "--json", timeout=timeout)
        return harness.Outcome(done.returncode, done.stdout, done.stderr)

    def files(self):
        """Of all hosts: run roots and journals."""
        found = [f"left on {h.name}: {p}" for h in self.lab.hosts.values()
                 for p in h.files([self.guest])]
        return found + [f"left on {h.name}: {run}"
                        for h in self.lab.hosts.values()
                        for run in _names(h.at("/var/lib/vmferry/runs"))]


def _names(path):
    return os.listdir(path) if os.path.isdir(path) else []


class LabTrial(ground.Trial):
    """An engine on the guest's host that moves it to the other one."""

    def __init__(self, place, fault=None, args=()):
        self.ground, self.guest = place, place.guest
        place.last = self
        self.host = self.guest.host
        self.there = self.host.lab.other(self.host)
        self.source = self.guest.outside_pid
        self.broke_ns = self.ended_ns = None
        self.outcome = self.owner = None
        place.fresh_watch()
        self.run = self._start(fault, args)
        self.engine = harness.wait_until(
            lambda: self._engine() or self.run.process.poll() is not None, 30,
            "no engine on the host")

    def _start(self, fault, args):
        fault = ["env", f"VMFERRY_FAULT={fault}"] if fault else []
        return harness.Run(self.host.argv(
            *fault, harness.VMFERRY, "migrate", GUEST, self.there.name,
            "--no-input", "--watch-source", "0", *ground.BUDGET,
            *ground.TRANSPORTS[ground.transport], *args),
            mixed=True)

    def _engine(self):
        return next((p for p, (_, line) in self.host.processes().items()
                     if is_ferry(line) and " migrate " in line), None)

    def settle(self, timeout=ground.SETTLE_S):
        harness.wait_until(lambda: not self.ground.ferries(), timeout,
                           f"still at work: {self.ground.ferries()}")

    def states(self):
        found = []
        for pid in self.ground.qemus():
            monitor = self.guest.host.at(self.guest.qmp)
            if pid != self.source:
                run = f"/run/vmferry/{self.run.run_id()}"
                monitor = self.there.at(f"{run}/s1.sock")
            try:
                with harness.Qmp(monitor, timeout=2) as q:
                    found.append(q.command("query-status")["status"])
            except OSError:
                found.append("busy")
        return found

    def judge(self, owners, again=True):
        found = self._find_owner(owners)
        if self.owner != "none":
            found += self.ground.problems()
        else:
            self.ground.fresh_guest()
            found += [f"left: {p}" for p in self.ground.files()
                      if f"/{self.run.run_id()}" in p]
        if again and not found and self.owner != "none":
            found += self._again()
        self.guest.watch.close()
        return found

    def _find_owner(self, owners):
        pids = list(self.ground.qemus())
        if len(pids) > 1:
            self.owner = "unknown"
            return [f"left: more than one QEMU: {self.ground.qemus()}"]
        self.owner = "none" if not pids else "source" if \
            pids[0] == self.source else "destination"
        if self.owner == "destination":
            self.arrived(pids[0])
        word = "lost" if self.owner == "none" else "owner"
        return [] if self.owner in owners else \
            [f"{word}: it is {self.owner} instead of {sorted(owners)}"]

    def arrived(self, pid):
        guest = self.guest
        guest.host = guest.host.lab.other(guest.host)
        guest.outside_pid = pid
        guest.run_dir = f"/run/vmferry/{self.run.run_id()}"

    def _again(self):
        there = self.guest.host.lab.other(self.guest.host)
        second = harness.Run(self.guest.host.argv(
            harness.VMFERRY, "migrate", GUEST, there.name, "--no-input",
            *ground.BUDGET), mixed=True)
        done = second.finish()
        if done.code != 0:
            return [f"again: {done}"]
        self.guest.arrive(done)
        return self.ground.problems()

    def keep_evidence(self, name, problems):
        where = write_report(name, [
            *problems, self.outcome, *self.run.events,
            *self.ground.processes()])
        runs = self.host.at("/var/lib/vmferry/runs")
        for run in _names(runs):
            path = os.path.join(runs, run, "journal")
            with open(os.path.join(where, f"{run}-journal.txt"), "w") as f:
                subprocess.run([harness.VMFERRY, "journal", "print", path],
                               stdout=f, stderr=f)
        return where


class LabHold:
    def __init__(self, place, point):
        self.trial = LabTrial(place, f"{point}:stop", holds.arguments(point))
        self.aside = processes.Aside(self.trial.engine)
        self.trial.wait_stopped()
        self.aside.join(60)

    go_on = holds.Hold.go_on
    guardian_goes_on = holds.Hold.guardian_goes_on


# --- cells -------------------------------------------------------------------


def hole(point, seconds, frozen_ms=None):
    """The destination is unreachable for so long, from this point on."""
    def run(place, expect):
        hold = LabHold(place, point)
        trial = hold.trial
        trial.broken()
        began = time.monotonic()
        place.lab.ok("cut", trial.there.name)
        hold.go_on()

        def heal():
            # the length of the hole is the fault itself
            time.sleep(max(0, began + seconds - time.monotonic()))
            place.lab.ok("heal", trial.there.name)
        if seconds < 20:
            heal()
            problems, facts = concluded(trial, expect)
        else:
            problems, facts = hole_heals(trial, expect, began, seconds, heal)
        if frozen_ms and facts["gap_ms"] > frozen_ms:
            problems.append(f"slow: frozen for {facts['gap_ms']} ms")
        return problems, facts
    return run


def hole_heals(trial, expect, began, seconds, heal):
    """The engine may end before the hole does, or must not."""
    while time.monotonic() < began + seconds and \
            trial.run.process.poll() is None:
        time.sleep(0.05)
    if trial.run.process.poll() is None:
        heal()
        return concluded(trial, expect)
    return concluded(trial, expect, heal)


def reset(point):
    def run(place, expect):
        hold = LabHold(place, point)
        hold.trial.broken()
        place.lab.ok("reset")
        hold.go_on()
        return concluded(hold.trial, expect)
    return run


PORT_RULES = """
table inet lane {
	chain in {
		type filter hook input priority 0;
		tcp dport 49152-49215 drop
	}
}
"""


def port_hole(point, seconds, frozen_ms=None):
    """Only the stream's own connection is in a hole; logins are well."""
    def run(place, expect):
        hold = LabHold(place, point)
        trial = hold.trial
        trial.broken()
        began = time.monotonic()
        trial.there.sh(f"echo '{PORT_RULES}' | nft -f -")
        hold.go_on()
        problems, facts = hole_heals(
            trial, expect, began, seconds,
            lambda: trial.there.sh("nft delete table inet lane"))
        if frozen_ms and facts["gap_ms"] > frozen_ms:
            problems.append(f"slow: frozen for {facts['gap_ms']} ms")
        return problems, facts
    return run


def destination_crashes(point):
    """The host is gone; it comes back empty when the engine has ended."""
    def run(place, expect):
        hold = LabHold(place, point)
        hold.trial.broken()
        place.lab.ok("kill", hold.trial.there.name)
        hold.go_on()

        def boot():
            place.up()
            hold.trial.there = place.lab[hold.trial.there.name]
        return concluded(hold.trial, expect, boot)
    return run


def source_crashes(point):
    """With it engine, guardian and source; recover is run at its boot."""
    def run(place, expect):
        hold = LabHold(place, point)
        trial = hold.trial
        trial.broken()
        place.lab.ok("kill", trial.host.name)
        place.up()
        trial.host = place.lab[trial.host.name]
        trial.guest.host = trial.host
        trial.finish()
        done = place.recover()
        if done.code not in (0, 12):
            return [f"exit: recover at boot: {done}"], {}
        outcome = json.loads(done.out)["outcome"]
        problems, facts = concluded(trial, expect)
        return problems, dict(facts, recover=outcome)
    return run


def port_table():
    """With a connection for the stream that a rule can be made for."""
    p = holds.POINTS
    undone = Expect((4, 9, 10), {"source"}, wait_s=150)
    done = Expect((0,), {"destination"}, wait_s=150)
    return {
        # nobody has connected yet: a firewall that drops
        "port-hole-60s/before": (port_hole(p["before"], 60), Expect(
            (10,), {"source"}, wait_s=60)),
        "port-hole-20s/precopy": (port_hole(p["precopy"], 20), done),
        "port-hole-60s/precopy":
            (port_hole(p["precopy"], 60, FROZEN_MS), undone),
        "port-hole-20s/switchover":
            (port_hole(p["switchover"], 20, FROZEN_MS), undone),
        "port-hole-20s/device":
            (port_hole("switch.continue", 20, FROZEN_MS), undone),
        "port-hole-20s/committed": (port_hole(p["committed"], 20), done),
        "port-hole-20s/cleanup": (port_hole(p["cleanup"], 20), done),
    }


def table():
    p = holds.POINTS
    stays_or_not = Expect((0, 4, 9, 10), {"source", "destination"})
    undone = Expect((4, 9, 10), {"source"}, wait_s=150)
    done = Expect((0,), {"destination"}, wait_s=150)
    undecided = Expect((0, 7), {"destination"}, wait_s=200)
    untidy = Expect((0, 8), {"destination"}, wait_s=150)
    dead = Expect((*cells.KILLED, 125, 255), {"none"})
    dead_moves = Expect(dead.codes, {"destination"})
    return {
        **(port_table() if ground.transport == "tcp" else {}),
        "hole-5s/before": (hole(p["before"], 5), stays_or_not),
        "hole-60s/before": (hole(p["before"], 60), undone),
        "hole-5s/precopy": (hole(p["precopy"], 5), done),
        "hole-20s/precopy": (hole(p["precopy"], 20), done),
        "hole-60s/precopy": (hole(p["precopy"], 60, FROZEN_MS), undone),
        "hole-5s/switchover": (hole(p["switchover"], 5, FROZEN_MS),
                               stays_or_not),
        "hole-20s/switchover": (hole(p["switchover"], 20, FROZEN_MS), undone),
        "hole-60s/switchover": (hole(p["switchover"], 60, FROZEN_MS), undone),
        "hole-20s/device": (hole("switch.continue", 20, FROZEN_MS), undone),
        "hole-60s/device": (hole("switch.continue", 60, FROZEN_MS), undone),
        "hole-5s/committed": (hole(p["committed"], 5), done),
        "hole-20s/committed": (hole(p["committed"], 20), done),
        "hole-60s/committed": (hole(p["committed"], 60), undecided),
        "hole-90s/committed": (hole(p["committed"], 90), Expect(
            (7,), {"destination"}, wait_s=200)),
        "hole-5s/cleanup": (hole(p["cleanup"], 5), untidy),
        "hole-20s/cleanup": (hole(p["cleanup"], 20), untidy),
        "hole-60s/cleanup": (hole(p["cleanup"], 60), untidy),
        "reset/before": (reset(p["before"]), undone),
        "reset/precopy": (reset(p["precopy"]), undone),
        "reset/switchover": (reset(p["switchover"]), undone),
        "reset/device": (reset("switch.continue"), undone),
        "reset/committed": (reset(p["committed"]), done),
        "reset/cleanup": (reset(p["cleanup"]), untidy),
        "destination-crashes/precopy":
            (destination_crashes(p["precopy"]), undone),
        "destination-crashes/switchover":
            (destination_crashes(p["switchover"]), undone),
        "destination-crashes/committed":
            (destination_crashes(p["committed"]), cells.a_person_decides()),
        "source-crashes/precopy": (source_crashes(p["precopy"]), dead),
        "source-crashes/switchover": (source_crashes(p["switchover"]), dead),
        "source-crashes/committed":
            (source_crashes(p["committed"]), dead_moves),
        "source-crashes/cleanup": (source_crashes(p["cleanup"]), dead_moves),
    }
