#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Explicit-state model of the hand-over: is there ever a second runner?

Both QEMUs, the network, the stream, the journal and the engine are one tuple;
step() yields every next one, faults included; explore() visits all of them,
breadth first. Recovery is an actor that looks at one side after the other and
then does what verdict_decide() says: its answers are read from the CSV that
verdict_dump prints. What QEMU does was measured on 7.2.

Mutants are the same protocol with one thing left out. Each must be caught, or
the model proves nothing.
"""
import argparse
import collections
import csv
import sys
import time

State = collections.namedtuple("State", [
    # the source's QEMU: run, paused (by its user), pre(-switchover), device,
    # post(migrate), ended, gone; `active` while it runs and copies
    "source", "active",
    # the destination's: none, inmigrate, loaded, run, ended, gone
    "dest",
    "autostart",   # it starts by itself once it is loaded
    "data", "ack", # all was sent to it; its "loaded" is on the way back
    "stream",      # the engine's tunnel stands
    "link",        # up, no_dst, no_src: what the engine cannot reach
    "cont",        # `cont`s on the way to the destination
    "journal", "pc",
    "seen",        # the source as recovery saw it, before it asks the other
    "watched",     # one engine watched the source all the time
    "wanted",      # the guest ran at first: it is to run
    # what no engine can see; the checks look at these
    "by_user",     # its user paused the guest before all this
    "ran",         # the destination has run the guest
    "old",         # the source has run after the destination's copy was made
    "committed",   # COMMIT was written once
    "crashes", "cuts", "kills"])

START = State(
    source="run", active=False, dest="none", autostart=False, data=False,
    ack=False, stream=True, link="up", cont=0, journal="BEGIN", pc="begin",
    seen="", watched=True, wanted=True, by_user=False,
    ran=False, old=False, committed=False, crashes=0, cuts=0,
    kills=0)

RESTS = ("end", "person")  # program counters at which nothing is left to do
FAULTS = ("crash", "cut", "kill")

Bounds = collections.namedtuple("Bounds", "crashes cuts kills")


# --- what may be left out ---------------------------------------------------

Mutant = collections.namedtuple("Mutant", "name flag rows")


def rows(journal=None, source=None, dest=None, verdict=None):
    """A patch of the table: sets of words (None: any) → another verdict."""
    return lambda j, s, d: verdict if (
        (journal is None or j in journal) and (source is None or s in source)
        and (dest is None or d in dest)) else None


MUTANTS = [
    Mutant("the destination starts without -S", "no_S", None),
    Mutant("`cont` is sent before COMMIT is durable", "cont_first", None),
    Mutant("COMMIT without waiting for the source", "no_wait", None),
    Mutant("the source resumes when the answer is lost", "resume", None),
    Mutant("no fence before the destination is asked", "no_fence", None),
    Mutant("rollback does not see the destination gone", "rb_blind", None),
    Mutant("rollback is not recorded", "rb_silent", None),
    Mutant("undo is not recorded", "undo_silent", None),
    Mutant("a held run is never looked at again", "hold_dead", None),
    Mutant("a user's pause is forgotten", "forget_pause", None),
    Mutant("recovery trusts a source that nobody watched", "trusting", None),
    Mutant("verdict: COMMIT is aborted", None,
           rows({"COMMIT"}, {"postmigrate"}, None, "abort")),
    Mutant("verdict: forward without COMMIT, source alive", None,
           rows({"SWITCH"}, {"device", "postmigrate", "moving", "runs"},
                {"paused"}, "forward")),
    Mutant("verdict: forward without COMMIT, source unknown", None,
           rows({"SWITCH"}, {"unknown"}, {"paused"}, "forward")),
    Mutant("verdict: taken back from a destination that is gone", None,
           rows({"COMMIT"}, {"postmigrate"}, {"gone"}, "take-back")),
    Mutant("verdict: an unreachable destination counts as gone", None,
           rows({"ROLLBACK"}, {"postmigrate"}, {"unknown"}, "abort")),
    Mutant("verdict: forward after the undo has begun", None,
           rows({"ABORTING"}, {"gone"}, {"paused"}, "forward")),
    Mutant("verdict: DESTRUN is aborted", None,
           rows({"DESTRUN"}, {"postmigrate"}, None, "abort")),
    Mutant("verdict: a finished destination is quit", None,
           rows({"COMMIT"}, None, {"runs"}, "lost")),
    Mutant("verdict: an abort is held for ever", None,
           rows({"SWITCH"}, {"postmigrate"}, None, "hold")),
]


class Table:
    """The answers of verdict_decide() for a guest on shared disks."""

    def __init__(self, path, patch=None):
        self.verdict = {}
        with open(path, newline="", encoding="ascii") as f:
            for r in csv.DictReader(f):
                if r["disks_moved"] == "1":
                    continue
                key = (r["journal"], r["source"], r["destination"],
                       r["was_running"] == "1", r["source_unwatched"] == "1")
                new = patch(*key[:3]) if patch else None
                self.verdict[key] = new or r["verdict"]


# --- QEMU and the network ---------------------------------------------------

def source_runs(s):
    """The source goes on: what the destination holds is old from now on."""
    return s._replace(source="run", active=False,
                      old=s.old or s.data or s.dest in ("loaded", "run"))


def source_resumes(s):
    """As QEMU does when a migration fails, and the engine on its way back."""
    if not s.wanted:
        return s._replace(source="paused", active=False)
    return source_runs(s)


def stream_broken(s):
    return not s.stream or s.link != "up" or s.dest in ("none", "gone")


def faults(s, bounds):
    if s.link != "up":
        yield "net: heals", s._replace(link="up")
    elif s.cuts < bounds.cuts:
        for side in ("no_dst", "no_src"):
            yield "cut: " + side, s._replace(
                link=side, cuts=s.cuts + 1,
                watched=s.watched and side != "no_src")
    if s.kills < bounds.kills:
        yield from kills(s._replace(kills=s.kills + 1))
    if s.crashes < bounds.crashes and s.pc not in RESTS and s.pc != "dead":
        # the tunnel is the engine's and dies with it
        yield "crash: engine at " + s.pc, s._replace(
            pc="dead", stream=False, watched=False, seen="",
            crashes=s.crashes + 1)


def kills(s):
    if s.source != "gone":
        yield "kill: source", s._replace(source="gone", active=False)
    if s.dest in ("inmigrate", "loaded", "run", "ended"):
        yield "kill: destination", s._replace(dest="gone")
    if s.source == "run":
        yield "kill: guest ends", s._replace(source="ended", active=False)
    if s.dest == "run":
        yield "kill: guest ends there", s._replace(dest="ended")


def qemu_source(s):
    if s.active:
        yield "source: pre-switchover", s._replace(source="pre", active=False)
        if stream_broken(s):
            yield "source: fails", s._replace(active=False)
    if s.source != "device":
        return
    if not s.data and not stream_broken(s):
        yield "source: all sent", s._replace(data=True)
    if s.ack:
        yield "source: postmigrate", s._replace(source="post", ack=False)
    if stream_broken(s):
        yield "source: fails and resumes", source_resumes(
            s._replace(ack=False))


def load(s):
    """What was sent may lie in the socket: it loads without a stream, too."""
    ack = not stream_broken(s)
    n = s._replace(dest="loaded", ack=ack)
    return n._replace(dest="run", ran=True) if s.autostart else n


def qemu_dest(s):
    if s.dest == "inmigrate":
        if s.data:
            yield "destination: loaded", load(s)
            yield "destination: load fails, exits", s._replace(dest="gone")
        elif s.journal != "PREP" and s.journal != "DEST" and not s.stream:
            yield "destination: end of stream, exits", s._replace(dest="gone")
    if not s.cont:
        return
    n = s._replace(cont=s.cont - 1)
    if s.dest == "loaded":
        yield "destination: cont", n._replace(dest="run", ran=True)
    elif s.dest == "inmigrate":
        yield "destination: cont too early", n._replace(autostart=True)
    if s.link == "no_dst" or s.dest not in ("loaded", "inmigrate"):
        yield "net: cont lost", n


# --- the engine -------------------------------------------------------------

def engine(s, m):
    """A run, up to the point where `cont` was sent."""
    go = s._replace
    dst = s.link != "no_dst"
    src = s.link != "no_src"
    if s.pc == "begin":
        if s.source == "run":
            yield "user: pauses", go(source="paused", wanted=False,
                                    by_user=True)
        yield "engine: PREP", go(journal="PREP", pc="launch")
    elif s.pc == "launch":
        if dst:
            yield "engine: launches", go(dest="inmigrate", pc="launched",
                                         autostart=m == "no_S")
    elif s.pc == "launched":
        yield "engine: DEST", go(journal="DEST", pc="armed")
    elif s.pc == "armed":
        yield "engine: MIGRATE", go(journal="MIGRATE", pc="migrate")
    elif s.pc == "migrate":
        if src and s.source == "run":
            yield "engine: migrate", go(active=True, pc="precopy")
        elif src and s.source == "paused":
            yield "engine: migrate", go(source="pre", pc="precopy")
    elif s.pc == "precopy":
        if src and s.source == "pre":
            yield "engine: SWITCH", go(journal="SWITCH", pc="gate")
    elif s.pc == "gate":
        if src and s.source == "pre":
            yield "engine: migrate-continue", go(source="device", pc="await")
    elif s.pc == "await":
        over = src and s.source == "post" or m == "no_wait"
        if over and dst and s.dest in ("loaded", "run"):
            yield "engine: both seen", go(pc="commit")
        if s.source == "gone" and src:
            yield "engine: source is gone", go(pc="look")
    elif s.pc == "commit":
        if m == "cont_first":
            yield "engine: cont", go(cont=1, pc="late commit")
        else:
            yield "engine: COMMIT", commit(s)
    elif s.pc == "late commit":
        yield "engine: COMMIT", go(journal="COMMIT", committed=True,
                                   pc="answer")
    if s.pc in ("begin", "launch", "launched", "armed", "migrate", "precopy",
                "gate", "await", "commit", "late commit"):
        yield "engine: gives up", go(pc="abort")


def commit(s):
    return s._replace(journal="COMMIT", committed=True,
                      pc="cont" if s.wanted else "DESTRUN")


def after_commit(s, m):
    go = s._replace
    dst = s.link != "no_dst"
    if s.pc == "cont":
        yield "engine: cont", go(cont=min(2, s.cont + 1), pc="answer")
    elif s.pc == "answer":
        if dst and s.dest == "run":
            yield "engine: it runs", go(pc="DESTRUN")
        if dst and s.dest == "loaded" and s.cont:
            yield "engine: cont is refused", go(cont=s.cont - 1, pc="refused")
        # at any time: a deadline passes on a live destination, too
        yield "engine: no answer", go(pc="abort" if m == "resume" else "look")
    elif s.pc == "refused":
        if m == "rb_silent":
            yield "engine: back", go(pc="take-back")
        else:
            yield "engine: ROLLBACK", go(journal="ROLLBACK", pc="look")
    elif s.pc == "DESTRUN":
        yield "engine: DESTRUN", go(journal="DESTRUN", pc="finish")
    elif s.pc == "finish":
        if s.link != "no_src":
            yield "engine: quits the source", go(source="gone", pc="DONE")
        else:
            yield "engine: source is out of reach", go(pc="hold")
    elif s.pc == "DONE":
        yield "engine: DONE", go(journal="DONE", pc="end")


def quit_dest(s):
    return s._replace(dest=s.dest if s.dest == "none" else "gone")


def undo(s, m):
    """ABORTING, the source goes on, the destination quits, ABORTED."""
    go = s._replace
    if s.pc == "abort":
        journal = s.journal if m == "undo_silent" else "ABORTING"
        yield "engine: ABORTING", go(journal=journal, pc="undo")
    elif s.pc == "undo":
        if s.link == "no_src":
            yield "engine: source is out of reach", go(pc="hold")
        elif s.source in ("pre", "post") or s.active:
            yield "engine: source goes on", source_resumes(go(pc="clean"))
        elif s.source == "device":
            if s.stream:
                yield "engine: closes the stream", go(stream=False)
        else:
            yield "engine: source is as it was", go(pc="clean")
    elif s.pc == "clean":
        n = quit_dest(s) if s.link != "no_dst" else s
        yield "engine: ABORTED", n._replace(journal="ABORTED", pc="end")
    elif s.pc == "take-back":
        if m == "rb_blind":
            yield "engine: takes it back", go(pc="abort")
        elif s.link == "no_dst":
            yield "engine: destination is out of reach", go(pc="hold")
        else:
            yield "engine: destination quits, is gone", quit_dest(go(
                pc="abort"))


# --- recovery ---------------------------------------------------------------

SOURCE_SIDE = {"run": "runs", "paused": "paused", "pre": "moving",
               "device": "device", "post": "postmigrate", "ended": "ended",
               "gone": "gone"}
DEST_SIDE = {"none": "gone", "inmigrate": "moving", "loaded": "paused",
             "run": "runs", "ended": "ended", "gone": "gone"}
FIRST_STEP = {"nothing": "end", "abort": "abort", "finish": "DESTRUN",
              "take-back": "take-back", "lost": "lost", "hold": "hold",
              "person": "person"}


def look_at_source(s):
    if s.link == "no_src":
        return "unknown"
    return "moving" if s.active else SOURCE_SIDE[s.source]


def decide(s, table, m):
    """Asks the destination, under a fence, and acts on the verdict."""
    seen = "unknown"
    if s.link != "no_dst":
        seen = DEST_SIDE[s.dest]
        if m != "no_fence":
            s = s._replace(cont=0)
    # an engine that watched has seen the RESUME of a source that went on
    unwatched = m != "trusting" and (not s.watched or s.old)
    v = table.verdict[s.journal, s.seen, seen, s.wanted, unwatched]
    label = f"recover: {s.seen}, {seen} at {s.journal}: {v}"
    s = s._replace(seen="")
    if v != "forward":
        return label, s._replace(pc=FIRST_STEP[v])
    return label, s._replace(pc="COMMIT")


def recover(s, table, m):
    go = s._replace
    if s.pc == "dead":
        wanted = s.wanted or m == "forget_pause"
        yield "recover: starts", go(pc="look", wanted=wanted)
    elif s.pc == "look" and not s.seen:
        yield "recover: asks the source", go(seen=look_at_source(s))
    elif s.pc == "look":
        yield decide(s, table, m)
    elif s.pc == "COMMIT":
        yield "recover: COMMIT", commit(s)
    elif s.pc == "lost":
        yield "recover: ABORTING", go(journal="ABORTING", pc="clean")
    elif s.pc == "hold" and m != "hold_dead":
        yield "recover: asks again", go(pc="look")


def step(s, bounds, table, m):
    yield from faults(s, bounds)
    yield from qemu_source(s)
    yield from qemu_dest(s)
    yield from engine(s, m)
    yield from after_commit(s, m)
    yield from undo(s, m)
    yield from recover(s, table, m)


# --- what must hold ---------------------------------------------------------

def unsafe(s):
    """What is wrong with a state, or None."""
    if s.source == "run" and s.dest == "run":
        return "both run"
    if s.source == "run" and s.ran:
        return "the source runs after the destination has"
    if s.source == "run" and s.committed and s.dest in ("inmigrate", "loaded"):
        return "the source runs beside a destination that was told to"
    if s.dest == "run" and s.old:
        return "the destination runs an old copy"
    if s.by_user and "run" in (s.source, s.dest):
        return "a guest that its user paused was started"
    if s.pc == "person" and not s.kills:
        return "a person is asked though nothing was killed"
    if s.pc == "end":
        return unsafe_end(s)
    return None


def unsafe_end(s):
    if s.source in ("pre", "device") or s.active:
        return "it ended with the source still migrating"
    if s.journal == "ABORTED" and s.source == "post":
        return "it ended with the guest left standing"
    if s.journal == "DONE" and s.wanted and not s.ran:
        return "it ended without the guest running anywhere"
    return None


def unsafe_step(old, new, label):
    """What is wrong with a step, or None."""
    by_fault = label.startswith(FAULTS)
    if old.dest == "run" and new.dest != "run" and not by_fault:
        return "a running destination was quit"
    if old.source == "run" and new.source == "gone" and not by_fault:
        return "a running source was quit"
    if (old.source != "gone" and new.source == "gone" and not by_fault and
            not old.ran and old.wanted):
        return "the source was quit before the destination ran"
    return None


# --- the search -------------------------------------------------------------

Found = collections.namedtuple("Found", "what trace")


class Space:
    """Every state within the bounds, and the first step that led to each."""

    def __init__(self, bounds, table, flag=None, stop_at_first=False):
        self.came_from = {START: None}
        self.calm = collections.defaultdict(list)  # reversed, without faults
        self.found = {}
        self.steps = 0
        self._explore(bounds, table, flag, stop_at_first)
        if not self.found:
            self._find_stuck()

    def _explore(self, bounds, table, flag, stop_at_first):
        queue = collections.deque([START])
        while queue and not (stop_at_first and self.found):
            s = queue.popleft()
            for label, n in step(s, bounds, table, flag):
                self.steps += 1
                if not label.startswith(FAULTS):
                    self.calm[n].append(s)
                what = unsafe_step(s, n, label)
                if n not in self.came_from:
                    self.came_from[n] = (s, label)
                    what = what or unsafe(n)
                    if not what:
                        queue.append(n)
                if what and what not in self.found:
                    self.found[what] = Found(what, self.trace(s) + [label])

    def _find_stuck(self):
        """From every state some way without further faults must end."""
        ends = [s for s in self.came_from if s.pc in RESTS]
        can_end = set(ends)
        while ends:
            for s in self.calm.get(ends.pop(), ()):
                if s not in can_end:
                    can_end.add(s)
                    ends.append(s)
        for s in self.came_from:
            if s not in can_end:
                what = "it is stuck at " + s.pc
                self.found.setdefault(what, Found(what, self.trace(s)))

    def trace(self, s):
        labels = []
        while self.came_from[s]:
            s, label = self.came_from[s]
            labels.append(label)
        return labels[::-1]


def outcomes(space):
    """How many ways there are to each kind of end."""
    count = collections.Counter()
    for s in space.came_from:
        if s.pc not in RESTS:
            continue
        runs = "source" if s.source == "run" else \
            "destination" if s.dest == "run" else "nowhere"
        count[s.pc, s.journal, runs, s.kills > 0, s.by_user] += 1
    return count


def show_found(found, indent):
    for f in found.values():
        print(indent + f.what)
        for label in f.trace:
            print(indent + "  " + label)


def check_protocol(bounds, path, verbose):
    began = time.monotonic()
    space = Space(bounds, Table(path))
    print(f"protocol: {len(space.came_from)} states, {space.steps} steps, "
          f"{len(space.found)} violations "
          f"({bounds.crashes} crashes, {bounds.cuts} partitions, "
          f"{bounds.kills} kills; {time.monotonic() - began:.0f} s)")
    show_found(space.found, "  ")
    if verbose:
        for (pc, journal, runs, kills_, by_user), n in sorted(
                outcomes(space).items()):
            print(f"  {pc:6} {journal:8} runs: {runs:11}"
                  f"{' after a kill' if kills_ else ''}"
                  f"{' (user paused it)' if by_user else ''}: {n} states")
    return not space.found


def check_mutant(mutant, bounds, path, verbose):
    space = Space(bounds, Table(path, mutant.rows), mutant.flag,
                  stop_at_first=True)
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
                   help="4 crashes, 4 partitions, 2 kills")
    p.add_argument("--crashes", type=int, default=2)
    p.add_argument("--cuts", type=int, default=2)
    p.add_argument("--kills", type=int, default=1)
    p.add_argument("-v", "--verbose", action="store_true",
                   help="all ends, and how each mutant fails")
    a = p.parse_args()
    small = Bounds(a.crashes, a.cuts, a.kills)
    bounds = Bounds(4, 4, 2) if a.full else small
    good = check_protocol(bounds, a.verdicts, a.verbose)
    caught = sum([check_mutant(m, small, a.verdicts, a.verbose)
                  for m in MUTANTS])
    print(f"mutants: {caught} of {len(MUTANTS)} caught")
    return 0 if good and caught == len(MUTANTS) else 1


if __name__ == "__main__":
    sys.exit(main())
