# SPDX-License-Identifier: MIT
"""What the end-to-end tests drive: sshd, guests, the program, and the checks.

Everything a test starts carries a token in its environment, so that it can be
found again under any parent; nothing else is ever touched. isolate()
gives root's tests a /run of their own in a mount namespace, other users' a
private XDG_RUNTIME_DIR, so that left-overs are plain to see and guests that
run on this machine are not.
"""
import atexit
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from guestwatch import GuestWatch
from presence import Presence

ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(
    os.environ.get("VMFERRY_BUILD", os.path.join(ROOT, "build")))
VMFERRY = os.path.join(BUILD, "vmferry")
GUEST_ELF = os.path.join(BUILD, "guest.elf")
QEMU = shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin") or "sshd"

IS_ROOT = os.geteuid() == 0
MACHINE_ID = "/etc/machine-id"
STATE = "/var/lib/vmferry"      # root's, where nothing else is named
TOKEN = f"VMFERRY_E2E={os.getpid()}-{os.urandom(4).hex()}"
# No multiple of 256 KiB: QEMU 7.2 loses dirty bits under TCG otherwise.
SMALL = "131080K"
BUDGET = ("--max-blackout", "5000")
# A guest that rewrites more stays in pre-copy, however slow the machine is:
# the policy neither throttles it nor gives it up.
HELD = ("--bandwidth", "4M", "--max-blackout", "5", "--throttle", "off",
        "--deadline", "3600", "--on-deadline", "force")


# --- places ------------------------------------------------------------------

CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 1 << 18
MNT_DETACH = 2


def private_run():
    """A mount namespace with an empty /run, and no start-up file for bash.

    What the user's does at each login (some take seconds, or wait for each
    other's locks) is no business of a test.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def check(rc):
        if rc != 0:
            raise OSError(ctypes.get_errno(), "no mount namespace")

    check(libc.unshare(CLONE_NEWNS))
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    check(libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755"))
    os.mkdir("/run/sshd", 0o755)
    startup = os.path.expanduser("~/.bashrc")
    if os.path.exists(startup):
        check(libc.mount(b"/dev/null", startup.encode(), None, MS_BIND, None))
    here = Presence(STATE, MACHINE_ID)
    state = on_disk()
    bind(state, STATE)

    def end():
        unbind(STATE)
        here.end()
        shutil.rmtree(state, ignore_errors=True)

    atexit.register(end)


def on_disk():
    """A new directory where check `state` has nothing against a state
    directory: /tmp may be in memory."""
    def kind(path):
        return subprocess.run(["stat", "-f", "-c", "%T", path], text=True,
                              capture_output=True).stdout.strip()

    places = [p for p in (tempfile.gettempdir(), "/var/tmp", BUILD)
              if os.access(p, os.W_OK) and kind(p) not in ("tmpfs", "ramfs")]
    return tempfile.mkdtemp(prefix="vmferry-e2e-state-",
                            dir=places[0] if places else None)


def bind(source, target):
    """The file is found in the other's place, in this mount namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), None, MS_BIND, None):
        raise OSError(ctypes.get_errno(), f"cannot bind {target}")


def unbind(target):
    ctypes.CDLL(None).umount2(target.encode(), MNT_DETACH)


