# SPDX-License-Identifier: MIT
"""A FUSE file system that is mounted and never answers anything.

A process that looks into it waits, and cannot be ended. As a program, with the
mount point, a uid and a gid as arguments, it prints a line once it is mounted;
with one argument more other users may look into it, too, and with "half" as
another it says of itself that it is a directory, and no more.
"""
import ctypes
import os
import struct
import subprocess
import sys

MNT_DETACH = 2
IN_HEADER, OUT_HEADER = struct.Struct("<IIQQIIII"), struct.Struct("<IiQ")
GETATTR, INIT = 3, 26


class DeafFuse:
    """One for that user; the others may not look into it at all, unless
    @others."""

    def __init__(self, path, user, others=False):
        self.path = path
        self.process = subprocess.Popen(
            [sys.executable, __file__, path, str(user.pw_uid),
             str(user.pw_gid), *(["allow_other"] if others else [])],
            stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "mounted\n":
            self.process.wait()
            raise OSError("cannot mount a FUSE")

    def end(self):
        """All that waits for it fails."""
        if self.process.poll() is not None:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        ctypes.CDLL(None).umount2(self.path.encode(), MNT_DETACH)


def attributes(uid, gid):
    return struct.pack("<QII6Q10I", 0, 0, 0, 1, *[0] * 5, *[0] * 3, 0o40755,
                       2, int(uid), int(gid), 0, 4096, 0)


def serve(path, uid, gid, *more):
    half = "half" in more
    more = [m for m in more if m != "half"]
    fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = ",".join([f"fd={fd}", "rootmode=40755", f"user_id={uid}",
                        f"group_id={gid}", *more])
    if ctypes.CDLL(None).mount(b"deaf", path.encode(), b"fuse", 0,
                               options.encode()):
        return
    while True:
        _, opcode, unique, *_ = IN_HEADER.unpack_from(os.read(fd, 1 << 20))
        if opcode == INIT:
            # version, read-ahead, flags, requests at a time, write size
            body = struct.pack("<IIIIHHI", 7, 31, 0, 0, 0, 0, 4096)
            body += bytes(64 - len(body))
            os.write(fd, OUT_HEADER.pack(OUT_HEADER.size + len(body), 0,
                                         unique) + body)
            print("mounted", flush=True)
        elif opcode == GETATTR and half:
            body = attributes(uid, gid)
            os.write(fd, OUT_HEADER.pack(OUT_HEADER.size + len(body), 0,
                                         unique) + body)


if __name__ == "__main__":
    serve(*sys.argv[1:])
