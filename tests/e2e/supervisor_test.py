#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who else would start the guest: shells above QEMU."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
import case
import harness

LOOP = 'while :; do "$@"; sleep 0.1; done\n'
ONCE = '"$@"\nexit\n'


class SupervisorTest(case.LoopbackCase):

    def script(self, text):
        path = os.path.join(self.place.work, "start.sh")
        with open(path, "w") as f:
            f.write(text)
        self.addCleanup(harness.remove, path)
        return path

    def under(self, *words):
        guest = self.guest(start=False)
        guest.start(under=words)
        return guest

    def found(self, guest, code):
        """What check says of it."""
        done = self.check(guest, "--json")
        self.assertEqual(done.code, code, str(done))
        return [(c["verdict"], c["remedy"]) for c in done.json()["checks"]
                if c["name"] == "supervisor"]

    def assert_refused(self, guest):
        shell = guest.process.pid
        ((verdict, remedy),) = self.found(guest, 3)
        self.assertEqual(verdict, "fail")
        self.assertIn(f"kill -KILL {shell}", remedy)
        self.assert_stayed(guest, self.migrate(guest), 3)
        # the remedy works
        guest.process.kill()
        guest.process.wait()
        self.assertEqual(self.found(guest, 0), [])
        self.assert_moved(guest, self.migrate(guest))

    def test_a_script_with_a_loop_is_refused(self):
        self.assert_refused(self.under("sh", self.script(LOOP)))

    def test_a_text_with_a_loop_is_refused(self):
        self.assert_refused(self.under("bash", "-c", LOOP, "loop"))


    def test_a_text_that_cannot_be_read_is_refused(self):
        path = self.script("{ " + ONCE + "}\n")
        fifo = path + ".fifo"
        os.mkfifo(fifo)
        self.addCleanup(harness.remove, fifo)
        self.assert_refused(self.under(
            "sh", "-c", f'cat {path} >{fifo} & exec sh -s "$@" <{fifo}', "x"))

    def test_a_script_that_calls_itself_is_refused(self):
        self.assert_refused(self.under("sh", self.script(
            'r() { "$@"; sleep 0.1; r "$@"; }\nr "$@"\n')))

    def test_a_script_that_runs_another_one_is_refused(self):
        self.assert_refused(self.under("sh", self.script(
            '"$@"\nsleep 0.1\nexec /srv/web1.sh "$@"\n')))

    def test_a_script_that_waits_is_a_warning(self):
        guest = self.under("sh", self.script(ONCE))
        ((verdict, remedy),) = self.found(guest, 0)
        self.assertEqual(verdict, "warn")
        self.assertIn(str(guest.process.pid), remedy)


class SameHostTest(case.LoopbackCase):

    def verdicts(self, dest):
        done = self.check(self.guests[0], "--json", dest=dest)
        return [c["verdict"] for c in done.json()["checks"]
                if c["name"] == "same-host"]

    def test_the_host_where_it_runs_is_a_warning(self):
        self.guest()
        self.assertEqual(self.verdicts(None), ["warn"])
        self.assertEqual(self.verdicts("local"), [])


if __name__ == "__main__":
    unittest.main()