class Place:
    """Where files are kept, and the environment of all that is started."""

    def __init__(self, private=True):
        if IS_ROOT and private:
            private_run()
            self.work = "/run/e2e"
            os.mkdir(self.work, 0o755)
        else:
            self.work = tempfile.mkdtemp(prefix="vmferry-e2e-")
        self.run_root = "/run/vmferry"
        self.state, self.disk = STATE, None
        self.env = environment(self.work)
        if not IS_ROOT or not private:
            self.disk = on_disk()
            atexit.register(shutil.rmtree, self.disk, ignore_errors=True)
            self.state = os.path.join(self.disk, "vmferry")
        if not IS_ROOT:
            os.mkdir(os.path.join(self.work, "xdg"), 0o700)
            self.run_root = os.path.join(self.work, "xdg/vmferry")
            self.env["XDG_STATE_HOME"] = self.disk
        elif not private:
            self.env["VMFERRY_STATE_DIR"] = self.state
        self.runs = os.path.join(self.state, "runs")
        self.recordings = os.path.join(self.state, "recordings")

    def remove(self):
        for path in filter(None, (self.work, self.disk)):
            shutil.rmtree(path, ignore_errors=True)

    def left_over(self):
        """What is in the run root and the state directory.

        locks/, queue/, tokens/, sockets/, recordings, marks of moves and what
        was learnt of pairs may stay.
        """
        found = []
        for top, dirs, files in os.walk(self.run_root):
            found += [os.path.join(top, name) for name in dirs + files]
        if os.path.isdir(self.runs):
            found += [os.path.join(self.runs, run)
                      for run in os.listdir(self.runs)]
        found += self.strange_state()
        stay = [os.path.join(self.run_root, d)
                for d in ("locks", "queue", "tokens", "sockets")]
        return [p for p in found if p not in stay]

    def strange_state(self):
        """What is none of what is kept, nor a recording."""
        known = ("runs", "pairs", "recordings", "moved", "away", "arrived",
                 "machine-id")
        found = []
        for top, stays in ((self.state, lambda n: n in known),
                           (self.recordings, lambda n: n.endswith(".jsonl"))):
            if os.path.isdir(top):
                found += [os.path.join(top, name) for name in os.listdir(top)
                          if not stays(name)]
        return found


def environment(work):
    """Of all that is started: nothing of the user's is read or written."""
    keep = ("PATH", "LANG", "LC_ALL", "TERM", "ASAN_OPTIONS",
            "UBSAN_OPTIONS")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    name, value = TOKEN.split("=")
    env.update({name: value, "HOME": work, "XDG_CONFIG_HOME": work,
                "XDG_STATE_HOME": work, "NO_COLOR": "1",
                # but where it is what a test is about
                "VMFERRY_WATCH_SOURCE": "0",
                # a machine may have all its files in memory
                "VMFERRY_SKIP_CHECK": "state"})
    if not IS_ROOT:
        env["XDG_RUNTIME_DIR"] = os.path.join(work, "xdg")
    return env


_place = None


def isolate():
    """The place of this process's tests; made at the first call."""
    global _place
    if _place is None:
        _place = Place()
    return _place


# --- processes ---------------------------------------------------------------

def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


def is_alive(pid):
    """A zombie is dead."""
    after = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return bool(after) and after[0] not in (b"Z", b"X")


def in_first_pid_namespace():
    return os.stat("/proc/self/ns/pid").st_ino == 0xeffffffc


def ours():
    """{pid: command line} of all that carries the token, but this process."""
    found = {}
    token = TOKEN.encode()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        if token in read(f"/proc/{name}/environ").split(b"\0") and \
                is_alive(name):
            found[int(name)] = read(f"/proc/{name}/cmdline").replace(
                b"\0", b" ").decode(errors="replace").strip()
    return found


def end_ours(timeout=30):
    """Kills all that carries the token, also what that starts meanwhile."""
    def none():
        left = ours()
        for pid in left:
            kill(pid)
        return not left
    wait_until(none, timeout, "processes do not end")


def orphans():
    """{pid: what it is} of endpoints without a parent: they carry no token."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or \
                read(f"/proc/{name}/cmdline") != b"vmferry\0ssh-endpoint\0":
            continue
        after = read(f"/proc/{name}/stat").rpartition(b")")[2].split()
        if len(after) > 1 and after[1] == b"1" and is_alive(name):
            found[int(name)] = "an endpoint whose parent has ended"
    return found


def keeper_of(pid):
    """The shell that waits for the end of a guest that was moved, or None."""
    directory = directory_of(pid)
    fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    parent = int(fields[1]) if fields else 0
    if parent > 1 and directory and directory_of(parent) == directory:
        return parent
    return None


def keepers(pids):
    """Those of these guests, and all that they have started."""
    found = [k for k in map(keeper_of, pids) if k]
    for k in found:
        found.extend(children(k))
    return found


def our_qemus():
    return {pid: line for pid, line in ours().items()
            if os.path.basename(line.split(" ")[0]).startswith("qemu")}


def guardians():
    return [pid for pid, line in ours().items()
            if line.startswith("vmferry guardian ")]


def ferries():
    """The program's processes, one that has just been forked too."""
    def exe(pid):
        try:
            return os.path.samefile(f"/proc/{pid}/exe", VMFERRY)
        except OSError:
            return False
    return [pid for pid in ours() if exe(pid)]


