#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bad input and broken peers on one host: refused or undone, and explained.

After each of them the guest runs on the source, whole, and a migration right
after succeeds. What needs a network between hosts is in lab_faults_test.py.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import case
import harness

GARBAGE = {
    "garbage": b"\xff\x00\x1b[2J %n%s\r\n<html>\r\n" * 50,
    "truncated": b'{"QMP": {"version": {"qemu": {"major": 7,',
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "no greeting": b'{"return": {}}\r\n{"QMP": 7}\r\n',
    "deep": b"[" * 100000,
    "huge": b'{"QMP": "' + b"x" * (20 << 20),
}


class FakeMonitor:
    """Takes the place of a guest's monitor: sends its text, then hangs up."""

    def __init__(self, guest, words):
        self.path, self.kept = guest.qmp, guest.qmp + ".real"
        os.rename(self.path, self.kept)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen()
        self.words, self.clients = words, []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            if self.words is None:
                self.clients.append(client)
                continue
            try:
                client.sendall(self.words)
            except OSError:
                pass
            client.close()

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        for sock in [self.server, *self.clients]:
            sock.close()
        os.rename(self.kept, self.path)


class FaultCase(case.LoopbackCase):
    append = "fill=16 ws=4 rate=8"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one = cls.class_guest(cls.append)

    def assert_moves_after_all(self):
        self.assert_moved(self.one, self.migrate(self.one))


class WordTest(FaultCase):
    def test_an_unknown_guest_is_named_and_the_known_ones_listed(self):
        done = self.migrate("nobody")
        self.assert_exit(done, 13)
        self.assert_explained(done, "no guest nobody", self.one.name)

    def test_a_name_that_two_guests_have_is_refused_with_their_pids(self):
        twin = self.guest(name=self.one.name)
        done = self.migrate(self.one.name)
        self.assertEqual(done.code, 2, done)
        self.assert_explained(done, str(twin.pid), str(self.one.pid), "pid:")

    def test_a_destination_that_makes_no_sense_is_refused(self):
        for dest in ("", "host:notaport", "-oProxyCommand=true", "a b"):
            done = self.vmferry("migrate", "--", self.one.name, dest)
            self.assertIn(done.code, (2, 10), (dest, done))
            self.assertTrue(done.text)
        self.assert_healthy(self.one)


class MonitorTest(case.LoopbackCase):
    """Guests that were never moved: those have but one monitor."""

    def test_a_monitor_in_use_is_busy_and_its_holder_named(self):
        guest = self.guest()
        with guest.monitor():
            done = self.migrate(guest)
        # Nobody could ask whether it runs.
        self.assert_stayed(guest, done, 11, state="")
        self.assert_explained(done, re.escape(guest.qmp), str(os.getpid()))
        self.assert_hint(done)
        self.assert_moved(guest, self.migrate(guest))

    def test_a_silent_monitor_is_given_up(self):
        guest = self.guest()
        self.assert_refused_monitor(guest, None, 3, 11)
        self.assert_moved(guest, self.migrate(guest))

    def test_a_monitor_that_talks_nonsense_is_refused(self):
        guest = self.guest()
        for name, words in GARBAGE.items():
            with self.subTest(name):
                self.assert_refused_monitor(guest, words, 3)
        self.assert_moved(guest, self.migrate(guest))

    def assert_refused_monitor(self, guest, words, *codes):
        fake = FakeMonitor(guest, words)
        try:
            done = self.migrate(guest)
        finally:
            fake.close()
        self.assert_stayed(guest, done, *codes, state="")
        self.assert_explained(done, "monitor")


