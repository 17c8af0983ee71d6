#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs record themselves: what status and replay show of them."""
import contextlib
import fcntl
import glob
import json
import os
import signal
import struct
import subprocess
import unittest

import case
import harness

BUSY = "fill=16 ws=8 rate=40"
FIELDS = {
    "run", "guest", "uuid", "uid", "source", "destination", "state", "phase",
    "outcome", "owner", "recovered", "unfinished", "why", "started_again",
    "pass", "remaining_bytes", "total_bytes", "bandwidth_bps",
    "converges", "eta_p50_s", "eta_p90_s",
    "max_blackout_ms", "blackout_ms", "total_ms", "started", "updated",
    "ended", "recording", "error"}
UUID = "6a3c1c0e-7d44-4a8e-9c2e-00000000abcd"


def started(run, guest, t):
    return {"v": 1, "t": t, "mono_ms": t * 1e3, "run": run,
            "event": "run-start", "guest": guest, "source": "local",
            "destination": "hostb"}


class StatusCase(case.LoopbackCase):
    def path(self, run):
        return os.path.join(self.place.recordings, f"{run}.jsonl")

    def recordings(self):
        return sorted(glob.glob(self.path("*")))

    def forget(self):
        for path in self.recordings():
            os.unlink(path)

    def setUp(self):
        super().setUp()
        self.forget()
        self.addCleanup(self.forget)

    def fabricate(self, run, events, end="\n"):
        os.makedirs(self.place.recordings, 0o700, exist_ok=True)
        with open(self.path(run), "w") as f:
            f.write("\n".join(json.dumps(e, separators=(",", ":"))
                              for e in events) + end)

    def status(self, *words):
        done = self.vmferry("status", *words, "--json")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.json()["exit_code"], 0)
        self.assertIsNone(done.json()["error"])
        return done.json()["runs"]

    def only(self, *words):
        (row,) = self.status(*words)
        self.assertEqual(set(row), FIELDS)
        return row


