#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A destination that is far away, or lets in few commands at a time."""

import unittest

import case
from distance import Distance

ROUND_TRIP_S = 0.4
# On a machine that stops for so long there seems to be one more.
TRIES = 4


class DistanceTest(case.LoopbackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.distance = Distance(cls.sshd.port)
        cls.addClassCleanup(cls.distance.stop)
        with open(cls.sshd.known_hosts) as f:
            _, key = f.read().split(" ", 1)
        with open(cls.sshd.known_hosts, "a") as f:
            f.write(f"[127.0.0.1]:{cls.distance.port} {key}")
        cls.target = f"127.0.0.1:{cls.distance.port}"

    def move(self, guest, *args):
        done = self.migrate(guest, *args, dest=self.target)
        self.assert_moved(guest, done)
        self.assertLessEqual(done.result["switchover_round_trips"], 3, done)
        return done.result

    def trips(self, *args):
        """As counted, and as the blackout has them."""
        guest = self.guest("fill=16 ws=0 rate=0")
        for _ in range(TRIES):
            self.distance.round_trip_s = ROUND_TRIP_S
            result = self.move(guest, *args)
            counted = result["switchover_round_trips"]
            seen = result["blackout_ms"] / 1e3 / ROUND_TRIP_S
            # it cannot be shorter than what was waited for
            self.assertGreaterEqual(seen, counted, result)
            if seen < counted + 1:
                break
        return counted, seen

    def test_three_round_trips_are_three(self):
        counted, seen = self.trips()
        self.assertEqual(counted, 3)
        self.assertLess(seen, 4)

    def test_with_a_child_ssh_they_are_three(self):
        counted, seen = self.trips("--ssh", "openssh")
        self.assertEqual(counted, 3)
        self.assertLess(seen, 4)


class FewSessionsTest(case.LoopbackCase):
    """Questions asked side by side, where fewer are let in."""

    sshd_options = ("MaxSessions 2",)

    def test_two_sessions_are_enough(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest))

    def test_they_are_for_a_child_ssh(self):
        guest = self.guest()
        self.assert_moved(guest, self.migrate(guest, "--ssh", "openssh"))


if __name__ == "__main__":
    unittest.main()
