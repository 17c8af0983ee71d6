#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The login on the destination is an ordinary user's, who may sudo.

A real sshd, a real sudo, and a user of this mount namespace.
"""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
import threading
import unittest

sys.dont_write_bytecode = True
import case
import cli_test
import harness
import trust_test

LOGIN, UID = "porter", 64997
PASSWORD = "open sesame"
# openssl passwd -6 -salt vmferry "open sesame"
SHADOW = ("$6$vmferry$rutynxpS9FYryhSN/.ruAEZSe9LRTj7Vuu1b8.MPrIN/"
          "82jJ5HyhoOqeRC7famicPRz1EWsK44A/FYAxsidFb.")
KEEP = (f'Defaults env_keep += "{harness.TOKEN.split("=")[0]}"\n'
        "Defaults lecture=never, !mail_no_user, !mail_badpass\n")
FREELY = f"{LOGIN} ALL=(root) NOPASSWD: ALL\n"
BY_PASSWORD = f"{LOGIN} ALL=(root) ALL\n"
SUDO = ("--become", "sudo")


def append(place, path, line, mode):
    """A file of /etc has one line more, in this mount namespace."""
    copy = os.path.join(place.work, os.path.basename(path))
    with open(path) as f, open(copy, "w") as out:
        out.write(f.read() + line)
    os.chmod(copy, mode)
    harness.bind(copy, path)


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
@unittest.skipUnless(shutil.which("sudo"), "there is no sudo")
class BecomeCase(case.LoopbackCase):
    @classmethod
    def setUpClass(cls):
        cls.place = harness.isolate()
        os.chmod(cls.place.work, 0o711)
        cls.home = os.path.join(cls.place.work, "home")
        os.makedirs(cls.home, exist_ok=True)
        os.chown(cls.home, UID, UID)
        append(cls.place, "/etc/passwd",
               f"{LOGIN}:x:{UID}:{UID}::{cls.home}:/bin/sh\n", 0o644)
        append(cls.place, "/etc/group", f"{LOGIN}:x:{UID}:\n", 0o644)
        append(cls.place, "/etc/shadow",
               f"{LOGIN}:{SHADOW}:19000:0:99999:7:::\n", 0o600)
        cls.sudoers = os.path.join(cls.place.work, "sudoers")
        cls.rule(FREELY)
        harness.bind(cls.sudoers, "/etc/sudoers")
        for path in ("passwd", "group", "shadow", "sudoers"):
            cls.addClassCleanup(harness.unbind, f"/etc/{path}")
        super().setUpClass()
        os.chmod(cls.sshd.dir, 0o711)
        os.chmod(cls.sshd.path("authorized"), 0o644)
        cls.there = f"{LOGIN}@{cls.sshd.target}"

    @classmethod
    def rule(cls, text):
        """What sudo allows from now on."""
        with open(cls.sudoers, "w") as f:
            f.write(KEEP + text)
        os.chmod(cls.sudoers, 0o440)

    def setUp(self):
        super().setUp()
        self.rule(FREELY)

    def start(self, guest, *args, dest=None, **options):
        return super().start(guest, *args, *SUDO, dest=dest or self.there,
                             **options)

    def check(self, guest, *args, dest=None):
        return super().check(guest, *args, *SUDO, dest=dest or self.there)

    def as_user(self, user, script, *args):
        """A shell of a user's on the destination."""
        return subprocess.run(
            ["sh", "-c", script, "sh", *args], user=user, group=user,
            extra_groups=[], text=True, capture_output=True, timeout=60,
            stdin=subprocess.DEVNULL, cwd="/")

    def became(self, run):
        """What the journal says of it."""
        path = os.path.join(self.place.runs, run.run_id(), "journal")
        return re.findall(rb'"become":"(\w+)"', harness.read(path))

    def assert_refused(self, outcome, words, remedy):
        """By sudo, before anything was done there."""
        self.assert_exit(outcome, 10)
        found = [c for c in outcome.json()["checks"] if c["name"] == "become"]
        self.assertEqual([c["verdict"] for c in found], ["fail"], outcome)
        self.assertEqual(found[0]["side"], "destination")
        self.assertRegex(found[0]["found"], words)
        self.assertRegex(found[0]["remedy"], remedy)
        self.assertEqual(outcome.json()["error"]["kind"], "become")
        self.assertNotIn("vmferry-password", outcome.text)


class Watcher:
    """Looks at the sockets that are lent, as fast as it can."""

    def __init__(self, root):
        self.pattern = os.path.join(root, ".vmferry-*")
        self.records = os.path.join(root, "sockets")
        self.seen, self.ends = set(), False
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.ends:
            for place in glob.glob(self.pattern):
                try:
                    at = os.stat(place)
                    # the record is there before anything is lent
                    os.stat(os.path.join(self.records,
                                         place.rpartition("-")[2]))
                    s = os.stat(os.path.join(place, "s"))
                except OSError:
                    continue
                self.seen.add((at.st_uid, s.st_uid, s.st_mode & 0o777))

    def end(self):
        self.ends = True
        self.thread.join()
        return self.seen


