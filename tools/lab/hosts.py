# SPDX-License-Identifier: MIT
"""What a lab and its hosts are made of, and how they come and go.

A host has network, mount, UTS, IPC and PID namespaces of its own, and an
sshd. What Host.mounts() and furnish() do not replace it shares with this
machine: an image has the same path on every host, as on shared storage.
"""

import os
import pwd
import secrets
import shutil
import socket
import sys
import time
import uuid

import namespaces
import wire
from namespaces import IPC, MNT, NET, PID, UTS, LabError, run
from store import (DISKS, RUN, make_mount_points, private_dir, remove,
                   remove_mount_points, slurp, spill)

HOME = pwd.getpwuid(0).pw_dir
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TOOLS = {"ip": "iproute2", "tc": "iproute2", "ss": "iproute2",
         "nft": "nftables", "nsenter": "util-linux", "mount": "mount",
         "sshd": "openssh-server", "ssh-keygen": "openssh-client"}

SSHD_TIMEOUT_MS, SSHD_POLL_MS = 20000, 10
SSHD_CONFIG = """\
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
"""


class Host:
    """One host: its number, its name and where its things lie."""

    def __init__(self, lab, number):
        self.number = number
        self.name = "host" + chr(ord("a") + number - 1)
        self.address = wire.address(number)
        self.dir = f"{lab.dir}/{self.name}"
        self.record = f"{self.dir}/pid"
        self.made = f"{self.dir}/made"
        self.disks = f"{DISKS}/{lab.name}/{self.name}"

    @property
    def pid(self):
        return namespaces.find(self.record)

    def sshd_pid(self):
        """The sshd's pid on the host, or None if it does not run."""
        root = f"/proc/{self.pid}/root"
        try:
            with open(f"{root}/run/sshd.pid") as f:
                pid = int(f.read())
            with open(f"{root}/proc/{pid}/comm") as f:
                return pid if f.read() == "sshd\n" else None
        except (OSError, ValueError):
            return None

    def mounts(self):
        """(source, where) of the binds that make the host its own."""
        return [(f"{self.dir}/ssh", f"{HOME}/.ssh"),
                (f"{self.dir}/etc-ssh", "/etc/ssh"),
                (f"{self.dir}/machine-id", "/etc/machine-id"),
                (f"{os.path.dirname(self.dir)}/hosts", "/etc/hosts"),
                (f"{self.disks}/vmferry", "/var/lib/vmferry"),
                (f"{self.disks}/local", "/srv/local")]


class Lab:
    """A named set of hosts and the fabric between them."""

    def __init__(self, name):
        self.name = name
        self.dir = f"{RUN}/{name}"
        self.record = f"{self.dir}/fabric-pid"
        self.rate_file = f"{self.dir}/rate"

    @property
    def fabric(self):
        return namespaces.find(self.record)

    def hosts(self):
        every = (Host(self, n) for n in range(1, wire.MOST_HOSTS + 1))
        return [h for h in every if os.path.isdir(h.dir)]

    def host(self, name):
        for h in self.hosts():
            if h.name == name:
                return h
        names = ", ".join(h.name for h in self.hosts())
        raise LabError(f"no host {name} in lab {self.name} "
                       + (f"(it has {names})" if names else "(it is down; "
                          "start it with: lab up)"))

    def running(self, name=None):
        """The host of that name, or all hosts that are up; never none."""
        hosts = [self.host(name)] if name else self.hosts()
        hosts = [h for h in hosts if h.pid]
        if not hosts or not self.fabric:
            raise LabError(f"{name or 'lab ' + self.name} is down; "
                           f"bring it back with: lab up")
        return hosts

    def rate(self):
        return float(slurp(self.rate_file, "0")) or None


def check_tools():
    missing = {t: p for t, p in TOOLS.items() if not shutil.which(t)}
    if missing:
        raise LabError(f"not found: {', '.join(missing)}; install "
                       + ", ".join(sorted(set(missing.values()))))


def make_key(path):
    if not os.path.exists(path):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab",
            "-f", path)


def make_host_files(lab, host):
    """All that a host is made of, kept until the lab goes down."""
    for path in (host.dir, f"{host.dir}/ssh", f"{host.dir}/etc-ssh",
                 f"{host.disks}/vmferry"):
        private_dir(path)
    os.makedirs(f"{host.disks}/local", exist_ok=True)
    os.chmod(f"{host.disks}/local", 0o755)
    spill(f"{host.dir}/machine-id", secrets.token_hex(16) + "\n")
    spill(f"{host.dir}/etc-ssh/sshd_config", SSHD_CONFIG)
    make_key(f"{host.dir}/etc-ssh/ssh_host_ed25519_key")
    make_key(f"{lab.dir}/id_ed25519")
    for source, target in (("id_ed25519", "id_ed25519"),
                           ("id_ed25519.pub", "id_ed25519.pub"),
                           ("id_ed25519.pub", "authorized_keys")):
        shutil.copy(f"{lab.dir}/{source}", f"{host.dir}/ssh/{target}")


