#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Watches the serial lines of the built-in test guest across a migration.

Every QEMU that may run the guest has a serial UNIX socket of its own. A watch
follows all of them at once and judges the merged stream of heartbeats: how
long the guest was silent, whether a beat is missing, whether two copies ran.

    watch = GuestWatch()
    watch.add("/run/a/serial")          # may appear later, be renamed, vanish
    watch.add("/run/b/*/serial")        # a glob: every socket that matches
    ...
    watch.verify("/run/b/1/serial")     # {'ok': True, 'bad': 0, ...}

QEMU drops serial output while nobody is connected, so add() a destination's
path before its guest starts to run. A socket is known by its inode: one that
is renamed keeps its connection and the name it was first seen under.
"""
import argparse
import collections
import glob
import json
import os
import re
import selectors
import socket
import sys
import threading
import time

Beat = collections.namedtuple("Beat", "seq guest_us host_ns source")
Line = collections.namedtuple("Line", "text host_ns source")

BEAT = re.compile(r"H (\d+) (\d+)us")
WHOLE = re.compile(r"H \d+ \d+us$|W \d+ \d+us$|[BFVSOE] ")
FIELD = re.compile(r"(\w+)=(\S+)")


def inode_of(path):
    try:
        stat = os.stat(path)
        return stat.st_dev, stat.st_ino
    except OSError:
        return None


def connect(path, inode):
    """None: not listening yet, gone again, or just replaced by another."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(path)
        sock.setblocking(False)
        if inode_of(path) == inode:
            return sock
    except OSError:
        pass
    sock.close()
    return None


class Endpoint:
    """One QEMU's serial socket; name is unlike that of any other."""

    def __init__(self, name, found, inode, sock):
        self.name, self.inode, self.sock = name, inode, sock
        self.found = found          # its first path, and the glob if any
        self.tail = b""             # an unfinished line
        self.fresh = True           # no line seen yet
        self.open = True


