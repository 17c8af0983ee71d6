#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What an attacker would look for: the flags the program is built with, what
its processes show, where secrets could come out, what its files let others do.
"""
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
import case
import cli_test
import harness

READELF = {"LC_ALL": "C", "PATH": os.environ["PATH"]}


# --- how it is built ---------------------------------------------------------

def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, harness.VMFERRY],
                          text=True, check=True, capture_output=True,
                          env=READELF).stdout


class Segment:
    """A line of the program headers."""

    LINE = re.compile(r"^  ([A-Z_]+) +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+) 0x(\w+) "
                      r"([R ][W ][E ]) ", re.M)

    def __init__(self, match):
        self.kind, self.flags = match[1], match[6].replace(" ", "")
        self.offset, self.address, self.file_size, self.size = (
            int(match[i], 16) for i in (2, 3, 4, 5))

    def has(self, address):
        return self.address <= address < self.address + self.size


def segments(kind=""):
    found = [Segment(m) for m in Segment.LINE.finditer(readelf("-l"))]
    return [s for s in found if not kind or s.kind == kind]


def section(name):
    """The address of a section."""
    return int(re.search(rf"\] {re.escape(name)} +\w+ +(\w+) ",
                         readelf("-S"))[1], 16)


class FlagsTest(unittest.TestCase):
    """Read back from the program: each fails when its flag is taken away."""

    def imported(self):
        return set(re.findall(r"UND (\w+)@", readelf("--dyn-syms")))

    def assert_compiled_with(self, flag):
        """The compiler notes its flags in each unit's debug information."""
        units = re.findall(r"DW_AT_producer.*?: (GNU C.*)",
                           readelf("--debug-dump=info", "--dwarf-depth=1"))
        self.assertGreater(len(units), 50)
        for unit in units:
            self.assertIn(flag, unit.split())

    def test_it_is_position_independent(self):
        self.assertRegex(readelf("-h"), r"Type: +DYN ")
        self.assertRegex(readelf("-d"), r"\(FLAGS_1\) +Flags: .*\bPIE\b")

    def test_what_is_relocated_is_read_only_afterwards(self):
        self.assertTrue(segments("GNU_RELRO"))

    def test_all_symbols_are_bound_at_the_start(self):
        self.assertRegex(readelf("-d"), r"\(FLAGS\) .*BIND_NOW")

    def test_no_segment_is_both_writable_and_executable(self):
        flags = [s.flags for s in segments("LOAD")]
        self.assertIn("RE", flags)
        self.assertNotIn("RWE", flags)

    def test_the_stack_is_not_executable(self):
        self.assertEqual([s.flags for s in segments("GNU_STACK")], ["RW"])

    def test_only_code_is_executable(self):
        code = [s for s in segments("LOAD") if "E" in s.flags]
        self.assertEqual(len(code), 1)
        self.assertTrue(code[0].has(section(".text")))
        self.assertFalse(code[0].has(section(".rodata")))
        self.assertNotEqual(code[0].offset, 0, "the headers are executable")

    def test_shadow_stacks_are_allowed(self):
        self.assertRegex(readelf("-n"), r"x86 feature: .*\bSHSTK\b")

    def test_indirect_branches_land_on_landing_pads(self):
        """The C library's start-up code is not ours."""
        text = next(s for s in segments("LOAD") if "E" in s.flags)
        program = harness.read(harness.VMFERRY)
        functions = re.findall(r": (\w+) +\d+ FUNC +GLOBAL +\w+ +\d+ (\w+)",
                               readelf("-s"))
        bare = []
        for address, name in functions:
            at = int(address, 16) - text.address + text.offset
            if program[at:at + 4] != b"\xf3\x0f\x1e\xfa":
                bare.append(name)
        self.assertGreater(len(functions), 500)
        self.assertEqual(set(bare) - {"_start", "_init", "_fini"}, set())

    def test_an_overrun_stack_buffer_is_noticed(self):
        self.assertIn("__stack_chk_fail", self.imported())
        self.assert_compiled_with("-fstack-protector-strong")

    def test_library_calls_know_the_sizes_of_buffers(self):
        self.assertLessEqual({"__snprintf_chk", "__vasprintf_chk"},
                             self.imported())

    def test_also_sizes_that_are_known_at_run_time_only(self):
        """Level 3 of _FORTIFY_SOURCE; level 2 checks no memcpy() of ours."""
        self.assertIn("__memcpy_chk", self.imported())

    def test_a_big_stack_frame_cannot_jump_over_the_guard_page(self):
        self.assert_compiled_with("-fstack-clash-protection")

    def test_variables_start_as_zero(self):
        self.assert_compiled_with("-ftrivial-auto-var-init=zero")

    def test_checks_of_overflows_are_not_optimized_away(self):
        self.assert_compiled_with("-fno-strict-overflow")

    def test_no_library_is_loaded_in_vain(self):
        done = subprocess.run(["ldd", "-u", harness.VMFERRY], text=True,
                              capture_output=True, env=READELF)
        self.assertEqual((done.stdout.strip(), done.returncode), ("", 0))