class FreelyTest(BecomeCase):
    """Without a password."""

    def test_it_moves_there_and_back(self):
        guest = self.guest()
        done = self.start(guest, "-v").finish()
        self.assert_moved(guest, done)
        found = [e for e in done.of("check") if e["name"] == "become"]
        self.assertEqual([e["verdict"] for e in found], ["pass"])
        self.assertFalse([e for e in done.of("check")
                          if e["name"] == "guardian"])
        self.assertEqual(os.stat(f"/proc/{guest.pid}").st_uid, 0)
        environ = harness.read(f"/proc/{guest.pid}/environ")
        self.assertNotIn(b"SUDO_", environ)
        self.assert_moved(guest, self.migrate(guest))

    def test_it_moves_by_ssh(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest, "--ssh", "openssh"))

    def test_the_memory_takes_another_way(self):
        guest = self.guest()
        for lane in (("openssh",), ("tcp", "--insecure")):
            with self.subTest(lane[0]):
                done = self.migrate(guest, "--transport", *lane)
                self.assert_moved(guest, done)
                self.assertEqual(done.result["transport"], lane[0])

    def test_the_settings_file_has_it(self):
        path = os.path.join(self.place.work, "vmferry/vmferry.conf")
        os.makedirs(os.path.dirname(path))
        self.addCleanup(shutil.rmtree, os.path.dirname(path))
        with open(path, "w") as f:
            f.write("[ssh]\nbecome = sudo\n")
        guest = self.guest()
        self.assert_exit(super(BecomeCase, self).check(
            guest, dest=self.there), 0)

    def test_a_check_leaves_nothing_and_finds_nothing(self):
        guest = self.guest()
        done = self.check(guest, "--json")
        self.assert_exit(done, 0)
        named = {c["name"]: c for c in done.json()["checks"]}
        self.assertEqual(named["become"]["verdict"], "pass")
        self.assertIn(str(UID), named["become"]["found"])
        self.assertNotIn("forwarding", named)

    def test_guests_are_listed_there(self):
        guest = self.guest()
        done = self.vmferry("list", self.there, *self.sshd.login(), *SUDO)
        self.assertRegex(done.out, rf"{guest.name} .* qmp free")
        self.assertEqual(os.stat(guest.qmp).st_uid, 0)

    def test_without_it_the_login_user_is_nobody(self):
        guest = self.guest()
        done = super(BecomeCase, self).check(guest, "--json", dest=self.there)
        self.assertNotEqual(done.code, 0, str(done))
        self.assertNotIn("become", [c["name"] for c in done.json()["checks"]])

    def test_a_users_guest_stays_its_users(self):
        guest = trust_test.UsersGuest(self.place)
        self.guests.append(guest)
        self.addCleanup(self.drop, guest)
        before = os.stat(guest.qmp)
        watcher = Watcher(self.place.run_root)
        done = self.migrate(guest)
        seen = watcher.end()
        self.assert_moved(guest, done)
        nobody = trust_test.NOBODY.pw_uid
        self.assertEqual(os.stat(f"/proc/{guest.pid}").st_uid, nobody)
        for name in (guest.qmp, guest.serial):
            now = os.stat(name)
            self.assertEqual(now.st_uid, nobody)
            self.assertEqual(now.st_mode, before.st_mode)
        # root's directories, and sockets of the login user's or still its own
        self.assertTrue(seen)
        self.assertLessEqual({(root, mode) for root, uid, mode in seen
                              if uid == UID}, {(0, 0o600),
                                               (0, before.st_mode & 0o777)})
        self.assertLessEqual({uid for _, uid, _ in seen}, {UID, nobody})
        self.assertIn((0, UID, 0o600), seen)

    def test_nobody_else_gets_at_a_socket_that_is_lent(self):
        """The login user cannot list the directory, nor others connect."""
        guest = self.guest()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        root = self.place.run_root
        self.assertEqual(os.stat(root).st_mode & 0o777, 0o711)
        directory = os.path.join(root, run.run_id())
        for script, path in (("ls \"$1\"", root),
                             ("ls \"$1\"", directory),
                             ("mkdir \"$1/.vmferry-x\"", root),
                             ("ln -s /etc \"$1/qmp0.sock.x\"", directory),
                             ("rm \"$1/qmp0.sock\"", directory)):
            done = self.as_user(UID, script, path)
            self.assertNotEqual(done.returncode, 0, (script, path))
            self.assertIn("Permission denied", done.stderr, (script, path))
        run.signal(signal.SIGINT)
        self.assert_stayed(guest, run.finish(), 6)

    def test_links_of_the_guests_user_lead_nowhere(self):
        """Neither to a socket of root's nor to one of the login user's."""
        guest = trust_test.UsersGuest(self.place)
        self.guests.append(guest)
        self.addCleanup(self.drop, guest)
        os.rename(guest.qmp, guest.qmp + ".kept")
        for uid in (0, UID):
            path = os.path.join(self.place.work, f"secret{uid}")
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind(path)
                self.addCleanup(os.unlink, path)
                os.chown(path, uid, uid)
                os.chmod(path, 0o600)
                sock.listen(8)
                sock.settimeout(0.2)
                os.symlink(path, guest.qmp)
                done = self.vmferry("list", self.there, *self.sshd.login(),
                                    *SUDO)
                with self.assertRaises(TimeoutError):
                    sock.accept()
                os.unlink(guest.qmp)
            self.assertRegex(done.out, guest.name)
            self.assertEqual(os.stat(path).st_uid, uid)
        os.rename(guest.qmp + ".kept", guest.qmp)
        self.assert_healthy(guest)

    def test_the_guardian_undoes_by_itself(self):
        guest = self.guest()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        self.assertEqual(self.became(run), [b"sudo"])
        run.signal(signal.SIGKILL)
        run.finish()
        harness.await_no_ferry()
        self.assertEqual(set(harness.our_qemus()), {guest.pid})
        self.assert_healthy(guest)

    def test_recover_becomes_root_as_the_journal_says(self):
        guest = self.guest()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        for pid in (*harness.guardians(), run.process.pid):
            harness.kill(pid)
        run.finish()
        self.assertTrue(self.place.left_over())
        done = self.vmferry("recover", "--json", *self.sshd.login())
        self.assert_exit(done, 0)
        self.assertEqual(done.json()["owner"], "source")
        self.assertEqual(set(harness.our_qemus()), {guest.pid})
        self.assert_healthy(guest)


