#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hostile text in /proc for the shell scripts that read it on hosts.

    proc_trees.py --trees N [--seed N]     so many trees; the same each time
    proc_trees.py --seconds N              as many as go, from a new seed
    proc_trees.py --trees 1 --seed N --keep     a tree that failed, to be kept

Each tree is a made-up /proc whose processes have what their users may choose:
names, command lines, programs and environments with line feeds, bytes that are
no characters, and what the scripts themselves print. The scripts run in dash
with that tree in the place of /proc. A live process must never be taken for
gone or for another, nor a mark, a line or a process be forged.
"""
import argparse
import os
import random
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SHELL = shutil.which("dash") or "sh"
# what users put in; the scripts print some of it themselves
PIECES = [
    b"qemu", b"q) R 1 2", b") Z 0", b"(", b")", b" ", b"\n", b"\xff", b"\xc3",
    b"\xe2\x82", b"\\n", b"$(x)", b"'", b"\"", b"*", b"?", b"-", b"Uid:\t0",
    b"end\n", b"process 1\n", b"above 0\n", b"gone\n", b"stat 1 (q) Z",
    b"\nrun=x", b"directory=/\n", b"busy=1\n", b"pid=1\nticks=1\n", b"=",
    b"\t", b"\r", b"\x01", b"/", b"%s", b"left-out 0\n", b"vmferry-proc 1\n",
]
LONG = 1 << 18
# whose processes a tree shows, as identity_match.sh says it; and another's
SPACE, ELSEWHERE = "boot pid:[1] - - here", "boot pid:[2] - - here"
PROC = b"/proc"


class Fault(Exception):
    """What does not hold."""


def claim(holds, what, *details):
    if not holds:
        raise Fault(f"{what}: " + " ".join(repr(d) for d in details))


# --- a tree ------------------------------------------------------------------


def words(rng, most):
    """Bytes that a user may choose."""
    text = b"".join(rng.choice(PIECES) for _ in range(rng.randint(1, 6)))
    if rng.random() < 0.05 and most > LONG:
        text *= LONG // len(text)
    return text[:most].replace(b"\0", b"")


class Process:
    def __init__(self, rng, pid, parent):
        self.pid, self.parent = pid, parent
        self.state = rng.choice("SSSRDTZ")
        self.ticks = rng.randint(1, 10 ** rng.randint(1, 9))
        self.uid = rng.choice((0, 107, 65534))
        self.comm = words(rng, 15)
        self.qemu = rng.random() < 0.5
        self.argv = [words(rng, 1 << 19) for _ in range(rng.randint(1, 4))]
        self.environ = [b"PWD=" + words(rng, 99),
                        b"VMFERRY_RUN_DIR=" + words(rng, 99),
                        b"SECRET=" + words(rng, 99)]
        self.exe = b"/usr/bin/" + (
            b"qemu-system-x86_64" if self.qemu else b"other")
        if rng.random() < 0.5:
            forged = b"/x\nlrwxrwxrwx 1 0 0 0 Jan 1 00:00 %s/%d/exe -> " % (
                PROC, rng.choice((1, 7, 8, pid)))
            self.exe = forged + (self.exe if self.qemu
                                 else b"/qemu-system-x/../other")

    def lives(self):
        return self.state != "Z"

    def stat(self):
        # fields 4 to 22, of which the last is the start time
        numbers = [self.parent] + [0] * 13 + [20, 0, 3, 0, self.ticks, 0, 0]
        return b"%d (%s) %s %s\n" % (
            self.pid, self.comm, self.state.encode(),
            " ".join(map(str, numbers)).encode())

    def status(self):
        # as the kernel escapes it
        name = self.comm.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
        return b"Name:\t%s\nUmask:\t0022\nState:\t%s\nPPid:\t%d\n" \
            b"Uid:\t%d\t%d\t%d\t%d\nGid:\t0\t0\t0\t0\nGroups:\t0 \n" \
            b"RssAnon:\t       4 kB\n" % (
                name, self.state.encode(), self.parent, *[self.uid] * 4)


class Tree:
    def __init__(self, rng, directory):
        self.rng, self.dir = rng, directory
        self.proc = os.path.join(directory, "proc")
        self.processes = {1: Process(rng, 1, 0)}
        self.processes[1].state, self.processes[1].uid = "S", 0
        for pid in rng.sample(range(2, 40), rng.randint(2, 7)):
            parent = rng.choice(list(self.processes))
            self.processes[pid] = Process(rng, pid, parent)
        os.mkdir(self.proc)
        for p in self.processes.values():
            self.write(p)
        self.put("uptime", b"100.00 1.0\n")
        self.put("meminfo", b"MemAvailable:  8000000 kB\n")
        os.symlink("1", os.path.join(self.proc, "self"))

    def path(self, *parts):
        return os.path.join(self.dir, *map(str, parts))

    def put(self, name, data):
        with open(os.path.join(self.proc, name), "wb") as f:
            f.write(data)

    def write(self, p):
        directory = os.path.join(self.proc, str(p.pid))
        os.makedirs(os.path.join(directory, "ns"))
        for kind in ("mnt", "net", "pid"):
            with open(self.path("ns-" + kind), "a"):
                pass
            os.symlink(self.path("ns-" + kind), f"{directory}/ns/{kind}")
        os.symlink(p.exe.replace(PROC, self.proc.encode()),
                   f"{directory}/exe")
        os.symlink(words(self.rng, 99), f"{directory}/cwd")
        for name, data in (
                ("stat", p.stat()), ("status", p.status()),
                ("comm", p.comm + b"\n"),
                ("cmdline", b"".join(a + b"\0" for a in p.argv)),
                ("environ", b"".join(e + b"\0" for e in p.environ)),
                ("limits", b"Max open files   1024   524288   files\n"),
                ("cgroup", b"0::/x\n")):
            self.put(f"{p.pid}/{name}", data)

    def script(self, *names):
        """The texts of scripts, about this tree."""
        text = ""
        for name in names:
            with open(os.path.join(TOP, "engine", name)) as f:
                text += "".join(line for line in f
                                if not line.lstrip().startswith("#"))
            if name.endswith("identity_match.sh"):
                text += f"this_space() {{ echo '{SPACE}'; }}\n"
        # a pid is the part behind /proc
        text = text.replace("cut -d / -f 3",
                            f"cut -d / -f {self.proc.count('/') + 2}")
        return text.replace("/proc", self.proc)

    def run(self, script, status=0):
        """As probe_script() has it run."""
        whole = "{\nLC_ALL=C; export LC_ALL\n%s\n}\n" % script
        done = subprocess.run(
            [SHELL], input=os.fsencode(whole), capture_output=True, timeout=60,
            cwd=self.dir, env={"PATH": os.environ["PATH"], "HOME": self.dir,
                               "LC_ALL": "C.UTF-8"}, check=False)
        claim(status is None or done.returncode == status,
              "a script ends as it should", done.returncode, done.stderr)
        return done.stdout

    def some(self):
        return self.rng.choice(list(self.processes.values()))


# --- what must hold ------------------------------------------------------------


def known_by_start_time(tree):
    """ticks_of: a process that lives has its time, another none."""
    pids = list(range(0, 42))
    out = tree.run(tree.script("hosts/admit.sh") + "".join(
        f'echo "{pid} $(ticks_of {pid})"\n' for pid in pids))
    got = dict(line.split(b" ", 1) for line in out.splitlines())
    for pid in pids:
        p = tree.processes.get(pid)
        want = b"%d" % p.ticks if p and p.lives() else b""
        claim(got[b"%d" % pid] == want, "a process is known by its start",
              pid, got[b"%d" % pid], want)


def make_lock(tree, p, ticks, space=SPACE):
    lock = tree.path("root", "in-g")
    os.makedirs(lock)
    for name, text in (("pid", f"{p.pid} {ticks}\n"), ("run", "r1\n"),
                       ("ram", "5 g\n"), ("marker", "run=r1\n"),
                       ("space", space + "\n")):
        with open(os.path.join(lock, name), "w") as f:
            f.write(text)
    return lock


def lock_is_kept(tree):
    """launch_make: a lock is replaced only when its process is gone."""
    p = tree.some()
    ticks = tree.rng.choice((p.ticks, p.ticks, p.ticks + 1))
    space = tree.rng.choice((SPACE, SPACE, ELSEWHERE))
    make_lock(tree, p, ticks, space)
    facts = (f"root={tree.dir}/root lock=$root/in-g dir=$root/d run=r1\n"
             "marker=role=x reserve='5 g' owner=$(id -u) session= need=0\n"
             "limit=0 cgroups= token=t token_file=$root/tokens/r1\n")
    out = tree.run(facts + tree.script(
        "hosts/identity_match.sh", "hosts/admit.sh", "hosts/launch_make.sh"))
    held = space == ELSEWHERE or p.lives() and ticks == p.ticks
    claim(out.startswith(b"busy=%d\n" % p.pid) == held,
          "a lock is held or not", out, p.stat(), ticks, space)
    shutil.rmtree(tree.path("root"))


def ended_only_once_gone(tree):
    """launch_remove: nothing is removed while the process lives."""
    p = tree.some()
    ticks = tree.rng.choice((p.ticks, p.ticks, p.ticks + 1))
    make_lock(tree, p, ticks)
    os.mkdir(tree.path("root", "d"))
    alive = p.lives() and ticks == p.ticks
    script = ("kill() { echo \"kill $*\"; }\nsleep() { :; }\n"
              f"root={tree.dir}/root lock=$root/in-g dir=$root/d run=r1\n"
              f"pid={p.pid} ticks={ticks} variable=NONE\n")
    out = tree.run("user= group=\n" + script + tree.script(
        "hosts/admit.sh", "hosts/as_user.sh", "hosts/proc_ask.sh",
        "hosts/run_dir_pids.sh", "hosts/run_dir_remove.sh",
        "hosts/launch_remove.sh"), 1 if alive else 0)
    kills = [b"kill -%s %d" % (s, p.pid) for s in (b"TERM", b"KILL")]
    claim(out.splitlines() == (kills if alive else []),
          "what lives is ended, and nothing else", out)
    claim(os.path.isdir(tree.path("root", "d")) == alive,
          "what lives keeps its directory")
    shutil.rmtree(tree.path("root"))


def records_are_kept(tree):
    """departed: what a live process uses is left alone."""
    p = tree.some()
    names = tree.path("arrived")
    os.mkdir(names)
    os.makedirs(tree.path("run", "d"))
    space = tree.rng.choice((SPACE, SPACE, ELSEWHERE))
    with open(os.path.join(names, "r1"), "w") as f:
        f.write(f"{space}\nboot\n{p.pid} {p.ticks}\n"
                f"{tree.dir}/run/d\n\n\n")
    script = tree.script("hosts/identity_match.sh", "hosts/admit.sh",
                         "hosts/run_dir_remove.sh", "hosts/departed.sh")
    tree.run("ask_user() { \"$@\"; }\nuser= group= take_all=:\n" + script +
             f"departed {names}/r1; exit 0\n")
    claim(os.path.isdir(tree.path("run", "d")) ==
          (space == ELSEWHERE or p.lives()),
          "a run directory goes when its process has", p.stat(), space)
    shutil.rmtree(tree.path("run"))
    shutil.rmtree(names, ignore_errors=True)


def marks_are_its_own(tree):
    """arriving: a mark is found by the very process, once."""
    p = tree.some()
    make_lock(tree, p, p.ticks)
    script = tree.script("hosts/arriving.sh")
    for pid, ticks in ((p.pid, p.ticks), (p.pid, p.ticks + 1)):
        out = tree.run(f"key= other=\n{script}\n"
                       f"arriving {tree.dir}/root {pid} {ticks}\n")
        want = f"run=r1\ndirectory={tree.dir}/root/in-g\n"
        claim(out.decode() == (want if ticks == p.ticks else ""),
              "a mark is that of its process", out)
    shutil.rmtree(tree.path("root"))


def unhex(lines):
    """KEY HEX…, and lines that go on, as bytes."""
    return b"".join(bytes.fromhex(line.decode()) for line in lines)


KEYS = (b"exe", b"cmdline", b"cwd", b"env", b"status", b"user", b"group",
        b"limits", b"cgroup", b"stat", b"parent")


def read_found(out):
    """What discover.sh printed: pid → key → values."""
    lines = out.split(b"\n")
    claim(lines[0] == b"vmferry-proc 1" and lines[-1] == b"",
          "its output is whole", lines[:1], lines[-1:])
    found, key = {}, None
    for line in lines[1:-1]:
        word, _, text = line.partition(b" ")
        if word == b"process":
            claim(int(text) not in found, "a process is listed once", text)
            facts = found[int(text)] = {}
        elif word == b"end":
            facts["whole"] = True
        elif word == b"":
            facts[key][-1].append(text)
        else:
            claim(word in KEYS and "whole" not in facts,
                  "a line is one of ours", line)
            key = word
            facts.setdefault(key, []).append([text])
    return found


def guests_are_listed(tree):
    """discover.sh: each QEMU once, with its own facts, and nothing else."""
    found = read_found(tree.run(tree.script(
        "hosts/proc_ask.sh", "guest/discover.sh")))
    for pid, facts in found.items():
        p = tree.processes[pid]
        exe = p.exe.replace(PROC, tree.proc.encode())
        claim(b"/qemu-system-" in exe, "what is listed runs a QEMU", exe)
        claim(facts.get("whole"), "a process is listed whole", pid)
        listed = {key: [unhex(v) for v in values]
                for key, values in facts.items() if key in KEYS[:4]}
        # of a name at its end od says no more than readlink(1)
        claim(listed[b"exe"] == [exe + b"\n"], "its program is its own")
        argv = b"".join(a + b"\0" for a in p.argv)
        claim(listed[b"cmdline"] == [argv[:65536]], "so is its command line")
        for text in listed[b"env"]:
            # a line feed is carried as \001
            claim(text in [e.replace(b"\1", b"\n") for e in p.environ[:2]],
                  "so is its environment", text)
        line = facts[b"stat"][0][0]
        claim(line.rstrip() == p.stat().replace(b"\n", b" ").rstrip(),
              "so is its state", line)
    for pid, p in tree.processes.items():
        # one with a line feed in its path may hide, but hides no other
        claim(pid in found or p.exe != b"/usr/bin/qemu-system-x86_64",
              "every QEMU is listed", pid, p.exe)


def ancestors_are_listed(tree):
    """ancestors.sh: the parents, nearest first, up to the end."""
    p = tree.some()
    out = tree.run(tree.script("guest/ancestors.sh") + f"ancestors {p.pid}\n")
    up, got = p, out.splitlines()
    for line in [l for l in got if l.startswith(b"process ")]:
        claim(up.parent == int(line[8:]), "parents follow each other", out)
        up = tree.processes[up.parent]
    claim(up.parent == 0 and got[-1] == b"above 0", "to the last one", out)
    comms = [bytes.fromhex(l[5:].decode()) for l in got
             if l.startswith(b"comm ")]
    up = p
    for comm in comms:
        up = tree.processes[up.parent]
        claim(comm == up.comm + b"\n", "with their names", comm)


def listeners_are_seen(tree):
    """name_use: a name on which a process listens is never free."""
    p = tree.some()
    # a line feed in it is ss(8)'s to see through
    base = b"it" + words(tree.rng, 40).replace(b"/", b"").replace(b"\n", b"")
    base += tree.rng.choice((b"", b" "))
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(b"./" + base)
    sock = os.fsencode(tree.path("")) + base
    os.mkdir(os.path.join(tree.proc, str(p.pid), "fd"))
    os.symlink("/", os.path.join(tree.proc, str(p.pid), "root"))
    os.symlink("socket:[4242]",
               os.path.join(tree.proc, str(p.pid), "fd", "3"))
    others = [b"0: 2 0 10000 1 1 %d /x/%s/%s" % (
        i, words(tree.rng, 40).replace(b"\n", b""), base)
              for i in range(50, 60)]
    lines = others + [b"0: 2 0 10000 1 1 4242 " + sock]
    tree.rng.shuffle(lines)
    for pid in tree.processes:
        os.mkdir(os.path.join(tree.proc, str(pid), "net"))
        tree.put(f"{pid}/net/unix", b"\n".join(lines) + b"\n")
    script = tree.script("hosts/proc_ask.sh", "hosts/name_use.sh")
    out = tree.run("ss() { :; }\nask_user() { \"$@\"; }\nguest=0 except=0\n"
                   f"{script}\nname_use socket " +
                   shlex.quote(os.fsdecode(sock)) + "\n")
    claim(out == b"live %d\n" % p.pid, "a listener is seen", out)
    os.unlink(sock)


def run_dirs_are_their_users(tree):
    """run_dir_pids: the users' processes with the variable, and no others."""
    p, uid = tree.some(), tree.rng.choice((0, 107, 65534))
    mark = b"M=/d" + words(tree.rng, 20).replace(b"\n", b"")
    with open(tree.path("proc", p.pid, "environ"), "ab") as f:
        f.write(mark + b"\0")
    out = tree.run(tree.script("hosts/proc_ask.sh", "hosts/run_dir_pids.sh") +
                   f"variable=M; run_dir_pids /d {uid} || echo none\n")
    theirs = [q for q in tree.processes.values() if q.uid == uid]
    want = "none\n" if not theirs else f"{p.pid}\n" if p in theirs else ""
    claim(out.decode() == want, "a run directory is its users'", out, uid)


