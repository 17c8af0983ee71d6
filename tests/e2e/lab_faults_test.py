#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Faults that need a network between hosts, or a host of its own to break."""

import fcntl
import json
import os
import signal
import subprocess
import time
import unittest

import case
import harness
import labkit

SLOW = ["--bandwidth", "3M"]
# The sync of that record in the journal, which is written before.
DESTRUN = 8


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
        # They do not know of the client's death behind the black hole.
        there.end_ssh_sessions()
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
            # tokens of others may be beside it
            tokens = path.startswith("/run/vmferry/tokens/")
            top = path if tokens else "/".join(path.split("/")[:4])
            self.assertIn(top, last)
            harness.remove(there.at(top))

    def test_a_full_disk_of_the_destination_is_reported(self):
        there = self.there()
        there.sh("mkdir -p /run/vmferry && mount -t tmpfs -o "
                 "size=4k,mode=711 none /run/vmferry && "
                 "head -c 4096 /dev/zero >/run/vmferry/full")

        def free():
            there.sh("umount /run/vmferry 2>/dev/null || :")

        self.addCleanup(free)
        outcome = self.finish(self.guest.start(), 3)
        self.assertRegex(outcome.text, "needed for the guest's run directory, "
                         r"0\.0 MiB .* free in /run/vmferry")
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


class OneGuestTest(unittest.TestCase):
    """A lab of its own, which is not as it was afterwards."""

    def have(self, hosts):
        self.lab = labkit.Lab("faults")
        self.addCleanup(self.lab.down)
        self.lab.up(str(hosts))
        self.guest = labkit.LabGuest(self.lab["hosta"], "small",
                                     "fill=16 ws=4 rate=8", harness.SMALL)
        self.addCleanup(self.guest.stop)

    def moves(self, there=None):
        outcome = self.guest.start(there=there).finish()
        self.assertEqual(outcome.code, 0, outcome)
        self.guest.arrive(outcome, there)
        return outcome

    def recover(self, host, *args):
        done = host.run(harness.VMFERRY, "recover", "--no-input", "--json",
                        *args)
        return done, json.loads(done.stdout)

    def status(self, host):
        done = host.run(harness.VMFERRY, "status", "small", "--json")
        self.assertEqual(done.returncode, 0, done)
        return {row["run"]: row for row in json.loads(done.stdout)["runs"]}

    def guardians(self, host):
        return [p for p, (_, line) in host.processes().items()
                if line.startswith("vmferry guardian ")]


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class ThirdHostTest(OneGuestTest):
    """The second one is gone, in the middle of a migration to it."""

    def setUp(self):
        self.have(3)
        self.here, self.second, self.third = (
            self.lab[h] for h in ("hosta", "hostb", "hostc"))
        run = self.guest.start(*SLOW, there=self.second)
        run.wait_copying()
        self.lab.ok("kill", self.second.name)
        first = run.finish()
        self.assertEqual(first.code, 9, first)
        self.first_run = first.result["run"]
        self.journal = self.here.at(
            f"/var/lib/vmferry/runs/{self.first_run}/journal")

    def test_a_guest_leaves_for_a_third_host(self):
        outcome = self.moves(self.third)
        self.assertIn(f"what {self.first_run} left on {self.second.name}",
                      outcome.text)
        self.guest.watch.wait_beats(self.guest.at(), 5, 30)
        # What is left is still reported, and not as an end of the guest.
        done, answer = self.recover(self.here)
        self.assertEqual(done.returncode, 9, done)
        self.assertEqual((answer["outcome"], answer["owner"]),
                         ("abort", "unknown"))
        self.assertIn("cannot be reached", answer["leftovers"][0])
        shown = self.status(self.here)
        self.assertEqual(set(shown), {self.first_run, outcome.result["run"]})
        self.assertTrue(shown[self.first_run]["unfinished"])
        # Back again, it is cleaned up; that is no news of the guest.
        self.lab.up()
        done, _ = self.recover(self.here)
        self.assertEqual(done.returncode, 0, done)
        shown = self.status(self.here)
        self.assertEqual(set(shown), {outcome.result["run"]})
        self.assertEqual(labkit.problems(self.guest, self.lab), [])

    def is_taken(self):
        with open(self.journal, "rb") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
            except BlockingIOError:
                return True

    def is_dialling(self):
        """Whether somebody there connects to a host that does not answer."""
        table = harness.read(f"/proc/{self.here.init}/net/tcp").decode()
        syn_sent = "02"
        return any(line.split()[3] == syn_sent
                   for line in table.splitlines()[1:])

    def start_recovery(self):
        return subprocess.Popen(
            self.here.argv(harness.VMFERRY, "recover", "--no-input", "--json"),
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)

    def test_a_recovery_that_waits_for_the_second_delays_nobody(self):
        for pid in self.guardians(self.here):
            harness.kill(pid)
        harness.wait_until(lambda: not self.is_taken(), 20, "still taken")
        before = harness.read(self.journal)
        both = [self.start_recovery()]
        harness.wait_until(self.is_dialling, 20, "the second is not asked")
        self.assertTrue(self.is_taken())
        self.moves(self.third)
        both.append(self.start_recovery())
        for recovery in both:
            answer = json.loads(recovery.communicate(timeout=60)[0])
            self.assertEqual((answer["exit_code"], answer["outcome"]),
                             (9, "abort"), answer)
        self.assertEqual(harness.read(self.journal), before)
        self.guest.watch.wait_beats(self.guest.at(), 5, 30)
        self.assertFalse(self.guest.watch.both_ran())


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class ReturnTest(OneGuestTest):
    """A guest is back before the run that took it away was tidied up."""

    def move_and_die(self, there):
        """The engine ends after the guest ran on the destination."""
        here = self.guest.host
        run = self.guest.start(there=there, under=(
            "strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
            f"inject=fdatasync:signal=SIGKILL:when={DESTRUN}"))
        stopped = set()
        while harness.is_alive(run.process.pid):
            for pid in self.guardians(here):
                harness.kill(pid, signal.SIGSTOP)
                stopped.add(pid)
            time.sleep(0.005)
        for pid in stopped:
            harness.kill(pid)
        run.finish()
        # The source, too, so that only names are left.
        harness.kill(self.guest.outside_pid)
        self.guest.find(there, run.run_id())
        return run.run_id()

    def test_a_late_end_leaves_the_names_to_a_guest_that_is_back(self):
        self.have(2)
        here, there = self.lab["hosta"], self.lab["hostb"]
        # Only what vmferry brought there has names to be taken back.
        self.moves(there)
        run = self.move_and_die(here)
        self.moves(there)
        names = there.sh("ls -i /run/small.serial /run/small.qmp")
        done, answer = self.recover(there, run)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual((answer["outcome"], answer["owner"]),
                         ("finish", "destination"))
        self.assertEqual(there.sh("ls -i /run/small.serial /run/small.qmp"),
                         names)
        self.assertEqual(labkit.problems(self.guest, self.lab), [])
        self.moves(here)
        self.assertEqual(there.sh("ls /run/small.* 2>/dev/null || :"), "")
        self.assertEqual(labkit.problems(self.guest, self.lab), [])


if __name__ == "__main__":
    unittest.main()