class RefusedTest(BecomeCase):
    def check_by(self, rule):
        self.rule(rule)
        return self.check(self.class_guest_of(), "--json")

    @classmethod
    def class_guest_of(cls):
        if not cls.guests:
            cls.class_guest()
        return cls.guests[0]

    def test_a_user_who_is_not_in_sudoers(self):
        self.assert_refused(self.check_by("root ALL=(ALL) ALL\n"),
                            "not in the sudoers file|password is required",
                            "visudo")

    def test_a_rule_for_other_commands(self):
        self.assert_refused(
            self.check_by(f"{LOGIN} ALL=(root) NOPASSWD: /bin/ls\n"
                          f"Defaults:{LOGIN} !authenticate\n"),
            "not allowed to execute '\\S*/sh' as root", "visudo")

    def test_a_terminal_that_sudo_wants(self):
        self.assert_refused(
            self.check_by(f"Defaults requiretty\n{FREELY}"),
            "must have a tty", "!requiretty")

    def test_a_password_that_nobody_is_asked_for(self):
        self.assert_refused(self.check_by(BY_PASSWORD),
                            "a password is required", "NOPASSWD")

    def test_a_sudo_that_is_missing(self):
        empty = os.path.join(self.place.work, "no_sudo")
        with open(empty, "w"):
            os.chmod(empty, 0o644)
        sudo = shutil.which("sudo")
        harness.bind(empty, sudo)
        self.addCleanup(harness.unbind, sudo)
        self.assert_refused(self.check_by(FREELY), "there is no sudo",
                            "install sudo")

    def test_a_migration_is_refused_as_well(self):
        self.rule(BY_PASSWORD)
        guest = self.class_guest_of()
        done = self.migrate(guest)
        self.assert_stayed(guest, done, 10)
        self.assertEqual(done.result["error"]["kind"], "become")
        self.assert_explained(done, "a password is required", "NOPASSWD")


