/* SPDX-License-Identifier: MIT */
/*
 * finish: the guest runs on the destination; the source ends, names move.
 *
 * Nothing here can fail the migration: what cannot be done is named as left
 * over.
 */
#include "engine/run/finish.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/admit.h"
#include "engine/hosts/answer.h"
#include "engine/hosts/as_user.h"
#include "engine/hosts/name_use.h"
#include "engine/run/guard.h"
#include "engine/run/departed_names.h"
#include "engine/run/learn.h"
#include "engine/run/lock.h"
#include "engine/run/migrate_options.h"
#include "engine/run/prepare.h"
#include "engine/run/reach.h"
#include "engine/run/run_events.h"
#include "engine/run/run_journal.h"
#include "engine/run/run_mark.h"
#include "engine/run/run.h"
#include "engine/run/run_token.h"
#include "engine/run/socket_names.h"
#include "engine/run/switchover.h"
#include "engine/run/twin.h"
#include "engine/run/unit_hold.h"
#include "engine/state/journal.h"
#include "engine/state/moved.h"
#include "engine/state/state_dir.h"
#include "qmp/qmp.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/fault.h"
#include "transport/base/log.h"
#include "transport/base/path_part.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

enum { POLL_MS = 10 };

static void leftover_of(struct run *r, const struct err *e, const char *what)
{
	AUTO_FREE char *text = err_text(e);

	run_leftover(r, "%s: %s", what, text);
}

static void announce(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	if (strcmp(r->result->state, "RUNNING"))
		return;
	if (qmp_announce_self(r->dst.qmp, run_qmp_deadline(), &e) < 0) {
		AUTO_FREE char *text = err_text(&e);

		run_warn(r, "announce",
			 "the network was not told of the move: "
			 "%s",
			 text);
	}
}

/* Total time and downtime are filled in a moment after `completed`. */
static void read_totals(struct run *r)
{
	struct qmp_migrate_info info = { 0 };
	struct result *res = r->result;
	struct tunnel_stats t;

	if (qmp_query_migrate(r->src.qmp, &info, run_qmp_deadline(), NULL) ==
	    0) {
		if (info.downtime_ms >= 0)
			res->qemu_downtime_ms = (double)info.downtime_ms;
		if (info.has_ram) {
			res->transferred_bytes =
				(int64_t)info.transferred_bytes;
			res->passes = (int64_t)info.dirty_sync_count;
			r->attempt.link.copied_bytes =
				(double)info.downtime_bytes;
		}
	}
	qmp_migrate_info_free(&info);
	if (!r->attempt.tunnel)
		return; /* the one who carried it is dead */
	tunnel_stats(r->attempt.tunnel, &t);
	res->tunnel_bytes = (int64_t)(r->tries.spent_bytes + t.sent_bytes +
				      t.received_bytes);
	/* a source that died at the end did not say when it was done */
	if (mono_before(r->attempt.migrate_at, r->attempt.clock.completed_at))
		res->throughput_bps =
			(double)t.sent_bytes /
			mono_diff_ms(r->attempt.clock.completed_at,
				     r->attempt.migrate_at) *
			1e3;
}

/* 0 where it cannot be separated from the time of copying. */
static double fixed_ms(const struct run *r)
{
	/* downtime-bytes are of the stream */
	double bps = r->attempt.xbzrle_cache_bytes ? r->attempt.link.wire_bps
						   : r->attempt.link.bps;

	if (bps <= 0 || !r->attempt.clock.completed_at.us)
		return 0;
	return lessons_fixed_of(
		r->result->blackout_ms - r->tries.paused_ms,
		r->attempt.link.copied_bytes, bps,
		mono_diff_ms(r->attempt.clock.pre_switchover_at,
			     r->attempt.clock.stop_at) +
			mono_diff_ms(r->attempt.clock.resume_at,
				     r->attempt.clock.completed_at));
}

