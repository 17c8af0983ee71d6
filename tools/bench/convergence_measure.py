# SPDX-License-Identifier: MIT
"""What one migration was like, from its events and from the guest itself.

All host times are of one monotonic clock: the program's mono_ms, and the
receipt of each line that the guest sent.
"""
import re
import time

WORK = re.compile(r"W (\d+) (\d+)us")
# A pass and the decision at its end are reported within this time.
SAME_MS = 5
# Auto-converge that is armed but idle may show as 1 %.
DORMANT_PERCENT = 1
AROUND_NS = 700_000_000


# --- the guest, before the migration -----------------------------------------

# How much of its work is seen first, in seconds of rewriting.
WARM_UP_S = 1.0
BOOT_S = 0.1
# Where in a guest's period the repetitions begin, far from one another.
STARTS = (0.25, 0.55, 0.85)


def work(watch):
    """[(guest's clock in s, pages rewritten so far, host's in ns)]"""
    found = []
    for line in watch.lines("W "):
        match = WORK.fullmatch(line.text)
        if match:
            found.append((int(match[2]) / 1e6, int(match[1]), line.host_ns))
    return sorted(found)


def warm_up(guest, case, repetition):
    """Waits until enough was seen, and for this repetition's phase."""
    if not case.ratio:
        time.sleep(BOOT_S)
        return
    first = work_point(guest, 0)[0] + BOOT_S
    start = first + WARM_UP_S
    if case.period_s:
        offset = STARTS[repetition % len(STARTS)] * case.period_s
        start = offset
        while case.busy_s(first, start) < WARM_UP_S:
            start += case.period_s
    guest.watch.wait_for(lambda: work_point(guest, -1)[0] >= start,
                         start * 3 + 20, "the guest's clock stands still")


def work_point(guest, index):
    guest.watch.wait_for(lambda: work(guest.watch), 20, "no work is done")
    return work(guest.watch)[index]


# --- the guest, during it ----------------------------------------------------

def work_lost(case, points, begin_ns, end_ns):
    """
    How much of its work the guest did not get done while memory was copied,
    against its own rate before; in seconds of rewriting. None: not known.
    """
    before = [p for p in points if p[2] < begin_ns][2:]
    during = [p for p in points if begin_ns <= p[2] <= end_ns]
    if len(before) < 5 or len(during) < 3:
        return None
    busy_before = case.busy_s(before[0][0], before[-1][0])
    busy = case.busy_s(during[0][0], during[-1][0])
    done = during[-1][1] - during[0][1]
    rate = (before[-1][1] - before[0][1]) / busy_before
    if busy <= 0 or rate <= 0:
        return None
    lost_s = busy - done / rate
    return {"rate_mib": round(rate / 256, 2), "busy_s": round(busy, 3),
            "pages": done, "lost_s": round(lost_s, 3),
            "lost_share": round(lost_s / busy, 4)}


def gaps(beats):
    """
    The guest's silence across the switchover, and its longest one around it,
    which may be the throttle's: 90 ms at a time at 90 %.
    """
    pairs = list(zip(beats, beats[1:]))
    across = next(((a, b) for a, b in pairs if a.source != b.source), None)
    if not across:
        return {"gap_ms": None, "gap_around_ms": None}
    arrival = across[1].host_ns
    longest = max(b.host_ns - a.host_ns for a, b in pairs
                  if abs(b.host_ns - arrival) <= AROUND_NS)
    return {"gap_ms": round((arrival - across[0].host_ns) / 1e6, 2),
            "gap_around_ms": round(longest / 1e6, 2)}


# --- the events --------------------------------------------------------------

def phase_ms(outcome, names, otherwise):
    return next((e["mono_ms"] for e in outcome.of("phase")
                 if e["to"] in names), otherwise)


def copying_ms(outcome):
    """When copying began and when the guest was stopped, or it was undone."""
    last = outcome.events[-1]["mono_ms"]
    begin = phase_ms(outcome, ("precopy",), last)
    return begin, phase_ms(outcome, ("switchover", "rollback"), last)


def throttled(outcome):
    """Peak in percent, guest time taken (s), and when it last rose (ms)."""
    peak, taken, rose, before = 0, 0.0, None, None
    for sample in outcome.of("sample"):
        percent = sample["throttle_percent"] or 0
        percent = percent if percent > DORMANT_PERCENT else 0
        if before:
            last = before["throttle_percent"] or 0
            last = last if last > DORMANT_PERCENT else 0
            taken += last / 100 * (sample["mono_ms"] - before["mono_ms"]) / 1e3
            if percent > last:
                rose = sample["mono_ms"]
        peak, before = max(peak, percent), sample
    return {"peak_percent": peak, "taken_s": round(taken, 3),
            "rose_ms": rose}


