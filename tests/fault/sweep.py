#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An engine killed at each of its system calls that anybody can notice.

A clean run is counted first; then, for every N, an engine that gets SIGKILL on
entering its Nth fdatasync (rename, sendto, write ...). Twice: `guard` leaves
the rest to the guardian; in `hand` the guardian dies together with the engine,
and `recover` by hand mends it. With fault points also samples of the tunnel's
thread, by its calls. The book is build/fault/sweep.jsonl.
"""
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
import book
import cells
import ground
import harness
import processes

CALLS = ("fdatasync", "fsync", "rename", "renameat2", "unlink", "mkdir",
         "rmdir", "pwrite64", "sendto", "sendmsg", "write")
THREAD_CALLS = ("read", "write", "sendto", "recvfrom", "poll")
MODES = ("guard", "hand")
COMMITTED = ("COMMIT", "DESTRUN", "DONE")
SAMPLES = 50


def inject(calls, n=None):
    """strace on the control thread alone: threads are not followed."""
    argv = ["strace", "-qq", "-e", "signal=none", "-e",
            "trace=" + ",".join(calls)]
    return argv + (["-e", f"inject={calls[0]}:signal=SIGKILL:when={n}"]
                   if n else [])


def count(path):
    """{system call: how often} of strace's output."""
    with open(path) as f:
        return collections.Counter(
            m[1] for m in (re.match(r"(\w+)\(", line) for line in f) if m)


def clean_counts(place):
    """How often each call is made when nothing goes wrong."""
    out = os.path.join(place.place.work, "calls")
    trial = place.trial(wrap=[*inject(CALLS), "-o", out])
    done = trial.finish()
    trial.settle()
    problems = trial.judge({"destination"})
    if done.code or problems:
        raise SystemExit(f"a migration without a fault fails: {done} "
                         f"{problems}")
    return count(out)


class ThreadProbe:
    """strace on the tunnel's thread of an engine that stopped itself."""

    def __init__(self, trial, argv, out="/dev/null"):
        trial.wait_stopped()
        tasks = sorted(map(int, os.listdir(f"/proc/{trial.engine}/task")))
        self.thread = tasks[-1]
        if len(tasks) < 2:
            raise AssertionError("the engine has no second thread")
        self.process = subprocess.Popen(
            [*argv, "-o", out, "-p", str(self.thread)],
            stdin=subprocess.DEVNULL, env=trial.ground.place.env)
        harness.wait_until(self.attached, 20, "strace does not attach")
        harness.kill(trial.engine, signal.SIGCONT)

    def attached(self):
        status = harness.read(f"/proc/{self.thread}/status")
        return b"TracerPid:\t0\n" not in status

    def end(self):
        self.process.wait(60)


def start_slow(place):
    """An engine that waits for us when its tunnel is open."""
    return place.trial(args=ground.SLOW, fault="tunnel.after:stop")


def thread_counts(place):
    out = os.path.join(place.place.work, "calls")
    trial = start_slow(place)
    probe = ThreadProbe(trial, inject(THREAD_CALLS), out)
    done = trial.finish()
    probe.end()
    trial.settle()
    problems = trial.judge({"destination"})
    if done.code or problems:
        raise SystemExit(f"a slow migration fails: {done} {problems}")
    return count(out)


# --- one trial ---------------------------------------------------------------

def last_record(place):
    """Of the journal of the one run there is; None without."""
    runs = os.listdir(place.place.runs) if os.path.isdir(place.place.runs) \
        else []
    for run in runs:
        done = harness.vmferry(place.place, "journal", "print", "--json",
                               os.path.join(place.place.runs, run, "journal"))
        return json.loads(done.out)["last"]
    return None


