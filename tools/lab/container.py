# SPDX-License-Identifier: MIT
"""Hosts with a systemd of their own in namespaces, at full speed.

They are as machine.py has them and of the same image, but the kernel is this
machine's, and a power cut loses nothing that was written to a file. Nothing of
this machine's own network, sysctls or devices changes.
"""
import os
import signal
import subprocess
import time

from machine import Machine
from namespaces import LabError

HERE = os.path.dirname(os.path.abspath(__file__))
CGROUPS = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")


def cgroup_top():
    for path in CGROUPS:
        if os.path.exists(f"{path}/cgroup.procs"):
            return path
    raise LabError("there is no cgroup2 here, which systemd wants")


class Container(Machine):
    def __init__(self, group, number):
        super().__init__(group, number)
        self.port, self.init = 22, None
        self.cgroup = os.path.join(
            cgroup_top(), f"{os.path.basename(group.dir)}-{self.name}")
        for name in ("upper", "work", "root", "image"):
            os.makedirs(self.path(f"d/{name}"))

    def start(self):
        os.makedirs(self.cgroup, exist_ok=True)
        with open(self.path("console"), "a") as console:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "sh", "-c",
                 'echo $$ >"$0/cgroup.procs"; exec "$@"', self.cgroup,
                 "unshare", "--mount", "--pid", "--uts", "--ipc", "--net",
                 "--cgroup", "--fork", "--kill-child", "--",
                 f"{HERE}/container_init.sh", self.group.image,
                 self.path("d"), self.group.disk, self.cgroup, self.name,
                 self.machine_id],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.init = self.wait_init()
        self.join()

    def wait_init(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with open(path) as f:
                words = f.read().split()
            if words:
                return int(words[0])
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise LabError(f"{self.name} does not start; see "
                       f"{self.path('console')}")

    def join(self):
        """A cable to the other one, as soon as there is one."""
        other = self.group.machines[2 - self.number]
        if getattr(other, "init", None) is None:
            return
        mac = "52:54:00:76:66:0"
        for host in (self, other):
            subprocess.run(["nsenter", f"--net=/proc/{host.init}/ns/net",
                            "ip", "link", "delete", "lan0"],
                           capture_output=True)
        subprocess.run(
            ["nsenter", f"--net=/proc/{self.init}/ns/net", "ip", "link",
             "add", "lan0", "address", f"{mac}{self.number}", "type",
             "veth", "peer", "name", "lan0", "address",
             f"{mac}{other.number}", "netns", str(other.init)], check=True)

    def ssh(self, user, own):
        return ["nsenter", f"--net=/proc/{self.init}/ns/net",
                *super().ssh(user, own)]

    def off(self):
        self.hang_up()
        try:
            os.kill(self.init, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.init = None
        self.remove_cgroup()

    def on(self):
        self.start()

    def stop(self):
        if self.init:
            self.off()

    def remove_cgroup(self):
        """From its leaves; the last processes may just be ending."""
        for _ in range(500):
            for top, dirs, _ in os.walk(self.cgroup, topdown=False):
                for name in dirs:
                    self.rmdir(os.path.join(top, name))
            if self.rmdir(self.cgroup):
                return
            time.sleep(0.02)

    @staticmethod
    def rmdir(path):
        try:
            os.rmdir(path)
        except OSError:
            return False
        return True
