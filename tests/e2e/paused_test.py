#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests that are paused all the way: their images, memory and registers.

VMFERRY_PAUSED_QEMU names another QEMU to try, VMFERRY_PAUSED_TRIPS how often
they go there and back.
"""
import hashlib
import os
import subprocess
import unittest

import case
import harness

QEMU = os.environ.get("VMFERRY_PAUSED_QEMU", harness.QEMU)
TRIPS = int(os.environ.get("VMFERRY_PAUSED_TRIPS", "3"))
RAM = int(harness.SMALL[:-1]) << 10


class PausedTest(case.LoopbackCase):
    def disk(self, kind):
        path = os.path.join(self.place.work, f"disk.{kind}")
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, path, "16M"],
                       check=True)
        self.addCleanup(harness.remove, path)
        return path

    def guest_with_disks(self):
        self.disks = {kind: self.disk(kind) for kind in ("raw", "qcow2")}
        extra = ["-device", "ide-cd,bus=ide.1"]
        for unit, (kind, path) in enumerate(self.disks.items()):
            extra += ["-blockdev", f"driver={kind},node-name={kind}0,"
                      f"file.driver=file,file.filename={path}",
                      "-device", f"ide-hd,drive={kind}0,bus=ide.0,unit={unit}"]
        # One that no device has.
        loose = os.path.join(self.place.work, "loose.img")
        harness.remove(loose)
        subprocess.run(["qemu-img", "create", "-q", loose, "1M"], check=True)
        self.addCleanup(harness.remove, loose)
        extra += ["-blockdev",
                  f"driver=file,node-name=loose,filename={loose}"]
        guest = self.guest(extra=extra, start=False)
        guest.argv[0] = QEMU
        guest.start()
        with guest.monitor() as q:
            q.command("stop")
        return guest

    def move(self, guest, *args):
        outcome = self.assert_exit(self.migrate(guest, *args), 0)
        self.assertEqual(outcome.result["state"], "PAUSED", str(outcome))
        guest.pid = outcome.result["owner_pid"]
        return outcome

    def state(self, guest):
        """(hash of its memory, its registers)"""
        dump = os.path.join(self.place.work, "memory")
        with guest.monitor() as q:
            q.command("pmemsave", val=0, size=RAM, filename=dump)
            registers = q.command("human-monitor-command",
                                  **{"command-line": "info registers -a"})
        with open(dump, "rb") as f:
            memory = hashlib.sha256(f.read()).hexdigest()
        os.unlink(dump)
        return memory, registers

    def assert_locked(self, path, kind):
        write = subprocess.run(["qemu-io", "-f", kind, "-c", "write 0 4k",
                                path], capture_output=True, text=True)
        self.assertIn("lock", write.stderr, f"{path} can be written")
        self.assertNotEqual(write.returncode, 0)

    def test_its_images_are_locked_and_it_is_unchanged_on_every_trip(self):
        guest = self.guest_with_disks()
        first = self.state(guest)
        for trip in range(2 * TRIPS):
            outcome = self.move(guest)
            self.assertNotIn("does not hold", outcome.text)
            self.assertEqual(self.state(guest), first, f"trip {trip}")
            for kind, path in self.disks.items():
                self.assert_locked(path, kind)
        with guest.monitor() as q:
            self.assertEqual(q.command("query-block-exports"), [])
            q.command("cont")
        self.assert_healthy(guest)
        guest.stop()
        # a QEMU that ends may have its files for a moment longer
        harness.wait_until(lambda: subprocess.run(
            ["qemu-img", "check", "-q", self.disks["qcow2"]]).returncode == 0,
            20, "the image is not sound")

    def move_by_hand(self, guest):
        """As another program would, that leaves the images inactive."""
        there = harness.Guest(self.place, start=False)
        self.guests.append(there)
        self.addCleanup(self.drop, there)
        there.name = guest.name
        renamed = [w.replace(guest.dir, there.dir) for w in guest.argv]
        there.argv = renamed + ["-incoming", "defer"]
        there.start(ready=None)
        uri = "unix:" + there.path("incoming")
        with there.monitor() as q:
            q.command("migrate-set-capabilities", capabilities=[
                {"capability": "late-block-activate", "state": True}])
            q.command("migrate-incoming", uri=uri)
        with guest.monitor() as q:
            q.command("migrate", uri=uri)
            harness.wait_until(
                lambda: q.command("query-migrate").get("status") ==
                "completed", 60, "not migrated")
        harness.end_qemu(guest.pid)
        return there

    def test_one_that_does_not_hold_its_image_is_refused_until_it_does(self):
        guest = self.move_by_hand(self.guest_with_disks())
        writer = subprocess.Popen(
            ["qemu-io", "-f", "raw", self.disks["raw"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(writer.stdout.close)
        self.addCleanup(writer.communicate)
        writer.stdin.write(b"length\n")
        writer.stdin.flush()
        writer.stdout.readline()
        self.addCleanup(writer.kill)
        if not self.aborts():
            self.skipTest("this QEMU migrates inactive images")
        outcome = self.migrate(guest)
        self.assert_exit(outcome, 3)
        self.assert_explained(outcome, "does not hold its images",
                              self.disks["raw"], "what else has the image")
        self.assertTrue(harness.is_alive(guest.pid))
        writer.kill()
        writer.wait()
        self.move(guest)
        self.assert_locked(self.disks["raw"], "raw")

    def aborts(self):
        done = subprocess.run([QEMU, "--version"], capture_output=True,
                              text=True, check=True)
        return int(done.stdout.split("version ")[1].split(".")[0]) < 10


if __name__ == "__main__":
    unittest.main()
