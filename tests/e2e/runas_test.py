#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests that root started with -runas: what root opens for their user.

Only what their QEMU has open already. Guests of nobody's own, whose command
lines say whatever their user likes, are the attack.
"""
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import case
import harness
import loop_device
import trust_test

NOBODY = trust_test.NOBODY
IN_OPEN = 0x20
HELP = subprocess.run([harness.QEMU, "-help"], capture_output=True,
                      text=True).stdout
# QEMU 10 knows the second way alone.
AS_NOBODY = (["-runas", NOBODY.pw_name] if "\n-runas " in HELP
             else ["-run-with", f"user={NOBODY.pw_name}"])
MIB = 1 << 20


class Watched:
    """A file of root's, and whether anybody opens it."""

    def __init__(self, directory=None, path=None):
        self.path = path
        if not path:
            fd, self.path = tempfile.mkstemp(prefix="roots-", dir=directory)
            os.write(fd, bytes(MIB))
            os.close(fd)
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        assert libc.inotify_add_watch(self.fd, self.path.encode(),
                                      IN_OPEN) >= 0

    def forget(self):
        while self.was_opened():
            os.read(self.fd, 4096)

    def was_opened(self):
        return bool(select.select([self.fd], [], [], 0)[0])

    def end(self):
        os.close(self.fd)
        os.unlink(self.path)


class RootsGuest(harness.Guest):
    """Root starts it, and QEMU becomes nobody."""

    def start(self, ready="F "):
        kernel = shutil.copy(harness.GUEST_ELF, self.dir)
        self.argv[self.argv.index(harness.GUEST_ELF)] = kernel
        self.argv += AS_NOBODY
        return super().start(ready)


def node(path, fmt="raw", driver="file", more=""):
    """A disk whose QEMU opens the file once: -blockdev."""
    return ["-blockdev",
            f"driver={fmt},node-name=d0,file.driver={driver},"
            f"file.filename={path}{more}",
            "-device", "virtio-blk-pci,drive=d0,id=v0"]


def drive(path, more="", fmt="raw"):
    return ["-drive", f"file={path},format={fmt},if=none,id=d0{more}",
            "-device", "virtio-blk-pci,drive=d0,id=v0"]


def forge(pid, old, new):
    """Other words in what /proc shows of a process, as its user can write."""
    old, new = (b"\0".join(w.encode() for w in words) for words in (old, new))
    with open(f"/proc/{pid}/stat") as f:
        # arg_start, of proc_pid_stat(5)
        begin = int(f.read().rpartition(")")[2].split()[45])
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
        mem.seek(begin)
        at = mem.read(8192).index(old)
        mem.seek(begin + at)
        mem.write(new.ljust(len(old), b"x"))


