# SPDX-License-Identifier: MIT
"""The cells of the fault matrix on one host: fault × phase, and what follows.

A cell is a function that runs one trial and returns (problems, facts). What is
expected of it: the engine's exit codes (None: it was killed), and who may have
the guest once all is settled.
"""
import collections
import os
import signal
import subprocess
import time

import harness
import holds
import processes
from badinput_test import FakeMonitor
from holds import POINTS

KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
# Undecided after a minute of asking, by the engine's own bound.
HOLD_S = 150

Expect = collections.namedtuple("Expect", "codes owners person wait_s",
                                defaults=(False, 60))


def stays(*codes):
    return Expect(codes, {"source"})


def moves(*codes):
    return Expect(codes or (0,), {"destination"})


def ends(*codes):
    return Expect(codes or (12,), {"none"})


def held(*codes):
    """Undecided by the engine, finished by the guardian once healed."""
    return Expect(codes or (7,), {"destination"}, wait_s=HOLD_S)


def a_person_decides(*codes):
    """With another code than 7 it stays on the source."""
    return Expect((7, *codes), {"source"}, person=True, wait_s=HOLD_S)


DEAD_STAYS, DEAD_MOVES = stays(*KILLED), moves(*KILLED)

# --- the end of every cell ---------------------------------------------------


def concluded(trial, expect, heal=None):
    """(problems, facts) once everybody has done what they do."""
    place, problems = trial.ground, []
    done = trial.finish(expect.wait_s)
    if done.code not in expect.codes:
        problems.append(f"exit: {done.code} instead of {expect.codes}: "
                        f"{done}")
    if done.code == 7 and trial.states().count("running") > 1:
        problems.append("two: both run while it is undecided")
    if heal:
        heal()
    trial.settle(expect.wait_s)
    if expect.person and done.code == 7:
        problems += wait_for_a_person(trial)
    else:
        again = place.recover()
        if is_unguarded(again):
            again = place.recover()
        if again.code != 0 or again.json()["outcome"] != "nothing":
            problems.append(f"exit: recover after it: {again}")
        problems += trial.judge(expect.owners)
    gap = round(trial.gap_ms(), 1)
    return problems, {"code": done.code, "owner": trial.owner, "gap_ms": gap}


def is_unguarded(outcome):
    """It died before there was a guardian: nothing was changed until then."""
    if outcome.code != 0:
        return False
    said = outcome.json()
    return said["outcome"] == "abort" and said["journal"] == "BEGIN"


def wait_for_a_person(trial):
    """Nothing was started or killed; then somebody decides."""
    problems = []
    again = trial.ground.recover()
    if again.code != 7:
        problems.append(f"exit: recover: {again}")
    if trial.states() != ["postmigrate"]:
        problems.append(f"owner: {trial.states()}")
    trial.owner = "unknown"
    trial.guest.watch.close()
    trial.ground.clean()
    return problems


# --- kinds of cells ----------------------------------------------------------


def action(point, word, args=()):
    """The engine itself does it: kill, error, stall, stop."""
    def run(place, expect):
        trial = place.last = place.trial(
            args=[*holds.arguments(point), *args], fault=f"{point}:{word}")
        if word == "kill":
            trial.run.process.wait(120)
            trial.broken()
        return concluded(trial, expect)
    return run


def second_try(point, word, visit=2):
    """Turned back at the first look at the budget; then at the point."""
    def run(place, expect):
        trial = place.last = place.trial(
            fault=f"switch.budget:error,{point}:{word}:{visit}")
        if word == "kill":
            trial.run.process.wait(120)
            trial.broken()
        problems, facts = concluded(trial, expect)
        if not any(e["event"] == "warning" and e["name"] == "retry"
                   for e in trial.run.events):
            problems.append("retry: there was no second try")
        return problems, facts
    return run


def turned_back_twice(place, expect):
    trial = place.last = place.trial(
        fault="switch.budget:error,switch.budget:error:2")
    problems, facts = concluded(trial, expect)
    if "that an earlier pause has left" not in trial.outcome.err:
        problems.append(f"retry: the budget is another's: {trial.outcome}")
    return problems, facts


def taken_over_there(place, expect):
    """Between two tries somebody else begins to bring the guest there."""
    hold = holds.Hold(place, "switch.budget:error,launch.undo")
    heal = holds.take_lock_over_there(hold.trial)
    hold.go_on()
    problems, facts = concluded(hold.trial, expect, heal)
    if "a second try did not begin" not in hold.trial.outcome.err:
        problems.append(f"retry: it is not told: {hold.trial.outcome}")
    return problems, facts


def outside(point, fault, args=()):
    """Something else breaks while the engine is held at the point."""
    def run(place, expect):
        hold = holds.Hold(place, point, args)
        heal = fault(hold.trial)
        hold.go_on()
        return concluded(hold.trial, expect, heal)
    return run


