#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the seed corpora of tests/fuzz anew; crashes found later stay."""

import base64
import json
import pathlib
import re
import struct

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


def kexinit():
    def packet(payload):
        padding = bytes(8)
        return struct.pack(">IB", 1 + len(payload) + len(padding),
                           len(padding)) + payload + padding

    def names(*lists):
        return b"".join(struct.pack(">I", len(x)) + x for x in lists)

    first = b"\x14" + bytes(16) + names(
        b"curve25519-sha256", b"ssh-ed25519-cert-v01@openssh.com,ssh-ed25519",
        b"aes128-ctr")
    put("kexinit", "whole", b"\xff" + b"SSH-2.0-OpenSSH_9.2\r\n" +
        packet(first))
    put("kexinit", "banner", b"\x80" + b"hello\nSSH-2.0-x\n" +
        packet(b"\x02ignored") + packet(b"\x04debug") + packet(first))


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


# --- endpoints ---------------------------------------------------------------


def words():
    """The words of the control protocol and their numbers."""
    text = (TOP / "transport/endpoint/control.h").read_text()
    names = re.search(r"enum control_word {(.*?)}", text, re.S)[1]
    return {name: n for n, name in
            enumerate(re.findall(r"^\tCONTROL_(\w+)", names, re.M), 1)}


def message(word, text=b"", number=0, a=0):
    text += bytes(-len(text) % 4)
    return bytes([words()[word], number, a, len(text) // 4]) + text


def endpoint():
    blob = base64.b64decode(ED25519 + "A" * (-len(ED25519) % 4))
    start = message("HELLO") + message(
        "HOSTKEY", b"ssh-ed25519\0ssh-ed25519\0" + blob)
    ready = start + message("READY", b"kex, key, cipher, mac")
    methods = start + message("METHODS", b"password,keyboard-interactive")
    put("endpoint", "open-host", b"\0" + ready + message("PONG", number=1)
        + message("OPENED", number=2) + message("ENDED", number=2))
    put("endpoint", "refused", b"\1" + methods + message("PROMPT", b"Who?")
        + message("REFUSED", b"no") * 6)
    put("endpoint", "password", b"\1" + methods + message("REFUSED") * 3
        + message("READY") + message("PONG", number=1)
        + message("FAILED", b"too many", number=2))
    put("endpoint", "crypto", b"\0" + message("HELLO")
        + message("ERROR", b"no matching cipher", a=2))
    put("endpoint", "no-key", b"\0" + message("HELLO")
        + message("HOSTKEY", b"ssh-ed25519"[:8]))
    put("endpoint", "greedy", b"\1" + methods + message("SIGN", b"data"))
    put("endpoint", "short", b"\0" + bytes([255, 0, 0, 1]) + b"abcd")


def pump():
    # flags, a relay's hold, deeds: all at once, small pieces, nothing, an end
    for name, flags in (("relay", 0), ("socket", 1), ("command", 3)):
        put("pump", f"{name}-whole", bytes([flags, 2]) + b"\xff" * 60)
        put("pump", f"{name}-pieces",
            bytes([flags, 2]) + b"\x0b\x00\x13\x01\x1b\xff" * 30 + b"\x02")
        put("pump", f"{name}-broken",
            bytes([flags, 2]) + b"\xff\x7f\x0b" * 9 + b"\x0a")


def shell():
    # flags, most output, status; then marks (1), the other output (2), a wait
    # (3), an end (4), many of a byte (5)
    begin = b"\1" b"0\n\2\1" b"0\n\2"
    ok = b"\3out\1" b"0\n\2err\1" b"0\n\2"
    put("shell", "exact", b"\3\10\0" + begin + ok * 4)
    put("shell", "input", b"\7\10\0" + begin + ok * 4)
    put("shell", "greeting", b"\0\10\0Welcome\n\2mind\2" + begin + ok)
    put("shell", "status", b"\2\10\0" + begin
        + b"\1" b"255\n\2\1" b"255\n\2\1" b"99999999999\n\2\1-1\n\2")
    put("shell", "no-status", b"\1\10\0" + begin + b"\1\n\2\1 x\n")
    put("shell", "endless-status", b"\1\10\0" + begin + b"\1\5" b"0" + ok)
    put("shell", "endless-line", b"\1\10\0" + begin + b"\5x\2\5y" + ok)
    put("shell", "endless-greeting", b"\1\10\0" + b"\5x" * 30)
    put("shell", "nul", b"\1\10\0\0\0" + begin + b"\0a\0\1\0" b"0\n" + ok)
    put("shell", "one-output-ends", b"\1\10\0" + begin + b"\1" b"0\n\4\2" + ok)
    put("shell", "no-shell", b"\0\10\1This account is not available.\n")
    put("shell", "interleaved", b"\1\10\0" + begin
        + b"\3a\2b\2\1\2c\2" b"0\n\2\1" b"7\n" + ok)


def main():
    for old in (HERE / "corpus").glob("*/seed-*"):
        old.unlink()
    for write in (qmp, session, journal, known_hosts, kexinit, config, argv,
                  discover, numbers, recording, locks, answers, agent,
                  endpoint, pump, shell):
        write()


main()
