#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What runs of the tests share is there for each, and goes with the last."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

from presence import Presence


class PresenceTest(unittest.TestCase):
    def setUp(self):
        top = tempfile.TemporaryDirectory(prefix="vmferry-presence-")
        self.addCleanup(top.cleanup)
        self.state = os.path.join(top.name, "state")
        self.machine_id = os.path.join(top.name, "machine-id")

    def enter(self):
        return Presence(self.state, self.machine_id)

    def read_id(self):
        with open(self.machine_id) as f:
            return f.read()

    def assert_there(self):
        self.assertRegex(self.read_id(), "^[0-9a-f]{32}\n$")
        with self.assertRaises(OSError):
            # as the lab does, sparing what is in use
            os.rmdir(self.state)

    def assert_gone(self):
        self.assertFalse(os.path.exists(self.machine_id))
        self.assertFalse(os.path.exists(self.state))

    def test_the_first_makes_and_the_last_removes(self):
        first, second = self.enter(), self.enter()
        known = self.read_id()
        first.end()
        self.assert_there()
        third = self.enter()
        second.end()
        self.assert_there()
        self.assertEqual(self.read_id(), known)
        third.end()
        self.assert_gone()

    def test_an_empty_id_is_filled_and_emptied_again(self):
        open(self.machine_id, "w").close()
        first, last = self.enter(), self.enter()
        first.end()
        self.assertEqual(os.path.getsize(self.machine_id), 33)
        last.end()
        self.assertEqual(os.path.getsize(self.machine_id), 0)

    def test_what_was_there_before_stays(self):
        os.mkdir(self.state)
        with open(self.machine_id, "w") as f:
            f.write("mine\n")
        self.enter().end()
        self.assertEqual(os.listdir(self.state), [])
        self.assertEqual(self.read_id(), "mine\n")

    def test_what_others_have_put_there_meanwhile_stays(self):
        run = self.enter()
        kept = os.path.join(self.state, "runs")
        os.mkdir(kept)
        run.end()
        self.assertEqual(os.listdir(self.state), ["runs"])

    def test_one_that_was_killed_does_not_count(self):
        run = self.enter()
        script = ("import sys; from presence import Presence; "
                  "p = Presence(*sys.argv[1:]); print(flush=True); "
                  "sys.stdin.read()")
        child = subprocess.Popen(
            [sys.executable, "-c", script, self.state, self.machine_id], cwd=HERE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.communicate()
        run.end()
        self.assert_gone()


if __name__ == "__main__":
    unittest.main()
