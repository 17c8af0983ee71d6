#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the demo again and again while every core of this machine is busy.

    tools/demo/under_load.py [RUNS]             20 of them, or so many

An endless loop a core, of normal priority. Prints a line a run: its time, the
budget that vmferry named in the second act, and the blackout of the migration
that was given it. Fails if any run does; what that one said follows.
"""
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# Ends with us, however we end.
LOOP = ["setpriv", "--pdeathsig", "KILL", "sh", "-c", "while :; do :; done"]
NAMED = re.compile(r"a budget of (\d+) ms")
REACHED = re.compile(r"blackout (\d+) ms.*\(budget (\d+)\)")


def run_once(number):
    """Whether it succeeded, and (budget, blackout) of the second act."""
    started = time.monotonic()
    demo = subprocess.Popen([os.path.join(HERE, "demo.py")], text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, errors="replace")
    try:
        said = demo.communicate()[0]
    except BaseException:
        # It cleans up, which is not to be cut short.
        demo.terminate()
        demo.communicate()
        raise
    took = time.monotonic() - started
    named, reached = NAMED.search(said), REACHED.findall(said)
    ok = demo.returncode == 0
    figures = (int(named[1]), int(reached[-1][0])) if ok else None
    print(f"{number:3}  {'ok' if ok else 'FAIL':4} {took:6.1f} s  " +
          (f"named {figures[0]} ms, stood still for {figures[1]} ms" if ok
           else f"status {demo.returncode}"), flush=True)
    if not ok:
        print(said, flush=True)
    return ok, took, figures


def spread(values):
    ordered = sorted(values)
    return (f"{ordered[0]:.0f} to {ordered[-1]:.0f}, "
            f"{ordered[len(ordered) // 2]:.0f} in the middle")


def main():
    words = sys.argv[1:] or ["20"]
    if len(words) > 1 or not re.fullmatch("[1-9][0-9]*", words[0]):
        print("usage: under_load.py [RUNS]", file=sys.stderr)
        return 2
    runs = int(words[0])
    loops = [subprocess.Popen(LOOP) for _ in range(os.cpu_count())]
    try:
        results = [run_once(i + 1) for i in range(runs)]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    good = [figures for ok, _, figures in results if ok]
    print(f"{len(good)} of {runs} succeeded under {len(loops)} endless loops")
    print(f"seconds a run: {spread([took for _, took, _ in results])}")
    if good:
        print(f"budget named, ms: {spread([b for b, _ in good])}")
        print(f"blackout, ms: {spread([b for _, b in good])}")
        print("blackout, percent of the budget: "
              + spread([100 * got / named for named, got in good]))
    return 0 if len(good) == runs else 1


def interrupted(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
