# SPDX-License-Identifier: MIT
"""Block devices on files."""
import fcntl
import os
import stat
import subprocess

LOOP_CTL_GET_FREE = 0x4C82
TRIES = 20


def known():
    """Whether this kernel has them."""
    with open("/proc/devices") as f:
        return any(line.split()[1:] == ["loop"] for line in f)


def _node(name, kind, *number):
    """A bare root has no nodes for them; another test may make it as well."""
    try:
        os.mknod(name, kind | 0o600, os.makedev(*number))
    except FileExistsError:
        pass
    return name


def _attach(path):
    """One that is free may be another test's before it is ours."""
    for _ in range(TRIES):
        with open(_node("/dev/loop-control", stat.S_IFCHR, 10, 237)) as f:
            n = fcntl.ioctl(f, LOOP_CTL_GET_FREE)
        device = _node(f"/dev/loop{n}", stat.S_IFBLK, 7, n)
        done = subprocess.run(["losetup", device, path], capture_output=True,
                              text=True)
        if done.returncode == 0:
            return device
    raise AssertionError(f"losetup: {done.stderr}")


def on(case, path):
    """The name of a device on that file, until the test has ended."""
    if not known():
        case.skipTest("there are no loop devices")
    device = _attach(path)
    case.addCleanup(subprocess.run, ["losetup", "-d", device])
    os.chmod(device, 0o600)
    return device
