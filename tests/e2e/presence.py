# SPDX-License-Identifier: MIT
"""Lets several runs of the tests share one machine.

Root's tests mount a state directory of their own over the real one, and need
a machine id. Neither may go while others still use it: a directory that is
removed takes all mounts on it along, in every mount namespace, and the lab
removes it where it is empty. Each run has a locked file in the directory, so
that it is not. The first makes what is missing and notes it, the last one
removes what was noted.
"""
import fcntl
import os
import secrets

MADE_DIRECTORY, MADE_ID = "e2e-made-directory", "e2e-made-id"
FILLED_ID = "e2e-filled-id"
MARK = "e2e-run-"


def locked_directory(path):
    """A locked descriptor of what is at path, and whether it was made."""
    while True:
        made = not os.path.isdir(path)
        os.makedirs(path, exist_ok=True)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        fcntl.flock(fd, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd, made
        except FileNotFoundError:
            pass
        os.close(fd)


def is_held(name, directory):
    """Whether the run that has made this file lives."""
    fd = os.open(name, os.O_RDONLY, dir_fd=directory)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(fd)


class Presence:
    def __init__(self, directory, machine_id):
        self.directory, self.machine_id = directory, machine_id
        self.fd, made = locked_directory(directory)
        self.mark = MARK + secrets.token_hex(4)
        self.held = self._note(self.mark)
        fcntl.flock(self.held, fcntl.LOCK_EX)
        if made:
            os.close(self._note(MADE_DIRECTORY))
        there = os.path.exists(machine_id)
        if not there or not os.path.getsize(machine_id):
            os.close(self._note(FILLED_ID if there else MADE_ID))
            with open(machine_id, "w") as f:
                f.write(secrets.token_hex(16) + "\n")
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def _note(self, name):
        return os.open(name, os.O_RDWR | os.O_CREAT, 0o600, dir_fd=self.fd)

    def _forget(self, name):
        """Whether the note was there."""
        try:
            os.unlink(name, dir_fd=self.fd)
            return True
        except FileNotFoundError:
            return False

    def end(self):
        """Nothing may be mounted on the directory any more."""
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        os.close(self.held)
        for name in os.listdir(self.fd):
            if name.startswith(MARK) and not is_held(name, self.fd):
                os.unlink(name, dir_fd=self.fd)
        if not any(n.startswith(MARK) for n in os.listdir(self.fd)):
            if self._forget(MADE_ID):
                os.unlink(self.machine_id)
            if self._forget(FILLED_ID):
                os.truncate(self.machine_id, 0)
            if self._forget(MADE_DIRECTORY) and not os.listdir(self.fd):
                os.rmdir(self.directory)
        os.close(self.fd)
