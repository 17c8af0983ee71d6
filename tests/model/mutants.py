# SPDX-License-Identifier: MIT
"""The same protocol with one thing left out; each must be caught."""
import collections

# the features without which it could not show
Mutant = collections.namedtuple("Mutant", "name features flag patch")


def says(verdict, journal=None, source=None, dest=None, column="verdict"):
    """A patch of the answers: sets of words (None: any) → another one."""
    def patch(r):
        if ((journal is None or r["journal"] in journal) and
                (source is None or r["source"] in source) and
                (dest is None or r["destination"] in dest)):
            r[column] = verdict
    return patch


def ran_on(verdict, source, dest):
    """A patch of the answers behind a SEEN of the source."""
    def patch(r):
        if (r["journal"] == "COMMIT" and r["source_ran"] == "1" and
                r["source"] in source and r["destination"] in dest):
            r["verdict"] = verdict
    return patch


def early_abort(r):
    if r["journal"] == "COMMIT" and r["source"] == "postmigrate":
        r.update(ignores=True, verdict="abort")


def early_choice(r):
    if r["verdict"] == "person" and r["source"] == "runs":
        r["ignores"] = True


def flagged(name, flag, *features):
    return Mutant(name, features, flag, None)


def patched(name, patch, *features):
    return Mutant("verdict: " + name, features, None, patch)


MUTANTS = [
    flagged("the destination starts without -S", "no_S"),
    flagged("`cont` is sent before COMMIT is durable", "cont_first"),
    flagged("COMMIT without waiting for the source", "no_wait"),
    flagged("the source resumes when the answer is lost", "resume"),
    flagged("no fence before the destination is asked", "no_fence"),
    flagged("rollback does not see the destination gone", "rb_blind"),
    flagged("rollback is not recorded", "rb_silent"),
    flagged("undo is not recorded", "undo_silent"),
    flagged("a held run is never looked at again", "hold_dead"),
    flagged("a user's pause is forgotten", "forget_pause"),
    flagged("recovery trusts a source that nobody watched", "trusting"),
    patched("COMMIT is aborted",
            says("abort", {"COMMIT"}, {"postmigrate"})),
    patched("forward without COMMIT, source alive",
            says("forward", {"SWITCH"},
                 {"device", "postmigrate", "moving", "runs"}, {"paused"})),
    patched("forward without COMMIT, source unknown",
            says("forward", {"SWITCH"}, {"unknown"}, {"paused"})),
    patched("taken back from a destination that is gone",
            says("take-back", {"COMMIT"}, {"postmigrate"}, {"gone"})),
    patched("an unreachable destination counts as gone",
            says("abort", {"ROLLBACK"}, {"postmigrate"}, {"unknown"})),
    patched("forward after the undo has begun",
            says("forward", {"ABORTING"}, {"gone"}, {"paused"})),
    patched("DESTRUN is aborted",
            says("abort", {"DESTRUN"}, {"postmigrate"})),
    patched("a finished destination is quit",
            says("lost", {"COMMIT"}, None, {"runs"})),
    patched("an abort is held for ever",
            says("hold", {"SWITCH"}, {"postmigrate"})),

    flagged("the mirrors are not finished before COMMIT", "sync_never",
            "mirror"),
    flagged("a mirror's error is not looked at", "sync_blind", "mirror"),
    flagged("DISKS_SYNCED is not recorded", "sync_silent", "mirror", "watch"),

    flagged("`cont` before the source is in post-copy for good", "hasty",
            "postcopy"),
    flagged("post-copy without pause-before-switchover", "no_gate",
            "postcopy"),
    flagged("COMMIT after POSTCOPY", "commit_again", "postcopy", "force"),
    flagged("the undo of a lost post-copy leaves the source", "lost_alive",
            "postcopy"),
    patched("the source goes on after post-copy",
            says("abort", {"POSTCOPY"}, {"postmigrate"}), "postcopy"),
    patched("a dead destination gives the guest back after post-copy",
            says("take-back", {"POSTCOPY"}, {"postmigrate"}, {"gone"}),
            "postcopy"),
    patched("the source is quit before its memory has gone over",
            says("finish", {"POSTCOPY"}, {"postcopy"}, {"postcopy"}),
            "postcopy"),
    patched("a broken post-copy is left alone",
            says("hold", {"POSTCOPY"}, {"postcopy"}, {"postcopy"}),
            "postcopy"),

    flagged("a pause during the copy is not noted", "deaf", "pause"),
    flagged("going forward though the source was seen to resume",
            "half_watch", "watch"),

    patched("continued though the destination is unknown",
            says("take-back", {"COMMIT"}, {"postmigrate"}, {"unknown"},
                 "continue"), "force"),
    patched("continued though the destination is unknown, by hand",
            says("abort", {"COMMIT"}, {"postmigrate"}, {"unknown"},
                 "continue"), "force"),
    patched("continued though the destination runs",
            says("take-back", {"COMMIT"}, {"postmigrate"}, {"runs"},
                 "continue"), "force"),
    patched("continued after post-copy",
            says("take-back", {"POSTCOPY"}, {"postmigrate", "postcopy"},
                 {"gone"}, "continue"), "force", "postcopy"),
    patched("discarded though the source runs",
            says("forward", None, {"runs"}, {"paused"}, "discard"), "force"),
    patched("discarded though the source is unknown",
            says("forward", None, {"unknown"}, {"paused"}, "discard"),
            "force"),
    patched("discarded for a destination that is gone",
            says("finish", {"COMMIT"}, {"postmigrate"}, {"gone"},
                 "discard"), "force"),

    patched("the destination is not asked after COMMIT", early_abort,
            "early"),
    patched("the destination is not asked about a person's choice",
            early_choice, "early", "force"),
    flagged("the guardian does not wait for the lock", "no_lock", "guardian"),
    flagged("the journal is read before the lock is taken", "read_first",
            "guardian"),

    flagged("a source that is not seen from elsewhere is gone", "any_proc",
            "elsewhere"),
    flagged("a source that is not seen from elsewhere has been quit",
            "any_proc_finish", "elsewhere"),
    flagged("a destination that is not seen from elsewhere is gone",
            "any_proc_dst", "elsewhere", "force"),
    flagged("a COMMIT in doubt counts as not written", "doubt_ignored",
            "doubt"),
    flagged("a source that was seen to run on is not noted", "unnoted",
            "stray"),
    patched("forward though the source was seen to run on",
            ran_on("forward", {"gone", "postmigrate"}, {"paused"}), "stray"),
]
