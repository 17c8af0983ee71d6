#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Files of a guest on storage that both hosts share, besides its disks."""
import os
import shutil
import tempfile
import unittest

import harness
import labkit


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


if __name__ == "__main__":
    unittest.main()
