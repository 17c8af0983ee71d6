#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs unit programs against mutants of the files that they test. Use it as
`make mutants`; README.md here says what it does."""

import argparse
import ctypes
import fnmatch
import hashlib
import json
import multiprocessing
import os
import random
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from mutate import mutants_of, shuffled

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x20000
FAILED = b"[  FAILED  ] "
MOST_BYTES = 3 << 30


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


# --- what there is to do -----------------------------------------------------

class File:
    """A source file, the test of its program, and its mutants."""

    def __init__(self, path, rng):
        self.path = path
        self.test = f"tests/unit/{path[:-2]}_test.c"
        self.text = (ROOT / path).read_text()
        self.key = digest(self.text, (ROOT / self.test).read_text())
        self.mutants = mutants_of(path, self.text)
        self.order = shuffled(list(self.mutants), rng)

    def key_of(self, mutant):
        return digest(self.key, mutant.function, mutant.source, mutant.change)


def files_matching(patterns, seed):
    listed = subprocess.run(
        [ROOT / "tools/dev/tree_files.sh", "engine", "qmp", "transport",
         "tools/cli"], cwd=ROOT, text=True, stdout=subprocess.PIPE)
    if listed.returncode:
        sys.exit(1)     # it has said why
    paths = listed.stdout.split()
    return [File(p, random.Random(f"{seed} {p}")) for p in sorted(paths)
            if p.endswith(".c")
            and (ROOT / f"tests/unit/{p[:-2]}_test.c").exists()
            and any(fnmatch.fnmatch(p, g) for g in patterns)]


def read_equivalents(path):
    """{(file, function, line, change): reason}"""
    known = {}
    for block in path.read_text().split("\n\n"):
        rows = [r for r in block.splitlines() if not r.startswith("#")]
        if not rows:
            continue
        fields = dict(r.split(": ", 1) for r in rows)
        known[fields["file"], fields["function"], fields["line"],
              fields["change"]] = fields["why"]
    return known


def identity(m):
    return m.path, m.function, m.source, m.change


def shares(files, count, rng):
    """How many mutants each file gets: they take turns in a random order."""
    share = {f.path: 0 for f in files}
    order = list(files)
    rng.shuffle(order)
    left = count
    while left:
        open_ = [f for f in order if share[f.path] < len(f.order)]
        if not open_:
            break
        for f in open_[:left]:
            share[f.path] += 1
        left -= min(left, len(open_))
    return share


# --- running one program -----------------------------------------------------

def private_tmp():
    """As root, what tests leave in /tmp is seen by this worker alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.geteuid() or ROOT.is_relative_to("/tmp"):
        return
    if not libc.unshare(CLONE_NEWNS):
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs",
                        "/tmp"], check=True)


def children():
    me = os.getpid()
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_text(errors="replace")
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == me:
            found.append(int(entry.name))
    return found