class GuestWatch:
    def __init__(self, poll_s=0.01):
        self._poll_s = poll_s
        self._paths, self._endpoints = [], []
        self._beats, self._lines = [], []
        self._changed = threading.Condition()
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._stop = True
        self._thread.join()

    def add(self, path, timeout=None):
        """Follows a path or glob; with a timeout, waits for a connection."""
        with self._changed:
            self._paths.append(path)
        if timeout is not None:
            self.wait_for(lambda: self._find(path), timeout,
                          f"no connection to {path}")

    def connected(self, path):
        """The name of the open connection to this path or glob, or None."""
        endpoint = self._find(path)
        return endpoint.name if endpoint else None

    # --- the thread that reads ---------------------------------------------

    def _run(self):
        looked = 0
        with selectors.DefaultSelector() as selector:
            while not self._stop:
                if time.monotonic() - looked >= self._poll_s:
                    self._connect_new(selector)
                    looked = time.monotonic()
                ready = [key.data for key, _ in selector.select(self._poll_s)]
                with self._changed:
                    # Oldest first: what the source said before it stopped
                    # comes before the first words of the destination.
                    for endpoint in sorted(ready, key=self._endpoints.index):
                        self._read(selector, endpoint)
                    if ready:
                        self._changed.notify_all()
            for endpoint in self._endpoints:
                endpoint.sock.close()

    def _connect_new(self, selector):
        connected = {e.inode for e in self._endpoints if e.open}
        for pattern in list(self._paths):
            for path in sorted(glob.glob(pattern)):
                inode = inode_of(path)
                sock = None if inode in connected else connect(path, inode)
                if sock is None:
                    continue
                connected.add(inode)
                earlier = sum(path in e.found for e in self._endpoints)
                name = f"{path}#{earlier + 1}" if earlier else path
                endpoint = Endpoint(name, {path, pattern}, inode, sock)
                selector.register(sock, selectors.EVENT_READ, endpoint)
                with self._changed:
                    self._endpoints.append(endpoint)
                    self._changed.notify_all()

    def _read(self, selector, endpoint):
        try:
            data = endpoint.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        now = time.monotonic_ns()
        if not data:
            selector.unregister(endpoint.sock)
            endpoint.sock.close()
            endpoint.open = False
            return
        *lines, endpoint.tail = (endpoint.tail + data).split(b"\n")
        for raw in lines:
            self._take(endpoint, raw, now)

    def _take(self, endpoint, raw, now):
        text = raw.decode("ascii", "replace").strip("\r")
        if endpoint.fresh and not WHOLE.match(text):
            text = self._join(endpoint, raw) or text
        endpoint.fresh = False
        self._lines.append(Line(text, now, endpoint.name))
        match = BEAT.fullmatch(text)
        if match:
            self._beats.append(Beat(int(match[1]), int(match[2]), now,
                                    endpoint.name))

    def _join(self, endpoint, raw):
        """A line begun on the source is finished on the destination."""
        for other in self._endpoints:
            text = (other.tail + raw).decode("ascii", "replace").strip("\r")
            if other is not endpoint and other.tail and WHOLE.match(text):
                other.tail = b""
                return text
        return None

    # --- talking to the guest ----------------------------------------------

    def _find(self, path):
        """The open connection to what is at path now, or was at first."""
        inode = inode_of(path)
        known = [e for e in reversed(self._endpoints) if e.open]
        for endpoint in known:
            if endpoint.inode == inode:
                return endpoint
        return next((e for e in known if path in e.found), None)

    def send(self, path, data):
        """Returns the name that the answer's lines carry as their source."""
        with self._changed:
            endpoint = self._find(path)
        if endpoint is None:
            raise LookupError(f"not connected to {path}")
        endpoint.sock.sendall(data)
        return endpoint.name

    def wait_for(self, condition, timeout, what="condition"):
        """Returns the first true value of condition(); TimeoutError."""
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{what} (waited {timeout} s)")
                self._changed.wait(left)

    def ask(self, path, command, answer, timeout):
        """Sends a command; returns the fields of the line it answers with."""
        with self._changed:
            start = len(self._lines)
        source = self.send(path, command)

        def answered():
            for line in self._lines[start:]:
                if line.source == source and line.text.startswith(answer):
                    return line
            return None

        line = self.wait_for(answered, timeout, f"no {answer}from {source}")
        fields = {key: int(value, 0) if re.fullmatch(r"0x[\da-f]+|\d+", value)
                  else value for key, value in FIELD.findall(line.text)}
        return dict(fields, line=line.text)

    def verify(self, path, timeout=120):
        """Lets the guest check all its pages: {'ok', 'pages', 'bad', ...}."""
        fields = self.ask(path, b"v", "V ", timeout)
        return dict(fields, ok=fields["line"].startswith("V ok "))

    def wait_beats(self, path, count, timeout):
        """Waits for so many more beats of the guest at path."""
        start = len(self._beats)

        def seen():
            endpoint = self._find(path)
            return endpoint and sum(b.source == endpoint.name for b in
                                    self._beats[start:]) >= count

        self.wait_for(seen, timeout, f"not {count} beats from {path}")

    # --- judging -----------------------------------------------------------

    def beats(self):
        with self._changed:
            return list(self._beats)

    def lines(self, start=""):
        with self._changed:
            return [ln for ln in self._lines if ln.text.startswith(start)]

    def work(self):
        """Pages rewritten, as last reported, and when in guest time (us)."""
        lines = self.lines("W ")
        return [int(n) for n in re.findall(r"\d+", lines[-1].text)] if lines \
            else None

    def largest_gap_ms(self, since_ns=0):
        """The longest silence between two beats as received here.

        Under TCG that is often the start of the migration (the first sync of
        the dirty bitmap stalls the vCPU), not the switchover.
        """
        times = sorted(b.host_ns for b in self.beats() if b.host_ns >= since_ns)
        return max((b - a for a, b in zip(times, times[1:])), default=0) / 1e6

    def handover_gaps_ms(self):
        """The silence before the first beat of each socket but the first."""
        beats, seen, gaps = self.beats(), set(), []
        for a, b in zip(beats, beats[1:]):
            seen.add(a.source)
            if b.source not in seen:
                gaps.append((b.host_ns - a.host_ns) / 1e6)
        return gaps

    def missing(self):
        """Holes in the merged sequence, as (first, last) pairs."""
        seqs = sorted({b.seq for b in self.beats()})
        return [(a + 1, b - 1) for a, b in zip(seqs, seqs[1:]) if b > a + 1]

    def both_ran(self):
        """Two copies of the guest ran: the pairs of sockets that show it.

        A destination goes on after the last beat of the source. So the
        ranges of two sockets overlap exactly if the source went on as well;
        no clock is needed to know.
        """
        spans = {}
        for b in self.beats():
            spans.setdefault(b.source, [b.seq, b.seq])[1] = b.seq
        names = sorted(spans, key=spans.get)
        return [(a, b) for i, a in enumerate(names) for b in names[i + 1:]
                if spans[a][1] >= spans[b][0]]

    def summary(self):
        return {"beats": len(self.beats()), "work": self.work(),
                "largest_gap_ms": round(self.largest_gap_ms(), 1),
                "handover_gaps_ms": [round(g, 1) for g in
                                     self.handover_gaps_ms()],
                "missing": self.missing(), "both_ran": self.both_ran(),
                "errors": [line.text for line in self.lines("E ")]}


def main():
    parser = argparse.ArgumentParser(
        description="Watch the test guest on its serial UNIX sockets.")
    parser.add_argument("paths", nargs="+", metavar="PATH-OR-GLOB")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--verify", metavar="PATH",
                        help="then have the guest at PATH verify its memory")
    args = parser.parse_args()
    watch = GuestWatch()
    for path in args.paths:
        watch.add(path)
    time.sleep(args.seconds)
    result = watch.verify(args.verify) if args.verify else {"ok": True}
    print(json.dumps(dict(watch.summary(), verify=result)))
    return 0 if result["ok"] and not watch.both_ran() else 1


if __name__ == "__main__":
    sys.exit(main())
