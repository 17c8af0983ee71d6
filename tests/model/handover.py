# SPDX-License-Identifier: MIT
"""What can happen during a hand-over: step() yields every next state.

Both QEMUs, the network, the stream, the mirrors, the journal, the engine and
two recoveries are one tuple. Recovery is an actor that looks at one side after
the other and then does what the functions of verdict.h say: their answers come
from the CSV that verdict_dump prints. What QEMU does was measured on 7.2.

Two actors may hold the run's lock: the engine, or after its end a `recover`
run by a person, and the guardian. Everything an actor does is written for the
first of them; for the guardian the two change places.
"""
import collections
import csv

FEATURES = ("mirror", "postcopy", "pause", "watch", "force", "guardian",
            "early", "elsewhere", "doubt", "stray")

State = collections.namedtuple("State", [
    # the source's QEMU: run, paused (by its user), pre(-switchover), device,
    # starting (post-copy), halted (as that failed), postcopy,
    # post(migrate), ended, gone; `active` while it runs, or is paused, and
    # copies
    "source", "active",
    "asked",       # post-copy was asked for
    # the destination's: none, inmigrate, loaded, run, ended, gone; in
    # post-copy part (loaded, memory lacks) and part-run
    "dest",
    "autostart",   # it starts by itself once it is loaded
    "data", "ack", # all was sent to it; its "loaded" is on the way back
    "stream",      # the tunnel is open
    "link",        # up, no_dst, no_src: what the engine cannot reach
    "cont",        # `cont`s on the way to the destination
    "mirror",      # the mirrors: none, ready, failed, done
    "journal",     # its last record
    "mirrored",    # the journal has MIRROR
    "wanted",      # the journal says that the guest is to run
    "noted",       # the journal says that the source was seen to run on
    # an actor: what it does next; the source as recovery saw it, before it
    # asks the other side; whose copy the person wants; the journal's last
    # record as it was read before the lock was taken (nobody should)
    "pc", "seen", "choice", "read",
    "away",        # what the actor does not see: the processes of src or dst
    "pc2", "seen2", "choice2", "read2", "away2",
    "watched",     # one engine watched the source all the time
    # what no engine can see; the checks look at these
    "by_user",     # its user has paused the guest
    "ran",         # the destination has run the guest
    "old",         # the source has run after the destination's copy was made
    "synced",      # the destination's disks go with its copy of the memory
    "began",       # post-copy has stopped the source for good
    "committed",   # COMMIT was written once
    "forced",      # the choice that was granted
    "doubted",     # a COMMIT failed so that nobody knows what is on disk
    "stray",       # somebody has continued the source after COMMIT
    "said",        # a recovery has seen that, and decided
    "killed"])

START = State(
    source="run", active=False, asked=False, dest="none", autostart=False,
    data=False, ack=False, stream=True, link="up", cont=0, mirror="none",
    journal="BEGIN", mirrored=False, wanted=True, noted=False,
    pc="begin", seen="", choice="", read="", away="",
    pc2="off", seen2="", choice2="", read2="", away2="",
    watched=True, by_user=False, ran=False, old=False, synced=False,
    began=False, committed=False, forced="", doubted=False, stray=False,
    said=False, killed=False)

RESTS = ("end", "person")  # nothing is left to do
IDLE = ("off", "dead", "hold", "person", "end")  # without the lock
FAULTS = ("crash", "cut", "kill", "mirror")
RUN = ("run", "part-run")

_INDEX = {name: i for i, name in enumerate(State._fields)}


def put(s, **changes):
    """As s._replace(), in half the time."""
    fields = list(s)
    for name, value in changes.items():
        fields[_INDEX[name]] = value
    return tuple.__new__(State, fields)


class Rules:
    """What is modelled, and what a mutant leaves out."""

    def __init__(self, table, features=(), flag=None):
        self.table = table
        self.flag = flag
        for name in FEATURES:
            setattr(self, name, name in features)


