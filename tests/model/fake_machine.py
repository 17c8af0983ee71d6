# SPDX-License-Identifier: MIT
"""A QEMU that does as the model's does, by QMP, in a process of its own.

Each command is checked against the stored schema of a real version. What
changes the guest, and the end of the process, is noted in a file with the
journal's last record at that moment.
"""
import json
import os
import selectors
import signal
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(HERE, "../data/schema/qemu-7.2.22.json")
GREETING = {"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7},
                                "package": ""}, "capabilities": ["oob"]}}

# What the model calls a state: (run state, status of the migration).
SOURCE = {"run": ("running", "failed"), "paused": ("paused", "failed"),
          "pre": ("finish-migrate", "pre-switchover"),
          "post": ("postmigrate", "completed"),
          "ended": ("shutdown", "failed")}
DEST = {"inmigrate": ("inmigrate", "active"), "loaded": ("paused", "completed"),
        "run": ("running", "completed"), "ended": ("shutdown", "completed")}


class Schema:
    """What query-qmp-schema says: names of commands and their arguments."""

    def __init__(self):
        with open(SCHEMA) as f:
            entries = json.load(f)
        self.types = {e["name"]: e for e in entries}

    def problem(self, name, arguments):
        command = self.types.get(name)
        if not command or command["meta-type"] != "command":
            return f"there is no command {name}"
        members = {m["name"]: m for m in
                   self.types[command["arg-type"]].get("members", [])}
        unknown = set(arguments) - set(members)
        missing = [n for n, m in members.items()
                   if "default" not in m and n not in arguments]
        if unknown or missing:
            return f"{name}: unknown {unknown}, missing {missing}"
        return None


class Refused(Exception):
    """An error of a command."""


class Machine:
    def __init__(self, side, state, by_user, refuses):
        self.side, self.refuses, self.by_user = side, refuses, by_user
        self.status, self.migration = (
            SOURCE if side == "source" else DEST)[state]

    def execute(self, name, arguments):
        """The reply, and what there is to note."""
        if name == "query-status":
            return {"status": self.status, "singlestep": False,
                    "running": self.status == "running"}, None
        if name == "query-migrate":
            return {"status": self.migration}, None
        if name == "cont":
            if self.refuses:
                raise Refused("no lock")
            if self.status == "inmigrate":
                raise Refused("it waits for a migration")
            self.status = "running"
            return {}, "cont"
        if name == "migrate_cancel":
            self.migration = "cancelled"
            self.status = "paused" if self.by_user else "running"
            return {}, "cancel"
        if name == "quit":
            return {}, "end"
        if name in ("query-named-block-nodes", "query-commands"):
            return [], None
        return {}, None


class Server:
    """The monitors of a machine, until it has to end."""

    def __init__(self, machine, paths, note, problem):
        self.machine, self.note, self.problem = machine, note, problem
        self.schema = Schema()
        self.selector = selectors.DefaultSelector()
        for path in paths:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen(4)
            self.selector.register(listener, selectors.EVENT_READ, None)
        signal.signal(signal.SIGTERM, lambda *_: self.end())

    def end(self):
        self.note(self.machine.side, "end")
        os._exit(0)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    self.greet(key.fileobj.accept()[0])
                else:
                    self.read(key.fileobj, key.data)

    def greet(self, client):
        self.selector.register(client, selectors.EVENT_READ, bytearray())
        self.say(client, GREETING)

    def say(self, client, document):
        try:
            client.sendall(json.dumps(document).encode() + b"\r\n")
        except OSError:
            pass

    def read(self, client, pending):
        try:
            data = client.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.selector.unregister(client)
            client.close()
            return
        pending += data
        text, decoder = pending.decode(), json.JSONDecoder()
        while text.strip():
            text = text.lstrip()
            try:
                command, end = decoder.raw_decode(text)
            except ValueError:
                break
            text = text[end:]
            self.answer(client, command)
        pending[:] = text.encode()

    def answer(self, client, command):
        name = command.get("execute") or command["exec-oob"]
        arguments = command.get("arguments", {})
        problem = self.schema.problem(name, arguments)
        if problem:
            self.problem(f"{self.machine.side}: {problem}")
        try:
            reply, noted = self.machine.execute(name, arguments)
        except Refused as e:
            self.note(self.machine.side, "refuse")
            self.say(client, {"id": command.get("id"), "error": {
                "class": "GenericError", "desc": str(e)}})
            return
        if noted and noted != "end":
            self.note(self.machine.side, noted)
        self.say(client, {"id": command.get("id"), "return": reply})
        if noted == "end":
            self.end()


def start(machine, paths, note, problem):
    """Its process, which ends with this one; listens on return."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        return pid
    try:
        server = Server(machine, paths, note, problem)
        os.write(writer, b"!")
        os.close(writer)
        os.close(reader)
        server.run()
    except BaseException as e:  # noqa: a child goes no further than here
        print(f"{machine.side}: {e!r}", file=sys.stderr)
    os._exit(1)
