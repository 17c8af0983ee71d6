# SPDX-License-Identifier: MIT
"""The book of a fault driver: a JSON line a trial, and the totals.

A trial that went well with this very binary is not run again; one that failed,
or ran with another binary, is. So a driver that was stopped goes on, and after
a repair only what was bad (with --any-build) or everything is tried anew.

With --lanes N the trials are shared among N processes, which do not see each
other's; the book is one.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import zlib

import processes                # first: it knows where the others are
import harness
from apart import apart, end_apart
from presence import Presence

# What begins a problem's text → how the totals call it.
KINDS = {"two": "two running", "lost": "lost", "left": "left over"}


def parser(text):
    p = argparse.ArgumentParser(description=text.split("\n", 1)[0])
    p.add_argument("--fresh", action="store_true", help="forget the book")
    p.add_argument("--any-build", action="store_true",
                   help="what another binary passed counts as well")
    p.add_argument("-k", metavar="TEXT", dest="only",
                   help="only trials with this in their name")
    p.add_argument("--lanes", type=int, default=1, metavar="N",
                   help="so many trials at a time")
    p.add_argument("--lane", metavar="K/N", help=argparse.SUPPRESS)
    return p


def need(faults=False):
    """Says what is missing and ends; a check that cannot run is no success.

    TERM and INT, also to a job in the background, stop it in good order.
    """
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, signal.default_int_handler)
    missing = []
    if not harness.IS_ROOT:
        missing.append("root (for a /run of its own)")
    if not os.path.exists(harness.VMFERRY):
        missing.append(f"{harness.VMFERRY} (make)")
    elif faults and not has_faults():
        missing.append("fault points in the program (make BUILD=build-fault "
                       "EXTRA=-DVMFERRY_FAULTS, VMFERRY_BUILD=build-fault)")
    if missing:
        print("cannot run: needs " + " and ".join(missing), file=sys.stderr)
        sys.exit(2)


def has_faults():
    return b"VMFERRY_FAULT" in harness.read(harness.VMFERRY)


def run_lanes(count):
    """This program's own command line, once a lane; returns when all went on
    to their end, whatever became of the trials."""
    here = Presence(harness.STATE, harness.MACHINE_ID)
    lanes = [subprocess.Popen(apart([sys.executable, *sys.argv, "--lane",
                                     f"{lane}/{count}"]))
             for lane in range(count)]
    try:
        broken = [lane for lane in lanes if lane.wait()]
    except KeyboardInterrupt:
        for lane in lanes:
            end_apart(lane.pid)
        for lane in lanes:
            lane.wait()
        sys.exit(130)
    finally:
        here.end()
    if broken:
        sys.exit(f"a lane broke off with status {broken[0].returncode}")


class Book:
    def __init__(self, name, args):
        self.path = os.path.join(processes.OUT, name + ".jsonl")
        self.build = processes.pin()
        self.any_build = args.any_build
        self.lane, self.lanes = map(int, (args.lane or "0/1").split("/"))
        self.all_done = False
        if args.fresh and not args.lane and os.path.exists(self.path):
            os.unlink(self.path)
        if args.lanes > 1 and not args.lane:
            run_lanes(args.lanes)
            self.all_done = True
        self.entries = {}
        if os.path.exists(self.path):
            with open(self.path) as f:
                for line in f:
                    if line.endswith("\n"):
                        self._take(json.loads(line))
        self.now = []

    def _take(self, entry):
        if self.any_build or entry["build"] == self.build:
            self.entries[entry["trial"]] = entry

    def done(self, trial):
        """Whether it went well before, or is run in another lane."""
        entry = self.entries.get(trial)
        return (self.all_done or
                zlib.crc32(trial.encode()) % self.lanes != self.lane or
                entry is not None and not entry["problems"])

    def add(self, trial, problems, **facts):
        entry = dict(trial=trial, build=self.build, at=round(time.time(), 1),
                     problems=problems, **facts)
        self._take(entry)
        self.now.append(trial)
        with open(self.path, "a") as f:
            f.write(json.dumps(entry) + "\n")
        words = " ".join(f"{k}={v}" for k, v in facts.items()
                         if v is not None)
        print(f"{'FAIL' if problems else 'ok':4} {trial}  {words}", flush=True)
        for problem in problems:
            print(f"     {problem[:1500]}", flush=True)

    def totals(self, among=None):
        """Prints them; the exit status. A lane leaves both to who shares."""
        if self.lanes > 1:
            return 0
        chosen = [e for t, e in self.entries.items()
                  if among is None or t in among]
        bad = [e for e in chosen if e["problems"]]
        counts = {word: sum(any(p.startswith(kind + ":") for p in
                                e["problems"]) for e in chosen)
                  for kind, word in KINDS.items()}
        worst = max((e for e in chosen if e.get("gap_ms") and
                     e.get("promised", True)),
                    key=lambda e: e["gap_ms"], default=None)
        print(f"{len(chosen)} trials, {len(bad)} failed: " +
              ", ".join(f"{n} {word}" for word, n in counts.items()))
        if worst:
            print(f"longest silence of the guest: {worst['gap_ms']:.0f} ms "
                  f"({worst['trial']})")
        for e in bad:
            print(f"FAILED: {e['trial']}")
        return 1 if bad or not chosen else 0


def run_all(book, place, trials, again_line):
    """Each trial that is not done: (name, function → (problems, facts)).

    A function that raises has failed; what it had under way is cleaned up.
    None for its result: there was nothing to try.
    """
    for name, function in trials:
        if book.done(name):
            continue
        started = time.monotonic()
        place.last = None
        try:
            result = function()
        except Exception:
            result = ["broke off: " + traceback.format_exc()], {}
        if result is None:
            continue
        problems, facts = result
        facts["took_s"] = round(time.monotonic() - started, 1)
        if problems:
            if place.last:
                facts["evidence"] = place.last.keep_evidence(
                    name, problems)
            facts["again"] = again_line(name)
        book.add(name, problems, **facts)
        if problems:
            place.clean()
