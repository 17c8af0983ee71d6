#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How policies get guests across that rewrite memory as it is copied.

For each repetition all policies of a case run back to back, in rotating
order, each on a fresh guest that starts at the same point of its period.
Everything is kept in one JSON file, written anew after each run: started
again with it, the bench goes on where it was. Ends with a table, and with
what the figures say about the claims made for `auto`.
"""
import argparse
import dataclasses
import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import convergence_beds as beds
import convergence_cases as cases
import convergence_measure as measure
import convergence_report as report

ENDED = ("migrated", "unconverged")
# Start, warm up, connect, check, end: what a run takes besides copying.
AROUND_RUN_S = 5


class Refused(Exception):
    """This build does not know the policy."""


class Ledger:
    """The JSON file: cases as they were run, and their runs."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.document = {"version": 1, "cases": {}, "runs": []}
        if os.path.exists(self.path):
            with open(self.path) as f:
                self.document = json.load(f)

    def admit(self, case):
        """Runs of another case by this name are none of this one."""
        known, runs = self.document["cases"], self.document["runs"]
        if known.get(case.name, case.as_dict()) != case.as_dict():
            print(f"{case.name} is not what it was; its runs are dropped")
            runs[:] = [r for r in runs if r["case"] != case.name]
        known[case.name] = case.as_dict()

    def has(self, key):
        return any(all(r[k] == v for k, v in key.items()) and
                   not r.get("broken") for r in self.document["runs"])

    def add(self, key, **record):
        runs = self.document["runs"]
        runs[:] = [r for r in runs
                   if any(r[k] != v for k, v in key.items())]
        runs.append(dict(key, **record))
        self.save()

    def save(self):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".new", "w") as f:
            json.dump(self.document, f, indent=1)
        os.replace(self.path + ".new", self.path)


def build_id():
    digest = hashlib.sha256(beds.harness.read(beds.harness.VMFERRY))
    return digest.hexdigest()[:12]


# --- one run -----------------------------------------------------------------

def options_of(case, policy, known):
    words = ["--max-blackout", str(case.budget_ms),
             "--deadline", str(case.deadline_s)]
    if policy != cases.DEFAULT:
        words += ["--policy", policy]
    if "--throttle" in known:
        words += ["--throttle", case.throttle]
    if "--xbzrle" in known:
        words += ["--xbzrle",
                  case.xbzrle if policy in cases.OURS else "off"]
    return words


def migrate(bed, guest, case, options):
    outcome = bed.migrate(guest, case, *options)
    if outcome.code == 2:
        raise Refused(outcome.text)
    if not outcome.result or outcome.result["outcome"] not in ENDED:
        raise RuntimeError(str(outcome))
    return outcome


def try_run(bed, case, policy, repetition, known):
    """The record of one migration of a fresh guest."""
    guest = bed.guest(case)
    try:
        measure.warm_up(guest, case, repetition)
        outcome = migrate(bed, guest, case, options_of(case, policy, known))
        record = measure.measure(case, guest, outcome)
        record["problems"] = bed.problems(guest)
        return record
    finally:
        bed.drop(guest)


def run(bed, case, policy, repetition, known):
    """The same, whatever happens; nothing of it is left."""
    load = os.getloadavg()[0]
    began = time.monotonic()
    try:
        record = try_run(bed, case, policy, repetition, known)
    except (AssertionError, LookupError, OSError, RuntimeError, ValueError,
            subprocess.SubprocessError) as e:
        record = {"broken": True, "problems": [f"{type(e).__name__}: {e}"]}
    record["problems"] += bed.sweep()
    record.update(load=round(load, 2), at=round(time.time()),
                  took_s=round(time.monotonic() - began, 1))
    return record


def summary_of(record):
    if record.get("broken"):
        return f"BROKEN: {record['problems'][0]}"
    words = f"{record['outcome']:12}{record['total_s']:6.1f} s"
    if record["converged"]:
        words += f", blackout {record['blackout_ms']:.1f} ms, guest " \
                 f"{report.text(record['gap_ms'])} ms"
    if record["throttle"]["peak_percent"]:
        words += f", throttled {record['throttle']['peak_percent']} %"
    return words + "".join(f"\n    {p}" for p in record["problems"])


# --- all of them -------------------------------------------------------------

def turns(chosen, policies, repeat, refused):
    """(case, policy, repetition) in the order in which they are run."""
    for round_, case in itertools.product(range(repeat), chosen):
        names = policies or case.policies
        for repetition in range(round_ * case.times,
                                (round_ + 1) * case.times):
            shift = repetition % len(names)
            for policy in [*names[shift:], *names[:shift]]:
                if policy not in refused:
                    yield case, policy, repetition


