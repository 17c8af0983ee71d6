#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How check reads: problems, not findings; several hosts side by side."""
import json
import os
import re
import shutil
import subprocess
import tempfile
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


class SeveralHostsTest(LabCheckCase):
    """hostb could take the guest, hostc lacks its image, hostd may be down."""
    hosts = ("4",)

    def setUp(self):
        self.c, self.d = self.lab["hostc"], self.lab["hostd"]
        shared = tempfile.mkdtemp(prefix="vmferry-check-")
        self.addCleanup(shutil.rmtree, shared)
        with open(os.path.join(shared, "disk"), "wb") as f:
            f.truncate(runas_test.MIB)
        for host in (self.a, self.b):
            host.sh(f"mkdir -p /run/own && mount --bind {shared} /run/own")
            self.addCleanup(host.sh, "umount /run/own")
        self.one = self.guest(*runas_test.drive("/run/own/disk"))

    def both(self, *hosts):
        """What is said to people, and to programs; one exit code."""
        text = self.check(*hosts)
        done = self.check(*hosts, "--json")
        self.assertEqual(done.returncode, text.returncode, (text, done))
        report = json.loads(done.stdout)
        self.assertEqual(report["exit_code"], done.returncode)
        self.assertEqual([h["destination"] for h in report["hosts"]],
                         list(hosts))
        return done.returncode, text.stdout, report

    def test_one_that_is_fine_one_that_is_not_and_one_that_is_down(self):
        self.d.sh("kill $(cat /run/sshd.pid)")
        self.addCleanup(self.lab.up, *self.hosts)
        code, text, report = self.both("hostb", "hostc", "hostd")
        self.assertEqual(code, 0, text)
        self.assertEqual([h["outcome"] for h in report["hosts"]],
                         ["ready", "refused", "unreachable"])
        self.assertEqual([h["exit_code"] for h in report["hosts"]],
                         [0, 3, 10])
        self.assertTrue(report["hosts"][2]["error"]["message"])
        self.assertRegex(text, r"(?m)^could go there +yes +no +unreachable$")
        self.assertRegex(text, r"(?m)^disks and files +(PASS|WARN) +FAIL +-$")
        self.assertRegex(text, r"hostc:\n FAIL  disks and files: .*/disk does "
                         "not exist on hostc")
        self.assertRegex(text, "hostd:\nerror: .*hostd")
        self.assertRegex(text.splitlines()[-1],
                         "^web1 could go to hostb; it is not known of hostd. "
                         ".* web1 is RUNNING on hosta")
        # alone, each says the same
        for host, there in zip(("hostb", "hostc"), report["hosts"]):
            done = json.loads(self.check(host, "--json").stdout)
            self.assertEqual([c["name"] for c in done["checks"]],
                             [c["name"] for c in there["checks"]])
            self.assertEqual(done["exit_code"], there["exit_code"])

    def test_none_is_refused_before_it_is_out_of_reach(self):
        code, text, _ = self.both("hostc", "nowhere.invalid")
        self.assertEqual(code, 3, text)
        self.assertIn("web1 could go to none of them; it is not known of "
                      "nowhere.invalid.", text)
        code, text, _ = self.both("nowhere.invalid", "elsewhere.invalid")
        self.assertEqual(code, 10, text)

    def test_a_host_that_hangs_holds_up_the_others_until_its_deadline(self):
        self.d.sh("kill -STOP $(cat /run/sshd.pid)")
        self.addCleanup(self.d.sh, "kill -CONT $(cat /run/sshd.pid)")
        code, text, report = self.both("hostd", "hostb", "hostc")
        self.assertEqual(code, 0, text)
        self.assertEqual([h["outcome"] for h in report["hosts"]],
                         ["unreachable", "ready", "refused"])
        self.assertIn("did not answer", json.dumps(report["hosts"][0]))

    def test_all_are_asked_at_the_same_time(self):
        """The first answers only once the second was checked."""
        self.d.sh("kill -STOP $(cat /run/sshd.pid)")
        go_on = "kill -CONT $(cat /run/sshd.pid)"
        self.addCleanup(self.d.sh, go_on)
        run = subprocess.Popen(
            self.a.argv(harness.VMFERRY, "check", "web1", "hostd", "hostb",
                        "--json", "--no-input", "--events", "/run/events"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        events = self.a.at("/run/events")
        harness.wait_until(
            lambda: os.path.exists(events) and
            b'"event":"check"' in harness.read(events), 60,
            "hostb is not checked")
        self.d.sh(go_on)
        out, _ = run.communicate(timeout=60)
        self.assertEqual([h["outcome"] for h in json.loads(out)["hosts"]],
                         ["refused", "ready"])

    def test_the_guest_is_looked_for_once(self):
        done = self.a.run(harness.VMFERRY, "check", "nobody", "hostb", "hostc",
                          "--no-input", "--json")
        self.assertEqual(done.returncode, 13, done)
        self.assertEqual(done.stderr.count("error:"), 1, done)
        with self.one.monitor():
            done = self.check("hostb", "hostc", "--json")
            self.assertEqual(done.returncode, 11, done)
            self.assertEqual(done.stderr.count("error:"), 1, done)
            self.assertEqual([h["outcome"] for h in
                              json.loads(done.stdout)["hosts"]],
                             ["busy", "busy"])

    def test_wrong_words_are_a_wrong_use(self):
        for words in (["hostb", "hostb"], ["hostb", "ssh://"]):
            self.assertEqual(self.check(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
