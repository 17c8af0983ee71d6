#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Live migrations on one host: what must work, and what must be undone."""

import json
import os
import signal
import subprocess
import unittest

import case
import harness

PHASES = ["discover", "preflight", "launch", "tunnel", "precopy",
          "switchover", "finish"]
# 16 MiB at this rate: time enough to interfere.
SLOW = ["--bandwidth", "3M"]
# Rewrites its 8 MiB several times faster than SLOW carries them.
BUSY = "fill=16 ws=8 rate=40"


class MigrateTest(case.LoopbackCase):
    def test_a_running_guest_moves_whole(self):
        guest = self.guest()
        argv = harness.argv_of(guest.pid)
        self.assert_moved(guest, self.migrate(guest))
        self.assertIn("-incoming", harness.argv_of(guest.pid))
        self.assertEqual(argv, guest.argv)

    def test_there_and_back_three_times(self):
        guest = self.guest()
        lines = []
        for _ in range(3):
            self.assert_moved(guest, self.migrate(guest))
            # Its sockets answer under their public names.
            self.assertEqual(guest.status(), "running")
            lines.append(self.public_line(guest))
        for line in lines:
            self.assertEqual(line, lines[0])
        # The machine is pinned, the sockets are elsewhere; the rest is as it
        # was.
        self.assertRegex(" ".join(lines[0]), r" -(M|machine) pc-i440fx-\S+ ")
        changed = {guest.argv[0], "pc", "-M", f"unix:{guest.serial},server=on,"
                   "wait=off", f"unix:{guest.qmp},server=on,wait=off"}
        self.assertEqual(set(guest.argv) - changed - set(lines[0]), set())

    def public_line(self, guest):
        """Its command line with this hop's own directory blanked."""
        own = harness.directory_of(guest.pid)
        return [w.replace(own, "RUN") for w in harness.argv_of(guest.pid)]

    def test_a_paused_guest_stays_paused_and_goes_on_with_its_count(self):
        guest = self.guest()
        with guest.monitor() as q:
            q.command("stop")
        outcome = self.assert_exit(self.migrate(guest), 0)
        self.assertEqual(outcome.result["state"], "PAUSED")
        self.assertIsNone(outcome.result["blackout_ms"])
        self.assertRegex(outcome.text.splitlines()[-1], "is PAUSED on")
        guest.pid = outcome.result["owner_pid"]
        self.assertEqual(guest.status(), "paused")
        with guest.monitor() as q:
            q.command("cont")
        self.assert_healthy(guest)

    def test_paused_leaves_a_running_guest_paused_over_there(self):
        guest = self.guest()
        outcome = self.assert_exit(self.migrate(guest, "--paused"), 0)
        guest.pid = outcome.result["owner_pid"]
        self.assertEqual(guest.status(), "paused")
        with guest.monitor() as q:
            q.command("cont")
        self.assert_healthy(guest)

    def test_a_guest_with_a_shared_qcow2_disk_moves(self):
        disk = os.path.join(self.place.work, "disk.qcow2")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk,
                        "64M"], check=True)
        self.addCleanup(harness.remove, disk)
        guest = self.guest(extra=[
            "-blockdev", f"driver=qcow2,node-name=d0,file.driver=file,"
            f"file.filename={disk}", "-device", "ide-hd,drive=d0"])
        for _ in range(2):
            self.assert_moved(guest, self.migrate(guest))
        guest.stop()
        subprocess.run(["qemu-img", "check", "-q", disk], check=True)

    def test_the_local_host_is_a_destination(self):
        guest = self.guest()
        outcome = self.migrate(guest, dest="local", login=False)
        self.assert_moved(guest, outcome)
        self.assertEqual(outcome.result["transport"], "local")

    def test_a_child_ssh_carries_a_guest(self):
        guest = self.guest()
        outcome = self.migrate(guest, "--ssh", "openssh")
        self.assert_moved(guest, outcome)
        self.assertEqual(outcome.result["transport"], "openssh")

    def test_sockets_on_another_file_system_stay_reachable(self):
        where = "/dev/shm" if os.path.isdir("/dev/shm") else "/tmp"
        guest = self.guest(where=where)
        for _ in range(2):
            self.assert_moved(guest, self.migrate(guest))
            self.assertEqual(guest.status(), "running")

    def test_a_guest_is_found_by_pid_and_by_monitor(self):
        guest = self.guest()
        for word in (f"pid:{guest.pid}", f"qmp:{guest.qmp}"):
            outcome = self.vmferry("check", word, self.sshd.target,
                                   *self.sshd.login(), "--json")
            self.assertEqual(outcome.code, 0, outcome)
            self.assertEqual(outcome.json()["exit_code"], 0)


