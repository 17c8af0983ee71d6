#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Records the library of runs in tests/data/runs: real migrations, loopback.

Each is one migration of the built-in guest under a cap of its bandwidth. Kept
are the events that a replay reads, and of the samples every third: what
`remaining` does between two passes is a straight line. Names of hosts and
paths are left out.

Usage: record_runs.py [NAME ...]
"""
import json
import os
import sys

sys.dont_write_bytecode = True
import harness

OUT = os.path.join(harness.ROOT, "tests/data/runs")
KEPT = {"run-start", "sample", "pass", "decision", "switchover", "result"}
EVERY = 3
# name: what the guest does, --bandwidth, further options
RUNS = {
    "idle": ("fill=48 ws=4 rate=0", "20M", ()),
    "steady-quarter": ("fill=48 ws=32 rate=5", "20M", ()),
    "steady-half": ("fill=48 ws=32 rate=10", "20M", ()),
    "steady-fast-small": ("fill=48 ws=3 rate=60", "20M", ()),
    "steady-fast-large": ("fill=48 ws=24 rate=60", "20M",
                          ("--deadline", "25")),
    "steady-forced": ("fill=48 ws=16 rate=60", "20M",
                      ("--deadline", "15", "--on-deadline", "force")),
    "uniform-half": ("fill=48 ws=32 rate=10 pattern=uniform", "20M", ()),
    "uniform-fast": ("fill=48 ws=12 rate=50 pattern=uniform", "20M",
                     ("--deadline", "20")),
    "hotcold-half": ("fill=48 ws=32 rate=10 pattern=hotcold", "20M", ()),
    "hotcold-fast": ("fill=48 ws=32 rate=40 pattern=hotcold", "20M",
                     ("--deadline", "25")),
    "phased-5-2": ("fill=48 ws=16 rate=60 busy=5000 idle=2000", "20M",
                   ("--deadline", "45")),
    "phased-3-1": ("fill=48 ws=32 rate=80 busy=3000 idle=1000", "20M",
                   ("--deadline", "35")),
    "phased-4-1": ("fill=48 ws=24 rate=60 busy=4000 idle=1000", "20M",
                   ("--deadline", "35")),
    "phased-2-1": ("fill=48 ws=28 rate=50 pattern=uniform busy=2000 "
                   "idle=1000", "20M", ("--deadline", "35")),
    "phased-8-3": ("fill=48 ws=24 rate=60 busy=8000 idle=3000", "20M",
                   ("--deadline", "45")),
    "phased-uniform": ("fill=48 ws=12 rate=60 pattern=uniform busy=4000 "
                       "idle=1500", "20M", ("--deadline", "40")),
}


def slim(events):
    """The events that a replay reads, without what names this machine."""
    kept, samples = [], 0
    for event in events:
        if event["event"] not in KEPT:
            continue
        if event["event"] == "sample":
            samples += 1
            if samples % EVERY:
                continue
        if event["event"] == "run-start":
            event.update(source="hosta", destination="hostb")
        if event["event"] == "result":
            event.update(source="hosta", destination="hostb", error=None,
                         leftovers=[])
        kept.append(event)
    return kept


def record(place, sshd, name, load, bandwidth, more):
    guest = harness.Guest(place, load, name=name)
    try:
        run = harness.Run(
            [harness.VMFERRY, "migrate", name, sshd.target, *sshd.login(),
             "--bandwidth", bandwidth, *more], place.env, guest)
        outcome = run.finish(timeout=120)
        pid = (outcome.result or {}).get("owner_pid")
        if pid:
            guest.pid = pid
    finally:
        guest.stop()
    with open(os.path.join(OUT, name + ".jsonl"), "w") as f:
        for event in slim(outcome.events):
            f.write(json.dumps(event, separators=(",", ":")) + "\n")
    result = outcome.result or {}
    print(f"{name}: exit {outcome.code}, {result.get('passes')} passes, "
          f"blackout {result.get('blackout_ms')} ms, "
          f"total {result.get('total_ms')} ms", flush=True)


def main():
    place = harness.isolate()
    os.makedirs(OUT, exist_ok=True)
    sshd = harness.Sshd(place)
    try:
        for name, settings in RUNS.items():
            if not sys.argv[1:] or name in sys.argv[1:]:
                record(place, sshd, name, *settings)
    finally:
        sshd.stop()
        place.remove()


if __name__ == "__main__":
    main()
