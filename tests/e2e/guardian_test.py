#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The guardian: what happens by itself when the engine dies or hangs.

Times are the guardian's promises with slack for a busy machine: at once for a
dead engine, three seconds of silence for one that hangs.
"""
import os
import signal
import sys
import time
import unittest

sys.dont_write_bytecode = True
import case
import harness
import standstill


class GuardianTest(case.LoopbackCase):

    def copying(self):
        guest = self.guest()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        return guest, run

    def assert_back(self, guest, run):
        harness.await_no_ferry()
        (seen,) = self.vmferry("status", run.run_id(), "--json").json()["runs"]
        self.assertEqual((seen["recovered"], seen["owner"]), (True, "source"))
        self.assertEqual(guest.status(), "running")
        self.assert_healthy(guest)
        done = self.vmferry("recover", "--json", *self.sshd.login())
        self.assertEqual(done.json()["outcome"], "nothing", str(done))
        self.assert_moved(guest, self.migrate(guest))

    def test_a_run_that_ends_well_leaves_no_guardian(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest))
        harness.await_no_ferry()

    def test_the_source_is_watched_in_nobodys_way(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest, "--watch-source", "60"))
        (pid,) = harness.guardians()
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
        open_files = [os.readlink(f"/proc/{pid}/fd/{n}")
                      for n in os.listdir(f"/proc/{pid}/fd")]
        self.assertEqual([f for f in open_files
                          if self.place.work in f or f.startswith("socket:")
                          and not f.startswith("/dev/null")], [])
        # the guest may go on at once, and anybody may end the watch
        self.assert_moved(guest, self.migrate(guest))
        harness.kill(pid, signal.SIGTERM)
        harness.await_no_ferry()

    def test_a_killed_engine_is_undone_by_itself(self):
        guest, run = self.copying()
        self.assertEqual(len(harness.guardians()), 1)
        run.signal(signal.SIGKILL)
        run.finish()
        self.assert_back(guest, run)

    def test_a_stopped_engine_is_killed_and_undone(self):
        guest, run = self.copying()
        run.signal(signal.SIGSTOP)
        done = run.finish(timeout=60)
        self.assertIn(done.code, (-9, 137), str(done))
        self.assert_back(guest, run)

    def test_the_source_goes_on_before_a_word_to_a_host(self):
        path = os.path.join(self.place.work, "hmp")
        self.addCleanup(harness.remove, path)
        guest = self.guest(extra=standstill.monitor(path))
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        (guardian,) = harness.guardians()
        harness.kill(guardian, signal.SIGSTOP)
        run.signal(signal.SIGSTOP)
        standstill.await_gate(path)
        self.sshd.stop()
        with standstill.SilentHost(self.sshd.port, guest.status) as host:
            harness.kill(guardian, signal.SIGCONT)
            harness.wait_until(lambda: host.seen, 60, "nobody asks the host")
        self.assertEqual(host.seen[0], "running")
        run.finish()
        self.sshd.start()
        self.assert_back(guest, run)

    def test_a_short_stop_is_forgiven(self):
        guest, run = self.copying()
        run.signal(signal.SIGSTOP)
        # the length of the stop is what it is about
        time.sleep(1)
        seen = run.events[-1]["mono_ms"]
        run.signal(signal.SIGCONT)
        run.wait(lambda e: e["event"] == "sample" and e["mono_ms"] > seen,
                 what="later sample")
        run.signal(signal.SIGINT)
        self.assert_stayed(guest, run.finish(), 6)

    def test_a_killed_guardian_is_replaced(self):
        guest, run = self.copying()
        first = harness.guardians()
        harness.kill(first[0])
        harness.wait_until(
            lambda: set(harness.guardians()) - set(first), 60,
            "no new guardian")
        run.signal(signal.SIGKILL)
        run.finish()
        self.assert_back(guest, run)

    def test_signals_do_not_end_a_guardian(self):
        guest, run = self.copying()
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            harness.kill(harness.guardians()[0], sig)
        run.signal(signal.SIGKILL)
        run.finish()
        self.assert_back(guest, run)


if __name__ == "__main__":
    unittest.main()
