# SPDX-License-Identifier: MIT
"""An endpoint's parent, for measurements: transport/endpoint/control.h.

Trusts every host key and logs in with the only key of an ssh-agent.
"""

import array
import mmap
import os
import socket
import struct
import subprocess

CONTROL_FD, PEER_FD, COUNTERS_FD = 3, 4, 5
COUNTERS_BYTES = 4096
(CONFIG, RELAY, HELLO, HOSTKEY, HOSTKEY_OK, METHODS, KEY, SIGN, SIGNATURE,
 PASSWORD, INTERVIEW, PROMPT, ANSWER, REFUSED, READY, OPEN, OPENED, FAILED,
 ATTACH, EOF, ENDED, CLOSE, PING, PONG, ERROR) = range(1, 26)
UNIX = 1
HEAD = struct.Struct("=IIii")
PROPOSALS = (
    "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512",
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr",
    "hmac-sha2-256,hmac-sha2-512",
    "curve25519-sha256,ecdh-sha2-nistp256")


def string(data):
    return struct.pack(">I", len(data)) + data


def strings(data):
    while data:
        (n,) = struct.unpack_from(">I", data)
        yield data[4:4 + n]
        data = data[4 + n:]


class Agent:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))

    def ask(self, message):
        self.socket.sendall(string(message))
        (n,) = struct.unpack(">I", self.socket.recv(4, socket.MSG_WAITALL))
        return self.socket.recv(n, socket.MSG_WAITALL)

    def key(self):
        answer = self.ask(b"\x0b")
        assert answer[0] == 12, "the agent has no keys"
        return next(strings(answer[5:]))

    def sign(self, key, data):
        answer = self.ask(b"\x0d" + string(key) + string(data) + bytes(4))
        assert answer[0] == 14, "the agent does not sign"
        return list(strings(next(strings(answer[1:]))))[1]


class Endpoint:
    """Logged in once it is made; .algorithms is what READY said."""

    def __init__(self, program, address, user, agent_path, ciphers=None):
        self.proposals = list(PROPOSALS)
        if ciphers:
            self.proposals[1] = ciphers
        self.control, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer = socket.create_connection(address)
        counters = os.memfd_create("counters")
        os.ftruncate(counters, COUNTERS_BYTES)
        self.process = self.spawn(program, theirs.fileno(), peer.fileno(),
                                  counters)
        theirs.close()
        peer.close()
        self.counters = mmap.mmap(counters, COUNTERS_BYTES)
        os.close(counters)
        self.log_in(user, Agent(agent_path))

    @staticmethod
    def spawn(program, *fds):
        def place():
            kept = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
            for fd, at in zip(kept, (CONTROL_FD, PEER_FD, COUNTERS_FD)):
                os.dup2(fd, at)

        return subprocess.Popen(
            [str(program), "ssh-endpoint"], env={}, preexec_fn=place,
            pass_fds=(CONTROL_FD, PEER_FD, COUNTERS_FD))

    def say(self, word, text=b"", ident=0, a=0, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array("i", fds))] if fds else []
        self.control.sendmsg([HEAD.pack(word, ident, a, 0), text], rights)

    def hear(self, *words):
        message = self.control.recv(HEAD.size + 32768)
        assert message, "the endpoint has ended"
        head, text = HEAD.unpack_from(message), message[HEAD.size:]
        assert head[0] in words, f"the endpoint says {head}: {text!r}"
        return head, text

    def log_in(self, user, agent):
        self.say(CONFIG, "".join(f"{s}\0" for s in (user, *self.proposals))
                 .encode())
        self.hear(HELLO)
        self.hear(HOSTKEY)
        self.say(HOSTKEY_OK)
        self.hear(METHODS)
        key = agent.key()
        self.say(KEY, key)
        self.say(SIGNATURE, agent.sign(key, self.hear(SIGN)[1]))
        self.algorithms = self.hear(READY)[1].decode()

    def connect(self, path):
        """A socket that leads to the UNIX socket @path of the server."""
        self.say(OPEN, string(str(path).encode()) + string(b"") + bytes(4),
                 ident=1, a=UNIX)
        self.hear(OPENED)
        ours, theirs = socket.socketpair()
        self.say(ATTACH, ident=1, fds=[theirs.fileno()])
        theirs.close()
        return ours

    def whole_packets(self):
        return struct.unpack_from("=Q", self.counters, 7 * 8)[0]

    def close(self):
        self.control.close()
        self.process.wait()
