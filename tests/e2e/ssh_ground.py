# SPDX-License-Identifier: MIT
"""The ground of ssh_table: servers, and one login by one program.

A network namespace with an address and a name a server, all on port 22, none
of them loopback, which ssh(1) judges in another way. Accounts and names are
this namespace's own: root's home is empty, it and "ferry" have a
password.
"""
import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import harness

CLONE_NEWNET = 0x40000000
LOGIN_S = 60
PASSWORD = "rowboat"
# of the above, by `openssl passwd -6`
SHADOW = ("$6$vmferry$AQP3M43Z91JvBpRCW.HAJxVjsjV3hgvy06OQs75L3GPULgv9HOw"
          "KrXK3nmJY6iqK9nCQAJd5TX.vW7cUIiHWb/")
SSH = shutil.which("ssh") or "ssh"

# Answers questions with the lines of a file, and notes the questions. "slowly"
# takes longer than a login may that waits for nobody.
ASKPASS = """#!/bin/sh
printf '%s\\0' "$1" >>"$ASK_DIR/asked"
IFS= read -r answer <"$ASK_DIR/answers" || exit 1
sed -i 1d "$ASK_DIR/answers"
case $answer in
"slowly "*) sleep 12 && answer=${answer#slowly } ;;
esac
printf '%s\\n' "$answer"
"""

# For ProxyCommand.
PIPE = """#!/usr/bin/python3
import os, socket, sys, threading
s = socket.create_connection(sys.argv[1:])
def copy(take, give):
    while data := take():
        give(data)
threading.Thread(target=copy, args=(lambda: os.read(0, 65536), s.sendall),
                 daemon=True).start()
copy(lambda: s.recv(65536), lambda data: os.write(1, data))
"""

# name: (last byte of the address, host keys, lines of sshd_config)
SERVERS = {
    "alpha": (1, ["ed"], ["Port 22", "Port 2222"]),
    "beta": (2, ["ed2", "ec", "rsa"], ["Port 22"]),
    "cert": (3, ["ed3"], ["HostCertificate {dir}/ed3-cert.pub"]),
    "word": (4, ["ed"], ["PubkeyAuthentication no",
                         "PasswordAuthentication yes",
                         "MaxAuthTries 10"]),
    "curve": (5, ["ec"], []),
    "prime": (6, ["rsa"], []),
    "jump": (7, ["ed4"], []),
    "gcm": (8, ["ed"], ["Ciphers aes256-gcm@openssh.com"]),
    "old-kex": (9, ["ed"], ["KexAlgorithms diffie-hellman-group14-sha1"]),
    "old-key": (10, ["rsa"], ["HostKeyAlgorithms ssh-rsa"]),
    "old-cipher": (11, ["ed"], ["Ciphers aes128-cbc"]),
    "old-mac": (12, ["ed"], ["MACs hmac-md5", "Ciphers aes128-ctr"]),
    "sha1-mac": (13, ["ed"], ["MACs hmac-sha1", "Ciphers aes128-ctr"]),
    "mixed": (14, ["ed3", "ec"], ["HostCertificate {dir}/ed3-cert.pub"]),
    "mixed2": (15, ["ed3", "ec"], ["HostCertificate {dir}/ec-cert.pub"]),
}
KEYS = {"ed": "ed25519", "ed2": "ed25519", "ed3": "ed25519", "ed4": "ed25519",
        "ec": "ecdsa", "rsa": "rsa", "ca": "ed25519", "ca2": "ed25519",
        "user": "ed25519", "user_ec": "ecdsa", "stranger": "ed25519",
        "old": "ed25519"}


def address(name):
    return f"10.77.0.{SERVERS[name][0]}"


def run(*argv, **options):
    return subprocess.run(argv, check=True, text=True, capture_output=True,
                          **options)