class XbzrleTest(case.LoopbackCase):
    """Differences of pages, where the guest's pages are made for it."""

    # A line of each page; far too many for the link as they are.
    LINES = "fill=16 ws=12 rate=60 touch=line"
    LINK = ("--bandwidth", "6M", "--throttle", "off", "--deadline", "25",
            "--max-blackout", "1000")

    def chosen(self, done):
        return [e["action"] for e in done.of("decision")
                if e["action"].endswith("xbzrle")]

    def test_a_look_at_the_pages_switches_it_on_and_gets_the_guest_over(self):
        guest = self.guest(self.LINES)
        done = self.migrate(guest, *self.LINK)
        self.assert_moved(guest, done)
        self.assertEqual(self.chosen(done), ["xbzrle"])

    def test_whole_pages_do_without(self):
        guest = self.guest("fill=16 ws=4 rate=6")
        done = self.migrate(guest, "--bandwidth", "12M", *harness.BUDGET)
        self.assert_moved(guest, done)
        self.assertEqual(self.chosen(done), ["no-xbzrle"])

    def test_off_is_off_and_the_guest_stays_with_its_settings(self):
        guest = self.guest(self.LINES)
        done = self.migrate(guest, *self.LINK, "--xbzrle", "off")
        self.assert_stayed(guest, done, 5)
        self.assertEqual(self.chosen(done), [])

    def test_on_is_on_without_a_look_and_taken_back(self):
        guest = self.guest(self.LINES)
        run = self.start(guest, *self.LINK, "--xbzrle", "on")
        run.wait_copying()
        run.signal(signal.SIGINT)
        done = run.finish()
        self.assert_stayed(guest, done, 6)
        self.assertEqual(self.chosen(done), ["xbzrle"])
        self.assertFalse(guest.read_settings()[0]["xbzrle"])


class LearntTest(case.LoopbackCase):
    """What one migration finds out, the next one begins with."""

    def test_what_a_switchover_cost_is_kept_for_that_host(self):
        guest = self.guest("fill=16 ws=4 rate=8")
        # slow enough for passes to be seen: they show what is left to copy
        slow = ("--bandwidth", "12M", *harness.BUDGET)
        self.assert_moved(guest, self.migrate(guest, *slow))
        (name,) = os.listdir(os.path.join(self.place.state, "pairs"))
        path = os.path.join(self.place.state, "pairs", name)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path) as f:
            lessons = json.load(f)["lessons"]
        self.assertEqual(len(lessons), 1)
        self.assertGreater(lessons[0]["fixed_ms"], 0)
        self.assert_moved(guest, self.migrate(guest, *slow))
        with open(path) as f:
            self.assertEqual(len(json.load(f)["lessons"]), 2)


