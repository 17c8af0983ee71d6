#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has the program migrate as the model does, with a user who stops the guest.

For each script (engine_traces.py) `vmferry migrate` moves a guest between the
QEMUs of fake_pair.py. It must write the model's records, do the same to the same
sides in the same order, each after the same records, and end with the same guest
running or paused, and the exit code for it.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import engine_traces
import fake_pair
import harness
import journalkit
from handover import Table

STATES = {"run": "running", "loaded": "paused", "paused": "paused",
          "gone": None, "none": None}


class World:
    """One migration."""

    count = 0

    def __init__(self, place, program, script):
        World.count += 1
        self.place, self.script = place, script
        self.dir = os.path.join(place.work, f"pair{World.count}")
        os.mkdir(self.dir)
        shutil.copy(program, self.path("qemu-system-x86_64"))
        self.kept = None    # a second name of the journal
        self.ferry = None
        self.pair = fake_pair.Pair(self.dir, script, self.records,
                                   self.cancel)
        self.pair.start()
        self.name = f"model{World.count}"
        self.source = subprocess.Popen(
            [self.path("qemu-system-x86_64"), "-name", self.name, "-machine",
             "fake-7.2", "-m", "131080K", "-nodefaults", "-display", "none",
             "-qmp", f"unix:{self.path('qmp')},server=on,wait=off"],
            env=place.env, stdin=subprocess.DEVNULL)
        harness.wait_until(lambda: os.path.exists(self.path("qmp")), 60,
                           "the source does not listen")

    def path(self, name):
        return os.path.join(self.dir, name)

    def journal(self):
        """It is removed in the end; its other name stays."""
        if not self.kept and os.path.isdir(self.place.runs):
            for run in os.listdir(self.place.runs):
                try:
                    os.link(os.path.join(self.place.runs, run, "journal"),
                            self.link_at())
                    self.kept = self.link_at()
                except OSError:
                    pass
        return self.kept

    def link_at(self):
        """On the file system of the journal."""
        return os.path.join(self.place.state, f"kept-{self.name}")

    def records(self):
        try:
            found = journalkit.records(self.journal())
        except (OSError, ValueError, TypeError):
            return []
        words = []
        for r in found:
            wanted = (r.get("data") or {}).get("was_running")
            # DEST comes a second time with settings
            if not words or r["record"] == "WISH" or \
                    words[-1][0] != r["record"]:
                words.append((r["record"], wanted))
        return words

    def cancel(self):
        if self.ferry:
            self.ferry.send_signal(signal.SIGINT)
            self.pair.cancel = lambda: None

    def migrate(self):
        self.ferry = subprocess.Popen(
            [harness.VMFERRY, "migrate", "--json", self.name, "local",
             "--max-blackout", "60000", "--watch-source", "0"],
            env=self.place.env, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = self.ferry.communicate(timeout=180)
        return self.ferry.returncode, out + err

    def states(self):
        found = {}
        for side, machine in self.pair.machines.items():
            lives = harness.is_alive(machine.pid)
            found[side] = machine.status if lives else None
        return found.get("source"), found.get("destination")

    def end(self):
        pids = [m.pid for m in self.pair.machines.values()]
        for pid in pids:
            harness.kill(pid)
        self.source.wait()
        harness.wait_until(lambda: not any(map(harness.is_alive, pids)), 60,
                           "the fakes do not end")
        self.pair.finish()
        harness.wait_until(lambda: not harness.ours(), 60,
                           f"processes are left: {harness.ours()}")
        left = self.place.left_over()
        for path in left:
            harness.remove(path)
        harness.remove(self.dir)
        return [p for p in left if p != self.link_at()]


def differences(world, course):
    code, said = world.migrate()
    pairs = {
        "exit code": (code, engine_traces.ENDINGS[world.script.ending]),
        "records": (world.records(), course.records),
        "steps": (world.pair.notes, course.steps),
        "ends": (world.states(), (STATES[course.source],
                                  STATES[course.dest])),
    }
    return {name: {"program": a, "model": b}
            for name, (a, b) in pairs.items() if a != b}, said


def compare(place, program, script, course):
    """What differs, and what the program said."""
    world = World(place, program, script)
    try:
        wrong, said = differences(world, course)
    finally:
        left = world.end()
    if left:
        wrong["left over"] = left
    return wrong, said


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("verdicts", help="what verdict_dump printed")
    p.add_argument("program", help="fake_system.c, compiled")
    p.add_argument("--all", action="store_true", help="all scripts")
    p.add_argument("--share", default="0/1", metavar="K/N",
                   help="every Nth of them, from the Kth on")
    p.add_argument("-v", "--verbose", action="store_true")
    a = p.parse_args()
    began = time.monotonic()
    table = Table(a.verdicts)
    if a.all:
        some = [(s, engine_traces.course(table, s))
                for s in engine_traces.scripts()]
    else:
        some = list(engine_traces.chosen(table))
    first, every = map(int, a.share.split("/"))
    some = some[first::every]
    place = harness.isolate()
    bad = 0
    for script, course in some:
        wrong, said = compare(place, a.program, script, course)
        if a.verbose or wrong:
            print(f"  {script}", flush=True)
        for name, both in wrong.items():
            print(f"    {name}: {json.dumps(both)}")
        if wrong:
            bad += 1
            print("    " + said.replace("\n", "\n    "), flush=True)
    print(f"migrated: {len(some)} scripts of a user who stops and continues "
          f"the guest; {bad} differ from the model; "
          f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