class Table:
    """The answers of verdict.h; a patch of a mutant may change some."""

    def __init__(self, path, patch=None):
        self.answers = {}
        with open(path, newline="", encoding="ascii") as f:
            for r in csv.DictReader(f):
                key = (r["journal"], r["source"], r["destination"],
                       r["disks_moved"] == "1",
                       r["source_unwatched"] == "1", r["source_ran"] == "1",
                       r["destination_ran"] == "1")
                r["ignores"] = r["ignores_destination"] == "1"
                if patch:
                    patch(r)
                self.answers[key] = r


def sees_src(s):
    """The actor reaches the source, and sees its processes."""
    return s.link != "no_src" and s.away != "src"


def sees_dst(s):
    return s.link != "no_dst" and s.away != "dst"


# --- faults -----------------------------------------------------------------

def faults(s, rules):
    if s.link != "up":
        yield "net: heals", put(s, link="up")
    if s.pc == "end":
        return
    if s.link == "up":
        yield "cut: no_dst", put(s, link="no_dst")
        yield "cut: no_src", put(s, link="no_src", watched=False)
    yield from kills(put(s, killed=True))
    if s.mirror == "ready":
        yield "mirror: breaks", put(s, mirror="failed")
    if s.pc not in IDLE:
        # the tunnel is the engine's and dies with it
        yield "crash: engine at " + s.pc, put(
            s, pc="dead", seen="", choice="", away="", stream=False,
            watched=False)
    if s.pc2 not in IDLE:
        yield "crash: guardian at " + s.pc2, put(
            s, pc2="off", seen2="", choice2="", read2="", stream=False)


def kills(s):
    if s.source != "gone":
        yield "kill: source", put(s, source="gone", active=False)
    if s.dest not in ("none", "gone"):
        yield "kill: destination", put(s, dest="gone")
    if s.source == "run":
        yield "kill: guest ends", put(s, source="ended", active=False)
    if s.dest == "run":
        yield "kill: guest ends there", put(s, dest="ended")


# --- QEMU, its user, and the network ----------------------------------------

def source_runs(s):
    """It goes on: what the destination holds is old from now on."""
    return put(s, source="run", active=False, old=s.old or s.data or
               s.dest not in ("none", "inmigrate", "gone"))


def source_falls_back(s):
    """As QEMU does by itself when a migration fails."""
    if s.by_user:
        return put(s, source="paused", active=False)
    return source_runs(s)


def stream_broken(s):
    return not s.stream or s.link != "up" or s.dest in ("none", "gone")


def qemu_source(s, m):
    if s.active:
        yield "source: pre-switchover", put(s, source="pre", active=False)
        if s.asked and m == "no_gate":
            yield "source: begins post-copy", put(s, source="starting",
                                                  active=False)
        if stream_broken(s):
            yield "source: fails", put(s, active=False, asked=False)
    if s.source in ("device", "starting"):
        if not s.data and not stream_broken(s):
            yield "source: all sent", put(s, data=True)
        if s.source == "starting" and s.data:
            yield "source: in post-copy", put(s, source="postcopy", began=True)
        if stream_broken(s):
            yield "source: fails and falls back", source_falls_back(
                put(s, ack=False))
            if s.source == "starting":
                yield "source: fails and stands", put(s, source="halted")
    if s.source in ("device", "postcopy") and s.ack:
        yield "source: postmigrate", put(s, source="post", ack=False)


def load(s):
    """What was sent may lie in the socket: it loads without a stream, too."""
    if s.asked:
        return put(s, dest="part-run" if s.autostart else "part",
                   ran=s.ran or s.autostart)
    n = put(s, dest="loaded", ack=not stream_broken(s))
    return put(n, dest="run", ran=True) if s.autostart else n


def qemu_dest(s):
    if s.dest == "inmigrate":
        if s.data:
            yield "destination: loaded", load(s)
            yield "destination: load fails, exits", put(s, dest="gone")
        elif s.pc not in ("launched", "armed", "mirrors") and not s.stream:
            yield "destination: end of stream, exits", put(s, dest="gone")
    elif s.dest in ("part", "part-run"):
        if s.source == "postcopy" and not stream_broken(s):
            yield "destination: has all memory", put(
                s, dest="loaded" if s.dest == "part" else "run", ack=True)
    if not s.cont:
        return
    n = put(s, cont=s.cont - 1)
    if s.dest in ("loaded", "part"):
        yield "destination: cont", put(
            n, dest="run" if s.dest == "loaded" else "part-run", ran=True)
    elif s.dest == "inmigrate":
        yield "destination: cont too early", put(n, autostart=True)
    if s.link == "no_dst" or s.dest not in ("loaded", "part", "inmigrate"):
        yield "net: cont lost", n


