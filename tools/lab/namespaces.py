# SPDX-License-Identifier: MIT
"""Holders of namespaces: start one, find it again, enter it, end it.

A holder is a `sleep` that owns a set of namespaces. Nothing pins them
anywhere else, so killing the holder ends all that is in them; where a PID
namespace is among them the holder is its PID 1.

All of it happens in the root directory and the namespaces that the lab was
started in. setns() into a mount namespace leads to the root of that namespace,
which in a chroot is another one: run_inside() goes on to the holder's root.
"""

import ctypes
import os
import re
import select
import signal
import stat
import subprocess
import sys

# From <linux/sched.h>, <sys/mount.h>, <linux/capability.h>, <linux/prctl.h>.
MNT = 0x00020000
UTS = 0x04000000
IPC = 0x08000000
PID = 0x20000000
NET = 0x40000000
MS_REC, MS_SLAVE = 1 << 14, 1 << 19
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_CHROOT": 18,
                "CAP_SYS_ADMIN": 21}
PR_SET_PDEATHSIG = 1

END_TIMEOUT_MS = 60000
PASSED_ON = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM,
             signal.SIGUSR1, signal.SIGUSR2}

libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """A failure to be shown to the user as it is."""


def run(*argv, stdin=None, check=True):
    """Run a command; its stdout, or LabError with its own words."""
    done = subprocess.run(argv, input=stdin, text=True, capture_output=True)
    if check and done.returncode != 0:
        words = (done.stderr or done.stdout).strip() or "no message"
        raise LabError(f"{' '.join(argv)}: {words} "
                       f"(status {done.returncode})")
    return done.stdout


def syscall(name, *args):
    if getattr(libc, name)(*args) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def check_place():
    """LabError where a lab cannot work, or would touch something else."""
    try:
        with open("/proc/self/status") as f:
            status = dict(re.findall(r"^(\w+):\s*(.*)$", f.read(), re.M))
    except OSError:
        raise LabError("/proc is not mounted here; nothing was changed. "
                       "Mount it: mount -t proc proc /proc") from None
    # One number for each PID namespace, from that of /proc to our own.
    if len(status["NSpid"].split()) != 1:
        raise LabError("/proc is that of another PID namespace, so its pids "
                       "are other processes; nothing was changed. Mount this "
                       "one's: mount -t proc proc /proc")
    had = int(status["CapEff"], 16)
    missing = [c for c, bit in CAPABILITIES.items() if not had >> bit & 1]
    if missing:
        raise LabError(f"root has no {', '.join(missing)} here; nothing was "
                       f"changed. Run it outside the container, or in one "
                       f"that has them")
    try:
        if stat.S_ISCHR(os.stat("/dev/null").st_mode):
            return
    except OSError:
        pass
    raise LabError("/dev/null is no device here; nothing was changed. Mount "
                   "the machine's devices: mount --rbind /dev DIRECTORY/dev")


def start_ticks(pid):
    """When the process started, in ticks since boot; None if it is dead."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def find(record):
    """The pid of the holder that a record file names; None if it is gone."""
    try:
        with open(record) as f:
            pid, started = f.read().split()
    except (OSError, ValueError):
        return None
    return int(pid) if start_ticks(pid) == started else None


def spawn(kinds, record, prepare):
    """Start a holder of new namespaces of these kinds and return its pid.

    The holder writes itself down in `record`, calls prepare() inside, and
    is ready when this returns. Without it, LabError says why.
    """
    ready, report = os.pipe()
    helper = os.fork()
    if helper == 0:
        _hold(kinds, record, prepare, report)
    os.close(report)
    with os.fdopen(ready) as f:
        failure = f.read()
    os.waitpid(helper, 0)
    pid = find(record)
    if failure or not pid:
        raise LabError(failure or "the holder of the namespaces died")
    return pid


def _hold(kinds, record, prepare, report):
    """The child of spawn: never returns. Closing `report` means ready."""
    try:
        os.setsid()
        syscall("unshare", kinds)
        if os.fork():
            os._exit(0)
        # /proc is still the outer one, and so is the pid it shows.
        pid = os.readlink("/proc/self")
        with open(record, "w") as f:
            f.write(f"{pid} {start_ticks(pid)}\n")
        os.chdir("/")
        _drop_descriptors(report)
        prepare()
        # An ignored SIGCHLD outlives exec and has the kernel reap every
        # orphan that falls to this PID 1, at no cost in time or memory.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.execvp("sleep", ["sleep", "infinity"])
    except Exception as e:
        os.write(report, str(e).encode())
    os._exit(1)


def keep_mounts():
    """Let no mount of this fresh namespace show up in the one before it.

    In a chroot, "/" may be no mount point, and the mount that it is on has no
    name. Its namespace's root has one, which setns() makes ours for a moment.
    """
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    space = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    try:
        syscall("setns", space, MNT)
        syscall("mount", None, b"/", None, MS_REC | MS_SLAVE, None)
        _change_root(root)
    finally:
        os.close(space)
        os.close(root)


def _change_root(directory):
    os.fchdir(directory)
    os.chroot(".")


def _drop_descriptors(keep):
    """Keep no pipe, terminal or lock of the caller's open."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))


def end(record):
    """Kill the holder and wait until all that it held is dead."""
    pid = find(record)
    if pid is None:
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # Asked again, now that the handle keeps the pid from being reused.
        if find(record) != pid:
            return
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        waiter = select.poll()
        waiter.register(handle, select.POLLIN)
        if not waiter.poll(END_TIMEOUT_MS):
            raise LabError(f"process {pid} does not die: something in its "
                           f"namespaces hangs in the kernel")
    finally:
        os.close(handle)


def run_inside(holder, argv, environ, cwd):
    """Run a command in all namespaces of the holder; its exit status.

    The command keeps the standard streams and the terminal, gets the
    signals that are sent to us, and dies if we do. Ended by signal N, it
    has status 128 + N, as in a shell.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK,
                                  PASSED_ON | {signal.SIGCHLD})
    handle = os.pidfd_open(holder)
    root = os.open(f"/proc/{holder}/root", os.O_PATH | os.O_DIRECTORY)
    syscall("setns", handle, MNT | UTS | IPC | PID | NET)
    _change_root(root)
    child = os.fork()
    if child == 0:
        _become(argv, environ, cwd, mask)
    return _attend(child)


def _become(argv, environ, cwd, mask):
    """The child of run_inside: never returns."""
    try:
        syscall("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
        # Python ignores these two, and exec would hand that on.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            os.chdir(cwd)
        except OSError:
            os.chdir(environ["HOME"])
        os.execvpe(argv[0], argv, environ)
    except OSError as e:
        print(f"lab: cannot run {argv[0]}: {e.strerror}", file=sys.stderr,
              flush=True)
        os._exit(127 if isinstance(e, FileNotFoundError) else 126)


def _attend(child):
    """Wait for the child, passing on the signals that others send us."""
    while True:
        info = signal.sigwaitinfo(PASSED_ON | {signal.SIGCHLD})
        if info.si_signo == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
        elif info.si_code <= 0:
            # Sent by a process. What the terminal sends (si_code above 0)
            # reaches the child by itself: it is in our process group.
            os.kill(child, info.si_signo)
