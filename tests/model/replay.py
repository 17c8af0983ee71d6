#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has the program recover what the model has recovered, and compares them.

For each trace (traces.py) two QEMUs (fake_machine.py) are put into the state in
which the model's recovery finds them, and the journal is written as the engine
had written it. `vmferry recover` must come to the model's verdict, do the same
to the same sides in the same order, each after the record that has to be on disk
before it, and end with the same guest running.
"""
import argparse
import grp
import json
import os
import pwd
import signal
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import fake_machine
import harness
import journalkit
import traces
from handover import Table

KEY = "model"


def ticks_of(pid):
    return int(harness.read(f"/proc/{pid}/stat").rpartition(b")")[2]
               .split()[19])


class World:
    """One situation, set up; and what becomes of it."""

    count = 0

    def __init__(self, place, trace):
        World.count += 1
        self.place, self.trace = place, trace
        self.run = f"run-{World.count:012x}"
        self.dir = os.path.join(place.work, self.run)
        os.makedirs(os.path.join(self.dir, "dest"))
        self.journal = os.path.join(place.runs, self.run, "journal")
        os.makedirs(os.path.dirname(self.journal), 0o700)
        self.notes = os.path.join(self.dir, "notes")
        self.pids = {}
        s = trace.situation
        self.start("source", s.source, ["qmp"])
        self.start("destination", s.dest, ["dest/qmp0", "dest/qmp1"])
        self.write_journal()

    def path(self, name):
        return os.path.join(self.dir, name)

    def last_record(self):
        try:
            words = [r["record"] for r in journalkit.records(self.journal)]
        except (OSError, ValueError, IndexError):
            return "none"
        return [w for w in words if w not in ("WISH", "SEEN")][-1]

    def note(self, *what):
        line = json.dumps([*what, self.last_record()]) + "\n"
        fd = os.open(self.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, line.encode())
        os.close(fd)

    def start(self, side, state, monitors):
        """A process that is gone has been one, too."""
        s = self.trace.situation
        if state == "none":
            return
        gone = state == "gone"
        machine = fake_machine.Machine(
            side, "ended" if gone else state, s.by_user,
            side == "destination" and s.refuses)
        pid = fake_machine.start(
            machine, [self.path(m) for m in monitors], self.note,
            lambda text: self.note("problem", text))
        self.pids[side] = pid, ticks_of(pid)
        if gone:
            harness.kill(pid)
            os.waitpid(pid, 0)

    # --- the journal ---------------------------------------------------------

    def space(self, side):
        here = {"host": os.uname().nodename,
                "machine": harness.read(harness.MACHINE_ID).decode().strip(),
                "boot": harness.read("/proc/sys/kernel/random/boot_id")
                .decode().strip(),
                "pid_namespace": os.stat("/proc/self/ns/pid").st_ino}
        away = {"src": "source", "dst": "destination"}.get(
            self.trace.situation.away)
        if side == away:
            here["pid_namespace"] += 1
        return {f"{side}_{key}" if key != "host" or side != "source"
                else "source": value for key, value in here.items()}

    def facts(self, record):
        if record == "BEGIN":
            pid, ticks = self.pids["source"]
            return {"run": self.run, "key": KEY, "guest": "model",
                    "uuid": "00000000-0000-0000-0000-000000000000",
                    "paused": False, **self.space("source"),
                    "source_pid": pid, "source_ticks": ticks,
                    "source_monitors": [self.path("qmp")],
                    "source_monitor": self.path("qmp"),
                    "source_moves": [], "source_dir": None,
                    "user": pwd.getpwuid(os.getuid()).pw_name,
                    "group": grp.getgrgid(os.getgid()).gr_name,
                    "uid": os.getuid(),
                    "destination": "local", **self.space("destination")}
        if record == "PREP" and self.trace.situation.dest != "none":
            return {"directory": self.path("dest"), "lock": self.path("lock"),
                    "session": "", "monitor": self.path("dest/qmp0"),
                    "rescue": self.path("dest/qmp1"), "moves": []}
        if record in ("PREP", "DEST") and "destination" in self.pids:
            pid, ticks = self.pids["destination"]
            return {"destination_pid": pid, "destination_ticks": ticks}
        return None

    def write_journal(self):
        records = []
        for word, wanted in self.trace.records:
            data = self.facts(word)
            if wanted is not None:
                data = dict(data or {}, was_running=wanted)
            if word == "SEEN":
                data = {"source_ran": True}
            record = {"seq": len(records) + 1, "t": time.time(),
                      "record": word}
            records.append(dict(record, data=data) if data else record)
        # one that was launched is known, whatever the record
        if "destination" in self.pids:
            pid, ticks = self.pids["destination"]
            for record in records:
                if record["record"] == "PREP":
                    record["data"].update(destination_pid=pid,
                                          destination_ticks=ticks)
        with open(self.journal, "xb"):
            pass
        os.chmod(self.journal, 0o600)
        journalkit.write(self.journal, 2, records)

    # --- what becomes of it --------------------------------------------------

    def recover(self):
        choice = self.trace.situation.choice
        force = ["--force-source", choice] if choice else []
        return harness.vmferry(self.place, "recover", "--json", *force,
                               self.run)

    def done(self):
        """What was done to both sides, and after which record."""
        return [tuple(json.loads(line)) for line in
                harness.read(self.notes).decode().splitlines()]

    def runs(self):
        """Which of both runs the guest."""
        found = []
        for side, monitor in (("source", "qmp"), ("destination", "dest/qmp0")):
            pid = self.pids.get(side, (0, 0))[0]
            if pid and harness.is_alive(pid):
                with harness.Qmp(self.path(monitor)) as q:
                    if q.command("query-status")["running"]:
                        found.append(side)
        return found

    def ends_with(self):
        """Of a journal that is left: its record, and what was seen."""
        if not os.path.exists(self.journal):
            return False
        return self.last_record(), any(
            (r.get("data") or {}).get("source_ran")
            for r in journalkit.records(self.journal))

    def end(self):
        for pid, _ in self.pids.values():
            harness.kill(pid, signal.SIGKILL)
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass
        harness.remove(os.path.dirname(self.journal))
        harness.remove(self.dir)


def expected(trace):
    """Of the model's steps those that a QEMU notices."""
    return [step for step in trace.steps if step[0]]