# --- what a running one shows ------------------------------------------------

def strace(log, *argv):
    """@argv under a tracer that writes down what is executed.

    The tracer is no child of ours and has no token: it ends with the last
    process that it follows, and until then it is nobody's left-over.
    """
    return [shutil.which("strace"), "-DDD", "-f", "-qq", "--seccomp-bpf", "-v",
            "-s", "1000000", "-e", "trace=execve", "-o", log, "-E",
            harness.TOKEN, *argv]


def without_token(env):
    return {k: v for k, v in env.items() if k != harness.TOKEN.split("=")[0]}


class Waiting:
    """The program while it waits for a host that says nothing."""

    def __init__(self, test, place, user=()):
        server = socket.create_server(("127.0.0.1", 0))
        test.addCleanup(server.close)
        server.settimeout(20)
        self.process = subprocess.Popen(
            [*user, harness.VMFERRY, "list", "--ssh", "libssh2", "--no-input",
             "-F", "/dev/null", f"127.0.0.1:{server.getsockname()[1]}"],
            env=place.env, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        test.addCleanup(self.end)
        client = server.accept()[0]
        test.addCleanup(client.close)
        self.pid = self.process.pid

    def end(self):
        self.process.kill()
        self.process.communicate()

    def proc(self, name):
        return f"/proc/{self.pid}/{name}"

    def maps(self):
        return [(int(m[1], 16), m[2], m[3]) for m in re.finditer(
            r"^(\w+)-\w+ (\S+) \w+ \S+ \d+ *(.*)$",
            harness.read(self.proc("maps")).decode(), re.M)]


class ProcessTest(case.LoopbackCase):
    def test_it_leaves_no_core(self):
        limits = harness.read(Waiting(self, self.place).proc("limits"))
        self.assertRegex(limits.decode(), r"Max core file size +0 +0 ")

    @unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
    def test_its_own_user_cannot_look_into_it(self):
        """As nobody: what is not dumpable belongs to root."""
        setpriv = [shutil.which("setpriv"), "--reuid=65534", "--regid=65534",
                   "--clear-groups"]
        p = Waiting(self, self.place, setpriv)
        self.assertEqual(os.stat(p.proc("")).st_uid, 65534)
        for name in ("mem", "environ", "maps", "fd"):
            self.assertEqual(os.stat(p.proc(name)).st_uid, 0, name)
            done = subprocess.run([*setpriv, "ls", p.proc("fd")],
                                  capture_output=True)
            self.assertNotEqual(done.returncode, 0)

    def test_no_page_is_both_writable_and_executable(self):
        maps = Waiting(self, self.place).maps()
        self.assertIn("[stack]", [name for _, _, name in maps])
        self.assertEqual([m for m in maps if "w" in m[1] and "x" in m[1]], [])

    def test_it_is_loaded_elsewhere_each_time(self):
        starts = {Waiting(self, self.place).maps()[0][0] for _ in range(3)}
        self.assertGreater(len(starts), 1)


# --- secrets -----------------------------------------------------------------

class ConfinedTest(case.LoopbackCase):
    def test_an_engine_that_copies_has_given_up_rights(self):
        guest = self.guest()
        run = self.start(guest, *harness.HELD)
        run.wait_copying()
        pids = [p for p, line in harness.ours().items()
                if line.startswith(harness.VMFERRY + " migrate")]
        self.assertEqual(len(pids), 1)
        status = harness.read(f"/proc/{pids[0]}/status").decode()
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        # its guardian, which may have to start over, has not
        (guardian,) = harness.guardians()
        status = harness.read(f"/proc/{guardian}/status").decode()
        self.assertRegex(status, r"NoNewPrivs:\s+0")
        run.signal(2)
        self.assert_stayed(guest, run.finish(), 6)


class Secrets:
    """What must come out nowhere; all but the keys begin alike."""

    MARK = b"canary-"

    def __init__(self):
        self.n = 0
        self.lines = []

    def new(self):
        self.n += 1
        return f"{self.MARK.decode()}{self.n:02d}-{os.urandom(6).hex()}"

    def add_key(self, path):
        """The text of a private key, but the line that all of them share."""
        with open(path, "rb") as f:
            lines = f.read().split(b"\n")
        self.lines += [ln for ln in lines[2:] if len(ln) > 40]

    def found_in(self, data):
        """The first one in @data with what is around it, or None."""
        if isinstance(data, str):
            data = data.encode()
        for needle in (self.MARK, *self.lines):
            at = data.find(needle)
            if at >= 0:
                return data[max(0, at - 60):at + 60]
        return None


class Sampler(threading.Thread):
    """Looks at processes and files again and again while it is there."""

    def __init__(self, place, secrets, roots):
        super().__init__(daemon=True)
        self.place, self.secrets, self.roots = place, secrets, roots
        self.looks, self.leaks, self.files = 0, {}, set()
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.03):
            for pid in harness.ours():
                for name in ("cmdline", "environ", "comm"):
                    self.look(pid, name)
            for top in self.roots:
                self.look_at_files(top)
            self.looks += 1

    def look(self, pid, name):
        data = harness.read(f"/proc/{pid}/{name}")
        if self.secrets.found_in(data):
            self.leaks.setdefault(pid, (name, data.replace(b"\0", b" ")))

    def look_at_files(self, top):
        for path in glob.glob(top + "/**", recursive=True):
            if not os.path.isfile(path):
                continue
            self.files.add(os.path.basename(path))
            found = self.secrets.found_in(harness.read(path))
            if found:
                self.leaks.setdefault(path, ("content", found))

    def finish(self):
        self.over.set()
        self.join()


