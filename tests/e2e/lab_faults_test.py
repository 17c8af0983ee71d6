#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Faults that need a network between hosts, or a host of its own to break."""

import signal
import unittest

import case
import harness
import labkit

SLOW = ["--bandwidth", "3M"]


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class LabFaultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = labkit.Lab("faults")
        cls.addClassCleanup(cls.lab.down)
        cls.lab.up()
        cls.guest = labkit.LabGuest(cls.lab["hosta"], "small",
                                    "fill=16 ws=4 rate=8", harness.SMALL)
        cls.addClassCleanup(cls.guest.stop)

    def finish(self, run, *codes, timeout=300):
        """The migration failed, and the guest runs where it was."""
        outcome = run.finish(timeout=timeout)
        self.assertIn(outcome.code, codes, outcome)
        self.assertEqual(outcome.result["owner"], "source")
        self.assertTrue(outcome.result["error"]["message"])
        last = outcome.text.splitlines()[-1]
        self.assertRegex(last, case.WHERE)
        self.assertIn(f"small is RUNNING on {self.guest.host.name}", last)
        self.guest.watch.wait_beats(self.guest.at(), 5, 60)
        return outcome

    def assert_moves_after_all(self):
        outcome = self.guest.start().finish()
        self.assertEqual(outcome.code, 0, outcome)
        self.guest.arrive(outcome)
        self.assertEqual(labkit.problems(self.guest, self.lab), [])

    def there(self):
        return self.lab.other(self.guest.host)

    def test_a_guest_on_its_way_is_busy_on_both_hosts(self):
        here, there = self.guest.host, self.there()
        run = self.guest.start(*harness.HELD)
        run.wait_copying()
        for host, dest in ((here, there), (there, here)):
            done = host.run(harness.VMFERRY, "migrate", "small", dest.name,
                            "--no-input")
            self.assertEqual(done.returncode, 11, done)
        run.signal(signal.SIGINT)
        self.finish(run, 6)
        self.assertEqual(labkit.problems(self.guest, self.lab), [])

    def test_a_black_hole_is_given_up_within_the_time_for_a_login(self):
        there = self.there().name
        self.lab.ok("cut", there)
        self.addCleanup(self.lab.ok, "heal")
        run = self.guest.start()
        # 10 s by the contract, and a little for a busy machine.
        outcome = self.finish(run, 10, timeout=30)
        self.assertIn(there, outcome.text)
        self.assertTrue(outcome.result["error"]["hint"])
        self.lab.ok("heal")
        self.assert_moves_after_all()

    def test_a_reset_in_the_middle_is_undone(self):
        run = self.guest.start(*harness.HELD)
        run.wait_copying()
        self.lab.ok("reset")
        outcome = self.finish(run, 4)
        self.assertIn(self.there().name, outcome.text)
        self.assertEqual(labkit.problems(self.guest, self.lab), [])
        self.assert_moves_after_all()

    def test_a_short_black_hole_in_the_middle_is_survived(self):
        self.guest.watch.send(self.guest.at(), b"r=1\n")
        run = self.guest.start(*SLOW, *harness.BUDGET)
        run.wait_copying()
        before = run.events[-1]["mono_ms"]
        self.lab.ok("cut")
        self.addCleanup(self.lab.ok, "heal")
        # Long enough to be seen: what was under way is stuck meanwhile.
        run.wait(lambda e: e["mono_ms"] > before + 3000, what="later event")
        self.lab.ok("heal")
        outcome = run.finish()
        self.assertEqual(outcome.code, 0, outcome)
        self.guest.arrive(outcome)
        self.assertEqual(labkit.problems(self.guest, self.lab), [])

    def test_a_long_black_hole_in_the_middle_is_undone(self):
        there = self.there()
        run = self.guest.start(*harness.HELD)
        run.wait_copying()
        self.lab.ok("cut")
        self.addCleanup(self.lab.ok, "heal")
        outcome = self.finish(run, 4, 9)
        self.lab.ok("heal")
        if outcome.code == 9:
            self.clean_up(there, outcome)
        # Nobody told that sshd of a client's death behind the black hole.
        for pid, (_, line) in there.strangers([self.guest]).items():
            if line.startswith("sshd: "):
                harness.kill(pid)
        self.assertEqual(labkit.problems(self.guest, self.lab), [])
        self.assert_moves_after_all()

    def clean_up(self, there, outcome):
        """As the last line says; it has to name everything."""
        last = outcome.text.splitlines()[-1]
        self.assertIn("Left to clean up", last)
        for pid in there.strangers([self.guest]):
            own, line = there.processes().get(pid, (0, ""))
            if "qemu" in line:
                self.assertIn(f"pid {own}", last)
                harness.kill(pid)
        for path in there.files([self.guest]):
            top = "/".join(path.split("/")[:4])
            self.assertIn(top, last)
            harness.remove(there.at(top))

    def test_a_full_disk_over_there_is_told(self):
        there = self.there()
        there.sh("mkdir -p /run/vmferry && mount -t tmpfs -o "
                 "size=4k,mode=711 none /run/vmferry && "
                 "head -c 4096 /dev/zero >/run/vmferry/full")

        def free():
            there.sh("umount /run/vmferry 2>/dev/null || :")

        self.addCleanup(free)
        outcome = self.finish(self.guest.start(), 3, 4)
        self.assertRegex(outcome.text, "No space left|cannot write")
        self.assertIn(there.name, outcome.text)
        self.assertEqual(there.sh("ls /run/vmferry"), "full")
        free()
        self.assertEqual(labkit.problems(self.guest, self.lab), [])
        self.assert_moves_after_all()

    def test_a_host_that_crashes_in_the_middle_is_named(self):
        there = self.there().name
        run = self.guest.start(*harness.HELD)
        run.wait_copying()
        self.lab.ok("kill", there)
        self.addCleanup(self.lab.up)
        outcome = self.finish(run, 4, 9)
        self.assertIn(there, outcome.text)
        self.lab.up()
        self.assertEqual(labkit.problems(self.guest, self.lab), [])
        self.assert_moves_after_all()


if __name__ == "__main__":
    unittest.main()
