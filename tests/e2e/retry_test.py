#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Migrations that are turned back when the guest is stopped already.

What a switchover to this host is said to have cost turns them back: the guest
is idle, so that nothing holds it before. Each of these lessons that turned a
migration back is forgotten, so that the next try may go through.
"""
import os
import re
import signal
import sys
import unittest

sys.dont_write_bytecode = True
import case
import harness

IDLE = "fill=16 ws=4 rate=0"
# Wide, for the machine may hold the guest up as well.
BUDGET_MS = 5000
BUDGET = ("--max-blackout", str(BUDGET_MS))
DEAR_MS = 6000


class RetryTest(case.LoopbackCase):
    def phases(self, done):
        return [e["to"] for e in done.events if e["event"] == "phase"]

    def warnings(self, done):
        return [e for e in done.events
                if e["event"] == "warning" and e["name"] == "retry"]

    def turned_back(self, *args):
        """One under way whose first try is turned back."""
        guest = self.guest(IDLE)
        self.learn(DEAR_MS, DEAR_MS)
        return guest, self.start(guest, *BUDGET, *args)

    def wait_second(self, run, phase):
        run.wait(lambda e: e["event"] == "warning" and e["name"] == "retry",
                 what="second try")
        seen = run.events.index(self.warnings(run)[0])
        run.wait(lambda e: e in run.events[seen:] and e["event"] == "phase"
                 and e["to"] == phase, what=f"second {phase}")

    def test_it_is_tried_once_more(self):
        guest, run = self.turned_back()
        done = run.finish()
        self.assert_moved(guest, done)
        self.assertEqual(done.result["attempts"], 2)
        self.assertEqual(len(self.warnings(done)), 1, done)
        phases = self.phases(done)
        self.assertEqual(phases.count("launch"), 2, phases)
        self.assertEqual(phases[-4:],
                         ["tunnel", "precopy", "switchover", "finish"])
        self.assertEqual([e["event"] for e in done.events].count("result"), 1)

    def test_the_first_pause_counts(self):
        guest, run = self.turned_back()
        done = run.finish()
        self.assert_moved(guest, done)
        (switch,) = (e for e in done.events if e["event"] == "switchover")
        earlier = done.result["earlier_pause_ms"]
        self.assertGreater(earlier, 0)
        self.assertAlmostEqual(done.result["blackout_ms"],
                               switch["blackout_ms"] + earlier, places=2)
        self.assertEqual(switch["blackout_ms"], switch["resume_ms"])
        found = re.search(r"with (\d+) ms of the budget",
                         self.warnings(done)[0]["text"])
        self.assertAlmostEqual(int(found[1]), BUDGET_MS - earlier, delta=1)

    def test_a_pause_by_its_user_is_no_blackout(self):
        monitors = [w for n in range(2) for w in (
            "-qmp", f"unix:{self.place.work}/spare{n},server=on,wait=off")]
        guest = self.guest(IDLE, extra=monitors)
        for n in range(2):
            self.addCleanup(harness.remove, f"{self.place.work}/spare{n}")
        slow = os.path.join(self.place.work, "slow-qemu")
        with open(slow, "w") as f:
            f.write(f'#!/bin/sh\nsleep 3\nexec {harness.QEMU} "$@"\n')
        os.chmod(slow, 0o755)
        self.addCleanup(os.unlink, slow)
        user = harness.Qmp(f"{self.place.work}/spare1")
        run = self.start(guest, "--qemu-binary", slow)
        run.wait_phase("launch")
        user.command("stop")
        user.command("cont")
        user.close()
        done = run.finish()
        self.assert_moved(guest, done)
        (switch,) = (e for e in done.events if e["event"] == "switchover")
        self.assertIsNone(done.result["earlier_pause_ms"])
        self.assertEqual(done.result["blackout_ms"], switch["resume_ms"])

    def assert_turned_back_once(self, guest, done):
        """At the switchover, by its budget, and not by its policy before."""
        self.assert_stayed(guest, done, 5)
        self.assertEqual(done.result["attempts"], 1)
        self.assertEqual(self.warnings(done), [])
        self.assertIn("switchover", self.phases(done))
        self.assertIn("the guest stood still for", done.err)

    def test_what_is_dear_each_time_is_not_tried_again(self):
        guest = self.guest(IDLE)
        self.learn(*[DEAR_MS] * 6)
        self.assert_turned_back_once(guest, self.migrate(guest, *BUDGET))

    def test_a_deadline_that_leaves_no_time_ends_it(self):
        guest = self.guest("fill=40 ws=4 rate=0")
        self.learn(DEAR_MS, DEAR_MS)
        # The copy alone takes half of them. QEMU 10 sends no slower: 128 KiB
        # of pages each tenth of a second.
        done = self.migrate(guest, *BUDGET, "--bandwidth", "1300K",
                            "--deadline", "60")
        self.assert_turned_back_once(guest, done)

    def test_who_cancels_the_undo_sees_no_second_try(self):
        guest, run = self.turned_back("--bandwidth", "4M")
        run.wait_phase("rollback")
        run.signal(signal.SIGINT)
        done = run.finish()
        # where the signal came too late there is a second try to be undone
        self.assert_stayed(guest, done, 6)

    def test_a_second_try_is_cancelled_like_a_first(self):
        guest, run = self.turned_back("--bandwidth", "8M")
        self.wait_second(run, "precopy")
        run.signal(signal.SIGINT)
        self.assert_stayed(guest, run.finish(), 6)

    def test_a_destination_that_dies_in_the_second_try_is_cleaned(self):
        guest, run = self.turned_back("--bandwidth", "8M")
        self.wait_second(run, "precopy")
        harness.kill(run.destination_qemu())
        done = run.finish()
        self.assert_stayed(guest, done, 4)
        self.assertEqual(done.result["attempts"], 2)

    def test_its_recording_is_replayed_as_the_second_try(self):
        guest, run = self.turned_back()
        done = run.finish()
        self.assert_moved(guest, done)
        replay = self.vmferry("replay", done.result["run"])
        self.assertEqual(replay.code, 0, replay)
        status = self.vmferry("status", done.result["run"], "--json").json()
        self.assertEqual(status["runs"][0]["outcome"], "migrated")


if __name__ == "__main__":
    unittest.main()
