# SPDX-License-Identifier: MIT
"""An engine that is held at a point while something else breaks; and faults.

The engine stops itself at a fault point, its guardian is stopped as well, the
fault is done, and both go on: so a fault from outside hits an exact moment.
Every fault here takes a trial and may return a function that heals it.
"""
import glob
import os
import shutil
import signal
import subprocess
import threading
import time

import ground
import harness
import processes

# Where an engine is held in each phase of the fault matrix.
POINTS = {"before": "prepare.before", "precopy": "start.after",
          "switchover": "switch.before", "committed": "resume.before",
          "cleanup": "finish.before"}
PHASES = tuple(POINTS)
DOWN_S = 3


def arguments(point):
    """A copy that takes long is needed to be held in the middle of it."""
    return ground.SLOW if point == POINTS["precopy"] else ()


class Hold:
    """The engine is held at the point from here to go_on()."""

    def __init__(self, place, point, args=(), dest=None):
        self.trial = place.last = place.trial(
            args=[*arguments(point), *args], fault=f"{point}:stop", dest=dest)
        self.aside = processes.Aside(self.trial.engine)
        self.trial.wait_stopped()

    def go_on(self):
        harness.kill(self.trial.engine, signal.SIGCONT)
        self.guardian_goes_on()

    def guardian_goes_on(self):
        self.aside.join(60)
        self.aside.end(signal.SIGCONT)

    def guardian_dies(self):
        self.aside.join(60)
        self.aside.end(signal.SIGKILL)


# --- faults ------------------------------------------------------------------

def signal_engine(sig):
    def act(trial):
        trial.kill_engine(sig)
    return act


def kill_source(trial):
    trial.broken()
    trial.excused.add(harness.directory_of(trial.source))
    harness.kill(trial.source)
    harness.wait_until(lambda: not harness.is_alive(trial.source), 60,
                       "the source lives on")


def kill_destination(trial):
    pid = trial.destination_pid()
    if pid is None:
        raise AssertionError("there is no destination QEMU")
    trial.broken()
    trial.excused.add(harness.directory_of(pid))
    harness.kill(pid)
    harness.wait_until(lambda: not harness.is_alive(pid), 60,
                       "the destination lives on")


def pause_source(trial, seconds=2):
    """SIGSTOP to its QEMU, and CONT by a timer."""
    trial.broken()
    harness.kill(trial.source, signal.SIGSTOP)
    threading.Timer(seconds, harness.kill,
                    (trial.source, signal.SIGCONT)).start()


def kill_sessions(trial):
    """All logins break; the host can be logged in to again."""
    trial.broken()
    trial.ground.sshd.kill_sessions()


def carriers(trial):
    """Processes that carry the engine's bytes, the youngest last: endpoints,
    and the ssh(1) that one of them may have behind it."""
    def words(pid):
        return harness.argv_of(pid)

    def born(pid):
        stat = harness.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        return int(stat[19]) if stat else 0
    pids = sorted(harness.children(trial.engine), key=born)
    return ([p for p in pids if words(p)[1:] == ["ssh-endpoint"]],
            [p for p in pids if words(p)[:2] == ["ssh", "-M"]])


def kill_lane(trial):
    """The process that carries the stream dies; the login does not."""
    endpoints, _ = carriers(trial)
    trial.broken()
    harness.kill(endpoints[-1])


def stop_lane(trial):
    """It goes on no more, and no connection is broken."""
    endpoints, _ = carriers(trial)
    trial.broken()
    harness.kill(endpoints[-1], signal.SIGSTOP)


def reset_lane(trial):
    """The stream's own TCP connection breaks; the login's does not."""
    endpoints, clients = carriers(trial)
    pid = clients[-1] if ground.transport == "openssh" else endpoints[-1]
    said = subprocess.run(["ss", "-Htnp", "state", "established"], text=True,
                          check=True, capture_output=True).stdout
    local = [line.split()[2] for line in said.splitlines()
             if f"pid={pid}," in line]
    if len(local) != 1:
        raise AssertionError(f"connections of {pid}: {local} in {said}")
    trial.broken()
    subprocess.run(["ss", "-K", "src", local[0]], check=True,
                   stdout=subprocess.DEVNULL)


def stop_sshd(trial):
    """The host is not to be logged in to until it is healed."""
    sshd = trial.ground.sshd
    trial.broken()
    sshd.stop()
    return sshd.start


def stop_sshd_for_a_while(trial):
    heal = stop_sshd(trial)
    timer = threading.Timer(DOWN_S, heal)
    timer.start()
    return timer.join


def change_host_key(trial):
    """Another host answers, as far as known_hosts goes."""
    sshd = trial.ground.sshd
    other = sshd.path("other_key")
    if not os.path.exists(other):
        harness.make_key(other)
    sshd.write_known_hosts(other + ".pub")
    kill_sessions(trial)
    return lambda: sshd.write_known_hosts(sshd.path("host_key.pub"))


def take_lock_over_there(trial):
    """As if another run had the guest's lock on the destination."""
    (lock,) = glob.glob(os.path.join(trial.ground.place.run_root, "in-*"))
    with open(f"/proc/{os.getpid()}/stat") as f:
        ticks = f.read().rpartition(")")[2].split()[19]
    for name, text in (("run", "run-another"),
                       ("pid", f"{os.getpid()} {ticks}")):
        with open(os.path.join(lock, name), "w") as f:
            f.write(f"{text}\n")
    return lambda: shutil.rmtree(lock)


def power_off(where="source"):
    """The guest ends by itself."""
    def act(trial):
        trial.broken()
        path, pid = trial.guest.serial, trial.source
        if where == "destination":
            pid = trial.destination_pid()
            path = os.path.join(harness.directory_of(pid), "s0.sock")
        trial.excused.add(harness.directory_of(pid))
        trial.guest.watch.send(path, b"q")
    return act


def reset_guest(trial):
    """Its beats start anew; those from before are no part of the series."""
    watch, trial.broke_ns = trial.guest.watch, time.monotonic_ns()
    watch.send(trial.guest.serial, b"t")
    booted = watch.wait_for(
        lambda: [ln for ln in watch.lines("F ")
                 if ln.host_ns > trial.broke_ns], 60, "the guest is not back")
    watch.forget(booted[0].host_ns)


def fill_run_root(trial):
    """Not a byte more is to be written where sockets and locks live."""
    used = shutil.disk_usage("/run").used
    trial.broken()
    # the /run of this process's own mount namespace, a tmpfs
    _resize_run(used)
    return lambda: _resize_run("50%")


def _resize_run(size):
    subprocess.run(["mount", "-o", f"remount,size={size}", "/run"],
                   check=True)
