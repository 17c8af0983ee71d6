#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Names on the destination: who has them, who gets them, who loses them."""
import os
import time
import unittest

import case
import deaf_fuse
import deaf_listener
import harness
import trust_test


class TakenTest(case.LoopbackCase):
    """Names that somebody there uses."""

    def pair(self, *extra):
        """A guest, and one whose directory it is to be mapped to."""
        guest = self.guest(start=False)
        other = self.guest(start=False)
        for g in (guest, other):
            g.argv += [w.format(g.dir) for w in extra]
            g.start()
        return guest, other

    def mapped(self, guest, other):
        return ["--remap", f"{guest.dir}={other.dir}"]

    def assert_unharmed(self, guest, other, outcome, *words):
        self.assert_exit(outcome, 3)
        self.assert_explained(outcome, *words)
        self.assert_healthy(guest)
        self.assert_healthy(other)
        self.assertEqual(other.status(), "running")

    def test_a_guest_of_the_same_name_is_refused(self):
        guest, other = self.guest(name="twin"), self.guest(name="twin")
        outcome = self.migrate(f"pid:{guest.pid}")
        self.assert_unharmed(guest, other, outcome,
                             "name of twin runs on .* already",
                             f"pid {other.pid}")

    def test_a_guest_of_the_same_uuid_is_refused(self):
        uuid = ["-uuid", "12345678-90AB-CDEF-1234-567890abcdef"]
        guest, other = self.guest(extra=uuid), self.guest(extra=uuid)
        self.assert_unharmed(guest, other, self.migrate(guest),
                             f"UUID of {guest.name} runs on .* already")

    def test_sockets_that_another_guest_listens_on_are_refused(self):
        guest, other = self.pair()
        outcome = self.migrate(guest, *self.mapped(guest, other))
        self.assert_unharmed(guest, other, outcome,
                             f"in use by process {other.pid}")

    def test_those_of_a_guest_that_arrived_are_too(self):
        guest, other = self.pair()
        self.assert_moved(other, self.migrate(other))
        outcome = self.migrate(guest, *self.mapped(guest, other))
        self.assert_unharmed(guest, other, outcome,
                             f"in use by process {other.pid}")

    def test_a_pid_file_that_is_open_is_refused(self):
        guest, other = self.pair("-pidfile", "{}/pid")
        # Its sockets alone would do: they are free here.
        for path in (other.serial, other.qmp):
            os.rename(path, path + ".away")
        outcome = self.migrate(guest, *self.mapped(guest, other))
        for path in (other.serial, other.qmp):
            os.rename(path + ".away", path)
        self.assert_unharmed(guest, other, outcome,
                             f"{other.path('pid')} on .* is in use by "
                             f"process {other.pid}")
        self.assertEqual(harness.read(other.path("pid")).split(),
                         [str(other.pid).encode()])

    def test_a_file_of_another_kind_is_refused_and_stays(self):
        guest, there = self.guest(), self.guest(start=False)
        with open(there.qmp, "w") as f:
            f.write("a page of notes\n")
        outcome = self.migrate(guest, *self.mapped(guest, there))
        self.assert_exit(outcome, 3)
        self.assert_explained(outcome, "is a file that would be replaced",
                              "remove it")
        self.assertEqual(harness.read(there.qmp), b"a page of notes\n")
        self.assert_healthy(guest)

    def test_a_name_that_is_taken_meanwhile_stays_with_its_owner(self):
        guest, there = self.guest(), self.guest(start=False)
        run = self.start(guest, *self.mapped(guest, there), "--bandwidth",
                         "8M", "--max-blackout", "5000")
        run.wait_copying()
        there.start()
        outcome = self.assert_exit(run.finish(), 8)
        self.assert_explained(outcome, f"{there.qmp} is in use by now")
        guest.pid = outcome.result["owner_pid"]
        self.assertEqual(there.status(), "running")
        self.assert_healthy(there)


@unittest.skipUnless(harness.IS_ROOT, "root is needed for other users")
class DeafTest(case.LoopbackCase):
    """Processes that listen on a name like the guest's, and whose file systems
    never answer."""

    def listen(self, guest, user):
        directory = os.path.join(self.place.work, "deaf")
        os.mkdir(directory)
        self.addCleanup(harness.remove, directory)
        listener = deaf_listener.DeafListener(
            os.path.join(directory, os.path.basename(guest.qmp)), user)
        self.addCleanup(listener.end)

    def test_another_users_hold_nothing_up(self):
        guest = self.guest()
        self.listen(guest, trust_test.NOBODY.pw_name)
        begun = time.monotonic()
        self.assert_moved(guest, self.migrate(guest))
        self.assertLess(time.monotonic() - begun, 60)

    def test_of_those_that_may_have_the_name_it_is_not_known(self):
        guest = self.guest()
        self.listen(guest, "root")
        outcome = self.migrate(guest)
        self.assert_stayed(guest, outcome, 3)
        self.assert_explained(outcome, f"{guest.qmp} on .* may be in use",
                              "do not answer", "see there which ones wait")


