# SPDX-License-Identifier: MIT
"""Programs that run side by side, none of which sees what another does."""
import os
import signal

HERE = os.path.dirname(os.path.abspath(__file__))
INIT = os.path.join(HERE, "../../tools/dev/fresh_init.pl")


def apart(argv):
    """The command line that runs argv in PID, IPC and network namespaces of
    its own; needs root. With it, or with who started it, ends all that it
    starts."""
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--ipc",
            "--net", "--fork", "--kill-child", "--mount-proc", "perl", INIT,
            "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *argv]


def end_apart(pid):
    """SIGTERM for all that runs in what apart() made, to clean up and end;
    False where pid has not started that."""
    try:
        with open(f"/proc/{pid}/comm") as f:
            if f.read() != "unshare\n":
                return False
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            for inner in f.read().split():
                os.kill(int(inner), signal.SIGTERM)
    except (OSError, ValueError):
        pass
    return True
