#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A lock on an image that the destination's QEMU does not get at once."""
import fcntl
import os
import struct
import subprocess
import threading
import time
import unittest

import case
import harness

# The byte by which QEMU knows that somebody lets nobody else write an image.
SHARES_NO_WRITE = 201


class Lock:
    """Somebody who does not share an image, from now on, until release()."""

    def __init__(self, path):
        self.file = open(path, "rb")
        fcntl.fcntl(self.file, fcntl.F_OFD_SETLK, struct.pack(
            "hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, SHARES_NO_WRITE, 1, 0))

    def release(self):
        self.file.close()


class ImageLockTest(case.LoopbackCase):
    def setUp(self):
        super().setUp()
        self.disk = os.path.join(self.place.work, "disk.raw")
        subprocess.run(["qemu-img", "create", "-q", self.disk, "16M"],
                       check=True)
        self.addCleanup(harness.remove, self.disk)
        self.running = self.guest(extra=[
            "-blockdev", "driver=raw,node-name=raw0,file.driver=file,"
            f"file.filename={self.disk}",
            "-device", "ide-hd,drive=raw0,bus=ide.0,unit=0"])
        # what has it open holds nothing up
        self.lock = Lock(self.disk)
        self.addCleanup(self.lock.release)

    def begin(self, *args):
        run = self.start(self.running, *args)
        run.wait_phase("switchover")
        return run

    def asks_again(self, run):
        run.wait(lambda e: e["event"] == "warning" and
                 e["name"] == "image-lock", what="warning")

    def test_one_that_is_let_go_of_is_outlasted(self):
        run = self.begin("--max-blackout", "60000")
        self.asks_again(run)
        self.lock.release()
        outcome = run.finish()
        self.assert_moved(self.running, outcome)

    def test_one_that_is_not_is_explained_and_the_guest_goes_back(self):
        run = self.begin("--max-blackout", "3000")
        self.asks_again(run)
        # the source needs the lock as well
        timer = threading.Timer(6, self.lock.release)
        timer.start()
        self.addCleanup(timer.join)
        outcome = run.finish()
        self.assert_stayed(self.running, outcome, 4)
        self.assert_explained(outcome, "stayed locked for",
                              f"process {os.getpid()} on .* has {self.disk} "
                              "open", "what has the image open")
        self.assert_moved(self.running, self.migrate(self.running))

    def test_one_that_stays_for_good_loses_nobody_the_guest(self):
        run = self.begin("--max-blackout", "1000")
        outcome = self.assert_exit(run.finish(), 7)
        self.assertTrue(harness.is_alive(self.running.pid))
        self.lock.release()
        begun = time.monotonic()
        while self.running.status() != "running":
            self.assertLess(time.monotonic() - begun, 120, str(outcome))
            self.vmferry("recover", *self.sshd.login())
        harness.await_no_ferry()
        self.assert_healthy(self.running)


if __name__ == "__main__":
    unittest.main()
