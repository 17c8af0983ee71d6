# SPDX-License-Identifier: MIT
"""The image of machines: made once of each recipe, kept in a cache.

It lies in /var/cache/vmferry-machine, or in $VMFERRY_MACHINE, where root alone
may write: vmlinuz, initrd, root.ext4. `rm -r` of it is safe while none runs.
"""
import fcntl
import os
import shutil
import subprocess
import sys
import zlib

from namespaces import LabError

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPE = os.path.join(HERE, "machine_image.sh")
FRESH = os.path.join(os.path.dirname(HERE), "dev/fresh")
RELEASES = ("bookworm", "trixie")


def own_release():
    """As vmferry is built for this one."""
    with open("/etc/os-release") as f:
        for line in f:
            name, _, value = line.strip().partition("=")
            if name == "VERSION_CODENAME" and value in RELEASES:
                return value
    raise LabError("machines run Debian 12 or 13 as this machine does, and "
                   "this is neither")


def make(directory, release, recipe):
    """Beside it, then renamed: what has the name is whole."""
    part = directory + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.mkdir(part, 0o700)
    print(f"lab: making the machines' image of Debian {release}; the log is "
          f"{directory}.log", file=sys.stderr, flush=True)
    with open(directory + ".log", "w") as log:
        maker = subprocess.Popen(
            [FRESH, "--release", release, "sh", "-c", recipe],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        unpacked = subprocess.run(["tar", "-xSf", "-", "-C", part],
                                  stdin=maker.stdout, stderr=log)
        maker.stdout.close()
        if maker.wait() or unpacked.returncode:
            raise LabError(f"no image could be made: see {directory}.log")
    os.rename(part, directory)


def image():
    """The directory of an image that is whole."""
    store = os.environ.get("VMFERRY_MACHINE", "/var/cache/vmferry-machine")
    os.makedirs(store, 0o700, exist_ok=True)
    with open(RECIPE) as f:
        recipe = f.read()
    release = own_release()
    directory = f"{store}/{release}-{zlib.crc32(recipe.encode()):08x}"
    with open(directory + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(directory):
            make(directory, release, recipe)
    return directory
