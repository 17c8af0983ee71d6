# SPDX-License-Identifier: MIT
"""Two QEMUs between which the engine migrates, in one process.

Each is a process of fake_system.c, whose sockets are served here. The source's
user stops and continues the guest where a script says so; the copy ends when all
of that was done and noted in the journal. Each command is checked against the
stored schema of a real version; what changes a guest is noted with the journal
as it was at that moment.
"""
import json
import os
import re
import selectors
import socket
import threading
import uuid

import fake_machine
from fake_machine import Refused, Schema

TICK_S = 0.02
PATIENCE_S = 10     # with an engine that does not note what its user did
CAPABILITIES = ("events", "return-path", "pause-before-switchover",
                "late-block-activate", "validate-uuid", "auto-converge")
PARAMETERS = {"downtime-limit": 300, "max-bandwidth": 134217728,
              "cpu-throttle-initial": 20, "cpu-throttle-increment": 10,
              "max-cpu-throttle": 99, "throttle-trigger-threshold": 50}
GREETING = {"QMP": dict(fake_machine.GREETING["QMP"], capabilities=[])}


class Machine:
    def __init__(self, pair, side, process, pid):
        self.pair, self.side, self.pid = pair, side, pid
        self.process = process          # the connection to it
        self.clients = []
        self.status = "inmigrate" if side == "destination" else (
            "paused" if pair.script.paused else "running")
        self.migration = None
        self.capabilities = dict.fromkeys(CAPABILITIES, False)
        self.parameters = dict(PARAMETERS)

    def say(self, document):
        for client in self.clients:
            client.say(document)

    def event(self, name, **data):
        self.say({"event": name, "data": data,
                  "timestamp": {"seconds": 1, "microseconds": 0}})

    def migrates(self, status):
        self.migration = status
        self.event("MIGRATION", status=status)

    # --- what somebody does to it -------------------------------------------

    def stop(self):
        if self.status == "running":
            self.status = "paused"
            self.event("STOP")

    def cont(self):
        if self.side == "destination" and self.pair.script.ending == "refuse":
            raise Refused("no lock")
        if self.status == "inmigrate":
            raise Refused("it waits for a migration")
        if self.status != "running":
            self.status = "running"
            self.event("RESUME")

    def end(self):
        """Its process goes with the connection."""
        self.process.shutdown(socket.SHUT_RDWR)

    # --- commands ------------------------------------------------------------

    def execute(self, name, a):
        answer = getattr(self, "do_" + re.sub(r"\W", "_", name), None)
        if answer:
            return answer(a)
        if name in ("query-named-block-nodes", "query-block", "query-jobs",
                    "query-commands", "qom-list"):
            return []
        return {}

    def do_query_status(self, _):
        if self.side == "source" and self.pair.last() == "SWITCH" and \
                not self.migration:
            self.pair.reach("migrate")
        return {"status": self.status, "singlestep": False,
                "running": self.status == "running"}

    def do_query_uuid(self, _):
        return {"UUID": self.pair.uuid}

    def do_query_kvm(self, _):
        return {"enabled": False, "present": False}

    def do_query_cpus_fast(self, _):
        return [{"qom-path": "/machine/unattached/device[0]"}]

    def do_human_monitor_command(self, _):
        return ""

    def do_query_memory_size_summary(self, _):
        return {"base-memory": 131080 << 10}

    def do_qom_get(self, a):
        if a["path"] == "/machine":
            return "fake-7.2-machine"
        raise Refused("no such property")

    def do_query_migrate(self, _):
        return {"status": self.migration} if self.migration else {}

    def do_query_migrate_capabilities(self, _):
        return [{"capability": k, "state": v}
                for k, v in self.capabilities.items()]

    def do_migrate_set_capabilities(self, a):
        self.capabilities.update(
            {c["capability"]: c["state"] for c in a["capabilities"]})
        if self.side == "source":
            self.pair.reach("armed")
        return {}

    def do_query_migrate_parameters(self, _):
        return self.parameters

    def do_migrate_set_parameters(self, a):
        self.parameters.update(a)
        return {}

    def do_stop(self, _):
        self.stop()
        return {}

    def do_cont(self, _):
        try:
            self.cont()
        except Refused:
            self.pair.note(self.side, "refuse")
            raise
        self.pair.note(self.side, "cont")
        return {}

    def do_migrate_incoming(self, a):
        self.pair.take_stream(a["uri"].partition(":")[2])
        return {}

    def do_migrate(self, _):
        self.pair.note(self.side, "migrate")
        self.migrates("active")
        return {}

    def do_migrate_continue(self, _):
        self.pair.note(self.side, "go")
        self.migrates("device")
        self.pair.hand_over()
        return {}

    def do_migrate_cancel(self, _):
        self.pair.note(self.side, "cancel")
        if self.status == "finish-migrate":
            self.status = "paused" if self.pair.by_user else "running"
        self.migrates("cancelled")
        return {}

    def do_quit(self, _):
        return {}


