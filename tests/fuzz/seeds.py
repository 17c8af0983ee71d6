#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the seed corpora of tests/fuzz anew; crashes found later stay.

    seeds.py            all but ssh
    seeds.py --ssh      ssh, too: records a real sshd (root, build-fuzz/ssh_fuzz)
"""

import base64
import json
import os
import pathlib
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent


def put(target, name, data):
    """One seed; text is written as UTF-8."""
    directory = HERE / "corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    if isinstance(data, str):
        data = data.encode()
    (directory / f"seed-{name}").write_bytes(data)


# --- QMP ---------------------------------------------------------------------

GREETING = (
    '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, '
    '"package": "Debian 1:7.2"}, "capabilities": ["oob"]}}\r\n'
)

MIGRATE_INFO = {
    "status": "active",
    "total-time": 1204,
    "setup-time": 3,
    "expected-downtime": 300,
    "cpu-throttle-percentage": 20,
    "blocked-reasons": ["disk0 is busy"],
    "ram": {
        "transferred": 104857600,
        "remaining": 1048576,
        "total": 1090519040,
        "normal": 25600,
        "duplicate": 240000,
        "dirty-pages-rate": 120,
        "dirty-sync-count": 2,
        "page-size": 4096,
        "mbps": 812.5,
    },
}

DISKS = [
    {
        "device": "virtio0",
        "qdev": "/machine/peripheral-anon/device[1]",
        "inserted": {
            "node-name": "#block123",
            "file": "/srv/web1.qcow2",
            "drv": "qcow2",
            "ro": False,
            "image": {"virtual-size": 1073741824},
        },
    },
    {"device": "ide1-cd0"},
]


def qmp():
    answers = {
        "status": {"return": {"status": "running", "running": True}},
        "name-uuid": {
            "query-name": {"name": "web1"},
            "query-uuid": {"UUID": "6f0e7d2a-1111-4222-8333-444455556666"},
        },
        "migrate": {"return": MIGRATE_INFO, "id": "x-1"},
        "capabilities": {
            "return": [{"capability": "xbzrle", "state": False}],
        },
        "disks": {"return": DISKS},
        "machine": {
            "qom-get": "pc-q35-7.2-machine",
            "query-memory-size-summary": {
                "base-memory": 1073741824,
                "plugged-memory": 0,
            },
            "query-cpus-fast": [{}, {}],
            "query-kvm": {"enabled": False, "present": True},
        },
        "hotplugged": {
            "qom-list": [{"name": "nic1", "type": "child<virtio-net-pci>"}],
            "qom-get": True,
            "query-jobs": [{"id": "j1", "type": "mirror", "status": "ready"}],
        },
        "event": {
            "event": "MIGRATION",
            "data": {"status": "completed"},
            "timestamp": {"seconds": 1764000000, "microseconds": 250000},
        },
    }
    for name, answer in answers.items():
        put("qmp", name, b"\0" + json.dumps(answer).encode() + b"\r\n")
    put("qmp", "greeting", "\7" + GREETING + json.dumps(answers["event"]))
    put("qmp", "numbers", '\1{"a":[-9223372036854775808,18446744073709551615,'
        '1e-7,-0.0,1.5E+9],"b":"\\ud83d\\ude00\\u00e9\\n","c":null}')


def reply(value):
    return '\2{"return": ' + json.dumps(value) + ', "id": "\1"}\r\n'


def session():
    event = '{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}\n'
    opened = GREETING + reply({})
    put("session", "status", "\0\1\0" + opened + event
        + reply({"status": "running", "running": True}))
    put("session", "several", "\5\4\0\3\4\5" + opened
        + reply({"status": "running", "running": True})
        + reply(MIGRATE_INFO) + event + reply([]) + reply(DISKS))
    put("session", "error", "\0\2\11\12" + opened
        + '\2{"error": {"class": "GenericError", "desc": "no"}, "id": "\1"}\n')
    put("session", "beside", b"\3\3\x80\x48\x20" + (opened + event
        + reply({}) + reply({}) + reply({})).encode())
    put("session", "stray", '\0\1\1{"return": {}, "id": "old"}' + opened
        + '{"error": {"desc": "bad"}}' + reply({"name": "web1"}))
    put("session", "no-greeting", "\0\0HTTP/1.1 400 Bad Request\r\n")


# --- files -------------------------------------------------------------------


def journal():
    text = (TOP / "engine/state/journal-format.md").read_text()
    for i, example in enumerate(re.findall(r"```journal\n(.*?)```", text, re.S)):
        put("journal", f"whole-{i}", b"\0" + example.encode() + bytes(40))
        put("journal", f"torn-{i}", b"\0" + example.encode()[:-20])
        texts = [line[18:] for line in example.splitlines()[1:]]
        put("journal", f"texts-{i}", "\1" + "\n".join(texts) + "\n")
    put("journal", "unbegun", b"\0VMFERRY-JOUR" + bytes(20))


ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
RSA = "AAAAB3NzaC1yc2EAAAADAQABAAAAAQA="


def known_hosts():
    put("known_hosts", "plain", f"\0hostb,10.0.0.2 ssh-ed25519 {ED25519} root\n"
        f"# a comment\n\nhostb ssh-rsa {RSA}\n")
    put("known_hosts", "wildcards", "\1*.example.org,!web2.example.org,?osta "
        f"ssh-ed25519 {ED25519}\n@cert-authority * ssh-rsa {RSA}\n")
    put("known_hosts", "port", f"\2[hostb]:2222 ssh-ed25519 {ED25519}\n"
        f"hostb ssh-ed25519 {ED25519[:-1]}B\n@revoked * ssh-rsa {RSA}\n")
    # "hostb", hashed by ssh-keygen -H
    put("known_hosts", "hashed", "\0|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|"
        f"{hashed('hostb')} ssh-ed25519 {ED25519}\n|1|bad|worse ssh-rsa x\n")


def hashed(name):
    import hashlib
    import hmac

    salt = b"saltsaltsaltsaltsalt"
    assert base64.b64encode(salt).decode() == "c2FsdHNhbHRzYWx0c2FsdHNhbHQ="
    mac = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return base64.b64encode(mac).decode()


def config():
    put("config", "ssh-g", "host b\nuser root\nhostname 10.0.0.2\nport 2222\n"
        "identitiesonly yes\nidentityfile ~/.ssh/id_ed25519\n"
        "identityfile ~/.ssh/%r@%h:%p\nidentityagent none\n"
        "globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/known2\n"
        "userknownhostsfile ~/.ssh/known_hosts none\nconnecttimeout 7\n"
        "proxyjump root@jump:22\nproxycommand nc %h %p\nhostkeyalias h2\n")
    blob = base64.b64decode(ED25519 + "A" * (-len(ED25519) % 4))
    body = b"openssh-key-v1\0"
    for part in (b"none", b"none", b""):
        body += struct.pack(">I", len(part)) + part
    body += struct.pack(">II", 1, len(blob)) + blob + struct.pack(">I", 0)
    body += bytes(-len(body) % 3)
    text = base64.encodebytes(body).decode()
    put("config", "openssh-key", "-----BEGIN OPENSSH PRIVATE KEY-----\n"
        f"{text}-----END OPENSSH PRIVATE KEY-----\n")
    put("config", "pem-key", "-----BEGIN RSA PRIVATE KEY-----\n"
        "Proc-Type: 4,ENCRYPTED\n\n-----END RSA PRIVATE KEY-----\n")


# --- command lines and hosts -------------------------------------------------


def argv():
    text = (TOP / "tests/unit/argv_corpus.c").read_text()
    entry = re.compile(r'\{ "([^"]*)",\s+((?:"(?:\\.|[^"\\])*"\s*)+),\s')
    for name, strings in entry.findall(text):
        line = "".join(json.loads(s) for s in
                       re.findall(r'"(?:\\.|[^"\\])*"', strings))
        words = [w.replace("'", "") for w in
                 re.findall(r"(?:[^ ']|'[^']*')+", line)]
        put("argv", name.replace(" ", "-"), "\0" + "\0".join(words) + "\0")
    put("argv", "moved", "\5VMFERRY_SOCKETS=/run/r1/s0.sock\t/run/a,b\n\0qemu\0"
        "-qmp\0unix:/run/r1/s0.sock,server=on,wait=off\0-S\0-incoming\0defer\0"
        "-chardev\0socket,id=vmferry0,path=/run/r1/qmp0.sock,server=on\0"
        "-mon\0chardev=vmferry0,mode=control\0")


def hex_lines(key, data):
    return f"{key} " + " ".join(f"{b:02x}" for b in data.encode()) + "\n"


def discover():
    process = "vmferry-proc 1\nprocess 42\n"
    process += hex_lines("exe", "/usr/bin/qemu-system-x86_64 (deleted)\n")
    process += hex_lines("cmdline", "qemu\0-name\0web1\0-m\0001G\0-qmp\0"
                         "unix:/run/q,server=on\0-daemonize\0")
    process += hex_lines("cwd", "/\n") + hex_lines("env", "PWD=/srv")
    process += hex_lines("env", "VMFERRY_RUN_DIR=/run/vmferry/r")
    process += hex_lines("env", "VMFERRY_SOCKETS=/run/r/s\t/run/q\n")
    process += "status Uid:\t0\t107\t107\t107\nstatus Gid:\t0\t108\t1\t1\n"
    process += "status Groups:\t36 108 \nuser qemu\ngroup kvm\n"
    process += hex_lines("parent", "/bin/sh\0-e\0/root/run.sh\0")
    process += "limits Max open files            1024    524288    files\n"
    process += "cgroup 0::/system.slice/vm.service\n"
    process += "stat 42 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 100 0\n"
    put("discover", "process", "Welcome!\n" + process + "end\n")
    put("discover", "half", process)
    put("discover", "alive",
        "42 (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 100 0 0\n")
    put("discover", "facts", "hostname=hostb\nuid=0\nmachine_id=0c9f\n"
        "boot_id=0d5f\nnamespaces=mnt:[1] net:[2] pid:[3]\nmemory=16000000\n"
        "systemd=1\nrun_root=/run/vmferry\nstate_root=/var/lib/vmferry\n")
    put("discover", "files", "131 4096 rw regular file\n-\n7 0 r- directory\n")
    put("discover", "qemu", "path=/usr/bin/qemu\nversion=7.2.22\nmachine=1\n")


def numbers():
    lines = {
        "migrate": "web1\0root@hostb:2222\0--max-blackout\00050.5\0"
        "--bandwidth=1.5GiB/s\0--deadline\000120\0--remap\0/a=/b\0-vv\0",
        "login": "-i/root/key\0--ssh\0openssh\0--accept-new-host-key\0--\0-x\0",
        "rates": "100M\00064Ki\0" + "1T\0000\0000.5kB/s\0",
        "targets": "ssh://u@h:22/\0[fe80::1]:22\0fe80::1\0local\0u@h\0",
        "quotes": "if\0a b\0it's\0$(x)\0\0A=b\0",
        "signs": "a→b ± …\033[2J\0\u202eabc\0",
        "file": "[migrate]\nmax-blackout = 100\n# c\n[ssh]\nidentity=/k\n",
        "checks": "web1\0hostb\0--skip-check=ram\0--color\0never\0--json\0",
    }
    for name, text in lines.items():
        put("numbers", name, text)


# --- what runs leave behind --------------------------------------------------


def recording():
    runs = TOP / "tests/data/runs"
    for name in ("idle", "hotcold-half"):
        put("recording", name, (runs / f"{name}.jsonl").read_bytes())
    lines = (runs / "hotcold-fast.jsonl").read_text().splitlines(True)
    kinds = {json.loads(line)["event"]: line for line in lines}
    put("recording", "kinds", "".join(kinds.values()))
    put("recording", "running", "".join(lines[:12])[:-30])
    put("recording", "again", "".join(lines[:1] + lines[8:] + lines[2:12]))
    put("recording", "recovered", lines[0] + json.dumps({
        "v": 1, "t": 1.8e9, "run": "r", "event": "result", "owner": "source",
        "outcome": "undone", "recovered": True, "guest": "web1"}) + "\n")


def locks():
    put("locks", "going", "\1state=going\nseen_us=1\nkey=key\nto=hostb\n"
        "ram_bytes=1073741824\npid=42\n")
    put("locks", "there", "\1state=there\nseen_us=9000000000000\nkey=k2\n"
        "to=hostb\nram_bytes=5\n")
    put("locks", "dead", "\0state=queued\nseen_us=9000000000000\nkey=key\n")
    put("locks", "lock", "\3by=engine\nrun=20261130-1-fuzz\nguest=web1\n"
        "role=source\ndestination=hostb\npid=42\n")
    put("locks", "marker", "\4role=destination\nrun=run-1\nguest=web1\n"
        "source=hosta\n")
    put("locks", "moved", "\0vmferry-moved 1\nrun=run-1\nguest=web1\nuuid=g\n"
        "source=hosta\ndestination=hostb\nmachine=0c9f\npid=42\nticks=9\n"
        "moved_s=1764000000.5\n")
    put("locks", "lessons", "\0" + json.dumps({"lessons": [
        {"fixed_ms": 12.5, "overhead_ms": 3, "link_bps": 1e8}] * 3}))


def answers():
    launched = "available=8000000\npid=42\nticks=100\nready=1\n"
    put("answers", "launched", launched + "\0at=/run/.vmferry-x/s\n"
        "dir=/run/.vmferry-x\n")
    put("answers", "died", "limits= nofile\npid=42\nticks=1\ndied=1\n\0"
        "qemu-system-x86_64: no such disk\n")
    put("answers", "busy", "busy=42\n")
    put("answers", "full", "arrival=1000 24 run-1 a guest\n"
        "arrival=4000000000 0 run-2 g\navailable=900000\nfull=1\n")
    put("answers", "fails", "\1sh: setsid: not found\n\0slow=1\n")
    put("answers", "mark", "role=destination\nrun=run-1\nguest=web1\n"
        "source=hosta\ndirectory=/run/vmferry/in-k\n")
    put("answers", "names", "free\nlive 42\nsocket\n")
    put("answers", "trust", "why=it is no socket\n")
    text = "while :; do qemu-system-x86_64; done\n".encode().hex()
    put("answers", "ancestors", "process 7\ncomm 73680a\nexe "
        + "/bin/dash\n".encode().hex() + "\ncmdline "
        + "sh\0-c\0while :; do q; done\0".encode().hex()
        + f"\nstate S\nsession 7\ntty 34816\nstdin tty\ntext {text}\n"
        f"input {text}\nend\nprocess 1\ncomm 72756e73760a\nend\nabove 0\n")
    put("answers", "unit", "LoadState=loaded\nRestart=on-failure\n"
        "ControlGroup=/system.slice/web1.service\nUnitFileState=enabled\n"
        "ExecCondition=vmferry owns web1\n")


# --- other ends of streams ---------------------------------------------------


def packet(kind, *fields):
    body = bytes([kind]) + b"".join(
        struct.pack(">I", f) if isinstance(f, int)
        else struct.pack(">I", len(f)) + f for f in fields)
    return struct.pack(">I", len(body)) + body


def agent():
    blob = base64.b64decode(ED25519 + "A" * (-len(ED25519) % 4))
    keys = packet(12, 1, blob, b"root@hosta")
    proper = struct.pack(">I", 11) + b"ssh-ed25519"
    proper += struct.pack(">I", 64) + bytes(64)
    put("agent", "works", b"\0" + keys + packet(14, proper) + keys)
    put("agent", "refuses", b"\2" + packet(12, 0) + packet(5) + keys)


def tunnel():
    for name, how in {"whole": 0, "stall": 1, "kill": 2, "leave": 4,
                      "beats": 8}.items():
        put("tunnel", name, bytes([how, 3, 0, 2, 9]) + bytes(
            (1, 0, 30, 2, 0, 0, 255 if how == 8 else 9, 40)))
    put("tunnel", "long", bytes([0, 255, 255, 255, 0]) + bytes(range(60)))
    put("tunnel", "one-way", bytes([0, 0, 0, 9, 9, 4, 0xfe, 7]))
    put("tunnel", "stuck", bytes([0x11, 1, 0, 0, 0]) + bytes(40))


# --- SSH ---------------------------------------------------------------------


def relay(server, client):
    """Carries bytes both ways to the end; what @server said."""
    said = b""
    ends = {server: client, client: server}
    while ends:
        for end in select.select(list(ends), [], [])[0]:
            try:
                data = end.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                return said
            said += data if end is server else b""
            ends[end].sendall(data)
    return said


def record(directory, *options):
    """What sshd says to our client."""
    server, server_end = socket.socketpair()
    client, client_end = socket.socketpair()
    with server, client:
        sshd = subprocess.Popen(
            ["/usr/sbin/sshd", "-i", "-f", "/dev/null", "-o",
             f"HostKey={directory}/key", *options],
            stdin=server_end, stdout=server_end, stderr=subprocess.DEVNULL)
        ours = subprocess.Popen(
            [TOP / "build-fuzz/ssh_fuzz"], pass_fds=[client_end.fileno()],
            env=dict(os.environ, VMFERRY_FUZZ_FD=str(client_end.fileno()),
                     ASAN_OPTIONS="detect_leaks=0"))
        server_end.close()
        client_end.close()
        said = relay(server, client)
    ours.wait()
    sshd.wait()
    return said


def plain_length(said):
    """Where NEWKEYS ends, as ssh_fuzz.c finds it."""
    at = said.index(b"\n") + 1
    while len(said) - at >= 6:
        length, kind = struct.unpack(">I", said[at:at + 4])[0], said[at + 5]
        at += 4 + length
        if kind == 21:
            return at
    return len(said)


def checked(said):
    """The checksum that lets the encrypted end be played."""
    total = 2166136261
    for byte in said[plain_length(said):]:
        total = (total ^ byte) * 16777619 & 0xFFFFFFFF
    return struct.pack(">I", total) + said


def ssh():
    kinds = {
        "curve25519": ["KexAlgorithms=curve25519-sha256"],
        "nistp256": ["KexAlgorithms=ecdh-sha2-nistp256"],
        "group14": ["KexAlgorithms=diffie-hellman-group14-sha256"],
        "gex": ["KexAlgorithms=diffie-hellman-group-exchange-sha256"],
        "no-kex": ["KexAlgorithms=sntrup761x25519-sha512@openssh.com"],
    }
    os.makedirs("/run/sshd", exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        f"{directory}/key"], check=True)
        for name, options in kinds.items():
            said = record(directory, *("-o" + o for o in options))
            put("ssh", name, b"\0\1" + checked(said))


def ssh_plain():
    put("ssh", "banner", b"\4\0" + bytes(4) + b"Not allowed\r\nSSH-1.5-x\r\n")
    body = packet(1, 2, b"Too many users", b"en")[4:]
    padding = 16 - (len(body) + 5) % 8
    put("ssh", "disconnect", bytes(6) + b"SSH-2.0-OpenSSH_9.2p1\r\n"
        + struct.pack(">IB", len(body) + padding + 1, padding) + body
        + bytes(padding))


def main():
    for old in (HERE / "corpus").glob("*/seed-*"):
        if old.parent.name != "ssh" or "--ssh" in sys.argv:
            old.unlink()
    for write in (qmp, session, journal, known_hosts, config, argv, discover,
                  numbers, recording, locks, answers, agent, tunnel,
                  ssh_plain):
        write()
    if "--ssh" in sys.argv:
        if not shutil.which("/usr/sbin/sshd"):
            sys.exit("no sshd here")
        ssh()


main()
