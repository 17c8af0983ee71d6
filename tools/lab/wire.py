# SPDX-License-Identifier: MIT
"""The network between the hosts, and what can be done to it.

    fabric:        switch ── port HOST ─┐ veth
    each host:     br0 ─────── uplink ──┘     br0 has the address 10.77.0.N

The rate is a token bucket at both ends of the veth. A cut is a drop in the
switch: no carrier is lost, no RST, no ICMP, and open connections are hit too.
"""

import time

from namespaces import LabError, run

SUBNET = "10.77.0"
MOST_HOSTS = 26
BURST_S = 0.010
LEAST_BURST_BYTES = 16384
QUEUE = "50ms"
LINK_TIMEOUT_MS, LINK_POLL_MS = 20000, 20

CUT_RULES = """
table bridge lab {
	set cut { type ifname; }
	chain forward {
		type filter hook forward priority 0;
		iifname @cut drop
		oifname @cut drop
	}
}
"""


def address(number):
    return f"{SUBNET}.{number}"


def _mac(number):
    return f"02:76:66:00:00:{number:02x}"


def _in(pid, *argv, **options):
    return run("nsenter", f"--net=/proc/{pid}/ns/net", *argv, **options)


def _has_link(pid, link):
    return bool(_in(pid, "ip", "-o", "link", "show", "dev", link,
                    check=False))


def _batch(pid, text):
    _in(pid, "ip", "-batch", "-", stdin=text)


def build(fabric):
    """Make the switch in a fresh fabric."""
    _batch(fabric, "link add switch type bridge stp_state 0 forward_delay 0\n"
                   "link set switch up\n")
    _in(fabric, "nft", "-f", "-", stdin=CUT_RULES)


def plug(fabric, host, name, number):
    """Give the host its loopback and br0, joined to the switch.

    Does only what is missing; True if that was anything.
    """
    bridge, cable = _has_link(host, "br0"), _has_link(fabric, name)
    if not bridge:
        _batch(host, _bridge_commands(number))
    if not cable:
        _batch(fabric,
               f"link add {name} type veth peer name uplink netns {host}\n"
               f"link set {name} master switch up\n")
    if not (bridge and cable):
        _batch(host, "link set uplink master br0 up\n")
        _await_link(fabric, name)
        _await_link(host, "br0")
    return not (bridge and cable)


def _await_link(pid, link):
    """The kernel takes up to a second until a new port forwards."""
    for _ in range(0, LINK_TIMEOUT_MS, LINK_POLL_MS):
        if " state UP " in _in(pid, "ip", "-o", "link", "show", "dev", link):
            return
        time.sleep(LINK_POLL_MS / 1000)
    raise LabError(f"link {link} does not come up")


def _bridge_commands(number):
    """Fixed addresses: a tap that joins does not change the bridge's own.

    The neighbours are fixed too, so that a cut host is silence and not
    "no route to host" after three seconds.
    """
    yours = [n for n in range(1, MOST_HOSTS + 1) if n != number]
    return "".join(
        ["link set lo up\n",
         f"link add br0 address {_mac(number)} type bridge "
         f"stp_state 0 forward_delay 0\n",
         f"addr add {address(number)}/24 broadcast + dev br0\n",
         "link set br0 up\n"] +
        [f"neigh replace {address(n)} lladdr {_mac(n)} dev br0 "
         f"nud permanent\n" for n in yours])


def unplug(fabric, name):
    """The link goes by itself, too, some time after its host is dead."""
    try:
        if _has_link(fabric, name):
            _batch(fabric, f"link del {name}\n")
    except LabError:
        if _has_link(fabric, name):
            raise


def shape(fabric, host, name, mbit):
    """Limit the host's link, each direction for itself; None: no limit."""
    for pid, link in ((fabric, name), (host, "uplink")):
        if mbit is None:
            if " tbf " in _in(pid, "tc", "qdisc", "show", "dev", link):
                _in(pid, "tc", "qdisc", "del", "dev", link, "root")
            continue
        burst = max(int(mbit * 125000 * BURST_S), LEAST_BURST_BYTES)
        _in(pid, "tc", "qdisc", "replace", "dev", link, "root", "tbf",
            "rate", f"{mbit:g}mbit", "burst", f"{burst}b",
            "latency", QUEUE)


def cut(fabric, name):
    _in(fabric, "nft", "add", "element", "bridge", "lab", "cut",
        f'{{ "{name}" }}')


def heal(fabric, name):
    if is_cut(fabric, name):
        _in(fabric, "nft", "delete", "element", "bridge", "lab", "cut",
            f'{{ "{name}" }}')


def is_cut(fabric, name):
    return f'"{name}"' in _in(fabric, "nft", "list", "set", "bridge", "lab",
                              "cut")


def reset(hosts):
    """Break the hosts' TCP connections to their peers, with an RST.

    Those that are there now: who notices may at once make a new one.
    """
    before = {host: _connections(host, "connected") for host in hosts}
    for host, which in before.items():
        if which:
            _in(host, "ss", "-K", "-H", "-t", "-n", "state", "connected",
                " or ".join(f"( src {here} and dst {there} )"
                            for here, there in sorted(which)))
    for host, which in before.items():
        if which & _connections(host, "established"):
            raise LabError("connections are still there: this kernel cannot "
                           "close them (CONFIG_INET_DIAG_DESTROY)")


def _connections(host, state):
    """{(its own address and port, the peer's)}"""
    found = _in(host, "ss", "-H", "-t", "-n", "state", state,
                "dst", f"{SUBNET}.0/24")
    return {tuple(line.split()[-2:]) for line in found.splitlines()}
