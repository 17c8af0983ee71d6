#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `vmferry forecast` says before a migration, and what comes of it.

Each guest is forecast, and then migrated as forecast, without a throttle: over
loopback, or between two hosts of the lab. Another one like it runs for a while
by itself and is forecast only. Printed are the errors of the forecasts, and
whether the rehearsal made the guest silent for longer than it is without.
"""
import argparse
import dataclasses
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
import convergence_beds as beds
import convergence_cases as cases
import convergence_measure as measure
import convergence_report as report

ALONE_S = 20
# QEMU does not sample pages of a guest that has less than 128 MiB.
SPARE_MIB = 136
# Twice what a forecast made after three passes may be off by.
TOTAL_OFF = tuple(2 * x for x in report.TOTAL_OFF)
BLACKOUT_OFF = tuple(2 * x for x in report.BLACKOUT_OFF)
SMALL_MS = 2 * report.SMALL_MS
GAP_MS = 20


class EvenCase(cases.Case):
    """
    A guest that may lose dirty bits, as it is not migrated. With the odd size
    of the others each sync of QEMU's TCG holds it up by 0.25 ms a MiB.
    """

    @property
    def memory(self):
        return f"{self.ws_mib + self.spare_mib}M"


def longest_ms(beats, begin_ns, end_ns):
    """The guest's longest silence between two moments."""
    within = [b.host_ns for b in beats if begin_ns <= b.host_ns <= end_ns]
    pairs = list(zip(within, within[1:]))
    return round(max((b - a for a, b in pairs), default=0) / 1e6, 2)


def ask(bed, guest, case):
    """(the answer, when it was asked for, and when it was there)"""
    begin = time.monotonic_ns()
    outcome = bed.forecast(guest, case, "--json", "--max-blackout",
                           str(case.budget_ms))
    end = time.monotonic_ns()
    answer = outcome.json()
    if outcome.code or not answer["asked"]:
        raise RuntimeError(str(outcome))
    return answer, begin, end


def foretell(bed, case):
    """One guest: forecast, then migrated."""
    guest = bed.guest(case)
    try:
        measure.warm_up(guest, case, 0)
        answer, begin, end = ask(bed, guest, case)
        outcome = bed.migrate(guest, case, "--max-blackout",
                              str(case.budget_ms), "--deadline",
                              str(case.deadline_s), "--throttle", "off",
                              "--xbzrle", case.xbzrle)
        done = measure.measure(case, guest, outcome)
        return {"answer": answer, "asked": answer["asked"],
                "took_s": round((end - begin) / 1e9, 1),
                **{name: done[name] for name in
                   ("passes", "converged", "total_s", "copying_s",
                    "blackout_ms", "why")},
                "problems": bed.problems(guest)}
    finally:
        bed.drop(guest)


def listen(bed, case):
    """Another one: alone, then forecast."""
    case = EvenCase(**dataclasses.asdict(case))
    guest = bed.guest(case)
    try:
        measure.warm_up(guest, case, 0)
        alone = time.monotonic_ns()
        time.sleep(ALONE_S)
        answer, begin, end = ask(bed, guest, case)
        beats = guest.watch.beats()
        return {"points": len(answer["points"]),
                "gap_alone_ms": longest_ms(beats, alone, begin),
                "gap_rehearsed_ms": longest_ms(beats, begin, end)}
    finally:
        bed.drop(guest)


def words_of(run):
    words = ""
    if "converged" in run:
        words += compared(run)
    if "gap_alone_ms" in run:
        words += f" silent for {run['gap_rehearsed_ms']:.1f} ms (alone " \
            f"{run['gap_alone_ms']:.1f})"
    return words


def compared(run):
    asked, answer = run["asked"], run["answer"]
    said = "never" if not asked["converges"] else \
        f"{asked['total_ms']['p50'] / 1e3:.1f} s, " \
        f"{asked['blackout_ms']['p50']:.0f} ms"
    came = f"{run['total_s']:.1f} s, {run['blackout_ms']:.0f} ms" \
        if run["converged"] else "stayed"
    return f"said {said:16} came {came:16} link " \
        f"{answer['bandwidth_bps'] / 1e6:.0f} MB/s, costs " \
        f"{answer['costs']['from']}"


def errors(runs, name, actual, small=0):
    both = [(r["asked"][name]["p50"], actual(r)) for r in runs
            if r["converged"] and r["asked"]["converges"]]
    return [0 if abs(answer - real) <= small else abs(answer / real - 1)
            for answer, real in both]


def conclude(runs):
    """Prints the claims; whether they hold."""
    moved = [r for r in runs if "converged" in r]
    right = sum(r["asked"]["converges"] == r["converged"] for r in moved)
    heard = [r for r in runs if "gap_alone_ms" in r]
    quiet = sum(r["gap_rehearsed_ms"] <= r["gap_alone_ms"] + GAP_MS
                for r in heard)
    held = [report.spread("total time", errors(
                moved, "total_ms", lambda r: r["total_s"] * 1e3), TOTAL_OFF),
            report.spread(f"blackout (more than {SMALL_MS} ms)", errors(
                moved, "blackout_ms", lambda r: r["blackout_ms"], SMALL_MS),
                BLACKOUT_OFF),
            (right >= report.NEVER_RIGHT * len(moved),
             f"converges or never: right in {right} of {len(moved)}"),
            (quiet == len(heard),
             f"no silence above the longest alone + {GAP_MS} ms: "
             f"{quiet} of {len(heard)}"),
            (not any(r["problems"] for r in moved), "every guest is whole")]
    print()
    for good, words in held:
        print(f"{'pass' if good else 'FAIL'}: {words}")
    return all(good for good, _ in held)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--case", action="append", metavar="NAME",
                        help="this case of the convergence bench; a glob")
    parser.add_argument("--lab", action="store_true",
                        help="between two hosts over a shaped link (root)")
    parser.add_argument("--only", choices=("forecasts", "silences"),
                        help="half of it")
    parser.add_argument("--out", metavar="FILE", default=os.path.join(
        beds.TOP, "build", "bench", "foretell.json"))
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    program = beds.Program()
    bed = beds.TwoHosts() if args.lab else beds.Loopback()
    runs = []
    try:
        for case in cases.choose(True, False, args.case):
            case = dataclasses.replace(case, spare_mib=SPARE_MIB)
            runs.append({"case": case.name})
            if args.only != "silences":
                runs[-1].update(foretell(bed, case))
            if args.only != "forecasts":
                runs[-1].update(listen(bed, case))
            print(f"{case.name:26}{words_of(runs[-1])}", flush=True)
    finally:
        bed.close()
        program.remove()
    os.makedirs(os.path.dirname(args.out), exist_ok=True)
    with open(args.out, "w") as f:
        json.dump(runs, f, indent=1)
    return 0 if conclude(runs) else 1


if __name__ == "__main__":
    sys.exit(main())
