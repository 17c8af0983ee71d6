#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Many migrations at once, and those that wait for their turn.

Other runs are simulated where they would take too long or could not be held
still: a lock that this process holds is a run that leaves, a directory in-…
with this process's pid one that arrives.
"""
import fcntl
import os
import signal
import sys
import unittest
from concurrent import futures

sys.dont_write_bytecode = True
import case
import harness

# Long enough for another engine to get as far as to its wait.
SLOW = ["--bandwidth", "1M", *harness.BUDGET]
HUGE = "67108872K"


# More than any host has: nothing else fits beside it.
ALL_MEMORY = 1 << 50
HERE = {"dest": "local", "login": False}


def most_at_once(spans):
    """The largest number of (begin, end) that overlap."""
    steps = sorted([(a, 1) for a, _ in spans] + [(b, -1) for _, b in spans])
    now = most = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


class CrowdCase(case.LoopbackCase):
    """Guests that all tests of the class move about, several at once."""
    crowd = 0   # how many there are
    awake = 99  # how many of them run; the others are paused, for the CPU's sake

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for _ in range(cls.crowd):
            cls.class_guest("fill=8 rate=0 hb=50", start=False)
        with futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(harness.Guest.start, cls.guests))
        for guest in cls.guests[cls.awake:]:
            guest.watch.close()
            with guest.monitor() as q:
                q.command("stop")

    def move_all(self, guests, *args):
        """Starts one after the other and lets them go on together."""
        runs = [self.start(g, *args) for g in guests]
        done = [run.finish(300) for run in runs]
        for guest, outcome in zip(guests, done):
            if outcome.code == 0:
                guest.process.wait()
                guest.pid = outcome.result["owner_pid"]
        for outcome in done:
            self.assert_exit(outcome, 0)
        return done

    def assert_all_there(self, guests, verified):
        """They are as they were; some check their memory, too."""
        for guest in guests[:self.awake]:
            self.assertEqual(guest.status(), "running")
            self.assert_one_guest(guest)
        for guest in guests[self.awake:]:
            self.assertEqual(guest.status(), "paused")
        for guest in guests[:verified]:
            self.assert_healthy(guest)

    def spans(self, outcomes, first, last):
        """When each run entered these phases, on this machine's clock."""
        found = []
        for outcome in outcomes:
            at = {e["to"]: e["mono_ms"] for e in outcome.of("phase")}
            found.append((at[first], at[last]))
        return found


class AtOnceTest(CrowdCase):
    crowd, awake = 8, 4

    def test_four_at_once_need_no_queue(self):
        done = self.move_all(self.guests[:4])
        self.assertEqual([waits(d) for d in done], [[]] * 4)
        self.assert_all_there(self.guests[:4], 1)

    def test_eight_queued_go_two_at_a_time(self):
        done = self.move_all(self.guests, "--wait")
        self.assertLessEqual(
            most_at_once(self.spans(done, "launch", "finish")), 2)
        self.assertTrue(any(waits(d) for d in done))
        self.assert_all_there(self.guests, 2)


def waits(run):
    """What it said that it waits for."""
    return [e["text"] for e in list(run.events)
            if e["event"] == "warning" and e["name"] == "wait"]


