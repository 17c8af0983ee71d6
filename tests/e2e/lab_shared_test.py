#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Files of a guest on storage that both hosts share, besides its disks."""
import os
import shutil
import signal
import tempfile
import unittest

import harness
import labkit
import runas_test


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class SharedTest(unittest.TestCase):
    def setUp(self):
        self.lab = labkit.Lab("shared")
        self.addCleanup(self.lab.down)
        self.lab.up()
        self.a, self.b = self.lab["hosta"], self.lab["hostb"]
        # What is not of a host's own is on shared storage.
        self.dir = tempfile.mkdtemp(prefix="vmferry-shared-")
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def guest(self, *extra):
        guest = labkit.LabGuest(self.a, "web1", "fill=16 ws=4 rate=8",
                                harness.SMALL, extra)
        self.addCleanup(guest.stop)
        return guest

    # --- images that only root may open --------------------------------------

    def roots_guest(self, disk):
        """Root starts it, and QEMU becomes nobody."""
        os.chmod(self.dir, 0o755)
        kernel = shutil.copy(harness.GUEST_ELF, self.dir)
        os.chmod(kernel, 0o644)
        for host in (self.a, self.b):
            host.sh("mkdir /run/vm && chown nobody /run/vm")
        guest = labkit.LabGuest(
            self.a, "web1", "fill=16 ws=4 rate=8", harness.SMALL,
            [*runas_test.AS_NOBODY, *runas_test.node(disk)],
            directory="/run/vm", kernel=kernel)
        self.addCleanup(guest.stop)
        return guest

    def test_a_disk_of_roots_goes_there_and_back(self):
        disk = self.path("disk")
        with open(disk, "wb") as f:
            f.truncate(runas_test.MIB)
        os.chmod(disk, 0o600)
        guest = self.roots_guest(disk)
        for _ in range(2):
            self.move(guest)
            argv = harness.argv_of(guest.outside_pid)
            self.assertIn(f"fd=3,set=3,opaque=vmferry:{disk}", argv)
            self.assertEqual(os.stat(f"/proc/{guest.outside_pid}").st_uid,
                             runas_test.NOBODY.pw_uid)

    def test_another_file_of_that_name_is_not_opened(self):
        """On a file system of each host's own, inode numbers may agree."""
        disk = "/run/disk"
        for host in (self.a, self.b):
            host.sh(f"truncate -s 1M {disk} && chmod 600 {disk}")
        guest = self.roots_guest(disk)
        there = runas_test.Watched(path=self.b.at(disk))
        self.addCleanup(there.end)
        for skipped in ((), ("access",), ("access", "disk")):
            options = [w for s in skipped for w in ("--skip-check", s)]
            done = guest.start(*options).finish()
            self.assertIn(done.code, (3, 4), done)
            self.assertIn("it is another file than the source has open",
                          done.text)
            self.assertFalse(there.was_opened())
        self.assertEqual(labkit.problems(guest, self.lab), [])

    def ram(self, where):
        return ["-object", f"memory-backend-file,id=ram,mem-path={where},"
                f"size={harness.SMALL},share=on",
                "-machine", "memory-backend=ram"]

    def move(self, guest, *args):
        done = guest.start(*args).finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)
        self.assertEqual(labkit.problems(guest, self.lab), [])
        return done

    def test_memory_in_a_shared_file_is_refused(self):
        guest = self.guest(*self.ram(self.path("ram")))
        done = guest.start().finish()
        self.assertEqual(done.code, 3, done)
        self.assertRegex(done.text, "ram is mapped with share=on")
        self.assertRegex(done.text, "memory-backend-memfd")
        self.assertEqual(labkit.problems(guest, self.lab), [])

    def test_memory_in_a_file_of_each_host_moves(self):
        guest = self.guest(*self.ram("/dev/shm/ram"))
        self.move(guest)
        self.assertTrue(os.path.exists(self.b.at("/dev/shm/ram")))

    def logs(self):
        """Options that write files there, and the files."""
        path = {name: self.path(name) for name in
                ("chardev", "serial", "debugcon", "logfile", "qemu")}
        return path, [
            "-chardev", f"file,id=c,path={path['chardev']}",
            "-device", "isa-debugcon,chardev=c,iobase=0x500",
            "-serial", f"file:{path['serial']}",
            "-debugcon", f"file:{path['debugcon']}",
            "-chardev", f"null,id=n,logfile={path['logfile']}",
            "-d", "cpu_reset", "-D", path["qemu"]]

    def test_logs_are_appended_to_and_survive_what_is_undone(self):
        path, options = self.logs()
        guest = self.guest(*options)
        for name in path.values():
            with open(name, "a") as f:
                f.write("what the source has written\n")
        run = guest.start(*harness.HELD)
        run.wait_copying()
        run.signal(signal.SIGINT)
        self.assertEqual(run.finish().code, 6)
        for _ in range(2):
            self.move(guest)
        with guest.monitor() as q:
            q.command("stop")
            q.command("system_reset")
        harness.wait_until(lambda: "CPU Reset" in self.tail(path["qemu"]), 60,
                           "QEMU's log ends with its move")
        for name in path.values():
            with open(name) as f:
                self.assertIn("what the source has written\n", f.read(), name)

    def tail(self, path):
        with open(path) as f:
            return f.read().rpartition("what the source has written\n")[2]

    def test_a_capture_there_is_refused(self):
        path = self.path("capture")
        guest = self.guest("-netdev", "hubport,id=n0,hubid=0", "-object",
                           f"filter-dump,id=f,netdev=n0,file={path}")
        begun = os.path.getsize(path)
        self.assertGreater(begun, 0)
        done = guest.start().finish()
        self.assertEqual(done.code, 3, done)
        self.assertRegex(done.text, "QEMU would empty it there")
        self.assertEqual(labkit.problems(guest, self.lab), [])

    def test_a_pid_file_there_is_a_file_with_the_pid(self):
        path = self.path("pid")
        guest = self.guest("-pidfile", path)
        for _ in range(2):
            done = self.move(guest)
            self.assertFalse(os.path.islink(path))
            with open(path) as f:
                self.assertEqual(f.read().strip(),
                                 str(done.result["owner_pid"]))

    def ends(self, guest):
        guest.watch.close()
        harness.kill(guest.outside_pid)
        harness.wait_until(
            lambda: not guest.host.strangers() and not guest.host.files(), 60,
            "something is left")
        guest.outside_pid = None

    def records(self, host):
        """The last one takes the directory along."""
        where = host.at("/var/lib/vmferry/arrived")
        return os.listdir(where) if os.path.isdir(where) else []

    def test_nothing_stays_of_a_guest_that_ends_on_its_new_host(self):
        guest = self.guest("-pidfile", self.path("pid"), "-monitor",
                           f"unix:{self.path('monitor')},server=on,wait=off")
        self.move(guest)
        self.assertEqual(sorted(os.listdir(self.dir)), ["monitor", "pid"])
        self.assertEqual(len(self.records(self.b)), 1)
        self.ends(guest)
        self.assertEqual(os.listdir(self.dir), [])
        self.assertFalse(os.path.lexists(self.b.at(guest.qmp)))
        self.assertFalse(os.path.lexists(self.b.at(guest.serial)))
        self.assertEqual(self.records(self.b), [])

    def test_what_a_power_cut_leaves_goes_with_the_next_command(self):
        guest = self.guest("-pidfile", self.path("pid"), "-monitor",
                           f"unix:{self.path('monitor')},server=on,wait=off")
        self.move(guest)
        guest.watch.close()
        self.lab.ok("kill", "hostb")
        self.lab.up()
        guest.outside_pid = None
        self.b = self.lab["hostb"]
        self.assertEqual(len(self.records(self.b)), 1)
        done = self.b.run(harness.VMFERRY, "recover", "--all", "--no-input")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.records(self.b), [])
        self.assertEqual(os.listdir(self.dir), [])


if __name__ == "__main__":
    unittest.main()
