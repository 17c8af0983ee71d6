# SPDX-License-Identifier: MIT
"""The ground of the fault drivers: one host, one guest, many trials.

A trial runs an engine on the guest, breaks something, and asks what became of
the guest. sshd, the guest and its disk stay for the next trial; Trial.judge()
says what is wrong, Ground.clean() makes good what a bad trial left behind.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from processes import OUT, ferries, link, state_of
import harness
from guestwatch import GuestWatch

LOAD = "fill=16 ws=4 rate=8"
# Slow enough to meet a copy under way, and to end soon all the same.
SLOW = ("--bandwidth", "8M")
# No trial is about the budget, and the machine may be busy.
BUDGET = ("--max-blackout", "5000")
# What carries the memory in every trial; matrix.py --transport sets it.
TRANSPORTS = {"ssh": (), "openssh": ("--transport", "openssh"),
              "tcp": ("--transport", "tcp", "--insecure")}
transport = "ssh"
SLOT_BYTES, SLOTS = 65536, 64
SETTLE_S, BEATS = 60, 5
# The guardian's promise for a dead engine, and what a very busy machine adds.
GUARDIAN_MS = 1000
SLACK_MS = 4000


class Watch(GuestWatch):
    def forget(self, before_ns):
        """Drops the beats until then."""
        with self._changed:
            self._beats = [b for b in self._beats if b.host_ns > before_ns]


class Ground:
    def __init__(self, load=LOAD, extra=()):
        self.place = harness.isolate()
        self.sshd = harness.Sshd(self.place)
        self.load, self.extra = load, list(extra)
        self.guest, self.slots, self.serial = None, {}, 0
        self.fresh_guest()

    # --- the guest and its disk ----------------------------------------------

    def fresh_guest(self):
        """A guest in place of one that is lost, with a disk of its own."""
        if self.guest:
            self.guest.stop()
            os.unlink(self.disk)
        self.serial += 1
        self.slots = {}
        self.disk = os.path.join(self.place.work, f"disk{self.serial}.qcow2")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", self.disk,
                        "64M"], check=True)
        self.guest = harness.Guest(
            self.place, self.load, name=f"ground{self.serial}", extra=[
                "-drive", f"if=none,id=disk,format=qcow2,file={self.disk}",
                "-device", "ide-hd,id=hd,drive=disk",
                "-device", "virtio-rng-pci", *self.extra])

    def write_disk(self, q):
        """A pattern through its owner's own caches, on the disk at once."""
        slot, byte = len(self.slots) % SLOTS, len(self.slots) % 255 + 1
        at = slot * SLOT_BYTES * 2
        for command in (f"write -P {byte} {at} {SLOT_BYTES}", "flush"):
            said = q.command("human-monitor-command", **{
                "command-line": f'qemu-io -d hd "{command}"'})
            if said.strip():
                raise RuntimeError(f"qemu-io: {said}")
        self.slots[at] = byte

    def disk_problems(self):
        done = subprocess.run(
            ["qemu-io", "-U", "-r", "-f", "qcow2", self.disk] +
            [word for at, byte in self.slots.items() for word in
             ("-c", f"read -P {byte} {at} {SLOT_BYTES}")],
            text=True, capture_output=True)
        found = []
        if done.returncode or "fail" in done.stdout + done.stderr:
            found.append(f"disk: {done.stdout[-300:]}{done.stderr[-300:]}")
        done = subprocess.run(["qemu-img", "check", "-U", self.disk],
                              text=True, capture_output=True)
        if done.returncode:
            found.append(f"disk: qemu-img check: {done.stdout}{done.stderr}")
        return found

    def blocks(self):
        """What of the block layer must be the same before and after."""
        with self.guest.monitor() as q:
            return {"nodes": len(q.command("query-named-block-nodes")),
                    "jobs": len(q.command("query-block-jobs")),
                    "exports": len(q.command("query-block-exports")),
                    "bad": [b["device"] for b in q.command("query-block")
                            if b.get("io-status", "ok") != "ok"]}

    def qemus(self):
        return {p: line for p, line in harness.our_qemus().items()
                if f"-name {self.guest.name} " in line}

    def adopt(self, pid):
        """The guest is this process from now on."""
        if self.guest.process.poll() is None and pid != self.guest.pid:
            self.guest.process.wait(60)
        self.guest.pid = pid

    # --- engines -------------------------------------------------------------

    def argv(self, *args, dest=None):
        return [harness.VMFERRY, "migrate", self.guest.name,
                dest or self.sshd.target, *self.sshd.login(), *BUDGET,
                *TRANSPORTS[transport], *args]

    def recover(self, timeout=120):
        return harness.vmferry(self.place, "recover", "--json",
                               *self.sshd.login(), timeout=timeout)

    def trial(self, **options):
        return Trial(self, **options)

    # --- order ---------------------------------------------------------------

    def known(self):
        return {self.sshd.process.pid, self.guest.pid,
                *harness.keepers([self.guest.pid])}

    def left_over(self, excused=()):
        """Processes and files that are nobody's any more."""
        found = [f"left: process {p}: {line[:150]}" for p, line in
                 {**harness.ours(), **ferries()}.items()
                 if p not in self.known()]
        found += [f"left: sshd session {p}" for p in self.sshd.sessions()]
        kept = [*excused, harness.directory_of(self.guest.pid)]
        return found + [f"left: {p}" for p in self.place.left_over()
                        if not any(k and (p + "/").startswith(k + "/")
                                   for k in kept)]

    def end_all(self):
        """All that was started here, by its token, but sshd."""
        for pid in {**harness.ours(), **ferries()}:
            if pid != self.sshd.process.pid:
                harness.kill(pid)

    def clean(self):
        """From whatever a bad trial left to a ground like new."""
        self.end_all()
        self.sshd.stop()
        self.guest.stop()
        for path in self.place.left_over():
            harness.remove(path)
        self.sshd.start()
        self.fresh_guest()

    def close(self):
        self.end_all()
        self.guest.stop()
        self.sshd.stop()
        self.place.remove()