def introduce(lab):
    """Let every host know all names, addresses and host keys."""
    hosts = lab.hosts()
    keys = {h.name: " ".join(slurp(
        f"{h.dir}/etc-ssh/ssh_host_ed25519_key.pub").split()[:2])
        for h in hosts}
    spill(f"{lab.dir}/hosts", "127.0.0.1 localhost\n::1 localhost\n" +
          "".join(f"{h.address} {h.name}\n" for h in hosts))
    known = "".join(f"{h.name},{h.address} {keys[h.name]}\n" for h in hosts)
    for h in hosts:
        spill(f"{h.dir}/ssh/known_hosts", known +
              f"localhost,127.0.0.1,::1 {keys[h.name]}\n", 0o600)
        spill(h.made, "")


def furnish(host):
    """Make the fresh namespaces a host. Runs as its PID 1."""
    socket.sethostname(host.name)
    namespaces.keep_mounts()
    for source, where in host.mounts():
        run("mount", "--bind", source, where)
    startup = f"{HOME}/.bashrc"
    if os.path.exists(startup):
        # What the user's does at each login is not the host's business.
        run("mount", "--bind", "/dev/null", startup)
    run("mount", "-t", "proc", "proc", "/proc")
    # A host that comes back after a crash has booted anew.
    spill(f"{host.dir}/boot-id", f"{uuid.uuid4()}\n", 0o444)
    run("mount", "--bind", f"{host.dir}/boot-id",
        "/proc/sys/kernel/random/boot_id")
    run("mount", "-t", "tmpfs", "-o", "mode=0755,nosuid,nodev", "run", "/run")
    run("mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "shm",
        "/dev/shm")
    os.mkdir("/run/sshd", 0o755)
    os.mkdir("/run/lock")
    os.chmod("/run/lock", 0o1777)
    furnish_sys()


def furnish_sys():
    """A /sys that shows this network, with the cgroups of the old one."""
    os.mkdir("/run/sys")
    run("mount", "-t", "sysfs", "sysfs", "/run/sys")
    if os.path.isdir("/run/sys/fs/cgroup") and os.path.isdir(
            "/sys/fs/cgroup"):
        run("mount", "--rbind", "/sys/fs/cgroup", "/run/sys/fs/cgroup")
    run("mount", "--move", "/run/sys", "/sys")
    os.rmdir("/run/sys")


def start_sshd(host):
    # By its full path, for sshd runs itself again for every connection.
    inside(host, [shutil.which("sshd"), "-E", "/run/sshd.log"])
    # Its parent ends before it listens and has said which process it is.
    for _ in range(0, SSHD_TIMEOUT_MS, SSHD_POLL_MS):
        if host.sshd_pid():
            return
        time.sleep(SSHD_POLL_MS / 1000)
    raise LabError(f"sshd on {host.name} does not come up")


def inside(host, argv):
    """run_inside from a child process, so that we stay outside ourselves."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = namespaces.run_inside(host.pid, argv, environment(), "/")
        except OSError as e:
            print(f"lab: {host.name}: {e}", file=sys.stderr, flush=True)
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise LabError(f"{argv[0]} on {host.name} failed (status {status})")


def environment():
    """What sshd would give a command; nothing of ours but the terminal."""
    keep = {k: v for k, v in os.environ.items()
            if k in ("TERM", "LANG") or k.startswith("LC_")}
    return {"HOME": HOME, "USER": "root", "LOGNAME": "root",
            "SHELL": "/bin/bash", "PATH": PATH, **keep}


def start_fabric(lab):
    fabric = namespaces.spawn(NET, lab.record, lambda: None)
    try:
        wire.build(fabric)
    except LabError:
        namespaces.end(lab.record)
        raise


def start_host(lab, host):
    """Bring up what is missing of one host."""
    fresh = not host.pid
    if fresh:
        make_mount_points(host.mounts())
        namespaces.spawn(MNT | UTS | IPC | PID | NET, host.record,
                         lambda: furnish(host))
        wire.unplug(lab.fabric, host.name)
    if wire.plug(lab.fabric, host.pid, host.name, host.number) or fresh:
        wire.shape(lab.fabric, host.pid, host.name, lab.rate())
    if not host.sshd_pid():
        start_sshd(host)


def bring_up(lab, count):
    """Start that many hosts, or what is missing of those that there are.

    count None: as many as the lab has, two if it is new.
    """
    check_tools()
    if count is None:
        count = 0 if lab.hosts() else 2
    numbers = {h.number for h in lab.hosts()} | set(range(1, count + 1))
    private_dir(lab.dir)
    private_dir(DISKS)
    new = [h for h in (Host(lab, n) for n in sorted(numbers))
           if not os.path.exists(h.made)]
    for h in new:
        make_host_files(lab, h)
    if new:
        introduce(lab)
    if not lab.fabric:
        start_fabric(lab)
    for h in lab.hosts():
        start_host(lab, h)


def crash(lab, host):
    """End all that runs on the host at once, as a power cut would."""
    namespaces.end(host.record)
    if lab.fabric:
        wire.unplug(lab.fabric, host.name)


def take_down(lab):
    """End the lab and leave nothing of it."""
    for h in lab.hosts():
        crash(lab, h)
    namespaces.end(lab.record)
    for path in (lab.dir, f"{DISKS}/{lab.name}"):
        if os.path.exists(path):
            shutil.rmtree(path)
    remove(os.rmdir, DISKS)
    if not any(e.is_dir() for e in os.scandir(RUN)):
        remove_mount_points()
        remove(os.rmdir, RUN)
