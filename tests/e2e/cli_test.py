#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The command line: words, exit codes, JSON, help, and the terminal."""
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import time
import unittest

import case
import harness

COMMANDS = ["migrate", "check", "list", "help", "version"]


class CliCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = harness.isolate()

    def run_it(self, *args, **env):
        done = subprocess.run(
            [harness.VMFERRY, *args], text=True, capture_output=True,
            timeout=60, env=dict(self.place.env, **env),
            stdin=subprocess.DEVNULL)
        return done

    def assert_usage(self, done, *words):
        self.assertEqual(done.returncode, 2, done)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertIn("usage: vmferry", done.stderr)


class UsageTest(CliCase):
    def test_no_words_show_the_commands(self):
        for args in ([], ["help"], ["--help"], ["-h"]):
            done = self.run_it(*args)
            self.assertEqual(done.returncode, 0)
            for name in COMMANDS:
                self.assertIn(f"\n  {name} ", done.stdout)

    def test_every_command_has_help(self):
        for name in COMMANDS:
            done = self.run_it("help", name)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout.startswith(f"usage: vmferry {name}"))
            self.assertEqual(self.run_it(name, "--help").stdout, done.stdout)
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)

    def test_version_shows_the_libraries(self):
        for args in (["version"], ["--version"], ["-V"]):
            self.assertRegex(self.run_it(*args).stdout,
                             r"^vmferry \d+\.\d+\.\d+ .*libssh2.*json-c")

    def test_an_unknown_command_gets_a_guess(self):
        self.assert_usage(self.run_it("migrat"), '"migrat"',
                          'did you mean "migrate"?')
        self.assert_usage(self.run_it("frobnicate"), '"frobnicate"')

    def test_an_unknown_option_is_named(self):
        self.assert_usage(self.run_it("migrate", "a", "b", "--max-blakout=3"),
                          "--max-blakout", "did you mean --max-blackout?")
        self.assert_usage(self.run_it("list", "-z"), "-z")
        self.assert_usage(self.run_it("list", "--max-blackout", "3"),
                          "--max-blackout")

    def test_what_is_not_built_is_not_offered(self):
        for words in (["--from", "x"], ["--storage", "copy"], ["--streams=2"],
                      ["--on-deadline", "postcopy"],
                      ["--transport", "tcp"]):
            self.assert_usage(self.run_it("migrate", "a", "b", *words),
                              words[0].split("=")[0])

    def test_missing_and_surplus_words_are_reported(self):
        self.assert_usage(self.run_it("migrate", "web1"), "GUEST DEST")
        self.assert_usage(self.run_it("migrate", "a", "b", "c"), '"c"')
        self.assert_usage(self.run_it("check", "a"), "GUEST DEST...")
        self.assert_usage(self.run_it("check", "a", "b", "c", "b"),
                          "b is named twice")
        self.assert_usage(self.run_it("migrate", "a", "b", "--deadline"),
                          "--deadline SEC")

    def test_a_bad_destination_is_a_wrong_use(self):
        done = self.run_it("list", "ssh://")
        self.assertEqual(done.returncode, 2, done)

    def test_a_bad_file_of_arguments_is_a_wrong_use(self):
        self.assert_usage(self.run_it("migrate", "a", "b", "--dest-args",
                                      "/nowhere/args"), "/nowhere/args")

    def test_a_bad_place_for_events_is_a_wrong_use(self):
        self.assert_usage(self.run_it("migrate", "a", "b", "--events",
                                      "/nowhere/events"), "/nowhere/events")
        self.assert_usage(self.run_it("migrate", "a", "b", "--events",
                                      "fd:77"), "fd:77")

    def test_errors_of_words_are_json_too_where_json_is_wanted(self):
        for args in (["migrate", "a", "--json"], ["--json"], ["nope", "--json"],
                     ["migrate", "--color", "pink", "a", "b", "--json"]):
            done = self.run_it(*args)
            self.assertEqual(done.returncode, 2, done)
            if args == ["--json"]:
                continue
            result = json.loads(done.stdout)
            self.assertEqual(result["outcome"], "usage")
            self.assertEqual(result["exit_code"], 2)
            self.assertEqual(result["error"]["kind"], "usage")


