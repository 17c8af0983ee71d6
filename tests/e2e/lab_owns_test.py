#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may start a guest where, between two hosts: vmferry owns."""
import json
import os
import signal
import subprocess
import unittest

import harness
import labkit

UUID = "6d6f7665-0000-4000-8000-000000000001"


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class OwnsTest(unittest.TestCase):

    def setUp(self):
        self.lab = labkit.Lab("owns")
        self.addCleanup(self.lab.down)
        self.lab.up()
        self.a, self.b = self.lab["hosta"], self.lab["hostb"]

    def guest(self, *extra, under=()):
        guest = labkit.LabGuest(self.a, "web1", "fill=16 ws=4 rate=8",
                                harness.SMALL, extra, under)
        self.addCleanup(guest.stop)
        return guest

    def owns(self, host, *args, word="web1"):
        """(exit code, the object)"""
        done = host.run(harness.VMFERRY, "owns", word, "--json", "--no-input",
                        *args)
        self.assertEqual(json.loads(done.stdout)["exit_code"],
                         done.returncode, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def move(self, guest):
        done = guest.start().finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)
        return done

    def test_the_mark_follows_the_guest(self):
        guest = self.guest()
        self.assertEqual(self.owns(self.a)[0], 0)
        done = self.move(guest)
        code, said = self.owns(self.a)
        self.assertEqual((code, said["outcome"], said["owner"], said["run"],
                          said["destination"]),
                         (1, "moved", "destination", done.result["run"],
                          "hostb"))
        self.assertEqual(self.owns(self.b)[0], 0)
        self.assertEqual(self.owns(self.a, word="web2")[0], 0)
        self.move(guest)
        self.assertEqual(self.owns(self.a)[0], 0)
        self.assertEqual(self.owns(self.b)[0], 1)
        self.assertEqual(labkit.problems(guest, self.lab), [])

    def test_a_script_that_asks_starts_nothing(self):
        loop = (f'PATH={harness.BUILD}:$PATH\n'
                'while vmferry owns web1; do "$@"; done')
        guest = self.guest(under=("sh", "-c", loop, "web1"))
        self.move(guest)
        # the shell has asked, and has ended
        self.assertEqual(guest.process.wait(60), 0)
        self.assertEqual(labkit.problems(guest, self.lab), [])

    def test_a_claim_is_refused_while_it_runs_elsewhere(self):
        guest = self.guest("-uuid", UUID)
        self.move(guest)
        code, said = self.owns(self.a, "--claim", word=UUID.upper())
        self.assertEqual((code, said["outcome"]), (3, "refused"))
        self.assertIn("hostb", said["error"]["message"])
        self.assertEqual(self.owns(self.a)[0], 1)
        harness.kill(guest.outside_pid)
        harness.wait_until(lambda: not harness.is_alive(guest.outside_pid),
                           60, "the guest lives on")
        code, said = self.owns(self.a, "--claim")
        self.assertEqual((code, said["claimed"]), (0, True))
        self.assertEqual(self.owns(self.a)[0], 0)

    # --- who asks ------------------------------------------------------------

    ALICE = ("setpriv", "--reuid", "65534", "--regid", "65534",
             "--clear-groups", "env", "HOME=/run/home", "XDG_STATE_HOME=")

    def ask_as_alice(self, host, *args):
        host.sh("mkdir -p /run/home; chown 65534 /run/home; cp -u "
                f"{harness.VMFERRY} /run/vmferry-of-alice")
        done = host.run(*self.ALICE, "/run/vmferry-of-alice", "owns", "web1",
                        "--json", "--no-input", *args)
        return done.returncode, json.loads(done.stdout)

    def guest_of_alice(self):
        """Started in a directory of hers, where its monitor is."""
        for host in self.lab.hosts.values():
            host.sh("mkdir -p /run/a; chown 65534:65534 /run/a")
        guest = subprocess.Popen(
            self.a.argv(*self.ALICE, harness.QEMU, "-name", "web1", "-M",
                        "none", "-m", "16M", "-nodefaults", "-display", "none",
                        "-qmp", "unix:/run/a/qmp,server=on,wait=off"),
            stdin=subprocess.DEVNULL)
        self.addCleanup(guest.wait)
        self.addCleanup(guest.kill)
        harness.wait_until(lambda: os.path.exists(self.a.at("/run/a/qmp")),
                           60, "no monitor")

    def ended_on(self, host):
        for pid, (_, line) in host.processes().items():
            if line.startswith(harness.QEMU):
                harness.kill(pid)

    def test_the_guests_user_learns_of_roots_migration(self):
        # the lab's mount point is private
        self.a.sh("chmod 711 /var/lib/vmferry")
        self.guest_of_alice()
        self.addCleanup(self.ended_on, self.b)
        self.assertEqual(self.ask_as_alice(self.a)[0], 0)
        done = self.a.run(harness.VMFERRY, "migrate", "web1", "hostb",
                          "--no-input", "--watch-source", "0", "--json",
                          "--state-dir", "/srv/local/state")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for args in (), ("--state-dir", "/run/home/other"):
            code, said = self.ask_as_alice(self.a, *args)
            self.assertEqual((code, said["destination"]), (1, "hostb"), said)
        # the host may not answer any more, and yet it is root's to say
        self.ended_on(self.b)
        code, said = self.ask_as_alice(self.a, "--claim")
        self.assertEqual((code, said["outcome"]), (3, "refused"))
        self.assertEqual(self.ask_as_alice(self.a)[0], 1)
        self.assertEqual(self.owns(self.a, "--claim", word="nobody/web1")[0],
                         0)
        self.assertEqual(self.ask_as_alice(self.a)[0], 0)

    def test_what_cannot_be_read_is_not_known(self):
        guest = self.guest()
        self.move(guest)
        self.a.sh("chmod 700 /var/lib/vmferry")
        self.addCleanup(self.a.sh, "chmod 711 /var/lib/vmferry")
        code, said = self.ask_as_alice(self.a)
        self.assertEqual((code, said["outcome"]), (7, "undecided"))
        self.assertIn("chmod 711", said["error"]["hint"])

    def test_another_state_directory_hides_no_move(self):
        guest = self.guest()
        run = guest.start("--state-dir", "/srv/local/state", *harness.HELD)
        run.wait_copying()
        self.assertEqual(self.owns(self.a)[0], 7)
        run.signal(signal.SIGINT)
        self.assertEqual(run.finish().code, 6)
        self.assertEqual(self.owns(self.a)[0], 0)
        done = guest.start("--state-dir", "/srv/local/state").finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)
        self.assertEqual(self.owns(self.a)[0], 1)
        self.assertEqual(self.owns(self.a, "--state-dir", "/srv/local/x")[0],
                         1)

    def test_a_name_with_a_control_character_is_found(self):
        guest = subprocess.Popen(
            self.a.argv(harness.QEMU, "-name", "web\t2", "-M", "none", "-m",
                        "16M", "-nodefaults", "-display", "none", "-qmp",
                        "unix:/run/2.qmp,server=on,wait=off"),
            stdin=subprocess.DEVNULL)
        self.addCleanup(guest.wait)
        self.addCleanup(guest.kill)
        self.addCleanup(self.ended_on, self.b)
        harness.wait_until(lambda: os.path.exists(self.a.at("/run/2.qmp")),
                           60, "no monitor")
        done = self.a.run(harness.VMFERRY, "migrate", "qmp:/run/2.qmp",
                          "hostb", "--no-input", "--watch-source", "0")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.owns(self.a, word="web\t2")[0], 1)
        self.assertEqual(self.owns(self.a, word="web?2")[0], 0)

    # --- claims --------------------------------------------------------------

    def test_a_claim_is_refused_when_it_was_moved_on(self):
        self.lab.up("3")
        c = self.lab["hostc"]
        guest = self.guest("-uuid", UUID)
        self.move(guest)
        done = guest.start(there=c).finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done, c)
        code, said = self.owns(self.a, "--claim")
        self.assertEqual((code, said["outcome"]), (3, "refused"))
        self.assertIn("moved on from hostb to hostc",
                      said["error"]["message"])
        self.assertEqual(self.owns(self.a)[0], 1)

    def test_a_claim_is_refused_when_it_has_another_name_there(self):
        guest = self.guest()
        (pid,) = self.twins()
        argv = harness.read(f"/proc/{pid}/cmdline").decode().split("\0")
        argv[argv.index("web1")] = "web1-b"
        with open(self.a.at("/run/args"), "w") as f:
            f.write("\n".join(argv[1:-1]) + "\n")
        done = guest.start("--dest-args", "/run/args").finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)
        self.assertEqual(self.owns(self.a, "--claim")[0], 3)

    def test_a_claim_is_refused_when_one_there_has_no_name(self):
        guest = self.guest()
        self.move(guest)
        harness.kill(guest.outside_pid)
        self.b.sh(f"{harness.QEMU} -M none -display none -daemonize")
        self.addCleanup(self.ended_on, self.b)
        code, said = self.owns(self.a, "--claim")
        self.assertEqual((code, said["outcome"]), (3, "refused"))
        self.assertIn("neither name nor UUID", said["error"]["message"])

    def test_an_unfinished_run_leaves_it_undecided(self):
        guest = self.guest()
        run = guest.start(*harness.HELD)
        run.wait_copying()
        code, said = self.owns(self.a)
        self.assertEqual((code, said["outcome"], said["owner"]),
                         (7, "undecided", "unknown"))
        self.assertIn("recover", said["error"]["hint"])
        run.signal(signal.SIGINT)
        self.assertEqual(run.finish().code, 6)
        self.assertEqual(self.owns(self.a)[0], 0)

    # --- somebody starts it again --------------------------------------------

    LOOP = 'while :; do "$@"; sleep {0}; done'

    def moved_from_a_loop(self, pause, watch):
        guest = self.guest(under=("sh", "-c", self.LOOP.format(pause), "web1"))
        done = guest.start("--skip-check", "supervisor", watch=watch).finish()
        self.assertIn(done.code, (0, 8), done)
        guest.arrive(done)
        return guest, done

    def twins(self):
        return [p for p, (_, line) in self.a.processes().items()
                if line.startswith(harness.QEMU)]

    def state_on_a(self, guest):
        with harness.Qmp(self.a.at(guest.qmp)) as q:
            return q.command("query-status")["status"]

    def started_again(self):
        done = self.a.run(harness.VMFERRY, "status", "web1", "--json")
        (run,) = json.loads(done.stdout)["runs"]
        return run["started_again"]

    def test_a_second_start_is_stopped_after_the_result(self):
        guest, done = self.moved_from_a_loop(3, "60")
        self.assertEqual(done.code, 0, done)
        text = harness.wait_until(self.started_again, 60,
                                  "nobody saw the second start")
        (pid,) = self.twins()
        self.assertIn(f"pid {self.a.processes()[pid][0]}", text)
        self.assertIn("was stopped, not ended", text)
        self.assertEqual(self.state_on_a(guest), "paused")
        self.assertEqual(guest.monitor().command("query-status")["status"],
                         "running")
        said = self.a.run(harness.VMFERRY, "status", "web1").stdout
        self.assertIn(text, said)

    def test_one_before_the_result_is_named_in_the_last_line(self):
        guest = self.guest("-uuid", UUID)
        run = guest.start("--bandwidth", "2M", "--max-blackout", "10000")
        run.wait_phase("precopy")
        twin = subprocess.Popen(self.a.argv(
            harness.QEMU, "-name", "other", "-uuid", UUID, "-M", "none",
            "-display", "none", "-qmp",
            "unix:/run/twin.qmp,server=on,wait=off"))
        self.addCleanup(twin.wait)
        self.addCleanup(twin.kill)
        done = run.finish()
        self.assertEqual(done.code, 8, done)
        guest.arrive(done)
        (text,) = done.result["leftovers"]
        self.assertIn("other was started on the source again", text)
        self.assertIn("was stopped, not ended", text)
        self.assertIn(text, done.text.splitlines()[-1])
        with harness.Qmp(self.a.at("/run/twin.qmp")) as q:
            self.assertEqual(q.command("query-status")["status"], "paused")
        # nothing of the run is unfinished
        self.assertEqual(self.owns(self.a)[0], 1)
        self.assertEqual(self.a.sh("ls /var/lib/vmferry/runs"), "")

    def test_one_that_was_there_before_is_left_alone(self):
        self.a.sh(f"{harness.QEMU} -name other -uuid {UUID} -M none "
                  "-display none -daemonize -qmp "
                  "unix:/run/twin.qmp,server=on,wait=off")
        guest = self.guest("-uuid", UUID)
        done = guest.start(watch="1").finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)
        with harness.Qmp(self.a.at("/run/twin.qmp")) as q:
            self.assertEqual(q.command("query-status")["status"], "running")
            q.command("quit")


if __name__ == "__main__":
    unittest.main()
