# SPDX-License-Identifier: MIT
"""The program's processes: engines and guardians, found, stopped, watched.

A guardian is stopped (SIGSTOP) where it must not act: a stopped process that
is then killed has done nothing, as if it had died together with its engine.
"""
import atexit
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

import harness

OUT = os.path.join(harness.ROOT, "build/fault")


def pin():
    """Works with a copy of the program, which no build changes meanwhile."""
    os.makedirs(OUT, exist_ok=True)
    where = tempfile.mkdtemp(prefix="bin-", dir=OUT)
    atexit.register(shutil.rmtree, where, True)
    harness.VMFERRY = shutil.copy(harness.VMFERRY, where)
    with open(harness.VMFERRY, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:12]


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def ferries():
    """{pid: command line} of every process of the (pinned) program."""
    return {int(p): " ".join(harness.argv_of(p)) for p in os.listdir("/proc")
            if p.isdigit() and link(f"/proc/{p}/exe") == harness.VMFERRY and
            harness.is_alive(p)}


def guardian_of(engine):
    """Its child, once it is there; found fast, for who must be quick."""
    for pid in harness.children(engine):
        if harness.argv_of(pid)[1:2] == ["guardian"]:
            return pid
    return None


def state_of(pid):
    """One letter, T for stopped; empty when it is gone."""
    after = harness.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return after[0].decode() if after else ""


class Aside(threading.Thread):
    """Stops the guardian of an engine as soon as it is there."""

    def __init__(self, engine):
        super().__init__(daemon=True)
        self.engine, self.pid = engine, None
        self.start()

    def run(self):
        while self.pid is None and harness.is_alive(self.engine):
            self.pid = guardian_of(self.engine)
            time.sleep(0.001)
        if self.pid:
            harness.kill(self.pid, signal.SIGSTOP)

    def end(self, sig):
        """SIGKILL: it died with the engine; SIGCONT: it acts from now on."""
        if not harness.is_alive(self.engine):
            self.join()
        if self.pid:
            harness.kill(self.pid, sig)
        return self.pid
