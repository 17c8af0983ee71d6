#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A guest that arrives on a host is nobody else's to move."""
import json
import signal
import unittest

import harness
import labkit

COMMIT = 7      # BEGIN PREP DEST DEST MIGRATE SWITCH, then it


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class ArrivalTest(unittest.TestCase):

    def setUp(self):
        self.lab = labkit.Lab("arrival")
        self.addCleanup(self.lab.down)
        self.lab.up()
        self.a, self.b = self.lab["hosta"], self.lab["hostb"]
        self.guest = labkit.LabGuest(self.a, "web1", "fill=16 ws=4 rate=8",
                                     harness.SMALL)
        self.addCleanup(self.guest.stop)

    def processes(self, host, start):
        return [p for p, (_, line) in host.processes().items()
                if line.startswith(start)]

    def status_on_b(self, run):
        """By the guest's own monitor, which is free all the time."""
        path = self.b.at(f"/run/vmferry/{run}/s1.sock")
        try:
            with harness.Qmp(path, timeout=5) as q:
                return q.command("query-status")["status"]
        except OSError:
            return None

    def second(self):
        done = self.b.run(harness.VMFERRY, "migrate", "web1", "hosta",
                          "--no-input", "--json", *harness.BUDGET)
        return done.returncode, json.loads(done.stdout)

    def frozen_before_commit(self):
        """(the run, its guardian): both stopped, the guest loaded on hostb."""
        run = self.guest.start(under=(
            "strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
            f"inject=fdatasync:signal=SIGSTOP:when={COMMIT}"))
        run.wait_phase("launch")
        # the first; others are its children that have not begun yet
        guardian = min(harness.wait_until(
            lambda: self.processes(self.a, "vmferry guardian"), 60,
            "no guardian"))
        harness.kill(guardian, signal.SIGSTOP)
        harness.wait_until(
            lambda: self.status_on_b(run.run_id()) == "paused", 120,
            "it is not loaded")
        return run, guardian

    def assert_refused(self, run):
        code, said = self.second()
        self.assertEqual((code, said["outcome"]), (11, "busy"), said)
        self.assertIn(run.run_id(), said["error"]["message"])
        self.assertIn("hosta", said["error"]["message"])
        self.assertEqual(self.status_on_b(run.run_id()), "paused")

    def test_it_is_refused_before_commit(self):
        run, guardian = self.frozen_before_commit()
        self.assert_refused(run)
        for pid in self.processes(self.a, harness.VMFERRY):
            harness.kill(pid, signal.SIGCONT)
        harness.kill(guardian, signal.SIGCONT)
        done = run.finish()
        self.assertEqual(done.code, 0, done)
        self.guest.arrive(done)
        # once it has arrived it may go
        done = self.guest.start().finish()
        self.assertEqual(done.code, 0, done)
        self.guest.arrive(done)
        self.assertEqual(labkit.problems(self.guest, self.lab), [])

    def test_so_it_is_when_the_run_has_died(self):
        run, guardian = self.frozen_before_commit()
        for pid in [guardian, *self.processes(self.a, harness.VMFERRY)]:
            harness.kill(pid)
        run.finish()
        # its monitors are free now
        self.assert_refused(run)
        done = self.a.run(harness.VMFERRY, "recover", "--no-input", "--json")
        self.assertEqual(done.returncode, 0, done)
        # COMMIT was on its way to the disk
        if json.loads(done.stdout)["owner"] == "destination":
            self.guest.find(self.b, run.run_id())
        self.assertEqual(labkit.problems(self.guest, self.lab), [])


if __name__ == "__main__":
    unittest.main()