class LiveTest(StatusCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.busy = cls.class_guest(BUSY, extra=["-uuid", UUID])

    def hold(self):
        """A migration in pre-copy with two passes recorded."""
        run = self.start(self.busy, *harness.HELD)
        run.wait(lambda e: e["event"] == "pass" and e["number"] >= 2,
                 what="second pass")
        # A thread writes it, a moment after it was emitted.
        harness.wait_until(lambda: self.recorded(run).count(
            b'"event":"pass"') >= 2, 60, "no pass is recorded")
        return run

    def recorded(self, run):
        return harness.read(self.path(run.run_id()))

    def stop(self, run):
        run.signal(signal.SIGINT)
        done = run.finish()
        self.assert_stayed(self.busy, done, 6)
        return done

    def test_a_run_in_pre_copy_shows_phase_and_reason_then_its_end(self):
        run = self.hold()
        row = self.only(self.busy.name)
        self.assertEqual((row["run"], row["guest"], row["uuid"]),
                         (run.run_id(), self.busy.name, UUID))
        self.assertEqual((row["state"], row["phase"], row["outcome"]),
                         ("running", "precopy", None))
        self.assertEqual(row["destination"], self.sshd.target)
        self.assertEqual(row["max_blackout_ms"], 5)
        self.assertTrue(row["why"])
        self.assertGreaterEqual(row["pass"], 2)
        self.assertGreater(row["remaining_bytes"], 0)
        self.assertIn(row["converges"], (True, False))
        self.assertIsNone(row["ended"])
        said = self.vmferry("status", self.busy.name)
        self.assertEqual(said.code, 0, said)
        for words in ("under way to ", "precopy, pass ", "left: ", "ETA ",
                      "why: "):
            self.assertIn(words, said.out)
        for word in (UUID, row["run"]):
            self.assertEqual(self.only(word)["run"], row["run"])
        done = self.stop(run)
        row = self.only(self.busy.name)
        self.assertEqual((row["state"], row["outcome"], row["owner"]),
                         ("ended", "cancelled", "source"))
        self.assertEqual(row["error"], done.result["error"])
        self.assertGreater(row["ended"], row["started"])
        said = self.vmferry("status")
        for words in (f"{self.busy.name} ({row['run']}): cancelled",
                      "guest then on", "error: "):
            self.assertIn(words, said.out)

    def test_the_recording_is_the_stream_of_events(self):
        run = self.hold()
        done = self.stop(run)
        self.assertEqual([json.loads(line) for line in
                          self.recorded(run).splitlines()], done.events)
        self.assertEqual(done.events[0]["bandwidth_bps"], 4e6)

    def test_recordings_are_for_their_user_alone(self):
        run = self.hold()
        self.assertEqual(os.stat(self.place.recordings).st_mode & 0o777,
                         0o700)
        self.assertEqual(os.stat(self.path(run.run_id())).st_mode & 0o777,
                         0o600)
        self.stop(run)

    def test_what_writes_it_has_given_up_rights(self):
        run = self.hold()
        pid = run.process.pid
        for task in os.listdir(f"/proc/{pid}/task"):
            status = harness.read(f"/proc/{pid}/task/{task}/status").decode()
            self.assertRegex(status, r"NoNewPrivs:\s+1", task)
        self.stop(run)

    def test_a_second_engine_that_was_refused_hides_no_run_under_way(self):
        run = self.hold()
        self.assert_exit(self.migrate(f"pid:{self.busy.pid}"), 11)
        self.assertEqual(len(self.recordings()), 2)
        self.assertEqual(self.only()["run"], run.run_id())
        self.stop(run)

    def test_an_engine_that_was_killed_is_named_and_then_how_it_was_undone(
            self):
        run = self.hold()
        (guardian,) = harness.guardians()
        harness.kill(guardian, signal.SIGSTOP)
        run.signal(signal.SIGKILL)
        run.finish()
        row = self.only(self.busy.name)
        self.assertEqual((row["state"], row["outcome"], row["unfinished"]),
                         ("broken", None, True))
        self.assertIn(f"vmferry recover {row['run']}",
                      self.vmferry("status").out)
        harness.kill(guardian, signal.SIGCONT)
        harness.wait_until(lambda: not harness.guardians(), 60,
                           "the guardian does not end")
        self.assert_undone_by_recovery(run)
        self.assert_healthy(self.busy)

    def assert_undone_by_recovery(self, run):
        row = self.only(self.busy.name)
        self.assertEqual(
            (row["run"], row["state"], row["outcome"], row["owner"],
             row["recovered"], row["unfinished"], row["error"]),
            (run.run_id(), "ended", "failed", "source", True, False, None))
        said = self.vmferry("status").out
        self.assertIn("undone by recovery", said)
        self.assertIn("guest then on", said)
        self.assertNotIn("vmferry recover", said)
        for word in (run.run_id(), self.busy.name):
            done = self.vmferry("replay", word, "--policy", "qemu", "--json")
            self.assertEqual(done.json()["run"], run.run_id(), done)

    def test_a_run_is_replayed_by_its_id_and_its_guest(self):
        run = self.hold()
        self.stop(run)
        for word in (run.run_id(), self.busy.name, UUID,
                     self.path(run.run_id())):
            done = self.vmferry("replay", word, "--policy", "qemu", "--json")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(done.json()["run"], run.run_id())
            (row,) = done.json()["policies"]
            self.assertEqual(row["policy"], "qemu")

    def test_a_move_is_recorded_with_its_blackout(self):
        self.busy.watch.send(self.busy.serial, b"r=1\n")
        done = self.migrate(self.busy)
        self.assert_moved(self.busy, done)
        row = self.only(self.busy.name)
        self.assertEqual((row["outcome"], row["phase"], row["blackout_ms"]),
                         ("migrated", "finish", done.result["blackout_ms"]))
        self.busy.watch.send(self.busy.serial, b"r=40\n")

    def test_the_latest_64_remain_and_those_under_way(self):
        for i in range(65):
            self.fabricate(f"run-{i:03}", [started(f"run-{i:03}", "old", i)])
            os.utime(self.path(f"run-{i:03}"), (i + 1, i + 1))
        run = self.hold()
        self.assertEqual(
            [os.path.basename(p)[:-6] for p in self.recordings()],
            sorted([f"run-{i:03}" for i in range(2, 65)] + [run.run_id()]))
        os.utime(self.path(run.run_id()), (1, 1))
        for i in range(65, 67):
            self.fabricate(f"run-{i:03}", [started(f"run-{i:03}", "old", i)])
        self.assert_exit(self.migrate(f"pid:{self.busy.pid}"), 11)
        self.assertIn(self.path(run.run_id()), self.recordings())
        self.assertNotIn(self.path("run-002"), self.recordings())
        self.stop(run)

    def test_checks_and_plans_leave_none(self):
        self.assertEqual(self.check(self.busy).code, 0)
        self.vmferry("migrate", self.busy.name, self.sshd.target,
                     *self.sshd.login(), "--dry-run")
        self.assertEqual(self.recordings(), [])

    def test_where_nothing_can_be_recorded_the_guest_moves_all_the_same(self):
        self.busy.watch.send(self.busy.serial, b"r=1\n")
        os.makedirs(self.place.recordings, 0o700, exist_ok=True)
        os.rmdir(self.place.recordings)
        with open(self.place.recordings, "w"):
            pass
        self.addCleanup(harness.remove, self.place.recordings)
        done = self.migrate(self.busy)
        os.unlink(self.place.recordings)
        self.assert_moved(self.busy, done)
        (answer,) = [e for e in done.of("warning") if e["name"] == "recording"]
        self.assertIn("this run is not recorded", answer["text"])
        self.busy.watch.send(self.busy.serial, b"r=40\n")

    @unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
    def test_a_disk_that_is_full_is_reported_and_fails_nothing(self):
        self.busy.watch.send(self.busy.serial, b"r=1\n")
        os.makedirs(self.place.recordings, 0o700, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=700",
                        "none", self.place.recordings], check=True)
        done = self.migrate(self.busy)
        subprocess.run(["umount", self.place.recordings], check=True)
        self.assert_moved(self.busy, done)
        (answer,) = [e for e in done.of("warning") if e["name"] == "recording"]
        self.assertIn("No space left", answer["text"])
        self.busy.watch.send(self.busy.serial, b"r=40\n")


