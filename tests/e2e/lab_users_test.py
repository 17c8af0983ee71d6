#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests of two users that have one name and UUID: each is its user's."""
import json
import os
import pwd
import signal
import socket
import subprocess
import unittest

import harness
import labkit

UUID = "6d6f7665-0000-4000-8000-00000000beef"
ALICE = pwd.getpwnam("nobody")
AS_ALICE = ("setpriv", "--reuid", str(ALICE.pw_uid), "--regid",
            str(ALICE.pw_gid), "--clear-groups")
IMITATION = "/run/imitation/qemu-system-x86_64"


class Guest:
    """A guest in a directory of its own on each host."""

    def __init__(self, host, name, *extra, alice=False, tag=None, env=(),
                 append="fill=8 ws=1 rate=2"):
        self.host, self.name, self.dir = host, name, f"/run/{tag or name}.d"
        for each in host.lab.hosts.values():
            each.sh(f"mkdir -p {self.dir}; cp {harness.GUEST_ELF} "
                    f"{self.dir}/k; chmod 755 {self.dir}; "
                    f"chmod 644 {self.dir}/k")
            if alice:
                each.sh(f"chown -R {ALICE.pw_uid}:{ALICE.pw_gid} {self.dir}")
        self.qmp = f"{self.dir}/qmp"
        self.process = subprocess.Popen(host.argv(
            *(AS_ALICE if alice else ()), *(("env", *env) if env else ()),
            harness.QEMU, "-name", name, "-accel", "tcg", "-M", "pc", "-m",
            harness.SMALL, "-nodefaults", "-display", "none", "-kernel",
            f"{self.dir}/k", "-append", append, "-qmp",
            f"unix:{self.qmp},server=on,wait=off", *extra),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        harness.wait_until(lambda: os.path.exists(host.at(self.qmp)), 60,
                           "there is no monitor")

    def pids(self, host=None):
        """Its processes on a host: (pid seen from here, its own)."""
        return [(p, own)
                for p, (own, line) in (host or self.host).processes().items()
                if line.startswith(harness.QEMU) and self.dir in line]

    @property
    def word(self):
        ((_, own),) = self.pids()
        return f"pid:{own}"

    def status(self):
        with harness.Qmp(self.host.at(self.qmp)) as q:
            return q.command("query-status")["status"]

    def stop(self):
        for host in self.host.lab.hosts.values():
            for pid, _ in self.pids(host):
                harness.kill(pid)
        self.process.kill()
        self.process.wait()


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class UsersTest(unittest.TestCase):

    def setUp(self):
        self.lab = labkit.Lab("users")
        self.addCleanup(self.lab.down)
        self.lab.up()
        self.a, self.b = self.lab["hosta"], self.lab["hostb"]

    def guest(self, *args, **kwargs):
        guest = Guest(*args, **kwargs)
        self.addCleanup(guest.stop)
        return guest

    def alices(self, host, name, *extra, **kwargs):
        return self.guest(host, name, *extra, alice=True, **kwargs)

    def run_on(self, host, *args):
        return host.run(harness.VMFERRY, *args, timeout=180)

    def migrate(self, host, word, there, *args, code=0):
        done = self.run_on(host, "migrate", word, there, "--no-input",
                           *(args or ("--watch-source", "0")),
                           *harness.BUDGET)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def owns(self, host, word):
        done = self.run_on(host, "owns", word, "--json")
        said = json.loads(done.stdout)
        self.assertEqual(said["exit_code"], done.returncode)
        return done.returncode, said.get("user")

    def imitate(self, host, *args):
        """A process of alice's that is called like a QEMU."""
        host.sh(f"mkdir -p {os.path.dirname(IMITATION)}; "
                f"cp $(readlink -f /usr/bin/python3) {IMITATION}; "
                f"chmod 755 {os.path.dirname(IMITATION)} {IMITATION}")
        process = subprocess.Popen(host.argv(
            *AS_ALICE, IMITATION, "-c", "import time; time.sleep(600)",
            *args))

        def end():
            for pid, (_, line) in host.processes().items():
                if line.startswith(IMITATION):
                    harness.kill(pid)
            process.kill()
            process.wait()
        self.addCleanup(end)
        harness.wait_until(
            lambda: any(line.startswith(IMITATION)
                        for _, line in host.processes().values()),
            60, "it does not start")
        return process

    # --- marks ---------------------------------------------------------------

    def test_another_users_guest_takes_no_mark_away(self):
        self.guest(self.a, "web1", "-uuid", UUID)
        self.migrate(self.a, "web1", "hostb")
        self.assertEqual(self.owns(self.a, "web1"), (1, "root"))
        self.lab.up("3")
        self.alices(self.a, "alices", "-uuid", UUID)
        self.migrate(self.a, "alices", "hostc")
        for word in ("web1", UUID, "root/web1", f"0/{UUID}"):
            self.assertEqual(self.owns(self.a, word), (1, "root"), word)
        self.assertEqual(self.owns(self.a, f"nobody/{UUID}"), (1, "nobody"))
        # and does not when it comes back
        self.migrate(self.lab["hostc"], "alices", "hosta")
        self.assertEqual(self.owns(self.a, UUID), (1, "root"))
        self.assertEqual(self.owns(self.a, f"nobody/{UUID}"), (0, None))

    def test_another_users_mark_does_not_bar_an_own_guest(self):
        alices = self.alices(self.a, "web1", "-uuid", UUID, tag="alices")
        self.migrate(self.a, alices.word, "hostb")
        # root may have started it for her
        self.assertEqual(self.owns(self.a, "web1"), (1, "nobody"))
        self.assertEqual(self.owns(self.a, "root/web1"), (0, None))
        self.assertEqual(self.owns(self.a, "nobody/web1"), (1, "nobody"))
        self.guest(self.a, "web1", "-uuid", UUID)
        self.assertEqual(self.owns(self.a, "web1"), (0, None))
        self.assertEqual(self.owns(self.a, "nobody/web1"), (1, "nobody"))

    # --- locks and journals --------------------------------------------------

    def test_a_migration_of_another_users_guest_keeps_no_one_waiting(self):
        web1 = self.guest(self.a, "web1", "-uuid", UUID)
        alices = self.alices(self.a, "web1", "-uuid", UUID, tag="alices",
                             append="fill=16 ws=8 rate=64")
        run = harness.Run(self.a.argv(
            harness.VMFERRY, "migrate", alices.word, "hostb", "--no-input",
            *harness.HELD), mixed=True)
        self.addCleanup(run.signal, signal.SIGKILL)
        run.wait_copying()
        self.assertEqual(self.owns(self.a, "web1"), (0, None))
        self.assertEqual(self.owns(self.a, "nobody/web1")[0], 7)
        # to the same host, by its name: root's
        said = self.migrate(self.a, "web1", "hostb")
        self.assertIn("another user's guest", said)
        self.assertEqual(len(web1.pids(self.b)), 1)
        self.assertEqual(len(alices.pids(self.a)), 1)
        self.assertEqual(self.owns(self.a, "web1"), (1, "root"))
        run.signal(signal.SIGINT)
        self.assertEqual(run.finish().code, 6)
        self.assertEqual(alices.status(), "running")

    # --- the watch of the source ---------------------------------------------

    def test_another_users_guest_is_not_stopped(self):
        self.alices(self.a, "alices", "-uuid", UUID)
        # that only root may connect to
        where = os.open(self.a.at("/run"), os.O_PATH)
        self.addCleanup(os.close, where)
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(f"/proc/self/fd/{where}/roots.sock")
        os.chmod(self.a.at("/run/roots.sock"), 0o600)
        server.listen(64)
        server.settimeout(0)
        self.migrate(self.a, "alices", "hostb", "--watch-source", "20")
        web2 = self.guest(self.a, "web2", "-uuid", UUID)
        self.imitate(self.a, "-name", "alices", "-uuid", UUID, "-qmp",
                     "unix:/run/roots.sock,server=on,wait=off")

        def found():
            done = self.run_on(self.a, "status", "alices", "--json")
            (run,) = json.loads(done.stdout)["runs"]
            return run["started_again"]
        # the imitation is one, and is alice's
        self.assertIn("could not be stopped",
                      harness.wait_until(found, 60, "nobody looked"))
        with self.assertRaises(BlockingIOError):
            server.accept()
        self.assertEqual(web2.status(), "running")

    # --- names ---------------------------------------------------------------

    def test_another_users_process_does_not_stop_a_name(self):
        web1 = self.guest(self.a, "web1")
        self.imitate(self.b, "-name", "web1")
        self.imitate(self.a, "-name", "web1")
        said = self.migrate(self.a, "web1", "hostb")
        self.assertIn("another user's guest", said)
        self.assertEqual(len(web1.pids(self.b)), 1)

    # --- records of arrivals -------------------------------------------------

    def test_another_guests_record_stays(self):
        web1 = self.guest(self.a, "web1", "-pidfile", "/run/web1.d/pid")
        self.migrate(self.a, "web1", "hostb")
        (record,) = self.b.sh("ls /var/lib/vmferry/arrived").split()
        self.alices(self.b, "alices",
                    env=(f"VMFERRY_RUN_DIR=/run/vmferry/{record}",))
        self.migrate(self.b, "alices", "hosta")
        self.assertEqual(self.b.sh("ls /var/lib/vmferry/arrived"), record)
        for pid, _ in web1.pids(self.b):
            harness.kill(pid)
        harness.wait_until(
            lambda: "pid" not in self.b.sh("ls /run/web1.d").split(), 60,
            "its names stay behind")


if __name__ == "__main__":
    unittest.main()
