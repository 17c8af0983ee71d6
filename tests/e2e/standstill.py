# SPDX-License-Identifier: MIT
"""A guest that is stopped before its switchover, and a silent host."""
import contextlib
import socket
import threading

import harness


def monitor(path):
    """Arguments of QEMU: HMP, which no engine speaks."""
    return ["-monitor", f"unix:{path},server=on,wait=off"]


@contextlib.contextmanager
def human_monitor(path):
    """A function that asks HMP a line and returns the answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(path)

        def ask(line):
            s.sendall(line.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"(qemu) "):
                piece = s.recv(4096)
                if not piece:
                    raise ConnectionError(f"{path} was closed")
                answer += piece
            return answer.decode(errors="replace")

        ask("")
        yield ask


def await_gate(path):
    """Lets a migration that is held in pre-copy come to its end: the guest is
    stopped, and QEMU waits for the word to go on."""
    with human_monitor(path) as ask:
        ask("migrate_set_parameter max-bandwidth 1g")
        ask("migrate_set_parameter downtime-limit 60000")
        harness.wait_until(lambda: "pre-switchover" in ask("info migrate"),
                           60, "it does not come to the gate")


class SilentHost(threading.Thread):
    """Takes connections to the port and says nothing; looks at each first."""

    def __init__(self, port, look):
        super().__init__()
        self.look, self.seen, self.taken = look, [], []
        self.listener = socket.create_server(("127.0.0.1", port))

    def run(self):
        while True:
            try:
                taken, _ = self.listener.accept()
            except OSError:
                return
            self.taken.append(taken)
            self.seen.append(self.look())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join()
        for s in (self.listener, *self.taken):
            s.close()