class Trial:
    """One engine on the guest of the ground, and what was seen meanwhile."""

    def __init__(self, ground, args=(), fault=None, wrap=(), dest=None,
                 before=None, env=None):
        self.ground, self.guest = ground, ground.guest
        self.source = self.guest.pid
        # one client a serial port: the one before must not come between
        self.guest.watch.close()
        self.guest.watch = Watch()
        self.guest.watch.add(self.guest.serial, timeout=60)
        with self.guest.monitor() as q:
            ground.write_disk(q)
        # of a QEMU that a fault has killed; it is nobody's to remove
        self.excused = set()
        self.blocks = ground.blocks()
        self.settings = self.guest.read_settings()
        self.broke_ns, self.ended_ns = None, None
        if before:
            before()
        env = dict(ground.place.env, **(env or {}))
        if fault:
            env["VMFERRY_FAULT"] = fault
        self.run = harness.Run([*wrap, *ground.argv(*args, dest=dest)], env,
                               self.guest)
        self.engine = self._engine() if wrap else self.run.process.pid
        self.outcome, self.owner = None, None

    def _engine(self):
        """The child of the wrapper; None when it ended before we looked."""
        parent = self.run.process.pid

        def child():
            if self.run.process.poll() is not None:
                return -1
            return next((p for p in harness.children(parent)
                         if link(f"/proc/{p}/exe") == harness.VMFERRY), 0)

        pid = harness.wait_until(child, 60, "no engine under the wrapper")
        return pid if pid > 0 else None

    # --- breaking things -----------------------------------------------------

    def broken(self):
        """The moment of the fault; the first one counts."""
        if self.broke_ns is None:
            self.broke_ns = time.monotonic_ns()

    def kill_engine(self, sig=signal.SIGKILL):
        self.broken()
        harness.kill(self.engine, sig)

    def wait_stopped(self, timeout=120):
        """Until the engine has stopped itself at its fault point."""
        def stopped():
            state = state_of(self.engine)
            if state in ("", "Z") or self.run.process.poll() is not None:
                raise AssertionError(f"the engine ended before the point: "
                                     f"{self.finish()}")
            return state == "T"
        harness.wait_until(stopped, timeout, "the engine does not stop")

    def destination_pid(self):
        """Pid of the QEMU that was started for this run, or None."""
        return next((p for p in self.ground.qemus() if p != self.source), None)

    def states(self):
        """What each QEMU of the guest says it is."""
        found = []
        for pid in self.ground.qemus():
            monitor = self.guest.qmp
            if pid != self.source:
                monitor = os.path.join(harness.directory_of(pid), "s1.sock")
            try:
                with harness.Qmp(monitor, timeout=2) as q:
                    found.append(q.command("query-status")["status"])
            except OSError:
                found.append("busy")
        return found

    # --- the end -------------------------------------------------------------

    def finish(self, timeout=150):
        """Waits for the engine alone."""
        if self.outcome is None:
            self.run.process.wait(timeout)
            if self.ended_ns is None:
                self.ended_ns = time.monotonic_ns()
            self.outcome = self.run.finish(timeout)
        return self.outcome

    def settle(self, timeout=SETTLE_S):
        """Until no process of the program is left: the guardian is done."""
        harness.wait_until(lambda: not ferries(), timeout,
                           f"still at work: {ferries()}")

    def gap_ms(self):
        """The longest silence of the guest that ends after the fault."""
        since = self.broke_ns or self.ended_ns or 0
        times = sorted(b.host_ns for b in self.guest.watch.beats())
        return max((b - a for a, b in zip(times, times[1:]) if b > since),
                   default=0) / 1e6

    def judge(self, owners, again=True):
        """What is wrong; owners are those that may have the guest now."""
        found = self._find_owner(owners)
        if self.owner in ("source", "destination"):
            found += self._guest_problems()
            if self.owner == "source" and \
                    self.guest.read_settings() != self.settings:
                found.append("settings: of migration in the source changed")
            if self.ground.blocks() != self.blocks:
                found.append(f"blocks: {self.blocks} -> "
                             f"{self.ground.blocks()}")
        found += self._left_over()
        if again and not found and self.owner != "none":
            found += self._again()
        self.guest.watch.close()
        if self.owner == "none" and not found:
            self.ground.fresh_guest()
        return found

    def _find_owner(self, owners):
        pids = list(self.ground.qemus())
        if len(pids) > 1:
            self.owner = "unknown"
            return [f"left: more than one QEMU: {self.ground.qemus()}"]
        self.owner = "none" if not pids else "source" if \
            pids[0] == self.source else "destination"
        if self.owner == "destination":
            self.ground.adopt(pids[0])
        if self.owner in owners:
            return []
        word = "lost" if self.owner == "none" else "owner"
        return [f"{word}: it is {self.owner} instead of {sorted(owners)}"]

    def _guest_problems(self):
        watch, found = self.guest.watch, []
        try:
            watch.wait_beats(self.guest.serial, BEATS, 60)
            verdict = self.guest.verify()
            if not verdict["ok"] or verdict["bad"]:
                found.append(f"memory: {verdict['line']}")
        except (TimeoutError, LookupError, OSError) as e:
            found.append(f"beats: the guest does not run: {e}")
        if watch.both_ran():
            found.append(f"two: {watch.both_ran()}")
        if watch.missing():
            found.append(f"beats: missing {watch.missing()}")
        found += [f"memory: {ln.text}" for ln in watch.lines("E ")]
        return found + self.ground.disk_problems()

    def _left_over(self):
        excused = self.excused if self.owner == "none" else ()
        try:
            harness.wait_until(lambda: not self.ground.left_over(excused), 60,
                               "")
        except TimeoutError:
            return self.ground.left_over(excused)
        for path in filter(None, excused):
            harness.remove(path)
        return []

    def _again(self):
        """A second migration is the proof that nothing is in its way."""
        env, before = self.ground.place.env, self.guest.pid
        run = harness.Run(self.ground.argv(), env, self.guest)
        done = run.finish()
        if done.code != 0:
            return [f"again: {done}"]
        self.ground.adopt(done.result["owner_pid"])
        found = self._guest_problems() + self._left_over()
        if harness.is_alive(before):
            found.append("again: the old QEMU lives on")
        return found

    # --- evidence ------------------------------------------------------------

    def keep_evidence(self, name, problems):
        """What the one who mends it needs; the directory's name."""
        where = os.path.join(OUT, "failures", name.replace("/", "_"))
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        with open(os.path.join(where, "report"), "w") as f:
            f.write("\n".join(problems) + "\n\n")
            f.write(f"{self.outcome}\n")
            f.writelines(f"{e}\n" for e in self.run.events)
            f.write(f"processes: {harness.ours()} {ferries()}\n")
        for top, _, files in os.walk(self.ground.place.runs):
            for file in files:
                path = os.path.join(top, file)
                to = os.path.join(where, os.path.basename(top) + "-" + file)
                shutil.copy(path, to)
                if file == "journal":
                    with open(to + ".txt", "w") as f:
                        subprocess.run([harness.VMFERRY, "journal", "print",
                                        path], stdout=f, stderr=f)
        return where