/* Teaches the next migration to that host what this one found. */
static void learn_pair(struct run *r)
{
	struct lesson lesson = {
		.overhead_ms = r->attempt.link.overhead_ms,
		.link_bps = r->opt->bandwidth_bps ? 0
						  : r->attempt.link.wire_bps,
	};

	if (!(r->result->blackout_ms > 0) || r->recovering)
		return;
	lesson.fixed_ms = fixed_ms(r);
	learn_keep(r, &lesson);
}

static int await_source_gone(struct run *r, struct err *err)
{
	struct mono until = mono_in_ms(RUN_QUIT_MS);

	while (mono_before(mono_now(), until)) {
		/* not knowing now is no answer yet */
		if (reach_source_alive(r, mono_in_ms(RUN_QMP_MS), NULL) == 0)
			return 0;
		if (task_sleep_until(mono_in_ms(POLL_MS), err) < 0)
			return -1;
	}
	return err_set(err, ERR_TIMEOUT, "it was not seen gone in %d s",
		       RUN_QUIT_MS / 1000);
}

static bool end_source(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	if (run_events_source_gone(r))
		return true;
	if (r->src.qmp && qmp_quit(r->src.qmp, run_qmp_deadline(), &e) < 0)
		log_warn("source", "quit failed: %s", e.message);
	err_reset(&e);
	if (fault_point("finish.quit", &e) == 0 &&
	    await_source_gone(r, &e) == 0)
		return true;
	leftover_of(r, &e, "the source's QEMU, which must not run again");
	return false;
}

/*
 * Names come from a command line that its user chose, so they are given, and
 * taken, with that user's rights: @words run in a shell of his. They go as one
 * quoted word, which no name can end.
 */
static void as_guest(struct buf *script, const struct run *r, uid_t login,
		     struct buf *words)
{
	struct as_user user;

	/* that user could type into our terminal */
	buf_printf(script, "setsid");
	as_user_words(script, reach_guest_user(r, login, &user));
	buf_printf(script, " sh -c ");
	quote_word(script, buf_data(words));
	buf_printf(script, "\n");
}

/* The words GUEST UUID PID KEY of moved.h. */
static void put_forgotten(struct buf *script, const struct run *r,
			  const struct moved *m)
{
	AUTO_FREE char *guest = answer_safe_value(m->guest);
	AUTO_FREE char *key = *m->guest ? path_part(m->guest) : xstrdup("");

	quote_word(script, guest);
	buf_printf(script, " ");
	quote_word(script, m->uuid);
	buf_printf(script, " %d ", (int)r->dest.pid);
	quote_word(script, key);
	buf_printf(script, "\n");
}

static void forget_in(struct buf *script, const struct run *r, const char *dir,
		      const struct moved *m)
{
	buf_printf(script, "forget ");
	quote_word(script, dir);
	buf_printf(script, " ");
	put_forgotten(script, r, m);
}

/*
 * The guest's user may have moved it away from there without root. Nobody waits
 * long for that user's home.
 */
static void forget_of_user(struct buf *script, const struct run *r,
			   const struct moved *m)
{
	AUTO_BUF struct buf words = { 0 };
	struct as_user user;

	if (!reach_guest_user(r, r->dst.facts.uid, &user))
		return;
	buf_printf(&words, "%s%sforget_own ", moved_forget_sh,
		   moved_forget_own_sh);
	put_forgotten(&words, r, m);
	buf_printf(script, "forget_of_user() {\n");
	as_guest(script, r, r->dst.facts.uid, &words);
	buf_printf(script, "}\nin_time forget_of_user\n");
}

/* sh: the guest is back, so that earlier marks of it on that host are wrong. */
static void forget_moves(struct buf *script, const struct run *r)
{
	const char *state = r->dst.facts.state_root;
	AUTO_FREE char *moved = state_dir_moved(state);
	AUTO_FREE char *away = state_dir_away(state);
	struct moved m = run_mark_of(r);

	buf_printf(script, "forget_moved() {\n:\n");
	if (run_mark_is_one(&m)) {
		forget_in(script, r, moved, &m);
		forget_in(script, r, away, &m);
		forget_of_user(script, r, &m);
	}
	buf_printf(script, "}\n");
	run_mark_free(&m);
}

