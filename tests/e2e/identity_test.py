#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`recover` where the processes of a run cannot be seen: unknown is not gone.

In another PID namespace, on a machine with the same id or none, and on a third
one that sees the same state directory. Wherever it is run, no journal may be
removed, no QEMU killed, and no second guest started; where the run began it
then does what it always did.
"""
import os
import socket
import sys
import unittest

sys.dont_write_bytecode = True
import dying
import harness

# The records that are the last when the engine dies.
DEST, COMMIT, DESTRUN = 4, 7, 8

OTHER_PROCESSES = ("--mount", "--pid", "--fork", "--kill-child",
                   "--mount-proc")
OTHER_MACHINE = OTHER_PROCESSES + ("--uts",)
# It is like this one, but runs since another time.
CLONE = {"/proc/sys/kernel/random/boot_id":
         "6e3a0d5e-7a0f-4f5c-9b1f-0d2f6f7c1a11\n"}
THIRD = dict(CLONE, **{
    harness.MACHINE_ID: "0123456789abcdef0123456789abcdef\n"})


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class IdentityTest(dying.DyingCase):

    def shown(self, text):
        """A file for the place of another one."""
        path = os.path.join(self.place.work, f"shown{len(text)}")
        with open(path, "w") as f:
            f.write(text)
        self.addCleanup(harness.remove, path)
        return path

    def elsewhere(self, namespaces, files, *argv):
        """The command among other processes, with these files in place."""
        script = [f"mount --bind {self.shown(text)} {path}"
                  for path, text in files.items()]
        if "--uts" in namespaces:
            script.append("echo another >/proc/sys/kernel/hostname")
        script.append('exec "$@"')
        return ["unshare", *namespaces, "sh", "-c", " && ".join(script),
                "sh", *argv]

    def recover_elsewhere(self, namespaces, files, *args):
        return harness.run(self.place, self.elsewhere(
            namespaces, files, harness.VMFERRY, "recover", "--json", *args,
            *self.sshd.login()))

    def begin(self, last):
        guest = self.guest()
        self.kill_at_sync(guest, last)
        self.unfinished = self.only_run()
        self.journal = os.path.join(self.place.runs, self.unfinished,
                                    "journal")
        self.qemus = set(harness.our_qemus())
        self.assertEqual(len(self.qemus), 2)
        return guest

    def assert_left_alone(self, guest, done):
        """Nothing was removed, ended or started."""
        self.assertIn(done.code, (7, 8), str(done))
        self.assertEqual(os.listdir(self.place.runs), [self.unfinished])
        self.assertEqual(set(harness.our_qemus()), self.qemus, str(done))
        self.assert_one_guest(guest)

    # --- the source --------------------------------------------------------

    def test_in_another_pid_namespace_the_source_is_not_gone(self):
        guest = self.begin(DEST)
        self.assert_left_alone(guest, self.recover_elsewhere(
            OTHER_PROCESSES, {}))
        self.assert_recovered(guest, "source", "abort")

    def test_a_machine_of_the_same_id_is_not_the_source_after_a_reboot(self):
        guest = self.begin(DEST)
        self.assert_left_alone(guest, self.recover_elsewhere(
            OTHER_MACHINE, CLONE))
        self.assert_recovered(guest, "source", "abort")

    def test_a_third_machine_does_not_finish_the_run(self):
        guest = self.begin(DESTRUN)
        done = self.recover_elsewhere(OTHER_MACHINE, THIRD)
        self.assert_left_alone(guest, done)
        self.assertIn("the source's QEMU", str(done.json()["leftovers"]))
        self.assertTrue(harness.is_alive(guest.pid))
        self.assert_recovered(guest, "destination", "finish")

    def test_elsewhere_the_destination_is_not_started(self):
        guest = self.begin(COMMIT)
        for files in (CLONE, THIRD):
            for choice in ((), ("--force-source=discard",)):
                done = self.recover_elsewhere(OTHER_MACHINE, files,
                                              guest.name, *choice)
                self.assert_left_alone(guest, done)
                self.assertEqual(done.code, 7, str(done))
        self.assert_recovered(guest, "destination", "forward")

    # --- without a machine id -----------------------------------------------

    def test_without_a_machine_id_a_machine_is_known_by_one_that_is_made(self):
        own = os.path.join(self.place.state, "machine-id")
        harness.bind(self.shown(""), harness.MACHINE_ID)
        self.addCleanup(harness.unbind, harness.MACHINE_ID)
        guest = self.begin(DEST)
        self.addCleanup(harness.remove, own)
        self.assertRegex(harness.read(own), rb"^[0-9a-f]{32}\n$")
        self.assert_left_alone(guest, self.recover_elsewhere(
            OTHER_MACHINE, CLONE))
        self.assert_recovered(guest, "source", "abort")

    # --- the destination ----------------------------------------------------

    def restart_sshd(self, wrap):
        self.sshd.stop()
        # what ran it has ended, and it itself ends in a moment
        harness.wait_until(lambda: not self.is_listening(), 60, "sshd listens")
        self.sshd.wrap = wrap
        self.sshd.start()

    def is_listening(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.sshd.port)) == 0

    def lead_elsewhere(self, namespaces, files):
        """What is the destination's address leads there from now on."""
        self.restart_sshd(self.elsewhere(namespaces, files))

    def lead_back(self):
        self.restart_sshd(())

    def forget_last_record(self):
        """As if it had not come to the disk, to which it was on its way."""
        with open(self.journal, "r+b") as f:
            lines = f.read().rstrip(b"\0").splitlines(keepends=True)
            f.seek(sum(map(len, lines[:-1])))
            f.write(bytes(len(lines[-1])))

    def assert_not_gone(self, namespaces, files):
        guest = self.begin(DESTRUN)
        self.forget_last_record()
        self.lead_elsewhere(namespaces, files)
        self.addCleanup(self.lead_back)
        self.assert_left_alone(guest, self.recover(
            guest.name, "--force-source=continue"))
        self.assertEqual(guest.status(), "postmigrate")
        self.lead_back()
        self.assert_recovered(guest, "destination", "finish")

    def test_a_login_to_another_pid_namespace_ends_no_destination(self):
        self.assert_not_gone(OTHER_PROCESSES, {})

    def test_a_login_to_a_machine_of_the_same_id_ends_no_destination(self):
        self.assert_not_gone(OTHER_MACHINE, CLONE)


if __name__ == "__main__":
    unittest.main()
