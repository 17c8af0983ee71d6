# SPDX-License-Identifier: MIT
"""A relay that makes a server on this host as far away as is wanted."""
import collections
import selectors
import socket
import threading
import time

CHUNK = 65536
MOST_HELD = 64 << 20    # of one direction: no window is to be the limit


class Way:
    """One direction of a connection: what comes out of it comes late."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.held = collections.deque()     # (when it is due, bytes)
        self.held_bytes, self.ended = 0, False

    def take(self, now, delay):
        data = self.source.recv(CHUNK)
        self.held.append((now + delay, data))
        self.held_bytes += len(data)
        self.ended = not data

    def due(self):
        return self.held[0][0] if self.held else None

    def give(self, now):
        """Sends what is due; the last, empty one is the end."""
        while self.held and self.held[0][0] <= now:
            _, data = self.held.popleft()
            self.held_bytes -= len(data)
            if data:
                self.sink.setblocking(True)
                self.sink.sendall(data)
                self.sink.setblocking(False)
            else:
                self.sink.shutdown(socket.SHUT_WR)


class Distance:
    """Listens on a port of its own; round_trip_s can be changed at any time."""

    def __init__(self, port):
        self.to, self.round_trip_s = ("127.0.0.1", port), 0.0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        self.listener.settimeout(0.2)
        while not self.over:
            try:
                near, _ = self.listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self.carry, args=(near,),
                             daemon=True).start()

    def carry(self, near):
        try:
            with near, socket.create_connection(self.to) as far:
                for s in (near, far):
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    s.setblocking(False)
                self.move(Way(near, far), Way(far, near))
        except OSError:
            pass

    def move(self, *ways):
        while not self.over and not all(w.ended and not w.held for w in ways):
            with selectors.DefaultSelector() as wanted:
                for way in ways:
                    if not way.ended and way.held_bytes < MOST_HELD:
                        wanted.register(way.source, selectors.EVENT_READ, way)
                due = [w.due() for w in ways if w.held]
                rest = max(0, min(due) - time.monotonic()) if due else 0.2
                ready = wanted.select(rest) if wanted.get_map() \
                    else time.sleep(rest) or []
            now = time.monotonic()
            for key, _ in ready:
                key.data.take(now, self.round_trip_s / 2)
            for way in ways:
                way.give(time.monotonic())

    def stop(self):
        self.over = True
        self.thread.join()
        self.listener.close()