def await_no_ferry(timeout=60):
    """Until engines and guardians have ended and have nothing left to do."""
    wait_until(lambda: not ferries(), timeout, "the guardian does not end")


def argv_of(pid):
    return read(f"/proc/{pid}/cmdline").decode().split("\0")[:-1]


def children(pid):
    return [int(p) for p in read(f"/proc/{pid}/task/{pid}/children").split()]


def kill(pid, sig=signal.SIGKILL):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)


def wait_until(condition, timeout, what):
    """The first true value of condition(), looked for every 20 ms."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what} (waited {timeout} s)")
        time.sleep(0.02)


def directory_of(pid):
    """The run directory of a guest that came here by a migration, or None."""
    for entry in read(f"/proc/{pid}/environ").split(b"\0"):
        name, _, value = entry.decode(errors="replace").partition("=")
        if name == "VMFERRY_RUN_DIR":
            return value
    return None


def budget(args):
    """Where it is not what a test is about: the machine may be busy."""
    if {"--max-blackout", "--bandwidth"}.intersection(args):
        return ()
    return BUDGET


def end_qemu(pid):
    """With the run directory, that a migrated guest has."""
    directory = directory_of(pid)
    kill(pid)
    wait_until(lambda: not is_alive(pid), 60, f"process {pid} lives on")
    if directory:
        remove(directory)


# --- sshd --------------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                    "vmferry-e2e", "-f", path], check=True)
    return path


def lenient(config):
    """
    sshd's option against turning clients away for a while whose logins failed,
    as those of tests do; none before OpenSSH 9.8, which does not know it.
    """
    option = ["-o", "PerSourcePenalties=no"]
    known = subprocess.run([SSHD, "-t", "-f", config, *option],
                           capture_output=True, check=False).returncode == 0
    return option if known else []


class Sshd:
    """A throw-away sshd on loopback, with keys and known_hosts of its own."""

    wrap = ()    # a command that runs it

    def __init__(self, place, extra=()):
        self.place = place
        self.dir = tempfile.mkdtemp(prefix="sshd-", dir=place.work)
        self.port = free_port()
        self.target = f"127.0.0.1:{self.port}"
        self.identity = make_key(self.path("user_key"))
        make_key(self.path("host_key"))
        shutil.copy(self.identity + ".pub", self.path("authorized"))
        self.known_hosts = self.path("known_hosts")
        self.write_known_hosts(self.path("host_key.pub"))
        self.ssh_config = self.path("ssh_config")
        with open(self.ssh_config, "w") as f:
            f.write("# nothing of the user's\n")
        with open(self.path("sshd_config"), "w") as f:
            # of two values of an option the first counts
            f.write("\n".join([*extra, *self.config(), ""]))
        self.process = None
        self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write_known_hosts(self, public_key):
        with open(public_key) as f, open(self.known_hosts, "w") as out:
            kind, key = f.read().split()[:2]
            out.write(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def config(self):
        names = [n for n in ("XDG_RUNTIME_DIR",) if n in self.place.env]
        sent = " ".join([TOKEN] + [f"{n}={self.place.env[n]}" for n in names])
        return [f"ListenAddress {self.target}",
                f"HostKey {self.path('host_key')}",
                f"AuthorizedKeysFile {self.path('authorized')}",
                "PidFile none", "UsePAM no", "StrictModes no",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin prohibit-password",
                "MaxStartups 100", "MaxSessions 100",
                f"SetEnv {sent}"]

    def start(self):
        if IS_ROOT:
            # Where no service manager has started an sshd, it is missing.
            os.makedirs("/run/sshd", 0o755, exist_ok=True)
        log = open(self.path("log"), "ab")
        config = self.path("sshd_config")
        self.process = subprocess.Popen(
            [*self.wrap, SSHD, "-D", "-e", "-f", config, *lenient(config)],
            stderr=log,
            stdin=subprocess.DEVNULL, env=self.place.env)
        log.close()
        wait_until(self.answers, 60, f"sshd does not answer: "
                   f"{read(self.path('log')).decode()[-500:]}")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(read(self.path("log")).decode())
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                return s.recv(4) == b"SSH-"
        except OSError:
            return False

    def sessions(self):
        """Pids of all that serves a connection: sshd, sshd-session (10)."""
        first = children(self.process.pid)
        return first + [p for c in first for p in children(c)
                        if read(f"/proc/{p}/comm").startswith(b"sshd")]

    def kill_sessions(self):
        for pid in self.sessions():
            kill(pid)

    def stop(self):
        """The listener and the open connections."""
        sessions = self.sessions()
        self.process.kill()
        self.process.wait()
        for pid in sessions:
            kill(pid)

    def login(self):
        """Options that make the program log in here."""
        return ["-i", self.identity, "--known-hosts", self.known_hosts,
                "-F", self.ssh_config, "--no-input"]


# --- QMP ---------------------------------------------------------------------

class Qmp:
    """A client of a monitor; as long as it is open, nobody else's turn."""

    def __init__(self, path, timeout=60):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.file = self.sock.makefile("rw")
        self.greeting = json.loads(self.file.readline())
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.file.write(json.dumps({"execute": name, "arguments": arguments})
                        + "\n")
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError(f"the monitor closed at {name}")
            reply = json.loads(line)
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                raise RuntimeError(f"{name}: {reply['error']['desc']}")

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- guests ------------------------------------------------------------------

