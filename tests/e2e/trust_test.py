# SPDX-License-Identifier: MIT
"""What a guest's user can make root do: nothing.

The guests here run as nobody, and the program as root. What the user of a
guest chooses (its program, its command line, the names in its directories) is
used with that user's rights, or is looked at before.
"""
import glob
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import case
import harness

NOBODY = pwd.getpwnam("nobody")
GROUP = grp.getgrgid(NOBODY.pw_gid)


class UsersGuest(harness.Guest):
    """A guest that its user started."""

    own_program = False
    inherited = ()     # descriptors that its user got from somebody

    def start(self, ready="F "):
        # the checkout may be where only root gets to
        kernel = shutil.copy(harness.GUEST_ELF, self.dir)
        self.argv[self.argv.index(harness.GUEST_ELF)] = kernel
        os.chown(self.dir, NOBODY.pw_uid, NOBODY.pw_gid)
        env = dict(self.place.env)
        if self.own_program:
            self.qemu = self.path(os.path.basename(harness.QEMU))
            shutil.copy(harness.QEMU, self.qemu)
            self.argv[0] = self.qemu
            # QEMU looks for its firmware and its modules beside its program
            for path in subprocess.check_output([harness.QEMU, "-L", "help"],
                                                text=True).split():
                self.argv += ["-L", path]
            for module in glob.glob("/usr/lib/*/qemu/accel-tcg-*.so"):
                env["QEMU_MODULE_DIR"] = os.path.dirname(module)
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[],
                cwd=self.dir, env=env, pass_fds=self.inherited)
        self.pid = self.process.pid
        self.wait_line(ready)
        self.settings = self.read_settings()


class ProgramsGuest(UsersGuest):
    """Its QEMU is a copy that belongs to its user."""

    own_program = True

    def replace_program(self, text):
        """By a script; the QEMU that runs keeps its file."""
        os.unlink(self.qemu)
        with open(self.qemu, "w") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        os.chmod(self.qemu, 0o755)
        os.chown(self.qemu, NOBODY.pw_uid, NOBODY.pw_gid)


class Impostors:
    """Processes of nobody's that have the name of QEMU but another program."""

    def __init__(self, place, program, *args, n=1, mode=0o755):
        self.dir = tempfile.mkdtemp(prefix="impostor-", dir=place.work)
        os.chmod(self.dir, 0o755)
        name = os.path.join(self.dir, os.path.basename(harness.QEMU))
        shutil.copy(os.path.realpath(program), name)
        os.chmod(name, mode)
        self.processes = [subprocess.Popen(
            [name, *args], user=NOBODY.pw_uid, group=NOBODY.pw_gid,
            extra_groups=[]) for _ in range(n)]

    def end(self):
        for p in self.processes:
            p.kill()
            p.wait()
        shutil.rmtree(self.dir)


