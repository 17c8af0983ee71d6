#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests in units of systemd, whose manager is a script.

systemctl and systemd-run are scripts, and a guest's control group is a file
that is mounted over the one in /proc: no systemd runs here. What the script
keeps is where a confined vmferry may write; a real systemctl asks the manager.
"""
import os
import signal
import subprocess
import threading
import unittest

import case
import harness

SYSTEM = "/system.slice/web1.service"
USER = "/user.slice/user-0.slice/user@0.service/app.slice/web1.service"
BASES = {False: "/run/systemd/system", True: "/run/user/0/systemd/user"}


class Sshd(harness.Sshd):
    """With the scripts in its users' PATH."""

    def config(self):
        path = self.place.env["PATH"]
        return [f"{line} PATH={path}" if line.startswith("SetEnv ") else line
                for line in super().config()]


@unittest.skipUnless(harness.IS_ROOT, "root is needed to mount")
class UnitTest(case.LoopbackCase):

    @classmethod
    def setUpClass(cls):
        cls.place = harness.isolate()
        tools = os.path.join(cls.place.work, "bin")
        for path in (tools, *BASES.values()):
            os.makedirs(path)
        for name in ("loginctl", "systemctl", "systemd-run"):
            script = f"fake_{name.replace('-', '_')}.sh"
            os.symlink(os.path.join(harness.HERE, script),
                       os.path.join(tools, name))
        cls.place.env["PATH"] = tools + ":" + cls.place.env["PATH"]
        cls.sshd = Sshd(cls.place)
        cls.addClassCleanup(cls.sshd.stop)
        cls.guests = []

    def put(self, **values):
        for name, text in values.items():
            with open(os.path.join(self.fake, name), "w") as f:
                f.write(f"{text}\n")

    def get(self, name):
        return harness.read(os.path.join(self.fake, name)).decode().strip()

    def unit(self, group=SYSTEM, **values):
        """A guest that web1.service has started."""
        self.fake = os.path.join(BASES[group == USER], "fake")
        os.makedirs(self.fake, exist_ok=True)
        self.place.env["FAKE_SYSTEMD"] = self.fake
        guest = self.guest()
        path = os.path.join(guest.dir, "cgroup")
        with open(path, "w") as f:
            f.write(f"0::{group}\n")
        subprocess.run(["mount", "--bind", path,
                        f"/proc/{guest.pid}/cgroup"], check=True)
        self.put(**{"restart": "always", "effective": "always",
                    "enabled": "disabled", "group": group, "condition": "",
                    "pid": guest.pid, "log": "", "linger": "yes", **values})
        self.addCleanup(lambda: self.assertEqual(self.drop_ins(), []))
        return guest

    def drop_ins(self):
        return [os.path.join(top, name) for base in BASES.values()
                for top, dirs, names in os.walk(base)
                for name in dirs + names if "web1" in top + name]

    def checks(self, guest, name, code=0):
        done = self.check(guest, "--json")
        self.assertEqual(done.code, code, str(done))
        return [(c["verdict"], c["found"], c["remedy"])
                for c in done.json()["checks"] if c["name"] == name]

    def at_the_end(self, guest):
        """What Restart= is when the source's QEMU has ended."""
        seen = []

        def wait():
            guest.process.wait()
            seen.append(self.get("effective"))
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        return thread, seen

    def assert_held_at_the_end(self, guest):
        thread, seen = self.at_the_end(guest)
        self.assert_moved(guest, self.migrate(guest))
        thread.join(60)
        self.assertEqual(seen, ["no"])
        self.assertEqual(self.get("effective"), "always")
        self.assertEqual(self.drop_ins(), [])

    def test_a_unit_does_not_start_it_again(self):
        guest = self.unit()
        ((verdict, found, _),) = self.checks(guest, "restart")
        self.assertEqual(verdict, "pass")
        self.assertIn("Restart=always", found)
        self.assert_held_at_the_end(guest)

    def test_nor_does_a_unit_of_a_users_manager(self):
        guest = self.unit(USER)
        self.assert_held_at_the_end(guest)
        self.assertIn("user daemon-reload", self.get("log"))
        self.assertNotIn("system daemon-reload", self.get("log"))

    def test_an_undone_run_gives_it_back(self):
        guest = self.unit()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        self.assertEqual(self.get("effective"), "no")
        run.signal(signal.SIGINT)
        self.assert_stayed(guest, run.finish(), 6)
        self.assertEqual(self.get("effective"), "always")

    def test_so_does_recovery(self):
        guest = self.unit()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        run.signal(signal.SIGKILL)
        run.finish()
        harness.await_no_ferry()
        self.assert_healthy(guest)
        self.assertEqual(self.get("effective"), "always")

    def test_one_that_starts_nothing_is_left_alone(self):
        guest = self.unit(restart="no", effective="no")
        self.assertEqual(self.checks(guest, "restart"), [])
        self.assert_moved(guest, self.migrate(guest))
        self.assertNotIn("daemon-reload", self.get("log"))

    def test_a_unit_of_another_name_is_left_alone(self):
        guest = self.unit(group="/system.slice/web2.service")
        self.put(group=SYSTEM)
        ((verdict, found, _),) = self.checks(guest, "restart")
        self.assertEqual(verdict, "warn")
        self.assertIn("web2.service", found)
        self.assert_moved(guest, self.migrate(guest))
        self.assertNotIn("daemon-reload", self.get("log"))

    def test_an_enabled_unit_is_a_warning(self):
        guest = self.unit(enabled="enabled")
        ((verdict, _, remedy),) = self.checks(guest, "boot")
        self.assertEqual(verdict, "warn")
        self.assertIn("systemctl disable web1.service", remedy)
        self.put(condition="{ path=/usr/local/bin/vmferry ; argv[]="
                           "/usr/local/bin/vmferry owns web1 ; }")
        self.assertEqual(self.checks(guest, "boot"), [])

    def test_a_manager_that_a_logout_ends_is_a_warning(self):
        guest = self.unit(USER, linger="no")
        ((verdict, found, remedy),) = self.checks(guest, "lingering")
        self.assertEqual(verdict, "warn")
        self.assertIn("web1.service of the service manager of root", found)
        self.assertIn("loginctl enable-linger root", remedy)
        self.put(linger="yes")
        self.assertEqual(self.checks(guest, "lingering"), [])

    def test_a_unit_of_the_systems_does_not_depend_on_a_logout(self):
        guest = self.unit(linger="no")
        self.assertEqual(self.checks(guest, "lingering"), [])

    def test_one_that_keeps_its_restart_fails_before_anything_moves(self):
        guest = self.unit()
        os.makedirs("/run/systemd/system/web1.service.d")
        override = "/run/systemd/system/web1.service.d/zzzz.conf"
        with open(override, "w") as f:
            f.write("[Service]\nRestart=always\n")
        done = self.migrate(guest)
        os.unlink(override)
        os.rmdir(os.path.dirname(override))
        self.assert_stayed(guest, done, 4)
        self.assert_explained(done, "web1.service", "Restart=always")


if __name__ == "__main__":
    unittest.main()