@unittest.skipUnless(harness.IS_ROOT, "root is needed to act as another user")
class RunasTest(case.LoopbackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.chmod(cls.place.work, 0o711)

    def arrange(self, guest):
        self.guests.append(guest)
        self.addCleanup(self.drop, guest)
        return guest

    def watched(self):
        file = Watched(self.place.work)
        self.addCleanup(file.end)
        return file

    def test_a_guest_of_roots_moves_as_its_user(self):
        guest = RootsGuest(self.place, start=False)
        os.chown(guest.dir, NOBODY.pw_uid, NOBODY.pw_gid)
        self.arrange(guest).start()
        self.assertEqual(os.stat(guest.qmp).st_uid, 0)
        for _ in range(2):
            self.assert_moved(guest, self.migrate(guest))
        with open(f"/proc/{guest.pid}/status") as f:
            (uids,) = [line for line in f if line.startswith("Uid:")]
        self.assertEqual(set(uids.split()[1:]), {str(NOBODY.pw_uid)})

    def test_where_its_user_cannot_have_its_names_it_is_refused(self):
        guest = self.arrange(RootsGuest(self.place))
        done = self.check(guest)
        self.assert_exit(done, 3)
        self.assertIn("nobody, whose QEMU will run on", done.text)
        self.assertIn(f"may not write to {guest.dir}", done.text)
        self.assert_healthy(guest)

    # --- what only root may open ----------------------------------------------

    def roots_file(self, name, fmt="raw", *more):
        path = os.path.join(self.place.work, name)
        subprocess.run(["qemu-img", "create", "-q", "-f", fmt, *more, path,
                        "4M"], check=True)
        os.chmod(path, 0o600)
        self.addCleanup(os.unlink, path)
        return path

    def roots_guest(self, *options):
        guest = RootsGuest(self.place, extra=options, start=False)
        os.chown(guest.dir, NOBODY.pw_uid, NOBODY.pw_gid)
        self.arrange(guest).start()
        return guest

    def io(self, guest, command):
        """A request to the disk, as if the guest made it."""
        with guest.monitor() as q:
            said = q.command("human-monitor-command", **{
                "command-line": "qemu-io -d /machine/peripheral/v0/"
                                f'virtio-backend "{command}"'})
        return said

    def assert_writes(self, guest, path, fmt, byte):
        # what goes well is said on QEMU's standard output
        for command in (f"write -P {byte} 65536 4096", "flush"):
            self.assertEqual(self.io(guest, command), "")
        done = subprocess.run(
            ["qemu-io", "-U", "-r", "-f", fmt, "-c",
             f"read -P {byte} 65536 4096", path],
            capture_output=True, text=True)
        self.assertRegex(done.stdout, "read 4096/4096")
        self.assertNotIn("failed", done.stdout)

    def assert_locked(self, path, fmt):
        done = subprocess.run(["qemu-io", "-f", fmt, "-c", "write 0 512", path],
                              capture_output=True, text=True)
        self.assertIn('Failed to get "write" lock', done.stderr)

    def assert_nobodys(self, guest):
        with open(f"/proc/{guest.pid}/status") as f:
            (uids,) = [line for line in f if line.startswith("Uid:")]
        self.assertEqual(set(uids.split()[1:]), {str(NOBODY.pw_uid)})

    def assert_hops(self, options, path, fmt="raw", hops=3):
        """It moves, writes its disk wherever it is, and keeps its names."""
        guest = self.roots_guest(*options)
        self.assert_writes(guest, path, fmt, 1)
        for hop in range(hops):
            done = self.migrate(guest)
            self.assert_moved(guest, done)
            self.assert_nobodys(guest)
            self.assert_writes(guest, path, fmt, 2 + hop)
            self.assert_locked(path, fmt)
            argv = harness.argv_of(guest.pid)
            self.assertEqual(argv.count("-add-fd"), 1, argv)
            self.assertIn(f"fd=3,set=3,opaque=vmferry:{path}", argv)
        return guest

    def test_a_disk_that_only_root_may_open_goes_along(self):
        path = self.roots_file("disk")
        self.assert_hops(node(path), path)

    def test_a_drive_goes_along_as_well(self):
        path = self.roots_file("disk.qcow2", "qcow2")
        self.assert_hops(drive(path, ",auto-read-only=off", "qcow2"), path,
                         "qcow2")

    def test_a_move_that_is_undone_leaves_it_its_disk(self):
        path = self.roots_file("disk")
        guest = self.roots_guest(*node(path))
        for _ in range(2):
            run = self.start(guest, *harness.HELD)
            run.wait_copying()
            run.signal(signal.SIGINT)
            self.assert_stayed(guest, run.finish(), 6)
            self.assert_writes(guest, path, "raw", 7)
            self.assert_locked(path, "raw")
            self.assert_moved(guest, self.migrate(guest))

    def test_a_block_device_goes_along(self):
        image = self.roots_file("image")
        device = loop_device.on(self, image)
        self.assert_hops(drive(device, ",auto-read-only=off"), device)

    def test_what_is_read_only_stays_so(self):
        path = self.roots_file("disk")
        guest = self.roots_guest(*drive(path, ",readonly=on"))
        for _ in range(2):
            self.assert_moved(guest, self.migrate(guest))
            modes = [line.split()[1][-1]
                     for fd in os.listdir(f"/proc/{guest.pid}/fd")
                     if os.path.realpath(f"/proc/{guest.pid}/fd/{fd}") == path
                     for line in open(f"/proc/{guest.pid}/fdinfo/{fd}")
                     if line.startswith("flags:")]
            self.assertEqual(set(modes), {"0"})

    def test_list_calls_it_by_its_name(self):
        path = self.roots_file("disk")
        guest = self.roots_guest(*node(path))
        self.assert_moved(guest, self.migrate(guest))
        done = self.vmferry("list", "--json")
        (row,) = [g for g in json.loads(done.out)["guests"]
                  if g["name"] == guest.name]
        self.assertEqual([d["file"] for d in row["disks"]], [path])

    def test_a_drive_that_qemu_opens_twice_is_refused(self):
        """QEMU itself cannot let go of it: it opens it anew as nobody."""
        path = self.roots_file("disk")
        guest = self.roots_guest(*drive(path))
        done = self.check(guest)
        self.assert_exit(done, 3)
        self.assertIn(f"who may not read {path}, and root does not open it: "
                      "QEMU opens it twice (auto-read-only=on)", done.text)
        # and so it moves
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        self.assert_moved(guest, self.migrate(guest))

    def on_a_base(self, name_of):
        """A guest whose image is based on another of root's."""
        base = self.roots_file("base", "qcow2")
        top = self.roots_file("top", "qcow2", "-F", "qcow2", "-b",
                              name_of(base))
        guest = self.roots_guest(*node(top, "qcow2"))
        done = self.check(guest)
        self.assert_exit(done, 3)
        self.assertIn(f"{base} is below an image of the guest", done.text)
        os.chmod(base, 0o644)
        return guest

    def test_an_image_below_it_has_to_be_its_users(self):
        guest = self.on_a_base(str)
        for _ in range(2):
            self.assert_moved(guest, self.migrate(guest))

    def test_an_image_below_it_has_to_have_a_whole_name(self):
        guest = self.on_a_base(os.path.basename)
        done = self.check(guest)
        self.assert_exit(done, 3)
        self.assertIn("the image below it is called base", done.text)

    def test_a_name_that_its_user_can_change_is_not_opened(self):
        guest = RootsGuest(self.place, start=False)
        path = guest.path("disk")
        shutil.copy(self.roots_file("disk"), path)
        os.chmod(path, 0o600)
        guest.argv += node(path)
        os.chown(guest.dir, NOBODY.pw_uid, NOBODY.pw_gid)
        self.arrange(guest).start()
        done = self.check(guest)
        self.assert_exit(done, 3)
        self.assertIn("others than root can change where its name leads",
                      done.text)

    # --- attacks ---------------------------------------------------------------

    def liar(self, fds, words):
        """A process of nobody's that inherited @fds, and says @words."""
        filler = ("-fw_cfg", "name=opt/filler,string=" + 400 * "f")
        guest = trust_test.UsersGuest(self.place, extra=filler, start=False)
        guest.inherited = fds
        self.arrange(guest).start()
        for fd in fds:
            os.close(fd)
        # the rest of the old words goes on with the last of these
        forge(guest.pid, filler, (*words, *filler[:1], "name=opt/f,string="))
        return guest

    def assert_not_opened(self, file, guest, why):
        done = self.migrate(guest)
        self.assert_stayed(guest, done, 3)
        self.assertIn(why, done.text)
        done = self.migrate(guest, "--skip-check", "access", "--skip-check",
                            "disk")
        self.assert_stayed(guest, done, 3, 4)
        self.assertFalse(file.was_opened())

    def lie(self, mode, *more):
        """nobody got root's file open with @mode; @more of its disk."""
        file = self.watched()
        fds = [os.open(file.path, mode)] if mode is not None else []
        if mode is not None and mode != os.O_PATH:
            self.assertTrue(file.was_opened())
        file.forget()
        return file, self.liar(fds, (
            "-runas", NOBODY.pw_name, "-blockdev",
            f"driver=file,filename={file.path},node-name=n", *more))

    def test_a_process_that_has_it_open_gets_it(self):
        """The attacks below fail for what they lack, not for another cause."""
        _, guest = self.lie(os.O_RDWR)
        done = self.migrate(guest)
        self.assert_moved(guest, done)
        self.assert_nobodys(guest)

    def test_one_that_has_not_does_not(self):
        file, guest = self.lie(None)
        self.assert_not_opened(
            file, guest, "the source's QEMU does not have it open")

    def test_to_have_it_open_without_rights_is_not_enough(self):
        file, guest = self.lie(os.O_PATH)
        self.assert_not_opened(
            file, guest, "the source's QEMU does not have it open")

    def test_to_have_it_open_for_reading_is_not_enough_to_write(self):
        file, guest = self.lie(os.O_RDONLY)
        self.assert_not_opened(
            file, guest, "the source's QEMU has it open for reading only")

    def test_our_own_words_are_believed_no_more_than_others(self):
        file = self.watched()
        guest = self.liar([], (
            "-add-fd", f"fd=3,set=3,opaque=vmferry:{file.path}", "-blockdev",
            "driver=file,filename=/dev/fdset/3,node-name=n"))
        self.assert_not_opened(
            file, guest, "the source's QEMU does not have it open")

    def test_root_opens_no_file_that_a_command_line_names(self):
        file = self.watched()
        filler = ("-fw_cfg", "name=opt/filler,string=" + 300 * "f")
        guest = self.arrange(trust_test.UsersGuest(self.place, extra=filler))
        forge(guest.pid, filler,
              ("-runas", NOBODY.pw_name, "-drive",
               f"if=none,format=raw,file={file.path},id=d"))
        self.assertIn("-runas", harness.argv_of(guest.pid))
        done = self.migrate(guest)
        self.assert_stayed(guest, done, 3)
        self.assertIn(f"nobody, who may not read {file.path}", done.text)
        done = self.migrate(guest, "--skip-check", "access", "--skip-check",
                            "disk")
        self.assert_stayed(guest, done, 3, 4)
        self.assertFalse(file.was_opened())
        # this is how it would be seen
        with open(file.path, "rb"):
            self.assertTrue(file.was_opened())


if __name__ == "__main__":
    unittest.main()