def bench(bed, ledger, args, known):
    refused, build = set(), build_id()
    for case, policy, repetition in turns(args.chosen, args.policy,
                                          args.repeat, refused):
        key = {"bed": bed.name, "case": case.name, "policy": policy,
               "repetition": repetition}
        if ledger.has(key):
            continue
        print(f"{case.name:24}{policy:14}{repetition + 1:3}  ", end="",
              flush=True)
        try:
            record = run(bed, case, policy, repetition, known)
        except Refused as e:
            refused.add(policy)
            print(f"left out: {e}")
            continue
        print(summary_of(record), flush=True)
        ledger.add(key, build=build, **record)


def known_options():
    return [o for o in ("--policy", "--throttle", "--xbzrle")
            if beds.takes(o)]


def settle_policies(parser, args, known):
    """Without --policy in this build there is but the one it has."""
    if "--policy" in known:
        return
    if args.policy and args.policy != [cases.DEFAULT]:
        parser.error(f"{beds.harness.VMFERRY} takes no --policy: only "
                     f"{cases.DEFAULT} can run")
    print(f"This build takes no --policy: {cases.DEFAULT} alone is run.")
    args.policy = [cases.DEFAULT]


def list_cases(args):
    most = 0
    for case in args.chosen:
        names = args.policy or case.policies
        runs = len(names) * args.repeat * case.times
        seconds = runs * (case.deadline_s + case.period_s + AROUND_RUN_S)
        most += seconds
        print(f"{case.name:24}{runs:4} runs, at most {seconds / 60:5.1f} "
              f"min: {report.describe(case.as_dict())}")
    print(f"{len(args.chosen)} cases, at most {most / 60:.0f} minutes")


def parse():
    parser = argparse.ArgumentParser(
        description="How policies get busy guests across.")
    parser.add_argument("--core", action="store_true",
                        help="the twelve core cases (the default)")
    parser.add_argument("--grid", action="store_true",
                        help="patterns x dirtying x phases x working sets x "
                        "links; hours")
    parser.add_argument("--case", action="append", metavar="NAME",
                        help="this case alone; a glob; may be given again")
    parser.add_argument("--policy", action="append", metavar="NAME",
                        help="this policy alone; may be given again")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    parser.add_argument("--out", metavar="FILE", help="the JSON file "
                        "(build/bench/convergence.json)",
                        default=os.path.join(beds.TOP, "build", "bench",
                                             "convergence.json"))
    parser.add_argument("--lab", action="store_true",
                        help="between two hosts over a shaped link (root)")
    parser.add_argument("--throttle", choices=("auto", "off"),
                        help="in all cases, whatever they say")
    parser.add_argument("--xbzrle", choices=("auto", "on", "off"),
                        help="for ours (off: the guest writes a line of each "
                        "page, which says too much for xbzrle)")
    parser.add_argument("--list", action="store_true",
                        help="what would run")
    parser.add_argument("--report", action="store_true",
                        help="no runs: the table of FILE")
    args = parser.parse_args()
    args.chosen = cases.choose(args.core, args.grid, args.case)
    changes = {name: getattr(args, name) for name in ("throttle", "xbzrle")
               if getattr(args, name)}
    args.chosen = [dataclasses.replace(c, **changes) for c in args.chosen]
    if not args.chosen:
        parser.error("no case is called that; --grid --list shows all")
    if args.lab and not beds.harness.IS_ROOT:
        parser.error("root is needed for the two hosts")
    return parser, args


def conclude(ledger):
    found = report.verdicts(ledger.document)
    ledger.document["verdicts"] = found
    ledger.save()
    report.show(ledger.document)
    print(ledger.path)
    return 1 if any(v["state"] == "FAIL" for v in found) else 0


def carry_out(parser, args):
    """Brings up what is needed, runs, takes all down, concludes."""
    known = known_options()
    settle_policies(parser, args, known)
    ledger = Ledger(args.out)
    for case in args.chosen:
        ledger.admit(case)
    bed = beds.TwoHosts() if args.lab else beds.Loopback()
    try:
        bench(bed, ledger, args, known)
    finally:
        bed.close()
    return conclude(ledger)


def main():
    parser, args = parse()
    # An end of any kind goes through what ends guests.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if args.list:
        list_cases(args)
        return 0
    if args.report:
        if not os.path.exists(args.out):
            parser.error(f"there is no {args.out}")
        return conclude(Ledger(args.out))
    program = beds.Program()
    try:
        return carry_out(parser, args)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here")
        return 130
    finally:
        program.remove()


if __name__ == "__main__":
    sys.exit(main())
