#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pins what QEMU does with an image that its user may not open.

Root starts QEMU, which opens the image and becomes nobody.

- With auto-read-only=on, which -drive has by itself, QEMU cannot inactivate the
  image: it opens it again to read it only, as nobody. So the check `access`
  refuses such a guest. With auto-read-only=off it inactivates it, and takes it
  back.
- An image that QEMU gets as a descriptor (-add-fd) is locked while the guest
  runs, and not while it is inactive.

Exit status: 0 as assumed, 1 not so, 77 cannot be run here.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

WAIT_S = 120


class Qemu:
    """A QEMU with a monitor and one disk."""

    def __init__(self, qemu, directory, disk, more=(), **popen):
        path = os.path.join(directory, "qmp")
        self.process = subprocess.Popen(
            [qemu, "-accel", "tcg", "-m", "131080K", "-nodefaults",
             "-display", "none", "-qmp", f"unix:{path},server=on,wait=off",
             "-drive", f"if=none,format=raw,id=d0,{disk}",
             "-device", "virtio-blk-pci,drive=d0", *more],
            stderr=subprocess.DEVNULL, **popen)
        sock = socket.socket(socket.AF_UNIX)
        while sock.connect_ex(path):
            if self.process.poll() is not None:
                raise RuntimeError(f"QEMU ended at its start: {disk}")
            time.sleep(0.02)
        self.file = sock.makefile("rw")
        self.file.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.file.write(json.dumps({"execute": name, "arguments": arguments})
                        + "\n")
        self.file.flush()
        while True:
            reply = json.loads(self.file.readline())
            if "error" in reply:
                raise RuntimeError(f"{name}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def migrate(self):
        """To nowhere; how it ended, and the run state then."""
        self.command("migrate", uri="exec:cat >/dev/null")
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            how = self.command("query-migrate")["status"]
            if how in ("completed", "failed"):
                return how, self.command("query-status")["status"]
            time.sleep(0.05)
        return "endless", ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def writable(image):
    """Whether another program can open it for writing."""
    done = subprocess.run(["qemu-io", "-f", "raw", "-c", "write 0 512", image],
                          capture_output=True)
    return done.returncode == 0


def nobodys_options(qemu):
    """How this QEMU becomes nobody: the first went with QEMU 10."""
    text = subprocess.run([qemu, "-help"], capture_output=True,
                          text=True).stdout
    return (["-runas", "nobody"] if "\n-runas " in text
            else ["-run-with", "user=nobody"])


def opened_by_root(qemu, directory, image):
    """{auto-read-only: how it ended, the state then, the state after cont}"""
    seen = {}
    for auto in ("on", "off"):
        place = tempfile.mkdtemp(dir=directory)
        with Qemu(qemu, place, f"file={image},auto-read-only={auto}",
                  nobodys_options(qemu)) as q:
            how = q.migrate()
            q.command("cont")
            seen[auto] = (*how, q.command("query-status")["status"])
    return seen


def handed_over(qemu, directory, image):
    """Whether others can write it: at first, once inactive, after cont."""
    place = tempfile.mkdtemp(dir=directory)
    os.chown(place, 65534, 65534)
    fd = os.open(image, os.O_RDWR)
    with Qemu(qemu, place, "file=/dev/fdset/1,auto-read-only=off",
              ["-add-fd", f"fd={fd},set=1"], pass_fds=[fd], user="nobody",
              group="nogroup", extra_groups=[]) as q:
        os.close(fd)
        seen = [writable(image)]
        seen.append((q.migrate()[0], writable(image)))
        q.command("cont")
        seen.append(writable(image))
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qemu", default="qemu-system-x86_64")
    qemu = parser.parse_args().qemu
    if os.geteuid() or not shutil.which(qemu) or not shutil.which("qemu-io"):
        print("roots_images: skipped: needs root, QEMU and qemu-io")
        return 77
    directory = tempfile.mkdtemp(prefix="vmferry-assume-")
    image = os.path.join(directory, "image")
    try:
        os.chmod(directory, 0o711)
        with open(image, "wb") as f:
            f.truncate(1 << 20)
        os.chmod(image, 0o600)
        opened = opened_by_root(qemu, directory, image)
        handed = handed_over(qemu, directory, image)
    finally:
        shutil.rmtree(directory)
    print(f"roots_images: auto-read-only: {opened}")
    print(f"roots_images: others can write a descriptor's file: {handed}")
    ok = (opened == {"on": ("failed", "running", "running"),
                     "off": ("completed", "postmigrate", "running")} and
          handed == [False, ("completed", True), False])
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
