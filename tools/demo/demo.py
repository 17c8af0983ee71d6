#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""vmferry at work on this machine: two live migrations in under a minute.

A throw-away sshd on loopback, QEMU without KVM, and the built-in guest, which
counts heartbeats and checks its own memory. No root, no network. Everything
is gone afterwards, also after Ctrl-C.
"""
import contextlib
import errno
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))

import harness

LOAD = "fill=12 ws=2 rate=10"
# Bytes a second: what the second act allows. So little that the link is what
# limits a pass, and not the processors, which may have other things to do.
LINK = 2e6
WORKING_SET = "2 MB"
BUSY_RATE = 20      # MiB/s
ROOMY_MS, TIGHT_MS = 3000, 100
# What is run, and the package of Debian that has it.
TOOLS = {harness.QEMU: "qemu-system-x86", harness.SSHD: "openssh-server",
         "ssh-keygen": "openssh-client"}
PROGRAMS = [os.path.basename(tool) for tool in TOOLS]
# What makes names that sshd, QEMU and sockets take.
TEMPORARY = re.compile(r"[\w/.+-]{1,50}")
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# No measure of anything: for a machine that has other things to do.
PATIENCE_S = 300


def say(text=""):
    print(text, flush=True)


def fail(text):
    say(f"  ✘ {text}")
    raise SystemExit(1)


def check_machine():
    """Ends with one line where something is missing."""
    if not os.path.isdir("/proc/self"):
        fail("/proc is missing: mount -t proc proc /proc")
    for tool, package in TOOLS.items():
        if not shutil.which(tool):
            fail(f"{tool} is missing: apt-get install {package}")
    where = tempfile.gettempdir()
    if not TEMPORARY.fullmatch(where):
        fail(f"the directory for temporary files, {where}, has a name that "
             f"sshd, QEMU or a socket cannot take: TMPDIR=/tmp make demo")
    for path in (harness.VMFERRY, harness.GUEST_ELF):
        if not os.path.exists(path):
            fail(f"{path} is missing: make")


class Migration:
    """vmferry on this terminal; its events come through a pipe besides."""

    run_ids = []            # of all that were started

    def __init__(self, place, sshd, guest, *options):
        self.place, self.guest = place, guest
        self.argv = [harness.VMFERRY, "migrate", guest.name, sshd.target,
                     *sshd.login(), *options]
        self.result = None

    def show(self, options):
        say(f"$ vmferry migrate {self.guest.name} {self.argv[3]} {options}"
            .rstrip())

    def run(self):
        """Its exit code."""
        reader, writer = os.pipe()
        process = subprocess.Popen(
            [*self.argv, "--events", f"fd:{writer}"], env=self.place.env,
            stdin=subprocess.DEVNULL, pass_fds=[writer])
        os.close(writer)
        thread = threading.Thread(target=self.listen, args=[reader])
        thread.start()
        try:
            code = process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            fail(f"vmferry did not end within {PATIENCE_S} s")
        except KeyboardInterrupt:
            # It has the signal too, and undoes what it began.
            process.wait(PATIENCE_S)
            raise
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            thread.join()
        say()
        return code

    def listen(self, reader):
        with os.fdopen(reader) as pipe:
            for line in pipe:
                event = harness.json.loads(line)
                if event["event"] == "run-start":
                    self.run_ids.append(event["run"])
                    self.guest.expect(event["run"])
                elif event["event"] == "result":
                    self.result = event


def arrived(guest, migration, code):
    if code != 0:
        fail(f"vmferry ended with code {code}")
    guest.pid = migration.result["owner_pid"]
    check(guest)


def check(guest):
    """The guest itself is the witness."""
    watch = guest.watch
    watch.wait_beats(guest.serial, 20, PATIENCE_S)
    verdict = watch.verify(guest.serial, PATIENCE_S)
    beats = {b.seq for b in watch.beats()}
    if watch.missing() or watch.both_ran():
        fail(f"heartbeats lost: {watch.missing()}, both ran: "
             f"{watch.both_ran()}")
    if not verdict["ok"]:
        fail(f"the guest found its memory damaged: {verdict['line']}")
    say(f"  ✔ heartbeats: {len(beats)} of {max(beats) + 1} arrived, none "
        f"lost, none twice")
    say(f"  ✔ the guest checked its memory: {verdict['pages']} pages, "
        f"{verdict['bad']} bad")


def first_act(place, sshd, guest):
    say("1. A guest moves to another QEMU while it works")
    say(f"   128 MB of RAM, rewrites 10 MB/s of a working set of "
        f"{WORKING_SET}, beats every 10 ms")
    say()
    # No more than it needs, but on a busy machine that may be a second.
    roomy = ["--max-blackout", str(ROOMY_MS)]
    migration = Migration(place, sshd, guest, *roomy)
    migration.show(" ".join(roomy))
    arrived(guest, migration, migration.run())
    gaps = guest.watch.handover_gaps_ms()
    say(f"  ✔ between the last beat here and the first there: "
        f"{gaps[-1]:.0f} ms" if gaps else "  ✔ no gap was seen")
    say()


def second_act(place, sshd, guest):
    say("2. A guest that rewrites memory faster than the link carries it")
    say(f"   now {BUSY_RATE} MB/s against a link of {LINK / 1e6:.0f} MB/s, "
        f"and at most {TIGHT_MS} ms of blackout")
    say()
    guest.watch.send(guest.serial, f"r={BUSY_RATE}\n".encode())
    link = ["--bandwidth", f"{LINK / 1e6:.0f}M"]
    tight = [*link, "--throttle", "off", "--max-blackout", str(TIGHT_MS)]
    migration = Migration(place, sshd, guest, *tight)
    migration.show(" ".join(tight))
    code = migration.run()
    if code != 5:
        fail(f"expected a refusal (5), got {code}")
    check(guest)
    say("    it runs on where it was")
    say()
    # What the program itself said would do.
    text = " ".join(migration.result["error"]["cause"])
    wanted = re.search(r"budget of (\d+) ms", text)
    if not wanted:
        fail(f"it did not say what would do: {text}")
    roomy = [*link, "--throttle", "off", "--max-blackout", wanted[1]]
    migration = Migration(place, sshd, guest, *roomy)
    migration.show(" ".join(roomy))
    arrived(guest, migration, migration.run())
    if migration.result["blackout_ms"] > float(wanted[1]):
        fail("the blackout was longer than allowed")
    say()


def run_in_use():
    """A descriptor that keeps other demos from removing what all use."""
    fd = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd


def is_last(fd):
    """Whether no other demo runs."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def missing_directories(place):
    """What programs make that are started here, the innermost first."""
    paths = [os.path.join(place.run_root, d)
             for d in ("locks", "queue", "tokens", "sockets")]
    paths += [place.run_root, "/run/sshd"]
    # the destination's, and what the source's guests' users may read
    paths += [os.path.join(harness.STATE, d) for d in ("arrived", "away")]
    paths += [harness.STATE]
    return [p for p in paths if not os.path.exists(p)]


