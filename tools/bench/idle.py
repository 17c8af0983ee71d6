#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where the time of a migration goes when the guest does nothing.

Brings two lab hosts up (root) and moves an idle guest there and back, by each
PROGRAM in turn (build/vmferry if none is given). Prints a line for each with
the medians in ms: command to prompt, the first byte of memory after the start,
each phase, the blackout, and its round trips.

Usage: idle.py [--memory SIZE] [--repeat N] [NAME=PROGRAM ...]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))
sys.dont_write_bytecode = True

import labkit   # noqa: E402

PHASES = ("connect", "discover", "preflight", "launch", "tunnel", "precopy",
          "switchover", "finish")


def phases(path):
    """Each one's duration, from the events of a run."""
    with open(path) as f:
        events = [json.loads(line) for line in f]
    begun = [(PHASES[0], events[0]["mono_ms"])]
    begun += [(e["to"], e["mono_ms"]) for e in events if e["event"] == "phase"]
    ends = [at for _, at in begun[1:]] + [events[-1]["mono_ms"]]
    took = {name: end - at for (name, at), end in zip(begun, ends)}
    took["first byte"] = dict(begun)["precopy"] - events[0]["mono_ms"]
    return took


def move(guest, program):
    there = guest.host.lab.other(guest.host)
    with tempfile.TemporaryDirectory() as scratch:
        events = os.path.join(scratch, "events")
        began = time.monotonic()
        done = subprocess.run(
            guest.host.argv(program, "migrate", guest.name, there.name,
                            "--no-input", "--watch-source", "0", "--json",
                            "--events", events),
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        wall = time.monotonic() - began
        if done.returncode:
            raise SystemExit(done.stderr)
        result = json.loads(done.stdout)
        guest.host = there
        guest.outside_pid = there.outside_pid(result["owner_pid"])
        return {"wall": wall * 1e3, **phases(events),
                "blackout": result["blackout_ms"],
                "trips": result.get("switchover_round_trips") or 0}


def table(taken):
    columns = ["wall", "first byte", *PHASES, "blackout", "trips"]
    print(" ".join(f"{c:>10}" for c in ["", *columns]))
    for name, moves in taken.items():
        print(f"{name:>10}", *(
            f"{statistics.median(m.get(c, 0) for m in moves):10.1f}"
            for c in columns))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--memory", default="1048584K",
                   help="no multiple of 256 KiB")
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("programs", nargs="*", metavar="NAME=PROGRAM")
    args = p.parse_args()
    programs = dict(w.split("=", 1) for w in args.programs) or {
        "vmferry": str(TOP / "build/vmferry")}
    lab = labkit.Lab("idle").up()
    try:
        guest = labkit.LabGuest(lab["hosta"], "idle", "fill=0 ws=0 rate=0",
                                args.memory)
        try:
            taken = {name: [] for name in programs}
            # what the two hosts learn of each other comes first
            for program in programs.values():
                move(guest, os.path.abspath(program))
            for _ in range(args.repeat):
                for name, program in programs.items():
                    taken[name].append(move(guest, os.path.abspath(program)))
            table(taken)
        finally:
            guest.stop()
    finally:
        lab.down()


if __name__ == "__main__":
    main()
