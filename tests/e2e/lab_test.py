#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The lab keeps its promises: hosts of their own, one wire, no traces."""

import glob
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.join(os.path.dirname(os.path.dirname(HERE)), "tools/lab/lab")
RUN = "/run/vmferry-lab"
MOUNT_POINTS = ["/root/.ssh", "/etc/ssh", "/etc/machine-id", "/etc/hosts",
                "/var/lib/vmferry", "/srv/local"]
SSH = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
QEMU = ("qemu-system-x86_64 -accel tcg -m 16 -nodefaults -display none -S "
        "-daemonize -pidfile /run/q.pid")
END_QEMU = "kill $(cat /run/q.pid)"

# In the root of a chroot, as lab_in_chroot.sh makes it. mount(8) has notes of
# its own in /run/mount.
NOTHING_THERE = ('test "$(rm -rf /run/mount; echo $(ls -A /run /srv /var/lib))"'
                 ' = "/run: /srv: /var/lib:"')

ROOT = os.geteuid() == 0
HAVE_QEMU = shutil.which("qemu-system-x86_64") is not None


class Lab:
    """A lab under test; its name keeps it apart from any other."""

    def __init__(self, name):
        self.name = f"{name}-{os.urandom(3).hex()}"

    def argv(self, *args):
        return [LAB, "--name", self.name, *args]

    def run(self, *args, **options):
        return subprocess.run(self.argv(*args), text=True, timeout=120,
                              capture_output=True, **options)

    def ok(self, *args, **options):
        """The stdout of a command that has to succeed."""
        done = self.run(*args, **options)
        if done.returncode != 0:
            raise AssertionError(f"lab {' '.join(args)}: status "
                                 f"{done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def on(self, host, script):
        return self.ok("exec", host, "sh", "-c", script)


class Conversation:
    """An open SSH connection from hosta to hostb that echoes lines."""

    def __init__(self, lab):
        self.process = subprocess.Popen(
            lab.argv("exec", "hosta", *SSH, "hostb", "cat"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, bufsize=0)

    def say(self, line):
        self.process.stdin.write(line)

    def hears(self, line, seconds):
        heard = select.select([self.process.stdout], [], [], seconds)[0]
        return bool(heard) and self.process.stdout.readline() == line

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@unittest.skipUnless(ROOT, "root is needed for namespaces")
class HostsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("hosts-test")
        cls.addClassCleanup(cls.lab.ok, "down")
        cls.lab.ok("up")

    def converse(self):
        talk = Conversation(self.lab)
        self.addCleanup(talk.close)
        talk.say(b"one\n")
        self.assertTrue(talk.hears(b"one\n", 20))
        return talk

    def test_up_again_changes_nothing(self):
        self.assertEqual(self.lab.ok("up"), self.lab.ok("status"))
        before = self.lab.ok("status")
        self.assertEqual(self.lab.ok("up"), before)

    def test_each_host_has_its_own_name_ids_and_namespaces(self):
        for what in ("hostname", "cat /etc/machine-id",
                     "cat /proc/sys/kernel/random/boot_id",
                     "readlink /proc/self/ns/pid",
                     "readlink /proc/self/ns/net"):
            answers = {self.lab.on(h, what) for h in ("hosta", "hostb")}
            here = subprocess.run(["sh", "-c", what], text=True,
                                  capture_output=True).stdout.strip()
            self.assertEqual(len(answers | {here}), 3, what)

    def test_private_directories_are_not_seen_elsewhere(self):
        for where in ("/run", "/srv/local", "/var/lib/vmferry", "/dev/shm",
                      "/root/.ssh"):
            mark = f"{where}/{self.lab.name}"
            self.lab.on("hosta", f"touch {mark}")
            self.assertEqual(self.lab.run("exec", "hostb", "test", "-e",
                                          mark).returncode, 1, where)
            self.assertFalse(os.path.exists(mark))

    def test_ssh_by_name_needs_no_question(self):
        for here, there in (("hosta", "hostb"), ("hostb", "hosta")):
            self.assertEqual(
                self.lab.ok("exec", here, *SSH, there, "hostname"), there)

    def test_exec_hands_on_status_and_streams(self):
        self.assertEqual(self.lab.run("exec", "hosta", "sh", "-c",
                                      "exit 7").returncode, 7)
        self.assertEqual(self.lab.run("exec", "hosta", "sh", "-c",
                                      "kill -9 $$").returncode, 137)
        self.assertEqual(self.lab.run("exec", "hosta",
                                      "no-such-command").returncode, 127)
        self.assertEqual(self.lab.run("exec", "hostz",
                                      "true").returncode, 125)
        self.assertEqual(self.lab.ok("exec", "hosta", "cat", input="in"),
                         "in")

    def start(self, script):
        """A script on hosta, left running, and the first line it writes."""
        process = subprocess.Popen(
            self.lab.argv("exec", "hosta", "sh", "-c", script), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for undo in (process.stdout.close, process.stdin.close,
                     process.wait, process.kill):
            self.addCleanup(undo)
        return process, process.stdout.readline().strip()

    def test_exec_passes_signals_on(self):
        process, line = self.start("trap 'exit 3' TERM; echo ready; "
                                   "while :; do sleep 0.1; done")
        self.assertEqual(line, "ready")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), 3)

    def test_killed_exec_takes_its_command_along(self):
        process, pid = self.start("echo $$; exec cat")
        process.kill()
        # End of file: nobody has the command's stdout open any more.
        ended = select.select([process.stdout], [], [], 20)[0]
        self.assertTrue(ended, f"process {pid} of hosta lives on")
        self.assertEqual(process.stdout.read(), "")

    def test_pid_1_reaps_orphans(self):
        # The pipe ends when the orphan, whose pid was shown, is dead.
        pid = self.lab.on("hosta", "sh -c 'echo $$; exec sleep 0.2' & exit 0")
        deadline = time.monotonic() + 10
        while self.lab.run("exec", "hosta", "test", "-e",
                           f"/proc/{pid}").returncode == 0:
            self.assertLess(time.monotonic(), deadline, "still a zombie")

    def test_rate_limits_a_transfer(self):
        self.addCleanup(self.lab.ok, "rate", "off")
        self.lab.ok("rate", "80")
        for here, there in (("hosta", "hostb"), ("hostb", "hosta")):
            start = time.monotonic()
            self.lab.on(here, f"head -c 20000000 /dev/zero | "
                              f"{' '.join(SSH)} {there} 'cat >/dev/null'")
            self.assertGreater(time.monotonic() - start, 1.5)

    def test_cut_host_is_a_black_hole_for_new_connections(self):
        self.addCleanup(self.lab.ok, "heal")
        self.lab.ok("cut", "hostb")
        done = self.lab.run("exec", "hosta", *SSH, "-o", "ConnectTimeout=2",
                            "hostb", "true")
        self.assertEqual(done.returncode, 255)
        self.assertIn("timed out", done.stderr)
        self.lab.ok("heal", "hostb")
        self.lab.ok("exec", "hosta", *SSH, "hostb", "true")

    def test_cut_stalls_an_open_connection_and_heal_resumes_it(self):
        talk = self.converse()
        self.addCleanup(self.lab.ok, "heal")
        self.lab.ok("cut")
        talk.say(b"two\n")
        self.assertFalse(talk.hears(b"two\n", 2))
        self.lab.ok("heal")
        self.assertTrue(talk.hears(b"two\n", 20))

    def test_reset_breaks_an_open_connection(self):
        talk = self.converse()
        self.lab.ok("reset", "hostb")
        self.assertEqual(talk.process.wait(timeout=20), 255)

    def test_killed_host_comes_back_with_its_disks_and_a_new_boot(self):
        lab = Lab("crash-test")
        self.addCleanup(lab.ok, "down")
        lab.ok("up")
        ask = "cat /etc/machine-id /srv/local/f; touch /run/f"
        boot = "cat /proc/sys/kernel/random/boot_id"
        lab.on("hostb", "echo kept >/srv/local/f")
        before, boot_before = lab.on("hostb", ask), lab.on("hostb", boot)
        lab.ok("kill", "hostb")
        self.assertEqual(lab.run("status").returncode, 1)
        self.assertEqual(lab.run("exec", "hostb", "true").returncode, 125)
        lab.ok("up")
        self.assertEqual(lab.run("exec", "hostb", "test", "-e",
                                 "/run/f").returncode, 1)
        self.assertEqual(lab.on("hostb", ask), before)
        self.assertNotEqual(lab.on("hostb", boot), boot_before)
        lab.ok("exec", "hosta", *SSH, "hostb", "true")

    def test_tap_joins_the_bridge(self):
        self.addCleanup(self.lab.on, "hosta", "ip link del tap-test")
        self.lab.on("hosta", "ip tuntap add tap-test mode tap && "
                             "ip link set tap-test master br0 up")
        self.assertIn("tap-test", self.lab.on(
            "hosta", "ls /sys/class/net/br0/brif"))

    @unittest.skipUnless(HAVE_QEMU, "qemu-system-x86_64 is not installed")
    def test_qemu_starts_by_exec_and_by_ssh(self):
        self.lab.on("hosta", f"{QEMU} && {END_QEMU}")
        self.lab.ok("exec", "hosta", *SSH, "hostb", f"{QEMU} && {END_QEMU}")


def traces(lab, spaces):
    """All that is there of a lab: processes, mounts, files."""
    found = [link for link in glob.glob("/proc/[0-9]*/ns/*")
             if read_link(link) in spaces and not is_zombie(link)]
    with open("/proc/self/mountinfo") as f:
        found += [line for line in f if lab.name in line]
    return found + [p for p in (f"{RUN}/{lab.name}",
                                f"/var/lib/vmferry-lab/{lab.name}")
                    if os.path.exists(p)]


def read_link(path):
    try:
        return os.readlink(path)
    except OSError:
        return None


def is_zombie(link):
    """Dead, and waiting for this machine's own PID 1 to take notice."""
    try:
        with open(f"/proc/{link.split('/')[2]}/stat", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def outside():
    """What of this machine a lab could change; None while others run."""
    if glob.glob(f"{RUN}/*/") or glob.glob("/var/lib/vmferry/e2e-run-*"):
        return None
    network = [subprocess.run(["ip", *what], capture_output=True).stdout
               for what in (["netns"], ["-o", "link"], ["-br", "address"])]
    places = MOUNT_POINTS + [RUN, "/var/lib/vmferry-lab"]
    return network, [p for p in places if os.path.exists(p)]


@unittest.skipUnless(ROOT, "root is needed for namespaces")
class DownTest(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("down-test")
        self.addCleanup(self.lab.ok, "down")

    def fabric(self):
        """The process that holds the network between the hosts."""
        with open(f"{RUN}/{self.lab.name}/fabric-pid") as f:
            return int(f.read().split()[0])

    def test_down_leaves_nothing(self):
        before = outside()
        self.lab.ok("up", "3")
        spaces = set(self.lab.on(
            "hosta", "for n in pid net mnt uts; do readlink "
                     "/proc/self/ns/$n; done").split())
        spaces.add(os.readlink(f"/proc/{self.fabric()}/ns/net"))
        self.assertEqual(len(spaces), 5)
        self.lab.on("hosta", "sleep 1000 >/dev/null 2>&1 & exit 0")
        self.assertTrue(traces(self.lab, spaces))
        self.lab.ok("down")
        self.assertEqual(traces(self.lab, spaces), [])
        after = outside()
        if before and after:
            self.assertEqual(after, before)

    def test_down_twice_is_fine(self):
        self.lab.ok("up", "1")
        self.lab.ok("down")
        self.lab.ok("down")

    def test_up_repairs_a_lost_sshd_and_fabric(self):
        self.lab.ok("up")
        self.lab.on("hostb", "p=$(cat /run/sshd.pid) && kill $p && "
                             "while kill -0 $p; do sleep 0.05; done 2>&-")
        fabric = self.fabric()
        handle = os.pidfd_open(fabric)
        os.kill(fabric, signal.SIGKILL)
        self.assertTrue(select.select([handle], [], [], 60)[0])
        os.close(handle)
        self.lab.ok("up")
        self.lab.ok("exec", "hosta", *SSH, "hostb", "true")

    def test_up_with_more_hosts_adds_them(self):
        self.lab.ok("up", "1")
        boot = self.lab.on("hosta", "cat /proc/sys/kernel/random/boot_id")
        self.lab.ok("up", "2")
        self.assertEqual(self.lab.on(
            "hosta", "cat /proc/sys/kernel/random/boot_id"), boot)
        self.lab.ok("exec", "hosta", *SSH, "hostb", "true")


@unittest.skipUnless(ROOT, "root is needed for namespaces")
class ChrootTest(unittest.TestCase):
    """Started in a chroot, the lab stays in it."""

    def chroot(self, kind, script, *prefix):
        """What the script said, run in a chroot, and its status."""
        with tempfile.TemporaryDirectory(prefix="vmferry-lab-") as top:
            done = subprocess.run(
                ["unshare", "-mpf", "--kill-child",
                 os.path.join(HERE, "lab_in_chroot.sh"), kind,
                 os.path.dirname(LAB), top, *prefix, "sh", "-c", script],
                text=True, stdin=subprocess.DEVNULL, timeout=300,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout, done.returncode

    def works_in(self, kind):
        said, status = self.chroot(kind, f"""
            set -eu
            /lab/lab up
            test "$(/lab/lab exec hosta cat /etc/where)" = chroot
            test "$(/lab/lab exec hosta ssh hostb cat /etc/where)" = chroot
            /lab/lab exec hosta ssh hostb 'echo >/run/here; echo >/tmp/there'
            test ! -e /run/here
            test -e /tmp/there
            /lab/lab kill hosta
            /lab/lab up
            /lab/lab down
            test ! -e /etc/hosts
            test ! -e /etc/machine-id
            test ! -e /etc/ssh
            {NOTHING_THERE}
            """)
        self.assertEqual(status, 0, said)

    def test_in_a_root_that_is_a_mount_all_else_stays_as_it_is(self):
        self.works_in("mount")

    def test_in_a_plain_directory_all_else_stays_as_it_is(self):
        self.works_in("plain")

    def refuses(self, words, preparation, *prefix):
        said, status = self.chroot("mount", f"""
            {preparation}
            /lab/lab up
            status=$?
            {NOTHING_THERE} || exit 1
            exit $status
            """, *prefix)
        self.assertEqual(status, 125, said)
        self.assertEqual(len(said.splitlines()), 1, said)
        for word in words:
            self.assertIn(word, said)

    def test_without_proc_it_says_what_to_mount(self):
        self.refuses(["/proc is not mounted", "mount -t proc proc /proc"],
                     "umount /proc", "unshare", "-m")

    def test_with_the_proc_of_other_processes_it_refuses(self):
        self.refuses(["another PID namespace", "mount -t proc proc /proc"],
                     ":", "unshare", "-pf", "--kill-child")

    def test_without_devices_it_says_what_to_mount(self):
        self.refuses(["/dev/null is no device", "mount --rbind /dev"],
                     "mount -t tmpfs none /dev", "unshare", "-m")

    def test_without_the_right_to_mount_it_says_which_is_missing(self):
        self.refuses(["CAP_SYS_ADMIN"], ":", "setpriv", "--bounding-set",
                     "-sys_admin")


if __name__ == "__main__":
    unittest.main()
