#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A destination whose run root has no room for another guest."""
import ctypes
import os
import unittest

import case
import harness


@unittest.skipUnless(harness.IS_ROOT, "root is needed to mount")
class RoomTest(case.LoopbackCase):

    def limit(self, **options):
        """A file system of that size where run directories go."""
        os.makedirs(self.place.run_root, mode=0o711, exist_ok=True)
        text = ",".join(["mode=711"] +
                        [f"{k}={v}" for k, v in options.items()])
        if ctypes.CDLL(None).mount(b"tmpfs", self.place.run_root.encode(),
                                   b"tmpfs", 0, text.encode()):
            self.fail("cannot mount a tmpfs")
        self.addCleanup(harness.unbind, self.place.run_root)

    def assert_refused(self, guest, *words):
        outcome = self.migrate(guest)
        self.assert_stayed(guest, outcome, 3)
        self.assert_explained(outcome, "needed for the guest's run directory",
                              *words)
        self.assertEqual([e["name"] for e in outcome.of("check")
                          if e["verdict"] == "fail"], ["room"])

    def test_one_that_is_full_is_refused(self):
        guest = self.guest()
        self.limit(size="256k")
        with open(os.path.join(self.place.run_root, "full"), "wb") as f:
            f.write(bytes(200 << 10))
        self.assert_refused(guest, r"0\.\d MiB and \d+ inodes free in "
                            f"{self.place.run_root}")

    def test_so_is_one_without_inodes(self):
        guest = self.guest()
        self.limit(size="16m", nr_inodes=16)
        self.assert_refused(guest, "1?[0-9] inodes free")

    def test_with_room_it_moves(self):
        guest = self.guest()
        self.limit(size="16m", nr_inodes=200)
        self.assert_moved(guest, self.migrate(guest))
        harness.end_qemu(guest.pid)
        harness.await_no_ferry()


if __name__ == "__main__":
    unittest.main()
