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

OTHER_FILES = ("--mount",)
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
        """The command among other processes, with these files in place, and
        for None with an empty directory."""
        script = [f"mount --bind {self.shown(text)} {path}"
                  if text is not None else f"mount -t tmpfs none {path}"
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

    # --- the token -----------------------------------------------------------

    def as_another(self, pid):
        """A process of that number which was started at another time."""
        text = harness.read(f"/proc/{pid}/stat").decode()
        head, _, tail = text.rpartition(")")
        fields = tail.split()
        fields[19] = str(int(fields[19]) + 1)
        return {f"/proc/{pid}/stat": f"{head}) {' '.join(fields)}\n"}

    def copied(self, *pids):
        """A machine with all ids of this one, from before the run."""
        files = {self.place.run_root: None}
        for pid in pids:
            files.update(self.as_another(pid))
        return files

    def tokens(self):
        return os.path.join(self.place.run_root, "tokens")

    def assert_tokens(self):
        text = dict((name, harness.read(os.path.join(self.tokens(), name)))
                    for name in os.listdir(self.tokens()))
        self.assertEqual(sorted(text), [f"{self.unfinished}-destination",
                                        f"{self.unfinished}-source"])
        self.assertEqual(len(set(text.values())), 1)
        self.assertRegex(text.popitem()[1], rb"^[0-9a-f]{32}\n$")
        for name in text:
            path = os.path.join(self.tokens(), name)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.tokens()).st_mode & 0o777, 0o700)

    def test_a_run_leaves_its_token_on_both_sides_and_takes_it_away(self):
        guest = self.begin(COMMIT)
        self.assert_tokens()
        self.assert_recovered(guest, "destination", "forward")
        self.assertEqual(os.listdir(self.tokens()), [])

    def test_where_the_token_is_missing_the_source_is_not_gone(self):
        guest = self.begin(DEST)
        done = self.recover_elsewhere(OTHER_FILES, self.copied(guest.pid))
        self.assert_left_alone(guest, done)
        self.assertIn("lacks the token", str(done.json()["error"]))
        self.assert_recovered(guest, "source", "abort")

    def assert_no_way_back(self, guest, words):
        done = self.recover(guest.name, "--force-source=continue")
        self.assert_left_alone(guest, done)
        self.assertEqual(guest.status(), "postmigrate")
        self.assertIn(words, str(done.json()["error"]))
        self.assertTrue(done.json()["error"]["hint"])

    def begin_running_there(self):
        """Its journal says COMMIT last."""
        guest = self.begin(DESTRUN)
        self.forget_last_record()
        (there,) = self.qemus - {guest.pid}
        return guest, there

    def test_on_a_copy_from_before_the_run_the_destination_is_not_gone(self):
        guest, there = self.begin_running_there()
        self.lead_elsewhere(OTHER_FILES, self.copied(there))
        self.addCleanup(self.lead_back)
        self.assert_no_way_back(guest, "lacks the token")
        self.lead_back()
        self.assert_recovered(guest, "destination", "finish")

    def test_a_process_of_a_copy_is_not_ended(self):
        """It has the number and the start of the destination's."""
        guest = self.begin(DEST)
        self.lead_elsewhere(OTHER_FILES, self.copied())
        self.addCleanup(self.lead_back)
        done = self.recover()
        self.assertEqual(done.code, 9, str(done))
        self.assertIn("lacks the token", str(done.json()["leftovers"]))
        self.assertEqual(set(harness.our_qemus()), self.qemus, str(done))
        self.lead_back()
        self.assert_recovered(guest, "source", "abort")

    def test_where_another_token_is_nothing_counts(self):
        guest, _ = self.begin_running_there()
        path = os.path.join(self.tokens(), f"{self.unfinished}-destination")
        token = harness.read(path)
        with open(path, "wb") as f:
            f.write(b"0123456789abcdef0123456789abcdef\n")
        self.assert_no_way_back(guest, "has another token")
        with open(path, "wb") as f:
            f.write(token)
        self.assert_recovered(guest, "destination", "finish")

    def test_a_reboot_loses_the_token_with_the_guest(self):
        guest = self.begin(COMMIT)
        (there,) = self.qemus - {guest.pid}
        keeper = harness.keeper_of(there)
        harness.kill(keeper)
        harness.end_qemu(there)
        self.qemus.remove(there)
        self.lead_elsewhere(OTHER_PROCESSES, dict(CLONE, **self.copied()))
        self.addCleanup(self.lead_back)
        done = self.recover(guest.name)
        self.assert_left_alone(guest, done)
        self.assertNotIn("token", str(done.json()["error"]))
        done = self.recover(guest.name, "--force-source=continue")
        self.assertEqual(done.code, 0, str(done))
        self.lead_back()
        self.assert_healthy(guest)
        for path in self.place.left_over():
            harness.remove(path)

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