@unittest.skipUnless(harness.IS_ROOT, "root is needed to act as another user")
class UsersGuestTest(case.LoopbackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.chmod(cls.place.work, 0o711)

    def guest(self, kind=UsersGuest):
        guest = kind(self.place)
        self.guests.append(guest)
        self.addCleanup(self.drop, guest)
        return guest

    def test_it_moves_and_stays_its_users(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest))
        self.assertEqual(os.stat(f"/proc/{guest.pid}").st_uid, NOBODY.pw_uid)

    def test_its_user_cannot_move_it_before_it_has_arrived(self):
        """It has no UUID, and its mark is in a directory of root's."""
        guest = self.guest()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        (there,) = set(harness.our_qemus()) - {guest.pid}
        home = tempfile.mkdtemp(prefix="user-", dir=self.place.work)
        self.addCleanup(harness.remove, home)
        os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
        ferry = os.path.join(home, "vmferry")
        shutil.copy(harness.VMFERRY, ferry)
        done = subprocess.run(
            [ferry, "check", f"pid:{there}", "local"], cwd=home,
            env={**self.place.env, "HOME": home, "XDG_STATE_HOME": home},
            user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        run.signal(signal.SIGINT)
        self.assert_stayed(guest, run.finish(), 6)
        self.assertEqual(done.returncode, 11, done)
        self.assertIn("is on its way to this host", done.stderr)

    def test_its_program_is_asked_with_its_users_rights(self):
        guest = self.guest(ProgramsGuest)
        seen = guest.path("seen")
        guest.replace_program(
            f"echo $(id -u):$(id -g):$(id -G):$SECRET:$(ps -o tty= -p $$) "
            f">>{seen}\n"
            f"exec {harness.QEMU} \"$@\"")
        done = self.vmferry("check", guest.name, self.sshd.target,
                            *self.sshd.login(), "--json")
        self.assert_exit(done, 0)
        said = set(harness.read(seen).decode().split("\n")) - {""}
        self.assertEqual(
            said, {f"{NOBODY.pw_uid}:{NOBODY.pw_gid}:{NOBODY.pw_gid}::?"})

    def test_a_program_that_does_not_answer_is_named(self):
        guest = self.guest(ProgramsGuest)
        guest.replace_program("exit 1")
        done = self.check(guest)
        self.assert_exit(done, 3)
        self.assertIn("does not say its version to nobody", done.text)

    def impostors(self, program, *args, **options):
        impostors = Impostors(self.place, program, *args, **options)
        self.addCleanup(impostors.end)

    def test_a_uuid_leads_out_of_no_directory(self):
        """The lock of such a guest was this pipe, whose opening hangs."""
        pipe = os.path.join(self.place.work, "pipe")
        os.mkfifo(pipe)
        self.addCleanup(os.unlink, pipe)
        # as after any migration
        os.makedirs(os.path.join(self.place.run_root, "locks"), 0o700,
                    exist_ok=True)
        up = "../" * 8
        qmp = os.path.join(self.place.work, "none")
        self.impostors(sys.executable, "-c", "import time\ntime.sleep(600)",
                       "-name", "climber", "-uuid", up + pipe,
                       "-qmp", f"unix:{qmp},server=on,wait=off")
        for command in ("check", "migrate"):
            done = self.vmferry(command, "climber", self.sshd.target,
                                *self.sshd.login(), timeout=30)
            self.assertNotIn(done.code, (0, 1, 2), str(done))
            self.assertIn(qmp, done.text)

    def assert_found_among_them(self):
        """root's guest is found."""
        guest = harness.Guest(self.place)
        self.addCleanup(guest.stop)
        done = self.vmferry("list")
        self.assertEqual(done.code, 0, str(done))
        self.assertRegex(done.out, rf"(?m)^{guest.name} ")
        return done

    def test_long_command_lines_hide_nobody_elses_guest(self):
        # sleep(1) adds up all of its arguments
        self.impostors(shutil.which("sleep"), "600", *["0" * 90000] * 20,
                       n=30)
        done = self.assert_found_among_them()
        self.assertIn("30 processes were not looked at", done.err)

    def test_many_processes_hide_nobody_elses_guest(self):
        self.impostors(shutil.which("sleep"), "600", n=700)
        self.assert_found_among_them()

    def test_processes_that_look_like_roots_hide_nobody_elses_guest(self):
        """In /proc the files of a program that cannot be read are root's."""
        self.impostors(shutil.which("sleep"), "600", n=700, mode=0o711)
        done = self.assert_found_among_them()
        self.assertIn("processes were not looked at", done.err)

    # --- sockets in a directory of the guest's user ---------------------------

    def secret_socket(self):
        """One of root's; counts who connects to it."""
        path = os.path.join(self.place.work, "root.sock")
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(path)
        os.chmod(path, 0o600)
        sock.listen(8)
        sock.settimeout(0.2)
        self.addCleanup(os.unlink, path)
        self.addCleanup(sock.close)
        return sock, path

    def assert_untouched(self, sock):
        with self.assertRaises(TimeoutError):
            sock.accept()

    def test_a_link_leads_to_no_socket_of_root(self):
        guest = self.guest()
        sock, path = self.secret_socket()
        os.rename(guest.qmp, guest.qmp + ".kept")
        os.symlink(path, guest.qmp)
        for command in (["list", "local"], ["list", self.sshd.target],
                        ["check", guest.name, self.sshd.target],
                        ["migrate", guest.name, self.sshd.target]):
            done = self.vmferry(*command, *self.sshd.login())
            self.assert_untouched(sock)
            if command[0] != "list":
                self.assertEqual(done.code, 3, str(done))
                self.assertIn(f"{guest.qmp} is not connected to as root",
                              done.text)
        os.rename(guest.qmp + ".kept", guest.qmp)
        self.assert_healthy(guest)

    def test_a_link_to_its_own_socket_is_followed(self):
        guest = self.guest()
        os.rename(guest.qmp, guest.qmp + ".moved")
        os.symlink(guest.qmp + ".moved", guest.qmp)
        self.assert_exit(self.check(guest), 0)
        done = self.vmferry("list", self.sshd.target, *self.sshd.login())
        self.assertRegex(done.out, rf"{guest.name} .* qmp free")

    def test_a_link_in_the_run_directory_leads_nowhere_either(self):
        """Of the sockets on the destination that is the directory."""
        guest = self.guest()
        sock, path = self.secret_socket()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        directory = os.path.join(self.place.run_root, run.run_id())
        # an engine and a guardian that die, before a QEMU that lives on
        harness.kill(run.destination_qemu(), signal.SIGSTOP)
        for pid in (*harness.guardians(), run.process.pid):
            harness.kill(pid)
        run.finish()
        for name in ("qmp0.sock", "qmp1.sock"):
            done = subprocess.run(
                ["ln", "-sf", path, os.path.join(directory, name)],
                user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[])
            self.assertEqual(done.returncode, 0)
        done = self.vmferry("recover", "--json", *self.sshd.login())
        self.assert_untouched(sock)
        self.assert_exit(done, 0)
        self.assertEqual(done.json()["owner"], "source")
        self.assert_healthy(guest)


if __name__ == "__main__":
    unittest.main()
