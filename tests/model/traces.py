# SPDX-License-Identifier: MIT
"""What the model says of one recovery, from where it finds the world to its end.

A situation is all that a recovery can see: the journal, both QEMUs, whether it
sees their processes, and what a person has chosen. Of each that the model
reaches there is one trace: what is done to which side under which record, what
is recorded, and how it ends. replay.py compares that with what the program does.
"""
import collections

from handover import (IDLE, Rules, after_commit, back_from_doubt, qemu_dest,
                      recover, source_ran, undo, unwatched)
from model import Space

# What the program has: no mirrors, no post-copy.
WORLDS = (("pause", "force", "early"), ("elsewhere", "force", "early"),
          ("stray", "force", "early"), ("doubt", "early"))
FAULTS = 2
MOST_STEPS = 50
# The engine dies with the stream, so that its QEMU falls back by itself.
SETTLED = ("run", "paused", "pre", "post", "ended", "gone")

Situation = collections.namedtuple("Situation", [
    "journal",   # its last record
    "source", "dest", "away",
    "wanted",    # the journal says that the guest is to run
    "by_user",   # it does not run at the moment, as its user wants it
    "noted",     # the journal says that the source was seen to run on
    "choice", "refuses"])  # the destination answers `cont` with an error

# @row: of the verdict's table; @steps: (side, or None for the journal; what is
# done; the journal's last record before it)
Trace = collections.namedtuple("Trace",
                               "situation records row verdict steps end")


def situation_of(s, refuses):
    return Situation(s.journal, s.source, s.dest, s.away, s.wanted, s.by_user,
                     s.noted, s.choice, refuses)


def is_settled(s):
    """Nothing happens by itself while a recovery looks on."""
    return (s.pc in IDLE and s.pc not in ("off", "end") and not s.active and
            s.source in SETTLED and s.dest in (
                "none", "inmigrate", "loaded", "run", "ended", "gone") and
            s.link == "up" and not s.cont and
            # one that may have all of the guest is waited for
            not (s.source == "gone" and s.dest == "inmigrate"))


def records_of(space, i):
    """The records up to state @i, as they were written."""
    states = [space.states[i]]
    while space.came_from[i]:
        i = space.came_from[i][0]
        states.append(space.states[i])
    states.reverse()
    found = [("BEGIN", states[0].wanted)]
    for old, new in zip(states, states[1:]):
        if old.journal == "BEGIN":
            # of a guest that was paused before anything began
            found = [("BEGIN", new.wanted)]
        elif new.wanted != old.wanted:
            found.append(("WISH", new.wanted))
        if new.journal != old.journal:
            if new.journal == "SWITCH" and old.journal == "DEST":
                found.append(("MIGRATE", None))
            found.append((new.journal, None))
        if new.noted and not old.noted:
            found.append(("SEEN", None))
    return found


def next_steps(s, rules):
    """What the recovery does, without what only happens to an engine."""
    for label, n in (*back_from_doubt(s), *after_commit(s, None),
                     *undo(s, None), *recover(s, rules)):
        if not label.startswith("person") and "starts" not in label and \
                "another try" not in label and "in doubt" not in label and \
                "no answer" not in label:
            yield label, n


def settle(s, refuses):
    """The destination answers to `cont` before anything else happens."""
    if s.cont and not refuses and s.dest == "loaded":
        (n,) = [n for label, n in qemu_dest(s) if label == "destination: cont"]
        return n
    return s


def changes(old, new):
    """Of one step: (side or None, what) in the order in which it is done."""
    if new.cont > old.cont:
        yield "destination", "cont"
    if new.journal != old.journal:
        yield None, new.journal
    if new.noted and not old.noted:
        yield None, "SEEN"
    if old.source in ("pre", "post") and new.source in ("run", "paused"):
        yield "source", "cancel" if old.source == "pre" else (
            "cont" if new.source == "run" else "none")
    if new.source == "gone" and old.source != "gone":
        yield "source", "end"
    if new.dest == "gone" and old.dest not in ("gone", "none"):
        yield "destination", "end"


def row_of(label, s, rules):
    """The text of the row that decided."""
    sides, journal = label.split(": ")[1].rsplit(" at ", 1)
    source, dest = sides.split(", ")
    answer = rules.table.answers[
        journal, source, "unknown" if dest == "any" else dest, s.mirrored,
        unwatched(s, rules), s.noted or source_ran(s), False]
    if answer["verdict"] in ("hold", "person") and s.choice:
        return answer["why_" + s.choice]
    return answer["why"]


def follow(s, rules, refuses):
    """To the end: the verdict's label, the steps, and the last state."""
    row, verdict, steps = None, None, []
    for _ in range(MOST_STEPS):
        if s.pc in ("end", "hold", "person"):
            return row, verdict, steps, s
        s = settle(s, refuses)
        options = list(next_steps(s, rules))
        if len(options) > 1:
            options = [o for o in options if
                       ("refused" in o[0]) == (refuses and s.cont > 0)]
        label, n = options[0]
        if label.startswith("recover") and ", " in label and not verdict:
            row, verdict = row_of(label, s, rules), label.rsplit(": ", 1)[1]
        # ABORTED comes last
        last = [c for c in changes(s, n) if c == (None, "ABORTED")]
        for side, what in [c for c in changes(s, n) if c not in last] + last:
            if what != "none" and not (refuses and (side, what) ==
                                       ("destination", "cont")):
                steps.append((side, what, s.journal))
        if "is refused" in label:
            steps.append(("destination", "refuse", s.journal))
        s = n
    raise RuntimeError(f"no end: {steps}")


def traces(table):
    """One trace for each situation."""
    found = {}
    for features in WORLDS:
        rules = Rules(table, features)
        space = Space(rules, FAULTS)
        for i, s in enumerate(space.states):
            if not is_settled(s):
                continue
            for label, n in recover(s, rules):
                if "starts" not in label and not label.startswith(
                        ("person: continue", "person: discard")):
                    continue
                for refuses in (False, True):
                    if refuses and n.dest != "loaded":
                        continue
                    key = situation_of(n, refuses)
                    if key in found:
                        continue
                    row, verdict, steps, end = follow(n, rules, refuses)
                    if refuses and not any(c[1] == "refuse" for c in steps):
                        continue
                    found[key] = Trace(key, records_of(space, i), row,
                                       verdict, steps, end)
    return list(found.values())


def goals(trace):
    """What a trace shows: its row, and its course of steps with their end."""
    return {("row", trace.row), ("steps", tuple(trace.steps), trace.end.pc)}


def chosen(all_traces):
    """Some that show together what all of them show, short journals first."""
    left = sorted(all_traces, key=lambda t: len(t.records))
    open_goals = set().union(*map(goals, left))
    found = []
    while open_goals:
        best = max(left, key=lambda t: len(goals(t) & open_goals))
        found.append(best)
        open_goals -= goals(best)
    return found