def user(s, rules):
    if s.pc == "begin" and s.source == "run":
        yield "user: pauses", put(s, source="paused", wanted=False,
                                  by_user=True)
    if rules.stray and not s.stray and s.journal in ("COMMIT", "ROLLBACK") and (
            s.source == "post" and s.wanted and not s.by_user and
            s.pc in ("dead", "hold", "person") and s.pc2 in IDLE):
        yield "somebody continues the source", put(source_runs(s), stray=True)
    if not rules.pause or s.pc in ("begin", "end"):
        return
    if s.source == "run":
        yield "user: pauses", put(s, source="paused", by_user=True)
    elif s.source == "paused":
        yield "user: continues", put(source_runs(s), active=s.active,
                                     by_user=False)


# --- the engine -------------------------------------------------------------

GIVES_UP = ("begin", "launch", "launched", "mirrors", "armed", "migrate",
            "precopy", "disks", "synced", "postcopy?", "start", "go", "await",
            "commit", "late commit")


def unnoticed(s):
    """The user's last wish is not in the journal."""
    return s.wanted == s.by_user


def preparing(s, rules):
    dst = sees_dst(s)
    src = sees_src(s)
    if s.pc == "begin":
        yield "engine: PREP", put(s, journal="PREP", pc="launch")
    elif s.pc == "launch":
        if dst:
            yield "engine: launches", put(
                s, dest="inmigrate", pc="launched",
                autostart=rules.flag == "no_S")
    elif s.pc == "launched":
        n = put(s, journal="DEST", pc="armed")
        yield "engine: DEST", n
        if rules.mirror:
            yield "engine: DEST, MIRROR", put(n, journal="MIRROR",
                                              mirrored=True, pc="mirrors")
    elif s.pc == "mirrors":
        if s.link == "up":
            yield "engine: mirrors are ready", put(s, mirror="ready",
                                                   pc="armed")
    elif s.pc == "armed":
        # the gate is low, but an idle guest goes through: hence SWITCH too
        yield "engine: MIGRATE, SWITCH", put(s, journal="SWITCH",
                                             pc="migrate")
        yield "engine: MIGRATE", put(s, journal="MIGRATE", pc="migrate")
    elif s.pc == "migrate":
        if s.journal == "MIGRATE":
            yield "engine: SWITCH", put(s, journal="SWITCH")
        elif src and s.source in ("run", "paused"):
            # its user may act once more before `migrate`
            if unnoticed(s) and rules.flag != "deaf":
                yield "engine: notes the user's wish", put(
                    s, wanted=not s.wanted)
            yield "engine: migrate", put(s, active=True, pc="precopy")


def switching(s, rules):
    src = sees_src(s)
    if unnoticed(s) and src and rules.flag != "deaf" and s.pc in (
            "precopy", "disks", "synced", "postcopy?"):
        yield "engine: notes the user's wish", put(s, wanted=not s.wanted)
        return
    if s.pc == "precopy":
        if src and s.source == "pre":
            yield "engine: at the gate", put(
                s, pc="disks" if s.mirrored else "postcopy?")
        elif src and s.active and rules.postcopy and not s.asked:
            yield "engine: asks for post-copy", put(s, asked=True)
            if not s.mirrored:  # mirrors are finished at the gate
                yield "engine: POSTCOPY", put(s, journal="POSTCOPY",
                                              pc="start")
    elif s.pc == "disks":
        yield from finish_mirrors(s, rules.flag)
    elif s.pc == "synced":
        yield "engine: DISKS_SYNCED", put(s, journal="DISKS_SYNCED",
                                          pc="postcopy?")
    elif s.pc == "postcopy?":
        if s.asked and s.journal != "POSTCOPY":
            yield "engine: POSTCOPY", put(s, journal="POSTCOPY", pc="go")
        elif s.asked:
            yield from at_gate(s, "follow")
        else:
            yield from at_gate(s, "await")
    elif s.pc == "start":
        if src and (s.active or s.source == "pre"):
            yield "engine: asks for post-copy", put(s, asked=True,
                                                    pc="precopy")
    elif s.pc == "go":
        yield from at_gate(s, "follow")


