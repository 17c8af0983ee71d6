# SPDX-License-Identifier: MIT
"""What `tools/dev/fresh` says where it cannot make a root, how it ends, and
what its PID 1 does."""
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

FRESH = os.path.join(harness.ROOT, "tools/dev/fresh")
NOBODY = 65534
NO_RUN = 125


def other_mounts():
    """In the child: mounts that nobody else sees."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(harness.CLONE_NEWNS) or libc.mount(
            b"none", b"/", None, harness.MS_REC | harness.MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mount namespace")


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class FreshRefuses(unittest.TestCase):
    def setUp(self):
        self.store = tempfile.mkdtemp(prefix="vmferry-fresh-")
        self.addCleanup(shutil.rmtree, self.store)

    def fresh(self, *argv, prepare=None, before=(), store=None):
        # Through stdin, as an ordinary user may not reach the checkout.
        with open(FRESH) as script:
            return subprocess.run(
                [*before, "sh", "-s", "--", *argv], stdin=script, text=True,
                capture_output=True, timeout=600, preexec_fn=prepare, cwd="/",
                env={**os.environ, "VMFERRY_FRESH": store or self.store})

    def assert_refused(self, done, words):
        """One line on stderr, which has these words last."""
        self.assertEqual(done.returncode, NO_RUN, done)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr.splitlines()[-1], f"^fresh: .*{words}")

    def test_without_a_command_it_shows_its_usage(self):
        self.assert_refused(self.fresh(), r"usage: fresh .*COMMAND")
        self.assert_refused(self.fresh("--users", "true"), "usage: ")

    def test_only_two_releases_are_known(self):
        self.assert_refused(self.fresh("--release", "sid", "true"),
                            "sid: only bookworm and trixie are known")

    def test_an_ordinary_user_is_refused_with_a_hint_at_sudo(self):
        os.chmod(self.store, 0o777)
        done = self.fresh("true", prepare=lambda: os.setuid(NOBODY))
        self.assert_refused(done, "root is needed .*: use sudo")
        self.assertEqual(os.listdir(self.store), [])

    def test_a_full_disk_is_named_with_what_is_needed(self):
        def fill():
            other_mounts()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs",
                            self.store], check=True)

        self.assert_refused(
            self.fresh("true", prepare=fill),
            f"{self.store} has [01] MB left and [0-9]+ are needed: make room")

    def test_a_store_that_cannot_be_made_is_named(self):
        done = self.fresh("true", store="/dev/null/store")
        self.assert_refused(done, "/dev/null/store cannot be made: .*"
                            "VMFERRY_FRESH")

    def test_without_proc_it_says_how_to_mount_it(self):
        def hide():
            other_mounts()
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/proc"],
                           check=True)

        self.assert_refused(self.fresh("true", prepare=hide),
                            "/proc is missing: mount -t proc proc /proc")

    def test_without_a_network_the_mirror_is_named_and_nothing_is_left(self):
        done = self.fresh("true", before=["unshare", "--net"])
        self.assert_refused(done, r"no root could be made from https?://\S+ ")
        left = [e.name for e in os.scandir(self.store) if e.is_dir()]
        self.assertEqual(left, [])


# In place of a command that has to end; it does so when it is asked to.
DEBOOTSTRAP = """#!/bin/sh
trap 'exit 1' TERM
: >"$VMFERRY_FRESH/started"
sleep 600 &
wait
"""


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class FreshEnds(unittest.TestCase):
    def test_a_signal_ends_all_that_it_started(self):
        store = tempfile.mkdtemp(prefix="vmferry-fresh-")
        self.addCleanup(shutil.rmtree, store)
        tool = os.path.join(store, "debootstrap")
        with open(tool, "w") as f:
            f.write(DEBOOTSTRAP)
        os.chmod(tool, 0o755)
        name, value = harness.TOKEN.split("=")
        run = subprocess.Popen(
            [FRESH, "true"], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={
                **os.environ, name: value, "VMFERRY_FRESH": store,
                "PATH": f"{store}:{os.environ['PATH']}"})
        self.addCleanup(lambda: [harness.kill(p) for p in harness.ours()])
        harness.wait_until(
            lambda: os.path.exists(os.path.join(store, "started")), 60,
            "debootstrap was not started")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 128 + signal.SIGTERM)
        # sooner than after the time that a command has to end
        harness.wait_until(lambda: not harness.ours(), 10,
                           f"left over: {harness.ours()}")


# Has PID 1 adopt a process, whose number it prints.
ORPHAN = """
import os, time
if not (middle := os.fork()):
    parent = os.getpid()
    if not (orphan := os.fork()):
        while os.getppid() == parent:
            time.sleep(0.01)
        os._exit(os.getppid() != 1)
    print(orphan, flush=True)
    os._exit(0)
os.waitpid(middle, 0)
"""
# An ended process that nobody has waited for keeps its directory.
UNTIL_GONE = "read -r pid; while [ -e /proc/$pid ]; do sleep 0.1; done; exit 7"


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class FreshInit(unittest.TestCase):
    def start(self, text):
        init = os.path.join(harness.ROOT, "tools/dev/fresh_init.pl")
        run = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
             "perl", init, "sh", "-c", text], stdout=subprocess.PIPE, text=True)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run

    def test_it_ends_with_the_status_of_its_command(self):
        self.assertEqual(self.start("exit 7").wait(60), 7)
        self.assertEqual(self.start("kill -KILL $$").wait(60), 128 + 9)

    def test_it_waits_for_what_it_has_adopted(self):
        run = self.start(f"python3 -c '{ORPHAN}' | ({UNTIL_GONE})")
        self.assertEqual(run.wait(60), 7)

    def test_it_passes_a_sigterm_on_and_no_other_signal(self):
        run = self.start("trap 'exit 7' TERM; echo up; sleep 600 & wait")
        self.assertEqual(run.stdout.readline(), "up\n")
        (init,) = harness.children(run.pid)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            os.kill(init, number)
        os.kill(init, signal.SIGTERM)
        self.assertEqual(run.wait(60), 7)
