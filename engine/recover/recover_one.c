/* SPDX-License-Identifier: MIT */
/*
 * recover_one: finishes a run that nobody drives any more, or undoes it.
 *
 * Theory of operation. The journal says how far the run can have come. Both
 * sides are asked what they are now, over fresh connections to their monitors:
 * a greeting is a fence, after which no command of the dead engine can take
 * effect. The pure table of verdict.h turns the three into what to do, and the
 * doing is that of the stages themselves: an abort walks their undo, going
 * forward is their resume and finish. Nothing is started or killed while a side
 * that might own the guest cannot be asked.
 *
 * A guest whose source is gone may have been started there again, by its unit
 * at a boot or by somebody: then what the destination holds is old.
 *
 * Once the source is as it was the guest is anybody's (takeover.h): the source
 * is neither asked nor commanded any more, and where the guest is by then may
 * not be this run's to say.
 */
#include "engine/recover/recover_one.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/recover/observe.h"
#include "engine/recover/recover_report.h"
#include "engine/run/connect.h"
#include "engine/run/finish.h"
#include "engine/run/launch.h"
#include "engine/run/lock.h"
#include "engine/run/prepare.h"
#include "engine/run/ram.h"
#include "engine/run/reach.h"
#include "engine/run/restore.h"
#include "engine/run/run.h"
#include "engine/run/run_events.h"
#include "engine/run/run_journal.h"
#include "engine/run/run_token.h"
#include "engine/run/switchover.h"
#include "engine/run/twin.h"
#include "engine/run/unit_hold.h"
#include "engine/state/journal.h"
#include "engine/state/recording.h"
#include "qmp/json.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

enum {
	SETTLE_MS = 30000,
	WARM_PING_MS = 1000,
};

static void did(struct recovering *c, const char *what)
{
	log_info(NULL, "recover: %s", what);
	strv_push(&c->out->did, what);
}

/* --- asking the source --------------------------------------------------- */

/* A host that answers, yet is not the one that it should be, is named. */
static enum side_state not_known(struct recovering *c, enum journal_side side,
				 struct err *why)
{
	if (err_has(why, ERR_FAILED))
		err_move(&c->doubt[side], why);
	return SIDE_UNKNOWN;
}

static enum side_state ask_source(struct recovering *c)
{
	struct run *r = c->run;
	AUTO_ERR struct err e = { 0 };
	enum migration_status status;
	int alive;

	alive = reach_source_alive(r, run_qmp_deadline(), &e);
	if (alive <= 0)
		return alive ? not_known(c, JOURNAL_SOURCE, &e) : SIDE_GONE;
	/* its monitor is for the holder of the guest's lock */
	if (c->own.rest || connect_open_source(r, NULL) < 0)
		return SIDE_UNKNOWN;
	return observe_source(r->src.qmp, &status);
}

/* --- asking the destination ---------------------------------------------- */

/* The connection that is open, if it still answers. */
static struct host *take_warm(struct recovering *c)
{
	struct host *h = c->warm ? STEAL(*c->warm) : NULL;

	if (h && host_ping(h, mono_in_ms(WARM_PING_MS), NULL) == 0)
		return h;
	host_close(h);
	return NULL;
}

static enum side_state ask_destination(struct recovering *c)
{
	struct run *r = c->run;
	AUTO_ERR struct err e = { 0 };
	int alive;

	if (reach_restore(r, take_warm(c), &e) < 0)
		return not_known(c, JOURNAL_DESTINATION, &e);
	if (!r->dest.made || reach_destination_rebooted(r))
		return SIDE_GONE;
	if (r->dest.pid <= 0)
		/* a launch that was cut short: if at all, it waits */
		return SIDE_MOVING;
	alive = reach_destination_alive(r, run_qmp_deadline(), &e);
	if (alive <= 0)
		return alive ? not_known(c, JOURNAL_DESTINATION, &e)
			     : SIDE_GONE;
	if (switchover_reopen(r, NULL) < 0)
		return SIDE_UNKNOWN;
	return observe_destination(r->dst.qmp);
}

/* It may hold all of the guest. */
static bool may_be_filled(enum journal_record j)
{
	return j == JOURNAL_SWITCH || j == JOURNAL_DISKS_SYNCED ||
	       j == JOURNAL_POSTCOPY || j == JOURNAL_COMMIT ||
	       j == JOURNAL_ROLLBACK;
}

/*
 * What the destination was sent may still lie in its socket, and may be the
 * only copy: it is left until it has come to the end of its stream.
 */
