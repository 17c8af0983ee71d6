#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the end-to-end tests: every *_test.py here, each in its own process.

Prints each test with its time, what failed, and one line of totals. A skipped
test counts as a failure unless its reason is on the list below: a tool that
is missing must not look like success.

With --lanes 2 two modules run at a time, each in PID, IPC and network
namespaces of its own, so that none sees another's guests or ports; that needs
root. What a module printed then appears when it has ended.
"""
import argparse
import concurrent.futures
import glob
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness
import loop_device
from apart import apart, end_apart
from presence import Presence


def qemu_major():
    """Of the QEMU that the tests run; 0 when it does not say."""
    try:
        text = subprocess.run(["qemu-system-x86_64", "-version"], text=True,
                              capture_output=True).stdout
    except OSError:
        return 0
    found = re.search(r"version (\d+)\.", text)
    return int(found[1]) if found else 0


# Reasons that may skip a test, and when.
ALLOWED_SKIPS = {
    "root is needed for namespaces": os.geteuid() != 0,
    # what QEMU 7.2 needs vmferry for
    "this QEMU migrates inactive images": qemu_major() >= 10,
    # it loses no dirty bits
    "this QEMU is corrected": qemu_major() >= 9,
    "there are no loop devices": not loop_device.known(),
}
MODULE_TIMEOUT_S = 1800
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Report(unittest.TestResult):
    """A line a test as it ends."""

    def __init__(self):
        super().__init__()
        self.passed, self.bad, self.bad_skips = 0, 0, 0
        self.started = 0

    def startTest(self, test):
        super().startTest(test)
        self.started, self.words = time.monotonic(), []

    def stopTest(self, test):
        super().stopTest(test)
        took = time.monotonic() - self.started
        word = self.words[0] if self.words else "ok"
        print(f"  {word:5}{took:6.1f} s  {test.id()}", flush=True)
        self.passed += word == "ok"
        self.bad += word == "FAIL"

    def wrong(self, test, err):
        text = self._exc_info_to_string(err, test)
        print(f"FAILED: {test.id()}\n{text}", flush=True)
        if isinstance(test, unittest.TestCase):
            self.words.append("FAIL")
        else:
            # setUpClass and the like: no test of it has run.
            self.bad += 1

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.wrong(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.wrong(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.words.append("FAIL")
            text = self._exc_info_to_string(err, test)
            print(f"FAILED: {subtest.id()}\n{text}", flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.words.append("skip")
        print(f"  skipped: {test.id()}: {reason}")
        if not ALLOWED_SKIPS.get(reason):
            print(f"FAILED: {test.id()} must not be skipped here")
            self.bad_skips += 1


def run_module(name, pattern, fd):
    """In the child: runs one module, writes its counts to fd."""
    loader = unittest.TestLoader()
    if pattern:
        loader.testNamePatterns = [f"*{pattern}*"]
    report = Report()
    try:
        loader.loadTestsFromModule(importlib.import_module(name)).run(report)
    except KeyboardInterrupt:
        # unittest does not clean up then
        harness.end_ours()
        raise
    counts = (report.passed, report.bad, len(report.skipped),
              report.bad_skips)
    os.write(fd, json.dumps(counts).encode())


RUNNING = set()     # modules' processes


def interrupted(*_):
    """Once; what it ends by cleans up."""
    for sig in ENDS:
        signal.signal(sig, signal.SIG_IGN)
    raise KeyboardInterrupt


def end_modules():
    for child in list(RUNNING):
        if not end_apart(child.pid):
            child.terminate()


def start_module(name, pattern, out, wrap=list):
    """Runs a module in a child of its own that prints to out; its counts."""
    reader, writer = os.pipe()
    argv = [sys.executable, os.path.abspath(__file__), "--module", name,
            "--fd", str(writer)] + (["-k", pattern] if pattern else [])
    print(name, file=out, flush=True)
    child = subprocess.Popen(wrap(argv), pass_fds=[writer], stdout=out,
                             stderr=subprocess.STDOUT)
    os.close(writer)
    RUNNING.add(child)
    try:
        child.wait(MODULE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"FAILED: {name} does not end", file=out)
        child.kill()
    except KeyboardInterrupt:
        end_modules()
        child.wait(60)
        raise
    RUNNING.discard(child)
    with os.fdopen(reader, "rb") as f:
        data = f.read()
    if child.wait() or not data:
        print(f"FAILED: {name} broke off with status {child.returncode}",
              file=out)
        return (0, 1, 0, 0)
    return json.loads(data)


def in_lane(name, pattern):
    """Runs a module beside others: apart from them, printed at its end."""
    with tempfile.TemporaryFile("w+") as out:
        counts = start_module(name, pattern, out, apart)
        out.seek(0)
        sys.stdout.write(out.read())
        sys.stdout.flush()
    return counts


def size(name):
    """The order of lanes: what takes long begins early."""
    return -os.path.getsize(os.path.join(HERE, f"{name}.py"))


def run_modules(names, pattern, lanes):
    if lanes == 1:
        return [start_module(n, pattern, sys.stdout) for n in names]
    # All the while: a lab takes a machine id that is missing for its own.
    here = Presence(harness.STATE, harness.MACHINE_ID)
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        try:
            return list(pool.map(lambda n: in_lane(n, pattern),
                                 sorted(names, key=size)))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            end_modules()
            raise
        finally:
            pool.shutdown()
            here.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE",
                        help="only these (migrate_test, say)")
    parser.add_argument("-k", metavar="PATTERN", dest="pattern",
                        help="only tests whose full name has this in it")
    parser.add_argument("--lanes", type=int, default=1, metavar="N",
                        help="so many modules at a time; needs root")
    parser.add_argument("--module", help=argparse.SUPPRESS)
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.lanes < 1:
        parser.error(f"--lanes {args.lanes}: one at least")
    if args.lanes > 1 and os.geteuid():
        parser.error("--lanes: root is needed for namespaces")
    for sig in ENDS:
        signal.signal(sig, interrupted)
    sys.stdout.reconfigure(errors="replace")
    if args.module:
        run_module(args.module, args.pattern, args.fd)
        return 0
    names = args.modules or sorted(
        os.path.basename(path)[:-3] for path in
        glob.glob(os.path.join(HERE, "*_test.py")))
    started = time.monotonic()
    counts = run_modules([n.removesuffix(".py") for n in names],
                         args.pattern, args.lanes)
    passed, bad, skipped, bad_skips = map(sum, zip(*counts))
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {bad} failed, {skipped} skipped")
    if not passed:
        print("no test ran", file=sys.stderr)
    return 1 if bad or bad_skips or not passed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