def finish_mirrors(s, m):
    if m == "sync_never":
        yield "engine: leaves the mirrors", put(s, pc="postcopy?")
    elif s.link == "up" and s.source == "pre":
        done = "postcopy?" if m == "sync_silent" else "synced"
        if s.mirror == "ready" and not stream_broken(s):
            yield "engine: mirrors finished", put(
                s, mirror="done", synced=True, pc=done)
        elif m == "sync_blind":
            yield "engine: mirrors ended", put(s, pc=done)


def at_gate(s, pc):
    if not sees_src(s) or s.source != "pre":
        return
    if s.asked:
        yield "engine: migrate-continue", put(s, source="starting", pc=pc)
    # pre-copy may have come to its own gate before it was asked
    yield "engine: migrate-continue, pre-copy", put(s, source="device",
                                                    asked=False, pc=pc)


def handing_over(s, rules):
    m = rules.flag
    dst = sees_dst(s)
    src = sees_src(s)
    if s.pc == "await":
        over = src and s.source == "post" or m == "no_wait"
        if over and dst and s.dest in ("loaded", "run"):
            yield "engine: both seen", put(s, pc="commit")
        if s.source == "gone" and src:
            yield "engine: source is gone", put(s, pc="look")
    elif s.pc == "commit":
        if m == "cont_first":
            yield "engine: cont", put(s, cont=1, pc="late commit")
        else:
            yield "engine: COMMIT", commit(s)
            if rules.doubt:
                yield from doubt(s, m)
    elif s.pc == "late commit":
        yield "engine: COMMIT", put(s, journal="COMMIT", committed=True,
                                    pc="answer")
    if s.pc in GIVES_UP:
        yield "engine: gives up", put(
            s, pc="look" if s.journal == "POSTCOPY" else "abort")


def doubt(s, m):
    """The sync of COMMIT fails: nothing is appended by this actor any more."""
    pc = "undo" if m == "doubt_ignored" else "doubt"
    for journal in (s.journal, "COMMIT"):
        yield f"engine: COMMIT in doubt, {journal} on disk", put(
            s, journal=journal, doubted=True, pc=pc)


def back_from_doubt(s):
    """The destination is seen gone, in place of a record; the journal goes."""
    if s.pc == "doubt":
        if not sees_dst(s):
            yield "engine: destination is out of reach", put(s, pc="hold")
        else:
            yield "engine: destination quits, is gone", quit_dest(put(
                s, pc="undoubted"))
    elif s.pc == "undoubted":
        if not sees_src(s):
            yield "engine: source is out of reach", put(s, pc="hold")
        elif s.source == "post":
            yield "engine: source goes on, no journal", source_goes_on(put(
                s, journal="ABORTED", pc="end"))
        else:
            yield "engine: source is as it was, no journal", put(
                s, journal="ABORTED", pc="end")


def commit(s, m=None):
    pc = "cont" if s.wanted else "DESTRUN"
    if s.journal == "POSTCOPY" and m != "commit_again":
        return put(s, pc=pc)
    return put(s, journal="COMMIT", committed=True, pc=pc)


