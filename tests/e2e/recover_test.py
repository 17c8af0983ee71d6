#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An engine that dies at each step that it had just made durable, alone.

Its guardian is stopped as soon as it shows up, and killed, so that nobody but `recover` mends
anything (guardian_test.py is about the rest). The engine is killed (SIGKILL) on entering the Nth fdatasync of its journal, so
every record is once the last; then `recover` must leave exactly one running
guest, whole, with nothing left over, and a further migration must work.
"""
import os
import signal
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
import case
import harness

# BEGIN PREP DEST DEST MIGRATE SWITCH, then COMMIT DESTRUN, then DONE.
BEFORE_COMMIT, AFTER_COMMIT, DONE = range(1, 7), (7, 8), 9
SLOW = ("--bandwidth", "4M", "--max-blackout", "5")


class RecoverTest(case.LoopbackCase):

    def without_guardian(self, run):
        """Stops it as soon as it is there; it ends with the engine."""
        stopped = set()

        def stop():
            while harness.is_alive(run.process.pid):
                for pid in harness.guardians():
                    harness.kill(pid, signal.SIGSTOP)
                    stopped.add(pid)
                time.sleep(0.005)
            for pid in stopped:
                harness.kill(pid)

        thread = threading.Thread(target=stop)
        thread.start()
        return thread

    def recover(self, *args):
        return self.vmferry("recover", "--json", *args, *self.sshd.login())

    def kill_at_sync(self, guest, n):
        """A migration whose engine dies at its Nth fdatasync."""
        run = harness.Run(
            ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
             "-e", f"inject=fdatasync:signal=SIGKILL:when={n}",
             harness.VMFERRY, "migrate", guest.name, self.sshd.target,
             *self.sshd.login()], self.place.env, guest)
        self.addCleanup(run.abandon)
        watcher = self.without_guardian(run)
        done = run.finish()
        watcher.join()
        self.assertIn(done.code, (-9, 137), str(done))

    def assert_recovered(self, guest, owner, outcome, early=False):
        """early: a guardian may have been too new to be stopped in time."""
        done = self.recover()
        self.assertEqual(done.code, 0, str(done))
        result = done.json()
        if early and result["outcome"] == "nothing":
            result["owner"] = owner
        else:
            self.assertEqual(result["outcome"], outcome, str(done))
            self.assertEqual(result["leftovers"], [])
        self.assertEqual(result["owner"], owner)
        if owner == "destination":
            guest.process.wait()
            guest.pid = result["owner_pid"]
        self.assert_healthy(guest)
        # there is nothing to do twice
        again = self.recover()
        self.assertEqual(again.code, 0, str(again))
        self.assertEqual(again.json()["outcome"], "nothing")
        self.assert_moved(guest, self.migrate(guest))

    def test_before_the_commit_it_is_undone(self):
        for n in BEFORE_COMMIT:
            with self.subTest(fdatasync=n):
                guest = self.guest()
                self.kill_at_sync(guest, n)
                self.assert_recovered(guest, "source", "abort", n == 2)

    def test_the_commit_itself_is_carried_out(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        self.assert_recovered(guest, "destination", "forward")

    def test_after_the_guest_was_seen_running_the_source_is_ended(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[1])
        self.assert_recovered(guest, "destination", "finish")

    def test_killed_with_nothing_left_to_do_leaves_nothing(self):
        guest = self.guest()
        self.kill_at_sync(guest, DONE)
        guest.process.wait()
        done = self.recover()
        self.assertEqual(done.json()["outcome"], "nothing", str(done))
        guest.pid = next(iter(harness.our_qemus()))
        self.assert_healthy(guest)
        self.assert_moved(guest, self.migrate(guest))

    def test_a_journal_that_cannot_be_read_is_not_overlooked(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        (run,) = os.listdir(self.place.runs)
        path = os.path.join(self.place.runs, run, "journal")
        whole = harness.read(path)
        with open(path, "r+b") as f:
            f.seek(40)
            f.write(b"?")
        done = self.recover()
        self.assertEqual(done.code, 7, str(done))
        self.assertIn(run, done.json()["error"]["message"])
        with open(path, "wb") as f:
            f.write(whole)
        self.assert_recovered(guest, "destination", "forward")

    def test_a_kill_in_the_middle_of_the_copy(self):
        guest = self.guest()
        run = self.start(guest, *SLOW)
        watcher = self.without_guardian(run)
        run.wait_copying()
        run.signal(9)
        run.finish()
        watcher.join()
        self.assert_recovered(guest, "source", "abort")

    def test_a_living_engine_is_left_alone(self):
        guest = self.guest()
        run = self.start(guest, *SLOW)
        run.wait_copying()
        done = self.recover()
        self.assertEqual(done.code, 11, str(done))
        run.signal(2)
        self.assert_stayed(guest, run.finish(), 6)

    def test_without_the_destination_nothing_is_started_after_commit(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        target = self.sshd.process.pid
        self.sshd.kill_sessions()
        harness.kill(target)
        self.sshd.process.wait()
        done = self.recover()
        self.assertEqual(done.code, 7, str(done))
        self.assertEqual(done.json()["owner"], "unknown")
        self.assertEqual(guest.status(), "postmigrate")
        self.sshd.start()
        self.assert_recovered(guest, "destination", "forward")

    def test_a_destination_that_died_after_the_commit_is_a_persons_choice(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        for pid in harness.our_qemus():
            if pid != guest.pid:
                harness.kill(pid)
        done = self.recover()
        self.assertEqual(done.code, 7, str(done))
        self.assertEqual(done.json()["outcome"], "person")
        self.assertEqual(guest.status(), "postmigrate")
        done = self.recover(guest.name, "--force-source=discard")
        self.assertEqual(done.code, 7, str(done))
        self.assertEqual(guest.status(), "postmigrate")
        done = self.recover(guest.name, "--force-source=continue")
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(done.json()["owner"], "source")
        self.assert_healthy(guest)
        self.assert_moved(guest, self.migrate(guest))

    def test_the_source_is_not_forced_while_the_destination_may_run(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        target = self.sshd.process.pid
        self.sshd.kill_sessions()
        harness.kill(target)
        self.sshd.process.wait()
        done = self.recover(guest.name, "--force-source=continue")
        self.assertEqual(done.code, 7, str(done))
        self.assertEqual(guest.status(), "postmigrate")
        self.sshd.start()
        self.assert_recovered(guest, "destination", "forward")

    def test_a_decision_names_its_guest(self):
        done = self.vmferry("recover", "--force-source=continue")
        self.assertEqual(done.code, 2, str(done))


if __name__ == "__main__":
    unittest.main()
