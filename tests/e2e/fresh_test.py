# SPDX-License-Identifier: MIT
"""What `tools/dev/fresh` says where it cannot make a root, how it ends, and
what its PID 1 does."""
import ctypes
import fcntl
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

FRESH = os.path.join(harness.ROOT, "tools/dev/fresh")
NOBODY = 65534
NO_RUN = 125


def other_mounts():
    """In the child: mounts that nobody else sees."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(harness.CLONE_NEWNS) or libc.mount(
            b"none", b"/", None, harness.MS_REC | harness.MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mount namespace")


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class FreshRefuses(unittest.TestCase):
    def setUp(self):
        self.store = tempfile.mkdtemp(prefix="vmferry-fresh-")
        self.addCleanup(shutil.rmtree, self.store)

    def fresh(self, *argv, prepare=None, before=(), store=None):
        # Through stdin, as an ordinary user may not reach the checkout.
        with open(FRESH) as script:
            return subprocess.run(
                [*before, "sh", "-s", "--", *argv], stdin=script, text=True,
                capture_output=True, timeout=600, preexec_fn=prepare, cwd="/",
                env={**os.environ, "VMFERRY_FRESH": store or self.store})

    def assert_refused(self, done, words):
        """One line on stderr, which has these words last."""
        self.assertEqual(done.returncode, NO_RUN, done)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr.splitlines()[-1], f"^fresh: .*{words}")

    def test_without_a_command_it_shows_its_usage(self):
        self.assert_refused(self.fresh(), r"usage: fresh .*COMMAND")
        self.assert_refused(self.fresh("--users", "true"), "usage: ")

    def test_only_two_releases_are_known(self):
        self.assert_refused(self.fresh("--release", "sid", "true"),
                            "sid: only bookworm and trixie are known")

    def test_an_ordinary_user_is_refused_with_a_hint_at_sudo(self):
        os.chmod(self.store, 0o777)
        done = self.fresh("true", prepare=lambda: os.setuid(NOBODY))
        self.assert_refused(done, "root is needed .*: use sudo")
        self.assertEqual(os.listdir(self.store), [])

    def test_a_full_disk_is_named_with_what_is_needed(self):
        def fill():
            other_mounts()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700",
                            "tmpfs", self.store], check=True)

        self.assert_refused(
            self.fresh("true", prepare=fill),
            f"{self.store} has [01] MB left and [0-9]+ are needed: make room")

    def test_a_store_that_cannot_be_made_is_named(self):
        done = self.fresh("true", store="/dev/null/store")
        self.assert_refused(done, "/dev/null/store cannot be made: .*"
                            "VMFERRY_FRESH")

    def assert_not_roots_alone(self, bad, store=None):
        self.assert_refused(
            self.fresh("true", store=store),
            f"{re.escape(bad)} is not root's alone, .*: remove .*or name "
            "another place in VMFERRY_FRESH")

    def test_a_store_that_others_can_write_to_is_refused(self):
        os.chmod(self.store, 0o777)
        self.assert_not_roots_alone(self.store)
        os.chmod(self.store, 0o770)
        self.assert_not_roots_alone(self.store)
        os.chmod(self.store, 0o700)
        os.chown(self.store, NOBODY, NOBODY)
        self.assert_not_roots_alone(self.store)
        self.assertEqual(os.listdir(self.store), [])

    def test_a_store_that_others_can_replace_is_refused(self):
        below = os.path.join(self.store, "below")
        os.chmod(self.store, 0o777)
        self.assert_not_roots_alone(self.store, store=below)
        # the way to it counts, wherever a link leads
        link = os.path.join(self.store, "link")
        os.symlink("/root", link)
        os.lchown(link, NOBODY, NOBODY)
        os.chmod(self.store, 0o1777)
        self.assert_not_roots_alone(link, store=link)

    def test_what_others_made_in_the_store_is_refused(self):
        made = os.path.join(self.store, "bookworm-1")
        os.mkdir(made)
        os.chown(made, NOBODY, NOBODY)
        self.assert_not_roots_alone(made)
        os.rmdir(made)
        lock = os.path.join(self.store, "lock")
        kept = os.path.join(self.store, "kept")
        with open(kept, "w") as f:
            f.write("kept")
        os.symlink(kept, lock)
        self.assert_not_roots_alone(lock)
        self.assertEqual(harness.read(kept), b"kept")

    def test_without_the_right_to_make_namespaces_it_says_so(self):
        done = self.fresh("true", before=["setpriv", "--bounding-set",
                                          "-sys_admin"])
        self.assert_refused(done, "no namespaces can be made: root needs "
                            "CAP_SYS_ADMIN")

    def test_without_proc_it_says_how_to_mount_it(self):
        def hide():
            other_mounts()
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/proc"],
                           check=True)

        self.assert_refused(self.fresh("true", prepare=hide),
                            "/proc is missing: mount -t proc proc /proc")

    def test_without_a_network_the_mirror_is_named_and_nothing_is_left(self):
        done = self.fresh("true", before=["unshare", "--net"])
        self.assert_refused(done, r"no root could be made from https?://\S+ ")
        left = [e.name for e in os.scandir(self.store) if e.is_dir()]
        self.assertEqual(left, [])


# In place of a command that has to end; it does so when it is asked to.
DEBOOTSTRAP = """#!/bin/sh
trap 'exit 1' TERM
: >"$VMFERRY_FRESH/started"
sleep 600 &
wait
"""


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class FreshEnds(unittest.TestCase):
    def test_a_signal_ends_all_that_it_started(self):
        store = tempfile.mkdtemp(prefix="vmferry-fresh-")
        self.addCleanup(shutil.rmtree, store)
        tool = os.path.join(store, "debootstrap")
        with open(tool, "w") as f:
            f.write(DEBOOTSTRAP)
        os.chmod(tool, 0o755)
        name, value = harness.TOKEN.split("=")
        run = subprocess.Popen(
            [FRESH, "true"], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={
                **os.environ, name: value, "VMFERRY_FRESH": store,
                "PATH": f"{store}:{os.environ['PATH']}"})
        self.addCleanup(lambda: [harness.kill(p) for p in harness.ours()])
        harness.wait_until(
            lambda: os.path.exists(os.path.join(store, "started")), 60,
            "debootstrap was not started")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 128 + signal.SIGTERM)
        # sooner than after the time that a command has to end
        harness.wait_until(lambda: not harness.ours(), 10,
                           f"left over: {harness.ours()}")


# In place of debootstrap: copies these programs and the libraries they need.
PROGRAMS = ["/bin/sh", "/bin/cat", "/bin/chown", "/bin/readlink", "/bin/umount",
            "/usr/bin/env", "/usr/bin/perl", "/usr/bin/setpriv"]
SMALL_ROOT = """#!/bin/sh
set -e
case $1 in --variant=*) shift 2 ;; esac
root=$2
mkdir -p "$root/etc/apt/apt.conf.d" "$root/var/cache/apt/archives" \\
	"$root/tmp" "$root/root" "$root/mnt" "$root/dev" "$root/proc" "$root/sys"
