#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How check reads: problems, not findings; several hosts side by side."""
import json
import re
import shutil
import unittest

import harness
import labkit
import runas_test

QEMU_IMG = shutil.which("qemu-img")
LINE = re.compile(r"^ (PASS|WARN|FAIL)  ([^:]+): ", re.M)


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class LabCheckCase(unittest.TestCase):
    hosts = ()

    @classmethod
    def setUpClass(cls):
        cls.lab = labkit.Lab("check")
        cls.addClassCleanup(cls.lab.down)
        cls.lab.up(*cls.hosts)
        cls.a, cls.b = cls.lab["hosta"], cls.lab["hostb"]

    def guest(self, *extra):
        guest = labkit.LabGuest(self.a, "web1", "fill=16 ws=4 rate=8",
                                harness.SMALL, extra)
        self.addCleanup(guest.stop)
        return guest

    def check(self, *words):
        return self.a.run(harness.VMFERRY, "check", "web1", *words,
                          "--no-input")


@unittest.skipUnless(QEMU_IMG, "qemu-img is missing")
class MissingDirectoryTest(LabCheckCase):
    def test_one_missing_directory_is_one_problem(self):
        for host in (self.a, self.b):
            host.sh("mkdir /run/own && mount -t tmpfs tmpfs /run/own")
        self.a.sh("mkdir -p /run/own/vm/base && cd /run/own/vm && "
                  f"{QEMU_IMG} create -q -f raw base/disk 1M && "
                  f"{QEMU_IMG} create -q -f qcow2 -b base/disk -F raw top")
        self.guest(*runas_test.drive("/run/own/vm/top", fmt="qcow2"),
                   "-pidfile", "/run/own/vm/pid")
        done = self.check("hostb", "--json")
        self.assertEqual(done.returncode, 3, done)
        bad = [c for c in json.loads(done.stdout)["checks"]
               if c["verdict"] == "fail"]
        self.assertEqual([c["name"] for c in bad],
                         ["file", "file", "directory"], bad)
        self.assertEqual({c["cause"] for c in bad},
                         {"/run/own/vm does not exist on hostb"})
        self.assertEqual({c["family"] for c in bad}, {"disks"})

        text = self.check("hostb").stdout
        self.assertEqual(text.count("FAIL"), 1, text)
        self.assertRegex(text, "FAIL  disks and files: /run/own/vm does not "
                         "exist on hostb; needed in it: .*/vm/top, .*/vm/base"
                         r"/disk, .*/vm/pid \[file, directory\] +fix: ")
        self.assertIn("1 problem, ", text.splitlines()[-1])

        # what is left to say once it is there
        self.b.sh("mkdir -p /run/own/vm/base")
        text = self.check("hostb").stdout
        self.assertEqual(text.count("FAIL"), 2, text)
        self.assertIn("2 problems, ", text.splitlines()[-1])
        self.remedy_of_a_directory_works()

    def remedy_of_a_directory_works(self):
        self.b.sh("rmdir /run/own/vm/base /run/own/vm")
        done = self.check("hostb", "--json")
        fix = [c["remedy"] for c in json.loads(done.stdout)["checks"]
               if c["name"] == "directory"]
        self.assertRegex(fix[0], "^install -d .*, there$")
        self.b.sh(fix[0].removesuffix(", there"))
        done = self.check("hostb", "--json")
        self.assertNotIn("directory", [c["name"] for c in json.loads(
            done.stdout)["checks"]])


class ReadingTest(LabCheckCase):
    def test_what_passed_is_a_line_a_family(self):
        self.guest()
        done = self.check("hostb")
        self.assertEqual(done.returncode, 0, done)
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], r"^source hosta  QEMU \d+\.\d+\.\d+    "
                         r"destination hostb  QEMU \d+\.\d+\.\d+    "
                         r"login by (libssh2 \d+\.\d+\.\d+|ssh\(1\))$")
        passed = [family for verdict, family in LINE.findall(done.stdout)
                  if verdict == "PASS"]
        self.assertEqual(len(set(passed)), len(passed), done.stdout)
        self.assertIn("QEMU, CPU and memory", passed)
        self.assertRegex(lines[-1], r"^0 problems, \d+ warnings?\. .* "
                         "web1 is RUNNING on hosta")

        every = self.check("hostb", "-v")
        passed = [c for c in json.loads(self.check("hostb", "--json").stdout)
                  ["checks"] if c["verdict"] == "pass"]
        self.assertEqual(len([v for v, _ in LINE.findall(every.stdout)
                              if v == "PASS"]), len(passed), every.stdout)
        for c in passed:
            self.assertNotEqual(c["family"], "other", c)

        quiet = self.check("hostb", "-q").stdout
        self.assertNotIn("PASS", quiet)
        self.assertNotIn("source", quiet.splitlines()[0])

    def test_each_warning_says_what_to_do(self):
        self.guest()
        for c in json.loads(self.check("hostb", "--json").stdout)["checks"]:
            self.assertEqual(c["verdict"] != "pass", c["remedy"] is not None,
                             c)


if __name__ == "__main__":
    unittest.main()
