#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The demo succeeds, or is interrupted, and leaves nothing behind.

It has a home and a directory for temporary files of its own here; root's test
has a /run and a state directory that nobody else writes to.
"""
import os
import signal
import subprocess
import tempfile
import unittest

import harness

DEMO = os.path.join(harness.ROOT, "tools/demo/demo.py")
TIMEOUT_S = 900


def files(top):
    return [os.path.join(where, name)
            for where, directories, names in os.walk(top)
            for name in directories + names]


class DemoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = harness.isolate()
        cls.home = os.path.join(cls.place.work, "home")
        cls.temporary = os.path.join(cls.place.work, "tmp")
        for path in (cls.home, cls.temporary):
            os.mkdir(path, 0o700)

    def setUp(self):
        env = {"PATH": os.environ["PATH"], "HOME": self.home,
               "TMPDIR": self.temporary, "LC_ALL": "C.UTF-8",
               "VMFERRY_BUILD": harness.BUILD}
        self.before = set(os.listdir("/run"))
        self.log = os.path.join(self.place.work, "demo-log")
        self.addCleanup(harness.remove, self.log)
        with open(self.log, "w") as log:
            self.demo = subprocess.Popen(
                [DEMO], env=env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        self.addCleanup(self.abandon)

    def abandon(self):
        self.demo.kill()
        self.demo.wait()

    def said(self):
        return harness.read(self.log).decode(errors="replace")

    def ends(self, code):
        self.assertEqual(self.demo.wait(TIMEOUT_S), code, self.said())
        self.assertNotIn("Traceback", self.said())

    def assert_nothing_left(self):
        left = files(self.home) + files(self.temporary)
        if harness.IS_ROOT:
            left += files(harness.STATE)
            self.assertEqual(set(os.listdir("/run")), self.before)
        self.assertEqual(left, [], self.said())

    def test_it_succeeds_and_leaves_nothing(self):
        self.ends(0)
        self.assertRegex(self.said(), "a budget of [0-9]+ ms")
        self.assertEqual(self.said().count("✔ the guest checked its memory"),
                         3)
        self.assert_nothing_left()

    def interrupt(self, sig, when):
        harness.wait_until(lambda: when() or self.demo.poll() is not None,
                           300, "it does not come to that")
        self.demo.send_signal(sig)
        self.ends(130)
        self.assert_nothing_left()

    def line_of(self, pid):
        return " ".join(harness.argv_of(pid))

    def copies(self):
        return "from=tunnel to=precopy" in self.said()

    def test_interrupted_while_it_copies_it_leaves_nothing(self):
        self.interrupt(signal.SIGINT, self.copies)

    def test_its_terminal_may_be_closed(self):
        self.interrupt(signal.SIGHUP, self.copies)

    def test_ended_while_sshd_starts_it_leaves_nothing(self):
        self.interrupt(signal.SIGTERM, lambda: any(
            "/sshd_config" in line and self.temporary in line
            for line in map(self.line_of, harness.children(
                self.demo.pid))))


class DemoRefusesTest(unittest.TestCase):
    """Where the machine lacks something, one line names it and the remedy."""

    def assert_refused(self, argv, words, path=os.environ["PATH"]):
        done = subprocess.run(argv, env={"PATH": path, "LC_ALL": "C.UTF-8"},
                              stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stdout, f"^  ✘ {words}\n$")
        self.assertEqual(done.stderr, "")

    def test_without_qemu_it_names_the_package(self):
        self.assert_refused([DEMO], "qemu-system-x86_64 is missing: "
                            "apt-get install qemu-system-x86", "/nowhere")

    @unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
    def test_without_proc_it_says_how_to_mount_it(self):
        self.assert_refused(
            ["unshare", "--mount", "sh", "-c",
             f"mount -t tmpfs tmpfs /proc && exec {DEMO}"],
            "/proc is missing: mount -t proc proc /proc")

    def test_a_directory_that_sshd_cannot_take_is_named(self):
        with tempfile.TemporaryDirectory(prefix="a b") as odd:
            self.assert_refused(["env", f"TMPDIR={odd}", DEMO],
                                f"the directory for temporary files, {odd}, "
                                ".*: TMPDIR=/tmp make demo")


if __name__ == "__main__":
    unittest.main()
