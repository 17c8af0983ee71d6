# SPDX-License-Identifier: MIT
"""The cases of the convergence bench: a guest, a link, and what is asked.

A case's dirtying is a multiple of its link. The guest touches one line a page,
which costs QEMU the same page and the machine less; a burst of 2 ms makes a
throttled guest lose its work as a guest bound by its CPU does, instead of
making up for it.
"""
import dataclasses
import fnmatch
import itertools

PEERS = ("qemu", "proxmox", "ovirt", "nova", "kubevirt", "auto-converge")
POLICIES = ("auto",) + PEERS
# What a build without --policy runs.
DEFAULT = "default"
# Policies that are judged, not compared with.
OURS = ("auto", DEFAULT)

BEAT_MS = 2


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    ratio: float                # dirtying, in multiples of the link
    ws_mib: int = 16
    pattern: str = "linear"
    link_mbs: int = 20          # 10^6 bytes a second
    busy_ms: int = 0
    idle_ms: int = 0
    budget_ms: int = 300
    deadline_s: int = 20
    throttle: str = "auto"
    xbzrle: str = "off"         # for ours; the peers have none
    touch: str = "line"         # or full: whole pages, of random bytes
    hopeless: bool = False      # no policy is expected to finish
    policies: tuple = POLICIES  # all that teach something here
    times: int = 1              # as often as others
    spare_mib: int = 64         # memory that is not written

    @property
    def rate_mib(self):
        return round(self.ratio * self.link_mbs * 1e6 / (1 << 20))

    @property
    def memory(self):
        # No multiple of 256 KiB: QEMU 7.2 loses dirty bits under TCG else.
        return f"{(self.ws_mib + self.spare_mib) * 1024 + 8}K"

    @property
    def append(self):
        words = [f"fill={self.ws_mib}", f"ws={self.ws_mib}",
                 f"rate={self.rate_mib}", f"pattern={self.pattern}",
                 f"touch={self.touch}", "burst=2", f"hb={BEAT_MS}"]
        if self.period_s:
            words += [f"busy={self.busy_ms}", f"idle={self.idle_ms}"]
        return " ".join(words)

    @property
    def period_s(self):
        return (self.busy_ms + self.idle_ms) / 1e3

    def busy_s(self, begin_s, end_s):
        """How long the guest rewrites between two times of its clock."""
        if not self.period_s:
            return end_s - begin_s

        def before(t):
            whole, rest = divmod(t, self.period_s)
            return whole * self.busy_ms / 1e3 + min(rest, self.busy_ms / 1e3)

        return before(end_s) - before(begin_s)

    def as_dict(self):
        """As it comes back from a JSON file."""
        return dict(dataclasses.asdict(self), policies=list(self.policies))


# An idle guest is the floor of blackouts, for those that are judged by it.
FLOOR = {"ratio": 0, "times": 3, "policies": ("auto", "qemu", "kubevirt"),
         "deadline_s": 15}
# Where the other peers but wait for the deadline.
LEVERS = ("auto", "qemu", "proxmox", "kubevirt", "auto-converge")

CORE = (
    Case("idle", **FLOOR),
    Case("steady-0.25x", 0.25, ws_mib=32, deadline_s=15),
    Case("steady-0.5x", 0.5, ws_mib=32, deadline_s=15),
    Case("steady-1x", 1, budget_ms=200, deadline_s=15),
    # Small, so that QEMU's steps of 10 % get far enough in time.
    Case("steady-2x", 2, ws_mib=12, budget_ms=150, deadline_s=20,
         policies=LEVERS),
    Case("steady-4x", 4, ws_mib=8, budget_ms=100, deadline_s=24,
         policies=LEVERS),
    Case("uniform-1x", 1, pattern="uniform", budget_ms=200, deadline_s=15),
    Case("hotcold-1x", 1, ws_mib=32, pattern="hotcold", deadline_s=15),
    Case("phased-5-2-1x", 1, ws_mib=24, busy_ms=5000, idle_ms=2000),
    Case("phased-5-2-2x", 2, ws_mib=24, busy_ms=5000, idle_ms=2000),
    Case("phased-2-1-2x", 2, ws_mib=12, busy_ms=2000, idle_ms=1000),
    Case("hopeless-4x", 4, ws_mib=32, budget_ms=50, deadline_s=30,
         throttle="off", hopeless=True, policies=("auto", "qemu")),
)

# Large enough for a look at its pages: those of which a line is written are
# sent as differences, whole ones are not.
DELTA = {"budget_ms": 150, "deadline_s": 20, "spare_mib": 256,
         "xbzrle": "auto", "policies": ("auto", "qemu", "auto-converge")}
FURTHER = (
    Case("delta-2x", 2, ws_mib=12, **DELTA),
    Case("delta-4x", 4, ws_mib=24, **DELTA),
    Case("whole-1x", 1, ws_mib=12, touch="full", **DELTA),
    # Of the core, but with every lever.
    Case("levers-steady-1x", 1, budget_ms=200, deadline_s=15, xbzrle="auto",
         policies=LEVERS),
    Case("levers-hopeless-4x", 4, ws_mib=32, budget_ms=50, deadline_s=30,
         xbzrle="auto", hopeless=True, policies=("auto", "qemu")),
)

PATTERNS = ("linear", "uniform", "hotcold")
RATIOS = (0.25, 0.5, 1, 2, 4)
PHASES = ((0, 0), (5000, 2000), (2000, 1000))
# By link: each copied in 0.4 to 2.7 s.
WORKING_SETS = {20: (8, 16, 48), 100: (48, 256)}


def grid_case(link, ws, pattern, ratio, phase):
    busy, idle = phase
    name = f"{pattern}-{ratio:g}x-{link}MBs-ws{ws}"
    if busy:
        name += f"-{busy // 1000}-{idle // 1000}"
    return Case(name, ratio, ws_mib=ws, pattern=pattern, link_mbs=link,
                busy_ms=busy, idle_ms=idle, deadline_s=40)


def grid():
    cases = [Case(f"idle-{link}MBs", link_mbs=link, **FLOOR)
             for link in WORKING_SETS]
    for link, sizes in WORKING_SETS.items():
        cases += [grid_case(link, *rest) for rest in
                  itertools.product(sizes, PATTERNS, RATIOS, PHASES)]
    return cases


def choose(core, with_grid, names):
    """The cases asked for; names may be globs, and reach the grid as well."""
    if names:
        return [c for c in (*CORE, *FURTHER, *grid())
                if any(fnmatch.fnmatch(c.name, n) for n in names)]
    return (list(CORE) if core or not with_grid else []) + \
        (grid() if with_grid else [])
