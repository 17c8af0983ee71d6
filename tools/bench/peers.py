#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A whole migration, command to prompt, by vmferry and by what else there is.

Moves a guest there between two hosts of tools/lab (root), by each WAY in turn,
round after round, and prints medians: seconds, MB/s, the pause by QEMU and as
the guest saw it, CPU seconds for each GB, and the memory of what is no QEMU.

Ways: virsh-tunnelled (p2p over qemu+ssh), virsh-clear (its memory in clear),
script (ssh(1) and QMP, by_hand.py), script-gcm, ours, ours-openssh, ours-auto,
ours-tcp, NAME=OPTIONS of vmferry. virsh needs libvirt's packages, and says so.

Usage: peers.py [--rounds N] [--memory SIZE] [--fill MIB] [--load WORDS]
                [--rate MBIT] [--delay MS] [--json FILE] [WAY...]
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))
sys.dont_write_bytecode = True

import delayed_link     # noqa: E402
import harness          # noqa: E402
import labkit           # noqa: E402
import meter            # noqa: E402
import peers_ways       # noqa: E402
from guestwatch import GuestWatch   # noqa: E402

BOOT_S, REST_S, BEATS = 180, 2, 20


class Ground:
    def __init__(self, args):
        self.lab = labkit.Lab("peers").up()
        self.hosts = [self.lab["hosta"], self.lab["hostb"]]
        self.link = None
        if args.rate:
            self.lab.ok("rate", str(args.rate))
        if args.delay:
            addresses = [peers_ways.Libvirt.lab_address(h) for h in self.hosts]
            self.link = delayed_link.DelayBetween(args.delay, self.hosts,
                                                  addresses)

    def spaces(self):
        return {h.name: h.space for h in self.hosts}

    def close(self):
        if self.link:
            self.link.close()
        self.lab.down()


def watch_of(way, ground):
    watch = GuestWatch()
    for host in ground.hosts:
        for path in way.serials:
            watch.add(host.at(path))
    return watch


def boot(way, watch, source, args):
    way.start(source, f"fill={args.fill} {args.load}", args.memory)
    watch.wait_for(lambda: watch.lines("F "), BOOT_S, "the guest does not boot")
    watch.wait_beats(source.at(peers_ways.SERIAL), BEATS, 60)
    time.sleep(REST_S)


def one_run(way, ground, args):
    source, destination = ground.hosts
    watch = watch_of(way, ground)
    try:
        boot(way, watch, source, args)
        counting = meter.Meter(ground.spaces())
        counting.start()
        began, began_ns = time.monotonic(), time.monotonic_ns()
        result = way.move(source, destination)
        seconds = time.monotonic() - began
        cpu, memory = counting.end()
        if hasattr(way, "after"):
            result.update(way.after(source, destination))
        time.sleep(0.5)
        gaps = watch.handover_gaps_ms()
        if not gaps:
            raise RuntimeError("the guest was not seen to go on")
        result.update({
            "seconds": seconds, "guest_pause_ms": gaps[-1],
            "largest_gap_ms": watch.largest_gap_ms(began_ns),
            "missing_beats": len(watch.missing()),
            "ran_twice": bool(watch.both_ran()),
            "cpu_s": cpu, "memory_kib": memory,
        })
        return result
    finally:
        watch.close()
        way.end(ground.lab)


def per_gb(run):
    """CPU seconds of each kind of process for a GB that was moved."""
    gb = (run["transferred_bytes"] or 0) / 1e9
    return {name: s / gb for name, s in run["cpu_s"].items()} if gb else {}


def median(values):
    known = [v for v in values if v is not None]
    return statistics.median(known) if known else None


def shown(value, form):
    return "-" if value is None else format(value, form)


def table(runs):
    print(f"{'way':16} {'s':>6} {'(from-to)':>11} {'MB/s':>6} {'QEMU ms':>8} "
          f"{'guest ms':>9} {'memory MB':>10}  CPU s/GB")
    for name, results in runs.items():
        if not results:
            continue
        times = [r["seconds"] for r in results]
        rate = median(r["transferred_bytes"] / 1e6 / r["seconds"]
                      if r["transferred_bytes"] else None for r in results)
        parts = {}
        for r in results:
            for role, s in per_gb(r).items():
                parts.setdefault(role, []).append(s)
        cpu = ", ".join(f"{role} {statistics.median(v):.2f}" for role, v in
                        sorted(parts.items()) if statistics.median(v) >= 0.01)
        memory = median(sum(r["memory_kib"].values()) / 1e3 for r in results)
        print(f"{name.partition('=')[0]:16} {statistics.median(times):6.2f} "
              f"{min(times):5.2f}-{max(times):5.2f} {shown(rate, '6.0f')} "
              f"{shown(median(r['qemu_downtime_ms'] for r in results), '8.0f')}"
              f" {median(r['guest_pause_ms'] for r in results):9.0f} "
              f"{shown(memory, '10.1f')}  {cpu}")
        bad = sum(bool(r["missing_beats"]) or r["ran_twice"] for r in results)
        if bad:
            print(f"{'':16} {bad} of {len(results)}: beats are missing, or it "
                  "ran twice")


def read_arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--memory", default="1048584K")
    p.add_argument("--fill", type=int, default=512, metavar="MIB",
                   help="so much of it cannot be made smaller")
    p.add_argument("--load", default="", metavar="WORDS",
                   help="ws=64 rate=40: MiB that it rewrites, MiB a second")
    p.add_argument("--rate", type=float, metavar="MBIT")
    p.add_argument("--delay", type=float, metavar="MS",
                   help="round-trip time between the hosts")
    p.add_argument("--json", metavar="FILE")
    p.add_argument("ways", nargs="*", metavar="WAY",
                   default=list(peers_ways.DEFAULT))
    args = p.parse_args()
    if args.rate and args.delay:
        p.error("--rate and --delay: one at a time")
    if os.geteuid():
        p.error("root is needed for the lab")
    return args


def ready(words):
    """Those that can be measured here; the others are named."""
    ways = {}
    for word in words:
        way = peers_ways.way_of(word)
        missing = way.missing()
        if missing:
            print(f"peers: without {word}: install {missing}", file=sys.stderr)
        else:
            ways[word] = way
    return ways


def main():
    args = read_arguments()
    ways = ready(args.ways)
    if not ways:
        return 1
    runs = {word: [] for word in ways}
    ground = Ground(args)
    try:
        for way in ways.values():
            way.prepare(ground.lab)
        for _ in range(args.rounds):
            for word, way in ways.items():
                runs[word].append(one_run(way, ground, args))
    finally:
        for way in ways.values():
            way.close(ground.lab)
        ground.close()
    table(runs)
    if args.json:
        Path(args.json).write_text(json.dumps(runs, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