class PasswordTest(BecomeCase):
    """It is asked for once."""

    def setUp(self):
        super().setUp()
        self.rule(BY_PASSWORD)
        self.login = [w for w in self.sshd.login() if w != "--no-input"]

    def terminal(self, *words, **env):
        t = cli_test.Terminal([harness.VMFERRY, *words, *self.login],
                              dict(self.place.env, **env))
        self.addCleanup(harness.kill, t.pid)
        return t

    def type_password(self, t, word=PASSWORD):
        t.wait_for("Password for sudo on ")
        harness.wait_until(
            lambda: not termios.tcgetattr(t.fd)[3] & termios.ECHO, 60,
            "the echo is on")
        t.type(word.encode() + b"\n")
        t.said = t.said.replace(b"Password for sudo on ", b"(asked) ")

    def assert_secret(self, t):
        """It is in nothing that was said, kept or handed on."""
        self.assertNotIn(PASSWORD, t.text())
        word = PASSWORD.encode()
        for pid in harness.ours():
            for name in ("cmdline", "environ"):
                self.assertNotIn(word, harness.read(f"/proc/{pid}/{name}"))
        for top in (self.place.state, self.place.run_root, self.sshd.dir):
            for at, _, names in os.walk(top):
                for name in names:
                    path = os.path.join(at, name)
                    if os.path.isfile(path):
                        self.assertNotIn(word, harness.read(path), path)

    def take_over(self, guest):
        guest.process.wait()
        (guest.pid,) = harness.our_qemus()
        guest.watch.wait_beats(guest.serial, 5, 60)
        self.assert_one_guest(guest)

    def test_it_is_typed_once_and_kept_nowhere(self):
        guest = self.guest()
        guest.expect("run-*")
        t = self.terminal("migrate", guest.name, self.there, *SUDO,
                          *harness.BUDGET)
        self.type_password(t, "open barley")
        self.type_password(t)
        self.assertEqual(t.finish(), 0, t.text())
        self.assertNotIn("Password for", t.text())
        self.assertNotIn("guardian cannot", t.text())
        self.assert_secret(t)
        self.take_over(guest)

    def test_the_login_of_another_way_needs_none(self):
        guest = self.guest()
        guest.expect("run-*")
        t = self.terminal("migrate", guest.name, self.there, *SUDO,
                          *harness.BUDGET, "--transport", "openssh")
        self.type_password(t)
        self.assertEqual(t.finish(), 0, t.text())
        self.assertNotIn("Password for", t.text())
        self.take_over(guest)

    def test_a_program_is_asked_for_it(self):
        program = os.path.join(self.place.work, "askpass")
        asked = program + ".asked"
        with open(program, "w") as f:
            f.write(f"#!/bin/sh\necho \"$1\" >>{asked}\n"
                    f"echo '{PASSWORD}'\n")
        os.chmod(program, 0o700)
        self.addCleanup(harness.remove, program)
        self.addCleanup(harness.remove, asked)
        guest = self.guest()
        self.place.env.update(SSH_ASKPASS=program,
                              SSH_ASKPASS_REQUIRE="force")
        try:
            done = self.vmferry("check", guest.name, self.there, "--json",
                                *self.login, *SUDO)
        finally:
            del self.place.env["SSH_ASKPASS"]
            del self.place.env["SSH_ASKPASS_REQUIRE"]
        self.assert_exit(done, 0)
        with open(asked) as f:
            self.assertEqual(f.read(),
                             f"Password for sudo on {self.there}: \n")
        # the guardian gets it
        self.assertNotIn("guardian", [c["name"] for c in
                                      done.json()["checks"]])

    def test_wrong_ones_are_refused_in_sudos_words(self):
        guest = self.guest()
        t = self.terminal("check", guest.name, self.there, *SUDO)
        for word in ("a", "b", "c"):
            self.type_password(t, word)
        self.assertEqual(t.finish(), 10, t.text())
        self.assertRegex(t.text(), r"3\s+incorrect\s+password\s+attempts")

    def copying(self):
        guest = self.guest()
        t = self.terminal("migrate", guest.name, self.there, *SUDO,
                          *harness.HELD)
        guest.expect("run-*")
        self.type_password(t)
        t.wait_for(" left of ")
        harness.wait_until(lambda: len(harness.our_qemus()) == 2, 60,
                           "no QEMU there")
        return guest, t

    def test_the_guardian_has_it(self):
        guest, t = self.copying()
        self.assert_secret(t)
        harness.kill(t.pid)
        t.finish()
        harness.await_no_ferry()
        self.assertEqual(set(harness.our_qemus()), {guest.pid})
        self.assert_healthy(guest)

    def test_a_guardian_that_is_replaced_gets_it_again(self):
        guest, t = self.copying()
        (first,) = harness.guardians()
        harness.kill(first)
        harness.wait_until(lambda: set(harness.guardians()) - {first}, 60,
                           "no new guardian")
        harness.kill(t.pid)
        t.finish()
        harness.await_no_ferry()
        self.assertEqual(set(harness.our_qemus()), {guest.pid})
        self.assert_healthy(guest)

    def test_a_person_recovers_when_both_have_died(self):
        """With the word that the journal has, and the password again."""
        guest, t = self.copying()
        for pid in (*harness.guardians(), t.pid):
            harness.kill(pid)
        t.finish()
        guest.watch.wait_beats(guest.serial, 5, 60)
        self.assertTrue(self.place.left_over())
        t = self.terminal("recover", guest.name)
        self.type_password(t)
        self.assertEqual(t.finish(), 0, t.text())
        self.assertEqual(set(harness.our_qemus()), {guest.pid})
        self.assert_healthy(guest)


if __name__ == "__main__":
    unittest.main()