class LoginTest(FaultCase):
    sshd_options = ["LogLevel DEBUG1"]

    def login_with(self, known_hosts=None, identity=None):
        login = self.sshd.login()
        if known_hosts:
            login[login.index("--known-hosts") + 1] = known_hosts
        if identity:
            login[login.index("-i") + 1] = identity
        return login

    def try_login(self, *args, dest=None, **with_what):
        start = os.path.getsize(self.sshd.path("log"))
        done = self.start(self.one, *self.login_with(**with_what), *args,
                          login=False, dest=dest).finish()
        said = harness.read(self.sshd.path("log"))[start:].decode()
        self.assert_stayed(self.one, done, 10)
        self.assertEqual(done.result["outcome"], "unreachable")
        self.assert_hint(done)
        return done, said

    def scratch(self, name, text=""):
        path = os.path.join(self.sshd.dir, name)
        with open(path, "w") as f:
            f.write(text)
        self.addCleanup(harness.remove, path)
        return path

    def fingerprint(self):
        said = subprocess.run(["ssh-keygen", "-lf",
                               self.sshd.path("host_key.pub")], check=True,
                              capture_output=True, text=True).stdout
        return said.split()[1]

    def test_an_identity_that_is_not_there(self):
        done = self.start(self.one, *self.login_with(identity="/no/such/key"),
                          login=False).finish()
        self.assert_stayed(self.one, done, 2)
        self.assert_explained(done, "identity /no/such/key", "No such file")

    def test_a_port_is_named_as_ssh_takes_it(self):
        done, _ = self.try_login(dest=f"127.0.0.1:{harness.free_port()}")
        self.assertRegex(done.result["error"]["hint"],
                         r"`ssh -p \d+ 127\.0\.0\.1 true`")

    def test_a_setting_that_libssh2_does_not_follow(self):
        config = self.scratch("careful", "CheckHostIP yes\n")
        login = self.sshd.login()
        login[login.index("-F") + 1] = config
        done = self.start(self.one, *login, "--ssh", "libssh2",
                          login=False).finish()
        self.assert_stayed(self.one, done, 2)
        self.assert_explained(done, "checkhostip yes", "--ssh openssh")
        # ssh(1) follows it, and that is reported
        done = self.start(self.one, *login, login=False).finish()
        self.assert_moved(self.one, done)
        self.assertEqual(done.result["transport"], "openssh")
        self.assertRegex(done.result["transport_why"],
                         r"using ssh\(1\) .*checkhostip yes")
        self.assertIn("ssh", [e["name"] for e in done.of("warning")])
        self.assertRegex(done.text, r"(?m)^  using ssh\(1\) for ")

    def test_a_connection_refused(self):
        done, _ = self.try_login(dest=f"127.0.0.1:{harness.free_port()}")
        self.assertEqual(done.result["error"]["kind"], "network")
        self.assert_explained(done, "refused")
        self.assert_moves_after_all()

    def test_a_name_that_does_not_resolve(self):
        done, _ = self.try_login(dest="no-such-host.invalid")
        self.assertEqual(done.result["error"]["kind"], "network")
        self.assert_explained(done, "no-such-host.invalid")

    def test_an_unknown_host_key_shows_its_fingerprint_and_sends_nothing(self):
        done, said = self.try_login(known_hosts=self.scratch("empty"))
        self.assertEqual(done.result["error"]["kind"], "host-key")
        self.assert_explained(done, re.escape(self.fingerprint()))
        self.assertNotIn("userauth-request", said)
        self.assert_moves_after_all()

    def test_a_changed_host_key_is_never_accepted(self):
        other = harness.make_key(self.sshd.path("other"))
        kind, key = harness.read(other + ".pub").decode().split()[:2]
        known = self.scratch("changed", f"[127.0.0.1]:{self.sshd.port} {kind}"
                                        f" {key}\n")
        done, said = self.try_login("--accept-new-host-key",
                                    known_hosts=known)
        self.assertEqual(done.result["error"]["kind"], "host-key")
        self.assert_explained(done, re.escape(self.fingerprint()))
        self.assertNotIn("userauth-request", said)
        with open(known) as f:
            self.assertEqual(len(f.readlines()), 1)

    def test_a_new_host_key_is_accepted_when_asked(self):
        known = self.scratch("new")
        done = self.start(self.one, *self.login_with(known_hosts=known),
                          "--accept-new-host-key", login=False).finish()
        self.assert_moved(self.one, done)
        with open(known) as f:
            self.assertEqual(len(f.readlines()), 1)
        done = self.start(self.one, *self.login_with(known_hosts=known),
                          login=False).finish()
        self.assert_moved(self.one, done)

    def test_a_refused_login(self):
        stranger = harness.make_key(self.sshd.path("stranger"))
        done, said = self.try_login(identity=stranger)
        self.assertEqual(done.result["error"]["kind"],
                         "authentication")
        self.assertIn("userauth-request", said)
        self.assert_moves_after_all()

    def test_a_port_that_does_not_speak_ssh(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            port = server.getsockname()[1]
            # Says nothing at all: the deadline for a login has to end it.
            done, _ = self.try_login(dest=f"127.0.0.1:{port}")
        self.assertIn(done.result["error"]["kind"], ("network", "timeout"))


class ForwardingTest(case.LoopbackCase):
    """An sshd that connects to no socket: found before anything is started."""
    sshd_options = ["AllowStreamLocalForwarding no"]

    @unittest.skipUnless(shutil.which("ssh-agent"), "nothing that listens")
    def test_check_and_migrate_refuse_and_name_the_option(self):
        guest = self.guest()
        for done in (self.check(guest), self.migrate(guest)):
            self.assertEqual(done.code, 3, str(done))
            self.assertIn("AllowStreamLocalForwarding", done.text)
            self.assertIn("DisableForwarding", done.text)
        self.assertEqual(guest.status(), "running")


class GreetingTest(case.LoopbackCase):
    """A login that prints, and that somebody counts."""

    @classmethod
    def setUpClass(cls):
        fd, cls.counter = tempfile.mkstemp(prefix="logins-")
        os.close(fd)
        cls.addClassCleanup(os.unlink, cls.counter)
        cls.sshd_options = [
            f"ForceCommand echo login >>{cls.counter}; echo Welcome; "
            'echo Mind the gap >&2; eval "$SSH_ORIGINAL_COMMAND"']
        super().setUpClass()

    def test_a_guest_moves_and_the_login_is_paid_once(self):
        guest = self.guest()
        # On a slow machine commands that others keep waiting get a shell more,
        # up to six; the openssh way has a master and two tunnels besides.
        for way, logins in (("libssh2", 6), ("openssh", 9)):
            with self.subTest(way):
                os.truncate(self.counter, 0)
                self.assert_moved(guest, self.migrate(guest, "--ssh", way))
                said = harness.read(self.counter).decode()
                self.assertLessEqual(len(said.split()), logins)


class ForcedCommandTest(case.LoopbackCase):
    sshd_options = ["ForceCommand echo 'Backups only, please'; exit 7"]

    def test_the_hosts_own_sentence_is_shown_with_what_to_do(self):
        guest = self.guest()
        for way in ("libssh2", "openssh"):
            with self.subTest(way):
                done = self.migrate(guest, "--ssh", way)
                self.assertEqual(done.code, 10, str(done))
                self.assertIn("Backups only, please", done.text)
                self.assertIn("with status 7", done.text)
                self.assertIn("ForceCommand", done.text)
        self.assertEqual(guest.status(), "running")



def qemu_version():
    said = subprocess.run([harness.QEMU, "-version"], capture_output=True,
                          text=True, check=True).stdout
    return tuple(int(n) for n in re.search(r"version (\d+)\.(\d+)",
                                           said).groups())


@unittest.skipIf(qemu_version() >= (9, 0), "this QEMU is corrected")
class QemuFaultTest(case.LoopbackCase):
    """Of QEMU under TCG, with RAM of a multiple of 256 KiB."""

    def faults(self, done):
        return [c for c in done.json()["checks"] if c["name"] == "qemu-fault"]

    def test_a_guest_that_would_be_damaged_is_refused(self):
        guest = self.guest(memory="128M")
        done = self.migrate(guest)
        self.assert_stayed(guest, done, 3)
        self.assert_explained(done, "under TCG loses track of pages",
                              "QEMU commit 03bfc2188f06")
        self.assert_hint(done)
        (found,) = self.faults(self.check(guest, "--json"))
        self.assertEqual((found["side"], found["verdict"]), ("source", "fail"))
        # a distribution may have corrected it
        done = self.check(guest, "--json", "--skip-check", "qemu-fault")
        self.assert_exit(done, 0)
        (found,) = self.faults(done)
        self.assertEqual(found["verdict"], "warn")

    def test_it_moves_whole_when_it_is_stopped_as_the_remedy_says(self):
        guest = self.guest(memory="128M")
        (found,) = self.faults(self.check(guest, "--json"))
        self.assertIn("`stop` on its monitor, `cont` after", found["remedy"])
        with guest.monitor() as q:
            q.command("stop")
        done = self.assert_exit(self.migrate(guest), 0)
        guest.pid = done.result["owner_pid"]
        with guest.monitor() as q:
            q.command("cont")
        self.assert_healthy(guest)

    def test_with_8_kib_more_nothing_is_said(self):
        guest = self.guest(memory="131080K")
        self.assertEqual(self.faults(self.check(guest, "--json")), [])


class DestinationTest(FaultCase):
    def test_no_qemu_over_there(self):
        done = self.migrate(self.one, "--qemu-binary", "/nonexistent/qemu")
        self.assert_stayed(self.one, done, 3)
        self.assert_explained(done, "/nonexistent/qemu", "--qemu-binary")
        self.assert_hint(done)

    def test_a_program_that_is_no_qemu(self):
        done = self.migrate(self.one, "--qemu-binary", "/bin/true")
        self.assert_stayed(self.one, done, 3)
        self.assert_explained(done, "/bin/true on .* is no QEMU")
        self.assert_hint(done)

    def test_a_qemu_that_is_named_is_not_replaced_by_another(self):
        done = self.migrate(self.one, "--qemu-binary",
                            "/nonexistent/qemu-system-x86_64")
        self.assert_stayed(self.one, done, 3)
        self.assert_explained(done, "no /nonexistent/qemu-system-x86_64 on")

    def test_a_remap_that_changes_nothing_is_refused(self):
        done = self.migrate(self.one, "--remap", "/no/such=/srv")
        self.assert_stayed(self.one, done, 3)
        self.assert_explained(done, "--remap /no/such=/srv changes nothing")
        checks = [e for e in done.of("check") if e["name"] == "remap"]
        self.assertEqual([c["verdict"] for c in checks], ["fail"])
        # it can be skipped, as any check
        done = self.migrate(self.one, "--remap", "/no/such=/srv",
                            "--skip-check", "remap")
        self.assert_moved(self.one, done)

    def test_a_library_with_known_faults_is_named_with_its_package(self):
        done = self.check(self.one, "--ssh", "libssh2", "--json")
        found = [c["found"] for c in done.json()["checks"]
                 if c["name"] == "ssh-library"]
        version = json.loads(self.vmferry("version", "--json").out)["libssh2"]
        faulty = tuple(map(int, version.split(".")[:3])) <= (1, 11, 1)
        self.assertEqual(len(found), faulty)
        if faulty and shutil.which("dpkg-query"):
            self.assertRegex(found[0], rf"libssh2 {re.escape(version)} "
                             r"\(package libssh2-1\w* 1\.[0-9.]+-\S+\)")
        done = self.check(self.one, "--ssh", "openssh", "--json")
        self.assertNotIn("ssh-library",
                         [c["name"] for c in done.json()["checks"]])

    def test_a_missing_image(self):
        image = os.path.join(self.place.work, "here/disk.img")
        os.mkdir(os.path.dirname(image))
        self.addCleanup(harness.remove, os.path.dirname(image))
        with open(image, "w") as f:
            f.truncate(1 << 20)
        guest = self.guest(extra=["-drive", f"file={image},format=raw,"
                                            f"if=ide"])
        done = self.migrate(guest, "--remap", f"{os.path.dirname(image)}="
                                              f"{self.place.work}/there")
        self.assert_stayed(guest, done, 3)
        self.assert_explained(done, "there/disk.img", "--remap")
        self.assert_hint(done)
        self.assert_moved(guest, self.migrate(guest))

    def dest_args(self, change, guest=None):
        """The source's own arguments, changed, as an option."""
        f = tempfile.NamedTemporaryFile("w", dir=self.sshd.dir,
                                        delete=False)
        self.addCleanup(os.unlink, f.name)
        with f:
            f.writelines(f"{word}\n" for word in
                         change((guest or self.one).argv[1:]))
        return ["--dest-args", f.name]

    def test_destination_arguments_with_less_memory(self):
        done = self.migrate(self.one, *self.dest_args(
            lambda argv: ["65544K" if w == harness.SMALL else w
                          for w in argv]))
        self.assert_stayed(self.one, done, 3, 4)
        self.assert_hint(done)
        self.assert_moves_after_all()

    def test_destination_arguments_with_another_machine(self):
        done = self.migrate(self.one, *self.dest_args(
            lambda argv: ["pc-i440fx-6.2" if w == "pc" else w
                          for w in argv]))
        self.assert_stayed(self.one, done, 3)
        self.assert_explained(done, "pc-i440fx-6.2")
        self.assert_hint(done)
        self.assert_moves_after_all()

    def test_destination_arguments_without_a_device(self):
        extra = ["-device", "isa-serial"]
        guest = self.guest(extra=extra)
        done = self.migrate(guest, *self.dest_args(
            lambda argv: argv[:-len(extra)], guest))
        self.assert_stayed(guest, done, 3, 4)
        self.assert_explained(done, "serial")
        self.assert_moved(guest, self.migrate(guest))

    def test_a_destination_qemu_that_dies_at_once_is_quoted(self):
        done = self.migrate(self.one, *self.dest_args(
            lambda argv: [*argv, "-device", "no-such-device"]))
        self.assert_stayed(self.one, done, 4)
        self.assert_explained(done, "'no-such-device' is not a valid device")
        self.assert_hint(done)
        self.assert_moves_after_all()


class MiddleTest(FaultCase):
    """Peers that break while memory is on its way."""

    def under_way(self, guest=None):
        run = self.start(guest or self.one, *harness.HELD)
        run.wait_copying()
        return run

    def test_the_destination_qemu_is_killed(self):
        run = self.under_way()
        harness.kill(run.destination_qemu())
        done = run.finish()
        self.assert_stayed(self.one, done, 4)
        self.assert_explained(done, re.escape(self.sshd.target))
        self.assert_moves_after_all()

    def test_a_destination_qemu_that_hangs_is_reported_as_a_stall(self):
        """In the same words, whichever of tunnel, QEMU and engine is first."""
        guests = {self.one: "libssh2", self.guest(): "openssh"}
        runs = [(guest, self.start(guest, *harness.HELD, "--ssh", how))
                for guest, how in guests.items()]
        for _, run in runs:
            run.wait_copying()
            harness.kill(run.destination_qemu(), signal.SIGSTOP)
        for guest, run in runs:
            done = run.finish()
            self.assert_stayed(guest, done, 4)
            error = done.result["error"]
            self.assertEqual((error["kind"], error["message"]), (
                "network", f"the tunnel to {self.sshd.target} has not moved "
                "a byte for 30 s"), guests[guest])

    def test_the_connections_are_killed(self):
        run = self.under_way()
        self.sshd.kill_sessions()
        done = run.finish()
        self.assert_stayed(self.one, done, 4)
        self.assert_explained(done, re.escape(self.sshd.target))
        self.assert_moves_after_all()

    def test_connections_killed_in_any_phase_leave_one_guest(self):
        for phase in ("launch", "tunnel", "precopy", "switchover", "finish"):
            with self.subTest(phase):
                run = self.start(self.one)
                run.wait_phase(phase)
                self.sshd.kill_sessions()
                # before anything was copied it is a login that failed
                code = 10 if phase in ("launch", "tunnel") else 4
                self.assert_here_or_there(self.one, run.finish(), 4, code)

    def test_sshd_is_gone_for_good(self):
        run = self.under_way()
        qemu = run.destination_qemu()
        self.sshd.stop()
        done = run.finish()
        self.sshd.start()
        self.assert_stayed(self.one, done, 9)
        self.assertTrue(done.result["leftovers"])
        self.assertRegex(done.text.splitlines()[-1],
                         rf"Left to clean up: .*pid {qemu}\b")
        # what could not be undone then is undone now, by the guardian
        harness.await_no_ferry()
        self.assertFalse(harness.is_alive(qemu))
        recovered = self.vmferry("recover", "--json", *self.sshd.login())
        self.assertEqual(recovered.json()["outcome"], "nothing")
        self.assert_moves_after_all()

    def test_the_source_qemu_is_killed(self):
        guest = self.guest()
        run = self.under_way(guest)
        harness.kill(guest.pid)
        self.assert_ended(run.finish())

    def test_the_guest_powers_off(self):
        guest = self.guest()
        run = self.under_way(guest)
        guest.watch.send(guest.serial, b"q")
        self.assert_ended(run.finish())

    def assert_ended(self, done):
        self.assert_exit(done, 12)
        self.assertEqual((done.result["outcome"], done.result["owner"]),
                         ("ended", "none"))
        self.assertRegex(done.text.splitlines()[-1], "runs nowhere")


if __name__ == "__main__":
    unittest.main()