class QueueTest(CrowdCase):
    crowd = 3

    def setUp(self):
        super().setUp()
        self.one, self.two, self.three = self.guests[:3]

    # --- others under way ----------------------------------------------------

    def path(self, *parts):
        return os.path.join(self.place.run_root, *parts)

    def leaving(self, name):
        """A run that leaves this host, until the lock is closed."""
        os.makedirs(self.path("locks"), mode=0o711, exist_ok=True)
        lock = open(self.path("locks", name), "w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        self.addCleanup(self.end_leaving, lock)
        return lock

    def end_leaving(self, lock):
        if not lock.closed:
            harness.remove(lock.name)
            lock.close()

    def arriving(self, name, ram=0):
        """A run that arrives here and will take so many bytes."""
        where, made = self.path(f"in-{name}"), f"{self.place.work}/in-{name}"
        os.makedirs(self.path(), mode=0o711, exist_ok=True)
        os.mkdir(made)
        self.addCleanup(harness.remove, where)
        ticks = harness.read("/proc/self/stat").rpartition(b")")[2].split()[19]
        for file, text in (("pid", f"{os.getpid()} {ticks.decode()}"),
                           ("run", f"run-{name}"), ("ram", f"{ram} {name}")):
            with open(os.path.join(made, file), "w") as f:
                f.write(text + "\n")
        # whole at once: one without a pid would be swept away
        os.rename(made, where)
        return where

    def tickets(self):
        try:
            return sorted(os.listdir(self.path("queue")))
        except FileNotFoundError:
            return []

    def start_waiting(self, guest, *args, says):
        """A run that waits for what it says."""
        run = self.start(guest, "--wait", *args, **HERE)
        run.wait(lambda e: e["event"] == "warning" and e["name"] == "wait" and
                 says in e["text"], what=f"wait for {says}")
        return run

    def assert_goes(self, guest, run):
        self.assert_moved(guest, run.finish())
        self.assertEqual(self.tickets(), [])

    # --- whom it waits for ---------------------------------------------------

    def test_the_turn_comes_in_the_order_of_arrival(self):
        lock = self.leaving("other")
        runs = [self.start_waiting(g, "--parallel", "1", says="turn")
                for g in (self.two, self.three, self.one)]
        self.assertEqual(len(self.tickets()), 3)
        self.end_leaving(lock)
        done = [run.finish() for run in runs]
        for guest, outcome in zip((self.two, self.three, self.one), done):
            self.assert_moved(guest, outcome)
        begun = self.spans(done, "launch", "finish")
        self.assertEqual(begun, sorted(begun))
        self.assertEqual(most_at_once(begun), 1)
        self.assertEqual(self.tickets(), [])

    def test_it_waits_while_the_destination_is_crowded(self):
        there = [self.arriving("a"), self.arriving("b")]
        run = self.start_waiting(self.one, says="2 at once arrive")
        self.assertIn("run-a", waits(run)[0])
        harness.remove(there[0])
        self.assert_goes(self.one, run)

    def test_it_waits_for_memory_that_is_promised_to_others(self):
        there = self.arriving("web2", ALL_MEMORY)
        run = self.start_waiting(self.one, says="memory")
        self.assertIn("web2 (run-web2)", waits(run)[0])
        harness.remove(there)
        self.assert_goes(self.one, run)

    def test_it_waits_for_another_migration_of_its_guest(self):
        first = self.start(self.one, *SLOW, **HERE)
        first.wait_copying()
        second = self.start_waiting(f"pid:{self.one.pid}",
                                    says="another migration of")
        first.signal(signal.SIGINT)
        self.assert_stayed(self.one, first.finish(), 6)
        self.one.expect(second.run_id())
        self.assert_goes(self.one, second)

    def test_a_guest_that_was_moved_meanwhile_is_not_there(self):
        first = self.start(self.one, *SLOW, **HERE)
        first.wait_copying()
        second = self.start_waiting(f"pid:{self.one.pid}",
                                    says="another migration of")
        self.assert_moved(self.one, first.finish())
        self.assert_exit(second.finish(), 13)

    # --- others that were faster ---------------------------------------------

    def start_too_late(self, guest):
        """One that finds the destination crowded when it gets to launch."""
        for _ in range(5):
            run = self.start(guest, "--wait", "--parallel", "1")
            run.wait_phase("discover")
            there = self.arriving("a")
            run.wait(lambda e: e["event"] == "phase" and e["to"] == "tunnel" or
                     e["event"] == "warning" and e["name"] == "wait",
                     what="wait, or going on without")
            if waits(run):
                self.assertEqual(len(self.tickets()), 1)
                return run, there
            # it was there before the others
            harness.remove(there)
            self.assert_moved(guest, run.finish())
        self.fail("it never waits before the launch")

    def test_who_comes_too_late_waits_before_the_launch(self):
        run, there = self.start_too_late(self.one)
        harness.remove(there)
        self.assert_goes(self.one, run)

    def test_who_comes_too_late_and_is_cancelled_leaves_nothing(self):
        run, _ = self.start_too_late(self.one)
        run.signal(signal.SIGINT)
        done = run.finish()
        self.assert_stayed(self.one, done, 6)
        self.assertEqual(done.phases()[-2:], ["launch", "rollback"])
        self.assertEqual(self.tickets(), [])

    # --- whom it does not wait for -------------------------------------------

    def test_without_wait_memory_promised_to_others_refuses(self):
        self.arriving("web2", ALL_MEMORY)
        done = self.migrate(self.one, **HERE)
        self.assert_stayed(self.one, done, 3)
        self.assert_explained(done, "promised", "--wait")
        self.assertEqual(self.tickets(), [])

    def test_what_can_never_fit_is_refused_at_once(self):
        big = self.guest("fill=1", memory=HUGE, extra=[
            "-object", f"memory-backend-ram,id=m,size={HUGE},reserve=off",
            "-machine", "memory-backend=m"])
        self.arriving("web2", 1 << 30)
        self.leaving("a")
        for args in ((), ("--wait",)):
            done = self.migrate(big, *args, **HERE)
            self.assert_exit(done, 3)
            self.assertEqual(waits(done), [])
            self.assert_explained(done, "needed", "free memory there")
        self.assertEqual(self.tickets(), [])

    def test_one_that_waits_over_there_holds_up_no_other_destination(self):
        self.arriving("a")
        first = self.start_waiting(self.one, "--parallel", "1",
                                   says="1 at once arrive")
        self.assert_moved(self.two, self.migrate(self.two, "--wait",
                                                 "--parallel", "4"))
        first.signal(signal.SIGTERM)
        self.assert_stayed(self.one, first.finish(), 6, state="")

    # --- how a wait ends otherwise -------------------------------------------

    def test_ctrl_c_while_waiting_leaves_nothing(self):
        self.leaving("a")
        run = self.start_waiting(self.one, "--parallel", "1", says="turn")
        run.signal(signal.SIGINT)
        done = run.finish()
        self.assert_stayed(self.one, done, 6, state="")
        self.assertEqual(done.result["outcome"], "cancelled")
        self.assertEqual(done.phases(), [])
        self.assertEqual(self.tickets(), [])

    def test_ctrl_c_while_waiting_over_there_leaves_nothing(self):
        self.arriving("a")
        run = self.start_waiting(self.one, "--parallel", "1",
                                 says="1 at once arrive")
        run.signal(signal.SIGINT)
        self.assert_stayed(self.one, run.finish(), 6, state="")
        self.assertEqual(self.tickets(), [])

    def test_a_killed_waiter_blocks_nobody(self):
        lock = self.leaving("a")
        first = self.start_waiting(self.one, "--parallel", "1", says="turn")
        second = self.start_waiting(self.two, "--parallel", "1", says="turn")
        first.signal(signal.SIGKILL)
        first.finish()
        self.end_leaving(lock)
        self.assert_goes(self.two, second)

    def test_a_dry_run_does_not_wait(self):
        self.leaving("a")
        done = self.vmferry("migrate", self.one.name, self.sshd.target,
                            *self.sshd.login(), "--wait", "--parallel", "1",
                            "--dry-run")
        self.assert_exit(done, 0)
        self.assertEqual(self.tickets(), [])


if __name__ == "__main__":
    unittest.main()