class ConfigurationTest(CliCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        os.mkdir(os.path.join(self.dir, "vmferry"))
        self.file = os.path.join(self.dir, "vmferry", "vmferry.conf")

    def with_file(self, text, *args, **env):
        with open(self.file, "w") as f:
            f.write(text)
        return self.run_it(*args, XDG_CONFIG_HOME=self.dir, **env)

    def budget(self, text, *args, **env):
        done = self.with_file(text, "migrate", "no-such-guest", "local",
                              "--json", *args, **env)
        return json.loads(done.stdout)["budget_ms"]

    def test_the_order_is_words_environment_file(self):
        text = "[migrate]\nmax-blackout = 11\n"
        self.assertEqual(self.budget(""), 300)
        self.assertEqual(self.budget(text), 11)
        self.assertEqual(self.budget(text, VMFERRY_MAX_BLACKOUT="12"), 12)
        self.assertEqual(self.budget(text, "--max-blackout", "13",
                                     VMFERRY_MAX_BLACKOUT="12"), 13)

    def test_a_mistake_in_the_file_is_named_with_its_line(self):
        done = self.with_file("[migrate]\nmax-blackout = soon\n", "list")
        self.assertEqual(done.returncode, 0, done)
        done = self.with_file("[migrate]\nmax-blackout = soon\n", "migrate",
                              "a", "b")
        self.assert_usage(done, self.file, "line 2")


class ResultTest(CliCase):
    def test_an_unknown_guest_has_a_whole_result(self):
        done = self.run_it("migrate", "no-such-guest", "local", "--json")
        self.assertEqual(done.returncode, 13, done)
        self.assertEqual(done.stdout.count("\n"), 1)
        result = json.loads(done.stdout)
        self.assertLessEqual(case.RESULT_FIELDS, set(result))
        self.assertEqual(result["outcome"], "no-guest")
        self.assertEqual(result["exit_code"], 13)
        self.assertEqual(result["guest"], "no-such-guest")
        self.assertEqual(result["error"]["kind"], "no-guest")
        self.assertIsNone(result["blackout_ms"])
        self.assertIn("no-such-guest", done.stderr.splitlines()[-1])

    def test_the_last_line_is_on_stdout_without_json(self):
        done = self.run_it("migrate", "no-such-guest", "local")
        self.assertEqual(done.returncode, 13)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertRegex(done.stdout, "^Nothing was changed. .*no-such-guest")

    def test_check_of_an_unknown_guest_has_its_own_code(self):
        done = self.run_it("check", "no-such-guest", "local", "--json")
        self.assertEqual(done.returncode, 13, done)
        result = json.loads(done.stdout)
        self.assertEqual(result["checks"], [])
        self.assertEqual(result["verdict"], "fail")
        self.assertEqual(result["exit_code"], 13)

    def test_a_full_stdout_is_an_error(self):
        for args in (["version"], ["list", "--json"],
                     ["migrate", "nope", "local", "--json"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run(
                    [harness.VMFERRY, *args], stdout=full, text=True,
                    stderr=subprocess.PIPE, env=self.place.env)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("standard output", done.stderr)

    def test_without_descriptors_nothing_is_written_elsewhere(self):
        events = os.path.join(self.place.work, "closed.events")
        done = subprocess.run(
            ["sh", "-c", '"$0" migrate nope local --events "$1" '
             '<&- >&- 2>&-', harness.VMFERRY, events], env=self.place.env)
        self.assertIn(done.returncode, (1, 13))
        with open(events) as f:
            for line in f:
                json.loads(line)

    def test_quiet_prints_the_last_line_only(self):
        done = self.run_it("migrate", "no-such-guest", "local", "-q")
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertNotIn("event=", done.stderr)

    def test_narration_off_a_terminal_has_no_control_characters(self):
        done = self.run_it("migrate", "no-such-guest", "local", "-v")
        self.assertRegex(done.stderr, r"(?m)^\d{4}-\d\d-\d\dT[\d:.]+Z run=\S+ "
                                      r"event=run-start guest=no-such-guest")
        self.assertNotRegex(done.stderr, r"[\r\033]")


class ListTest(case.LoopbackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one = cls.class_guest()

    def row(self, text):
        rows = [r for r in text.splitlines() if r.startswith(self.one.name)]
        self.assertEqual(len(rows), 1, text)
        return rows[0].split()

    def test_a_guest_has_its_row(self):
        done = self.vmferry("list")
        self.assertEqual(done.code, 0, str(done))
        self.assertTrue(done.out.startswith("NAME "))
        row = self.row(done.out)
        self.assertEqual(row[1:3], [str(self.one.pid), "running"])
        self.assertIn("tcg", row)
        self.assertEqual(row[7:9], ["qmp", "free"])

    def test_json_has_the_members_of_the_contract(self):
        listed = self.vmferry("list", "--json").json()
        guest = [g for g in listed["guests"]
                 if g["name"] == self.one.name][0]
        self.assertEqual(
            set(guest), {"name", "uuid", "host", "user", "pid", "state",
                         "ram_bytes", "vcpus", "accel", "disks", "monitor", "started_by",
                         "manager", "defined"})
        self.assertEqual(guest["pid"], self.one.pid)
        self.assertEqual(guest["state"], "running")
        self.assertEqual(guest["monitor"]["state"], "free")
        self.assertEqual(guest["disks"], [])
        self.assertEqual(listed["errors"], [])
        self.assertEqual(listed["exit_code"], 0)

    def test_a_held_monitor_is_busy_and_the_holder_named(self):
        with self.one.monitor():
            done = self.vmferry("list", "--json")
            text = self.vmferry("list").out
        guest = [g for g in done.json()["guests"]
                 if g["name"] == self.one.name][0]
        self.assertEqual(guest["monitor"]["state"], "busy")
        self.assertIn(str(os.getpid()), guest["monitor"]["holder"])
        self.assertIn("qmp BUSY", text)

    def test_another_host_is_asked_over_ssh(self):
        done = self.vmferry("list", self.sshd.target, *self.sshd.login())
        self.assertEqual(done.code, 0, str(done))
        self.assertIn(self.sshd.target, done.out)
        self.assertIn("HOST", done.out.splitlines()[0])
        self.row(done.out)

    def test_a_host_that_fails_does_not_hide_the_others(self):
        done = self.vmferry("list", "local", "127.0.0.1:1",
                            *self.sshd.login(), "--json")
        self.assertEqual(done.code, 10, str(done))
        listed = done.json()
        self.assertTrue([g for g in listed["guests"]
                         if g["name"] == self.one.name])
        self.assertEqual([e["kind"] for e in listed["errors"]], ["network"])
        self.assertEqual(listed["exit_code"], 10)


    def test_a_silent_host_can_be_cancelled(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            process = subprocess.Popen(
                [harness.VMFERRY, "list", "--json", "--ssh", "libssh2",
                 f"127.0.0.1:{server.getsockname()[1]}",
                 *self.sshd.login()], text=True, env=self.place.env,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            server.settimeout(20)
            client = server.accept()[0]
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
            client.close()
        self.assertEqual(process.returncode, 6, err)
        self.assertEqual(json.loads(out)["exit_code"], 6)


class DocumentTest(CliCase):
    def options(self, name):
        return set(re.findall(r"--[a-z][a-z-]+",
                              self.run_it("help", name).stdout))

    def test_the_man_page_has_every_option_and_exit_code(self):
        page = self.run_it("help", "--man").stdout.replace("\\-", "-")
        for name in COMMANDS:
            self.assertIn(f"vmferry {name}", page)
            for option in self.options(name):
                self.assertIn(option, page)
        for code in [*range(14), 130]:
            self.assertRegex(page, rf"(?m)^\.B {code}$")

    def test_the_man_page_is_sound(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        done = subprocess.run(["groff", "-Tascii", "-man", "-ww", "-z"],
                              input=self.run_it("help", "--man").stdout,
                              text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def complete(self, *words, path=""):
        script = tempfile.NamedTemporaryFile("w", suffix=".bash")
        self.addCleanup(script.close)
        script.write(self.run_it("help", "--completion", "bash").stdout)
        script.flush()
        done = subprocess.run(
            ["bash", "-c", 'source "$0"; COMP_WORDS=("$@"); '
             'COMP_CWORD=$(($# - 1)); _vmferry; '
             'printf "%s\\n" "${COMPREPLY[@]}"', script.name, "vmferry",
             *words], text=True, capture_output=True,
            env=dict(self.place.env,
                     PATH=path + ":" + os.environ["PATH"]))
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes_commands_options_and_values(self):
        self.assertEqual(self.complete("mig"), ["migrate"])
        self.assertEqual(self.complete("migrate", "--max-b"),
                         ["--max-blackout"])
        self.assertEqual(self.complete("migrate", "--color", "ne"), ["never"])
        self.assertEqual(self.complete("list", "--max-b"), [])

    def test_a_guest_s_name_is_never_run_by_the_shell(self):
        with tempfile.TemporaryDirectory() as bin_dir:
            owned = os.path.join(bin_dir, "owned")
            fake = os.path.join(bin_dir, "vmferry")
            with open(fake, "w") as f:
                f.write("#!/bin/sh\ncat <<'E'\nNAME  PID\nweb1  1\n"
                        f"we$(>{owned})  2\nwe`>{owned}`  3\nweb2  4\nE\n")
            os.chmod(fake, 0o755)
            self.assertEqual(self.complete("migrate", "we", path=bin_dir),
                             ["web1", "web2"])
            self.assertFalse(os.path.exists(owned))

    def test_zsh_s_completion_parses(self):
        text = self.run_it("help", "--completion", "zsh").stdout
        self.assertTrue(text.startswith("#compdef vmferry\n"))
        for name in COMMANDS:
            self.assertIn(f"\t{name})\n", text)
        self.assertIn("'1:guest:->guests' '*:destination:_hosts'", text)
        if shutil.which("zsh"):
            done = subprocess.run(["zsh", "-n"], input=text, text=True,
                                  capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_an_unknown_shell_is_reported(self):
        self.assert_usage(self.run_it("help", "--completion", "fish"), "fish")


class Terminal:
    """The program on a pseudo terminal that is its controlling one."""

    def __init__(self, args, env, stdout=None):
        self.said = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            if stdout is not None:
                os.dup2(stdout, 1)
            os.execve(args[0], args, dict(env, TERM="xterm",
                                          LC_ALL="C.UTF-8"))

    def read(self, seconds):
        ready = select.select([self.fd], [], [], seconds)[0]
        try:
            data = os.read(self.fd, 65536) if ready else b""
        except OSError:
            return False
        self.said += data
        return bool(data) or not ready

    def wait_for(self, words, timeout=120):
        end = time.monotonic() + timeout
        while words not in self.said.decode(errors="replace"):
            if not self.read(0.2) or time.monotonic() > end:
                raise AssertionError(f"no {words!r} in {self.said!r}")

    def type(self, data):
        os.write(self.fd, data)

    def finish(self, timeout=180):
        end = time.monotonic() + timeout
        while self.read(0.2) and time.monotonic() < end:
            if os.waitid(os.P_PID, self.pid,
                         os.WEXITED | os.WNOHANG | os.WNOWAIT):
                while self.read(0):
                    if not select.select([self.fd], [], [], 0)[0]:
                        break
                break
        if time.monotonic() > end:
            os.kill(self.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return code

    def text(self):
        return self.said.decode(errors="replace").replace("\r\n", "\n")


class TerminalTest(case.LoopbackCase):
    """What only a terminal shows. The guest stays, or is moved at the end."""

    append = "fill=24 ws=4 rate=8"

    def terminal(self, guest, *args, login=None, env=(), **options):
        return Terminal(
            [harness.VMFERRY, "migrate", guest.name, self.sshd.target,
             *(login or self.sshd.login()), *args],
            dict(self.place.env, **dict(env)), **options)

    def moved(self, guest, text):
        """Takes the guest over that this receipt is about."""
        self.assertRegex(text, r"✔ \S+ moved ")
        guest.process.wait()
        guest.pid = int(re.search(r"RUNNING on \S+ \(pid (\d+)\)",
                                  text).group(1))

    def test_the_live_view_ends_in_the_receipt(self):
        guest = self.guest(self.append)
        t = self.terminal(guest, "--bandwidth", "20M", *harness.BUDGET)
        self.assertEqual(t.finish(), 0, t.text())
        self.moved(guest, t.text())
        self.assertIn(" left of ", t.text())
        self.assertIn("blackout if switched now", t.text())
        # the block is wiped before the receipt: nothing of it is left after
        after = t.text().rpartition("\033[J")[2]
        self.assertRegex(after, r"^✔ ")
        self.assertNotIn("\033[32m", t.text(), "NO_COLOR was set")

    def test_ctrl_c_cancels_and_the_guest_stays(self):
        guest = self.guest(self.append)
        t = self.terminal(guest, "--bandwidth", "3M")
        t.wait_for(" left of ")
        t.type(b"\x03")
        self.assertEqual(t.finish(), 6, t.text())
        self.assertIn("Ctrl-C again exits at once", t.text())
        self.assertRegex(t.text().splitlines()[-1],
                         rf"{guest.name} is RUNNING on ")
        self.assert_healthy(guest)

    def test_a_stopped_terminal_does_not_stop_the_migration(self):
        guest = self.guest(self.append)
        reader, writer = os.pipe()
        t = self.terminal(guest, "--bandwidth", "20M", *harness.BUDGET,
                          stdout=writer)
        os.close(writer)
        t.wait_for(" left of ")
        t.type(b"\x13")
        self.assertEqual(os.waitstatus_to_exitcode(
            os.waitpid(t.pid, 0)[1]), 0)
        with os.fdopen(reader) as f:
            self.moved(guest, f.read())
        os.close(t.fd)

    def encrypted(self, phrase):
        key = os.path.join(self.sshd.dir, "encrypted_key")
        if os.path.exists(key):
            os.unlink(key)
        shutil.copy(self.sshd.identity, key)
        os.chmod(key, 0o600)
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", phrase,
                        "-f", key], check=True, stdout=subprocess.DEVNULL)
        return ["-i", key, "--known-hosts", self.sshd.known_hosts,
                "-F", self.sshd.ssh_config]

    def test_a_passphrase_is_asked_for_and_not_shown(self):
        guest = self.guest(self.append)
        t = self.terminal(guest, "--dry-run", login=self.encrypted("s3cret!"))
        t.wait_for("assphrase")
        deadline = time.monotonic() + 20
        while termios.tcgetattr(t.fd)[3] & termios.ECHO:
            self.assertLess(time.monotonic(), deadline, "the echo is on")
            time.sleep(0.02)
        t.type(b"s3cret!\n")
        self.assertEqual(t.finish(), 0, t.text())
        self.assertNotIn("s3cret!", t.text())
        # nobody would be there for the guardian
        self.assertRegex(t.text(), r"WARN +hosts and login: the guardian "
                         "cannot log in to ")

    def test_a_passphrase_for_ssh_is_not_the_guardians_either(self):
        guest = self.guest(self.append)
        t = self.terminal(guest, "--dry-run", "--ssh", "openssh",
                          login=self.encrypted("s3cret!"))
        t.wait_for("assphrase")
        t.type(b"s3cret!\n")
        self.assertEqual(t.finish(), 0, t.text())
        self.assertRegex(t.text(), r"WARN +hosts and login: the guardian "
                         "cannot log in to ")

    def test_ctrl_c_at_the_question_gives_the_echo_back(self):
        guest = self.guest(self.append)
        t = self.terminal(guest, login=self.encrypted("s3cret!"))
        t.wait_for("assphrase")
        t.type(b"\x03")
        deadline = time.monotonic() + 20
        while not termios.tcgetattr(t.fd)[3] & termios.ECHO:
            self.assertLess(time.monotonic(), deadline, "the echo is off")
            time.sleep(0.02)
        self.assertNotEqual(t.finish(), 0, t.text())
        self.assertRegex(t.text().rstrip().splitlines()[-1],
                         rf"{guest.name} is RUNNING on ")

    def test_without_a_terminal_a_program_is_asked(self):
        guest = self.guest(self.append)
        program = os.path.join(self.sshd.dir, "askpass")
        with open(program, "w") as f:
            f.write("#!/bin/sh\necho 's3cret!'\n")
        os.chmod(program, 0o755)
        done = subprocess.run(
            [harness.VMFERRY, "check", guest.name, self.sshd.target,
             *self.encrypted("s3cret!")], text=True, capture_output=True,
            env=dict(self.place.env, SSH_ASKPASS=program),
            stdin=subprocess.DEVNULL, start_new_session=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        self.assertNotIn("s3cret!", done.stdout + done.stderr)

    def test_nobody_is_asked_for_a_guest_that_is_not_there(self):
        program = os.path.join(self.sshd.dir, "asked")
        note = os.path.join(self.sshd.dir, "was-asked")
        # the search for the guest begins with it
        slow = os.path.join(self.sshd.dir, "slow")
        os.mkdir(slow)
        for path, script in (
                (program, f">{note}\necho 's3cret!'"),
                (f"{slow}/ls", f"sleep 2\nexec {shutil.which('ls')} \"$@\"")):
            with open(path, "w") as f:
                f.write(f"#!/bin/sh\n{script}\n")
            os.chmod(path, 0o755)
        env = dict(self.place.env, SSH_ASKPASS=program,
                   PATH=f"{slow}:{os.environ['PATH']}")
        for backend in "libssh2", "openssh":
            done = subprocess.run(
                [harness.VMFERRY, "check", "nosuchguest", self.sshd.target,
                 "--ssh", backend, *self.encrypted("s3cret!")],
                text=True, capture_output=True, env=env,
                stdin=subprocess.DEVNULL, start_new_session=True, timeout=60)
            self.assertEqual(done.returncode, 13, done)
            self.assertFalse(os.path.exists(note), backend)

    def test_no_input_asks_nobody(self):
        guest = self.guest(self.append)
        t = self.terminal(guest, "--no-input",
                          login=self.encrypted("s3cret!"))
        self.assertEqual(t.finish(), 10, t.text())
        self.assertNotRegex(t.text(), r"assphrase[^\n]*: ?$")


if __name__ == "__main__":
    unittest.main()