tar -C / -c SMALL_FILES | tar -C "$root" -x
for link in bin lib lib64 sbin; do
	[ ! -L "/$link" ] || cp -a "/$link" "$root"
done
echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
echo root:x:0: >"$root/etc/group"
"""


def files_of(programs):
    """Them and their libraries, links resolved beside the links."""
    found = glob.glob("/usr/lib/*/perl-base")
    for program in programs:
        said = subprocess.run(["ldd", program], text=True, timeout=60,
                              check=True, capture_output=True).stdout
        found += [program, *re.findall(r"(/\S+) \(0x", said)]
    # no link of /bin or /lib is followed by a copy
    found = {os.path.join(os.path.realpath(os.path.dirname(f)),
                          os.path.basename(f)) for f in found}
    return sorted(found | {os.path.realpath(f) for f in found})


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class FreshRuns(unittest.TestCase):
    """On an image, and from a checkout, that are made in no time."""

    @classmethod
    def setUpClass(cls):
        top = tempfile.mkdtemp(prefix="vmferry-fresh-")
        cls.addClassCleanup(shutil.rmtree, top)
        cls.store = os.path.join(top, "store")
        # an apt with none of the settings that are taken over
        files = " ".join(f[1:] for f in files_of(PROGRAMS))
        for name, text in (
                ("debootstrap", SMALL_ROOT.replace("SMALL_FILES", files)),
                ("apt-config", "#!/bin/sh\n"), ("apt-get", "#!/bin/sh\n")):
            with open(os.path.join(top, name), "w") as f:
                f.write(text)
            os.chmod(os.path.join(top, name), 0o755)
        cls.env = {name: value for name, value in os.environ.items()
                   if not name.startswith("GIT_")}
        cls.env.update(VMFERRY_FRESH=cls.store,
                       PATH=f"{top}:{os.environ['PATH']}")
        cls.checkout = os.path.join(top, "checkout")
        cls.program = os.path.join(cls.checkout, "tools/dev/fresh")
        shutil.copytree(os.path.join(harness.ROOT, "tools/dev"),
                        os.path.dirname(cls.program))
        cls.git("init", "--quiet")
        cls.git("add", ".")
        cls.git("-c", "user.name=x", "-c", "user.email=x@y", "commit",
                "--quiet", "--message", "x")

    @classmethod
    def git(cls, *argv):
        subprocess.run(["git", *argv], cwd=cls.checkout, check=True,
                       timeout=600, env=cls.env)

    def fresh(self, *argv, program=None, **env):
        return subprocess.run([program or self.program, *argv], text=True,
                              cwd=self.checkout, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=600,
                              env={**self.env, **env})

    def assert_says(self, done, text, status=0):
        """That, and nothing but notes of its own besides."""
        self.assertEqual((done.returncode, done.stdout), (status, text), done)
        self.assertEqual([line for line in done.stderr.splitlines()
                          if not line.startswith("fresh: making ")], [])

    def test_the_status_is_the_commands(self):
        self.assert_says(self.fresh("sh", "-c", "echo $PWD; exit 7"),
                         "/root/vmferry\n", 7)
        self.assertEqual(self.fresh("/no/such/command").returncode, 127)

    def test_what_it_made_is_for_root_alone(self):
        self.assert_says(self.fresh("sh", "-c", ":"), "")
        self.assertEqual(os.stat(self.store).st_mode & 0o777, 0o700)
        locks = glob.glob(f"{self.store}/*lock")
        self.assertEqual(len(locks), 2, locks)
        for path in locks:
            # as one has it that an older release made
            os.chmod(path, 0o644)
        self.assert_says(self.fresh("sh", "-c", ":"), "")
        self.assertEqual([os.stat(p).st_mode & 0o777 for p in locks],
                         [0o600] * 2)

    def test_a_root_without_what_it_needs_runs_nothing(self):
        self.assert_says(self.fresh("sh", "-c", ":"), "")
        (image,) = (p for p in glob.glob(f"{self.store}/bookworm-*")
                    if os.path.exists(f"{p}/root"))
        program = os.path.realpath("/usr/bin/setpriv")
        os.rename(image + program, image + "/tmp/setpriv")
        self.addCleanup(os.rename, image + "/tmp/setpriv", image + program)
        done = self.fresh("sh", "-c", ":")
        self.assertEqual((done.returncode, done.stdout), (NO_RUN, ""), done)
        self.assertRegex(done.stderr, r"\nfresh: the command was not started: "
                         r"above is why\n\Z")

    def test_a_lock_that_is_a_directory_runs_nothing(self):
        self.assert_says(self.fresh("sh", "-c", ":"), "")
        lock = os.path.join(self.store, "lock")
        os.unlink(lock)
        os.mkdir(lock)
        self.addCleanup(os.rmdir, lock)
        done = self.fresh("sh", "-c", ":")
        self.assertEqual(done.returncode, NO_RUN, done)

    def test_without_a_standard_input_the_command_has_an_empty_one(self):
        self.assert_says(self.fresh(
            "-c", 'exec "$0" readlink /proc/self/fd/0 <&-', self.program,
            program="/bin/sh"), "/dev/null\n")

    def test_cdpath_does_not_lead_elsewhere(self):
        decoy = os.path.join(os.path.dirname(self.store), "decoy")
        os.makedirs(os.path.join(decoy, "tools/dev"), exist_ok=True)
        self.assert_says(self.fresh("sh", "-c", "echo $PWD", CDPATH=decoy,
                                    program="tools/dev/fresh"),
                         "/root/vmferry\n")

    def test_the_index_of_a_git_hook_is_left_alone(self):
        top = os.path.dirname(self.store)
        index = os.path.join(top, "index")
        with open(index, "w") as f:
            f.write("the caller's")
        self.assert_says(self.fresh(
            "sh", "-c", "read -r head <.git/HEAD && [ -n \"$head\" ]",
            GIT_INDEX_FILE=index, GIT_DIR=os.path.join(top, "nothing"),
            GIT_WORK_TREE=top), "")
        self.assertEqual(harness.read(index), b"the caller's")

    def test_a_detached_head_is_no_news(self):
        self.git("checkout", "--quiet", "--detach")
        self.addCleanup(self.git, "checkout", "--quiet", "-")
        self.assert_says(self.fresh("sh", "-c", ":"), "")

    def test_it_says_once_that_it_waits_for_another(self):
        self.assert_says(self.fresh("sh", "-c", ":"), "")
        (lock,) = glob.glob(f"{self.store}/bookworm-*.lock")
        with open(lock) as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            run = subprocess.Popen(
                [self.program, "sh", "-c", ":"], stdin=subprocess.DEVNULL,
                text=True, stderr=subprocess.PIPE, env=self.env)
            self.addCleanup(run.stderr.close)
            self.addCleanup(run.wait)
            self.addCleanup(run.kill)
            self.assertEqual(
                run.stderr.readline(), "fresh: waiting for another fresh that "
                f"makes the image of Debian bookworm ({lock})\n")
        self.assertEqual((run.wait(600), run.stderr.read()), (0, ""))


# Has PID 1 adopt a process, whose number it prints.
ORPHAN = """
import os, time
if not (middle := os.fork()):
    parent = os.getpid()
    if not (orphan := os.fork()):
        while os.getppid() == parent:
            time.sleep(0.01)
        os._exit(os.getppid() != 1)
    print(orphan, flush=True)
    os._exit(0)