class WordsTest(case.LoopbackCase):
    """What is said: result object, events, lists, plans."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one = cls.class_guest()

    def test_the_result_object_has_the_fields_of_the_contract(self):
        done = self.migrate(self.one, "--json")
        result = done.json()
        self.assertEqual(case.RESULT_FIELDS - set(result), set())
        self.assertEqual(set(result["forecast"]),
                         {"total_ms", "blackout_ms", "converges"})
        self.assert_moved(self.one, done)
        for name in ("total_ms", "blackout_ms", "blackout_uncertainty_ms",
                     "qemu_downtime_ms", "transferred_bytes",
                     "throughput_bps"):
            self.assertGreater(result[name], 0, name)
        self.assertGreaterEqual(result["passes"], 1)
        self.assertGreater(result["transferred_bytes"], 16 << 20)
        self.assertIsNone(result["error"])
        self.assertEqual(result["streams"], 1)
        self.assertEqual(result["transport"], "ssh")
        self.assertTrue(result["decision"])

    def test_events_are_json_lines_in_the_order_of_the_phases(self):
        # The watch has to be there before the guest starts to run.
        self.one.expect("run-*")
        path = os.path.join(self.place.work, "events")
        self.addCleanup(harness.remove, path)
        # Slow enough for some passes, of which none is over in no time.
        done = self.vmferry("migrate", self.one.name, self.sshd.target,
                            *self.sshd.login(), "--events", path, "--json",
                            "--bandwidth", "12M", *harness.BUDGET)
        self.assert_moved(self.one, done)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path) as f:
            events = [json.loads(line) for line in f]
        for event in events:
            self.assertEqual(event["v"], 1)
            self.assertEqual(event["run"], done.json()["run"])
            for name in ("t", "mono_ms", "event"):
                self.assertIn(name, event)
        times = [e["mono_ms"] for e in events]
        self.assertEqual(times, sorted(times))
        self.assertEqual([e["to"] for e in events if e["event"] == "phase"],
                         PHASES)
        kinds = [e["event"] for e in events]
        self.assertEqual((kinds[0], kinds[-1]), ("run-start", "result"))
        self.assertLessEqual({"facts", "check", "sample", "pass",
                              "switchover"}, set(kinds))
        self.assertEqual({k: v for k, v in events[-1].items()
                          if k in done.json()}, done.json())

    def test_check_passes_and_changes_nothing(self):
        before = self.snapshot()
        done = self.check(self.one, "--json")
        self.assertEqual(done.code, 0, done)
        checks = done.json()["checks"]
        for row in checks:
            self.assertIn(row["verdict"], ("pass", "warn"), row)
            self.assertIn("found", row)
            self.assertIn("remedy", row)
        self.assertLessEqual({"qemu", "machine", "memory", "migratable"},
                             {row["name"] for row in checks})
        self.assertEqual(self.snapshot(), before)

    def test_dry_run_shows_the_plan_and_changes_nothing(self):
        before = self.snapshot()
        done = self.vmferry("migrate", self.one.name, self.sshd.target,
                            *self.sshd.login(), "--dry-run")
        self.assert_exit(done, 0)
        for words in ("-incoming", "pc-i440fx-", "precopy",
                      "Nothing was changed"):
            self.assertIn(words, done.text)
        self.assertEqual(self.snapshot(), before)

    def snapshot(self):
        return (harness.our_qemus(), sorted(self.place.left_over()),
                self.one.read_settings(), self.one.status())

    def test_list_shows_the_guest(self):
        done = self.vmferry("list", "--json")
        self.assertEqual(done.code, 0, done)
        (row,) = [g for g in done.json()["guests"]
                  if g["name"] == self.one.name]
        self.assertEqual((row["pid"], row["accel"], row["vcpus"]),
                         (self.one.pid, "tcg", 1))
        self.assertIn(self.one.name, self.vmferry("list").out)


class StopsTest(case.LoopbackCase):
    """Migrations that end early: the guest stays, and can be moved after."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.busy = cls.class_guest(BUSY)

    def assert_moves_after_all(self):
        self.busy.watch.send(self.busy.serial, b"r=1\n")
        self.assert_moved(self.busy, self.migrate(self.busy))
        self.busy.watch.send(self.busy.serial, b"r=40\n")

    def test_too_busy_for_the_link_stays_with_the_reason(self):
        done = self.migrate(self.busy, *SLOW, "--max-blackout", "50",
                            "--deadline", "8")
        self.assert_stayed(self.busy, done, 5)
        self.assertEqual(done.result["outcome"], "unconverged")
        self.assert_explained(done, "deadline", "--max-blackout")
        self.assert_hint(done)
        self.assertEqual(done.phases()[-1], "rollback")
        self.assert_moves_after_all()

    def test_force_lifts_the_budget_at_the_deadline_and_says_so(self):
        done = self.migrate(self.busy, *SLOW, "--max-blackout", "50",
                            "--deadline", "8", "--on-deadline", "force")
        self.assert_moved(self.busy, done)
        self.assertIn("lifted", done.result["decision"])
        self.assertIn("lifted", done.text)

    def test_bandwidth_is_kept(self):
        run = self.start(self.busy, *harness.HELD)
        # QEMU sends by bursts each 100 ms: a short pass may have one more
        run.wait(lambda e: e["event"] == "pass" and e["bandwidth_bps"] and
                 e["seconds"] > 0.5, what="long pass")
        run.signal(signal.SIGINT)
        done = run.finish()
        self.assert_stayed(self.busy, done, 6)
        rates = [e["bandwidth_bps"] for e in done.of("pass")
                 if e["bandwidth_bps"] and e["seconds"] > 0.5]
        self.assertLess(max(rates), 6e6)

    def test_ctrl_c_while_copying_undoes_everything(self):
        run = self.start(self.busy, *SLOW)
        run.wait_copying()
        run.signal(signal.SIGINT)
        done = run.finish()
        self.assert_stayed(self.busy, done, 6)
        self.assertEqual(done.result["outcome"], "cancelled")
        self.assert_moves_after_all()

    def test_sigterm_while_launching_undoes_everything(self):
        # it is not to be over before the signal is there
        run = self.start(self.busy, *SLOW)
        run.wait_phase("launch")
        run.signal(signal.SIGTERM)
        self.assert_stayed(self.busy, run.finish(), 6)

    def test_ctrl_c_in_any_phase_leaves_one_guest(self):
        self.busy.watch.send(self.busy.serial, b"r=1\n")
        for phase in PHASES:
            with self.subTest(phase):
                run = self.start(self.busy)
                run.wait_phase(phase)
                run.signal(signal.SIGINT)
                self.assert_here_or_there(self.busy, run.finish(), 6)
        self.busy.watch.send(self.busy.serial, b"r=40\n")

    def test_a_second_engine_is_refused(self):
        run = self.start(self.busy, *harness.HELD)
        run.wait_copying()
        self.assert_exit(self.migrate(f"pid:{self.busy.pid}"),
                         11)
        run.signal(signal.SIGINT)
        self.assert_stayed(self.busy, run.finish(), 6)


if __name__ == "__main__":
    unittest.main()
