# SPDX-License-Identifier: MIT
"""ExecCondition=vmferry owns, as README has it, keeps a unit from starting a
guest that has moved away."""
import unittest

from unitkit import UnitCase, readme_block

ASKS = readme_block("# systemctl edit web1.service")


class OwnsTest(UnitCase):

    def assert_skipped(self, host, guest):
        state = guest.show(host, "ActiveState", "Result", "UnitFileState")
        self.assertEqual(state, {"ActiveState": "inactive",
                                 "Result": "exec-condition",
                                 "UnitFileState": "enabled"})
        self.assertEqual(guest.qemus(host), [])

    def test_neither_a_start_nor_a_boot_starts_it_again(self):
        guest = self.guest(self.a, "web1", Restart="always")
        self.a.run("systemctl enable web1.service")
        ((verdict, found, remedy),) = self.checks(self.a, guest, "boot")
        self.assertEqual(verdict, "warn")
        self.assertIn("at the next boot", found)
        self.assertIn("ExecCondition=vmferry owns web1", remedy)
        self.a.put(f"{guest.file()}.d/override.conf", ASKS)
        self.a.run("systemctl daemon-reload")
        self.assertEqual(self.checks(self.a, guest, "boot"), [])
        self.move(self.a, guest)
        self.a.run("systemctl start web1.service")
        self.assert_skipped(self.a, guest)
        self.a.reset()
        self.assertTrue(self.a.wait_up(), "a unit has failed")
        self.assert_skipped(self.a, guest)
        guest.await_beats(self.b)

    def test_one_that_has_not_moved_is_started(self):
        guest = self.guest(self.a, "web2", ExecCondition=(
            "/usr/local/bin/vmferry owns web2"))
        self.a.run("systemctl restart web2.service")
        guest.await_beats(self.a)


if __name__ == "__main__":
    unittest.main()
