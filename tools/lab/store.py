# SPDX-License-Identifier: MIT
"""Where the labs keep their files, the lock on all of them, and the mount
points that a host needs and this machine may lack.
"""

import fcntl
import os
from contextlib import contextmanager

RUN = "/run/vmferry-lab"        # a directory a lab: keys, pids, settings
DISKS = "/var/lib/vmferry-lab"  # what a host keeps over a crash
MADE = f"{RUN}/mount-points"    # mount points that were not there before


def slurp(path, default=None):
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return default


def spill(path, text, mode=0o644):
    """Write in place: a bind mount of the file has to see it."""
    with open(path, "w") as f:
        os.fchmod(f.fileno(), mode)
        f.write(text)


def private_dir(path):
    os.makedirs(path, 0o700, exist_ok=True)
    os.chmod(path, 0o700)


def remove(function, path):
    """Try to remove; gone already, or not empty, is fine."""
    try:
        function(path)
    except OSError:
        pass


def same_directory(fd, path):
    """Whether the path still leads to what is open as fd."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def locked(create):
    """Hold the lock on all labs, which is the directory of them itself.

    Yields False, without a lock, if there is none and none is wanted.
    """
    while True:
        if create:
            private_dir(RUN)
        try:
            fd = os.open(RUN, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            if create:
                continue
            yield False
            return
        fcntl.flock(fd, fcntl.LOCK_EX)
        if same_directory(fd, RUN):
            break
        os.close(fd)
    try:
        yield True
    finally:
        os.close(fd)


def make_mount_points(mounts):
    """Make those that this machine lacks, and note them for the last down."""
    with open(MADE, "a") as made:
        for source, where in mounts:
            if os.path.exists(where):
                continue
            made.write(where + "\n")
            made.flush()
            if os.path.isdir(source):
                os.makedirs(where, 0o755)
            else:
                spill(where, "")


def remove_mount_points():
    """Undo make_mount_points, sparing what somebody has put to use."""
    for where in slurp(MADE, "").split():
        if os.path.isdir(where):
            remove(os.rmdir, where)
        elif os.path.exists(where) and os.path.getsize(where) == 0:
            remove(os.unlink, where)
    remove(os.unlink, MADE)