class LeftTest(case.LoopbackCase):
    """What a guest leaves that has ended where it was moved to."""

    def end(self, guest):
        """What is in its run directory goes without anybody's help."""
        keeper = harness.keeper_of(guest.pid)
        self.assertTrue(keeper)
        harness.kill(guest.pid)
        harness.wait_until(lambda: not harness.is_alive(keeper), 60,
                           "the shell that started it lives on")

    def assert_nothing_left(self, guest):
        self.assertEqual(self.place.left_over(), [])
        for path in (guest.qmp, guest.serial):
            self.assertFalse(os.path.lexists(path), path)
        # its last record takes the directory along
        self.assertFalse(
            os.path.exists(os.path.join(self.place.state, "arrived")))

    def test_it_is_gone_with_the_guest(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest))
        self.end(guest)
        self.assert_nothing_left(guest)

    @unittest.skipUnless(harness.IS_ROOT, "root is needed for other users")
    def test_so_it_is_with_a_users_guest_and_no_file_of_root(self):
        guest = self.users_guest()
        self.assert_moved(guest, self.migrate(guest))
        kept = os.path.join(self.place.work, "kept")
        os.makedirs(os.path.join(kept, "below"))
        self.addCleanup(harness.remove, kept)
        directory = harness.directory_of(guest.pid)
        os.symlink(kept, os.path.join(directory, "link"))
        os.symlink(kept, os.path.join(directory, ".hidden"))
        self.end(guest)
        self.assert_nothing_left(guest)
        self.assertEqual(os.listdir(kept), ["below"])

    def users_guest(self):
        os.chmod(self.place.work, 0o711)
        guest = trust_test.UsersGuest(self.place)
        self.guests.append(guest)
        self.addCleanup(self.drop, guest)
        return guest

    def mount_deaf(self, directory):
        """In a run directory, by its user; removed with all that is left."""
        mount = os.path.join(directory, "mount")
        os.mkdir(mount)
        os.chown(mount, trust_test.NOBODY.pw_uid, trust_test.NOBODY.pw_gid)
        fuse = deaf_fuse.DeafFuse(mount, trust_test.NOBODY)
        self.addCleanup(harness.remove,
                        os.path.join(self.place.state, "arrived"))
        self.addCleanup(harness.remove, directory)
        self.addCleanup(fuse.end)
        return fuse

    @unittest.skipUnless(harness.IS_ROOT, "root is needed for other users")
    def test_a_file_system_that_does_not_answer_holds_nobody_up(self):
        guest = self.users_guest()
        self.assert_moved(guest, self.migrate(guest))
        self.mount_deaf(harness.directory_of(guest.pid))
        self.end(guest)
        # neither do its remains, once it was tried
        begun = time.monotonic()
        self.assertEqual(self.vmferry("list").code, 0)
        self.assertLess(time.monotonic() - begun, 5)

    @unittest.skipUnless(harness.IS_ROOT, "root is needed for other users")
    def test_what_is_left_goes_once_it_answers(self):
        guest = self.users_guest()
        self.assert_moved(guest, self.migrate(guest))
        directory = harness.directory_of(guest.pid)
        fuse = self.mount_deaf(directory)
        self.end(guest)
        self.assertTrue(os.path.exists(directory))
        fuse.end()
        harness.wait_until(
            lambda: self.vmferry("list").code == 0 and
            not os.path.exists(directory), 60, "its directory stays")
        self.assert_nothing_left(guest)

    @unittest.skipUnless(harness.IS_ROOT, "root is needed for other users")
    def test_on_a_source_it_is_named_as_left_over(self):
        guest = self.users_guest()
        self.assert_moved(guest, self.migrate(guest))
        directory = harness.directory_of(guest.pid)
        fuse = self.mount_deaf(directory)
        done = self.assert_exit(self.migrate(guest), 8)
        (text,) = done.result["leftovers"]
        self.assertIn(f"cannot remove {directory}", text)
        # as its record could be
        self.assertNotIn("Permission denied", text)
        guest.pid = done.result["owner_pid"]
        self.assert_healthy(guest)
        fuse.end()
        # its guardian, or who comes first, finishes it then
        self.assertEqual(self.vmferry("recover", *self.sshd.login()).code, 0)
        harness.await_no_ferry()
        self.assertFalse(os.path.exists(directory))

    def test_a_list_removes_what_nobody_waited_for(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest))
        harness.kill(harness.keeper_of(guest.pid))
        harness.kill(guest.pid)
        harness.wait_until(lambda: not harness.is_alive(guest.pid), 60,
                           "the guest lives on")
        self.assertNotEqual(self.place.left_over(), [])
        self.assertEqual(self.vmferry("list").code, 0)
        self.assert_nothing_left(guest)

    def test_names_of_another_that_came_since_stay(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest))
        os.unlink(guest.qmp)
        with open(guest.qmp, "w") as f:
            f.write("somebody else's\n")
        self.end(guest)
        self.assertEqual(harness.read(guest.qmp), b"somebody else's\n")


if __name__ == "__main__":
    unittest.main()
