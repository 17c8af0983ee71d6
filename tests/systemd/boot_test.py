# SPDX-License-Identifier: MIT
"""A host that loses its power in the middle, and `vmferry recover` at its next
boot by the unit that README names."""
import json
import unittest

import unitkit                  # first: it knows where the others are
import machine
from unitkit import HELD, UnitCase, readme_block

RECOVER = "vmferry-recover.service"
TEXT = readme_block(f"# /etc/systemd/system/{RECOVER}")
FAULTY = "/lab/vmferry-faulty"


class BootTest(UnitCase):

    def setUp(self):
        super().setUp()
        self.a.put(f"/etc/systemd/system/{RECOVER}", TEXT)
        self.a.run(f"systemctl daemon-reload; systemctl enable {RECOVER}")
        self.addCleanup(self.a.run, f"systemctl disable {RECOVER}")

    def enabled_guest(self):
        guest = self.guest(
            self.a, "web1", Restart="always",
            After=f"Requires={RECOVER}\nAfter={RECOVER}",
            ExecCondition="/usr/local/bin/vmferry owns web1")
        self.a.run("systemctl enable web1.service")
        return guest

    def state(self, unit):
        text = self.a.run("systemctl show -p ActiveState -p Result "
                          f"-p ExecMainStatus {unit}")
        return dict(line.split("=", 1) for line in text.splitlines())

    def recovered(self, *codes):
        """It was run at this boot, before the guest's unit."""
        state = self.state(RECOVER)
        self.assertEqual(state["Result"], "success", self.a.run(
            f"journalctl -b -u {RECOVER}"))
        self.assertIn(int(state["ExecMainStatus"]), codes)
        self.assertEqual(self.a.run("ls /var/lib/vmferry/runs"), "")

    def owns(self, host):
        return host.attempt("vmferry owns web1").returncode

    def test_a_source_that_boots_again_undoes_and_starts_its_guest(self):
        guest = self.enabled_guest()
        run = self.migrate(self.a, guest, *HELD)
        run.wait_phase("precopy", machine.RUN_S)
        self.b.wait(f"pgrep -f 'name {guest.name} '", "no destination")
        self.a.reset()
        run.abandon()
        self.assertTrue(self.a.wait_up(), "a unit has failed")
        self.recovered(0, 12)
        self.assertEqual(guest.qemus(self.b), [])
        self.assertEqual(self.owns(self.a), 0)
        self.assertEqual(self.state("web1.service")["ActiveState"], "active")
        guest.await_beats(self.a)
        self.assertEqual(guest.beats(self.b), [])

    def test_one_that_had_handed_it_over_leaves_it_there(self):
        guest = self.enabled_guest()
        run = self.migrate(self.a, guest, *unitkit.BUDGET,
                           program=f"VMFERRY_FAULT=resume.before:stop {FAULTY}")
        # the guardian would go on in place of the engine that is held
        self.a.wait("pkill -STOP -f '^vmferry guardian '", "no guardian")
        self.a.wait(f"pgrep -r T -f '^{FAULTY} migrate '", "it is not held")
        self.a.reset()
        run.abandon()
        self.assertTrue(self.a.wait_up(), "a unit has failed")
        self.recovered(0, 8, 9)
        self.assertEqual(self.owns(self.a), 1)
        self.assertEqual(self.state("web1.service")["Result"],
                         "exec-condition")
        self.assertEqual(guest.qemus(self.a), [])
        guest.await_beats(self.b)
        self.assertTrue(guest.verify(self.b)["ok"])

    def test_a_destination_that_dies_leaves_the_guest_where_it_was(self):
        guest = self.guest(self.a, "web1", Restart="always")
        run = self.migrate(self.a, guest, *HELD)
        run.wait_phase("precopy", machine.RUN_S)
        self.b.reset()
        self.assertTrue(self.b.wait_up(), "a unit has failed")
        done = run.finish(machine.RUN_S)
        self.assertNotIn(done.code, (0, 7, 12), str(done))
        guest.await_beats(self.a)
        self.assertTrue(guest.verify(self.a)["ok"])
        self.assertEqual(guest.show(self.a, "Restart"), {"Restart": "always"})
        done = self.a.attempt("vmferry recover web1 --no-input --json")
        self.assertIn(done.returncode, (0,), done)
        self.assertEqual(json.loads(done.stdout)["exit_code"], 0)
        self.move(self.a, guest)


if __name__ == "__main__":
    unittest.main()