/* A script that may be run twice: after a lost connection it is. */
static int run_over_there(struct run *r, const char *what, const char *script,
			  struct err *err)
{
	AUTO_BUF struct buf out = { 0 };

	if (r->dst.host && probe_script(r->dst.host, what, script, &out,
					mono_in_ms(RUN_SCRIPT_MS), err) == 0)
		return 0;
	if (r->dst.host && !err_has(err, ERR_NETWORK))
		return -1;
	err_reset(err);
	if (reach_reconnect(r, err) < 0)
		return -1;
	return probe_script(r->dst.host, what, script, &out,
			    mono_in_ms(RUN_SCRIPT_MS), err);
}

/* Once more over a fresh connection when the first one is lost. */
static void reset_destination(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	if (prepare_reset_destination(r, &e) == 0)
		return;
	err_reset(&e);
	if (switchover_reopen(r, &e) == 0 &&
	    prepare_reset_destination(r, &e) == 0)
		return;
	r->dest.ended = switchover_destination_gone(r);
	if (!r->dest.ended)
		leftover_of(r, &e, "migration settings on the destination");
}

extern const char publish_sh[];

/*
 * A recovery may come here late: then the names, and the lock, are left to
 * those that have them by now.
 */
static void publish(struct run *r)
{
	const struct guest *g = &r->source.guest;
	struct as_user user;
	/* a pid file of the source may still be there, as on a shared disk */
	const struct name_asker asker = {
		.user = reach_guest_user(r, r->dst.facts.uid, &user),
		.source = g->pid,
		.self = r->dest.pid,
	};
	AUTO_FREE char *records = state_dir_arrived(r->dst.facts.state_root);
	AUTO_FREE char *record = xasprintf("%s/%s", records, r->id.name);
	AUTO_ERR struct err e = { 0 };
	AUTO_BUF struct buf words = { 0 };
	AUTO_BUF struct buf script = { 0 };

	quote_assign(&script, "lock", r->dest.lock);
	quote_assign(&script, "dir", r->dest.dir);
	quote_assign(&script, "run", r->id.name);
	quote_assign(&script, "record", record);
	run_token_assign_gone(&script, r);
	buf_printf(&script, "pid=%d ticks=%llu\n%s%s", (int)r->dest.pid,
		   (unsigned long long)r->dest.ticks, admit_sh,
		   moved_forget_sh);
	name_use_begin(&script, &asker);
	departed_names_begin(&script, asker.user);
	buf_printf(&script, "give_names() {\n");
	socket_names_look(&script, &r->dest.plan.moves);
	socket_names_give(&words, &r->dest.plan.moves);
	as_guest(&script, r, r->dst.facts.uid, &words);
	buf_printf(&script, "}\n");
	forget_moves(&script, r);
	buf_printf(&script, "%s", publish_sh);
	if (run_over_there(r, "publish", buf_data(&script), &e) < 0)
		leftover_of(r, &e, "names on the destination");
	else if (run_token_may_go(r))
		r->dest.token_left = false;
}

/*
 * The run directory is what the guest's environment says, so it may be any:
 * only one right below our root is believed, since its user could turn what
 * lies deeper into a link to elsewhere.
 */
static bool is_run_directory(const struct run *r, const char *dir)
{
	return dir && state_dir_is_guest(r->src.facts.run_root, dir);
}

/*
 * What the source's QEMU leaves behind when an earlier run brought it there:
 * its record by its process, its directory by its user.
 */