class Guest:
    """A built-in guest, watched wherever it goes."""

    count = 0

    def __init__(self, place, append="fill=16 ws=4 rate=8", memory=SMALL,
                 extra=(), name=None, where=None, start=True):
        Guest.count += 1
        self.place = place
        self.name = name or f"guest{Guest.count}"
        self.dir = tempfile.mkdtemp(prefix=f"{self.name}-",
                                    dir=where or place.work)
        # The serial port first: its socket is the run directory's s0.sock.
        self.serial, self.qmp = self.path("serial"), self.path("qmp")
        self.argv = [
            QEMU, "-name", self.name, "-accel", "tcg", "-M", "pc",
            "-m", memory, "-nodefaults", "-display", "none",
            "-serial", f"unix:{self.serial},server=on,wait=off",
            "-qmp", f"unix:{self.qmp},server=on,wait=off",
            "-kernel", GUEST_ELF, "-append", append, *extra]
        self.watch = GuestWatch()
        self.watch.add(self.serial)
        self.process, self.pid = None, None
        if start:
            self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, ready="F ", under=()):
        """@under: a command line that runs QEMU's as its child."""
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [*under, *self.argv], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=self.place.env)
        self.pid = self.process.pid
        if under:
            self.pid = wait_until(self.find_child, 60, "no QEMU below it")
        if ready:
            self.wait_line(ready)
        else:
            wait_until(lambda: os.path.exists(self.qmp), 60, "no monitor")
        self.settings = self.read_settings()

    def find_child(self):
        """The QEMU that the process under which it was started runs."""
        return next((p for p in children(self.process.pid)
                     if os.path.realpath(f"/proc/{p}/exe") ==
                     os.path.realpath(QEMU)), None)

    def wait_line(self, start, timeout=120):
        def said():
            if self.process.poll() is not None:
                raise RuntimeError(read(self.path("log")).decode())
            return self.watch.lines(start)

        end = time.monotonic() + timeout
        while True:
            try:
                return self.watch.wait_for(said, 1, f"no line {start}")
            except TimeoutError:
                if time.monotonic() > end:
                    raise

    def expect(self, run):
        """Follows the guest into the directory of this run."""
        self.watch.add(os.path.join(self.place.run_root, run, "s0.sock"))

    def monitor(self):
        return Qmp(self.qmp)

    def read_settings(self):
        """(capabilities, parameters) of migration in its QEMU."""
        with self.monitor() as q:
            caps = {c["capability"]: c["state"] for c in
                    q.command("query-migrate-capabilities")}
            return caps, q.command("query-migrate-parameters")

    def status(self):
        with self.monitor() as q:
            return q.command("query-status")["status"]

    def verify(self):
        return self.watch.verify(self.serial)

    def stop(self):
        """Ends it wherever it is, and stops watching."""
        self.watch.close()
        if self.process and self.process.pid != self.pid:
            # it would start QEMU again
            self.process.kill()
            self.process.wait()
        if self.pid:
            end_qemu(self.pid)
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