def recovered(trial, mode, aside):
    """(problems, facts) of an engine that is dead by now."""
    place, facts, problems = trial.ground, {}, []
    owners = {"source", "destination"}
    if mode == "hand":
        aside.end(signal.SIGKILL)
        harness.wait_until(lambda: not processes.ferries(), 10,
                           f"they live on: {processes.ferries()}")
        facts["journal"] = last_record(place)
        # without a journal the run was not begun, or is done
        if facts["journal"]:
            owners = {"destination" if facts["journal"] in COMMITTED
                      else "source"}
        first = place.recover()
        facts["recover"] = first.json()["outcome"]
        if first.code != 0:
            problems.append(f"exit: recover: {first}")
    trial.settle()
    again = place.recover()
    if mode == "guard" and cells.is_unguarded(again):
        again = place.recover()
    if again.code != 0 or again.json()["outcome"] != "nothing":
        problems.append(f"exit: recover after recovery: {again}")
    problems += trial.judge(owners)
    facts.update(owner=trial.owner, gap_ms=round(trial.gap_ms(), 1),
                 promised=mode == "guard")
    if mode == "guard" and facts["gap_ms"] > \
            ground.GUARDIAN_MS + ground.SLACK_MS:
        problems.append(f"slow: {facts['gap_ms']} ms until it ran again")
    return problems, facts


def kill_at(place, call, n, mode):
    """None when the run has no Nth call of these."""
    trial = place.last = place.trial(
        wrap=[*inject([call], n), "-o", "/dev/null"])
    aside = processes.Aside(trial.engine) if mode == "hand" and trial.engine \
        else None
    done = trial.finish()
    if done.code == 0:
        if aside:
            aside.end(signal.SIGCONT)
        trial.settle()
        problems = trial.judge({"destination"})
        return (problems, {"unreached": True}) if problems else None
    if done.code not in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return [f"exit: not killed: {done}"], {}
    return recovered(trial, mode, aside or processes.Aside(0))


def kill_in_thread(place, call, n, mode):
    trial = place.last = start_slow(place)
    aside = processes.Aside(trial.engine) if mode == "hand" else None
    probe = ThreadProbe(trial, inject([call], n))
    done = trial.finish()
    probe.end()
    if done.code == 0:
        if aside:
            aside.end(signal.SIGCONT)
        trial.settle()
        problems = trial.judge({"destination"})
        return (problems, {"unreached": True}) if problems else None
    return recovered(trial, mode, aside or processes.Aside(0))


# --- all of them -------------------------------------------------------------

def control_trials(place, modes):
    counts = clean_counts(place)
    print("calls of the control thread:", dict(counts), flush=True)
    for call in CALLS:
        for n in range(1, counts[call] + 1):
            for mode in modes:
                yield (f"{call}:{n}:{mode}",
                       lambda c=call, n=n, m=mode: kill_at(place, c, n, m))


def thread_trials(place, modes, seed):
    counts = thread_counts(place)
    print("calls of the tunnel's thread:", dict(counts), flush=True)
    rng = random.Random(seed)
    calls = [c for c in THREAD_CALLS if counts[c]]
    for i in range(SAMPLES):
        call, mode = calls[i % len(calls)], modes[i // 2 % len(modes)]
        n = rng.randrange(1, counts[call] + 1)
        yield (f"tunnel:{call}:{n}:{mode}",
               lambda c=call, n=n, m=mode: kill_in_thread(place, c, n, m))


def again_line(name):
    return f"tests/fault/sweep.py -k '{name}'"


def choose(args, trials):
    trials = [t for t in trials if not args.only or args.only in t[0]]
    if args.sample and args.sample < len(trials):
        trials = random.Random(args.seed).sample(trials, args.sample)
    return trials


def main():
    p = book.parser(__doc__)
    p.add_argument("--sample", type=int, metavar="K",
                   help="so many of all, chosen by the seed")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--mode", choices=MODES, action="append")
    args = p.parse_args()
    book.need()
    modes = args.mode or MODES
    pages = book.Book("sweep", args)
    place = ground.Ground()
    try:
        trials = list(control_trials(place, modes))
        if book.has_faults():
            trials += thread_trials(place, modes, args.seed)
        else:
            print("no samples of the tunnel's thread: this build has no "
                  "fault points")
        trials = choose(args, trials)
        print(f"{len(trials)} trials chosen", flush=True)
        book.run_all(pages, place, trials, again_line)
        return pages.totals({name for name, _ in trials})
    except KeyboardInterrupt:
        print(f"stopped after {len(pages.now)} trials; call it again to go on")
        return 130
    finally:
        place.close()


if __name__ == "__main__":
    sys.exit(main())
