#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An engine that dies at each step that it had just made durable, alone.

Nobody but `recover` mends anything (guardian_test.py is about the rest). The
engine is killed (SIGKILL) on entering the Nth fdatasync of its journal, so
every record is once the last; then `recover` must leave exactly one running
guest, whole, with nothing left over, and a further migration must work.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import dying
import harness
import journalkit
import standstill

# BEGIN PREP DEST DEST MIGRATE SWITCH, then COMMIT DESTRUN, then DONE.
BEFORE_COMMIT, AFTER_COMMIT, DONE = range(1, 7), (7, 8), 9
# One that is turned back writes ABORTING after SWITCH, and begins with PREP
# again.
SECOND_TRY, SECOND_PREP, SECOND_COMMIT = range(7, 13), 8, 13


class RecoverTest(dying.DyingCase):

    def test_before_the_commit_it_is_undone(self):
        for n in BEFORE_COMMIT:
            with self.subTest(fdatasync=n):
                guest = self.guest()
                self.kill_at_sync(guest, n)
                self.assert_recovered(guest, "source", "abort")

    def turns_back(self):
        """The first try of the next migration."""
        self.addCleanup(harness.remove, self.learn(6000, 6000))

    def test_a_second_try_is_undone_like_a_first(self):
        for n in SECOND_TRY:
            with self.subTest(fdatasync=n):
                guest = self.guest("fill=16 ws=4 rate=0")
                self.turns_back()
                done = self.kill_at_sync(guest, n)
                self.assertEqual(
                    n >= SECOND_PREP,
                    any(e.get("name") == "retry" for e in done.events))
                if n == SECOND_PREP:
                    self.assert_nothing_is_known_over_there()
                self.assert_recovered(guest, "source", "abort")

    def assert_nothing_is_known_over_there(self):
        """The second PREP takes back what is recorded of the first QEMU."""
        journal = os.path.join(self.place.runs, self.only_run(), "journal")
        done = self.vmferry("journal", "print", "--json", journal)
        answer = {}
        for record in done.json()["records"]:
            answer.update(record.get("data") or {})
        self.assertEqual(record["record"], "PREP", str(done))
        for fact in ("destination_pid", "destination_ticks", "capabilities",
                     "parameters", "destination_capabilities"):
            self.assertIsNone(answer[fact], str(done))

    def test_the_commit_of_a_second_try_is_carried_out(self):
        guest = self.guest("fill=16 ws=4 rate=0")
        self.turns_back()
        self.kill_at_sync(guest, SECOND_COMMIT)
        self.assert_recovered(guest, "destination", "forward")

    def test_the_commit_itself_is_carried_out(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        self.assert_recovered(guest, "destination", "forward")

    def test_after_the_guest_was_seen_running_the_source_is_ended(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[1])
        self.assert_recovered(guest, "destination", "finish")

    def test_a_second_start_after_a_recovery_is_stopped_too(self):
        uuid = "11111111-2222-3333-4444-555555555555"
        guest = self.guest(extra=["-uuid", uuid])
        self.kill_at_sync(guest, AFTER_COMMIT[1])
        run = self.only_run()
        done = self.recover("--watch-source", "120")
        self.assertEqual(done.json()["owner"], "destination", str(done))
        guest.process.wait()
        guest.pid = done.json()["owner_pid"]
        self.addCleanup(harness.await_no_ferry)
        self.addCleanup(lambda: [harness.kill(p) for p in harness.ferries()])
        # what it has started to end others may still be there
        harness.wait_until(lambda: len(harness.ferries()) == 1, 60,
                           "no watcher alone")
        qmp = os.path.join(self.place.work, "twin.qmp")
        twin = subprocess.Popen(
            [harness.QEMU, "-name", "other", "-uuid", uuid, "-M", "none",
             "-display", "none", "-qmp", f"unix:{qmp},server=on,wait=off"],
            env=self.place.env)
        self.addCleanup(harness.remove, qmp)
        self.addCleanup(twin.wait)
        self.addCleanup(twin.kill)
        text = harness.wait_until(lambda: self.status(run)["started_again"],
                                  60, "nobody saw the second start")
        self.assertIn("was stopped, not ended", text)
        with harness.Qmp(qmp) as q:
            self.assertEqual(q.command("query-status")["status"], "paused")
        self.assert_healthy(guest)

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
        self.kill_copying(guest)
        self.assert_recovered(guest, "source", "abort")

    def kill_copying(self, guest):
        run = self.start(guest, *harness.HELD)

        def kill():
            run.wait_copying()
            run.signal(9)

        self.dies_alone(run, kill)
        return run.run_id()

    def test_what_was_undone_is_added_to_a_recording_cut_off_in_a_line(self):
        guest = self.guest()
        run = self.kill_copying(guest)
        whole = harness.read(self.recording(run)).splitlines()[0]
        with open(self.recording(run), "ab") as f:
            f.write(b'{"v":1,"t":12')
        self.assertEqual((self.status(run)["state"],
                          self.status(run)["unfinished"]), ("broken", True))
        self.assertEqual(self.recover().code, 0)
        row = self.status(run)
        self.assertEqual(
            (row["state"], row["recovered"], row["unfinished"],
             row["outcome"], row["owner"]),
            ("ended", True, False, "failed", "source"))
        lines = harness.read(self.recording(run)).splitlines()
        self.assertEqual(lines[0], whole)
        events = [json.loads(line) for line in lines]
        self.assertEqual((events[-1]["event"], events[-1]["verdict"]),
                         ("result", "abort"))
        self.assertIn("the source goes on as it was", events[-1]["did"])
        self.assertIn("undone by recovery", self.vmferry("status", run).out)

    def test_what_was_finished_is_added_to_the_recording(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        run = self.only_run()
        done = self.recover()
        self.assertEqual(done.code, 0, str(done))
        guest.process.wait()
        guest.pid = done.json()["owner_pid"]
        row = self.status(run)
        self.assertEqual((row["recovered"], row["outcome"], row["owner"]),
                         (True, "migrated", "destination"))
        said = self.vmferry("status", run).out
        self.assertIn("finished by recovery", said)
        self.assertIn(f"guest then on: {self.sshd.target}", said)
        self.assert_healthy(guest)

    def test_a_run_without_a_recording_is_recovered_and_none_is_made(self):
        guest = self.guest()
        run = self.kill_copying(guest)
        os.unlink(self.recording(run))
        self.assert_recovered(guest, "source", "abort")
        self.assertFalse(os.path.exists(self.recording(run)))

    def test_a_recording_that_takes_nothing_fails_no_recovery(self):
        guest = self.guest()
        run = self.kill_copying(guest)
        os.unlink(self.recording(run))
        os.mkdir(self.recording(run))
        self.assert_recovered(guest, "source", "abort")
        os.rmdir(self.recording(run))

    def test_what_stays_held_is_shown_as_broken_and_to_be_recovered(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        run = self.only_run()
        before = harness.read(self.recording(run))
        self.sshd.kill_sessions()
        harness.kill(self.sshd.process.pid)
        self.sshd.process.wait()
        self.assertEqual(self.recover().code, 7)
        self.assertEqual(harness.read(self.recording(run)), before)
        self.assertIn(f"vmferry recover {run}",
                      self.vmferry("status", run).out)
        self.sshd.start()
        self.assert_recovered(guest, "destination", "forward")

    def test_a_guest_is_not_migrated_anew_before_it_was_recovered(self):
        guest = self.guest()
        run = self.kill_copying(guest)
        journal = os.path.join(self.place.runs, run, "journal")
        before, qemus = harness.read(journal), set(harness.our_qemus())
        done = self.assert_exit(self.migrate(guest), 3)
        self.assertEqual(done.result["error"]["kind"], "refused")
        self.assertEqual(done.result["owner"], "source")
        for words in (run, "its journal says SWITCH last",
                      f"vmferry recover {guest.name}"):
            self.assertIn(words, done.err)
        # A run that skips the check is refused under the lock.
        done = self.assert_exit(
            self.migrate(guest, "--skip-check", "unfinished"), 3)
        self.assertIn(f"vmferry recover {guest.name}", done.err)
        checked = self.check(guest, "--json").json()
        self.assertIn(("unfinished", "fail"), [
            (c["name"], c["verdict"]) for c in checked["checks"]])
        self.assertTrue(before == harness.read(journal))
        # The destination may end by itself, with its stream; none is new.
        self.assertLessEqual(set(harness.our_qemus()), qemus)
        self.assertIn(guest.pid, harness.our_qemus())
        self.assertEqual(os.listdir(self.place.runs), [run])
        # The refused ones are no news, neither now nor after the recovery.
        self.assertEqual(self.status(guest.name)["run"], run)
        self.assertEqual(self.recover().code, 0)
        row = self.status(guest.name)
        self.assertEqual((row["run"], row["recovered"]), (run, True))
        self.assert_moved(guest, self.migrate(guest))

    def test_the_unfinished_run_of_one_guest_stops_no_other(self):
        guest, other = self.guest(), self.guest()
        self.kill_copying(guest)
        self.assert_moved(other, self.migrate(other))
        self.assert_recovered(guest, "source", "abort")

    def is_back(self, run):
        """The journal of the run says that its source goes on."""
        journal = os.path.join(self.place.runs, run, "journal")
        done = self.vmferry("journal", "print", "--json", journal)
        return any("source_back" in (record.get("data") or {})
                   for record in done.json()["records"])

    def stop_at_the_gate(self):
        """(a guest that is stopped, its run): the engine is dead before it
        knows that all but the rest is copied."""
        path = os.path.join(self.place.work, f"hmp{len(self.guests)}")
        self.addCleanup(harness.remove, path)
        guest = self.guest(extra=standstill.monitor(path))
        run = self.start(guest, *harness.HELD)

        def kill():
            run.wait_copying()
            run.signal(signal.SIGSTOP)
            standstill.await_gate(path)
            run.signal(signal.SIGKILL)

        self.dies_alone(run, kill)
        return guest, run.run_id()

    def test_every_source_goes_on_before_a_word_to_a_host(self):
        guests, runs = zip(self.stop_at_the_gate(), self.stop_at_the_gate())
        self.sshd.stop()
        with standstill.SilentHost(
                self.sshd.port,
                lambda: [self.is_back(run) for run in runs]) as host:
            done = self.recover()
        self.assertEqual(host.seen[0], [True, True], str(done))
        self.assertEqual(done.code, 9, str(done))
        for recovery in done.json()["runs"]:
            self.assertEqual((recovery["outcome"], recovery["owner"]),
                             ("abort", "source"))
            self.assertEqual(
                recovery["did"].count("the source goes on as it was"), 1)
        self.sshd.start()
        self.assertEqual(self.recover().code, 0)
        for guest in guests:
            self.assert_healthy(guest)

    def test_an_unfinished_journal_of_the_version_before_is_recovered(self):
        for last, owner, outcome in ((4, "source", "abort"),
                                     (7, "destination", "forward")):
            with self.subTest(records=last):
                guest = self.guest()
                self.kill_at_sync(guest, last)
                path = os.path.join(self.place.runs, self.only_run(),
                                    "journal")
                written = harness.read(path)
                journalkit.make_version_1(path)
                if not harness.in_first_pid_namespace():
                    # It is believed to be about the first; a container's
                    # processes are unknown to it.
                    self.assertEqual(self.recover().code, 7)
                    with open(path, "wb") as f:
                        f.write(written)
                self.assert_recovered(guest, owner, outcome)

    def test_a_living_engine_is_left_alone(self):
        guest = self.guest()
        run = self.start(guest, *harness.HELD)
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

    def test_a_choice_by_name_is_for_one_run_only(self):
        guest = self.guest()
        self.kill_at_sync(guest, AFTER_COMMIT[0])
        for pid in harness.our_qemus():
            if pid != guest.pid:
                harness.kill(pid)
        run = self.only_run()
        other = os.path.join(self.place.runs, "run-0000000000aa")
        shutil.copytree(os.path.join(self.place.runs, run), other)
        done = self.recover(guest.name, "--force-source=continue")
        self.assertEqual(done.code, 2, str(done))
        for word in (run, "run-0000000000aa"):
            self.assertIn(word, done.err)
        self.assertEqual(guest.status(), "postmigrate")
        shutil.rmtree(other)
        done = self.recover(run, "--force-source=continue")
        self.assertEqual(done.code, 0, str(done))
        self.assert_healthy(guest)

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