def given_up(outcome, rose_ms):
    """
    Passes and seconds from the last use of a lever to giving up; the end of
    the first pass is when it could be known at the earliest. A gate that was
    opened is given beside it: that may have been worth waiting for, too.
    """
    passes = [e["mono_ms"] for e in outcome.of("pass")]
    ends = [e["mono_ms"] for e in outcome.of("decision")
            if e["action"] == "give-up"]
    end = ends[-1] if ends else outcome.events[-1]["mono_ms"]
    pulled = [e["mono_ms"] for e in outcome.of("decision")
              if e["action"] == "throttle"]
    opened = [e["mono_ms"] for e in outcome.of("decision")
              if e["action"] == "open-gate"]
    since = max([rose_ms or 0, *pulled, *passes[:1]])
    return {"passes": sum(since < p <= end + SAME_MS for p in passes),
            "seconds": round((end - since) / 1e3, 3),
            "after_gate_s": round((end - opened[-1]) / 1e3, 3) if opened
            else None}


# --- the forecast ------------------------------------------------------------

FORECAST_PASS = 3
NEVER = 0.1


def middle(value):
    """A number, or the median of {p50, p90}."""
    return value.get("p50") if isinstance(value, dict) else value


def read_forecast(event, elapsed_ms):
    """What an event predicts: members of its `forecast`, or forecast_*."""
    said = {name[len("forecast_"):]: value for name, value in event.items()
            if name.startswith("forecast_")}
    if isinstance(event.get("forecast"), dict):
        said.update(event["forecast"])
    total, left_s = middle(said.get("total_ms")), middle(said.get("seconds"))
    if total is None and left_s is not None:
        total = elapsed_ms + left_s * 1e3
    chance = said.get("p_converge", event.get("p_converge"))
    converges = said.get("converges")
    if converges is None and chance is not None:
        converges = chance >= NEVER
    return {"total_ms": total, "blackout_ms": middle(said.get("blackout_ms")),
            "converges": converges}


def after_pass(outcome, number):
    """The pass, and what was decided at its end."""
    at = [e["mono_ms"] for e in outcome.of("pass")][number - 1:number]
    return [e for e in outcome.events if at and
            e["event"] in ("pass", "decision") and
            abs(e["mono_ms"] - at[0]) <= SAME_MS]


def forecast(outcome):
    """As made after the third pass; what that lacks, from the result."""
    found = {"pass": FORECAST_PASS, "total_ms": None, "blackout_ms": None,
             "converges": None}
    for event in after_pass(outcome, FORECAST_PASS):
        elapsed = event["mono_ms"] - outcome.events[0]["mono_ms"]
        predicted = read_forecast(event, elapsed)
        found.update((k, v) for k, v in predicted.items() if v is not None)
    if all(found[k] is None for k in ("total_ms", "blackout_ms",
                                      "converges")):
        predicted = (outcome.result or {}).get("forecast") or {}
        found = {"pass": "result", "total_ms": predicted.get("total_ms"),
                 "blackout_ms": predicted.get("blackout_ms"),
                 "converges": predicted.get("converges")}
    return found


# --- all of it ---------------------------------------------------------------

def passes_of(outcome):
    return [{name: event[name] for name in
             ("seconds", "sent_bytes", "remaining_bytes", "bandwidth_bps",
              "predicted_blackout_ms")} for event in outcome.of("pass")]


def decisions_of(outcome):
    begin, _ = copying_ms(outcome)
    return [{"at_s": round((e["mono_ms"] - begin) / 1e3, 3),
             "action": e["action"], "gate_ms": e["downtime_limit_ms"]}
            for e in outcome.of("decision")]


def why(result):
    error = result["error"]
    if not error:
        return result["decision"]
    return (error.get("cause") or [error["message"]])[-1]


def measure(case, guest, outcome):
    """The figures of a run that has ended with a result."""
    result, watch = outcome.result, guest.watch
    begin, end = copying_ms(outcome)
    throttle = throttled(outcome)
    converged = result["outcome"] == "migrated"
    return {
        "outcome": result["outcome"], "converged": converged,
        "total_s": round(result["total_ms"] / 1e3, 3),
        "copying_s": round((end - begin) / 1e3, 3),
        "bytes": result["transferred_bytes"],
        "blackout_ms": result["blackout_ms"],
        "blackout_uncertainty_ms": result["blackout_uncertainty_ms"],
        "qemu_downtime_ms": result["qemu_downtime_ms"],
        **gaps(watch.beats()),
        "passes": passes_of(outcome), "decisions": decisions_of(outcome),
        "throttle": throttle,
        "work": work_lost(case, work(watch), begin * 1e6, end * 1e6),
        "forecast": forecast(outcome),
        "given_up": None if converged else
        given_up(outcome, throttle["rose_ms"]),
        "why": why(result)}
