#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The fault matrix: every cell once, and what became of the guest.

A cell is a fault in a phase; its name is FAULT/PHASE. Each ends with a guest
that is whole, in one place, with nothing left over, and that moves once more.
The book is build/fault/matrix.jsonl, or matrix-LANE.jsonl with --transport LANE,
which runs them all with the memory on another lane. --list prints the table;
--tenth runs the few that `make check` has time for.
"""
import signal
import sys

sys.dont_write_bytecode = True
import book
import cells
import ground
import holds
import labcells
from cells import (DEAD_MOVES, DEAD_STAYS, action, by_hand, ends, held,
                   journal_fails, moves, outside, refused, stays, wedged)
from holds import PHASES, POINTS

STAGES = ("connect", "discover", "preflight", "lock", "journal", "unit-hold",
          "guard", "launch", "prepare", "tunnel", "start", "precopy",
          "switch", "commit", "resume", "finish")
AFTER_COMMIT = ("commit.after", "commit.record", "resume.before",
                "resume.after", "resume.sent", "finish.before",
                "finish.after", "finish.quit")
INNER = ("switch.continue", "commit.record", "resume.sent", "finish.quit")
UNDONE = STAGES[3:14]


def row(fault, kind, before=None, precopy=None, switchover=None,
        committed=None, cleanup=None):
    """One line of the matrix; kind makes a cell's function of its point."""
    expected = dict(before=before, precopy=precopy, switchover=switchover,
                    committed=committed, cleanup=cleanup)
    return {f"{fault}/{phase}": (kind(POINTS[phase]), expected[phase])
            for phase in PHASES if expected[phase]}


def from_outside(fault):
    return lambda point: outside(point, fault)


def engines():
    """The engine dies, is asked to end, or hangs."""
    yield row("engine-killed", lambda p: action(p, "kill"), DEAD_STAYS,
              DEAD_STAYS, DEAD_STAYS, DEAD_MOVES, DEAD_MOVES)
    yield row("engine-and-guardian-killed", by_hand, DEAD_STAYS, DEAD_STAYS,
              DEAD_STAYS, DEAD_MOVES, DEAD_MOVES)
    for name, sig in (("INT", signal.SIGINT), ("TERM", signal.SIGTERM)):
        yield row(f"engine-SIG{name}",
                  from_outside(holds.signal_engine(sig)), stays(6), stays(6),
                  stays(6), moves(), moves())
    yield row("engine-stopped", wedged, DEAD_STAYS, DEAD_STAYS, DEAD_STAYS,
              DEAD_MOVES, DEAD_MOVES)
    yield row("engine-stalled", lambda p: action(p, "stall"), DEAD_STAYS,
              DEAD_STAYS, DEAD_STAYS, DEAD_MOVES, DEAD_MOVES)


def peers():
    """QEMUs and sshd."""
    yield row("source-killed", from_outside(holds.kill_source), ends(),
              ends(), ends(), moves(), moves())
    yield {"source-killed/complete":
           (outside("switch.after", holds.kill_source), moves())}
    yield row("destination-killed", from_outside(holds.kill_destination),
              stays(4), stays(4), stays(4), cells.a_person_decides(), ends())
    # A moment before COMMIT, where it may or may not be noticed.
    yield {"destination-killed/complete":
           (outside("switch.after", holds.kill_destination),
            cells.a_person_decides(4))}
    yield row("source-paused-2s", from_outside(holds.pause_source), moves(),
              moves(), moves(5, 0), moves(), moves())
    # The matrix has 10 where the network is lost; what is undone by hand of
    # the same kind is 4 today, with the guest just as safe.
    yield row("sessions-killed", from_outside(holds.kill_sessions),
              stays(10, 4), stays(10, 9, 4), stays(10, 9, 4), moves(),
              moves(0, 8))
    # What the stream alone goes by.
    for word, fault in (("killed", holds.kill_lane),
                        ("stopped", holds.stop_lane),
                        ("reset", holds.reset_lane)):
        # of a plain connection QEMU closes its end when it has all
        late = None if (word, ground.transport) == ("reset", "tcp") else \
            moves()
        yield row(f"lane-{word}", from_outside(fault), None, stays(4),
                  stays(4), late, late)
    yield row("sshd-down-3s", from_outside(holds.stop_sshd_for_a_while),
              stays(10, 9, 4), stays(10, 9, 4), stays(10, 9, 4), moves(),
              moves(0, 8))
    yield row("sshd-down", from_outside(holds.stop_sshd),
              stays(10, 9, 4), stays(10, 9, 4), stays(10, 9, 4), held(),
              moves(8))
    yield row("host-key-changed", from_outside(holds.change_host_key),
              stays(10, 9, 4), stays(10, 9, 4), stays(10, 9, 4), held(),
              moves(8))
    yield {"host-key-changed/at-the-start":
           (refused(cells.wrong_host_key), stays(10)),
           "nobody-listens/at-the-start":
           (refused(cells.nobody_listens), stays(10))}


