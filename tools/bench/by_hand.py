#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A live migration as one would script it: ssh(1) and QMP, and nothing that can
go wrong is looked after. For comparison; never for a guest that matters.

Usage: by_hand.py HOST MONITOR [SSH-OPTION...] -- QEMU-ARGV...
(the argv of the QEMU behind MONITOR). Prints a line of JSON.
"""
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time


class Qmp:
    def __init__(self, path):
        while True:
            try:
                self.s = socket.socket(socket.AF_UNIX)
                self.s.connect(path)
                self.f = self.s.makefile("rw")
                if self.f.readline():
                    break
            except OSError:
                pass
            time.sleep(0.02)
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self.f.write(json.dumps({"execute": command, "arguments": arguments}))
        self.f.flush()
        while True:
            reply = json.loads(self.f.readline())
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                sys.exit(f"{command}: {reply['error']['desc']}")


def main():
    at = sys.argv.index("--")
    host, monitor, *options = sys.argv[1:at]
    with tempfile.TemporaryDirectory() as here:
        there = f"/run/by-hand-{os.getpid()}"
        argv = sys.argv[at + 1:] + [
            "-S", "-incoming", f"unix:{there}/mig",
            "-qmp", f"unix:{there}/qmp,server=on,wait=off"]
        login = ["ssh", *options, "-o", f"ControlPath={here}/ctl", host]
        subprocess.run([*login[:-1], "-M", "-N", "-f",
                        "-L", f"{here}/mig:{there}/mig",
                        "-L", f"{here}/qmp:{there}/qmp", host], check=True)
        subprocess.run([*login, f"mkdir -p {there}; setsid {shlex.join(argv)} "
                        "</dev/null >/dev/null 2>&1 &"], check=True)
        subprocess.run([*login, f"until [ -S {there}/mig ] && "
                        f"[ -S {there}/qmp ]; do sleep 0.02; done"], check=True)
        source, destination = Qmp(monitor), Qmp(f"{here}/qmp")
        source("migrate", uri=f"unix:{here}/mig")
        while (info := source("query-migrate"))["status"] != "completed":
            if info["status"] in ("failed", "cancelled"):
                sys.exit(f"migration {info['status']}")
            time.sleep(0.02)
        destination("cont")
        print(json.dumps({"transferred_bytes": info["ram"]["transferred"],
                          "qemu_downtime_ms": info.get("downtime")}))
        source("quit")
        subprocess.run([*login[:-1], "-O", "exit", host], check=True,
                       stderr=subprocess.DEVNULL)


main()
