# SPDX-License-Identifier: MIT
"""The ways by which peers.py moves a guest from one lab host to the other.

Each has prepare() for both hosts, start() of a guest, and move(): a dict with
at least transferred_bytes and qemu_downtime_ms. Whatever the way, the guest's
serial port is /run/bench.serial where it runs, or below its run directory.
"""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import harness

HERE = Path(__file__).resolve().parent
NAME = "bench"
SERIAL, MONITOR = "/run/bench.serial", "/run/bench.qmp"
PACKAGES = {"libvirtd": "libvirt-daemon libvirt-daemon-driver-qemu",
            "virsh": "libvirt-clients"}
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
START_S = 60


def argv_of_guest(append, memory):
    return [harness.QEMU, "-name", NAME, "-accel", "tcg", "-M", "pc",
            "-m", memory, "-nodefaults", "-display", "none",
            "-serial", f"unix:{SERIAL},server=on,wait=off",
            "-kernel", harness.GUEST_ELF, "-append", append]


def run(host, *argv, timeout=600):
    done = host.run(*map(str, argv), timeout=timeout)
    if done.returncode:
        raise RuntimeError(f"{argv[0]} on {host.name}: {done.stderr[-800:]}"
                           f"{done.stdout[-800:]}")
    return done.stdout


class Way:
    serials = (SERIAL,)

    def __init__(self, *options):
        self.options = options

    def missing(self):
        """What is not installed, as words; empty: nothing."""
        return ""

    def prepare(self, lab):
        pass

    def start(self, host, append, memory):
        argv = [*argv_of_guest(append, memory),
                "-qmp", f"unix:{MONITOR},server=on,wait=off"]
        self.argv = argv_of_guest(append, memory)
        self.process = subprocess.Popen(
            host.argv(*argv), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self, lab):
        """Nothing of the guest is left."""
        for host in lab.hosts.values():
            for pid, (_, line) in host.processes().items():
                if "qemu-system" in line and f"-name {NAME}" in line or \
                        "qemu-system" in line and f"guest={NAME}," in line:
                    harness.kill(pid)
            host.sh(f"rm -rf {SERIAL} {MONITOR} /run/by-hand-*")
        if getattr(self, "process", None):
            self.process.wait()

    def close(self, lab):
        pass


class Ours(Way):
    serials = (SERIAL, "/run/vmferry/run-*/s0.sock")

    def move(self, source, destination):
        said = run(source, harness.VMFERRY, "migrate", NAME, destination.name,
                   "--no-input", "--watch-source", "0", "--json",
                   "--skip-check", "state", "--max-blackout", "5000",
                   *self.options)
        r = json.loads(said)
        return {"transferred_bytes": r["transferred_bytes"],
                "qemu_downtime_ms": r["qemu_downtime_ms"],
                "blackout_ms": r["blackout_ms"], "transport": r["transport"],
                "streams": r["streams"]}

    def end(self, lab):
        super().end(lab)
        for host in lab.hosts.values():
            host.sh("sleep 0.2; rm -rf /run/vmferry/run-*")


class ByHand(Way):
    def move(self, source, destination):
        said = run(source, sys.executable, HERE / "by_hand.py",
                   destination.name, MONITOR, *self.options, "--", *self.argv)
        return json.loads(said.splitlines()[-1])