class Ground:
    """Keys, names, servers; all of it ends with stop()."""

    def __init__(self, place):
        self.place = place
        self.dir = tempfile.mkdtemp(prefix="ground-", dir=place.work)
        self.processes = []
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "no network namespace")
        run("ip", "link", "set", "lo", "up")
        for name in SERVERS:
            run("ip", "address", "add", address(name) + "/32", "dev", "lo")
        self.write_names()
        self.write_accounts()
        self.make_keys()
        self.write("askpass", ASKPASS, 0o700)
        self.write("pipe", PIPE, 0o700)
        for name in SERVERS:
            self.start(name)
        self.await_servers()
        self.start_agent()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def write_names(self):
        lines = ["127.0.0.1 localhost\n"] + [
            f"{address(n)} {n}.test\n" for n in SERVERS]
        harness.bind(self.write("hosts", "".join(lines), 0o644), "/etc/hosts")

    def write_accounts(self):
        self.home = self.path("home")
        os.makedirs(os.path.join(self.home, ".ssh"), 0o700)
        ferry = self.path("ferry")
        os.mkdir(ferry, 0o755)
        os.chmod(self.dir, 0o755)
        with open("/etc/passwd") as f:
            lines = [re.sub(r"^(root:.*):[^:]*:([^:]*)$",
                            rf"\1:{self.home}:\2", ln) for ln in f]
        lines.append(f"ferry:x:64999:65534::{ferry}:/bin/sh\n")
        harness.bind(self.write("passwd", "".join(lines), 0o644),
                     "/etc/passwd")
        with open("/etc/shadow") as f:
            text = re.sub(r"^root:[^:]*:", f"root:{SHADOW}:", f.read(),
                          flags=re.M)
        text += f"ferry:{SHADOW}:19000:0:99999:7:::\n"
        harness.bind(self.write("shadow", text), "/etc/shadow")

    def make_keys(self):
        self.public, self.prints = {}, {}
        for name, kind in KEYS.items():
            run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "",
                "-f", self.path(name))
            self.public[name] = " ".join(harness.read(
                self.path(name) + ".pub").decode().split()[:2])
            self.prints[name] = run("ssh-keygen", "-lf", self.path(
                name + ".pub")).stdout.split()[1]
        run("ssh-keygen", "-q", "-s", self.path("ca"), "-I", "host", "-h",
            "-n", "cert.test,mixed.test,mixed2.test", self.path("ed3.pub"),
            self.path("ec.pub"))
        authorized = "".join(self.public[k] + "\n"
                             for k in ("user", "user_ec"))
        self.write("authorized", authorized, 0o644)
        self.write("secret", harness.read(self.path("user")).decode())
        run("ssh-keygen", "-q", "-p", "-P", "", "-N", PASSWORD, "-f",
            self.path("secret"))
        self.write("agent_only.pub", self.public["user_ec"] + "\n")
        # of the usual names
        shutil.copy(self.path("user"), self.home + "/.ssh/id_ed25519")

    def start(self, name):
        _, keys, lines = SERVERS[name]
        config = "\n".join([
            *[ln.format(dir=self.dir) for ln in lines],
            f"ListenAddress {address(name)}",
            *[f"HostKey {self.path(k)}" for k in keys],
            f"AuthorizedKeysFile {self.path('authorized')}",
            "PidFile none", "UsePAM no", "StrictModes no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            "PermitRootLogin yes", "MaxStartups 100", "LogLevel VERBOSE",
            f"SetEnv {harness.TOKEN}", ""])
        path = self.write(f"sshd_{name}", config)
        log = open(self.path(f"log_{name}"), "ab")
        self.processes.append(subprocess.Popen(
            [harness.SSHD, "-D", "-e", "-f", path, *harness.lenient(path)],
            stdin=subprocess.DEVNULL, stderr=log, env=self.place.env))
        log.close()

    def await_servers(self):
        for name, process in zip(SERVERS, self.processes):
            def listens(n=name, p=process):
                log = harness.read(self.path(f"log_{n}")).decode()
                if p.poll() is not None:
                    raise RuntimeError(log)
                return log.count("Server listening") >= 1 + (n == "alpha")
            harness.wait_until(listens, 60, f"sshd of {name} does not listen")

    def start_agent(self):
        self.agent = self.path("agent")
        env = dict(self.place.env, SSH_AUTH_SOCK=self.agent)
        self.processes.append(subprocess.Popen(
            ["ssh-agent", "-D", "-a", self.agent], env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        harness.wait_until(lambda: os.path.exists(self.agent), 60,
                           "no ssh-agent")
        run("ssh-add", "-q", self.path("user_ec"), env=env)

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()
        for path in ("/etc/hosts", "/etc/passwd", "/etc/shadow"):
            harness.unbind(path)


# --- one login ---------------------------------------------------------------

# What a program says, whichever it is; the first that is found decides.
SAYINGS = (
    ("revoked", r"REVOKED HOST KEY|revoked by|marked as revoked"),
    ("changed", r"HOST IDENTIFICATION HAS CHANGED|has changed|"
                r"differs from the key for the IP"),
    ("unknown", r"Host key verification failed|is not known|"
                r"nobody has confirmed"),
    ("crypto", r"no matching |in common"),
    ("auth", r"Permission denied|Too many authentication|refused the login|"
             r"hung up during the login"),
)
QUESTIONS = (
    ("key?", r"Are you sure you want to continue"),
    ("again?", r"Please type 'yes'"),
    ("passphrase?", r"assphrase"),
    ("password?", r"assword"),
)


class Verdict:
    """How a login ended."""

    def __init__(self, asked, end, text, added, via=""):
        self.asked, self.end, self.text = asked, end, text
        self.added, self.via = added, via

    def word(self):
        return " ".join([*self.asked, self.end, *self.added])


def first(table, text, otherwise):
    for word, pattern in table:
        if re.search(pattern, text):
            return word
    return otherwise


class Login:
    """The files of one login of one program for one row."""

    def __init__(self, ground, row):
        self.ground, self.row = ground, row
        self.dir = tempfile.mkdtemp(prefix="login-", dir=ground.dir)
        self.files = {n: os.path.join(self.dir, n) for n in
                      ("known", "global", "jump", "revoked", "config")}
        for name in ("known", "global", "jump", "revoked"):
            text = getattr(row, name)
            if text is not None:
                self.write(name, self.fill(text))
        if row.hashed:
            run("ssh-keygen", "-q", "-H", "-f", self.files["known"])
            os.unlink(self.files["known"] + ".old")
        self.before = self.lines()
        self.write("config", self.fill(row.config) + self.fill(row.base))
        self.write("answers", "".join(self.fill(a) + "\n"
                                      for a in row.answers))
        self.write("asked", "")

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def fill(self, text):
        """{known}, {ed}, {print:ed}, {key:user}, {ip}"""
        g = self.ground

        def value(match):
            kind, _, name = match[1].partition(":")
            if kind == "print":
                return g.prints[name]
            if kind == "key":
                return g.path(name)
            if kind == "ip":
                return address(name)
            return {**g.public, **self.files, "dir": self.dir,
                    "agent": g.agent}[kind]
        return re.sub(r"\{([a-z_0-9:-]+)\}", value, text)

    def lines(self):
        return harness.read(self.files["known"]).decode().splitlines()

    def env(self):
        env = dict(self.ground.place.env, ASK_DIR=self.dir,
                   SSH_ASKPASS=self.ground.path("askpass"),
                   SSH_ASKPASS_REQUIRE="force")
        if self.row.agent:
            env["SSH_AUTH_SOCK"] = self.ground.agent
        return env

    def asked(self):
        texts = harness.read(os.path.join(self.dir, "asked")).decode()
        return [first(QUESTIONS, t, "other?") for t in texts.split("\0")[:-1]]

    def added(self):
        """What has been added: keys, and whether under a hashed name."""
        lines = self.lines()[len(self.before):]
        return ["+" + ("hashed " if ln.startswith("|1|") else
                       ln.split()[0] + " ") + ln.split()[1] for ln in lines]

    def run(self, argv):
        """(status, standard output, standard error); None: it hangs.

        Files, for a child that goes on in the background keeps a pipe open.
        """
        paths = [os.path.join(self.dir, n) for n in ("stdout", "stderr")]
        with open(paths[0], "w") as out, open(paths[1], "w") as err:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=self.env(), start_new_session=True)
            try:
                status = process.wait(LOGIN_S)
            except subprocess.TimeoutExpired:
                status = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return status, *[harness.read(p).decode() for p in paths]

    def by_ssh(self):
        row = self.row
        words = ["-F", self.files["config"], "-o", "UpdateHostKeys=no",
                 "-o", "ControlPersist=no"]
        if row.no_input:
            words += ["-o", "BatchMode=yes"]
        if row.accept_new:
            words += ["-o", "StrictHostKeyChecking=accept-new"]
        if row.identity:
            words += ["-i", self.fill(row.identity)]
        if row.own_known:
            words += ["-o", "UserKnownHostsFile=" + self.files["known"],
                      "-o", "GlobalKnownHostsFile=/dev/null"]
        if row.port:
            words += ["-p", row.port]
        if row.user:
            words += ["-l", row.user]
        status, out, said = self.run([SSH, *words, row.host, "echo in"])
        end = "in" if status == 0 and "in" in out else \
            self.end(status, said)
        return Verdict(self.asked(), end, said, self.added(), "ssh")

    def end(self, status, said):
        return "hangs" if status is None else first(SAYINGS, said, "fails")

    def by_vmferry(self, way):
        row = self.row
        words = ["-F", self.files["config"], "--ssh", way, "--json"]
        if row.no_input:
            words += ["--no-input"]
        if row.accept_new:
            words += ["--accept-new-host-key"]
        if row.identity:
            words += ["-i", self.fill(row.identity)]
        if row.own_known:
            words += ["--known-hosts", self.files["known"]]
        target = (row.user + "@" if row.user else "") + row.host + (
            ":" + row.port if row.port else "")
        status, _, said = self.run([harness.VMFERRY, "list", *words, target])
        end = "in" if status == 0 else self.end(status, said)
        via = "ssh" if way == "openssh" or re.search(
            r"using ssh\(1\)", said) else "libssh2"
        return Verdict(self.asked(), end, said, self.added(), via)


# Behind what a row sets, where the first value counts.
BASE = """
Host *
IdentityFile {key:user}
UserKnownHostsFile {known}
GlobalKnownHostsFile {global}
"""
