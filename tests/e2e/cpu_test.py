#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The guest's CPU on the destination: compared before anything moves.

Another host is a QEMU that gets another -cpu. What other hardware says is in
tests/unit/engine/run/preflight_cpu_test.c.
"""
import os
import re
import unittest

import case
import harness


class CpuTest(case.LoopbackCase):
    def wrapped(self, *words, before=""):
        """A QEMU that adds @words to its command line, after @before."""
        path = os.path.join(self.place.work, "qemu-system-other")
        with open(path, "w") as f:
            f.write(f"#!/bin/sh\n{before}\n"
                    f"exec {harness.QEMU} \"$@\" {' '.join(words)}\n")
        os.chmod(path, 0o755)
        self.addCleanup(harness.remove, path)
        return ["--qemu-binary", path]

    def checked(self, guest, *args):
        """[(verdict, found, remedy)] of the check."""
        done = self.check(guest, "--json", *args)
        return [(c["verdict"], c["found"], c["remedy"])
                for c in done.json()["checks"] if c["name"] == "cpu"]

    def refused(self, guest, args, *words):
        ((verdict, found, remedy),) = self.checked(guest, *args)
        self.assertEqual(verdict, "fail")
        for word in words:
            self.assertIn(word, found)
        self.assertTrue(remedy)
        done = self.migrate(guest, *args)
        self.assert_stayed(guest, done, 3)
        self.assert_explained(done, *map(re.escape, words))
        self.assert_hint(done)
        # before a QEMU was started for it there
        self.assertNotIn("launch", done.phases())

    def test_the_same_qemu_gives_the_same_cpu(self):
        guest = self.guest()
        ((verdict, found, _),) = self.checked(guest)
        self.assertEqual(verdict, "pass")
        self.assertIn("(qemu64) has the same features", found)

    def test_a_lost_feature_is_refused_and_the_remedy_moves_it(self):
        guest = self.guest(extra=["-cpu", "qemu64,+aes,+ssse3"])
        self.refused(guest, self.wrapped("-cpu", "qemu64"),
                     "(qemu64) would lose features", "ssse3, aes")
        # "a QEMU there that has it"
        self.assert_moved(guest, self.migrate(guest))

    def test_it_can_be_skipped_as_any_check(self):
        guest = self.guest(extra=["-cpu", "qemu64,+aes"])
        other = self.wrapped("-cpu", "qemu64")
        ((verdict, _, _),) = self.checked(guest, "--skip-check", "cpu", *other)
        self.assertEqual(verdict, "warn")
        self.assert_moved(guest, self.migrate(guest, "--skip-check", "cpu",
                                              *other))

    def test_another_model_is_refused(self):
        guest = self.guest(extra=["-cpu", "qemu64"])
        self.refused(guest, self.wrapped("-cpu", "Nehalem"),
                     "CPU is qemu64, and would be Nehalem")

    def test_another_vendor_is_refused(self):
        guest = self.guest(extra=["-cpu", "qemu64"])
        self.refused(guest, self.wrapped("-cpu",
                                         "qemu64,vendor=GenuineIntel"),
                     "of AuthenticAMD", "GenuineIntel")

    def test_a_feature_that_is_new_there_is_a_warning(self):
        guest = self.guest(extra=["-cpu", "qemu64"])
        other = self.wrapped("-cpu", "qemu64,+movbe")
        ((verdict, found, _),) = self.checked(guest, *other)
        self.assertEqual(verdict, "warn")
        self.assertIn("does not have here", found)
        self.assertIn("movbe", found)
        self.assert_moved(guest, self.migrate(guest, *other))

    def test_a_model_that_is_what_the_host_has_is_a_warning(self):
        guest = self.guest(extra=["-cpu", "max"])
        ((verdict, found, remedy),) = self.checked(guest)
        self.assertEqual(verdict, "warn")
        self.assertIn("-cpu max is what each host can do", found)
        self.assertIn("-cpu help", remedy)

    def test_a_cpu_that_qemu_refuses_is_quoted_with_the_features(self):
        guest = self.guest(extra=["-cpu", "qemu64"])
        self.refused(guest, self.wrapped("-cpu", "qemu64,+pcid,enforce"),
                     "TCG doesn't support requested features",
                     "CPUID.01H:ECX.pcid")

    def test_features_that_neither_side_has_are_not_warned_of(self):
        guest = self.guest(extra=["-cpu", "Skylake-Client"])
        ((verdict, _, _),) = self.checked(guest)
        self.assertEqual(verdict, "pass")

    def test_other_warnings_of_the_qemu_there_are_passed_on(self):
        guest = self.guest()
        other = self.wrapped(before="echo \"$0: warning: of pc\" >&2")
        _, (verdict, found, _) = self.checked(guest, *other)
        self.assertEqual(verdict, "warn")
        self.assertRegex(found, "QEMU on .* warns .*: of pc$")

    def test_a_qemu_that_hangs_is_not_waited_for(self):
        guest = self.guest()
        other = self.wrapped(before="case $* in *stdio) exec sleep 300; esac")
        ((verdict, found, _),) = self.checked(guest, *other)
        self.assertEqual(verdict, "warn")
        self.assertIn("is not known", found)

    def test_more_vcpus_are_the_same_cpu(self):
        guest = self.guest(extra=["-smp", "2,maxcpus=4"])
        ((verdict, _, _),) = self.checked(guest)
        self.assertEqual(verdict, "pass")
        self.assert_moved(guest, self.migrate(guest))


if __name__ == "__main__":
    unittest.main()