def files():
    """Disks and journals."""
    # BEGIN PREP DEST MIGRATE SWITCH COMMIT DESTRUN DONE
    yield {"journal-full/at-the-start":
           (refused(cells.full_state_dir), stays(3)),
           "journal-EIO/at-the-start": (journal_fails("1+"), stays(3)),
           "journal-EIO/before": (journal_fails("2+"), stays(3, 4)),
           "journal-EIO/precopy": (journal_fails("5+"), stays(4)),
           "journal-EIO/switchover": (journal_fails("7+"), stays(4)),
           # COMMIT is what a recovery needs, and it is there
           "journal-EIO/committed": (journal_fails("8+"), moves(0, 8)),
           "journal-EIO/cleanup": (journal_fails("9+"), moves(0, 8)),
           "journal-EIO-once/before": (journal_fails("2"), stays(3, 4)),
           "journal-EIO-once/precopy": (journal_fails("5"), stays(4)),
           "journal-EIO-once/switchover": (journal_fails("7"), stays(4)),
           "journal-EIO-once/committed": (journal_fails("8"), moves(0, 8))}
    yield row("run-root-full", from_outside(holds.fill_run_root), moves(),
              moves(), moves(), moves(), moves())
    yield {"image-locked-by-another/committed":
           (cells.locked_image, stays(4))}


def misfits():
    """What does not fit together."""
    def without(device):
        def change(argv):
            at = next(i for i, w in enumerate(argv) if w.startswith(device))
            return argv[:at - 1] + argv[at + 1:]
        return cells.dest_args(change)

    def other(was, to):
        return cells.dest_args(
            lambda argv: [to if w == was else w for w in argv])

    yield {"machine-differs/at-the-start":
           (refused(other("pc", "pc-i440fx-6.2")), stays(3)),
           "memory-differs/at-the-start":
           (refused(other("131080K", "65544K")), stays(3, 4)),
           "device-missing/switchover":
           (refused(without("virtio-rng-pci")), stays(3, 4)),
           # QEMU itself does not notice: its IDE controller has the state
           "disk-missing/at-the-start":
           (refused(without("ide-hd")), stays(3, 4)),
           "monitor-busy/at-the-start": (cells.monitor_taken, stays(11)),
           "monitor-silent/at-the-start":
           (cells.monitor_says(None), stays(3, 11)),
           "monitor-malformed/at-the-start":
           (cells.monitor_says(b'{"QMP": 7}\r\n'), stays(3)),
           "monitor-truncated/at-the-start":
           (cells.monitor_says(b'{"QMP": {"ver'), stays(3)),
           "clock-jumps/precopy": (cells.clock_jumps, moves())}


def guests():
    """The guest does something by itself."""
    yield row("guest-shuts-down", from_outside(holds.power_off()), ends(),
              ends())
    # The source must not come back for it; it did move.
    yield {"guest-shuts-down/cleanup": (
        outside(POINTS["cleanup"], holds.power_off("destination")),
        ends(0, 8, 12))}
    yield row("guest-resets", from_outside(holds.reset_guest), moves(),
              moves())


def points():
    """Each named point as a kill and as an error."""
    names = [f"{s}.{w}" for s in STAGES for w in ("before", "after")]
    for point in [*names, *INNER]:
        late = point in AFTER_COMMIT
        yield {f"{point}/kill": (action(point, "kill"),
                                 DEAD_MOVES if late else DEAD_STAYS),
               f"{point}/error": (action(point, "error"), error_at(point))}
    for stage in UNDONE:
        fault = f"commit.before:error,{stage}.undo"
        yield {f"{stage}.undo/kill": (action(fault, "kill"), DEAD_STAYS),
               f"{stage}.undo/error": (action(fault, "error"),
                                       stays(4, 7, 9))}