def of_place(place):
    """{pid: command line} of ours that name the place."""
    return {pid: line for pid, line in harness.ours().items()
            if place.work in line}


def end_all(place, sshds, guests):
    # A guardian has its work to do while both guests are there.
    harness.await_no_ferry(PATIENCE_S)
    for guest in guests:
        guest.stop()
    for sshd in sshds:
        sshd.stop()
    # Where an interrupted migration brought it.
    for pid in harness.our_qemus():
        harness.end_qemu(pid)
    # One that was interrupted as it started.
    for pid, line in of_place(place).items():
        if os.path.basename(line.split(" ")[0]).rstrip(":") in PROGRAMS:
            harness.kill(pid)
    # Shells are about to remove what guests left.
    with contextlib.suppress(TimeoutError):
        harness.wait_until(lambda: not of_place(place), 30, "")
    for pid in of_place(place):
        harness.kill(pid)
    place.remove()


def remove_empty(made):
    for path in made:
        try:
            os.rmdir(path)
        except OSError:
            # Not made, or in use by somebody else by now.
            pass


def traces(place):
    """Processes and files that are still there."""
    found = [f"process {pid} ({line})" for pid, line in
             harness.ours().items()]
    found += [p for p in (place.work,) if os.path.lexists(p)]
    for top in (place.run_root, harness.STATE):
        for where, directories, files in os.walk(top):
            found += [os.path.join(where, name)
                      for name in directories + files
                      if any(run in name for run in Migration.run_ids)]
    return found


def check_nothing_left(place):
    try:
        harness.wait_until(lambda: not traces(place), 60, "")
    except TimeoutError:
        fail(f"left behind: {', '.join(traces(place))}")


def demo():
    check_machine()
    place = harness.Place(private=False)
    # People look at this one.
    place.env.pop("NO_COLOR")
    if "NO_COLOR" in os.environ:
        place.env["NO_COLOR"] = os.environ["NO_COLOR"]
    in_use = run_in_use()
    made = missing_directories(place)
    sshds, guests = [], []
    try:
        sshds.append(harness.Sshd(place))
        # Another demo, or a guest of that name, may be running here.
        name = f"demo-{os.urandom(2).hex()}"
        guests.append(harness.Guest(place, LOAD, name=name))
        first_act(place, sshds[0], guests[0])
        second_act(place, sshds[0], guests[0])
    finally:
        for sig in ENDS:
            signal.signal(sig, signal.SIG_IGN)
        end_all(place, sshds, guests)
        if is_last(in_use):
            remove_empty(made)
        os.close(in_use)
        check_nothing_left(place)
    say("All gone again: guests, sshd, files. Next: vmferry help")


def interrupted(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    for sig in ENDS:
        signal.signal(sig, interrupted)
    sys.stdout.reconfigure(errors="replace")
    try:
        demo()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            say("\ninterrupted; everything was cleaned up")
        sys.exit(130)
    except OSError as e:
        if e.errno not in FULL:
            raise
        fail(f"{e.strerror}: {e.filename or tempfile.gettempdir()}; make room, "
             f"or name another place: TMPDIR=/var/tmp make demo")
