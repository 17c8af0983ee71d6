#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The way in that most people know: an unknown key, then a password.

A host that takes passwords only, and a person at a terminal.
"""
import os
import re
import sys
import termios
import unittest

sys.dont_write_bytecode = True
import case
import cli_test
import harness
import ssh_ground

QUESTION = "(yes/no/[fingerprint])? "


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class AskTest(case.LoopbackCase):
    @classmethod
    def setUpClass(cls):
        cls.place = harness.isolate()
        cls.guests = []
        cls.ground = ssh_ground.Ground(cls.place)
        cls.addClassCleanup(cls.ground.stop)

    def check_nothing_left(self):
        self.check_no_files_left()

    def setUp(self):
        super().setUp()
        self.known = self.ground.path("known_" + self.id().split(".")[-1])
        config = self.ground.write("config_ask", "IdentityAgent none\n"
                                   "IdentityFile none\n")
        self.login = ["-F", config, "--known-hosts", self.known]

    def terminal(self, *words, **env):
        t = cli_test.Terminal([harness.VMFERRY, *words, *self.login],
                              dict(self.place.env, **env))
        self.addCleanup(self.end, t)
        return t

    def end(self, t):
        harness.kill(t.pid)

    def on_file(self):
        return harness.read(self.known).decode().splitlines()

    def attempts(self):
        """How often the server was sent a password."""
        return harness.read(self.ground.path("log_word")).decode().count(
            "password for")

    def await_echo(self, t, on):
        harness.wait_until(
            lambda: bool(termios.tcgetattr(t.fd)[3] & termios.ECHO) == on, 60,
            "the echo is " + ("off" if on else "on"))

    def answer(self, t, key, way="libssh2"):
        t.wait_for(QUESTION)
        self.await_echo(t, True)
        t.type(key.encode() + b"\n")
        t.wait_for("assword")
        self.await_echo(t, False)
        t.type(ssh_ground.PASSWORD.encode() + b"\n")

    def list_by(self, way, key):
        t = self.terminal("list", "--ssh", way, "ferry@word.test")
        self.answer(t, key)
        self.assertEqual(t.finish(), 0, t.text())
        self.assertRegex(t.text(), r"can't be established\.\n.*key "
                         r"fingerprint is " +
                         re.escape(self.ground.prints["ed"]))
        self.assertNotIn(ssh_ground.PASSWORD, t.text())
        # what was typed to the open question was seen
        self.assertIn(QUESTION + key, t.text())
        self.assertEqual(self.on_file(),
                         ["word.test " + self.ground.public["ed"]])
        return t.text()

    def test_yes_and_the_password(self):
        text = self.list_by("libssh2", "yes")
        self.assertIn("(10.77.0.4)", text)
        self.assertIn(f"added the host key of word.test to {self.known}",
                      text)
        # known from now on: only the password is asked for
        t = self.terminal("list", "ferry@word.test")
        t.wait_for("assword")
        t.type(ssh_ground.PASSWORD.encode() + b"\n")
        self.assertEqual(t.finish(), 0, t.text())
        self.assertNotIn(QUESTION, t.text())

    def test_the_fingerprint_and_the_password(self):
        self.list_by("libssh2", self.ground.prints["ed"])

    def test_ssh_asks_the_same_on_the_terminal(self):
        self.list_by("openssh", "yes")

    def assert_refused(self, t, code):
        attempts = self.attempts()
        self.assertEqual(t.finish(), code, t.text())
        self.assertNotIn("assword", t.text())
        self.assertEqual(self.on_file(), [])
        self.assertEqual(self.attempts(), attempts)

    def test_no_sends_nothing(self):
        t = self.terminal("list", "ferry@word.test")
        t.wait_for(QUESTION)
        t.type(b"no\n")
        self.assert_refused(t, 10)
        self.assertIn("is not known", t.text())

    def test_what_is_neither_is_asked_again(self):
        t = self.terminal("list", "ferry@word.test")
        t.wait_for(QUESTION)
        t.type(b"y\n")
        again = "Please type 'yes', 'no' or the fingerprint: "
        t.wait_for(again)
        other = self.ground.prints["old"]
        t.type(other.encode() + b"\n")
        t.wait_for(other + "\r\n" + again)
        t.type(b"no\n")
        self.assert_refused(t, 10)

    def test_ctrl_c_sends_nothing(self):
        t = self.terminal("list", "ferry@word.test")
        t.wait_for(QUESTION)
        t.type(b"\x03")
        self.assert_refused(t, 6)

    def test_without_input_nobody_is_asked(self):
        asked = self.ground.path("asked_in_vain")
        program = self.ground.write("touch_asked", f"#!/bin/sh\ntouch "
                                    f"{asked}\necho yes\n", 0o700)
        for way in ("libssh2", "openssh"):
            with self.subTest(way):
                t = self.terminal("list", "--no-input", "--ssh", way,
                                  "ferry@word.test", SSH_ASKPASS=program,
                                  SSH_ASKPASS_REQUIRE="force")
                self.assert_refused(t, 10)
                self.assertNotIn(QUESTION, t.text())
                self.assertFalse(os.path.exists(asked))

    def test_a_guest_moves_to_a_host_that_takes_passwords_only(self):
        """Its tunnel logs in with what was typed once."""
        guest = self.guest()
        guest.expect("run-*")
        t = self.terminal("migrate", guest.name, "root@word.test",
                          *harness.BUDGET)
        self.answer(t, "yes")
        self.assertEqual(t.finish(), 0, t.text())
        self.assertEqual(t.text().count("Password of"), 1, t.text())
        # a person must be there, should the engine die
        self.assertRegex(t.text(), "guardian cannot log in")
        guest.process.wait()
        (guest.pid,) = harness.our_qemus()
        guest.watch.wait_beats(guest.watch.paths[-1]
                               if hasattr(guest.watch, "paths")
                               else guest.serial, 5, 60)
        self.assert_one_guest(guest)


if __name__ == "__main__":
    unittest.main()
