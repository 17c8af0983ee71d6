# SPDX-License-Identifier: MIT
"""What the model says of whole migrations whose guest is stopped and continued.

A script says whether the guest is paused at first, what its user does at which
point of the engine's, and how the migration ends. The model walks through it:
what is recorded, what is done to which side after which records, and how both
end. engine_replay.py compares that with what the program does.
"""
import collections
import itertools

from handover import START, Rules, step, unnoticed

POINTS = ("launch", "armed", "migrate", "precopy")
ENDINGS = {"done": 0, "cancel": 6, "refuse": 4}  # and their exit codes
MOST_WISHES = 3
MOST_STEPS = 80

# @wishes: (point, "pauses" or "continues")
Script = collections.namedtuple("Script", "paused wishes ending")
# @records: (word, what it says of the guest's running, or None)
# @steps: (side, what, the records so far)
Course = collections.namedtuple("Course", "records steps source dest")

# What no script asks for.
OTHERS = ("net", "cut", "crash", "kill", "mirror", "user", "somebody",
          "person", "guardian")
UNWANTED = ("fails", "no answer", "another try", "recover: starts", "exits",
            "closes the stream", "cont lost")


def scripts():
    """All, the short ones first."""
    for n in range(MOST_WISHES + 1):
        for paused, ending in itertools.product((False, True), ENDINGS):
            for points in itertools.combinations_with_replacement(POINTS, n):
                if ending == "refuse" and paused == (n % 2 == 0):
                    continue  # the destination is not asked to
                words = itertools.cycle(("continues", "pauses") if paused
                                        else ("pauses", "continues"))
                yield Script(paused, tuple(zip(points, words)), ending)


def may_act(s, point):
    if point == "migrate":
        return s.pc == "migrate" and s.journal == "SWITCH"
    return s.pc == point and (point != "precopy" or s.active)


def by_user(s, rules, what):
    (n,) = [n for label, n in step(s, rules) if label == f"user: {what}"]
    return n


def choose(s, rules, script):
    """The step of both QEMUs and the engine that the script asks for."""
    options = {label: n for label, n in step(s, rules)
               if label.split(":")[0].split()[0] not in OTHERS and
               not any(word in label for word in UNWANTED)}
    wish = "engine: notes the user's wish"
    if wish in options:
        return wish, options[wish]
    cancels = script.ending == "cancel" and s.pc == "precopy"
    refused = script.ending == "refuse" and s.pc == "answer"
    for label, n in options.items():
        if label == "engine: gives up" and not cancels or \
                label == "source: pre-switchover" and (
                    script.ending == "cancel") or \
                label == "destination: cont" and refused or \
                label == "engine: cont is refused" and not refused or \
                label == "engine: MIGRATE":
            continue
        return label, n
    raise RuntimeError(f"no way from {s}")


def actions(label, old, new):
    if label == "engine: migrate":
        yield "source", "migrate"
    if label.startswith("engine: migrate-continue"):
        yield "source", "go"
    if label == "destination: cont":
        yield "destination", "cont"
    if label == "engine: cont is refused":
        yield "destination", "refuse"
    if label == "engine: source goes on" and old.active:
        yield "source", "cancel"
    elif label == "engine: source goes on" and new.source == "run":
        yield "source", "cont"
    for side in ("source", "dest"):
        if getattr(new, side) == "gone" and getattr(old, side) not in (
                "gone", "none"):
            yield "source" if side == "source" else "destination", "end"


def course(table, script):
    rules = Rules(table, ("pause",))
    s = START
    if script.paused:
        s = by_user(s, rules, "pauses")
    records, steps = [("BEGIN", s.wanted)], []
    wishes = list(script.wishes)
    for _ in range(MOST_STEPS):
        if s.pc == "end":
            return Course(records, steps, s.source, s.dest)
        # the next one in the copy comes when the last one was noted
        if wishes and may_act(s, wishes[0][0]) and not (
                s.pc == "precopy" and unnoticed(s)):
            s = by_user(s, rules, wishes.pop(0)[1])
            continue
        label, n = choose(s, rules, script)
        steps += [(*a, tuple(records)) for a in actions(label, s, n)]
        if n.journal != s.journal:
            records = records + [("MIGRATE", None)] * (
                n.journal == "SWITCH") + [(n.journal, None)]
        if n.wanted != s.wanted:
            records = records + [("WISH", n.wanted)]
        s = n
    raise RuntimeError(f"no end: {s}")


def chosen(table):
    """Of all scripts those that show together what all of them show: each
    course of records with its end, and each wish at each point."""
    seen = set()
    for script in scripts():
        c = course(table, script)
        goals = {(tuple(c.records), c.source, c.dest)} | {
            (script.paused, wish) for wish in script.wishes}
        if goals - seen:
            seen |= goals
            yield script, c