# --- the program -------------------------------------------------------------

class Outcome:
    """How a command ended and what it said."""

    def __init__(self, code, out, err, events=()):
        self.code, self.out, self.err = code, out, err
        self.events = list(events)
        results = self.of("result")
        self.result = results[-1] if results else None
        said = [ln for ln in (err + out).splitlines() if ln.strip()
                and not ln.startswith("{")]
        self.text = "\n".join(said)

    def of(self, kind):
        return [e for e in self.events if e["event"] == kind]

    def phases(self):
        return [e["to"] for e in self.of("phase")]

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n" \
               f"{self.err}"


def run(place, argv, timeout=180):
    done = subprocess.run(argv, text=True, capture_output=True,
                          timeout=timeout, env=place.env,
                          stdin=subprocess.DEVNULL)
    return Outcome(done.returncode, done.stdout, done.stderr)


def vmferry(place, *args, timeout=180):
    return run(place, [VMFERRY, *args], timeout)


class Run:
    """The program at work, its events read as they come.

    They come through a pipe of their own, or, where no further descriptor
    can be handed on (lab exec), mixed into stdout.
    """

    def __init__(self, argv, env=None, guest=None, mixed=False):
        self.guest = guest
        self.events, self.other = [], []
        self.changed, self.ended = threading.Condition(), False
        self.out, self.err = (tempfile.TemporaryFile("w+") for _ in "12")
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            [*argv, "--events", "fd:1" if mixed else f"fd:{writer}"],
            env=env, stdin=subprocess.DEVNULL,
            stdout=writer if mixed else self.out, stderr=self.err,
            pass_fds=[writer])
        os.close(writer)
        self.pipe = os.fdopen(reader)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.pipe:
            event = json.loads(line) if line.startswith("{") else None
            if event and event["event"] == "run-start" and self.guest:
                self.guest.expect(event["run"])
            with self.changed:
                if event:
                    self.events.append(event)
                else:
                    self.other.append(line)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, condition, timeout=120, what="event"):
        """The first event that fits; fails when the program ends before."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                for event in self.events:
                    if condition(event):
                        return event
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    break
                self.changed.wait(left)
        raise AssertionError(f"no {what}: {self.finish()}")

    def wait_phase(self, name, timeout=120):
        return self.wait(lambda e: e["event"] == "phase" and e["to"] == name,
                         timeout, f"phase {name}")

    def wait_copying(self, timeout=120):
        """Until guest memory is on its way."""
        return self.wait(lambda e: e["event"] == "sample" and
                         (e["tunnel_bytes"] or 0) > 1 << 20, timeout,
                         "sample of a copy under way")

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self, timeout=300):
        try:
            self.process.wait(timeout)
        finally:
            self.abandon()
            self.thread.join()
            self.pipe.close()
        texts = ["".join(self.other)]
        for f in (self.out, self.err):
            f.seek(0)
            texts.append(f.read())
            f.close()
        return Outcome(self.process.returncode, texts[0] + texts[1],
                       texts[2], self.events)

    def abandon(self):
        """For a test that failed before it got to finish()."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def run_id(self):
        return self.wait(lambda e: e["event"] == "run-start")["run"]

    def destination_qemu(self):
        """Pid of the QEMU that this run started."""
        run = self.run_id()
        return wait_until(
            lambda: next((pid for pid, line in our_qemus().items()
                          if run in line), None), 60, "no destination QEMU")
