#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What carries the memory: each lane there and back, broken, and refused."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import unittest

import case
import harness

FIRST, LAST = 49152, 49215
LANES = {"ssh": (), "openssh": (), "tcp": ("--insecure",)}
BUSY = "fill=16 ws=8 rate=40"
# from here on a comparison may pay; only a little of it is ever touched
LARGE = "2097160K"


def lane(name):
    return ["--transport", name, *LANES.get(name, ())]


def listening():
    """Ports of the range at which somebody listens on this host."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in harness.read(table).decode().splitlines()[1:]:
            words = line.split()
            port = int(words[1].rpartition(":")[2], 16)
            if words[3] == "0A" and FIRST <= port <= LAST:
                found.add(port)
    return found


@contextlib.contextmanager
def taken(ports):
    """Somebody else has these ports."""
    with contextlib.ExitStack() as stack:
        for port in ports:
            s = stack.enter_context(socket.socket())
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            s.listen()
        yield


class Stranger(threading.Thread):
    """Connects to whatever listens first, and keeps the connection."""

    def __init__(self):
        super().__init__()
        self.stop, self.connected = threading.Event(), []

    def run(self):
        while not self.stop.is_set() and not self.connected:
            # to a port without a listener it might connect to itself
            for port in listening():
                self.connected.append(
                    socket.create_connection(("127.0.0.1", port)))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join()
        for s in self.connected:
            s.close()


class LanesCase(case.LoopbackCase):
    def setUp(self):
        super().setUp()
        # the last to be looked at
        self._cleanups.insert(0, (self.assert_nobody_listens, (), {}))

    def assert_nobody_listens(self):
        self.assertEqual(listening(), set(), "a port is left open")


class ThereAndBackTest(LanesCase):
    def test_each_lane_carries_a_guest_under_load(self):
        guest = self.guest(BUSY)
        for name in LANES:
            for _ in range(2):
                with self.subTest(name):
                    done = self.migrate(guest, *lane(name))
                    self.assert_moved(guest, done)
                    self.assertEqual(done.result["transport"], name)
                    self.assertGreater(done.result["tunnel_bytes"], 16 << 20)
                    self.assertEqual(listening(), set())

    def test_clear_text_is_said_and_who_listens_is_gone(self):
        guest = self.guest()
        done = self.migrate(guest, *lane("tcp"))
        self.assert_moved(guest, done)
        self.assertIn("in clear", done.text)
        self.assertEqual([e["action"] for e in done.of("decision")
                          if e["action"].startswith("transport")],
                         ["transport-tcp"])

    def test_the_login_by_ssh1_has_its_own_lane_already(self):
        guest = self.guest()
        for args in (("--ssh", "openssh"),
                     ("--ssh", "openssh", "--transport", "openssh"),
                     ("--ssh", "openssh", "--transport", "auto")):
            done = self.migrate(guest, *args)
            self.assert_moved(guest, done)
            self.assertEqual(done.result["transport"], "openssh")
        done = self.migrate(guest, "--ssh", "openssh", *lane("tcp"))
        self.assert_moved(guest, done)
        self.assertEqual(done.result["transport"], "tcp")

    def test_to_this_host_there_is_one_way(self):
        guest = self.guest()
        for name in LANES:
            done = self.migrate(guest, *lane(name), dest="local", login=False)
            self.assert_moved(guest, done)
            self.assertEqual(done.result["transport"], "local")

    def test_auto_compares_for_a_large_guest_and_says_what_it_found(self):
        guest = self.guest(memory=LARGE)
        done = self.migrate(guest, *lane("auto"))
        self.assert_moved(guest, done)
        result = done.result
        self.assertIn(result["transport"], ("ssh", "openssh"))
        self.assertRegex(result["transport_why"],
                         "MB/s|slower than either cipher")
        (choice,) = [e for e in done.of("decision")
                     if e["action"].startswith("transport-")]
        self.assertEqual(choice["action"],
                         f"transport-{result['transport']}")

    def test_auto_does_not_compare_for_a_small_guest(self):
        guest = self.guest()
        done = self.migrate(guest, *lane("auto"))
        self.assert_moved(guest, done)
        self.assertEqual(done.result["transport"], "ssh")
        self.assertIn("too small", done.result["transport_why"])


class RefusedTest(LanesCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one = cls.class_guest()

    def assert_usage(self, args, *words):
        done = self.vmferry("migrate", self.one.name, self.sshd.target,
                            *self.sshd.login(), *args)
        self.assertEqual(done.code, 2, done)
        for word in words:
            self.assertIn(word, done.err)
        self.assert_healthy(self.one)

    def test_tcp_alone_is_refused_with_the_reason(self):
        self.assert_usage(["--transport", "tcp"], "in clear", "--insecure",
                          "--transport auto or ssh")

    def test_insecure_alone_is_refused(self):
        self.assert_usage(["--insecure"], "--transport tcp")
        self.assert_usage(["--insecure", "--transport", "auto"],
                          "--transport tcp")

    def test_words_that_are_none_are_refused(self):
        for word in ("tls", "TCP", "", "ssh,tcp"):
            self.assert_usage(["--transport", word],
                              "ssh, openssh, tcp, auto")

    def test_a_file_of_settings_does_not_make_it_insecure(self):
        where = os.path.join(self.place.work, "vmferry")
        os.makedirs(where)
        self.addCleanup(shutil.rmtree, where)
        with open(os.path.join(where, "vmferry.conf"), "w") as f:
            f.write("[migrate]\ninsecure = yes\n")
        self.assert_usage([], "insecure")
        with open(os.path.join(where, "vmferry.conf"), "w") as f:
            f.write("[migrate]\ntransport = tcp\n")
        self.assert_usage([], "--insecure")

    def row(self, *args, code=0):
        done = self.check(self.one, "--json", *args)
        self.assertEqual(done.code, code, done)
        (row,) = [r for r in done.json()["checks"]
                  if r["name"] == "transport"]
        return row

    def test_check_says_what_can_be_had(self):
        self.assertEqual(self.row()["verdict"], "pass")
        row = self.row(*lane("tcp"))
        self.assertEqual(row["verdict"], "warn")
        for word in ("in clear", "127.0.0.1", str(FIRST), str(LAST)):
            self.assertIn(word, row["found"])
        row = self.row(*lane("openssh"))
        self.assertEqual(row["verdict"], "pass")
        self.assertIn("ssh(1) logs in", row["found"])

    def test_an_ssh1_that_does_not_log_in_is_found_before_any_change(self):
        where = os.path.join(self.place.work, "bin")
        os.mkdir(where)
        self.addCleanup(shutil.rmtree, where)
        with open(os.path.join(where, "ssh"), "w") as f:
            f.write("#!/bin/sh\nfor word; do\n"
                    f'[ "$word" != -G ] || exec {shutil.which("ssh")} "$@"\n'
                    "done\necho no way out >&2\nexit 255\n")
        os.chmod(os.path.join(where, "ssh"), 0o755)
        before = self.place.env["PATH"]
        self.place.env["PATH"] = f"{where}:{before}"
        try:
            row = self.row(*lane("openssh"), code=3)
            done = self.migrate(self.one, *lane("openssh"))
            skipped = self.migrate(self.one, *lane("openssh"),
                                   "--skip-check", "transport")
        finally:
            self.place.env["PATH"] = before
        self.assertEqual(row["verdict"], "fail")
        self.assertIn("--transport ssh", row["remedy"])
        self.assertIn("no way out", row["found"])
        for outcome in (done, skipped):
            self.assert_stayed(self.one, outcome, 3)
            self.assert_explained(outcome, "no way out")
        self.assertNotIn("launch", done.phases())

    def test_a_port_in_use_is_passed_over(self):
        with taken(range(FIRST, LAST)):
            run = self.start(self.one, *lane("tcp"), *harness.HELD)
            run.wait_copying()
            mine = {p for p in listening() if p == LAST}
            run.signal(signal.SIGINT)
            done = run.finish()
        self.assertEqual(mine, {LAST})
        self.assert_stayed(self.one, done, 6)

    def test_with_no_port_left_it_stays_and_says_so(self):
        with taken(range(FIRST, LAST + 1)):
            done = self.migrate(self.one, *lane("tcp"))
        self.assert_stayed(self.one, done, 4)
        self.assert_explained(done, f"{FIRST} to {LAST}", "in use")

    @unittest.skipUnless(shutil.which("strace"), "strace is not here")
    def test_who_connects_first_gets_nothing(self):
        with Stranger() as stranger:
            run = harness.Run(
                ["strace", "-qq", "-o", "/dev/null",
                 "-e", "trace=connect",
                 "-e", "inject=connect:delay_enter=300000",
                 harness.VMFERRY, "migrate", self.one.name, self.sshd.target,
                 *self.sshd.login(), *lane("tcp"), *harness.BUDGET],
                self.place.env, self.one)
            self.addCleanup(run.abandon)
            done = run.finish()
            got = [s.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
                   for s in stranger.connected if is_readable(s)]
        self.assertTrue(stranger.connected)
        self.assertFalse(any(got), "the stranger was given bytes")
        self.assert_stayed(self.one, done, 4)
        self.assert_explained(done, "not from here", "nothing was sent")


def is_readable(s):
    s.setblocking(False)
    try:
        s.recv(1, socket.MSG_PEEK)
        return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return False


class BrokenTest(LanesCase):
    """The lane ends under way: undone, and it moves after all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.busy = cls.class_guest(BUSY)

    def held(self, name):
        run = self.start(self.busy, *lane(name), *harness.HELD)
        run.wait_copying()
        return run

    def endpoints(self, run):
        """Processes that carry bytes for it, the youngest last."""
        return [p for p in sorted(harness.children(run.process.pid))
                if harness.read(f"/proc/{p}/cmdline").endswith(
                    b"ssh-endpoint\0")]

    def test_a_lane_whose_process_is_killed_is_undone(self):
        for name in LANES:
            with self.subTest(name):
                run = self.held(name)
                harness.kill(self.endpoints(run)[-1])
                done = run.finish()
                self.assert_stayed(self.busy, done, 4)
                self.assertEqual(listening(), set())

    def test_a_child_ssh_that_is_killed_is_named(self):
        run = self.held("openssh")
        mine = [p for p, line in harness.ours().items()
                if line.startswith("ssh -M ")]
        self.assertGreaterEqual(len(mine), 2)
        harness.kill(max(mine))
        self.assert_stayed(self.busy, run.finish(), 4)

    def test_a_reset_of_the_plain_connection_is_undone(self):
        run = self.held("tcp")
        (port,) = listening()
        subprocess.run(["ss", "-K", "dport", "=", str(port)], check=True,
                       stdout=subprocess.DEVNULL)
        self.assert_stayed(self.busy, run.finish(), 4)

    def test_ctrl_c_ends_each_lane(self):
        for name in LANES:
            with self.subTest(name):
                run = self.held(name)
                run.signal(signal.SIGINT)
                self.assert_stayed(self.busy, run.finish(), 6)
                self.assertEqual(listening(), set())

    def test_an_engine_that_dies_leaves_no_open_port(self):
        for name in LANES:
            with self.subTest(name):
                run = self.held(name)
                run.signal(signal.SIGKILL)
                run.finish()
                harness.await_no_ferry()
                self.assert_healthy(self.busy)
                self.assertEqual(listening(), set())

    def test_a_relay_that_goes_on_no_more_is_cut(self):
        run = self.held("tcp")
        pid = self.endpoints(run)[-1]
        harness.kill(pid, signal.SIGSTOP)
        done = run.finish()
        self.assert_stayed(self.busy, done, 4)
        self.assertFalse(harness.is_alive(pid))


if __name__ == "__main__":
    unittest.main()
