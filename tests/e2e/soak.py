#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One guest goes there and back between two hosts, N times.

After each hop: heartbeats complete and in one place only, nothing left on
either host, and no growth: descriptors and memory of QEMU, descriptors of
sshd. The engine itself ends with each hop, so nothing can pile up in it. The
guest verifies all its pages every VERIFY_EVERY hops and at the end.

The ledger (build/soak/ledger.jsonl: a line a hop) is read at the start: a soak
that was stopped goes on, with a fresh guest, at the hop it had reached.
"""
import argparse
import json
import os
import statistics
import sys
import time

sys.dont_write_bytecode = True
import harness
import labkit

VERIFY_EVERY = 5
REPORT_EVERY = 10
# Two hops to warm up, then a descriptor more is a leak.
WARM_UP = 2
MEMORY_SLACK = 32 << 20


class Ledger:
    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.path, self.lines = path, []
        if os.path.exists(path):
            with open(path) as f:
                self.lines = [json.loads(line) for line in f if
                              line.endswith("\n")]
        self.before = len(self.lines)

    def add(self, **entry):
        self.lines.append(entry)
        with open(self.path, "a") as f:
            f.write(json.dumps(entry) + "\n")

    def since(self, n=None):
        """The last n hops; without n, those of this guest."""
        return self.lines[-n:] if n else self.lines[self.before:]


def growth(lines):
    """What is larger than it was once warm."""
    if len(lines) <= WARM_UP:
        return []
    # There and back: a host is compared with itself.
    first = lines[WARM_UP - 1 + (len(lines) - WARM_UP) % 2]
    last = lines[-1]
    found = [f"{name}: {first[name]} -> {last[name]}"
             for name in ("qemu_fds", "sshd_fds")
             if last[name] > first[name]]
    if last["qemu_bytes"] > first["qemu_bytes"] + MEMORY_SLACK:
        found.append(f"QEMU's memory: {first['qemu_bytes'] >> 20} -> "
                     f"{last['qemu_bytes'] >> 20} MiB")
    return found


def hop(lab, guest, ledger):
    """One migration; a list of what is wrong."""
    number = len(ledger.lines) + 1
    start = len(guest.watch.handover_gaps_ms())
    outcome = guest.start().finish(timeout=180)
    if outcome.code != 0:
        return [f"hop {number}: {outcome}"]
    guest.arrive(outcome)
    bad = labkit.problems(guest, lab, verify=number % VERIFY_EVERY == 0)
    result = outcome.result
    ledger.add(hop=number, to=guest.host.name, at=round(time.time(), 1),
               blackout_ms=result["blackout_ms"],
               gap_ms=max(guest.watch.handover_gaps_ms()[start:], default=None),
               total_ms=result["total_ms"], passes=result["passes"],
               beats=guest.watch.beats()[-1].seq + 1,
               qemu_fds=guest.descriptors(),
               qemu_bytes=guest.resident_bytes(),
               sshd_fds=guest.host.descriptors_of_sshd(), problems=bad)
    return bad + growth(ledger.since())


def report(lines):
    blackouts = sorted(entry["blackout_ms"] for entry in lines)
    print(f"hop {lines[-1]['hop']}: blackout median "
          f"{statistics.median(blackouts):.0f} ms, worst {blackouts[-1]:.0f}; "
          f"total median "
          f"{statistics.median(e['total_ms'] for e in lines) / 1e3:.1f} s; "
          f"QEMU {lines[-1]['qemu_fds']} descriptors, "
          f"{lines[-1]['qemu_bytes'] >> 20} MiB; {lines[-1]['beats']} beats",
          flush=True)


def soak(lab, count, ledger, args):
    guest = labkit.LabGuest(lab["hosta"], "soak", args.load, args.memory)
    try:
        while len(ledger.lines) < count:
            bad = hop(lab, guest, ledger)
            if bad:
                print("\n".join(["FAILED:", *bad]))
                return 1
            if len(ledger.lines) % REPORT_EVERY == 0:
                report(ledger.since(REPORT_EVERY))
        bad = labkit.problems(guest, lab)
    finally:
        guest.stop()
    if bad:
        print("\n".join(["FAILED at the end:", *bad]))
        return 1
    report(ledger.lines)
    print(f"{len(ledger.lines)} migrations, the guest is whole, nothing is "
          f"left over")
    return 0


def main():
    parser = argparse.ArgumentParser(
        description="One guest there and back between two hosts, N times.")
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("--fresh", action="store_true",
                        help="forget the ledger")
    parser.add_argument("--memory", default=harness.SMALL)
    parser.add_argument("--load", default="fill=64 ws=16 rate=20")
    args = parser.parse_args()
    if not harness.IS_ROOT:
        parser.error("root is needed for the two hosts")
    path = os.path.join(harness.ROOT, "build/soak/ledger.jsonl")
    if args.fresh and os.path.exists(path):
        os.unlink(path)
    ledger = Ledger(path)
    if len(ledger.lines) >= args.count:
        print(f"{path} has {len(ledger.lines)} hops already; --fresh starts "
              f"over")
        return 0
    lab = labkit.Lab("soak")
    try:
        return soak(lab.up(), args.count, ledger, args)
    except KeyboardInterrupt:
        print(f"stopped after {len(ledger.lines)} hops")
        return 130
    finally:
        lab.down()


if __name__ == "__main__":
    sys.exit(main())
