# SPDX-License-Identifier: MIT
"""An engine that is killed as it makes a record durable, and its guardian too.

The guardian is stopped as soon as it shows up, and killed, so that nobody but
`recover` mends anything.
"""
import os
import signal
import threading
import time

import case
import harness


class WithoutGuardian(threading.Thread):
    """Stops it as soon as it is there; it ends with the engine."""

    def __init__(self, run):
        super().__init__()
        self.first, self.stopped = run.process.pid, set()
        self.in_time = False    # before its engine was dead
        self.start()

    def stop_those_of(self, engine):
        for pid in harness.children(engine):
            if harness.argv_of(pid)[:2] == ["vmferry", "guardian"]:
                harness.kill(pid, signal.SIGSTOP)
                self.stopped.add(pid)
                self.in_time |= harness.is_alive(engine)

    def run(self):
        while harness.is_alive(self.first):
            # the engine itself, or its tracer
            for engine in (self.first, *harness.children(self.first)):
                self.stop_those_of(engine)
            time.sleep(0.002)
        for pid in self.stopped:
            harness.kill(pid)


class DyingCase(case.LoopbackCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean_after_failure)

    def clean_after_failure(self):
        """What a test that failed has left does not fail the others."""
        if self._outcome.success:
            return
        harness.await_no_ferry()
        for pid in harness.our_qemus():
            if pid not in {g.pid for g in self.guests}:
                harness.end_qemu(pid)
        for path in self.place.left_over():
            harness.remove(path)

    def recover(self, *args):
        return self.vmferry("recover", "--json", *args, *self.sshd.login())

    def kill_at_sync(self, guest, n):
        """A migration whose engine dies at its Nth fdatasync."""
        run = harness.Run(
            ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
             "-e", f"inject=fdatasync:signal=SIGKILL:when={n}",
             harness.VMFERRY, "migrate", guest.name, self.sshd.target,
             *self.sshd.login(), *harness.BUDGET], self.place.env, guest)
        self.addCleanup(run.abandon)
        done = self.dies_alone(run, lambda: None)
        self.assertIn(done.code, (-9, 137), str(done))
        return done

    def dies_alone(self, run, kill):
        watcher = WithoutGuardian(run)
        kill()
        done = run.finish()
        watcher.join()
        self.alone = watcher.in_time
        # one that was too new to be stopped in time has done its work
        harness.await_no_ferry()
        return done

    def status(self, run):
        (row,) = self.vmferry("status", run, "--json").json()["runs"]
        return row

    def only_run(self):
        (run,) = os.listdir(self.place.runs)
        return run

    def recording(self, run):
        return os.path.join(self.place.recordings, f"{run}.jsonl")

    def assert_recovered(self, guest, owner, outcome):
        done = self.recover()
        self.assertEqual(done.code, 0, str(done))
        result = done.json()
        if not self.alone and result["outcome"] == "nothing":
            result["owner"] = owner
        else:
            self.assertEqual(result["outcome"], outcome, str(done))
            self.assertEqual(result["leftovers"], [])
        self.assertEqual(result["owner"], owner)
        if owner == "destination":
            guest.process.wait()
            guest.pid = result["owner_pid"]
        self.assert_healthy(guest)
        # there is nothing to do twice
        again = self.recover()
        self.assertEqual(again.code, 0, str(again))
        self.assertEqual(again.json()["outcome"], "nothing")
        self.assert_moved(guest, self.migrate(guest))