class TracedSshd(harness.Sshd):
    """What sshd and its shells execute is written down."""

    def start(self):
        log = open(self.path("log"), "ab")
        self.executed = self.path("executed")
        config = self.path("sshd_config")
        self.process = subprocess.Popen(
            strace(self.executed, harness.SSHD, "-D", "-e", "-f", config,
                   *harness.lenient(config)),
            stderr=log, stdin=subprocess.DEVNULL,
            env=without_token(self.place.env))
        log.close()
        harness.wait_until(self.answers, 20, "sshd does not answer")


class CanaryTest(case.LoopbackCase):
    """One journey with secrets wherever they can be, then the search."""

    @classmethod
    def setUpClass(cls):
        cls.place = harness.isolate()
        cls.guests = []
        cls.secrets = Secrets()
        cls.sshd = TracedSshd(cls.place, ("LogLevel DEBUG3",))
        cls.addClassCleanup(cls.sshd.stop)
        cls.dir = os.path.join(cls.place.work, "canary")
        os.mkdir(cls.dir, 0o700)
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.make_key()
        cls.guest = cls.class_guest(
            "fill=16 ws=4 rate=8", extra=cls.secret_arguments())
        cls.said, cls.records, cls.prompts = {}, [], 0
        sampler = Sampler(cls.place, cls.secrets,
                          (cls.place.run_root, cls.place.runs))
        cls.sampler = sampler
        sampler.start()
        try:
            cls.travel()
        finally:
            sampler.finish()

    @classmethod
    def make_key(cls):
        """The login's key, with a passphrase that is typed at each run."""
        cls.secrets.add_key(cls.sshd.identity)
        cls.phrase = cls.secrets.new()
        subprocess.run(["ssh-keygen", "-q", "-p", "-a", "1", "-P", "", "-N",
                        cls.phrase, "-f", cls.sshd.identity], check=True,
                       stdout=subprocess.DEVNULL)
        cls.secrets.add_key(cls.sshd.identity)

    @classmethod
    def secret_arguments(cls):
        new = cls.secrets.new
        return ["-object", f"secret,id=one,data={new()}",
                "-object", json.dumps({"qom-type": "secret", "id": "two",
                                       "data": new()}),
                "-iscsi", f"user=me,password={new()}",
                "-fw_cfg", f"name=opt/org.test/key,string={new()}",
                "-smbios", f"type=11,value=io.systemd.credential:k={new()}"]

    # --- the journey ---

    @classmethod
    def travel(cls):
        name, there = cls.guest.name, cls.sshd.target
        cls.run_it("list", "list", there, "--json", events=False)
        cls.run_it("check", "check", name, there, "--json")
        cls.run_it("plan", "migrate", name, there, "--dry-run")
        cls.run_it("failed", "migrate", name, there, "--json", "--dest-args",
                   cls.broken_arguments())
        cls.run_it("cancelled", "migrate", name, there, "--json",
                   "--bandwidth", "3M", then=cls.cancel)
        cls.run_it("killed", "migrate", name, there, "--bandwidth", "3M",
                   then=cls.kill)
        journal = glob.glob(cls.place.runs + "/*/journal")[0]
        cls.run_it("journal", "journal", "print", journal, asks=False,
                   events=False)
        cls.run_it("recover", "recover", "--json", events=False)
        cls.guest.expect("run-*")
        cls.run_it("moved", "migrate", name, there, "--json",
                   *harness.BUDGET)
        cls.guest.process.wait()
        (cls.guest.pid,) = harness.our_qemus()

    @classmethod
    def broken_arguments(cls):
        """QEMU refuses the last one, and quotes it as it does so."""
        path = os.path.join(cls.dir, "arguments")
        with open(path, "w") as f:
            f.write("\n".join([*cls.guest.argv[1:], "-object",
                               f"secret,id=bad,data={cls.secrets.new()},"
                               "format=none", ""]))
        return path

    @classmethod
    def run_it(cls, title, command, *args, asks=True, events=True, then=None):
        log = os.path.join(cls.dir, title)
        login = [w for w in cls.sshd.login() if w != "--no-input"]
        words = [harness.VMFERRY, command, *args, "-v", "-v"]
        words += login if asks else []
        words += ["--events", log + ".events"] if events else []
        t = cli_test.Terminal(strace(log + ".executed", *words),
                              without_token(cls.place.env))
        cls.records.append(log + ".executed")
        try:
            if asks:
                t.wait_for("assphrase")
                cls.prompts += 1
                t.type(cls.phrase.encode() + b"\n")
            if then:
                then(t)
            code = t.finish()
        except BaseException:
            harness.kill(t.pid)
            raise
        cls.said[title] = (code, t.text())

    @classmethod
    def cancel(cls, t):
        t.wait_for("event=sample")
        t.type(b"\x03")

    @classmethod
    def kill(cls, t):
        """And its guardian, which it could replace: a person recovers."""
        t.wait_for("event=sample")
        harness.kill(t.pid, signal.SIGSTOP)
        for pid in (*harness.guardians(), t.pid):
            harness.kill(pid)

    # --- the search ---

    def test_the_journey_went_as_meant(self):
        """Each case was there, and the search finds what is there."""
        codes = {title: code for title, (code, _) in self.said.items()}
        self.assertEqual(codes, {
            "list": 0, "check": 0, "plan": 0, "failed": 4, "cancelled": 6,
            "killed": -9, "journal": 0, "recover": 0, "moved": 0}, self.said)
        self.assertEqual(self.prompts, 8)
        self.assertGreater(self.sampler.looks, 50)
        self.assertLessEqual({"journal", "pid", "stderr"}, self.sampler.files)
        self.assertIn(self.guest.pid, self.sampler.leaks)
        self.assertIn(self.guest.pid, self.executors())
        self.assert_healthy(self.guest)

    def test_what_is_said_holds_none(self):
        for title, (_, text) in self.said.items():
            with self.subTest(title):
                self.assertTrue(text)
                self.assertIsNone(self.secrets.found_in(text))

    def test_where_a_secret_was_there_are_stars(self):
        for title in ("plan", "failed"):
            self.assertIn("data=***", self.said[title][1])

    def test_events_hold_none(self):
        paths = glob.glob(self.dir + "/*.events")
        self.assertEqual(len(paths), 6)
        for path in paths:
            with self.subTest(path):
                text = harness.read(path)
                self.assertIn(b"data=***", text)
                self.assertIsNone(self.secrets.found_in(text))

    def test_sshd_has_seen_none(self):
        text = harness.read(self.sshd.path("log"))
        self.assertIn(b"debug3:", text)
        self.assertIsNone(self.secrets.found_in(text))

    def executors(self):
        """{pid: what it executed with a secret in argv or environment}"""
        found = {}
        for path in (self.sshd.executed, *self.records):
            lines = harness.read(path).decode().splitlines()
            self.assertTrue(lines, path)
            for line in lines:
                if self.secrets.found_in(line):
                    found.setdefault(int(line.split()[0]), []).append(line)
        return found

    def is_qemu(self, line):
        return bool(re.match(r'\d+ +execve\("[^"]*/qemu-system-', line))

    def test_no_process_but_qemu_is_given_one(self):
        """The one that becomes it may pass through env(1) and the like."""
        leaks = {pid: lines for pid, lines in self.executors().items()
                 if not self.is_qemu(lines[-1])}
        self.assertEqual(leaks, {})

    def test_no_other_process_shows_one_and_no_file_has_one(self):
        qemus = {pid for pid, lines in self.executors().items()
                 if self.is_qemu(lines[-1])} | {self.guest.process.pid}
        leaks = {who: what for who, what in self.sampler.leaks.items()
                 if who not in qemus}
        # QEMU's own words, for its user alone, gone with the rest of the run,
        # which may be too soon for us to have seen them
        words = [p for p in leaks if str(p).endswith("/stderr")]
        self.assertLessEqual(len(words), 1)
        for path in words:
            self.assertFalse(os.path.exists(path))
            del leaks[path]
        self.assertEqual(leaks, {})