def end_all():
    """Kills what a program left: as its subreaper we have got it all."""
    while pids := children():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def is_too_large(pid):
    """Its memory, looked at from outside: ASan's own limit is a thread."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return False
    return pages * os.sysconf("SC_PAGE_SIZE") > MOST_BYTES


def run(program, limit_s):
    """("passed" or how it was killed, seconds). Ends at the first failure."""
    env = dict(os.environ, LSAN_OPTIONS="suppressions=tests/lsan.supp:"
               "print_suppressions=0")
    began = time.monotonic()
    p = subprocess.Popen([program], cwd=ROOT, env=env,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, start_new_session=True)
    tail = b""
    how = None
    while not how:
        left = began + limit_s - time.monotonic()
        if left <= 0:
            how = "timeout"
        elif is_too_large(p.pid):
            how = "too much memory"
        elif select.select([p.stdout], [], [], min(left, 0.2))[0]:
            data = os.read(p.stdout.fileno(), 65536)
            tail = (tail + data)[-65536:]
            at = tail.find(FAILED)
            if at >= 0 and b"\n" in tail[at:]:
                how = tail[at + len(FAILED):].split(b"\n")[0].decode()
            elif not data:
                break
        elif p.poll() is not None:
            break
    if not how:
        # All output is read: it ends by itself or is stuck in its exit.
        try:
            code = p.wait(max(began + limit_s - time.monotonic(), 1))
            how = "passed" if not code else f"exit status {code}"
        except subprocess.TimeoutExpired:
            how = "timeout"
    if p.poll() is None:
        p.kill()
        p.wait()
    p.stdout.close()
    end_all()
    return how, time.monotonic() - began


# --- one file ----------------------------------------------------------------

class Worker:
    def __init__(self, build, compile_, libs, ledger):
        self.build = Path(build)
        self.compile, self.libs = shlex.split(compile_), shlex.split(libs)
        self.ledger = ledger

    def record(self, **entry):
        line = json.dumps(entry) + "\n"
        fd = os.open(self.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT,
                     0o666)
        os.write(fd, line.encode())
        os.close(fd)
        return entry

    def make(self, f, text, scratch):
        """The unit program with this text of the file, or None."""
        obj, program = scratch / "mutant.o", scratch / "program"
        command = [*self.compile, "-g0", "-w", "-x", "c", "-c",
                   "-o", str(obj), "-"]
        if subprocess.run(command, cwd=ROOT, text=True, input=text,
                          stderr=subprocess.DEVNULL).returncode:
            return None
        support = sorted((ROOT / self.build / "obj/tests/unit").glob("*.o"))
        support += sorted((ROOT / self.build / "obj/tests/fake").glob("*.o"))
        own = self.build / "obj" / f"{f.test[:-2]}.o"
        subprocess.run([*self.compile, "-g0", "-o", str(program), str(obj),
                        str(own), *map(str, support),
                        str(self.build / "libcli.a"),
                        str(self.build / "libvmferry.a"), *self.libs],
                       cwd=ROOT, check=True)
        return str(program)

    def baseline(self, f, scratch, known):
        done = known.get(f.key)
        # one that failed may have done so for load alone
        if done and done["how"] == "passed":
            return done
        program = self.make(f, f.text, scratch)
        if not program:
            raise RuntimeError(f"{f.path} does not compile as it is")
        how, seconds = run(program, 900)
        return self.record(key=f.key, file=f.path, kind="baseline", how=how,
                           seconds=round(seconds, 2))

    def file(self, f, wanted, known):
        """Entries of that many mutants that compile, the baseline first."""
        scratch = ROOT / self.build / "mutants" / str(os.getpid())
        scratch.mkdir(parents=True, exist_ok=True)
        base = self.baseline(f, scratch, known)
        entries = [base]
        for m in f.order:
            if base["how"] != "passed" or len(entries) > wanted:
                break
            key = f.key_of(m)
            entry = known.get(key)
            # that it does not compile is soon found again
            if not entry or entry["how"] == "no program":
                program = self.make(f, m.apply(f.text), scratch)
                if not program and not self.make(f, f.text, scratch):
                    raise RuntimeError(f"{f.path} does not compile as it is")
                limit = base["seconds"] * 5 + 10
                how = run(program, limit)[0] if program else "no program"
                entry = self.record(key=key, file=f.path, how=how,
                                    function=m.function, line=m.source,
                                    change=m.change, kind=m.kind)
            if entry["how"] != "no program":
                entries.append(entry)
        shutil.rmtree(scratch)
        return f, entries


def read_ledger(path):
    if not path.exists():
        return {}
    entries = {}
    for line in path.read_text().splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue    # a run was cut off as it wrote this
        entries[entry["key"]] = entry
    return entries


def work(task):
    worker, f, wanted, known = task
    return worker.file(f, wanted, known)


# --- the report --------------------------------------------------------------

def report_file(f, entries, equivalents):
    """(killed, known equivalents, survivors) and a line for the file."""
    killed = same = 0
    survivors = []
    for e in entries[1:]:
        reason = equivalents.get((e["file"], e["function"], e["line"],
                                  e["change"]))
        if e["how"] != "passed":
            killed += 1
        elif reason:
            same += 1
        else:
            survivors.append(e)
    tried = len(entries) - 1
    print(f"{f.path}: {killed} of {tried} killed"
          + (f", {same} known to be equivalent" if same else ""), flush=True)
    for e in survivors:
        at = next((m.line for m in f.mutants if identity(m) ==
                   (e["file"], e["function"], e["line"], e["change"])), 0)
        print(f"  SURVIVED {e['file']}:{at} {e['function']}: {e['change']}"
              f"\n           {e['line']}", flush=True)
    return killed, same, survivors


def options():
    p = argparse.ArgumentParser()
    p.add_argument("--count", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--files", action="append", metavar="GLOB")
    p.add_argument("-j", "--jobs", type=int, default=2)
    p.add_argument("--list", action="store_true",
                   help="print the mutants of the files and run none")
    p.add_argument("--build", default="build-mutants")
    return p.parse_args()


def main():
    opt = options()
    files = files_matching(opt.files or ["*"], opt.seed)
    equivalents = read_equivalents(EQUIVALENT)
    there = {identity(m) for f in files_matching(["*"], 0) for m in f.mutants}
    stale = [k for k in equivalents if k not in there]
    for k in stale:
        print(f"{EQUIVALENT.name}: no such mutant: {': '.join(k)}")
    if opt.list:
        for f in files:
            for m in f.mutants:
                print(f"{f.path}:{m.line}\t{m.function}\t{m.change}\t"
                      f"{m.source}")
    if not files:
        print("no file with a unit program matches", file=sys.stderr)
        return 2
    if stale or opt.list:
        return bool(stale)

    ledger = ROOT / opt.build / "mutants.jsonl"
    known = read_ledger(ledger)
    worker = Worker(opt.build, os.environ["MUTANTS_COMPILE"],
                    os.environ["MUTANTS_LIBS"], ledger)
    share = shares(files, opt.count, random.Random(opt.seed))
    # The longest first, as far as that is known.
    tasks = sorted(((worker, f, share[f.path], known) for f in files
                    if share[f.path]),
                   key=lambda t: -known.get(t[1].key, {}).get("seconds", 0)
                   * t[2])
    killed = same = tried = 0
    survivors, broken = [], []
    with multiprocessing.Pool(opt.jobs, private_tmp) as pool:
        for f, entries in pool.imap_unordered(work, tasks):
            if entries[0]["how"] != "passed":
                print(f"{f.path}: its program fails without any change: "
                      f"{entries[0]['how']}")
                broken.append(f)
                continue
            k, s, left = report_file(f, entries, equivalents)
            killed, same, tried = killed + k, same + s, tried + len(entries) - 1
            survivors += left
    print(f"{tried} mutants of {len(tasks)} files: {killed} killed "
          f"({100 * killed / max(tried, 1):.1f} %), {same} known to be "
          f"equivalent, {len(survivors)} survived")
    return bool(survivors or broken or not tried)


if __name__ == "__main__":
    sys.exit(main())