def after_commit(s, m):
    dst = sees_dst(s)
    if s.pc == "cont":
        yield "engine: cont", put(s, cont=min(2, s.cont + 1), pc="answer")
    elif s.pc == "answer":
        if dst and s.dest in RUN:
            yield "engine: it runs", put(s, pc="DESTRUN" if s.journal !=
                                         "POSTCOPY" else "serve")
        if dst and s.dest in ("loaded", "part") and s.cont:
            yield "engine: cont is refused", put(
                s, cont=s.cont - 1, pc="look" if s.journal == "POSTCOPY"
                else "refused")
        # at any time: a deadline passes on a live destination, too
        yield "engine: no answer", put(
            s, pc="abort" if m == "resume" else "look")
    elif s.pc == "refused":
        if s.source == "gone" and sees_src(s):
            yield "engine: keeps the only copy", put(s, pc="hold")
        elif m == "rb_silent":
            yield "engine: back", put(s, pc="take-back")
        else:
            yield "engine: ROLLBACK", put(s, journal="ROLLBACK", pc="look")
    elif s.pc == "DESTRUN":
        yield "engine: DESTRUN", put(s, journal="DESTRUN", pc="finish")
    elif s.pc == "finish":
        if s.away == "src" and m == "any_proc_finish":
            yield "engine: sees no source", put(s, pc="DONE")
        elif sees_src(s):
            yield "engine: quits the source", put(s, source="gone",
                                                  active=False, pc="DONE")
        else:
            yield "engine: source is out of reach", put(s, pc="hold")
    elif s.pc == "DONE" and not dst:
        yield "engine: destination is out of reach", put(s, pc="hold")
    elif s.pc == "DONE":
        yield "engine: DONE", put(s, journal="DONE", pc="end")


def in_postcopy(s, m):
    """Behind POSTCOPY: until the destination has all memory and runs."""
    dst = sees_dst(s)
    src = sees_src(s)
    if s.pc == "follow":
        gone_over = src and s.source in ("postcopy", "post")
        if (gone_over or m == "hasty") and dst and s.dest in (
                "part", "loaded"):
            yield "engine: source is in post-copy", put(
                s, pc="cont" if s.wanted else "serve")
        yield "engine: closes the stream", put(s, stream=False, pc="look")
    elif s.pc == "serve":
        if src and dst and s.source == "post" and s.dest in ("run", "loaded"):
            yield "engine: it is complete", put(s, pc="DESTRUN")
        yield "engine: looks at both", put(s, pc="look")
    elif s.pc == "join":
        if s.link != "up":
            yield "engine: cannot join", put(s, pc="hold")
        elif s.source == "postcopy" and s.dest in ("part", "part-run"):
            yield "engine: joins the two again", put(s, stream=True,
                                                     pc="follow")
        else:
            yield "engine: looks at both", put(s, pc="look")
    # `cont` may have been sent and been lost with the stream
    if s.pc == "follow" and s.dest == "part-run" and dst:
        yield "engine: it runs", put(s, pc="serve")


# --- going back -------------------------------------------------------------

def quit_dest(s):
    return put(s, dest=s.dest if s.dest == "none" else "gone")


def forget_wish(s):
    """A pause that nobody noted, and that QEMU does not show any more."""
    if s.source in ("run", "paused"):
        return s
    return put(s, by_user=not s.wanted)


def source_goes_on(s):
    """QEMU's cancel, and a `cont` where that leaves it in postmigrate."""
    if s.active:
        return put(s, active=False, asked=False)
    n = put(forget_wish(s), asked=False)
    return source_runs(n) if s.wanted else put(n, source="paused")


def another_try(s):
    """With a new destination, which has nothing of the guest yet."""
    return put(s, dest="none", autostart=False, data=False, ack=False,
               stream=True, cont=0, mirror="none", synced=False, old=False,
               journal="PREP", pc="launch")