CLAIMS = (known_by_start_time, lock_is_kept, ended_only_once_gone,
          run_dirs_are_their_users, records_are_kept, marks_are_its_own, guests_are_listed,
          ancestors_are_listed, listeners_are_seen)


# --- many --------------------------------------------------------------------


def try_tree(seed, keep):
    """True when all holds; what does not is printed."""
    directory = tempfile.mkdtemp(prefix="vmferry-proc-")
    os.chdir(directory)
    tree = None
    for check in CLAIMS:
        try:
            tree = tree or Tree(random.Random(seed), directory)
            check(tree)
        except (Fault, KeyError, ValueError, subprocess.SubprocessError) as e:
            print(f"tree {seed}, {check.__name__}: {e!r:.2000}",
                  f"\tsee {directory}" if keep else "", sep="\n",
                  file=sys.stderr)
            if not keep:
                shutil.rmtree(directory)
            return False
    shutil.rmtree(directory)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trees", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    seed = args.seed
    if seed is None:
        seed = 1 if args.trees else int(time.time())
    began, n, bad = time.monotonic(), 0, 0
    while not bad and (n < args.trees or
                       time.monotonic() - began < args.seconds):
        bad += not try_tree(seed + n, args.keep)
        n += 1
    print(f"  {'proc trees':12} {n:9} trees  {len(CLAIMS):4} claims "
          f" {'CRASH' if bad else 'ok'}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
