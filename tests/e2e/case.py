# SPDX-License-Identifier: MIT
"""The loopback test case: one sshd a class, guests, and what always holds.

A guest is moved to another QEMU process on this same host. Whatever a test
does, afterwards nothing may be left: no process, no file in the run root.
"""
import json
import os
import re
import unittest

import harness

# Where the guest runs, in the words of the contract.
WHERE = re.compile(
    r"(\S+ is (RUNNING |PAUSED )?on \S+( \(pid \d+\))?\.|"
    r"\S+ runs nowhere\b.*|There is no guest \S+ on .+\.|"
    r"It is not known whether \S+ runs on|No guest was touched\.)")

RESULT_FIELDS = {
    "outcome", "exit_code", "run", "guest", "source", "destination", "owner",
    "total_ms", "blackout_ms", "blackout_uncertainty_ms", "qemu_downtime_ms",
    "switchover_round_trips",
    "passes", "transferred_bytes", "disk_bytes", "throughput_bps", "streams",
    "transport", "decision", "forecast", "error", "leftovers"}


class LoopbackCase(unittest.TestCase):
    longMessage = True
    sshd_options = ()

    @classmethod
    def setUpClass(cls):
        cls.place = harness.isolate()
        cls.sshd = harness.Sshd(cls.place, cls.sshd_options)
        cls.addClassCleanup(cls.sshd.stop)
        cls.guests = []

    def setUp(self):
        self.addCleanup(self.check_nothing_left)

    # --- what a test needs ---------------------------------------------------

    @classmethod
    def class_guest(cls, *args, **options):
        """A guest that all tests of the class use one after another."""
        guest = harness.Guest(cls.place, *args, **options)
        cls.guests.append(guest)
        cls.addClassCleanup(cls.drop, guest)
        return guest

    @classmethod
    def drop(cls, guest):
        cls.guests.remove(guest)
        guest.stop()

    def guest(self, *args, **options):
        """A guest for this test alone."""
        guest = harness.Guest(self.place, *args, **options)
        self.guests.append(guest)
        self.addCleanup(self.drop, guest)
        return guest

    def vmferry(self, *args, **options):
        return harness.vmferry(self.place, *args, **options)

    def check(self, guest, *args, dest=None):
        return self.vmferry("check", guest.name, dest or self.sshd.target,
                            *self.sshd.login(), *args)

    def start(self, guest, *args, dest=None, login=True):
        """A migration under way; ended by the test's own finish()."""
        word = guest if isinstance(guest, str) else guest.name
        run = harness.Run(
            [harness.VMFERRY, "migrate", word, dest or self.sshd.target,
             *(self.sshd.login() if login else ()),
             *harness.budget(args), *args],
            self.place.env, None if isinstance(guest, str) else guest)
        self.addCleanup(run.abandon)
        return run

    def migrate(self, guest, *args, **options):
        return self.start(guest, *args, **options).finish()

    def learn(self, *fixed_ms):
        """As if so many switchovers to this host had cost that much."""
        pairs = os.path.join(self.place.state, "pairs")
        os.makedirs(pairs, mode=0o700, exist_ok=True)
        with open(harness.MACHINE_ID) as f:
            name = f.read().strip()
        with open(os.path.join(pairs, name), "w") as f:
            json.dump({"v": 1, "lessons": [
                {"fixed_ms": x, "overhead_ms": 0, "link_bps": 0}
                for x in fixed_ms]}, f)
        return os.path.join(pairs, name)

    # --- what must hold -------------------------------------------------------

    def assert_exit(self, outcome, *codes):
        self.assertIn(outcome.code, codes, str(outcome))
        lines = outcome.text.splitlines()
        self.assertTrue(lines, f"nothing was said: {outcome}")
        if outcome.code not in (1, 2):
            self.assertRegex(lines[-1], WHERE, str(outcome))
        if outcome.result:
            self.assertEqual(outcome.result["exit_code"], outcome.code)
        return outcome

    def assert_moved(self, guest, outcome):
        """It runs on the destination, whole, and has always run there only."""
        self.assert_exit(outcome, 0)
        result = outcome.result or outcome.json()
        self.assertEqual(result["outcome"], "migrated")
        self.assertEqual(result["owner"], "destination")
        self.assertEqual(result["leftovers"], [])
        self.assertFalse(harness.is_alive(guest.pid), "the source lives on")
        guest.process.wait()
        guest.pid = result["owner_pid"]
        self.assertIn(guest.pid, harness.our_qemus())
        self.assertIn(f"(pid {guest.pid})", outcome.text.splitlines()[-1])
        self.assert_healthy(guest)

    def assert_stayed(self, guest, outcome, *codes, state="RUNNING "):
        """It runs on the source, whole, as if nothing had been tried."""
        self.assert_exit(outcome, *codes)
        result = outcome.result
        if result:
            self.assertEqual(result["owner"], "source")
            self.assertTrue(result["error"]["message"])
        self.assertRegex(outcome.text.splitlines()[-1],
                         rf"{guest.name} is {state}on ", str(outcome))
        self.assert_healthy(guest)

    def assert_here_or_there(self, guest, outcome, *codes):
        """It was moved, or it stayed with one of these codes."""
        if outcome.code == 0:
            self.assert_moved(guest, outcome)
        else:
            self.assert_stayed(guest, outcome, *codes)

    def assert_healthy(self, guest):
        self.assertTrue(harness.is_alive(guest.pid), "the guest is gone")
        guest.watch.wait_beats(guest.serial, 5, 60)
        verdict = guest.verify()
        self.assertTrue(verdict["ok"], verdict)
        self.assertEqual(verdict["bad"], 0)
        self.assert_one_guest(guest)
        self.assertEqual(guest.read_settings(), guest.settings,
                         "migration settings of its QEMU changed")

    def assert_one_guest(self, guest):
        self.assertEqual(guest.watch.both_ran(), [], "it ran twice")
        self.assertEqual(guest.watch.missing(), [], "heartbeats are missing")
        self.assertEqual([ln.text for ln in guest.watch.lines("E ")], [])

    def assert_explained(self, outcome, *words):
        """What failed, why, and what to do next are in what was said."""
        for word in words:
            self.assertRegex(outcome.text, word, str(outcome))
        if outcome.result and outcome.result["error"]:
            self.assertTrue(outcome.result["error"]["kind"])
            self.assertTrue(outcome.result["error"]["message"])

    def assert_hint(self, outcome):
        self.assertTrue(outcome.result["error"]["hint"], str(outcome))

    def check_nothing_left(self):
        """Only the guests of the class and sshd's listener are there."""
        known = {self.sshd.process.pid} | {g.pid for g in self.guests}

        def strangers():
            keepers = harness.keepers(g.pid for g in self.guests if g.pid)
            found = {p: c for p, c in harness.ours().items()
                     if p not in known and p not in keepers}
            found.update((p, "an open connection of sshd")
                         for p in self.sshd.sessions())
            found.update(harness.orphans())
            return found

        try:
            harness.wait_until(lambda: not strangers(), 60, "")
        except TimeoutError:
            left = strangers()
            for pid in left:
                harness.kill(pid)
            self.fail(f"processes are left over: {left}")
        self.check_no_files_left()

    def check_no_files_left(self):
        """A moved guest keeps its run directory, and nothing else stays."""
        kept = [harness.directory_of(g.pid) for g in self.guests]
        left = [p for p in self.place.left_over()
                if not any(k and (p + "/").startswith(k + "/") for k in kept)]
        for path in left:
            harness.remove(path)
        self.assertEqual(left, [], "files are left over")
