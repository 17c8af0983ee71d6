#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What vmferry itself costs while a migration is held.

Brings two lab hosts up, starts a guest that rewrites memory faster than the
allowed bandwidth, and migrates it with a budget that cannot be kept until the
deadline: all that time the engine watches and holds. Prints one JSON object:
peak and resident set (KiB), the tunnel's buffers (KiB), and the CPU share of
each thread (percent of one core) over the middle of the run.

Usage: cost.py [SECONDS]
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LAB = [str(TOP / "tools/lab/lab"), "--name", "bench"]
TUNNEL_BUFFERS_KIB = 2 * 64
TICKS = os.sysconf("SC_CLK_TCK")

GUEST = (
    "qemu-system-x86_64 -name bench -accel tcg -m 262152K -nodefaults "
    "-display none -serial unix:/run/bench.serial,server=on,wait=off "
    "-qmp unix:/run/bench.qmp,server=on,wait=off "
    f"-kernel {TOP}/build/guest.elf -append 'fill=128 ws=64 rate=60' "
    "</dev/null >/dev/null 2>&1 &"
)


def lab(*words, **kw):
    return subprocess.run([*LAB, *words], check=True, **kw)


def descendants(pid):
    """Pids below @pid, itself included."""
    found = [pid]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(errors="replace")
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            found += descendants(int(stat.parent.name))
    return found


def find_vmferry(pid):
    for p in descendants(pid):
        try:
            exe = os.readlink(f"/proc/{p}/exe")
        except OSError:
            continue
        if exe.endswith("/vmferry"):
            return p
    return None


def thread_ticks(pid):
    """CPU ticks by thread id."""
    ticks = {}
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        after = stat.read_text(errors="replace").rsplit(")", 1)[1].split()
        ticks[int(stat.parent.name)] = int(after[11]) + int(after[12])
    return ticks


def memory_kib(pid):
    values = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, rest = line.partition(":")
        if key in ("VmHWM", "VmRSS", "RssAnon", "RssFile"):
            values[key] = int(rest.split()[0])
    return values


def measure(seconds):
    run = subprocess.Popen(
        [*LAB, "exec", "hosta", str(TOP / "build/vmferry"), "migrate",
         "bench", "hostb", "--bandwidth", "20M", "--max-blackout", "30",
         "--deadline", str(seconds + 12), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    pid = None
    while pid is None and run.poll() is None:
        pid = find_vmferry(run.pid)
        time.sleep(0.05)
    time.sleep(5)
    before, began = thread_ticks(pid), time.monotonic()
    time.sleep(seconds)
    after, elapsed = thread_ticks(pid), time.monotonic() - began
    memory = memory_kib(pid)
    out, _ = run.communicate(timeout=120)
    share = {
        ("control" if t == pid else f"tunnel-{t}"):
            round(100 * (after[t] - before[t]) / TICKS / elapsed, 2)
        for t in after if t in before
    }
    return {
        "memory_kib": memory,
        "tunnel_buffers_kib": TUNNEL_BUFFERS_KIB,
        "cpu_percent_of_a_core": share,
        "held_seconds": round(elapsed, 1),
        "outcome": json.loads(out)["outcome"],
    }


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    lab("up", stdout=subprocess.DEVNULL)
    try:
        lab("exec", "hosta", "sh", "-c", GUEST)
        time.sleep(3)
        print(json.dumps(measure(seconds), indent=1))
    finally:
        lab("down", stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