def undo(s, m):
    """ABORTING, the source goes on, the destination quits, ABORTED."""
    if s.pc == "abort":
        journal = s.journal if m == "undo_silent" else "ABORTING"
        yield "engine: ABORTING", put(s, journal=journal, pc="undo")
    elif s.pc == "undo":
        if not sees_src(s):
            yield "engine: source is out of reach", put(s, pc="hold")
        elif s.source == "pre" and s.asked:
            yield "engine: cancels, the source stands", put(s, source="halted",
                                                            asked=False)
        elif s.source in ("pre", "post", "halted") or s.active:
            yield "engine: source goes on", source_goes_on(put(s, pc="clean"))
        elif s.source in ("device", "starting"):
            if s.stream:
                yield "engine: closes the stream", put(s, stream=False)
        else:
            yield "engine: source is as it was", put(s, pc="clean")
    elif s.pc == "clean" and s.dest != "none" and not sees_dst(s):
        yield "engine: destination is out of reach", put(s, pc="hold")
    elif s.pc == "clean":
        n = quit_dest(s)
        yield "engine: ABORTED", put(n, journal="ABORTED", pc="end")
        if s.watched and s.link == "up" and s.source == "run" and \
                not s.committed and n.dest == "gone":
            yield "engine: PREP, another try", another_try(n)
    elif s.pc == "take-back":
        if m == "rb_blind":
            yield "engine: takes it back", put(s, pc="abort")
        elif s.away == "dst" and m == "any_proc_dst":
            yield "engine: sees no destination", put(s, pc="abort")
        elif not sees_dst(s):
            yield "engine: destination is out of reach", put(s, pc="hold")
        else:
            yield "engine: destination quits, is gone", quit_dest(put(
                s, pc="abort"))
    elif s.pc == "lost":
        if s.source not in ("postcopy", "post") or m == "lost_alive":
            yield "engine: ABORTING", put(s, journal="ABORTING", pc="clean")
        elif not sees_src(s):
            yield "engine: source is out of reach", put(s, pc="hold")
        else:
            yield "engine: quits the source for good", put(s, source="gone")


# --- recovery ---------------------------------------------------------------

SOURCE_SIDE = {"run": "runs", "paused": "paused", "pre": "moving",
               "device": "device", "starting": "device", "halted": "paused",
               "postcopy": "postcopy", "post": "postmigrate",
               "ended": "ended", "gone": "gone"}
DEST_SIDE = {"none": "gone", "inmigrate": "moving", "loaded": "paused",
             "run": "runs", "ended": "ended", "gone": "gone",
             "part": "postcopy", "part-run": "postcopy"}
FIRST_STEP = {"nothing": "end", "abort": "abort", "finish": "DESTRUN",
              "take-back": "take-back", "lost": "lost", "hold": "hold",
              "person": "person", "join": "join", "forward": "COMMIT"}


def look_at_source(s, rules):
    seen = "moving" if s.active else SOURCE_SIDE[s.source]
    if s.away == "src" and rules.flag == "any_proc":
        return put(s, seen="gone")
    if not sees_src(s):
        return put(s, seen="unknown")
    return put(forget_wish(s) if rules.pause else s, seen=seen)


def unwatched(s, rules):
    """An engine that watched has seen a source that went on."""
    if rules.flag == "trusting":
        return False
    if rules.flag == "half_watch":
        return not s.watched
    return not rules.watch or not s.watched or s.old


def source_ran(s):
    """Seen to run after it was handed over: somebody has continued it."""
    return (s.read or s.journal) in ("COMMIT", "ROLLBACK") and s.seen in (
        "runs", "paused", "moving", "device", "ended")


def decide(s, rules):
    """Asks the destination, under a fence, and acts on the verdict."""
    key = (s.read or s.journal, s.seen, "unknown", s.mirrored,
           unwatched(s, rules), s.noted or source_ran(s), False)
    row = rules.table.answers[key]
    side = "any"
    if not rules.early or not row["ignores"]:
        side = "unknown"
        if s.away == "dst" and rules.flag == "any_proc_dst":
            side = "gone"
        elif sees_dst(s):
            side = DEST_SIDE[s.dest]
            if rules.flag != "no_fence":
                s = put(s, cont=0)
        row = rules.table.answers[key[:2] + (side,) + key[3:]]
    v = row[s.choice or "verdict"]
    label = f"recover{s.choice and ' --' + s.choice}: {s.seen}, {side} " \
        f"at {s.journal}: {v}"
    s = put(s, said=s.said or source_ran(s))
    s = put(s, seen="", choice="", read="", pc=FIRST_STEP[v],
            forced=s.forced if v in (row["verdict"], "hold") else s.choice)
    if v == "hold":  # also a choice that is refused
        return label, put(s, pc=FIRST_STEP[row["verdict"]])
    return label, s