class Client:
    """Of a monitor."""

    def __init__(self, machine, sock):
        self.machine, self.sock, self.pending = machine, sock, b""
        machine.clients.append(self)
        self.say(GREETING)

    def say(self, document):
        try:
            self.sock.sendall(json.dumps(document).encode() + b"\r\n")
        except OSError:
            pass

    def leave(self):
        self.machine.clients.remove(self)
        self.sock.close()

    def read(self):
        """False when it has left."""
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 4)
        except OSError:
            data, fds = b"", []
        self.machine.pair.fds += fds
        text, decoder = (self.pending + data).decode(), json.JSONDecoder()
        while text.strip():
            try:
                command, end = decoder.raw_decode(text.lstrip())
            except ValueError:
                break
            text = text.lstrip()[end:]
            self.answer(command)
        self.pending = text.encode()
        return bool(data)

    def answer(self, command):
        name = command.get("execute") or command["exec-oob"]
        arguments = command.get("arguments", {})
        pair = self.machine.pair
        problem = pair.schema.problem(name, arguments)
        if problem:
            pair.note("problem", f"{self.machine.side}: {problem}")
        reply = {"id": command.get("id")}
        try:
            reply["return"] = self.machine.execute(name, arguments)
        except Refused as e:
            reply["error"] = {"class": "GenericError", "desc": str(e)}
        self.say(reply)
        if name == "quit":
            self.machine.end()


def line(sock):
    """And not a byte more: a descriptor may come with it."""
    text = b""
    while not text.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            raise EOFError("the process has ended")
        text += byte
    return text[:-1].decode()


class Pair(threading.Thread):
    """Both, until they have ended."""

    def __init__(self, directory, script, records, cancel):
        """@records() is the journal so far: words, and what they want."""
        super().__init__(daemon=True)
        self.script, self.records, self.cancel = script, records, cancel
        self.schema, self.uuid = Schema(), str(uuid.uuid4())
        self.by_user = script.paused
        self.patience = PATIENCE_S / TICK_S
        self.wishes = list(script.wishes)
        self.machines, self.notes, self.fds = {}, [], []
        self.selector = selectors.DefaultSelector()
        self.over = threading.Event()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(directory, "pair"))
        listener.listen(4)
        self.watch(listener, self.meet)

    def watch(self, sock, ready):
        self.selector.register(sock, selectors.EVENT_READ, ready)

    def forget(self, sock):
        self.selector.unregister(sock)

    def run(self):
        while not self.over.is_set():
            for key, _ in self.selector.select(TICK_S):
                key.data(key.fileobj)
            self.tick()

    # --- processes -----------------------------------------------------------

    def meet(self, listener):
        process, _ = listener.accept()
        pid, n = int(line(process)), int(line(process))
        argv = [line(process) for _ in range(n)]
        side = "destination" if "-incoming" in argv else "source"
        machine = self.machines[side] = Machine(self, side, process, pid)
        self.watch(process, lambda s, m=machine: self.hear(m, s))
        if side == "destination":
            self.reach("launch")

    def hear(self, machine, process):
        """One more client, or its end."""
        try:
            _, fds, _, _ = socket.recv_fds(process, 1, 1)
        except OSError:
            fds = []
        if fds:
            self.greet(machine, socket.socket(fileno=fds[0]))
            return
        self.forget(process)
        self.note(machine.side, "end")
        process.close()

    def greet(self, machine, sock):
        client = Client(machine, sock)

        def ready(_):
            if not client.read():
                self.forget(sock)
                client.leave()

        self.watch(sock, ready)

    # --- the copy ------------------------------------------------------------

    def take_stream(self, path):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)

        def accept(_):
            stream, _ = listener.accept()

            def ready(_):
                if not stream.recv(65536):
                    self.forget(stream)
                    stream.close()

            self.watch(stream, ready)

        self.watch(listener, accept)

    def hand_over(self):
        source, dest = (self.machines[s] for s in ("source", "destination"))
        dest.status = "paused"
        dest.migrates("completed")
        source.status = "postmigrate"
        source.migrates("completed")

    # --- the script ----------------------------------------------------------

    def last(self):
        records = self.records()
        return records[-1][0] if records else None

    def wanted(self):
        """The journal says that it is to run."""
        return [w for _, w in self.records() if w is not None][-1]

    def note(self, *what):
        self.notes.append((*what, tuple(self.records())))

    def reach(self, point, once=False):
        """What its user does there."""
        while self.wishes and self.wishes[0][0] == point:
            _, what = self.wishes.pop(0)
            self.by_user = what == "pauses"
            source = self.machines["source"]
            (source.stop if self.by_user else source.cont)()
            if once:
                break

    def tick(self):
        source = self.machines.get("source")
        if not source or source.migration != "active":
            return
        for fd in self.fds:
            try:
                os.write(fd, bytes(64))
            except OSError:
                pass
        # a pause at the very gate is no other than QEMU's own
        if self.wanted() == self.by_user and self.patience > 0:
            self.patience -= 1
            return
        if self.wishes:
            self.reach("precopy", once=True)
        elif self.script.ending == "cancel":
            self.cancel()
        else:
            self.open_gate(source)

    def open_gate(self, source):
        if source.status == "running":
            source.event("STOP")
        source.status = "finish-migrate"
        source.migrates("pre-switchover")

    def finish(self):
        self.over.set()
        self.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        for fd in self.fds:
            os.close(fd)
        self.selector.close()
