#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""N random faults at random moments, half of them aimed at the switchover.

A plan is made of seed and index alone, so `--seed S --index I` runs one trial
again. Whatever is broken: the guest never runs twice, is lost only with the
QEMU that owned it, and nothing is left over. The book is
build/fault/ledger.jsonl.
"""
import collections
import json
import random
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
import book
import cells
import ground
import harness
import holds
import processes

Plan = collections.namedtuple("Plan", "faults pause_ms moment args")
# kind: phase, sample or point
Moment = collections.namedtuple("Moment", "kind what delay_ms")

PHASES = ("connect", "discover", "preflight", "launch", "tunnel", "precopy",
          "finish")
POINTS = ("switch.before", "switch.continue", "switch.after",
          "commit.record", "resume.before", "resume.sent", "resume.after",
          "finish.before", "finish.quit")
# 13: it was killed before it was found. 130: a second signal ends the engine
# at once, which is the guardian's case.
OWNERS = {0: {"destination"}, 8: {"destination"}, 12: {"none"}, 13: {"none"},
          7: {"source", "destination"}, 130: {"source", "destination"},
          **dict.fromkeys((3, 4, 5, 6, 9, 10, 11), {"source"}),
          **dict.fromkeys(cells.KILLED, {"source", "destination"})}


# --- faults ------------------------------------------------------------------


def stop_engine(trial):
    """Before there is a guardian nothing was changed: it goes on later."""
    trial.kill_engine(signal.SIGSTOP)
    if not processes.guardian_of(trial.engine):
        threading.Timer(2, harness.kill,
                        (trial.engine, signal.SIGCONT)).start()


def kill_guardian(trial):
    pid = processes.guardian_of(trial.engine)
    if pid:
        trial.broken()
        harness.kill(pid)


def kill_both(trial):
    pid = processes.guardian_of(trial.engine)
    if pid:
        harness.kill(pid, signal.SIGSTOP)
    trial.kill_engine()
    if pid:
        harness.kill(pid)


def kill_destination(trial):
    pid = trial.destination_pid()
    if pid:
        holds.kill_destination(trial)


def break_journal(trial):
    """From now on fdatasync fails."""
    trial.broken()
    process = subprocess.Popen(
        ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
         "inject=fdatasync:error=EIO", "-p", str(trial.engine)],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=trial.ground.place.env)
    return process.wait


FAULTS = {
    "engine-KILL": holds.signal_engine(signal.SIGKILL),
    "engine-STOP": stop_engine,
    "engine-TERM": holds.signal_engine(signal.SIGTERM),
    "engine-INT": holds.signal_engine(signal.SIGINT),
    "engine+guardian-KILL": kill_both,
    "guardian-KILL": kill_guardian,
    "source-KILL": holds.kill_source,
    "destination-KILL": kill_destination,
    "source-STOP-2s": holds.pause_source,
    "sessions-KILL": holds.kill_sessions,
    "sshd-down-3s": holds.stop_sshd_for_a_while,
    "journal-EIO": break_journal,
}
KILLS_ENGINE = {"engine-KILL", "engine-STOP", "engine+guardian-KILL"}
KILLS_GUARDIAN = {"engine+guardian-KILL", "guardian-KILL"}


# --- plans -------------------------------------------------------------------


def make_plan(seed, index, points):
    rng = random.Random(f"{seed}:{index}")
    faults = [rng.choice(list(FAULTS))]
    if rng.random() < 0.25:
        faults.append(rng.choice(list(FAULTS)))
    aimed, at_point = rng.random() < 0.5, rng.random() < 0.5
    delay_ms, slow = rng.uniform(0, 20), ()
    if aimed and at_point and points:
        moment = Moment("point", rng.choice(POINTS), 0)
    elif aimed:
        moment = Moment("phase", "switchover", delay_ms)
    elif rng.random() < 0.3:
        moment, slow = Moment("sample", rng.randint(1, 20), delay_ms), \
            ground.SLOW
    else:
        moment = Moment("phase", rng.choice(PHASES), rng.uniform(0, 300))
    return Plan(faults, rng.uniform(0, 800), moment, slow)


def describe(plan):
    m = plan.moment
    when = m.what if m.kind == "point" else f"{m.what}+{m.delay_ms:.1f}ms"
    return f" then {plan.pause_ms:.0f}ms ".join(plan.faults) + \
        f" at {m.kind} {when}"


# --- one trial ---------------------------------------------------------------


def reach(place, moment, args):
    """(trial, hold or None, whether the moment came)."""
    if moment.kind == "point":
        hold = holds.Hold(place, moment.what, args)
        return hold.trial, hold, True
    trial = place.last = place.trial(args=args)
    seen = 0

    def fits(event):
        return event["event"] == "phase" and event["to"] == moment.what

    def nth_sample(_):
        nonlocal seen
        seen = sum(e["event"] == "sample" for e in trial.run.events)
        return seen >= moment.what

    try:
        # the first phase is entered without an event
        first = moment.what == "connect"
        trial.run.wait(nth_sample if moment.kind == "sample" else
                       (lambda e: True) if first else fits)
    except AssertionError:
        return trial, None, False
    time.sleep(moment.delay_ms / 1000)
    return trial, None, trial.run.process.poll() is None


def strike(plan, trial, hold):
    """Does what is planned; what heals it."""
    heals = []
    for i, fault in enumerate(plan.faults):
        if i:
            time.sleep(plan.pause_ms / 1000)
        if trial.run.process.poll() is None or fault == "guardian-KILL":
            heals.append(FAULTS[fault](trial))
        if hold and not i:
            release(fault, hold)
    return [h for h in heals if h]


def release(fault, hold):
    if fault in KILLS_GUARDIAN:
        hold.guardian_dies()
    if fault == "engine-STOP":
        hold.guardian_goes_on()
    else:
        hold.go_on()


# From here on it runs there, whether a beat of it was seen or not.
RUNS_THERE = ("resume.sent", "resume.after", "finish.before", "finish.after",
              "finish.quit")


def destination_ran(plan, trial):
    return plan.moment.what in RUNS_THERE or any(b.source != trial.guest.serial
               for b in trial.guest.watch.beats())


def allowed_owners(plan, trial, code):
    """By the exit code, and by which QEMU was killed."""
    owners = set(OWNERS.get(code, set()))
    source = "source-KILL" in plan.faults
    destination = "destination-KILL" in plan.faults
    ran = destination_ran(plan, trial)
    if source and destination or (source and not ran) or \
            (destination and ran):
        owners.add("none")
    return owners


def recovered(plan, trial):
    """(problems, what recover said first)."""
    place, problems = trial.ground, []
    first = place.recover()
    said = json.loads(first.out)
    if said["outcome"] != "nothing" and \
            not KILLS_GUARDIAN.intersection(plan.faults) and \
            said["outcome"] != "person":
        problems.append(f"exit: the guardian left this to do: {first}")
    if said["outcome"] in ("nothing", "person"):
        return problems, said
    if first.code not in (0, 12):
        problems.append(f"exit: recover: {first}")
    again = place.recover()
    if json.loads(again.out)["outcome"] != "nothing" or again.code:
        problems.append(f"exit: recover once more: {again}")
    return problems, said


def run_plan(place, plan):
    trial, hold, came = reach(place, plan.moment, plan.args)
    heals = strike(plan, trial, hold) if came else []
    if "engine-STOP" in plan.faults and \
            KILLS_GUARDIAN.intersection(plan.faults):
        # only its user is left to notice that it is stopped
        harness.kill(trial.engine, signal.SIGCONT)
    done = trial.finish()
    for heal in heals:
        heal()
    trial.settle(90)
    problems, said = recovered(plan, trial)
    facts = {"plan": describe(plan), "code": done.code,
             "recover": said["outcome"], "came": came}
    if done.code not in OWNERS:
        problems.append(f"exit: {done}")
    if said["outcome"] == "person":
        killed = {"source-KILL", "destination-KILL"} & set(plan.faults)
        if not killed:
            problems.append(f"lost: a person must decide: {said}")
        trial.guest.watch.close()
        if not problems:
            place.clean()
    else:
        problems += trial.judge(allowed_owners(plan, trial, done.code))
    facts.update(owner=trial.owner, gap_ms=round(trial.gap_ms(), 1))
    return problems, facts


def main():
    p = book.parser(__doc__)
    p.add_argument("count", type=int, nargs="?", default=100)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--index", type=int, help="only this trial, even if done")
    args = p.parse_args()
    book.need()
    pages = book.Book("ledger", args)
    points = book.has_faults()
    indices = range(args.count) if args.index is None else [args.index]
    kind = "points" if points else "events"
    names = {f"{args.seed}:{i}:{kind}": i for i in indices}
    if args.index is not None:
        pages.entries.clear()
    place = ground.Ground()
    try:
        book.run_all(pages, place, [
            (name, lambda i=i: run_plan(place, make_plan(args.seed, i,
                                                         points)))
            for name, i in names.items()
            if not args.only or args.only in
            describe(make_plan(args.seed, i, points))],
            lambda name: f"tests/fault/ledger.py --seed {args.seed} "
            f"--index {names[name]}")
        return pages.totals(set(names))
    except KeyboardInterrupt:
        print(f"stopped after {len(pages.now)} trials; call it again to go on")
        return 130
    finally:
        place.close()


if __name__ == "__main__":
    sys.exit(main())