static enum side_state settle(struct recovering *c, enum side_state s)
{
	if (c->out->source != SIDE_GONE || s != SIDE_MOVING ||
	    !c->run->dst.qmp || !may_be_filled(c->out->journal))
		return s;
	s = observe_loading(c->run->dst.qmp, mono_in_ms(SETTLE_MS));
	/* one that was sent too little ends */
	if (s == SIDE_UNKNOWN &&
	    reach_destination_alive(c->run, run_qmp_deadline(), NULL) == 0)
		return SIDE_GONE;
	return s;
}

static void look_at_destination(struct recovering *c)
{
	if (c->asked)
		return;
	c->asked = true;
	c->out->destination = settle(c, ask_destination(c));
}

/* --- acting -------------------------------------------------------------- */

static int undo(struct recovering *c, const char *what,
		int (*step)(struct run *r, struct err *err))
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	if (step(c->run, &e) == 0) {
		did(c, what);
		return 0;
	}
	text = err_text(&e);
	run_leftover(c->run, "%s", text);
	return -1;
}

static void leave_in_doubt(struct recovering *c)
{
	const struct run *r = c->run;
	AUTO_FREE char *why = err_text(&c->doubt[JOURNAL_DESTINATION]);
	AUTO_FREE char *rest = launch_rest(r);

	run_leftover(c->run, "%s; where the run was begun there may be %s", why,
		     rest);
}

/*
 * Removes what the run started on the destination; on another machine than it
 * was started on, by the same name, nothing is touched.
 */
static void clean_destination(struct recovering *c)
{
	struct run *r = c->run;
	AUTO_FREE char *rest = NULL;

	look_at_destination(c);
	if (!r->dest.made && !run_token_may_go(r))
		return;
	rest = launch_rest(r);
	if (r->dst.host)
		(void)undo(c, "what was started on the destination is gone",
			   launch_undo);
	else if (c->doubt[JOURNAL_DESTINATION].kind == ERR_NONE)
		run_leftover(r, "%s cannot be reached; there may be %s",
			     c->destination, rest);
	else
		leave_in_doubt(c);
}

/* The source, running or gone, is its unit's again. */
static void release_unit(struct recovering *c)
{
	if (c->run->source.restarts)
		(void)undo(c, "its unit may restart it again", unit_hold_undo);
}

/* Once it is noted that the source needs nothing more, others may have it. */
static void put_source_back(struct recovering *c)
{
	struct run *r = c->run;
	int started, prepared;

	if ((c->out->source == SIDE_GONE || c->twin) && !c->own.rest)
		release_unit(c);
	if (!r->src.qmp || c->out->source == SIDE_GONE)
		return;
	started = undo(c, "the source goes on as it was", ram_undo);
	prepared = undo(c, "its migration settings are back", prepare_undo);
	if (started == 0)
		release_unit(c);
	if (started == 0 && prepared == 0 && !r->source.unsure &&
	    !run_events_source_gone(r) && run_journal_source_back(r) == 0)
		takeover_let_go(&c->own, r);
}

/* The journal does not grow with each try to clean up. */
static int begin_undo(struct recovering *c, struct err *err)
{
	return c->out->journal == JOURNAL_ABORTING
		       ? 0
		       : run_journal_write(c->run, JOURNAL_ABORTING, err);
}

/*
 * Whether the guest may have left since it was back. A later run has a journal
 * until it has ended, and leaves no source behind when it ended elsewhere: so
 * the source is looked at last.
 */
static bool may_have_left(const struct recovering *c)
{
	struct run *r = c->run;
	const struct unfinished_asker asker = {
		.uid = r->source.guest.uid,
		.key = r->id.key,
		.guest = guest_label(&r->source.guest),
		.here = &r->src.facts.space,
	};
	AUTO_STRV struct strv rests = { .v = NULL };

	return unfinished_look(run_state(r), &asker, &rests, NULL) !=
		       UNFINISHED_NONE ||
	       reach_source_alive(r, run_qmp_deadline(), NULL) != 1;
}

static void report_source(struct recovering *c)
{
	struct result *res = c->run->result;

	if (c->out->source == SIDE_GONE || (c->own.rest && may_have_left(c))) {
		did(c, "the guest had gone back to the source, and has ended "
		       "or moved on since");
		res->owner = OWNER_UNKNOWN;
		return;
	}
	res->owner = OWNER_SOURCE;
	res->owner_pid = c->twin ? c->twin : c->run->source.guest.pid;
	if (c->out->source == SIDE_RUNS)
		res->state = "RUNNING";
}

