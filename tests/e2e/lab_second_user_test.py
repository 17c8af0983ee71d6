#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What ordinary users do with their guests by themselves, and what root is
answered of it: vmferry owns, recover and status with USER/NAME."""
import json
import os
import signal
import subprocess
import sys
import unittest

import deaf_fuse
import harness
import labkit
import second_user

AWAY = ".local/state/vmferry/away"
FORGED = """vmferry-moved 1
run=run-20261201-1-forged
guest={guest}
key={guest}
uuid=
user={user}
source=hosta
destination=hostb
there_key=
there_uuid=
leaving={leaving}
uid={uid}
pid=1
ticks=1
moved=1800000000
"""


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class SecondUserTest(unittest.TestCase):

    def setUp(self):
        self.lab = labkit.Lab("second")
        self.addCleanup(self.lab.down)
        self.lab.up()
        self.a, self.b = self.lab["hosta"], self.lab["hostb"]
        for host in self.a, self.b:
            # the lab's mount point is private
            host.sh("chmod 711 /var/lib/vmferry")
        self.alice = second_user.User(self.lab, "alice", 4301)
        self.bob = second_user.User(self.lab, "bob", 4302)

    def guest(self, *args, **kwargs):
        guest = second_user.Guest(*args, **kwargs)
        self.addCleanup(guest.stop)
        return guest

    def roots_guest(self, name):
        process = subprocess.Popen(
            self.a.argv(harness.QEMU, "-name", name, "-M", "none", "-m", "16M",
                        "-nodefaults", "-display", "none", "-qmp",
                        f"unix:/run/{name}.qmp,server=on,wait=off"),
            stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(self.end_roots, name)
        harness.wait_until(lambda: os.path.exists(self.a.at(f"/run/{name}.qmp")),
                           60, "there is no monitor")
        return process

    def end_roots(self, name):
        for pid, (_, line) in self.a.processes().items():
            if line.startswith(f"{harness.QEMU} -name {name} "):
                harness.kill(pid)

    def ask(self, word, *args, host=None):
        """(exit code, the object), as root is answered."""
        done = (host or self.a).run(harness.VMFERRY, "owns", word, "--json",
                                    "--no-input", *args)
        said = json.loads(done.stdout)
        self.assertEqual(said["exit_code"], done.returncode, done.stderr)
        return done.returncode, said

    def code(self, word, *args, host=None):
        return self.ask(word, *args, host=host)[0]

    def forge(self, user, guest, leaving=0, uid=None, name=None):
        """A mark that the user writes without any migration."""
        text = FORGED.format(guest=guest, leaving=leaving,
                             uid=user.uid if uid is None else uid,
                             user=name or user.name)
        done = user.run(self.a, "sh", "-c",
                        f'umask 022; mkdir -p ~/{AWAY}; printf %s "$1" '
                        f">~/{AWAY}/run-20261201-1-forged", "sh", text)
        self.assertEqual(done.returncode, 0, done.stderr)

    # --- what root is answered -----------------------------------------------

    def test_root_is_answered_by_what_a_user_has_moved(self):
        guest = self.guest(self.alice, self.a, "web1")
        self.assertEqual(self.code("alice/web1"), 0)
        guest.migrate(self.b)
        for word in "alice/web1", f"{self.alice.uid}/web1":
            code, said = self.ask(word)
            self.assertEqual((code, said["outcome"], said["destination"],
                              said["user"]), (1, "moved", "hostb", "alice"))
        # of whom root does not say it is not known
        code, said = self.ask("web1")
        self.assertEqual((code, said["outcome"]), (7, "undecided"))
        self.assertIn("owns alice/web1", said["error"]["hint"])
        for word in "root/web1", "bob/web1", "alice/web2", "web2":
            self.assertEqual(self.code(word), 0, word)
        guest.migrate(self.a)
        for word in "alice/web1", "web1":
            self.assertEqual(self.code(word), 0, word)
        self.assertEqual(self.code("alice/web1", host=self.b), 1)

    def test_it_is_answered_so_after_a_boot(self):
        guest = self.guest(self.alice, self.a, "web1")
        guest.migrate(self.b)
        self.lab.ok("kill", "hosta")
        self.lab.up()
        self.a = self.lab["hosta"]
        self.alice.join(self.a)
        self.assertEqual(self.code("alice/web1"), 1)
        self.assertEqual(self.code("web1"), 7)
        self.assertEqual(self.code("root/web1"), 0)

    def test_it_is_undecided_while_it_leaves(self):
        guest = self.guest(self.alice, self.a, "web1",
                           append="fill=16 ws=8 rate=64")
        run = self.start_held(guest)
        code, said = self.ask("alice/web1")
        self.assertEqual((code, said["outcome"]), (7, "undecided"))
        self.assertIn("recover alice/web1", said["error"]["hint"])
        self.assertEqual(self.code("root/web1"), 0)
        for pid in self.alice.processes(self.a, "vmferry-of-users migrate"):
            harness.kill(pid, signal.SIGINT)
        self.assertEqual(run.finish().code, 6)
        self.assertEqual(self.code("alice/web1"), 0)

    def test_of_several_users_it_is_ambiguous(self):
        self.forge(self.alice, "web1")
        self.forge(self.bob, "web1")
        code, said = self.ask("web1")
        self.assertEqual((code, said["outcome"]), (7, "undecided"))
        self.assertIn("ambiguous", said["error"]["message"])
        self.assertIn("alice, bob", said["error"]["message"])
        for word, code in (("alice/web1", 1), ("bob/web1", 1),
                           ("root/web1", 0), ("nobody/web1", 0)):
            self.assertEqual(self.code(word), code, word)

    # --- what a user makes up ------------------------------------------------

    def test_a_user_decides_nothing_about_guests_of_others(self):
        for uid, name in ((None, None), (0, "root"),
                          (self.alice.uid, "alice"), (None, "alice")):
            for leaving in 0, 1:
                self.forge(self.bob, "web1", leaving, uid, name)
                for word in "root/web1", "0/web1", "alice/web1":
                    self.assertEqual(self.code(word), 0, (uid, name, word))
        # nor whether root's is here, which runs
        self.roots_guest("web1")
        self.forge(self.bob, "web1")
        self.assertEqual(self.code("web1"), 0)
        self.end_roots("web1")
        # it is not known that it is root's, but it is not moved away either
        code, said = self.ask("web1")
        self.assertEqual((code, said["run"]), (7, None))

    def test_a_user_cannot_take_anothers_mark_away(self):
        guest = self.guest(self.alice, self.a, "web1")
        guest.migrate(self.b)
        fake = self.guest(self.bob, self.a, "web1")
        self.assertEqual(self.code("alice/web1"), 1)
        done = self.bob.vmferry(self.a, "owns", "web1", "--claim")
        self.assertEqual(done.returncode, 0, done.stderr)
        fake.migrate(self.b)
        fake.migrate(self.a)
        self.assertEqual(self.code("alice/web1"), 1)
        self.assertEqual(self.code("bob/web1"), 0)

    def test_no_link_of_a_users_is_followed(self):
        self.forge(self.alice, "web1")
        done = self.bob.run(self.a, "sh", "-c",
                            "umask 022; mkdir -p ~/.local/state/vmferry; "
                            f"ln -s {self.alice.home}/{AWAY} ~/{AWAY}")
        self.assertEqual(done.returncode, 0, done.stderr)
        code, said = self.ask("bob/web1")
        self.assertEqual((code, said["user"]), (7, None))
        # what bob has made of his own does not count for anybody else
        code, said = self.ask("web2")
        self.assertEqual(code, 0)
        self.assertIn("marks of bob are passed over", "".join(said["notes"]))

    def mount_deaf(self, user, below, *how):
        """A file system of the user's that does not answer."""
        place = f"{user.home}/{below}"
        done = user.run(self.a, "mkdir", "-p", place)
        self.assertEqual(done.returncode, 0, done.stderr)
        fuse = subprocess.Popen(
            self.a.argv(sys.executable, deaf_fuse.__file__, place,
                        str(user.uid), str(user.uid), "allow_other", *how),
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(fuse.stdout.close)
        self.addCleanup(fuse.wait)
        self.addCleanup(fuse.kill)
        if fuse.stdout.readline() != "mounted\n":
            self.skipTest("there is no FUSE")

    def assert_alices_counts(self):
        code, said = self.ask("web1")
        self.assertEqual(code, 7)
        self.assertIn("alice has moved one away", said["error"]["message"])
        return "".join(said["notes"])

    def test_a_home_that_does_not_answer_hides_no_other(self):
        self.forge(self.alice, "web1")
        # what is mounted elsewhere is nobody's business
        self.mount_deaf(self.alice, "mnt")
        self.assertEqual(self.assert_alices_counts(), "")
        self.mount_deaf(self.bob, ".local")
        self.assertIn("marks of bob are passed over",
                      self.assert_alices_counts())

    def test_nor_does_one_that_answers_half(self):
        self.forge(self.alice, "web1")
        self.mount_deaf(self.bob, AWAY, "half")
        self.assertIn("marks of bob are passed over",
                      self.assert_alices_counts())

    # --- who may ask ---------------------------------------------------------

    def test_others_guests_are_for_root_to_ask_for(self):
        self.forge(self.alice, "web1")
        for command in "owns", "recover", "status":
            done = self.bob.vmferry(self.a, command, "alice/web1")
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn("only root may ask", done.stderr)
            done = self.a.run(harness.VMFERRY, command, "no-such/web1")
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn("no user no-such", done.stderr)
        done = self.bob.vmferry(self.a, "owns", "alice/web1", "--claim")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.code("alice/web1"), 1)
        # one's own may be named so
        done = self.alice.vmferry(self.a, "owns", "alice/web1")
        self.assertEqual(done.returncode, 1, done.stderr)

    # --- claims --------------------------------------------------------------

    def test_root_claims_what_a_user_has_moved(self):
        guest = self.guest(self.alice, self.a, "web1")
        guest.migrate(self.b)
        code, said = self.ask("alice/web1", "--claim")
        self.assertEqual((code, said["outcome"], said["claimed"]),
                         (3, "refused", False))
        self.assertIn("runs on hostb", json.dumps(said["error"]))
        # root does not guess whose it is to claim
        self.assertEqual(self.code("web1", "--claim"), 7)
        self.assertEqual(self.code("alice/web1"), 1)
        for pid in guest.pids():
            harness.kill(pid)
        harness.wait_until(lambda: not guest.pids(), 60, "it lives on")
        code, said = self.ask("alice/web1", "--claim")
        self.assertEqual((code, said["claimed"]), (0, True))
        for word in "alice/web1", "web1":
            self.assertEqual(self.code(word), 0, word)
        done = self.alice.vmferry(self.a, "owns", "web1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_all_hers()

    def test_a_guest_that_root_brings_back_is_here(self):
        guest = self.guest(self.alice, self.a, "web1")
        guest.migrate(self.b)
        done = self.b.run(harness.VMFERRY, "migrate", "alice/web1", "hosta",
                          "--no-input", "--watch-source", "0",
                          *harness.BUDGET, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.code("alice/web1"), 0)
        done = self.alice.vmferry(self.a, "owns", "web1")
        self.assertEqual(done.returncode, 0, done.stderr)

    # --- recover and status --------------------------------------------------

    def start_held(self, guest, by_root=False):
        roots = self.a.argv(
            harness.VMFERRY, "migrate", f"{guest.user.name}/{guest.name}",
            "hostb", "--no-input", "--watch-source", "0", *harness.HELD)
        run = harness.Run(roots if by_root else
                          guest.migrate_argv(self.b, *harness.HELD),
                          mixed=True)
        self.addCleanup(run.signal, signal.SIGKILL)
        run.wait_copying()
        return run

    def kill_ferries(self):
        """Engines and guardians on hosta, at once."""
        ferries = [p for p in self.a.processes()
                   if harness.argv_of(p)[:1] in (
                       ["vmferry"], [second_user.PROGRAM], [harness.VMFERRY])]
        for sig in signal.SIGSTOP, signal.SIGKILL:
            for pid in ferries:
                harness.kill(pid, sig)

    def broken_run(self, user=None, by_root=False):
        """A guest whose migration has died with its guardian."""
        user = user or self.alice
        guest = self.guest(user, self.a, "web1", append="fill=16 ws=8 rate=64")
        run = self.start_held(guest, by_root)
        self.kill_ferries()
        run.finish()
        return guest

    def assert_all_hers(self):
        self.assertEqual(self.a.sh(
            f"find {self.alice.home} ! -uid {self.alice.uid}"), "")

    def recover(self, word, *args):
        done = self.a.run(harness.VMFERRY, "recover", word, "--json",
                          "--no-input", "--watch-source", "0", *args,
                          timeout=300)
        return done.returncode, json.loads(done.stdout), done.stderr

    def test_root_recovers_what_a_user_has_begun(self):
        guest = self.broken_run()
        self.assertEqual(self.code("alice/web1"), 7)
        code, said, _ = self.recover("bob/web1")
        self.assertEqual((code, said["outcome"]), (0, "nothing"))
        self.assertEqual(self.code("alice/web1"), 7)
        # as she sees it
        done = self.a.run(harness.VMFERRY, "status", "alice/web1", "--json")
        (run,) = json.loads(done.stdout)["runs"]
        self.assertEqual((run["guest"], run["uid"], run["unfinished"]),
                         ("web1", self.alice.uid, True))
        code, said, text = self.recover("alice/web1")
        self.assertEqual(code, 0, text)
        self.assertEqual((said["outcome"], said["owner"]),
                         ("abort", "source"))
        self.assertEqual(guest.status(), "running")
        self.assertEqual(guest.pids(self.b), [])
        self.assertEqual(self.code("alice/web1"), 0)
        self.assert_all_hers()
        done = self.a.run(harness.VMFERRY, "status", "alice/web1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("undone by recovery", done.stdout)
        done = self.a.run(harness.VMFERRY, "status", "alice/web2")
        self.assertEqual(done.returncode, 13, done.stdout)

    def test_a_name_of_several_users_is_not_recovered(self):
        self.broken_run(self.alice, by_root=True)
        self.broken_run(self.bob, by_root=True)
        done = self.a.run(harness.VMFERRY, "recover", "web1", "--no-input")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("ambiguous whose web1", done.stderr)
        for user in "alice", "bob":
            self.assertEqual(self.code(f"{user}/web1"), 7)
        code, said, text = self.recover("alice/web1")
        self.assertEqual((code, self.code("alice/web1")), (0, 0), text)
        self.assertEqual(self.code("bob/web1"), 7)
        # now it is one user's alone
        code, said, text = self.recover("web1")
        self.assertEqual((code, self.code("bob/web1")), (0, 0), text)

    def test_root_reads_nothing_that_a_user_may_not(self):
        state = f"{self.alice.home}/.local/state/vmferry"
        self.a.sh("umask 077; echo a secret of roots >/run/secret")
        done = self.alice.run(
            self.a, "sh", "-c", "umask 077; mkdir -p ~/.local/state/vmferry/"
            "runs/run-1 ~/.local/state/vmferry/recordings; cd "
            "~/.local/state/vmferry; ln -s /run/secret runs/run-1/journal; "
            "ln -s /run/secret recordings/run-1.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        for args in (), ("--state-dir", state):
            code, said, text = self.recover("alice/run-1", *args)
            self.assertEqual(code, 7, text)
            self.assertNotIn("secret of", json.dumps(said) + text)
            done = self.a.run(harness.VMFERRY, "status", "alice/run-1", *args)
            self.assertEqual(done.returncode, 13, done.stdout)
            self.assertNotIn("secret of", done.stdout + done.stderr)

    # --- list ----------------------------------------------------------------

    def test_root_sees_whose_a_guest_is(self):
        self.roots_guest("web2")
        done = self.a.run(harness.VMFERRY, "list")
        self.assertNotIn("USER", done.stdout)
        self.guest(self.alice, self.a, "web1")
        done = self.a.run(harness.VMFERRY, "list")
        head, *rows = [ln.split() for ln in done.stdout.splitlines()]
        self.assertEqual(head[:2], ["NAME", "USER"])
        self.assertEqual({tuple(r[:2]) for r in rows},
                         {("web1", "alice"), ("web2", "root")})
        done = self.a.run(harness.VMFERRY, "list", "--json")
        self.assertEqual({(g["name"], g["user"])
                          for g in json.loads(done.stdout)["guests"]},
                         {("web1", "alice"), ("web2", "root")})


if __name__ == "__main__":
    unittest.main()