# --- files -------------------------------------------------------------------

IN_CREATE, IN_MOVED_TO, IN_NONBLOCK = 0x100, 0x80, 0o4000
MS_NOSUID = 2
UUID = "0d5f6c1e-8a55-4a0e-9a9c-0b1f4d2c7e11"


def modes(top):
    """{path: mode} of all directories and regular files below @top."""
    found = {}
    for path in (top, *glob.glob(top + "/**", recursive=True)):
        path = path.rstrip("/")
        try:
            st = os.lstat(path)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(st.st_mode) or stat.S_ISREG(st.st_mode):
            found[path] = stat.S_IMODE(st.st_mode)
    return found


class FilesTest(case.LoopbackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one = cls.class_guest(extra=["-uuid", UUID])

    def test_files_are_for_their_user_alone(self):
        run = self.start(self.one, "--bandwidth", "3M")
        run.wait_copying()
        name = run.run_id()
        found = modes(self.place.run_root) | modes(self.place.runs)
        kinds = {p: os.path.isdir(p) for p in found}
        run.signal(signal.SIGINT)
        self.assert_stayed(self.one, run.finish(), 6)
        root = self.place.run_root
        # guests of other users must get through to their directories
        self.assertEqual(found.pop(root), 0o711)
        self.assertLessEqual(
            {f"{root}/{name}", f"{root}/in-{UUID}", f"{root}/in-{UUID}/pid",
             f"{root}/tokens/{name}-source",
             f"{root}/tokens/{name}-destination",
             f"{root}/locks/{UUID}", f"{self.place.runs}/{name}/journal"},
            set(found))
        for path, mode in found.items():
            self.assertEqual(oct(mode), oct(0o700 if kinds[path] else 0o600),
                             path)

    def plant(self, link, target):
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(target, link)
        self.addCleanup(harness.remove, link)

    def test_a_link_in_place_of_the_lock_is_not_followed(self):
        target = os.path.join(self.place.work, "not-a-lock")
        self.plant(f"{self.place.run_root}/locks/{UUID}", target)
        done = self.migrate(self.one)
        self.assert_stayed(self.one, done, 4)
        self.assert_explained(done, "cannot open the lock")
        self.assertFalse(os.path.lexists(target))

    def assert_not_trusted(self, state):
        done = self.migrate(self.one, "--state-dir", state)
        self.assert_stayed(self.one, done, 3)
        self.assert_explained(done, "cannot be trusted")
        self.assert_hint(done)
        done = self.vmferry("recover", "--state-dir", state)
        self.assertNotEqual(done.code, 0)
        self.assert_explained(done, "cannot be trusted")

    def directory(self, name, mode=0o700):
        # on a disk, as that of the usual state
        path = os.path.join(self.place.state, name)
        os.makedirs(path)
        os.chmod(path, mode)
        self.addCleanup(harness.remove, path)
        return path

    def test_a_link_in_place_of_the_journals_directory_is_not_followed(self):
        target, state = self.directory("elsewhere"), self.directory("state")
        self.plant(os.path.join(state, "runs"), target)
        self.assert_not_trusted(state)
        self.assertEqual(os.listdir(target), [])

    def test_a_state_directory_that_others_may_change_is_not_used(self):
        state = self.directory("open-to-all", 0o777)
        os.mkdir(os.path.join(state, "runs"), 0o700)
        self.assert_not_trusted(state)
        self.assertEqual(os.listdir(os.path.join(state, "runs")), [])

    def test_a_link_in_place_of_the_lock_over_there_is_not_followed(self):
        target = self.directory("somebody's")
        self.plant(f"{self.place.run_root}/in-{UUID}", target)
        self.assert_moved(self.one, self.migrate(self.one))
        self.assertEqual(os.listdir(target), [])

    @unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
    def test_nothing_is_made_in_tmp(self):
        tempfile.gettempdir()  # Python tries its directory once
        libc = ctypes.CDLL(None, use_errno=True)
        tree = os.open(harness.ROOT, os.O_PATH)
        self.addCleanup(os.close, tree)
        self.assertEqual(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", MS_NOSUID,
                                    b"mode=1777"), 0)
        self.addCleanup(libc.umount2, b"/tmp", 2)
        if not os.path.exists(harness.ROOT):
            # the tree that is tested lies there itself
            os.makedirs(harness.ROOT)
            self.assertEqual(libc.mount(f"/proc/self/fd/{tree}".encode(),
                                        harness.ROOT.encode(), None,
                                        harness.MS_BIND, None), 0)
        fd = libc.inotify_init1(IN_NONBLOCK)
        self.addCleanup(os.close, fd)
        self.assertGreaterEqual(
            libc.inotify_add_watch(fd, b"/tmp", IN_CREATE | IN_MOVED_TO), 0)
        for way in ("libssh2", "openssh"):
            self.assert_moved(self.one,
                              self.migrate(self.one, "--ssh", way))
        with self.assertRaises(BlockingIOError):
            self.fail(os.read(fd, 4096))
        # the watch would have seen it
        open("/tmp/made", "w").close()
        self.assertIn(b"made", os.read(fd, 4096))


if __name__ == "__main__":
    unittest.main()
