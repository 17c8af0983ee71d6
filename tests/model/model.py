#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Explicit-state model of the hand-over: is there ever a second runner?

handover.py says what can happen next, faults included; here every state is
visited and judged, those with the fewest faults first. The number of faults is
no part of a state: without --faults there may be any number of crashes,
partitions and kills.

Mutants (mutants.py) are the same protocol with one thing left out. Each must be
caught, or the model proves nothing.
"""
import argparse
import collections
import itertools
import sys
import time

sys.dont_write_bytecode = True
from handover import (FAULTS, FEATURES, RESTS, RUN, START, Rules, Table, step,
                      tidy)
from mutants import MUTANTS


OLD, NEW = FEATURES[:7], FEATURES[7:]


# --- what must hold ---------------------------------------------------------

def unsafe(s):
    """What is wrong with a state, or None."""
    if s.source == "run":
        if s.dest in RUN and not s.stray:
            return "both run"
        if s.ran and not s.stray and not (
                s.forced == "continue" and s.dest == "gone"):
            return "the source runs after the destination has"
        if s.began:
            return "the source runs after post-copy has begun"
        if s.committed and not s.stray and s.dest in (
                "inmigrate", "loaded", "part"):
            return "the source runs beside a destination that was told to"
    if s.dest in RUN:
        if s.old and not s.stray and not (
                s.forced == "discard" and s.source == "gone"):
            return "the destination runs an old copy"
        if s.mirrored and not s.synced:
            return "the destination runs on stale disks"
    if s.by_user and not s.stray and (s.source == "run" or s.dest in RUN):
        return "a guest that its user paused was started"
    if "person" in (s.pc, s.pc2) and not (s.killed or s.forced or s.doubted or
                                          s.stray):
        return "a person is asked though nothing was killed"
    if s.pc == "end":
        return unsafe_end(s)
    return None


def unsafe_end(s):
    if s.source in ("pre", "device", "starting", "postcopy") or s.active:
        return "it ended with the source still migrating"
    if s.journal == "ABORTED" and (s.source in ("post", "halted") or
                                   s.source == "paused" and not s.by_user):
        return "it ended with the guest left halted"
    if s.journal == "ABORTED" and (s.dest == "run" or s.dest == "part-run"
                                   and s.source != "gone"):
        return "it ended as undone with the guest on the destination"
    if s.journal == "ABORTED" and not (s.killed or s.stray) and (
            s.source not in ("run", "paused") and not s.began):
        return "it ended with the guest lost though nothing was killed"
    if s.journal == "DONE" and s.source != "gone":
        return "it ended as done with a QEMU left on the source"
    if s.journal == "DONE" and s.wanted and not s.ran:
        return "it ended without the guest running anywhere"
    return None


def unsafe_step(old, new, label):
    """What is wrong with a step that is no fault, or None."""
    # what no recovery has seen none can go by
    if new.cont > old.cont and old.said and old.old and (
            old.forced != "discard"):
        return "an old copy was started though the source was seen to run"
    if old.dest in RUN and new.dest not in RUN and not (
            old.dest == "part-run" and old.source == "gone" or
            label.startswith("person")):
        return "a running destination was quit"
    if new.source == "gone" and old.source != "gone" and (
            new.forced != "discard" or label.startswith("engine")):
        # one that somebody continued is older than what has run
        if old.source == "run" and not (old.stray and old.ran):
            return "a running source was quit"
        if old.dest in ("part", "part-run"):
            return "the source was quit with memory that the other lacks"
        if old.wanted and not old.ran and not (
                old.began and old.dest == "gone"):
            return "the source was quit before the destination ran"
    if label.endswith("lost") and old.dest == "loaded" and not old.old and (
            old.journal != "ABORTING" and old.link != "no_dst" and
            (old.synced or not old.mirrored)):
        return "the only whole copy was given up"
    return None


# --- the search -------------------------------------------------------------

Found = collections.namedtuple("Found", "what trace")


class Space:
    """Every state within the bound, and the step that led to each."""

    def __init__(self, rules, most_faults=None, stop_at_first=False):
        self.rules = rules
        self.states = [START]
        self.ids = {START: 0}
        self.came_from = [None]    # (id, label)
        self.calm = [[]]           # ids, reversed, by steps without faults
        self.found = {}
        self.steps = 0
        self._explore(most_faults, stop_at_first)
        if not self.found:
            self._find_stuck()

    def _explore(self, most_faults, stop_at_first):
        """Layer by layer: all that can be reached with one fault more."""
        layer, n = [0], 0
        expanded = set()
        while layer:
            following = []
            for i in layer:  # grows meanwhile
                if i in expanded:
                    continue
                expanded.add(i)
                self._expand(i, layer, following, n == most_faults)
                if stop_at_first and self.found:
                    return
            layer, n = following, n + 1
        self.most_faults = n - 1

    def _expand(self, i, layer, following, no_faults):
        s = self.states[i]
        for label, n in step(s, self.rules):
            fault = label.startswith(FAULTS)
            if fault and no_faults:
                continue
            self.steps += 1
            if self.rules.guardian:
                n = tidy(n)
            what = None if fault else unsafe_step(s, n, label)
            j = self.ids.get(n)
            if j is None:
                j = self._add(n, i, label)
                what = what or unsafe(n)
                if not what:
                    (following if fault else layer).append(j)
            elif not fault and self.calm[j] == []:
                # it was met after one fault more, if at all
                layer.append(j)
            if not fault:
                self.calm[j].append(i)
            if what and what not in self.found:
                self.found[what] = Found(what, self.trace(i) + [label])

    def _add(self, n, i, label):
        j = self.ids[n] = len(self.states)
        self.states.append(n)
        self.came_from.append((i, label))
        self.calm.append([])
        return j

    def _find_stuck(self):
        """From every state some way without further faults must end."""
        rests = ("end",) if self.rules.force else RESTS
        ends = [i for i, s in enumerate(self.states) if s.pc in rests]
        can_end = bytearray(len(self.states))
        for i in ends:
            can_end[i] = 1
        while ends:
            for i in self.calm[ends.pop()]:
                if not can_end[i]:
                    can_end[i] = 1
                    ends.append(i)
        for i, s in enumerate(self.states):
            if not can_end[i]:
                what = "it is stuck at " + s.pc
                self.found.setdefault(what, Found(what, self.trace(i)))

    def trace(self, i):
        labels = []
        while self.came_from[i]:
            i, label = self.came_from[i]
            labels.append(label)
        return labels[::-1]


def outcomes(space):
    """How many ways there are to each kind of end."""
    count = collections.Counter()
    for s in space.states:
        if s.pc in RESTS:
            runs = "source" if s.source == "run" else \
                "destination" if s.dest in RUN else "nowhere"
            count[s.pc, s.journal, runs, s.killed, s.by_user, s.forced] += 1
    return count


def show_found(found, indent):
    for f in found.values():
        print(indent + f.what)
        for label in f.trace:
            print(indent + "  " + label)


def show_outcomes(space):
    for (pc, journal, runs, killed, by_user, forced), n in sorted(
            outcomes(space).items()):
        print(f"  {pc:6} {journal:12} runs: {runs:11}"
              f"{' after a kill' if killed else ''}"
              f"{' (user paused it)' if by_user else ''}"
              f"{' (a person chose ' + forced + ')' if forced else ''}"
              f": {n} states")


def combinations(full):
    """The product of OLD; each of NEW alone and beside each other one."""
    if full:
        for n in range(len(OLD), -1, -1):
            yield from itertools.combinations(OLD, n)
        for new in NEW:
            yield (new,)
            for other in OLD:
                yield new, other
        yield from itertools.combinations(NEW, 2)
    else:
        yield from (OLD, OLD[:3], OLD[3:], (), NEW, *((f,) for f in NEW))


def check_protocol(features, bound, table, verbose):
    began = time.monotonic()
    space = Space(Rules(table, features), bound)
    print(f"protocol: {len(space.states)} states, {space.steps} steps, "
          f"{len(space.found)} violations, up to {space.most_faults} faults, "
          f"{time.monotonic() - began:.1f} s: "
          f"{', '.join(features) or 'none of the features'}", flush=True)
    show_found(space.found, "  ")
    if verbose:
        show_outcomes(space)
    return space


def check_mutant(mutant, path, verbose):
    space = Space(Rules(Table(path, mutant.patch), mutant.features,
                        mutant.flag), stop_at_first=True)
    what = next(iter(space.found), None)
    print(f"  {'caught' if what else 'MISSED'}  {mutant.name}"
          f"{': ' + what if what else ''}")
    if verbose:
        show_found(space.found, "          ")
    return bool(space.found)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("verdicts", help="what verdict_dump printed")
    p.add_argument("--full", action="store_true",
                   help="every combination of features, any number of faults")
    p.add_argument("--faults", type=int, metavar="N",
                   help="at most so many (default 2, --full: any number)")
    p.add_argument("-v", "--verbose", action="store_true",
                   help="all ends, and how each mutant fails")
    p.add_argument("--only", metavar="A,B,…",
                   help="this one combination, and no mutants")
    a = p.parse_args()
    exact = a.full or a.only is not None or a.faults is not None
    bound = a.faults if exact else 2
    began = time.monotonic()
    table = Table(a.verdicts)
    combos = list(combinations(a.full)) if a.only is None else \
        [tuple(f for f in a.only.split(",") if f)]
    bad = states = 0
    for features in combos:
        space = check_protocol(features, bound, table, a.verbose)
        states += len(space.states)
        bad += len(space.found)
    print(f"{len(combos)} combinations, {states} states, {bad} violations")
    mutants = MUTANTS if a.only is None else []
    caught = sum([check_mutant(m, a.verdicts, a.verbose) for m in mutants])
    print(f"mutants: {caught} of {len(mutants)} caught; "
          f"{time.monotonic() - began:.0f} s")
    return 0 if not bad and caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
