# SPDX-License-Identifier: MIT
"""Ordinary users on the hosts of a lab: accounts with homes and logins of their
own, that exist there and nowhere else, and their guests.
"""
import json
import os
import subprocess

import harness

# No program of theirs is where root builds; each host's /run has a copy.
PROGRAM = "/run/vmferry-of-users"


class User:
    """An account of that name on each host, who may log in on the others."""

    def __init__(self, lab, name, uid):
        self.lab, self.name, self.uid = lab, name, uid
        self.home = f"/srv/local/{name}"
        self.dir = f"/run/{name}"   # for sockets, kernels
        for host in lab.hosts.values():
            self.join(host)

    def join(self, host):
        """Also after a boot, which starts from this machine's accounts."""
        host.sh(f"""
            for f in passwd group; do
                [ -e /run/$f ] || {{
                    cp /etc/$f /run/$f
                    mount --bind /run/$f /etc/$f
                }}
            done
            echo {self.name}:x:{self.uid}:{self.uid}::{self.home}:/bin/sh \
                >>/run/passwd
            echo {self.name}:x:{self.uid}: >>/run/group
            [ -e {PROGRAM} ] || cp {harness.VMFERRY} {PROGRAM}
            mkdir -p {self.home}/.ssh {self.dir}
            cp "$HOME"/.ssh/* {self.home}/.ssh
            cp {harness.GUEST_ELF} {self.dir}/kernel
            chmod 700 {self.home} {self.home}/.ssh
            chmod 755 {self.dir} {PROGRAM}
            chmod 644 {self.dir}/kernel
            chown -R {self.uid}:{self.uid} {self.home} {self.dir}""")

    def argv(self, host, *command):
        return host.argv(
            "setpriv", "--reuid", str(self.uid), "--regid", str(self.uid),
            "--clear-groups", "env", "-i", f"HOME={self.home}",
            f"USER={self.name}", f"PATH={os.environ['PATH']}", *command)

    def run(self, host, *command, timeout=180):
        return subprocess.run(self.argv(host, *command), text=True,
                              capture_output=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)

    def vmferry(self, host, *args):
        return self.run(host, PROGRAM, *args)

    def processes(self, host, word):
        """Those of the user with this in their command line."""
        found = []
        for pid, (_, line) in host.processes().items():
            try:
                owner = os.stat(f"/proc/{pid}").st_uid
                status = harness.read(f"/proc/{pid}/status").decode()
            except OSError:
                continue
            uids = next(ln for ln in status.splitlines()
                        if ln.startswith("Uid:")).split()[1:]
            if word in line and str(self.uid) in (*uids, str(owner)):
                found.append(pid)
        return found


class Guest:
    """A guest of a user's, with its sockets where the user may make them."""

    def __init__(self, user, host, name, append="fill=8 ws=1 rate=2"):
        self.user, self.host, self.name = user, host, name
        self.qmp = f"{user.dir}/{name}.qmp"
        self.process = subprocess.Popen(
            user.argv(host, harness.QEMU, "-name", name, "-accel", "tcg", "-M",
                      "pc", "-m", harness.SMALL, "-nodefaults", "-display",
                      "none", "-kernel", f"{user.dir}/kernel", "-append",
                      append, "-qmp", f"unix:{self.qmp},server=on,wait=off"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        harness.wait_until(lambda: os.path.exists(host.at(self.qmp)), 60,
                           "there is no monitor")

    def migrate_argv(self, there, *args):
        return self.user.argv(
            self.host, PROGRAM, "migrate", self.name, there.name, "--no-input",
            "--watch-source", "0", *harness.budget(args), *args)

    def migrate(self, there, *args):
        done = subprocess.run(self.migrate_argv(there, *args, "--json"),
                              text=True, capture_output=True, timeout=300,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        self.host = there
        return json.loads(done.stdout)

    def pids(self, host=None):
        return self.user.processes(host or self.host,
                                   f"{harness.QEMU} -name {self.name} ")

    def status(self):
        with harness.Qmp(self.host.at(self.qmp)) as q:
            return q.command("query-status")["status"]

    def stop(self):
        for host in self.user.lab.hosts.values():
            for pid in self.pids(host):
                harness.kill(pid)
        self.process.kill()
        self.process.wait()
