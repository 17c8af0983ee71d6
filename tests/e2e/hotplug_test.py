#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests into which something was plugged, or out of which it was taken."""
import json
import os
import shutil
import subprocess
import unittest

import case
import harness

MIB = 1 << 20
QEMU_IMG = shutil.which("qemu-img")
ROOM = ["-smp", "1,maxcpus=4", "-device", "virtio-scsi-pci,id=scsi0"]
MEMORY = f"{harness.SMALL},slots=4,maxmem=1G"


class HotplugTest(case.LoopbackCase):
    def plugged(self, *extra):
        return self.guest(memory=MEMORY, extra=[*ROOM, *extra])

    def image(self, guest, name, *create):
        path = guest.path(name)
        if create:
            subprocess.run([QEMU_IMG, "create", "-q", *create, path, "16M"],
                           check=True)
        else:
            with open(path, "wb") as f:
                f.truncate(8 * MIB)
        return path

    @staticmethod
    def add_disk(q, guest, path, fmt="raw", **device):
        name = os.path.basename(path).split(".")[0]
        q.command("blockdev-add", **{
            "driver": fmt, "node-name": name, "cache": {"direct": True},
            "file": {"driver": "file", "filename": path}})
        q.command("device_add", drive=name, id=f"disk-{name}", **device)

    @staticmethod
    def device(q, name):
        """Its properties; None where it is not."""
        path = f"/machine/peripheral/{name}"
        if not any(e["name"] == name for e in
                   q.command("qom-list", path="/machine/peripheral")):
            return None
        return {e["name"]: q.command("qom-get", path=path,
                                     property=e["name"])
                for e in q.command("qom-list", path=path)
                if e["name"] in ("addr", "mac", "serial", "drive", "slot",
                                 "netdev", "num-queues", "memdev", "size",
                                 "scsi-id", "lun", "core-id")}

    NAMES = ("disk-a", "disk-b", "nic", "dimm", "cpu")

    def plug_all(self, guest):
        with guest.monitor() as q:
            self.add_disk(q, guest, self.image(guest, "a.raw"),
                          driver="virtio-blk-pci", serial="S, 1")
            self.add_disk(q, guest, self.image(guest, "b.qcow2", "-f",
                                               "qcow2"),
                          "qcow2", driver="scsi-hd", bus="scsi0.0", lun=3)
            q.command("netdev_add", type="user", id="net1")
            q.command("device_add", driver="virtio-net-pci", id="nic",
                      netdev="net1", mac="52:54:00:12:34:99")
            q.command("object-add", **{"qom-type": "memory-backend-ram",
                                       "id": "more", "size": 128 * MIB})
            q.command("device_add", driver="pc-dimm", id="dimm",
                      memdev="more")
            free = [c for c in q.command("query-hotpluggable-cpus")
                    if "qom-path" not in c]
            q.command("device_add", driver=free[0]["type"], id="cpu",
                      **free[0]["props"])

    def facts(self, guest):
        with guest.monitor() as q:
            return {
                "devices": {n: self.device(q, n) for n in self.NAMES},
                "cpus": len(q.command("query-cpus-fast")),
                "memory": q.command("query-memory-size-summary"),
                "disks": sorted(
                    (b["qdev"], b["inserted"]["file"],
                     b["inserted"]["drv"], b["inserted"]["cache"]["direct"])
                    for b in q.command("query-block") if "inserted" in b)}

    def test_disks_a_nic_memory_and_a_processor_go_along_twice(self):
        guest = self.plugged()
        self.plug_all(guest)
        before = self.facts(guest)
        self.assertEqual(before["cpus"], 2)
        outcome = self.check(guest, "-v")
        self.assertEqual(outcome.code, 0, str(outcome))
        self.assertRegex(outcome.text, r"goes along: .*nic \(virtio-net-pci\)")
        for _ in range(2):
            self.assert_moved(guest, self.migrate(guest))
            self.assertEqual(self.facts(guest), before)

    def test_what_was_unplugged_is_not_made_anew(self):
        guest = self.plugged("-device", "virtio-rng-pci,id=rng",
                             "-device", "usb-ehci,id=usb",
                             "-device", "usb-tablet,id=pen,bus=usb.0")
        with guest.monitor() as q:
            q.command("device_del", id="pen")
            harness.wait_until(lambda: self.device(q, "pen") is None, 20,
                               "it was not unplugged")
        outcome = self.check(guest, "-v")
        self.assertIn("left out there: pen", outcome.text)
        self.assert_moved(guest, self.migrate(guest))
        with guest.monitor() as q:
            self.assertIsNone(self.device(q, "pen"))
            self.assertIsNotNone(self.device(q, "rng"))

    def test_one_that_was_plugged_in_again_is_made_once(self):
        guest = self.plugged("-device", "usb-ehci,id=usb",
                             "-device", "usb-tablet,id=pen,bus=usb.0")
        with guest.monitor() as q:
            q.command("device_del", id="pen")
            harness.wait_until(lambda: self.device(q, "pen") is None, 20,
                               "it was not unplugged")
            q.command("device_add", driver="usb-mouse", id="pen", bus="usb.0")
        self.assert_moved(guest, self.migrate(guest))
        with guest.monitor() as q:
            found = q.command("qom-get", path="/machine/peripheral/pen",
                              property="type")
        self.assertEqual(found, "usb-mouse")

    def test_a_controller_comes_before_what_is_on_it(self):
        guest = self.plugged()
        with guest.monitor() as q:
            q.command("device_add", driver="virtio-scsi-pci", id="zz")
            self.add_disk(q, guest, self.image(guest, "a.raw"),
                          driver="scsi-hd", bus="zz.0")
        self.assert_moved(guest, self.migrate(guest))
        with guest.monitor() as q:
            self.assertIsNotNone(self.device(q, "disk-a"))

    def test_a_disk_of_drive_add_goes_along(self):
        guest = self.plugged()
        path = self.image(guest, "old.raw")
        with guest.monitor() as q:
            q.command("human-monitor-command", **{
                "command-line": f"drive_add 0 if=none,id=old,file={path},"
                                "format=raw"})
            q.command("device_add", driver="virtio-blk-pci", id="disk-old",
                      drive="old")
        self.assert_moved(guest, self.migrate(guest))
        with guest.monitor() as q:
            files = [b["inserted"]["file"] for b in q.command("query-block")
                     if "inserted" in b]
        self.assertEqual(files, [path])

    def refused(self, guest, *words):
        outcome = self.check(guest)
        self.assertEqual(outcome.code, 3, str(outcome))
        for word in words:
            self.assertIn(word, outcome.text)
        self.assert_stayed(guest, self.migrate(guest), 3)

    def test_what_cannot_be_made_anew_is_refused_by_name(self):
        guest = self.plugged()
        with guest.monitor() as q:
            q.command("netdev_add", type="user", id="net1", hostfwd=[
                {"str": f"tcp:127.0.0.1:{harness.free_port()}-:22"}])
            q.command("device_add", driver="virtio-net-pci", id="nic",
                      netdev="net1")
        self.refused(guest, "nic (virtio-net-pci)",
                     "net1 has addresses or ports of its own")

    def test_a_character_device_that_was_added_is_refused(self):
        guest = self.plugged("-device", "virtio-serial-pci,id=ports")
        with guest.monitor() as q:
            q.command("chardev-add", id="late",
                      backend={"type": "null", "data": {}})
            q.command("device_add", driver="virtserialport", id="port",
                      bus="ports.0", chardev="late")
        self.refused(guest, "its chardev late was added, too")

    def test_an_image_with_limits_is_refused(self):
        guest = self.plugged()
        with guest.monitor() as q:
            self.add_disk(q, guest, self.image(guest, "a.raw"),
                          driver="virtio-blk-pci")
            q.command("block_set_io_throttle",
                      id="/machine/peripheral/disk-a/virtio-backend", bps=MIB,
                      bps_rd=0, bps_wr=0, iops=0, iops_rd=0, iops_wr=0)
        self.refused(guest, "limits of operations or bytes a second")

    def test_with_a_command_line_of_the_users_it_is_theirs(self):
        guest = self.plugged()
        with guest.monitor() as q:
            q.command("device_add", driver="virtio-rng-pci", id="late")
        given = guest.path("args")
        with open(given, "w") as f:
            f.write("\n".join(guest.argv[1:]) + "\n")
        outcome = self.check(guest, "--dest-args", given)
        self.assertIn("make sure that --dest-args has it", outcome.text)


if __name__ == "__main__":
    unittest.main()