/* The source goes on; nothing of the run stays on the destination. */
static int do_abort(struct recovering *c, struct err *err)
{
	struct run *r = c->run;

	if (begin_undo(c, err) < 0)
		return -1;
	put_source_back(c);
	if (r->source.unsure)
		return err_set(err, ERR_UNDECIDED,
			       "%s was not seen running on the source again",
			       guest_label(&r->source.guest));
	clean_destination(c);
	report_source(c);
	if (!c->out->result.leftovers.n)
		run_journal_note(r, JOURNAL_ABORTED);
	return 0;
}

/* `cont` was refused: first the destination is seen gone, then it goes on. */
static int do_take_back(struct recovering *c, struct err *err)
{
	if (c->run->dest.made && launch_undo(c->run, err) < 0)
		return -1;
	did(c, "the destination's QEMU is gone");
	return do_abort(c, err);
}

static int do_finish(struct recovering *c, struct err *err)
{
	struct run *r = c->run;

	restore_committed(r);
	c->out->result.owner = OWNER_DESTINATION;
	c->out->result.owner_pid = r->dest.pid;
	c->out->result.state = r->source.facts.first_status.running &&
					       !c->opt.paused
				       ? "RUNNING"
				       : "PAUSED";
	if (c->out->journal != JOURNAL_DESTRUN)
		run_journal_note(r, JOURNAL_DESTRUN);
	if (finish_run(r, err) < 0 && !r->dest.ended)
		return -1;
	if (r->dest.ended) {
		err_reset(err);
		c->out->result.owner = OWNER_NONE;
		c->out->verdict = VERDICT_LOST;
	}
	if (!c->out->result.leftovers.n)
		did(c, "the source has ended and names have moved");
	return 0;
}

static int do_forward(struct recovering *c, struct err *err)
{
	struct run *r = c->run;

	if (c->out->journal != JOURNAL_COMMIT &&
	    run_journal_write(r, JOURNAL_COMMIT, err) < 0)
		return -1;
	restore_committed(r);
	if (switchover_resume(r, err) < 0) {
		/* refused and seen gone: there is the way back */
		return r->course.committed ? -1 : do_abort(c, err);
	}
	did(c, "the guest was started on the destination");
	c->out->journal = JOURNAL_DESTRUN;
	return do_finish(c, err);
}

static int do_lost(struct recovering *c, struct err *err)
{
	struct run *r = c->run;

	if (begin_undo(c, err) < 0)
		return -1;
	release_unit(c);
	clean_destination(c);
	c->out->result.owner = OWNER_NONE;
	if (!c->out->result.leftovers.n)
		run_journal_note(r, JOURNAL_ABORTED);
	return 0;
}

static int do_nothing(struct recovering *c, struct err *err)
{
	struct run *r = c->run;

	(void)err;
	c->out->result.owner = c->out->source == SIDE_GONE ? OWNER_NONE
							   : OWNER_SOURCE;
	c->out->result.owner_pid = r->source.guest.pid;
	return 0;
}

static int do_hold(struct recovering *c, struct err *err)
{
	struct err *doubt = &c->doubt[JOURNAL_SOURCE];

	c->run->result->owner = OWNER_UNKNOWN;
	if (doubt->kind == ERR_NONE)
		doubt = &c->doubt[JOURNAL_DESTINATION];
	if (doubt->kind == ERR_NONE) {
		err_set(err, ERR_UNDECIDED, "%s", c->why);
	} else {
		err_move(err, doubt);
		err_wrap(err, ERR_UNDECIDED, "%s", c->why);
	}
	if (err_hint_of(err))
		return -1;
	return err_hint(err, "run recover again once both hosts answer; never "
			     "`cont` both");
}

static int (*const actions[])(struct recovering *c, struct err *err) = {
	[VERDICT_NOTHING] = do_nothing,	    [VERDICT_ABORT] = do_abort,
	[VERDICT_FORWARD] = do_forward,	    [VERDICT_FINISH] = do_finish,
	[VERDICT_TAKE_BACK] = do_take_back, [VERDICT_LOST] = do_lost,
	[VERDICT_HOLD] = do_hold,	    [VERDICT_PERSON] = do_hold,
	[VERDICT_JOIN] = do_hold,
};
static_assert(ARRAY_SIZE(actions) == VERDICTS, "an action for each verdict");

