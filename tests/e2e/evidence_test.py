#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What recovery goes by: what the guest's user wants, and what was seen.

A guest that its user stops or continues while it is copied; a source that
somebody continues after it was handed over; a COMMIT of which nobody knows
whether it is on disk.
"""
import os
import sys
import unittest

sys.dont_write_bytecode = True
import dying
import harness

# Slow enough for a word with the guest's monitor before all is copied.
SLOW = ("--bandwidth", "6M", "--max-blackout", "30000", "--no-input")


class EvidenceTest(dying.DyingCase):

    def guest_of_user(self):
        """With two monitors for the migration, and one for its user."""
        sockets = [f"{self.place.work}/{n}" for n in ("spare", "user")]
        for path in sockets:
            self.addCleanup(harness.remove, path)
        return self.guest(extra=[word for path in sockets for word in (
            "-qmp", f"unix:{path},server=on,wait=off")])

    def user(self, command):
        with harness.Qmp(f"{self.place.work}/user") as q:
            q.command(command)

    def dies_at(self, guest, sync, copying):
        """As kill_at_sync(), with something done while it is copied."""
        run = harness.Run(
            ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
             "-e", f"inject=fdatasync:signal=SIGKILL:when={sync}",
             harness.VMFERRY, "migrate", guest.name, self.sshd.target,
             *self.sshd.login(), *SLOW], self.place.env, guest)
        self.addCleanup(run.abandon)

        def meanwhile():
            run.wait_copying()
            copying()
        self.assertIn(self.dies_alone(run, meanwhile).code, (-9, 137))

    def last_records(self):
        path = os.path.join(self.place.runs, self.only_run(), "journal")
        records = self.vmferry("journal", "print", "--json",
                               path).json()["records"]
        return [(r["record"], r.get("data")) for r in records[6:]]

    # --- a second start ------------------------------------------------------

    def begin_again(self, guest):
        """Its source dies with the engine, at COMMIT, and is started anew."""
        self.kill_at_sync(guest, 7)
        self.assertEqual(self.last_records(), [("COMMIT", None)])
        (there,) = set(harness.our_qemus()) - {guest.pid}
        harness.kill(guest.pid)
        guest.process.wait()
        os.unlink(guest.qmp)
        guest.start(ready=None)
        return there

    def test_a_guest_that_was_started_again_is_not_continued_there_too(self):
        guest = self.guest()
        there = self.begin_again(guest)
        for choice in ((), ("--force-source=discard",)):
            done = self.recover(guest.name, *choice)
            self.assertEqual(done.code, 7, str(done))
            self.assertIn(f"again (pid {guest.pid})", str(done.json()))
            self.assertEqual(guest.status(), "running")
            self.assertEqual(set(harness.our_qemus()), {guest.pid, there})
        done = self.recover(guest.name, "--force-source=continue")
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(done.json()["owner_pid"], guest.pid)
        self.assertEqual(set(harness.our_qemus()), {guest.pid})

    # --- the user's wish -----------------------------------------------------

    def test_a_guest_continued_during_the_copy_runs_after_recovery(self):
        guest = self.guest_of_user()
        self.user("stop")
        self.dies_at(guest, 8, lambda: self.user("cont"))
        self.assertEqual(self.last_records(), [
            ("WISH", {"was_running": True}), ("COMMIT", None)])
        self.assert_recovered(guest, "destination", "forward")

    def test_a_guest_paused_during_the_copy_stays_so_after_recovery(self):
        guest = self.guest_of_user()
        self.dies_at(guest, 8, lambda: self.user("stop"))
        self.assertEqual(self.last_records(), [
            ("WISH", {"was_running": False}), ("COMMIT", None)])
        done = self.recover()
        self.assertEqual(done.code, 0, str(done))
        guest.process.wait()
        guest.pid = done.json()["owner_pid"]
        self.assertIn(guest.status(), ("paused", "prelaunch"))

    def test_the_last_wish_counts(self):
        guest = self.guest_of_user()

        def stops_and_continues():
            self.user("stop")
            harness.wait_until(
                lambda: any(r == "WISH" for r, _ in self.last_records()), 30,
                "the pause is not recorded")
            self.user("cont")
        self.dies_at(guest, 9, stops_and_continues)
        self.assertEqual([r for r, _ in self.last_records()],
                         ["WISH", "WISH", "COMMIT"])
        self.assert_recovered(guest, "destination", "forward")

    # --- what was seen -------------------------------------------------------

    def test_a_source_seen_running_after_the_commit_is_never_forgotten(self):
        guest = self.guest()
        self.kill_at_sync(guest, 7)
        with guest.monitor() as q:
            q.command("cont")
        done = self.recover()
        self.assertEqual((done.code, done.json()["outcome"]), (7, "person"))
        self.assertEqual(self.last_records()[1:],
                         [("SEEN", {"source_ran": True})])
        there = set(harness.our_qemus()) - {guest.pid}
        harness.kill(guest.pid)
        guest.process.wait()
        # What waits on the destination is older than what has ended.
        for _ in range(2):
            done = self.recover()
            self.assertEqual((done.code, done.json()["outcome"]),
                             (7, "person"), str(done))
        self.assertEqual(set(harness.our_qemus()), there)
        done = self.recover(guest.name, "--force-source=discard")
        self.assertEqual((done.code, done.json()["outcome"]), (0, "forward"),
                         str(done))
        guest.pid = done.json()["owner_pid"]
        self.assertEqual({guest.pid}, there)

    # --- monitors ------------------------------------------------------------

    def test_another_monitor_than_the_one_in_use_is_no_fence(self):
        guest = self.guest_of_user()
        spare = f"{self.place.work}/spare"
        # the migration uses the second, as the first is in use
        with guest.monitor():
            self.kill_at_sync(guest, 7)
        with harness.Qmp(spare):
            done = self.recover()
            self.assertEqual((done.code, done.json()["outcome"]), (7, "hold"),
                             str(done))
        self.assert_recovered(guest, "destination", "forward")

    # --- storage -------------------------------------------------------------

    def test_a_state_directory_in_memory_is_refused_unless_accepted(self):
        guest = self.guest()
        state = os.path.join("/dev/shm", f"vmferry-{os.getpid()}")
        self.addCleanup(harness.remove, state)
        accepted = self.place.env.pop("VMFERRY_SKIP_CHECK")
        self.addCleanup(self.place.env.update, VMFERRY_SKIP_CHECK=accepted)
        done = self.migrate(guest, "--state-dir", state)
        self.assert_stayed(guest, done, 3)
        self.assertIn(f"the state directory {state} is on tmpfs", done.err)
        done = self.migrate(guest, "--state-dir", state, "--skip-check",
                            "state")
        self.assert_moved(guest, done)
        self.assertIn("the journal was kept on tmpfs", done.text)

    # --- doubt ---------------------------------------------------------------

    def fails_at_commit(self, guest):
        run = harness.Run(
            ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
             "-e", "inject=fdatasync:error=EIO:when=7+",
             harness.VMFERRY, "migrate", guest.name, self.sshd.target,
             *self.sshd.login(), *harness.BUDGET], self.place.env, guest)
        self.addCleanup(run.abandon)
        return run.finish()

    def test_after_a_commit_in_doubt_the_guest_goes_on_at_the_source(self):
        guest = self.guest()
        done = self.fails_at_commit(guest)
        self.assert_stayed(guest, done, 4)
        self.assertRegex(done.err, r"the journal of run-\w+ cannot be trusted")
        self.assertEqual(os.listdir(self.place.runs), [])
        self.assertEqual(set(harness.our_qemus()), {guest.pid})
        self.assert_moved(guest, self.migrate(guest))


if __name__ == "__main__":
    unittest.main()