def by_hand(point):
    """Engine and guardian die at once; a person calls recover."""
    def run(place, expect):
        hold = holds.Hold(place, point)
        trial = hold.trial
        trial.kill_engine()
        hold.guardian_dies()
        trial.finish()
        harness.wait_until(lambda: not processes.ferries(), 60, "they live on")
        done = place.recover()
        if done.code != 0:
            return [f"exit: recover: {done}"], {}
        return concluded(trial, expect)
    return run


def wedged(point):
    """Stopped for good: the guardian is the one to notice."""
    def run(place, expect):
        trial = place.last = place.trial(args=holds.arguments(point),
                                         fault=f"{point}:stop")
        trial.wait_stopped()
        trial.broken()
        return concluded(trial, expect)
    return run


def journal_fails(when):
    """fdatasync fails from the Nth record on (N+), or at the Nth only."""
    def run(place, expect):
        trial = place.last = place.trial(
            wrap=["strace", "-qq", "-o", "/dev/null", "-e",
                  "trace=fdatasync", "-e",
                  f"inject=fdatasync:error=EIO:when={when}"])
        return concluded(trial, expect)
    return run


def refused(prepare):
    """Broken before the engine starts; prepare returns options and heal."""
    def run(place, expect):
        args, heal, dest = prepare(place)
        trial = place.last = place.trial(args=args, dest=dest)
        return concluded(trial, expect, heal)
    return run


# --- what is broken beforehand -----------------------------------------------


def wrong_host_key(place):
    return (), holds.change_host_key(_Nobody(place)), None


class _Nobody:
    """What a fault needs of a trial, before there is one."""

    def __init__(self, place):
        self.ground = place

    def broken(self):
        pass


def nobody_listens(place):
    return (), None, f"127.0.0.1:{harness.free_port()}"


def full_state_dir(place):
    path = os.path.join(place.place.work, "full")
    harness.remove(path)
    os.mkdir(path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none",
                    path], check=True)
    with open(os.path.join(path, "full"), "wb") as f:
        f.write(bytes(4096))

    def heal():
        subprocess.run(["umount", path], check=True)
        os.rmdir(path)
    # a small file system in memory does for one that is full
    return ("--state-dir", path, "--skip-check", "state"), heal, None


def dest_args(change):
    def prepare(place):
        path = os.path.join(place.place.work, "dest-args")
        with open(path, "w") as f:
            f.writelines(f"{w}\n" for w in change(place.guest.argv[1:]))
        return ("--dest-args", path), lambda: os.unlink(path), None
    return prepare


def monitor_taken(place, expect):
    """Somebody else talks to the only monitor all the while."""
    place.fresh_guest()
    others = []
    trial = place.last = place.trial(
        before=lambda: others.append(place.guest.monitor()))
    trial.finish()
    others[0].close()
    return concluded(trial, expect)


def monitor_says(words):
    """None: it says nothing."""
    def run(place, expect):
        place.fresh_guest()
        fakes = []
        trial = place.last = place.trial(
            before=lambda: fakes.append(FakeMonitor(place.guest, words)))
        trial.finish()
        fakes[0].close()
        return concluded(trial, expect)
    return run


def locked_image(place, expect):
    """At `cont` somebody else holds the image; back to the source then."""
    hold = holds.Hold(place, POINTS["committed"])
    trial = hold.trial
    locker = Locker(place)
    hold.go_on()
    journal = os.path.join(place.place.runs, trial.run.run_id(), "journal")
    harness.wait_until(lambda: b"ROLLBACK" in harness.read(journal) or
                       trial.run.process.poll() is not None, 60,
                       "no ROLLBACK")
    locker.end()
    return concluded(trial, expect)


class Locker:
    """A process that holds the write lock of the disk, once it is free."""

    def __init__(self, place):
        self.process = subprocess.Popen(
            ["qemu-io", "-f", "qcow2", place.disk], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=place.place.env)
        self.process.stdin.write("length\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        if "MiB" not in said:
            raise AssertionError(f"cannot lock the image: {said}")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def clock_jumps(place, expect):
    """The engine's wall clock, a day ahead in the middle of the copy."""
    shim = os.path.join(place.place.work, "clock_shim.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim,
                    os.path.join(processes.HERE, "clock_shim.c")], check=True)
    trial = place.last = place.trial(args=("--bandwidth", "2M"), env={
        "LD_PRELOAD": shim, "CLOCK_JUMP_AT": str(int(time.monotonic()) + 6)})
    problems, facts = concluded(trial, expect)
    times = [e["t"] - e["mono_ms"] / 1e3 for e in trial.run.events]
    if not times[-1] - times[0] > 80000:
        problems.append("clock: it has not jumped")
    result = trial.outcome.result
    if not (result and 0 < result["blackout_ms"] < result["total_ms"] < 120e3):
        problems.append(f"clock: it is in the result: {result}")
    return problems, facts
