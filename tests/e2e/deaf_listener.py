# SPDX-License-Identifier: MIT
"""A process that listens on a socket, and in whose eyes a file system that
never answers is in the place of the socket's directory.

As a program, with the socket's path and a user as arguments, it goes on until
its standard input ends.
"""
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys

import deaf_fuse

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000


class DeafListener:
    def __init__(self, path, user):
        self.process = subprocess.Popen(
            [sys.executable, __file__, path, user], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "listens\n":
            self.end()
            raise OSError("cannot mount a FUSE in a namespace")

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def main(path, user):
    user = pwd.getpwnam(user)
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNS) or libc.mount(
            b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        return
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen(1)
        pid = os.fork()
        if pid == 0:
            os.setresuid(*[user.pw_uid] * 3)
            while True:
                signal.pause()
    fuse = deaf_fuse.DeafFuse(os.path.dirname(path), user, others=True)
    print("listens", flush=True)
    sys.stdin.read()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    fuse.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
