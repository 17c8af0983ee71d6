# SPDX-License-Identifier: MIT
"""A guest of an ordinary user's manager, and what a logout does to it."""
import time
import unittest

import unitkit                  # first: it knows where the others are
import machine
from unitkit import UnitCase

KILLS = "/etc/systemd/logind.conf.d/kills.conf"
RUNTIME = "/run/user/1000"
NO_PAM = "/etc/ssh/sshd_config.d/a-no-pam.conf"
NO_SESSION = f"UsePAM no\nSetEnv XDG_RUNTIME_DIR={RUNTIME}\n"


class LogoutTest(UnitCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(self.linger, self.b, False)
        self.linger(self.a, True)

    def linger(self, host, on):
        host.run(f"loginctl {'enable' if on else 'disable'}-linger ferry")

    def logind(self, host, *lines):
        host.put(KILLS, "\n".join(["[Login]", *lines, ""]))
        host.run("systemctl restart systemd-logind")

    def user_guest(self, name):
        return self.guest(self.a, name, user="ferry", Restart="always")

    def logged_out(self, host):
        """No login of ferry is left: of sessions there are none, or those
        that wait for their last process."""
        host.hang_up()
        host.wait("! loginctl list-sessions --no-legend | grep ferry || "
                  "! pgrep -u ferry sshd", "somebody stays logged in")

    def assert_whole(self, guest):
        """It can be asked, on b, and would not be started on a."""
        guest.await_beats(self.b)
        self.assertTrue(guest.verify(self.b)["ok"])
        self.b.run(f"test -S {guest.qmp}")
        self.assertEqual(guest.qemus(self.a), [])
        self.assertEqual(guest.starts(self.a), 1)
        self.assertEqual(guest.show(self.a, "NRestarts", "Restart"),
                         {"NRestarts": "0", "Restart": "always"})

    def test_its_session_lasts_as_long_as_the_guest(self):
        guest = self.user_guest("short")
        self.assertEqual(self.checks(self.a, guest, "lingering"), [])
        self.move(self.a, guest)
        self.logged_out(self.b)
        # a user without sessions is given 10 s
        time.sleep(15)
        self.b.run("loginctl show-user ferry | grep -x State=closing")
        self.assert_whole(guest)

    def test_with_lingering_nor_does_it_end(self):
        self.linger(self.b, True)
        guest = self.user_guest("long")
        self.assertEqual(self.checks(self.a, guest, "lingering"), [])
        self.move(self.a, guest)
        self.logged_out(self.b)
        self.assert_whole(guest)

    def test_without_a_session_its_sockets_go_as_check_says(self):
        self.addCleanup(self.b.run, f"rm {NO_PAM}; systemctl restart ssh")
        self.b.put(NO_PAM, NO_SESSION)
        # a session of another login has made the runtime directory
        self.b.run("true", "ferry")
        self.b.run("systemctl restart ssh")
        guest = self.user_guest("lonely")
        ((verdict, found, remedy),) = self.checks(self.a, guest, "lingering")
        self.assertEqual(verdict, "warn")
        self.assertIn("is no session of logind", found)
        self.assertIn("loginctl enable-linger ferry", remedy)
        done = self.migrate(self.a, guest).finish(machine.RUN_S)
        self.assertEqual(done.code, 0, str(done))
        self.logged_out(self.b)
        self.b.wait(f"! test -e {RUNTIME}", f"{RUNTIME} stays")
        guest.await_beats(self.b)

    def test_a_host_that_ends_what_a_login_started_is_refused(self):
        self.addCleanup(self.b.run, f"rm {KILLS}; "
                        "systemctl restart systemd-logind")
        self.logind(self.b, "KillUserProcesses=yes")
        guest = self.user_guest("killed")
        rows = self.checks(self.a, guest, "lingering", 3)
        ((found, remedy),) = [r[1:] for r in rows if r[0] == "fail"]
        self.assertIn("KillUserProcesses=yes", found)
        self.assertIn("KillExcludeUsers=ferry", remedy)
        self.logind(self.b, "KillUserProcesses=yes", "KillExcludeUsers=ferry")
        rows = self.checks(self.a, guest, "lingering")
        self.assertNotIn("fail", [r[0] for r in rows])


if __name__ == "__main__":
    unittest.main()