def second_tries():
    """The same once more, for a migration that was turned back."""
    # with nothing copied yet it ends as the first did
    early = ("launch.before", "launch.after", "prepare.after")
    for point in (*early, "start.after", "switch.before", "commit.record"):
        late = point in AFTER_COMMIT
        # the first try does not get so far
        visit = 1 if late else 2
        for word, expect in (("kill", DEAD_MOVES if late else DEAD_STAYS),
                             ("stall", DEAD_MOVES if late else DEAD_STAYS),
                             ("error", stays(5) if point in early
                              else error_at(point))):
            yield {f"second-{point}/{word}": (
                cells.second_try(point, word, visit), expect)}
    yield {"second-switch.budget/error": (cells.turned_back_twice, stays(5)),
           "second-launch/taken": (cells.taken_over_there, stays(5))}
    for stage in UNDONE[UNDONE.index("launch"):UNDONE.index("commit")]:
        fault = f"switch.budget:error,{stage}.undo"
        yield {f"second-{stage}.undo/kill": (action(fault, "kill"),
                                             DEAD_STAYS),
               f"second-{stage}.undo/error": (action(fault, "error"),
                                              stays(5, 9))}


def error_at(point):
    if point in AFTER_COMMIT:
        return moves(0, 7, 8)
    if STAGES.index(point.split(".", 1)[0]) < 3:
        return stays(3, 10)
    return stays(3, 4)


TENTH = ("engine-killed/switchover", "engine-killed/committed",
         "engine-and-guardian-killed/switchover", "engine-SIGINT/switchover",
         "engine-stopped/switchover", "source-killed/complete",
         "destination-killed/switchover", "sessions-killed/precopy",
         "sessions-killed/committed", "journal-EIO/switchover",
         "image-locked-by-another/committed", "monitor-busy/at-the-start",
         "switch.continue/kill", "resume.sent/kill", "finish.quit/kill",
         "launch.after/kill", "start.undo/kill", "reset/committed",
         "second-launch.after/kill")


def table():
    """{name: (function, Expect)}, in order."""
    found = {}
    for group in (engines, peers, files, misfits, guests, points,
                  second_tries):
        for part in group():
            found.update(part)
    return found


def print_table(all_cells):
    for name, (_, expect) in all_cells.items():
        codes = "killed" if expect.codes == cells.KILLED else \
            " or ".join(map(str, expect.codes))
        print(f"{name:44}{' or '.join(sorted(expect.owners)):14}{codes}"
              f"{', a person decides' if expect.person else ''}")


def again_line(name):
    lane = "" if ground.transport == "ssh" else \
        f"--transport {ground.transport} "
    return f"tests/fault/matrix.py {lane}-k '{name}'"


def main():
    p = book.parser(__doc__)
    p.add_argument("--tenth", action="store_true",
                   help="a fixed choice, in less than two minutes")
    p.add_argument("--list", action="store_true", help="print the table")
    p.add_argument("--no-lab", action="store_true",
                   help="without the cells that need two hosts")
    p.add_argument("--transport", choices=sorted(ground.TRANSPORTS),
                   default="ssh", help="what carries the memory")
    args = p.parse_args()
    ground.transport = args.transport
    here, there = table(), labcells.table()
    if args.list:
        print_table({**here, **there})
        return 0
    chosen = [n for n in [*here, *there]
              if (not args.only or args.only in n) and
              (not args.tenth or n in TENTH) and
              (not args.no_lab or n in here)]
    book.need(faults=True)
    pages = book.Book("matrix" if args.transport == "ssh" else
                      f"matrix-{args.transport}", args)
    try:
        run(pages, here, ground.Ground, [n for n in chosen if n in here])
        run(pages, there, labcells.LabGround,
            [n for n in chosen if n in there])
        return pages.totals(set(chosen))
    except KeyboardInterrupt:
        print(f"stopped after {len(pages.now)} cells; call it again to go on")
        return 130


def run(pages, all_cells, make_place, names):
    names = [n for n in names if not pages.done(n)]
    if not names:
        return
    place = make_place()
    try:
        book.run_all(pages, place, [
            (n, lambda n=n: all_cells[n][0](place, all_cells[n][1]))
            for n in names], again_line)
    finally:
        place.close()


if __name__ == "__main__":
    sys.exit(main())
