#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two engines on one guest: one wins, the other one ends with 11.

By turns `same`: both start at once on the guest's host; and `other`: while the
guest is on its way, an engine of the other host wants to move it back. Two
hosts of the lab; the book is build/fault/pair.jsonl.
"""
import random
import sys
import time

sys.dont_write_bytecode = True
import book
import ground
import harness
import labcells

BUSY = 11


def start(place, host, *args):
    there = place.lab.other(host)
    return harness.Run(host.argv(harness.VMFERRY, "migrate", labcells.GUEST,
                                 there.name, "--no-input", *ground.BUDGET,
                                 *args), mixed=True)


def both(place, rng):
    """(first, second): a moment apart, on the same host."""
    host = place.guest.host
    first = start(place, host)
    time.sleep(rng.choice((0, rng.uniform(0, 0.05), rng.uniform(0, 0.5))))
    return first, start(place, host)


def back(place, rng):
    """The second one comes from where the guest is going to."""
    host = place.guest.host
    # longer than the second one waits for a monitor that is in use
    first = start(place, host, "--bandwidth", "2M")
    first.wait_phase("tunnel")
    time.sleep(rng.uniform(0, 1.0))
    return first, start(place, place.lab.other(host))


def pair(place, kind, rng):
    watch = place.fresh_watch()
    first, second = (both if kind == "same" else back)(place, rng)
    place.last = _Last(place, first, second)
    outcomes = place.last.outcomes = [second.finish(), first.finish()]
    codes = sorted(o.code for o in outcomes)
    if codes != [0, BUSY] or (kind == "other" and outcomes[1].code):
        return [f"exit: {codes}: {outcomes[0]} {outcomes[1]}"], {}
    winner = outcomes[0] if outcomes[0].code == 0 else outcomes[1]
    place.guest.arrive(winner)
    harness.wait_until(lambda: not place.ferries(), 30, "they live on")
    gap = watch.largest_gap_ms(watch.started_ns)
    return place.problems(), {"winner": "second" if winner is outcomes[0]
                              else "first", "gap_ms": round(gap, 1)}


class _Last:
    """For the evidence."""

    def __init__(self, place, first, second):
        self.ground, self.first, self.second = place, first, second
        self.outcomes = None

    def keep_evidence(self, name, problems):
        lines = [*problems, *map(str, self.outcomes or ()),
                 *map(str, self.first.events), *map(str, self.second.events)]
        return labcells.write_report(name, lines)


def main():
    p = book.parser(__doc__)
    p.add_argument("count", type=int, nargs="?", default=50)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    book.need()
    pages = book.Book("pair", args)
    place = labcells.LabGround()
    names = [f"{args.seed}:{i}:{('same', 'other')[i % 2]}"
             for i in range(args.count)]
    try:
        book.run_all(pages, place, [
            (name, lambda n=name: pair(place, n.split(":")[2],
                                       random.Random(n)))
            for name in names if not args.only or args.only in name],
            lambda name: f"tests/fault/pair.py --seed {args.seed} -k {name}")
        return pages.totals(set(names))
    except KeyboardInterrupt:
        print(f"stopped after {len(pages.now)} pairs; call it again to go on")
        return 130
    finally:
        place.close()


if __name__ == "__main__":
    sys.exit(main())