/* --- one run ------------------------------------------------------------- */

static bool is_back(const struct recovering *c)
{
	return journal_value(&c->own.view, "source_back") != NULL;
}

static bool is_noted(const struct recovering *c, const char *member)
{
	return json_object_get_boolean(journal_value(&c->own.view, member));
}

/* By somebody else, since nothing of this run let it go on. */
static bool source_ran(const struct recovering *c)
{
	enum journal_record j = c->out->journal;

	if (j != JOURNAL_COMMIT && j != JOURNAL_ROLLBACK)
		return false;
	switch (c->out->source) {
	case SIDE_RUNS:
	case SIDE_PAUSED:
	case SIDE_MOVING:
	case SIDE_DEVICE:
	case SIDE_ENDED:
		return true;
	default:
		return false;
	}
}

/* It runs, or what it is now it became by running. */
static bool destination_ran(const struct recovering *c)
{
	switch (c->out->destination) {
	case SIDE_RUNS:
	case SIDE_DEVICE:
	case SIDE_POSTMIGRATE:
	case SIDE_ENDED:
		return true;
	default:
		return false;
	}
}

/*
 * Once the journal notes that the guest is back on the source, only what is
 * left over is removed. The source need not answer then: it counts as running.
 */
static struct verdict_input seen(const struct recovering *c)
{
	bool back = c->own.rest && is_back(c);

	return (struct verdict_input){
		.journal = c->out->journal,
		.source = back && c->out->source == SIDE_UNKNOWN
				  ? SIDE_RUNS
				  : c->out->source,
		.destination = c->out->destination,
		/* nobody saw whether it resumed when the engine died */
		.source_unwatched = true,
		.source_ran = is_noted(c, "source_ran") || source_ran(c),
		.destination_ran = is_noted(c, "destination_ran") ||
				   destination_ran(c),
	};
}

/*
 * The next recovery may find what ran paused, or gone: it is noted before
 * anybody hears of it. What is decided for good has a record of its own.
 */
static int note_what_ran(struct recovering *c, enum verdict v, struct err *err)
{
	if (v != VERDICT_HOLD && v != VERDICT_PERSON)
		return 0;
	if (source_ran(c) && !is_noted(c, "source_ran") &&
	    run_journal_seen(c->run, "source", err) < 0)
		return -1;
	if (destination_ran(c) && !is_noted(c, "destination_ran"))
		return run_journal_seen(c->run, "destination", err);
	return 0;
}

/*
 * A guest that went back to the source, and is not there now, was not lost by
 * this run: its user has ended or moved it since.
 */
static struct verdict_output moved_on(const struct recovering *c,
				      struct verdict_output answer)
{
	if (answer.verdict != VERDICT_LOST || !is_back(c))
		return answer;
	return (struct verdict_output){
		VERDICT_ABORT,
		"the guest had gone back to the source, and has ended or moved "
		"on since",
	};
}

/*
 * Before a destination that waits may be continued: whether the guest was
 * started on the source anew. Its ticks count from another boot after one.
 */
static void look_for_twin(struct recovering *c)
{
	struct run *r = c->run;
	struct recovery *out = c->out;
	const struct twin_of of = {
		.uid = r->source.guest.uid,
		.uuid = r->source.facts.uuid,
		.name = r->source.guest.name,
		.pid = r->source.guest.pid,
		.since_ticks = reach_source_rebooted(r) ? 0
							: r->source.begun_ticks,
		.run_root = r->src.facts.run_root,
	};
	AUTO_ERR struct err e = { 0 };

	if (c->own.rest || out->source != SIDE_GONE ||
	    out->destination != SIDE_PAUSED)
		return;
	c->twin = twin_of_gone(r->src.host, &of, mono_in_ms(RUN_SCRIPT_MS), &e);
	if (c->twin < 0) {
		out->source = SIDE_UNKNOWN;
	} else if (c->twin > 0) {
		out->source = SIDE_RUNS;
		err_set(&c->doubt[JOURNAL_SOURCE], ERR_FAILED,
			"it was started on %s again (pid %d)",
			r->src.facts.hostname, (int)c->twin);
		err_hint(&c->doubt[JOURNAL_SOURCE],
			 "vmferry recover %s --force-source=continue keeps "
			 "that one; to keep the destination's, end process %d, "
			 "then --force-source=discard",
			 r->id.name, (int)c->twin);
	}
}