def recover(s, rules):
    m = rules.flag
    if s.pc == "look" and not s.seen:
        yield "recover: asks the source", look_at_source(s, rules)
    elif s.pc == "look" and source_ran(s) and not s.noted and m != "unnoted":
        yield "recover: notes that the source ran", put(s, noted=True)
    elif s.pc == "look":
        yield decide(s, rules)
    elif s.pc == "COMMIT":
        yield "recover: COMMIT", commit(s, m)
        if rules.doubt and s.journal not in ("COMMIT", "POSTCOPY"):
            for journal in (s.journal, "COMMIT"):
                yield f"recover: COMMIT in doubt, {journal} on disk", put(
                    s, journal=journal, doubted=True, pc="hold")
    if s.pc not in ("dead", "hold", "person") or s.pc2 not in IDLE or (
            m == "hold_dead" and s.pc == "hold"):
        return
    # who held has ended, and the tunnel with it
    n = put(s, pc="look", stream=False, watched=False, away="",
            wanted=s.wanted or m == "forget_pause")
    yield "recover: starts", n
    if rules.elsewhere:
        for side in ("src", "dst"):
            yield f"recover: starts, does not see {side}", put(n, away=side)
    if rules.force:
        for choice in ("continue", "discard"):
            yield f"person: {choice}", put(n, choice=choice)
        if s.pc == "person" and s.source == "post" and s.dest == "gone" and (
                s.wanted or s.journal == "POSTCOPY"):
            # behind POSTCOPY they must not
            by_hand = source_runs(put(s, forced="continue"))
            if s.journal == "POSTCOPY":
                by_hand = put(s, source="gone", forced="discard")
            yield f"person: by hand, source is {by_hand.source}", by_hand
        if s.pc == "person" and s.stray and s.source in ("run", "paused",
                                                         "ended"):
            yield "person: quits the source", put(s, source="gone",
                                                  forced="discard")
            if s.dest in RUN:
                yield "person: quits the destination", put(
                    s, dest="gone", forced="continue")


# --- both actors ------------------------------------------------------------

def acts(s, rules):
    m = rules.flag
    yield from preparing(s, rules)
    yield from switching(s, rules)
    yield from handing_over(s, rules)
    yield from back_from_doubt(s)
    yield from after_commit(s, m)
    yield from in_postcopy(s, m)
    yield from undo(s, m)
    yield from recover(s, rules)


def swap(s):
    return put(s, pc=s.pc2, seen=s.seen2, choice=s.choice2, read=s.read2,
               away=s.away2, pc2=s.pc, seen2=s.seen, choice2=s.choice,
               read2=s.read, away2=s.away)


def guardian(s, m):
    """It takes the lock when nobody has it; mutants do not wait for that."""
    if s.pc2 != "off" or s.pc == "end":
        return
    if m == "read_first" and not s.read2 and s.journal != "BEGIN":
        yield "guardian: reads the journal", put(s, read2=s.journal)
    elif s.pc in IDLE or m == "no_lock":
        yield "guardian: starts", put(
            s, pc2="look", stream=s.stream and s.pc not in IDLE,
            watched=False)


def tidy(s):
    """One form for states that differ in nothing that matters."""
    if s.away and s.pc in IDLE:
        s = put(s, away="")
    if s.pc2 == "off":
        return s
    if s.pc2 in IDLE and s.pc in IDLE:
        # the next one does the same
        pc = s.pc2 if s.pc in ("dead", "off") or s.pc2 == "end" else s.pc
        return put(s, pc=pc, pc2="off")
    if s.pc2 in IDLE:
        return put(s, pc2="off")
    if s.pc in ("hold", "person"):
        return put(s, pc="dead")
    return s


def step(s, rules):
    yield from faults(s, rules)
    yield from qemu_source(s, rules.flag)
    yield from qemu_dest(s)
    yield from user(s, rules)
    yield from acts(s, rules)
    if rules.guardian:
        yield from guardian(s, rules.flag)
        if s.pc2 != "off":
            for label, n in acts(swap(s), rules):
                yield "guardian's " + label, swap(n)