class WordsTest(StatusCase):
    """What fabricated recordings make of it."""

    def test_no_recording_is_no_failure(self):
        self.assertEqual(self.status(), [])
        self.assertIn(self.place.recordings, self.vmferry("status").out)

    def test_an_unknown_guest_is_named_with_what_was_searched(self):
        done = self.vmferry("status", "nobody", "--json")
        self.assertEqual((done.code, done.json()["exit_code"]), (13, 13))
        self.assertEqual(done.json()["runs"], [])
        self.assertEqual(done.json()["error"]["kind"], "no-guest")
        for words in ("nobody", self.place.recordings):
            self.assertIn(words, done.err)

    def test_the_latest_run_of_each_guest_is_reported(self):
        for run, guest, t in (("run-a", "web1", 5), ("run-b", "web1", 9),
                              ("run-c", "web2", 7)):
            self.fabricate(run, [started(run, guest, t)])
        self.assertEqual([r["run"] for r in self.status()],
                         ["run-b", "run-c"])
        self.assertEqual([r["run"] for r in self.status("run-a")], ["run-a"])

    def test_a_half_written_line_does_not_count(self):
        event = dict(started("run-a", "web1", 5), event="phase")
        self.fabricate("run-a", [started("run-a", "web1", 5),
                                 dict(event, to="precopy"),
                                 dict(event, to="finish")], end="")
        self.assertEqual(self.only("web1")["phase"], "precopy")

    def test_a_broken_run_without_a_journal_has_nothing_to_recover(self):
        self.fabricate("run-a", [started("run-a", "web1", 5)])
        row = self.only("web1")
        self.assertEqual((row["state"], row["unfinished"]),
                         ("broken", False))
        said = self.vmferry("status").out
        self.assertIn("nothing is left to recover", said)
        self.assertNotIn("vmferry recover", said)

    def test_never_is_said_where_the_rate_leads_nowhere(self):
        run = [started("run-a", "web1", 5), dict(
            started("run-a", "web1", 6), event="pass", number=3,
            remaining_bytes=5e6, bandwidth_bps=4e6, eta_p50_s=None,
            eta_p90_s=None, why="the guest is faster than the link")]
        self.fabricate("run-a", run)
        with self.held("run-a"):
            row = self.only("web1")
            self.assertEqual((row["state"], row["converges"]),
                             ("running", False))
            self.assertIn("ETA never at this rate",
                          self.vmferry("status").out)

    @contextlib.contextmanager
    def held(self, run):
        """As an engine holds it."""
        whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        with open(self.path(run), "r+") as f:
            fcntl.fcntl(f, fcntl.F_OFD_SETLK, whole)
            yield

    def test_what_others_put_into_a_recording_moves_no_cursor(self):
        self.fabricate("run-a", [started("run-a", "web\x1b[2J1", 5)])
        said = self.vmferry("status")
        self.assertNotIn("\x1b", said.out)
        self.assertIn("web\\x1b[2J1", said.out)

    def test_replay_says_what_was_searched(self):
        done = self.vmferry("replay", "nobody")
        self.assertEqual(done.code, 2, done)
        for words in ("nobody", self.place.recordings):
            self.assertIn(words, done.err)

    def test_a_file_comes_before_a_guest_of_that_name(self):
        self.assertEqual(self.vmferry("replay", "/etc/hostname").code, 3)
        self.assertIn("/no/such",
                      self.vmferry("replay", "/no/such").err)


if __name__ == "__main__":
    unittest.main()
