#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the tests on hosts with a systemd: every *_test.py here.

    run.py [-k TEXT] [--fresh] [--list]

The hosts are namespaces; VMFERRY_LAB=machine: machines that QEMU emulates.

What went well with these programs and tests is in the book
(build/systemd.jsonl) and is not run again, so that a run that was stopped goes
on. The hosts are booted once.
"""
import argparse
import glob
import hashlib
import json
import os
import signal
import sys
import time
import unittest

import unitkit                  # first: it knows where the others are
import harness

BOOK = os.path.join(harness.BUILD, "systemd.jsonl")


def sources():
    """What a result is about."""
    return [harness.VMFERRY, os.path.join(unitkit.ROOT, "README.md"),
            os.path.join(unitkit.ROOT, "tools/lab/machine_image.sh"),
            os.path.join(unitkit.ROOT, "tools/lab/machine.py"),
            os.path.join(unitkit.ROOT, "tools/lab/container.py"),
            os.path.join(unitkit.ROOT, "tools/lab/container_init.sh"),
            os.path.join(unitkit.HERE, "unitkit.py")]


def digest(module):
    found = hashlib.sha256()
    found.update(unitkit.KIND.__name__.encode())
    for path in (*sources(), os.path.join(unitkit.HERE, f"{module}.py")):
        with open(path, "rb") as f:
            found.update(f.read())
    return found.hexdigest()[:12]


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def all_tests():
    names = sorted(os.path.basename(p)[:-3] for p in
                   glob.glob(os.path.join(unitkit.HERE, "*_test.py")))
    return list(tests_of(unittest.defaultTestLoader.loadTestsFromNames(names)))


def passed():
    """{(test, digest)} of the book; a line that a kill cut off is none."""
    found = set()
    if os.path.exists(BOOK):
        with open(BOOK) as f:
            for line in f:
                if line.endswith("\n"):
                    entry = json.loads(line)
                    found.add((entry["test"], entry["of"]))
    return found


def run(test, of):
    """Whether it passed; an error of its cleaning up counts."""
    started = time.monotonic()
    result = unittest.TestResult()
    test.run(result)
    took = time.monotonic() - started
    bad = result.errors + result.failures + result.skipped
    print(f"  {'FAIL' if bad else 'ok':5}{took:6.1f} s  {test.id()}",
          flush=True)
    for _, text in bad:
        print(text, flush=True)
    if not bad:
        with open(BOOK, "a") as f:
            f.write(json.dumps({"test": test.id(), "of": of,
                                "took_s": round(took, 1)}) + "\n")
    return not bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("-k", metavar="TEXT", dest="only", default="",
                        help="only tests with this in their name")
    parser.add_argument("--fresh", action="store_true",
                        help="forget the book")
    parser.add_argument("--list", action="store_true", help="run nothing")
    args = parser.parse_args()
    for sig in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.default_int_handler)
    if args.fresh and os.path.exists(BOOK):
        os.unlink(BOOK)
    book, good, bad = passed(), 0, 0
    for test in all_tests():
        of = digest(type(test).__module__)
        done = (test.id(), of) in book
        if args.only not in test.id():
            continue
        if args.list:
            print(f"{'done' if done else 'to do':6}{test.id()}")
        elif done or run(test, of):
            good += 1
        else:
            bad += 1
    if args.list:
        return 0
    print(f"{good} passed, {bad} failed")
    return 1 if bad or not good else 0


if __name__ == "__main__":
    if os.geteuid():
        sys.exit("root is needed, to make machines whose keys have owners")
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
