#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may start a guest where, between two hosts: vmferry owns."""
import json
import signal
import unittest

import harness
import labkit


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
        uuid = "6d6f7665-0000-4000-8000-000000000001"
        guest = self.guest("-uuid", uuid)
        self.move(guest)
        code, said = self.owns(self.a, "--claim", word=uuid.upper())
        self.assertEqual((code, said["outcome"]), (3, "refused"))
        self.assertIn("hostb", said["error"]["message"])
        self.assertEqual(self.owns(self.a)[0], 1)
        harness.kill(guest.outside_pid)
        harness.wait_until(lambda: not harness.is_alive(guest.outside_pid),
                           60, "the guest lives on")
        code, said = self.owns(self.a, "--claim")
        self.assertEqual((code, said["claimed"]), (0, True))
        self.assertEqual(self.owns(self.a)[0], 0)

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


if __name__ == "__main__":
    unittest.main()
