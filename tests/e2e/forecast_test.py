#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Forecasts of running guests: they measure, and leave everything as it was.

A monitor of the test's own sees whether the guest was ever stopped, which it
must not be, whatever it does.
"""
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
import case
import harness

# Never all of it within a pass; more than the link of a test carries.
STEADY = "fill=64 ws=48 rate=10"
HOPELESS = "fill=32 ws=16 rate=60"
IDLE = "fill=16 rate=0"
# A line of each page: most of it stays as it is.
LINES = "fill=32 ws=16 rate=60 touch=line"
WHOLE = "fill=32 ws=16 rate=60 touch=full"
PHASED = "fill=32 ws=16 rate=20 busy=1500 idle=2500"


# A guest that QEMU has stopped is silent for longer; a busy machine's is not.
MOST_SILENT_MS = 150


def longest_silence_ms(beats, begin_ns, end_ns):
    within = [b.host_ns for b in beats if begin_ns <= b.host_ns <= end_ns]
    return max(b - a for a, b in zip(within, within[1:])) / 1e6


class Watcher(harness.Qmp):
    """A monitor that keeps the names of all events."""

    def __init__(self, path):
        self.events = []
        super().__init__(path)

    def command(self, name, **arguments):
        self.file.write(json.dumps({"execute": name,
                                    "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            reply = json.loads(self.file.readline())
            if "event" in reply:
                self.events.append(reply["event"])
            elif "return" in reply:
                return reply["return"]


class ForecastTest(case.LoopbackCase):

    def watched(self, append, **options):
        """A guest with two monitors more: one for a spare session of the
        program's, one for the test."""
        where = os.path.join(self.place.work, "watch")
        extra = []
        for i in "12":
            extra += ["-qmp", f"unix:{where}{i},server=on,wait=off"]
            self.addCleanup(harness.remove, where + i)
        guest = self.guest(append, extra=extra, **options)
        guest.watcher = Watcher(where + "2")
        self.addCleanup(guest.watcher.close)
        return guest

    def forecast(self, guest, *args, code=0):
        done = self.vmferry("forecast", guest.name, "--json", *args)
        self.assert_exit(done, code)
        return done.json(), done

    def assert_untouched(self, guest):
        guest.watcher.command("query-status")
        self.assertNotIn("STOP", guest.watcher.events)
        self.assertEqual(guest.status(), "running")
        self.assert_healthy(guest)

    def passes(self, answer):
        return [p for p in answer["points"] if p["from"] == "pass"]

    # --- what is measured -----------------------------------------------------

    def test_an_idle_guest_is_never_stopped_and_converges(self):
        guest = self.watched(IDLE)
        answer, done = self.forecast(guest)
        self.assertEqual(answer["verdict"], "converges", str(done))
        self.assertEqual(self.passes(answer), [])
        self.assertEqual(answer["stood_ms"], 0)
        # most of its memory is zeroes
        self.assertLess(answer["wire_share"], 0.5)
        self.assert_untouched(guest)

    def test_passes_show_what_the_guest_really_writes(self):
        guest = self.watched(STEADY)
        guest.wait_line("W ")
        before = guest.watch.work()
        answer, done = self.forecast(guest)
        after = guest.watch.work()
        rate = (after[0] - before[0]) * 4096 / ((after[1] - before[1]) / 1e6)
        passes = self.passes(answer)
        self.assertGreaterEqual(len(passes), 3, str(done))
        # a guest that is starved for a moment writes less in that pass
        ratio = statistics.median(
            p["bytes"] / p["seconds"] / rate for p in passes
            if rate * p["seconds"] < 40 << 20)
        self.assertAlmostEqual(ratio, 1, delta=0.35, msg=str(passes))
        self.assertGreater(max(p["seconds"] for p in passes),
                           2 * min(p["seconds"] for p in passes))
        self.assert_untouched(guest)

    def test_a_phased_guest_is_never_stopped(self):
        guest = self.watched(PHASED)
        for _ in range(3):
            answer, done = self.forecast(guest)
            self.assertEqual(answer["stood_ms"], 0, str(done))
            self.assert_untouched(guest)

    def test_quick_looks_without_changing_a_setting(self):
        guest = self.watched(STEADY)
        answer, done = self.forecast(guest, "--quick")
        self.assertEqual(self.passes(answer), [])
        self.assertEqual(len(answer["points"]), 2, str(done))
        self.assertEqual(guest.watcher.command("query-migrate"), {})
        self.assert_untouched(guest)

    def test_a_paused_guest_stays_paused(self):
        guest = self.watched(STEADY)
        guest.watcher.command("stop")
        answer, done = self.forecast(guest)
        self.assertEqual(answer["state"], "PAUSED", str(done))
        self.assertEqual(guest.status(), "paused")
        guest.watcher.command("cont")
        self.assert_healthy(guest)

    def test_the_guest_is_not_silent_for_longer_than_by_itself(self):
        # this size: else QEMU's TCG holds it up by itself at the first sync
        guest = self.watched(STEADY + " hb=5", memory="192M")
        # the machine may hold it up now and then, and not each time
        more = []
        while len(more) < 4 and min(more, default=1e9) >= MOST_SILENT_MS:
            more.append(self.more_silent_ms(guest))
        self.assertLess(min(more), MOST_SILENT_MS, more)

    def more_silent_ms(self, guest):
        """By how much the longest silence is longer in a rehearsal."""
        begin = time.monotonic_ns()
        guest.watch.wait_beats(guest.serial, 1000, 120)
        asked = time.monotonic_ns()
        answer, done = self.forecast(guest)
        end = time.monotonic_ns()
        self.assertGreater(len(answer["points"]), 1, str(done))
        beats = guest.watch.beats()
        return longest_silence_ms(beats, asked, end) - \
            longest_silence_ms(beats, begin, asked)

    def test_a_small_guest_that_writes_is_measured_by_passes(self):
        guest = self.watched("fill=16 ws=16 rate=10 touch=line",
                             memory="65544K")
        answer, done = self.forecast(guest)
        self.assertGreaterEqual(len(self.passes(answer)), 2, str(done))
        self.assertEqual(answer["stood_ms"], 0)
        self.assert_untouched(guest)

    def test_a_small_idle_guest_is_never_stopped(self):
        guest = self.watched(IDLE, memory="65544K")
        answer, done = self.forecast(guest)
        self.assertEqual(self.passes(answer), [], str(done))
        self.assertEqual(answer["stood_ms"], 0)
        self.assert_untouched(guest)
        # Its pages show all the same how it would go.
        self.assertEqual(answer["verdict"], "converges", str(done))
        (point,) = answer["points"]
        self.assertLess(point["bytes"], 1 << 20)

    # --- what is said -----------------------------------------------------------

    def test_the_object_has_what_the_contract_names(self):
        guest = self.watched(STEADY)
        answer, _ = self.forecast(guest, "--time", "5")
        self.assertLessEqual({"curve", "table", "verdict", "advice", "guest",
                              "owner", "exit_code", "error"}, set(answer))
        self.assertEqual(answer["owner"], "source")
        self.assertEqual(answer["bandwidth"], "assumed")
        sizes = [p["bytes"] for p in answer["curve"]]
        self.assertEqual(sizes, sorted(sizes))
        for cell in answer["table"]:
            self.assertIn("converges", cell)
            self.assertIn("p90", cell["blackout_ms"])

    def test_a_destination_is_measured(self):
        guest = self.watched(STEADY)
        answer, done = self.forecast(guest, self.sshd.target,
                                   *self.sshd.login(), "--quick")
        self.assert_measured(answer, done)

    def test_a_destination_is_measured_through_a_child_ssh(self):
        guest = self.watched(STEADY)
        answer, done = self.forecast(guest, self.sshd.target, "--ssh",
                                     "openssh", *self.sshd.login(), "--quick")
        self.assert_measured(answer, done)

    def assert_measured(self, answer, done):
        """How fast the link is, the load of the machine decides."""
        self.assertEqual(answer["bandwidth"], "measured", str(done))
        self.assertGreater(answer["bandwidth_bps"], 0)

    def test_what_a_migration_taught_is_used(self):
        guest = self.guest("fill=32 ws=8 rate=4")
        where = os.path.join(self.place.state, "taught")
        self.addCleanup(shutil.rmtree, where, ignore_errors=True)
        state = ("--state-dir", where)
        ask = (self.sshd.target, *self.sshd.login(), "--quick", *state)
        answer, done = self.forecast(guest, *ask)
        self.assertEqual(answer["costs"]["from"], "assumed", str(done))
        # slow enough for passes to be seen: they show what is left to copy
        self.assert_moved(guest, self.migrate(
            guest, "--bandwidth", "20M", *harness.BUDGET, *state))
        answer, done = self.forecast(guest, *ask)
        self.assertEqual(answer["costs"]["from"], "learnt", str(done))
        self.assertEqual(answer["costs"]["migrations"], 1)

    def test_xbzrle_is_a_remedy_where_lines_are_written(self):
        guest = self.watched(LINES)
        answer, done = self.forecast(guest, "--bandwidth", "20M",
                                   "--max-blackout", "100")
        self.assertTrue(answer["xbzrle"]["pays"], str(done))
        self.assertEqual(answer["verdict"], "never", str(done))
        self.assertTrue(answer["remedies"]["xbzrle"], str(done))
        self.assertIn("--xbzrle on", answer["advice"])
        self.assert_untouched(guest)

    def test_xbzrle_is_none_where_whole_pages_are_written(self):
        guest = self.watched(WHOLE)
        answer, done = self.forecast(guest, "--bandwidth", "20M",
                                   "--max-blackout", "100", "--quick")
        self.assertFalse(answer["xbzrle"]["pays"], str(done))
        self.assertFalse(answer["remedies"]["xbzrle"], str(done))
        self.assert_untouched(guest)

    def test_a_measurement_can_be_interrupted(self):
        guest = self.watched(STEADY)
        run = subprocess.Popen(
            [harness.VMFERRY, "forecast", guest.name, self.sshd.target,
             *self.sshd.login()], env=self.place.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.kill)
        harness.wait_until(
            lambda: any("dd ibs=" in c for c in harness.ours().values()), 30,
            "nothing is measured")
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 6, out)
        self.assertEqual(guest.watcher.command("query-migrate"), {})
        self.assert_untouched(guest)

    def test_an_unreachable_destination_is_reported_before_anything(self):
        guest = self.watched(STEADY)
        answer, done = self.forecast(
            guest, f"127.0.0.1:{harness.free_port()}", "--no-input", code=10)
        self.assertEqual(answer["verdict"], "unknown", str(done))
        self.assertEqual(guest.watcher.command("query-migrate"), {})
        self.assert_untouched(guest)

    def test_a_convergent_forecast_is_what_a_migration_does(self):
        guest = self.guest("fill=32 ws=4 rate=3")
        link = ("--bandwidth", "10M", "--max-blackout", "1500")
        answer, done = self.forecast(guest, *link)
        self.assertEqual(answer["verdict"], "converges", str(done))
        moved = self.migrate(guest, *link)
        self.assert_moved(guest, moved)
        self.assertLess(moved.result["blackout_ms"], 1500)

    def test_a_hopeless_forecast_is_what_a_migration_does(self):
        guest = self.guest(HOPELESS)
        link = ("--bandwidth", "6M", "--max-blackout", "50")
        answer, done = self.forecast(guest, *link)
        self.assertEqual(answer["verdict"], "never", str(done))
        self.assertTrue(answer["advice"], str(done))
        self.assertIn("max-blackout", answer["advice"])
        self.assert_stayed(guest, self.migrate(guest, *link, "--deadline",
                                               "12"), 5)

    # --- how it ends early --------------------------------------------------------

    def started(self, guest):
        """A forecast whose rehearsal is under way."""
        run = subprocess.Popen(
            [harness.VMFERRY, "forecast", guest.name, "--time", "30"],
            env=self.place.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.kill)
        # 10 passes are many: it is in the middle of it
        harness.wait_until(
            lambda: guest.watcher.command("query-migrate").get(
                "ram", {}).get("dirty-sync-count", 0) >= 3, 60,
            "the rehearsal does not get on")
        return run

    def test_ctrl_c_puts_everything_back(self):
        guest = self.watched(STEADY)
        run = self.started(guest)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 6, out)
        self.assertRegex(out.splitlines()[-1], "is RUNNING on ")
        self.assert_untouched(guest)

    def test_a_killed_forecast_is_undone_by_its_guardian(self):
        guest = self.watched(STEADY)
        run = self.started(guest)
        self.assertEqual(len(harness.guardians()), 1)
        run.kill()
        run.wait()
        harness.await_no_ferry()
        self.assert_untouched(guest)
        done = self.vmferry("recover", "--json")
        self.assertEqual(done.json()["outcome"], "nothing", str(done))

    def test_without_a_guardian_recover_undoes_it(self):
        guest = self.watched(STEADY)
        run = self.started(guest)
        for pid in harness.guardians():
            harness.kill(pid, signal.SIGSTOP)
        guardians = harness.guardians()
        run.kill()
        run.wait()
        for pid in guardians:
            harness.kill(pid)
        done = self.vmferry("recover", "--json")
        self.assertEqual(done.json()["outcome"], "abort", str(done))
        self.assert_untouched(guest)

    def test_a_kill_at_each_record_is_undone(self):
        guest = self.watched(STEADY)
        for n in range(1, 4):  # BEGIN DEST MIGRATE
            with self.subTest(fdatasync=n):
                run = subprocess.run(
                    ["strace", "-qq", "-o", "/dev/null", "-e",
                     "trace=fdatasync", "-e",
                     f"inject=fdatasync:signal=SIGKILL:when={n}",
                     harness.VMFERRY, "forecast", guest.name],
                    env=self.place.env, stdin=subprocess.DEVNULL,
                    capture_output=True, timeout=60)
                self.assertIn(run.returncode, (-9, 137))
                harness.await_no_ferry()
                # before the guardian is there, only recover is
                done = self.vmferry("recover", "--json")
                self.assertEqual(done.code, 0, str(done))
                self.assert_untouched(guest)

    def test_a_migration_meanwhile_is_refused(self):
        guest = self.watched(STEADY)
        run = self.started(guest)
        self.assert_exit(self.migrate(f"pid:{guest.pid}"), 11)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=30)
        self.assert_untouched(guest)


if __name__ == "__main__":
    unittest.main()
