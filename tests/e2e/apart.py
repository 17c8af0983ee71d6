# SPDX-License-Identifier: MIT
"""Programs that run side by side, none of which sees what another does."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))
INIT = os.path.join(HERE, "../../tools/dev/fresh_init.pl")


def apart(argv):
    """The command line that runs argv in PID, IPC and network namespaces of
    its own; needs root. With it, or with who started it, ends all that it
    starts; a SIGTERM for its inner process, the only child, reaches all."""
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--ipc",
            "--net", "--fork", "--kill-child", "--mount-proc", "perl", INIT,
            "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *argv]