os.waitpid(middle, 0)
"""
# An ended process that nobody has waited for keeps its directory.
UNTIL_GONE = "read -r pid; while [ -e /proc/$pid ]; do sleep 0.1; done; exit 7"


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class FreshInit(unittest.TestCase):
    def start(self, text):
        init = os.path.join(harness.ROOT, "tools/dev/fresh_init.pl")
        run = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
             "perl", init, "sh", "-c", text], stdout=subprocess.PIPE, text=True)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run

    def test_it_ends_with_the_status_of_its_command(self):
        self.assertEqual(self.start("exit 7").wait(60), 7)
        self.assertEqual(self.start("kill -KILL $$").wait(60), 128 + 9)

    def test_it_waits_for_what_it_has_adopted(self):
        run = self.start(f"python3 -c '{ORPHAN}' | ({UNTIL_GONE})")
        self.assertEqual(run.wait(60), 7)

    def test_it_passes_a_sigterm_on_and_no_other_signal(self):
        run = self.start("trap 'exit 7' TERM; echo up; sleep 600 & wait")
        self.assertEqual(run.stdout.readline(), "up\n")
        (init,) = harness.children(run.pid)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            os.kill(init, number)
        os.kill(init, signal.SIGTERM)
        self.assertEqual(run.wait(60), 7)
