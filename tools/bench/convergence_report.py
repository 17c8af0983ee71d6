# SPDX-License-Identifier: MIT
"""Medians, ratios, and what they say about the claims made for `auto`.

A run has finished when the guest runs on the destination and its blackout
kept the budget; a policy has finished a case when most of its runs have.
Nothing is compared across beds or cases.
"""
import math
import statistics

from convergence_cases import OURS

ENOUGH_PASSES = 6
GIVE_UP_PASSES, GIVE_UP_S = 5, 10
SLOWER = 1.2
# Peer, and the part of its blackout that is aimed at on phased guests.
CALMER = (("qemu", 0.5), ("kubevirt", 0.7))
LESS_WORK = 0.5
# A throttle that was armed for the last moment only is none.
SOME_S = 0.05
# Forecasts: what half of them, and nine in ten, may be off by.
TOTAL_OFF, BLACKOUT_OFF, SMALL_MS = (0.10, 0.25), (0.20, 0.40), 5
NEVER_RIGHT = 0.95


def median(values):
    known = [v for v in values if v is not None]
    return statistics.median(known) if known else None


def p90(values):
    known = sorted(values)
    return known[math.ceil(len(known) * 0.9) - 1]


def text(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def budget_ms(case):
    """What a budget may measure as: 10 % more, or 5 ms."""
    return max(case["budget_ms"] * 1.1, case["budget_ms"] + 5)


class Cell:
    """The runs of one policy on one case."""

    def __init__(self, case, policy, runs):
        self.case, self.policy, self.runs = case, policy, runs
        self.moved = [r for r in runs if r["converged"]]
        self.good = [r for r in self.moved
                     if r["blackout_ms"] <= budget_ms(case)]
        self.finished = 2 * len(self.good) > len(runs)

    def median(self, name):
        return median(r[name] for r in self.moved)

    def lost_s(self):
        return median(r["work"]["lost_s"] for r in self.runs if r["work"])

    def lost_share(self):
        return median(r["work"]["lost_share"] for r in self.runs if r["work"])

    def taken_s(self):
        return median(r["throttle"]["taken_s"] for r in self.runs)

    def throttles(self):
        return any(r["throttle"]["peak_percent"] for r in self.runs)

    def ratio(self, name, ours):
        """Median over the repetitions of this policy's figure to ours."""
        other = {r["repetition"]: r[name] for r in ours.moved}
        return median(r[name] / other[r["repetition"]] for r in self.moved
                      if other.get(r["repetition"]))


class Group:
    """A case on a bed: the cells of its policies."""

    def __init__(self, bed, case, runs):
        self.bed, self.case = bed, case
        self.name = case["name"] + ("" if bed == "loopback" else f"@{bed}")
        names = dict.fromkeys(r["policy"] for r in runs)
        self.cells = {n: Cell(case, n, [r for r in runs if r["policy"] == n])
                      for n in names}
        self.ours = next((self.cells[n] for n in OURS if n in self.cells),
                         None)

    def peers(self):
        return [c for c in self.cells.values() if c is not self.ours]


def groups_of(document):
    """Of the runs that have ended as a run should, in order."""
    keys = dict.fromkeys((r["bed"], r["case"]) for r in document["runs"]
                         if not r.get("broken"))
    return [Group(bed, document["cases"][name],
                  [r for r in document["runs"] if not r.get("broken") and
                   (r["bed"], r["case"]) == (bed, name)])
            for bed, name in keys]


# --- the claims --------------------------------------------------------------

def state(good, seen):
    return "no data" if not seen else "pass" if good else "FAIL"


def claim_finishes(groups):
    seen, missed = 0, []
    for g in groups:
        able = [c.policy for c in g.peers() if c.finished]
        if not g.ours or not able:
            continue
        seen += 1
        if not g.ours.finished:
            missed.append(f"{g.name}: {len(g.ours.good)} of "
                          f"{len(g.ours.runs)}, but {', '.join(able)}")
    return ("a", "finishes what any other finishes within the budget",
            state(not missed, seen), missed or [f"{seen} cases"])


def claim_budget(groups):
    cells = [g.ours for g in groups if g.ours]
    moved = [(c, r) for c in cells for r in c.moved]
    over = [f"{c.case['name']}: {r['blackout_ms']:.1f} ms of "
            f"{c.case['budget_ms']}" for c, r in moved if r not in c.good]
    guests = sum((r["gap_ms"] or 0) > budget_ms(c.case) + 20
                 for c, r in moved)
    return ("b", "never over the budget by more than 10 % or 5 ms",
            state(not over, moved),
            over + [f"{len(moved)} runs; as the guest saw it, "
                    f"{guests} over by more than 20 ms besides"])


def floor_ms(groups, group):
    """Blackout of an idle guest under our policy, of the same link if any."""
    idle = [g for g in groups if g.bed == group.bed and g.ours and
            not g.case["ratio"] and g.ours.moved]
    same = [g for g in idle if g.case["link_mbs"] == group.case["link_mbs"]]
    return median(g.ours.median("blackout_ms") for g in same or idle)


def calmer(group, peer, factor, floor):
    """(holds, words) for one peer on one phased case; None: no data."""
    ours, cell = group.ours, group.cells.get(peer)
    if not cell or not (ours.moved or cell.moved):
        return None
    if not ours.moved or not cell.moved:
        who = peer if ours.moved else ours.policy
        return bool(ours.moved), f"{group.name}: {who} moved nothing"
    mine, its = ours.median("blackout_ms"), cell.median("blackout_ms")
    slower = ours.median("total_s") / cell.median("total_s")
    excess = max(mine - floor, 0)
    calm = excess <= factor * max(its - floor, 0)
    whole = excess <= factor * its
    return (calm and slower <= SLOWER,
            f"{group.name}: {mine:.1f} ms, {peer} {its:.1f}, floor "
            f"{floor:.1f}: {'calm' if calm else 'not calm'} enough"
            f"{' (its floor left in: yes)' if whole and not calm else ''}, "
            f"{slower:.2f} x its time")


def claim_phased(groups):
    found = []
    for g in groups:
        floor = floor_ms(groups, g)
        if g.case["busy_ms"] and g.ours and floor is not None:
            found += [calmer(g, peer, factor, floor)
                      for peer, factor in CALMER]
    found = [f for f in found if f]
    return ("c", "phased: excess blackout <= 0.5 x qemu's, 0.7 x kubevirt's, "
            f"in {SLOWER} x the time",
            state(all(ok for ok, _ in found), found),
            [words for _, words in found])


def claim_throttle(groups):
    good, words = True, []
    for g in groups:
        other = g.cells.get("auto-converge")
        if not g.ours or not other or not g.ours.throttles() or \
                not (g.ours.finished and other.finished):
            continue
        mine, its = g.ours.lost_s(), other.lost_s()
        if mine is None or its is None or g.ours.taken_s() < SOME_S:
            continue
        holds = max(mine, 0) <= LESS_WORK * max(its, 0)
        good &= holds
        words.append(f"{g.name}: {mine:.2f} s of work lost, auto-converge "
                     f"{its:.2f}; taken {g.ours.taken_s():.2f} and "
                     f"{other.taken_s():.2f}{'' if holds else ' (no)'}")
    return ("d", "where it throttles: work lost <= 0.5 x auto-converge's",
            state(good, words), words)


def is_hopeless(group):
    cells = group.cells.values()
    return group.case["hopeless"] or (
        len(cells) > 1 and not any(c.finished for c in cells))


def claim_hopeless(groups):
    good, words = True, []
    for g in groups:
        if not g.ours or not is_hopeless(g):
            continue
        for run in g.ours.runs:
            end = run["given_up"]
            holds = run["converged"] or end["passes"] <= GIVE_UP_PASSES or \
                end["seconds"] <= GIVE_UP_S
            good &= holds
            words.append(f"{g.name}: " + (
                f"moved, {run['blackout_ms']:.0f} ms" if run["converged"]
                else f"after {end['passes']} passes, {end['seconds']:.1f} s"
                     f"{'' if holds else ' (late)'}; "
                     f"{text(end['after_gate_s'])} s after its last gate"))
    return ("e", "hopeless: given up within 5 passes or 10 s after the levers",
            state(good, words), words)


def forecast_runs(groups):
    """Long enough runs; those that a throttle changed are another story."""
    runs = [r for g in groups if g.ours for r in g.ours.runs
            if len(r["passes"]) >= ENOUGH_PASSES]
    plain = [r for r in runs if not r["throttle"]["peak_percent"]]
    return plain, len(runs) - len(plain)


def spread(what, shares, most):
    """(within @most, words) of errors in parts of the actual."""
    if not shares:
        return True, f"{what}: not predicted"
    got = (median(shares), p90(shares))
    return (all(g <= m for g, m in zip(got, most)),
            f"{what} off by: median {got[0] * 100:.1f} %, p90 "
            f"{got[1] * 100:.1f} % ({len(shares)} runs)")


def errors(runs, name, actual, small=0):
    """As parts of the actual; none where it is off by @small at most."""
    pairs = [(r["forecast"][name], actual(r)) for r in runs
             if r["converged"] and r["forecast"][name] is not None]
    return [0 if abs(predicted - real) <= small else abs(predicted / real - 1)
            for predicted, real in pairs]


def claim_forecast(groups):
    runs, other = forecast_runs(groups)
    asked = [r for r in runs if r["forecast"]["converges"] is not None]
    right = sum(bool(r["forecast"]["converges"]) == r["converged"]
                for r in asked)
    total = spread("total time", errors(
        runs, "total_ms", lambda r: r["total_s"] * 1e3), TOTAL_OFF)
    blackout = spread(
        f"blackout (more than {SMALL_MS} ms)", errors(
            runs, "blackout_ms", lambda r: r["blackout_ms"], SMALL_MS),
        BLACKOUT_OFF)
    good = total[0] and blackout[0] and right >= NEVER_RIGHT * len(asked)
    early = sum(r["forecast"]["pass"] == "result" for r in runs)
    return ("f", f"forecasts after the third pass, of {len(runs)} runs of "
            f">= {ENOUGH_PASSES} passes ({other} throttled ones left out)",
            state(good, asked),
            [total[1], blackout[1],
             f"converges or never: right in {right} of {len(asked)}",
             f"{early} had none but the result's own"])


def claim_whole(document):
    words = [f"{r['case']}, {r['policy']}, {r['repetition'] + 1}: {p}"
             for r in document["runs"] for p in r["problems"]]
    return ("g", "every guest is whole, nothing is left over, no run broke",
            state(not words, document["runs"]), words)


def verdicts(document):
    groups = groups_of(document)
    found = [claim(groups) for claim in
             (claim_finishes, claim_budget, claim_phased, claim_throttle,
              claim_hopeless, claim_forecast)] + [claim_whole(document)]
    return [dict(zip(("name", "claim", "state", "details"), f))
            for f in found]


# --- for people --------------------------------------------------------------

HEAD = (f"  {'policy':14}{'moved':>6}{'total s':>9}{'blackout ms':>13}"
        f"{'worst':>8}{'guest':>8}{'around':>8}{'QEMU':>7}{'MB':>7}"
        f"{'passes':>7}{'lost %':>8}{'taken s':>9}{'x total':>9}"
        f"{'x blackout':>11}")


def row(cell, ours):
    worst = max((r["blackout_ms"] for r in cell.moved), default=None)
    sent = median(r["bytes"] for r in cell.runs)
    share = cell.lost_share()
    paired = [None, None] if cell is ours or not ours else \
        [cell.ratio(name, ours) for name in ("total_s", "blackout_ms")]
    return (f"  {cell.policy:14}{len(cell.moved)}/{len(cell.runs):<3} "
            f"{text(median(r['total_s'] for r in cell.runs)):>9}"
            f"{text(cell.median('blackout_ms')):>13}{text(worst):>8}"
            f"{text(cell.median('gap_ms')):>8}"
            f"{text(cell.median('gap_around_ms')):>8}"
            f"{text(cell.median('qemu_downtime_ms'), 0):>7}"
            f"{text(None if sent is None else sent / 1e6, 0):>7}"
            f"{text(median(len(r['passes']) for r in cell.runs), 0):>7}"
            f"{text(None if share is None else share * 100):>8}"
            f"{text(cell.taken_s(), 2):>9}"
            f"{text(paired[0], 2):>9}{text(paired[1], 2):>11}")


def describe(case):
    phases = f", busy {case['busy_ms'] / 1e3:g} s, idle " \
             f"{case['idle_ms'] / 1e3:g} s" if case["busy_ms"] else ""
    return f"{case['pattern']}, {case['ratio']:g} x {case['link_mbs']} MB/s" \
           f"{phases}; working set {case['ws_mib']} MiB, budget " \
           f"{case['budget_ms']} ms, deadline {case['deadline_s']} s, " \
           f"throttle {case['throttle']}"


def show(document):
    for group in groups_of(document):
        print(f"\n{group.name}: {describe(group.case)}\n{HEAD}")
        for cell in group.cells.values():
            print(row(cell, group.ours))
        for cell in group.cells.values():
            stayed = [r for r in cell.runs if not r["converged"]]
            for run in stayed[:1]:
                print(f"    {cell.policy}: {run['why']}")
    print()
    for v in verdicts(document):
        print(f"({v['name']}) {v['state']}: {v['claim']}")
        for words in v["details"]:
            print(f"      {words}")
    if len(set(r["build"] for r in document["runs"])) > 1:
        print("The runs are of more than one build of the program.")