def expected_runs(trace):
    runs = []
    if trace.end.source == "run":
        runs.append("source")
    if trace.end.dest == "run":
        runs.append("destination")
    return runs


def compare(place, trace):
    """What differs, or None."""
    world = World(place, trace)
    try:
        done = world.recover()
        got = done.json()
        if isinstance(got, list):
            got = got[0]
        pairs = {
            "verdict": (got["outcome"], trace.verdict),
            "steps": (world.done(), expected(trace)),
            "runs": (world.runs(), expected_runs(trace)),
            "journal": (world.ends_with(), trace.end.pc != "end" and
                        (trace.end.journal, trace.end.noted)),
        }
        wrong = {name: {"program": a, "model": b}
                 for name, (a, b) in pairs.items() if a != b}
        return wrong and (wrong, str(done))
    finally:
        world.end()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("verdicts", help="what verdict_dump printed")
    p.add_argument("--all", action="store_true", help="all situations")
    p.add_argument("-v", "--verbose", action="store_true")
    a = p.parse_args()
    began = time.monotonic()
    found = traces.traces(Table(a.verdicts))
    some = found if a.all else traces.chosen(found)
    rows, steps = ({g for t in found for g in traces.goals(t)
                    if g[0] == kind} for kind in ("row", "steps"))
    place = harness.isolate()
    bad = 0
    for trace in some:
        wrong = compare(place, trace)
        if a.verbose or wrong:
            print(f"  {trace.situation}: {trace.verdict}", flush=True)
        if wrong:
            bad += 1
            print(f"    {wrong[0]}\n    {trace.records}\n    {trace.steps}")
            print("    " + wrong[1].replace("\n", "\n    ") if a.verbose
                  else "", flush=True)
    print(f"replayed: {len(some)} of {len(found)} situations, with all "
          f"{len(rows)} rows of the verdict's tables and {len(steps)} courses "
          f"of steps that the model meets; {bad} differ; "
          f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
