# SPDX-License-Identifier: MIT
"""Machines: hosts with a kernel and a systemd of their own, under TCG.

    with Machines(build) as (a, b):
        a.wait_up()
        a.run("systemctl is-system-running")
        a.reset()                       # as the button does: a power cut

Each has the image of machine_store.py as its disk, whose changes go with the
machine, and the lab's disk at /lab: keys, names, vmferry, guest.elf. NICs:
one to the other machine (10.77.0.N; datagram sockets in a directory), one for
ssh(1) on this machine (QEMU's user network: a port on loopback, and nothing
beyond).
"""
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

import machine_store
from namespaces import LabError

QEMU = "qemu-system-x86_64"
MEMORY_MB = 768
# Of emulated machines on a processor that others have first.
BOOT_S, RUN_S = 1800, 900
# One processor: several that are emulated wait for each other's locks.
KERNEL = ("root=/dev/vda rw console=ttyS0 quiet mitigations=off panic=-1 "
          "clocksource=tsc tsc=reliable")
USERS = {"root": 0, "ferry": 1000}
IS_UP = ("cat /proc/sys/kernel/random/boot_id; "
         "systemctl is-system-running --wait")


class Failed(LabError):
    """A command on a machine ended with another status than 0."""

    def __init__(self, done):
        super().__init__(f"{done.args[-1]}: status {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
        self.done = done


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Machine:
    def __init__(self, group, number):
        self.group, self.number = group, number
        self.name = "host" + chr(ord("a") + number - 1)
        self.address = f"10.77.0.{number}"
        self.machine_id = secrets.token_hex(16)
        self.port = free_port()
        self.process = None

    def path(self, name):
        return self.group.path(f"{self.name}.{name}")

    def qemu(self):
        other = self.group.machines[2 - self.number]
        image = self.group.image
        nic = "virtio-net-pci,romfile=,mac=52:54:00:76"
        return [
            QEMU, "-name", self.name, "-nodefaults", "-display", "none",
            "-M", "pc,hpet=off", "-accel", "tcg,tb-size=256",
            "-m", str(MEMORY_MB), "-kernel", f"{image}/vmlinuz",
            "-initrd", f"{image}/initrd", "-append",
            f"{KERNEL} systemd.hostname={self.name} "
            f"systemd.machine_id={self.machine_id}",
            "-drive", f"file={image}/root.ext4,format=raw,if=virtio,"
            "snapshot=on",
            "-drive", f"file={self.group.disk},format=raw,if=virtio,"
            "readonly=on",
            "-netdev", "user,id=user,restrict=on,"
            f"hostfwd=tcp:127.0.0.1:{self.port}-:22",
            "-device", f"{nic}:67:0{self.number},netdev=user",
            "-netdev", "dgram,id=lab,local.type=unix,"
            f"local.path={self.path('net')},remote.type=unix,"
            f"remote.path={other.path('net')}",
            "-device", f"{nic}:66:0{self.number},netdev=lab",
            "-device", "virtio-rng-pci",
            "-serial", f"file:{self.path('console')}",
            "-qmp", f"unix:{self.path('qmp')},server=on,wait=off"]

    def start(self):
        """It ends with this process."""
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self.qemu()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def stop(self):
        self.hang_up()
        self.process.kill()
        self.process.wait()

    # --- commands -------------------------------------------------------------

    def ssh(self, user, own):
        """@own: a login of its own; others share one, since each is dear."""
        shared = ["-o", "ControlMaster=auto", "-o", "ControlPersist=yes",
                  "-o", f"ControlPath={self.path('%r')}"]
        return ["ssh", "-q", "-F", "none", "-p", str(self.port),
                "-i", self.group.path("id_ed25519"),
                "-o", f"UserKnownHostsFile={self.group.path('known_hosts')}",
                "-o", "HostKeyAlias=lab", "-o", "IdentitiesOnly=yes",
                "-o", "BatchMode=yes", "-o", "ConnectTimeout=300",
                *([] if own else shared), f"{user}@127.0.0.1"]

    def hang_up(self):
        """Ends the logins that are shared."""
        for user in USERS:
            if os.path.exists(self.path(user)):
                subprocess.run([*self.ssh(user, False), "-O", "exit"],
                               capture_output=True)

    def argv(self, command, user="root", own=False):
        return [*self.ssh(user, own), command]

    def attempt(self, command, user="root", timeout=RUN_S, own=False,
                text=None):
        """@text: its standard input."""
        return subprocess.run(self.argv(command, user, own), text=True,
                              capture_output=True, timeout=timeout,
                              input=text or "")

    def run(self, command, user="root", **options):
        """What the command printed; Failed if it failed."""
        done = self.attempt(command, user, **options)
        if done.returncode:
            raise Failed(done)
        return done.stdout

    def put(self, path, text, user="root"):
        self.run(f"mkdir -p \"$(dirname '{path}')\" && cat >'{path}'", user,
                 text=text)

    def wait(self, command, what, user="root", timeout=RUN_S):
        """Until the command succeeds there; what it printed then."""
        return self.run(f"n={timeout}; until {command}; do "
                        f"[ $((n -= 1)) -gt 0 ] || {{ echo '{what}' >&2; "
                        "exit 1; }; sleep 1; done", user, timeout=timeout * 2)

    # --- power ----------------------------------------------------------------

    def qmp(self, *commands):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(120)
            s.connect(self.path("qmp"))
            f = s.makefile("rw")
            f.readline()
            for name in ("qmp_capabilities", *commands):
                f.write(json.dumps({"execute": name}) + "\n")
                f.flush()
                while '"return"' not in (line := f.readline()):
                    if not line or '"error"' in line:
                        raise LabError(f"{self.name}: {name}: {line}")

    def off(self):
        """It stops at once; what is only in its memory is lost."""
        self.qmp("stop", "system_reset")
        self.hang_up()

    def on(self):
        self.qmp("cont")

    def reset(self):
        self.off()
        self.on()

    def wait_up(self):
        """Until its boot has ended; whether no unit of it has failed."""
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end:
            if self.process and self.process.poll() is not None:
                raise LabError(f"{self.name}: its QEMU has ended")
            done = self.attempt(IS_UP, timeout=BOOT_S)
            if done.stdout.endswith(("running\n", "degraded\n")):
                return done.stdout.endswith("running\n")
            time.sleep(1)
        raise LabError(f"{self.name} does not come up; see "
                       f"{self.path('console')}")


class Machines:
    """Two machines on a network of their own."""

    def __init__(self, build, files=None, kind=Machine):
        """@files: what else is copied to /lab, {name there: path}."""
        self.image = machine_store.image()
        self.dir = tempfile.mkdtemp(prefix="vmferry-machines-")
        self.disk = self.path("lab.ext4")
        self.machines = [kind(self, n) for n in (1, 2)]
        self.make_disk(build, files or {})

    def path(self, name):
        return os.path.join(self.dir, name)

    def make_key(self, name):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                        "lab", "-f", self.path(name)], check=True)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def names(self):
        """(hosts, known_hosts): all have one host key."""
        with open(self.path("host_key.pub")) as f:
            key = " ".join(f.read().split()[:2])
        known = ["lab", "localhost", "127.0.0.1"]
        hosts = ["127.0.0.1 localhost"]
        for m in self.machines:
            known += [m.name, m.address]
            hosts.append(f"{m.address} {m.name}")
        return "\n".join(hosts) + "\n", f"{','.join(known)} {key}\n"

    def make_disk(self, build, files):
        """What /lab is; made by root, as keys have owners."""
        self.make_key("id_ed25519")
        self.make_key("host_key")
        hosts, known_hosts = self.names()
        self.write("known_hosts", known_hosts)
        top = self.path("lab")
        os.makedirs(os.path.join(top, "bin"))
        self.write("lab/hosts", hosts)
        for name, where in (
                (f"{build}/vmferry", "bin/vmferry"),
                (f"{build}/guest.elf", "guest.elf"),
                (self.path("host_key"), "ssh_host_ed25519_key"),
                (self.path("known_hosts"), "known_hosts"),
                (self.path("id_ed25519.pub"), "authorized_keys"),
                *((path, name) for name, path in files.items())):
            shutil.copy(name, os.path.join(top, where))
        for user, uid in USERS.items():
            home = os.path.join(top, user)
            os.mkdir(home, 0o700)
            shutil.copy(self.path("id_ed25519"), home)
            for path in (home, os.path.join(home, "id_ed25519")):
                os.chown(path, uid, uid)
        with open(self.disk, "w") as f:
            f.truncate(64 << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", top, self.disk],
                       check=True)

    def __enter__(self):
        for m in self.machines:
            m.start()
        return self.machines

    def __exit__(self, *_):
        for m in self.machines:
            m.stop()
        shutil.rmtree(self.dir)
