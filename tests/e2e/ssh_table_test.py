#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""vmferry judges a host as ssh(1) does, or says what it cannot do.

Both are given the same files, configuration and server; the verdict is what
was asked, how it ended and what was added to known_hosts. With --ssh libssh2
a row may also be refused by a sentence that names what is not supported and
the way that supports it. Run by itself it prints the table.
"""
import collections
import re
import sys
import unittest
from concurrent import futures

sys.dont_write_bytecode = True
import harness
import ssh_ground
import ssh_rows

WAYS = ("libssh2", "auto", "openssh")
AT_ONCE = 4


def judge(row, reference, verdict):
    """"equal", "refused" or "DIFFERENT"."""
    want = row.want or reference.word()
    if verdict.word() == want:
        return "equal"
    # stricter than ssh(1), which asks there
    if verdict.end == "revoked" and not verdict.asked:
        return "refused"
    if verdict.end != "in" and not verdict.added and \
            "--ssh openssh" in verdict.text:
        return "refused"
    return "DIFFERENT"


def by_vmferry(ground, row, way):
    """A login that a busy machine has kept too long is made again."""
    for _ in range(3):
        verdict = ssh_ground.Login(ground, row).by_vmferry(way)
        if not re.search("timed out|in time", verdict.text):
            break
    return verdict


def login(ground, row, ways):
    """The verdict of ssh(1), then those of vmferry."""
    return [ssh_ground.Login(ground, row).by_ssh(),
            *[by_vmferry(ground, row, w) for w in ways]]


class Table:
    def __init__(self, ground, rows, ways=WAYS):
        self.counts = {w: collections.Counter() for w in ways}
        self.lines, self.bad = [], []
        with futures.ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda row: login(ground, row, ways), rows)
            for row, (reference, *verdicts) in zip(rows, found):
                self.add(row, reference, zip(ways, verdicts))

    def add(self, row, reference, verdicts):
        cells = []
        for way, verdict in verdicts:
            kind = judge(row, reference, verdict)
            self.counts[way][kind] += 1
            self.counts[way]["by ssh(1)"] += verdict.via == "ssh"
            cells.append((way, kind, verdict))
            if kind == "DIFFERENT":
                self.bad.append((row, way, reference, verdict))
        self.lines.append((row, row.want or reference.word(), cells))

    def print(self, out=sys.stdout):
        for row, word, cells in self.lines:
            print(f"{row.group:10} {row.about:56} {word}", file=out)
            for way, kind, verdict in cells:
                if kind != "equal":
                    print(f"{'':12}{way:8} {kind:9} {verdict.word()}",
                          file=out)
        for way, counts in self.counts.items():
            words = ", ".join(f"{counts[k]} {k}" for k in
                              ("equal", "refused", "DIFFERENT", "by ssh(1)"))
            print(f"{way:8} {len(self.lines)} rows: {words}", file=out)


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class SshTableTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ground = ssh_ground.Ground(harness.isolate())
        cls.addClassCleanup(cls.ground.stop)
        cls.table = Table(cls.ground, ssh_rows.ROWS)
        cls.table.print()

    def test_every_row_is_equal_or_refused(self):
        for row, way, reference, verdict in self.table.bad:
            with self.subTest(f"{row}, {way}"):
                self.fail(f"ssh(1): {row.want or reference.word()}; "
                          f"--ssh {way}: {verdict.word()}\n{verdict.text}")


def main():
    ground = ssh_ground.Ground(harness.isolate())
    rows = [r for r in ssh_rows.ROWS
            if not sys.argv[1:] or any(a in str(r) for a in sys.argv[1:])]
    try:
        table = Table(ground, rows)
    finally:
        ground.stop()
    table.print()
    for row, way, reference, verdict in table.bad:
        print(f"--- {row} (--ssh {way}): ssh(1): {reference.word()}: "
              f"{reference.text.strip()}\nvmferry: {verdict.text.strip()}")
    return 1 if table.bad else 0


if __name__ == "__main__":
    sys.exit(main())