class Libvirt(Way):
    """virsh over qemu+ssh, with a libvirtd of its own in each host."""

    uri = "qemu+ssh://{}/system"
    arguments = ()
    running = None   # the lab whose hosts have a libvirtd

    def missing(self):
        names = [p for t, p in PACKAGES.items()
                 if not shutil.which(t, path="/usr/sbin:/usr/bin")]
        if not names and not list(Path("/usr/lib").glob(
                "*/libvirt/connection-driver/libvirt_driver_qemu.so")):
            names = [PACKAGES["libvirtd"]]
        return " ".join(names)

    def prepare(self, lab):
        if Libvirt.running is lab:
            return
        for host in lab.hosts.values():
            self.furnish(host)
        Libvirt.running = lab

    def furnish(self, host):
        """As PERF of libvirt without systemd needs it: directories, a uuid and
        a configuration of this host's own."""
        address = self.lab_address(host)
        # what is there stays: a bind mount hides it from this host alone
        host.sh("for d in /etc/libvirt /var/lib/libvirt /var/cache/libvirt "
                "/var/log/libvirt; do mkdir -p $d; "
                "mount -t tmpfs none $d; done; mkdir -p /run/libvirt "
                "/etc/libvirt/qemu /var/log/libvirt/qemu")
        # its QEMU driver wants this user to exist, also where it is not used
        for file, line in (("passwd", "libvirt-qemu:x:64055:64055::/:/bin/false"),
                           ("group", "libvirt-qemu:x:64055:")):
            host.sh(f"grep -q ^libvirt-qemu: /etc/{file} || "
                    f"{{ cp /etc/{file} /run/{file} && echo '{line}' "
                    f">>/run/{file} && mount --bind /run/{file} /etc/{file}; }}")
        host.sh(f"""cat >/etc/libvirt/libvirtd.conf <<end
host_uuid = "$(cat /proc/sys/kernel/random/uuid)"
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
end
cat >/etc/libvirt/qemu.conf <<end
security_driver = "none"
namespaces = [ ]
cgroup_controllers = [ ]
user = "root"
group = "root"
remember_owner = 0
dynamic_ownership = 0
stdio_handler = "file"
migration_address = "0.0.0.0"
migration_host = "{address}"
end
LIBVIRT_AUTOSTART=0 setsid libvirtd </dev/null >/var/log/libvirt/out 2>&1 &""")
        harness.wait_until(
            lambda: host.run("virsh", "-c", "qemu:///system", "uri")
            .returncode == 0, START_S,
            f"no libvirtd on {host.name}: "
            + host.sh("cat /var/log/libvirt/out"))

    @staticmethod
    def lab_address(host):
        said = host.sh("ip -4 -o addr show dev br0")
        return re.search(r"inet ([0-9.]+)/", said)[1]

    def xml(self, append, memory):
        kib = re.sub(r"\D", "", memory)
        return f"""<domain type='qemu'><name>{NAME}</name>
<memory unit='KiB'>{kib}</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type>
<kernel>{harness.GUEST_ELF}</kernel><cmdline>{append}</cmdline></os>
<devices><emulator>{harness.QEMU}</emulator>
<serial type='unix'><source mode='bind' path='{SERIAL}'/></serial>
<controller type='usb' model='none'/><memballoon model='none'/>
</devices></domain>"""

    def start(self, host, append, memory):
        host.sh(f"cat >/run/bench.xml <<'end'\n{self.xml(append, memory)}\nend")
        run(host, "virsh", "-q", "-c", "qemu:///system", "create",
            "/run/bench.xml")

    def move(self, source, destination):
        run(source, "virsh", "-q", "-c", "qemu:///system", "migrate", "--live",
            *self.arguments, *self.options, NAME,
            self.uri.format(destination.name))
        return {"transferred_bytes": None, "qemu_downtime_ms": None}

    def after(self, source, destination):
        """What libvirt says of it, once nobody waits for it."""
        said = destination.run("virsh", "-c", "qemu:///system", "domjobinfo",
                               NAME, "--completed").stdout
        data = re.search(r"Data processed:\s+([0-9.]+) (\S+)", said)
        down = re.search(r"Total downtime:\s+([0-9.]+)", said)
        return {"transferred_bytes":
                data and int(float(data[1]) * UNITS[data[2]]),
                "qemu_downtime_ms": down and float(down[1])}

    def end(self, lab):
        for host in lab.hosts.values():
            host.run("virsh", "-q", "-c", "qemu:///system", "destroy", NAME)
        super().end(lab)

    def close(self, lab):
        Libvirt.running = None


class LibvirtTunnelled(Libvirt):
    arguments = ("--p2p", "--tunnelled")


WAYS = {
    "virsh-tunnelled": LibvirtTunnelled,
    "virsh-clear": Libvirt,
    "script": ByHand,
    "script-gcm": lambda: ByHand("-c", "aes128-gcm@openssh.com"),
    "ours": Ours,
    "ours-openssh": lambda: Ours("--transport", "openssh"),
    "ours-auto": lambda: Ours("--transport", "auto"),
    "ours-tcp": lambda: Ours("--transport", "tcp", "--insecure"),
}
DEFAULT = ("virsh-tunnelled", "virsh-clear", "script", "ours")


def way_of(word):
    """One of WAYS, or NAME=OPTIONS of vmferry: four=--streams 4."""
    name, equals, options = word.partition("=")
    if equals:
        return Ours(*options.split())
    if name not in WAYS:
        raise SystemExit(f"peers: there is no {name}; there are "
                         f"{', '.join(WAYS)}, and NAME=OPTIONS")
    return WAYS[name]()