/* Whatever the destination says, the source goes on. */
static bool is_sources_alone(const struct recovering *c)
{
	struct verdict_input in = seen(c);

	return verdict_decide(&in).verdict == VERDICT_ABORT &&
	       verdict_ignores_destination(&in);
}

/* A guest that is stopped is not kept waiting for the other host. */
static struct verdict_output decide(struct recovering *c)
{
	struct verdict_input in;

	if (!is_sources_alone(c)) {
		look_at_destination(c);
		look_for_twin(c);
	}
	in = seen(c);
	return c->choice == CHOICE_NONE ? verdict_decide(&in)
					: verdict_force(&in, c->choice);
}

/* What the source needs before any other host is spoken to. */
static int put_back_early(struct recovering *c, struct err *err)
{
	if (c->own.rest || c->choice != CHOICE_NONE || !is_sources_alone(c))
		return 0;
	restore_enter_rollback(c->run);
	if (begin_undo(c, err) < 0)
		return -1;
	put_source_back(c);
	return 0;
}

static int look_and_act(struct recovering *c, struct err *err)
{
	struct recovery *out = c->out;
	struct run *r = c->run;
	AUTO_ERR struct err closed = { 0 };
	struct verdict_output answer;

	if (takeover(&c->own, r, &closed, err) < 0)
		return -1;
	out->journal = journal_state(&c->own.view);
	out->source = ask_source(c);
	if (c->early)
		return put_back_early(c, err);
	answer = moved_on(c, decide(c));
	/*
	 * On a disk that takes no more a guest that is stopped is let go on
	 * all the same: the next recovery finds the same again.
	 */
	if (!r->held.journal && answer.verdict != VERDICT_ABORT &&
	    answer.verdict != VERDICT_HOLD &&
	    answer.verdict != VERDICT_PERSON) {
		err_move(err, &closed);
		return -1;
	}
	if (note_what_ran(c, answer.verdict, err) < 0)
		return -1;
	out->verdict = answer.verdict;
	c->why = answer.why;
	log_info(NULL, "recover: journal %s, source %s, destination %s: %s",
		 journal_record_name(out->journal),
		 side_state_name(out->source),
		 side_state_name(out->destination), verdict_name(out->verdict));
	restore_enter_rollback(r);
	return actions[out->verdict](c, err);
}

static bool is_settled(const struct recovering *c)
{
	return c->out->verdict != VERDICT_HOLD &&
	       c->out->verdict != VERDICT_PERSON &&
	       !c->run->result->leftovers.n;
}

void recover_one(struct recovering *c)
{
	struct result *res = &c->out->result;
	AUTO_ERR struct err err = { 0 };
	struct run *r = XNEW(struct run);
	int rc;

	c->run = r;
	task_shield();
	rc = restore_open(r, &c->opt, res, c->run_dir, &c->own.view, &err);
	free(res->run);
	res->run = xstrdup(r->id.name);
	free(res->source);
	res->source = xstrdup(r->src.facts.hostname);
	if (rc == 0)
		rc = look_and_act(c, &err);
	err_move(&res->error, &err);
	/* before its journal goes, so that none of both is missed */
	if (!c->own.finished && !c->early)
		recover_report_write(r, c->out, c->why);
	if (r->held.journal)
		run_journal_close(r, rc == 0 && !c->early && is_settled(c));
	(void)lock_release(r, NULL);
	task_unshield();
	recording_close(run_take_recording(r));
	run_close(r);
	free(r);
}

void recover_one_init(struct recovering *c, struct recovery *out)
{
	struct json_object *o;

	c->out = out;
	*out = (struct recovery){ .verdict = VERDICT_HOLD };
	result_init(&out->result);
	migrate_options_init(&c->opt);
	o = journal_value(&c->own.view, "guest");
	c->guest = xstrdup(o ? json_object_get_string(o) : "?");
	c->opt.guest = c->guest;
	o = journal_value(&c->own.view, "destination");
	c->destination = xstrdup(o ? json_object_get_string(o) : "?");
	c->opt.destination = c->destination;
	o = journal_value(&c->own.view, "paused");
	c->opt.paused = o && json_object_get_boolean(o);
	o = journal_value(&c->own.view, "become");
	c->becomes = o && !strcmp(json_object_get_string(o), "sudo");
}

void recover_one_fini(struct recovering *c)
{
	journal_view_free(&c->own.view);
	err_reset(&c->doubt[JOURNAL_SOURCE]);
	err_reset(&c->doubt[JOURNAL_DESTINATION]);
	free(c->guest);
	free(c->destination);
}
