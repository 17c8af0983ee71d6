#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What vmferry itself costs while a migration is held.

Brings two lab hosts up, starts a guest that rewrites memory faster than the
allowed bandwidth, and migrates it with a budget that cannot be kept until the
deadline: all that time the engine watches and holds. Prints one JSON object:
for the engine and each of its endpoints peak and resident set (KiB) and the CPU
share (percent of one core) over the middle of the run; the tunnel's buffers
(KiB).

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


def with_endpoints(pid):
    """{pid: name} of the engine and of the processes that carry its bytes."""
    names = {pid: "engine"}
    for p in descendants(pid):
        words = Path(f"/proc/{p}/cmdline").read_text(errors="replace").split("\0")
        if words[:2] == ["vmferry", "ssh-endpoint"]:
            names[p] = f"endpoint-{p}"
    return names


def cpu_ticks(pid):
    after = Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()
    return int(after[11]) + int(after[12])


def memory_kib(pid):
    values = {}
    for name in "status", "smaps_rollup":
        for line in Path(f"/proc/{pid}/{name}").read_text().splitlines():
            key, _, rest = line.partition(":")
            if key in ("VmHWM", "VmRSS", "RssAnon", "RssFile", "Pss"):
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
    names = with_endpoints(pid)
    before, began = {p: cpu_ticks(p) for p in names}, time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - began
    share = {name: round(100 * (cpu_ticks(p) - before[p]) / TICKS / elapsed, 2)
             for p, name in names.items()}
    memory = {name: memory_kib(p) for p, name in names.items()}
    out, _ = run.communicate(timeout=120)
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