static void tidy_source(struct run *r)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_BUF struct buf words = { 0 };
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf out = { 0 };
	const struct guest *g = &r->source.guest;
	struct as_user user;
	AUTO_FREE char *records = state_dir_arrived(r->src.facts.state_root);
	AUTO_FREE char *record = NULL;

	if (!is_run_directory(r, g->run_dir))
		return;
	record = xasprintf("%s%s", records, strrchr(g->run_dir, '/'));
	if (!probe_same_host(&r->src.facts, &r->dst.facts)) {
		socket_names_take(&words, &g->moves);
		as_guest(&script, r, r->src.facts.uid, &words);
	}
	quote_assign(&script, "d", g->run_dir);
	quote_assign(&script, "record", record);
	buf_printf(&script, "%s", admit_sh);
	departed_names_begin(&script,
			     reach_guest_user(r, r->src.facts.uid, &user));
	buf_printf(&script,
		   "forget_arrival \"$record\" %d %llu \"$d\"\n"
		   "[ \"$(stat -c %%u -- \"$d\" 2>/dev/null)\" != "
		   "%u ] || remove_run_dir \"$d\" || "
		   "{ echo \"cannot remove $d\" >&2; exit 1; }\n",
		   (int)g->pid, (unsigned long long)g->start_ticks,
		   (unsigned int)g->uid);
	if (probe_script(r->src.host, "tidy", buf_data(&script), &out,
			 mono_in_ms(RUN_SCRIPT_MS), &e) < 0)
		leftover_of(r, &e, "files on the source");
}

/* It arrived and ran; what became of it is not the migration's doing. */
static int ended_over_there(struct run *r, struct err *err)
{
	err_set(err, ERR_ENDED, "QEMU of %s ended on %s after it had moved",
		guest_label(&r->source.guest), host_name(r->dst.host));
	return err_at_host(err, host_name(r->dst.host));
}

/* A recovery may not have reached it yet. */
static bool know_destination(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	if (r->dst.host || reach_reconnect(r, &e) == 0)
		return true;
	leftover_of(r, &e, "names on the destination");
	return false;
}

static void look_ourselves(struct run *r, struct strv *found)
{
	const struct guest *g = &r->source.guest;
	const struct twin_of of = {
		.uid = g->uid,
		.uuid = r->source.facts.uuid,
		.name = g->name,
		.argv = g->argv.n ? &g->argv : NULL,
		.pid = g->pid,
		.since_ticks = r->source.begun_ticks,
		.run_root = r->src.facts.run_root,
	};
	struct guests twins;

	if (twin_find(r->src.host, &of, &twins, mono_in_ms(RUN_SCRIPT_MS),
		      NULL) < 0)
		return;
	for (size_t i = 0; i < twins.n; i++)
		strv_take(found, twin_handle(r->src.host, &twins.v[i]));
	guests_free(&twins);
}

/*
 * The last look before the result. The journal has ended: nothing of the run is
 * left to do about it. The guardian goes on looking.
 */
static void look_for_twins(struct run *r)
{
	AUTO_STRV struct strv found = { 0 };

	if (!r->held.guard)
		look_ourselves(r, &found);
	else if (guard_look(r->held.guard, &found, mono_in_ms(RUN_QMP_MS)) < 0)
		log_info(NULL, "the guardian did not look for twins in time");
	for (size_t i = 0; i < found.n; i++)
		run_leftover(r, "%s", found.v[i]);
}

int finish_run(struct run *r, struct err *err)
{
	if (r->dst.qmp) {
		announce(r);
		reset_destination(r);
	}
	if (r->src.qmp)
		read_totals(r);
	learn_pair(r);
	run_mark_moved(r);
	if (end_source(r) && know_destination(r)) {
		publish(r);
		tidy_source(r);
	}
	unit_hold_end(r);
	tunnel_free(r->attempt.tunnel);
	r->attempt.tunnel = NULL;
	if (!r->result->leftovers.n)
		run_journal_note(r, JOURNAL_DONE);
	run_journal_close(r, !r->result->leftovers.n);
	(void)lock_release(r, NULL);
	look_for_twins(r);
	r->result->outcome = OUTCOME_MIGRATED;
	return r->dest.ended ? ended_over_there(r, err) : 0;
}
