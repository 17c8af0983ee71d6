#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The same disk on both hosts, or not."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import harness
import labkit
import loop_device
import runas_test

QEMU_IMG = shutil.which("qemu-img")


def make_file(path, data=b""):
    with open(path, "wb") as f:
        f.write(data)
        f.truncate(runas_test.MIB)


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class LabDisksCase(unittest.TestCase):
    def setUp(self):
        self.lab = labkit.Lab("disks")
        self.addCleanup(self.lab.down)
        self.lab.up()
        self.a, self.b = self.lab["hosta"], self.lab["hostb"]
        # What is not of a host's own is on shared storage.
        self.dir = tempfile.mkdtemp(prefix="vmferry-disks-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.addCleanup(self.check_nothing_left)

    def path(self, name):
        return os.path.join(self.dir, name)

    def shared(self, name="disk", data=b"it"):
        make_file(self.path(name), data)
        return self.path(name)

    def own(self, name, here, there):
        """The first file of a fresh file system of each host's own."""
        for host, data in ((self.a, here), (self.b, there)):
            host.sh("mkdir /run/own && mount -t tmpfs tmpfs /run/own")
            make_file(host.at(f"/run/own/{name}"), data)
        return f"/run/own/{name}"

    def check_nothing_left(self):
        left = [n for n in os.listdir(self.dir) if n.startswith(".vmferry-")]
        for host in (self.a, self.b):
            left += host.sh("ls -d /run/.vmferry-* /run/own/.vmferry-* "
                            "/var/lib/vmferry/nonces 2>/dev/null || true"
                            ).split()
        self.assertEqual(left, [])

    def guest(self, *extra):
        guest = labkit.LabGuest(self.a, "web1", "fill=16 ws=4 rate=8",
                                harness.SMALL, extra)
        self.addCleanup(guest.stop)
        return guest

    def check(self, *options):
        """The checks that have a say about disks, and the exit code."""
        done = self.a.run(harness.VMFERRY, "check", "web1", "hostb", "--json",
                          "--no-input", *options)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        found = [c for c in json.loads(done.stdout)["checks"]
                 if c["name"] in ("disk", "file", "active-image")]
        return done.returncode, found

    def refused(self, words, *options, name="disk"):
        code, found = self.check(*options)
        self.assertEqual(code, 3, found)
        bad = [c for c in found if c["verdict"] == "fail"]
        self.assertEqual([c["name"] for c in bad], [name], found)
        self.assertRegex(bad[0]["found"], words)
        self.assertTrue(bad[0]["remedy"])
        return bad[0]

    def passes(self, words, *options):
        code, found = self.check(*options)
        self.assertEqual(code, 0, found)
        self.assertEqual({c["verdict"] for c in found}, {"pass"}, found)
        self.assertRegex(" ".join(c["found"] for c in found), words)


class DisksTest(LabDisksCase):
    def test_two_local_disks_of_one_inode_are_not_the_same(self):
        disk = self.own("disk", b"it", b"")
        self.assertEqual(os.stat(self.a.at(disk)).st_ino,
                         os.stat(self.b.at(disk)).st_ino)
        self.guest(*runas_test.drive(disk))
        self.refused("is another file than on the source")

    def test_a_shared_disk_moves_there_and_back(self):
        guest = self.guest(*runas_test.drive(self.shared()))
        self.passes("is the same file on both: a file made beside it")
        for _ in range(2):
            done = guest.start().finish()
            self.assertEqual(done.code, 0, done)
            guest.arrive(done)
        self.assertEqual(labkit.problems(guest, self.lab), [])
        self.assertEqual(os.listdir(self.dir), ["disk"])

    def test_where_nobody_may_write_a_shared_file_is_not_proved(self):
        for host in (self.a, self.b):
            host.sh(f"mount --bind {self.dir} {self.dir} && "
                    f"mount -o remount,bind,ro {self.dir}")
            self.addCleanup(host.sh, f"umount {self.dir}")
        make_file(self.path("disk"))
        self.guest(*runas_test.drive(self.path("disk"), ",readonly=on"))
        self.passes("is only read, and has the same content")

    def test_a_copy_is_enough_for_a_medium_that_is_only_read(self):
        cd = self.own("cd", b"it", b"it")
        self.guest("-drive", f"file={cd},format=raw,media=cdrom,if=none,id=cd",
                   "-device", "ide-cd,drive=cd")
        self.passes("is only read, and has the same content")
        make_file(self.b.at(cd), b"another")
        self.refused("is another file than on the source")

    def test_a_remapped_disk_is_compared_with_where_it_will_be(self):
        disk = self.shared()
        other = self.path("other")
        os.mkdir(other)
        make_file(os.path.join(other, "disk"))
        self.guest(*runas_test.drive(disk))
        self.refused("other/disk on hostb is another file",
                     "--remap", f"{self.dir}={other}")
        os.unlink(os.path.join(other, "disk"))
        os.rmdir(other)
        os.symlink(self.dir, other)
        self.passes(r"\(there .*/other/disk\) is the same file",
                    "--remap", f"{self.dir}={other}")

    def test_a_missing_disk_is_named_once(self):
        disk = self.own("disk", b"it", b"")
        os.unlink(self.b.at(disk))
        self.guest(*runas_test.drive(disk))
        self.refused("/run/own/disk does not exist on hostb", name="file")

    def test_a_disk_of_a_server_on_the_host_itself_is_refused(self):
        qemu_nbd = shutil.which("qemu-nbd")
        if not qemu_nbd:
            self.skipTest("qemu-nbd is missing")
        disk = self.own("disk", b"it", b"")
        for host in (self.a, self.b):
            server = subprocess.run(
                host.argv(qemu_nbd, "-f", "raw", "-t", "--fork", "-x", "it",
                          "--pid-file", "/run/nbd.pid", disk),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=60)
            self.assertEqual(server.returncode, 0)
            self.addCleanup(host.sh, "kill $(cat /run/nbd.pid)")
        self.guest(*runas_test.drive("nbd://127.0.0.1/it"))
        self.refused("is a server on the source itself")


@unittest.skipUnless(QEMU_IMG, "qemu-img is missing")
class ChainTest(LabDisksCase):
    def overlay(self, base):
        top = self.path("top.qcow2")
        # it cannot be looked at from here
        subprocess.run([QEMU_IMG, "create", "-q", "-u", "-f", "qcow2", "-b",
                        base, "-F", "raw", top, "1M"], check=True)
        return top

    def test_another_image_below_is_refused(self):
        top = self.overlay(self.own("base", b"it", b"another"))
        self.guest(*runas_test.drive(top, fmt="qcow2"))
        self.refused("/run/own/base on hostb is another file")

    def test_a_copy_of_the_image_below_passes(self):
        top = self.overlay(self.own("base", b"it", b"it"))
        self.guest(*runas_test.drive(top, fmt="qcow2"))
        self.passes("/run/own/base is only read, and has the same")

    def test_a_guest_on_a_snapshot_moves_once_it_is_merged(self):
        guest = self.guest(*runas_test.drive(self.shared("disk.raw")))
        snap = self.path("snap.qcow2")
        with guest.monitor() as q:
            q.command("blockdev-snapshot-sync", device="d0",
                      **{"snapshot-file": snap})
        bad = self.refused(f"d0 is on {snap} now", name="active-image")
        self.assertIn("block-commit", bad["remedy"])
        with guest.monitor() as q:
            q.command("block-commit", device="d0", **{"job-id": "j0"})
            harness.wait_until(
                lambda: q.command("query-block-jobs")[0]["ready"], 60,
                "the snapshot is not merged")
            q.command("block-job-complete", device="j0")
            harness.wait_until(lambda: not q.command("query-block-jobs"), 60,
                               "the snapshot stays")
        self.passes("disk.raw is the same file")


class StorageTest(LabDisksCase):
    def ask(self, path, *options):
        done = self.a.run(harness.VMFERRY, "check-storage", path, "local",
                          "hostb", "--no-input", *options)
        return done.returncode, done.stdout + done.stderr

    def test_a_shared_directory_is_the_same(self):
        code, text = self.ask(self.dir)
        self.assertEqual(code, 0, text)
        self.assertIn("is the same directory", text)
        code, text = self.ask(self.shared(), "--json")
        self.assertEqual(code, 0, text)

    def test_one_of_each_host_is_not(self):
        code, text = self.ask("/run")
        self.assertEqual(code, 3, text)
        self.assertIn("is not the same directory as on local", text)

    def test_what_is_missing_is_not(self):
        make_file(self.a.at("/run/disk"))
        code, text = self.ask("/run/disk")
        self.assertEqual(code, 3, text)
        self.assertIn("it is not there", text)

    def test_a_relative_path_is_a_wrong_use(self):
        code, text = self.ask("disk")
        self.assertEqual(code, 2, text)
        self.assertIn("absolute", text)

    def test_a_host_out_of_reach_is_reported(self):
        done = self.a.run(harness.VMFERRY, "check-storage", "/run", "local",
                          "nowhere.invalid", "--no-input")
        self.assertEqual(done.returncode, 10, done.stderr)

    def loop(self, name, data):
        make_file(self.path(name), data)
        return loop_device.on(self, self.path(name))

    def test_devices_are_compared_by_their_contents(self):
        data = os.urandom(runas_test.MIB)
        one, two = self.loop("one", data), self.loop("two", data[::-1])
        for host, device in ((self.a, one), (self.b, one)):
            os.symlink(device, host.at("/run/device"))
        code, text = self.ask("/run/device")
        self.assertEqual(code, 3, text)
        self.assertIn("seems to be the same device", text)
        os.unlink(self.b.at("/run/device"))
        os.symlink(two, self.b.at("/run/device"))
        code, text = self.ask("/run/device")
        self.assertEqual(code, 3, text)
        self.assertIn("it has other contents", text)

    def killed_with_a_nonce(self):
        """Whether the command died while its file was there."""
        run = subprocess.Popen(
            self.a.argv(harness.VMFERRY, "check-storage", self.dir, "local",
                        "hostb", "--no-input"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        while run.poll() is None and not os.listdir(self.dir):
            time.sleep(0.001)
        ours = [p for p, (_, line) in self.a.processes().items()
                if line.startswith(f"{harness.VMFERRY} check-storage")]
        for pid in ours:
            os.kill(pid, signal.SIGKILL)
        run.wait(60)
        return bool(os.listdir(self.dir))

    def test_after_a_kill_the_next_command_removes_the_file(self):
        tries = 0
        while not self.killed_with_a_nonce():
            tries += 1
            self.assertLess(tries, 50, "it was never killed in time")
        harness.wait_until(lambda: not self.a.strangers(), 60,
                           "processes of the one that was killed stay")
        done = self.a.run(harness.VMFERRY, "list", "--no-input")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(self.dir), [])


if __name__ == "__main__":
    unittest.main()
