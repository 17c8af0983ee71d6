# SPDX-License-Identifier: MIT
"""A unit with Restart= does not start a guest that has moved away."""
import time
import unittest

import unitkit                  # first: it knows where the others are
import machine
from unitkit import HELD, UnitCase


class RestartTest(UnitCase):

    def drop_ins(self, host, guest):
        return host.run(f"find /run/systemd/system -path '*{guest.unit}.d*' "
                        "-name '*vmferry*' -type f").split()

    def restart(self, host, guest):
        return guest.show(host, "Restart")["Restart"]

    def assert_given_back(self, host, guest, way):
        """As before: what ends the guest makes systemd start it again."""
        self.assertEqual(self.restart(host, guest), way)
        self.assertEqual(self.drop_ins(host, guest), [])
        (pid,) = guest.qemus(host)
        host.run(f"kill -KILL {pid}")
        host.wait(f"test $({guest.ctl(f'show -P NRestarts {guest.unit}')}) "
                  "= 1", "systemd does not start it again")

    def hold(self, way):
        guest = self.guest(self.a, f"held-{way}", Restart=way)
        run = self.migrate(self.a, guest, *HELD)
        run.wait_phase("precopy", machine.RUN_S)
        self.assertEqual(self.restart(self.a, guest), "no")
        self.assertEqual(len(self.drop_ins(self.a, guest)), 1)
        return guest, run

    def moves(self, way):
        guest = self.guest(self.a, f"moves-{way}", Restart=way)
        ((verdict, found, _),) = self.checks(self.a, guest, "restart")
        self.assertEqual(verdict, "pass")
        self.assertIn(f"Restart={way}", found)
        self.move(self.a, guest)
        # systemd has had RestartSec=0, and a while on top of that
        time.sleep(5)
        state = guest.show(self.a, "ActiveState", "NRestarts", "Restart")
        self.assertIn(state["ActiveState"], ("inactive", "failed"))
        self.assertEqual((state["NRestarts"], state["Restart"]), ("0", way))
        self.assertEqual(self.drop_ins(self.a, guest), [])
        self.assertEqual(guest.starts(self.a), 1)
        self.assertEqual(guest.qemus(self.a), [])

    def test_always_moves_and_is_not_started_again(self):
        self.moves("always")

    def test_on_failure_moves_and_is_not_started_again(self):
        self.moves("on-failure")

    def test_an_interrupted_run_gives_restart_back(self):
        guest, run = self.hold("always")
        self.a.run("pkill -INT -o -x vmferry")
        self.assertEqual(run.finish(machine.RUN_S).code, 6)
        self.assert_given_back(self.a, guest, "always")

    def test_the_guardian_gives_restart_back(self):
        guest, run = self.hold("on-failure")
        self.a.run("pkill -KILL -o -x vmferry")
        run.finish(machine.RUN_S)
        self.a.wait("! pgrep -f '^vmferry guardian '",
                    "the guardian does not end")
        self.assert_given_back(self.a, guest, "on-failure")


if __name__ == "__main__":
    unittest.main()
