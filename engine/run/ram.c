/* SPDX-License-Identifier: MIT */
/*
 * ram: the tunnel, and the start of QEMU's migration; each with its undo.
 */
#include "engine/run/ram.h"

#include <math.h>
#include <stdlib.h>

#include "engine/run/migrate_options.h"
#include "engine/run/pulse.h"
#include "engine/run/run_events.h"
#include "engine/run/run.h"
#include "qmp/qmp.h"
#include "qmp/qmp_images.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

static const char fd_name[] = "vmferry";

enum { POLL_MS = 50 };

/* --- the tunnel ---------------------------------------------------------- */

/* A network that is lost here is as one that was not there at the login. */
static int not_opened(const struct run *r, struct err *err)
{
	bool keeps = err->kind == ERR_NETWORK || err->kind == ERR_REFUSED;

	return err_wrap(err, keeps ? ERR_NONE : ERR_FAILED,
			"cannot open the tunnel to %s", host_name(r->dst.host));
}

int ram_open_tunnel(struct run *r, struct err *err)
{
	AUTO_FD int fd = -1;

	r->attempt.tunnel = lane_open(r, err);
	if (!r->attempt.tunnel)
		return not_opened(r, err);
	fd = tunnel_start_pair(r->attempt.tunnel, RUN_STALL_MS, err);
	if (fd >= 0) {
		/* one that is not answered in time may have it all the same */
		r->attempt.fd_handed = true;
		if (qmp_getfd(r->src.qmp, fd_name, fd, run_qmp_deadline(),
			      err) == 0)
			return 0;
	}
	return err_wrap(err, ERR_FAILED, "cannot hand the tunnel to QEMU");
}

int ram_close_tunnel(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	struct tunnel_stats t;

	if (r->attempt.tunnel) {
		tunnel_stats(r->attempt.tunnel, &t);
		r->tries.spent_bytes += t.sent_bytes + t.received_bytes;
	}
	tunnel_free(r->attempt.tunnel);
	r->attempt.tunnel = NULL;
	if (!r->attempt.fd_handed || r->attempt.migrating ||
	    run_events_source_gone(r))
		return 0;
	r->attempt.fd_handed = false;
	if (qmp_closefd(r->src.qmp, fd_name, run_qmp_deadline(), &e) == 0)
		return 0;
	/* it never came there, or an unanswered `migrate` has taken it */
	if (err_has(&e, ERR_QMP))
		return 0;
	err_move(err, &e);
	return -1;
}

/* --- the migration itself ------------------------------------------------ */

/* The policy counts from now on, the deadline from when the run began. */
static void set_deadline(struct run *r)
{
	double spent_s = mono_diff_ms(r->attempt.migrate_at, r->started) / 1e3;

	/* one that is over already comes at the first look */
	if (r->opt->deadline_s > 0)
		r->attempt.wanted.deadline_s =
			fmax(r->opt->deadline_s - spent_s, 0.001);
}

int ram_migrate(struct run *r, const char *uri, struct err *err)
{
	r->attempt.migrating = true;
	r->attempt.migrate_at = mono_now();
	/* QEMU 10 answers when it has set up the guest */
	if (qmp_migrate(r->src.qmp, uri, mono_in_ms(RUN_SETUP_MS), err) == 0)
		return 0;
	/* refused outright: QEMU keeps the descriptor */
	r->attempt.migrating = !err_has(err, ERR_QMP);
	return -1;
}

/* Somebody may have stopped or continued the guest since it was asked. */
static int ask_wish(struct run *r, struct err *err)
{
	struct qmp_status st;

	if (qmp_query_status(r->src.qmp, &st, run_qmp_deadline(), err) < 0)
		return -1;
	run_events_take(r);
	if (st.state == RUN_PAUSED)
		run_events_source_paused(r, &st);
	else if (st.running)
		r->source.facts.first_status = st;
	return run_events_note_wish(r, err);
}

int ram_start(struct run *r, struct err *err)
{
	AUTO_FREE char *uri = xasprintf("fd:%s", fd_name);

	if (ask_wish(r, err) < 0)
		return err_wrap(err, ERR_FAILED,
				"the source does not answer before its copy");
	if (ram_migrate(r, uri, err) < 0)
		return err_wrap(err, ERR_FAILED,
				"QEMU does not start to "
				"migrate");
	set_deadline(r);
	/* `migrate` took it out of the monitor's keeping */
	r->attempt.fd_handed = false;
	pulse_begin(r);
	return 0;
}

/* Out of `setup` in time; QEMU itself would wait for ever. */
int ram_started(struct run *r, struct err *err)
{
	struct mono until = mono_in_ms(RUN_SETUP_MS);
	struct qmp_migrate_info info = { 0 };

	for (;;) {
		enum migration_status s;

		/* it may answer nothing while it sets up a large guest */
		if (qmp_query_migrate(r->src.qmp, &info, until, err) < 0)
			return -1;
		s = info.status;
		qmp_migrate_info_free(&info);
		if (s != MIGRATION_NONE && s != MIGRATION_SETUP)
			return 0;
		if (mono_before(until, mono_now()))
			return err_set(err, ERR_FAILED,
				       "the migration does not get out of "
				       "setup");
		/* a small guest may be at pre-switchover in a moment */
		if (run_events_await(r, POLL_MS, err) < 0)
			return -1;
	}
}

static bool is_over(enum migration_status s)
{
	return s == MIGRATION_NONE || s == MIGRATION_FAILED ||
	       s == MIGRATION_CANCELLED || s == MIGRATION_COMPLETED;
}

/*
 * Brings the source's migration to an end. In `device` a cancel could leave
 * two running guests and QMP hangs when the stream does, so there only the
 * closed tunnel may end it; elsewhere it is cancelled first, and the tunnel is
 * closed all the same, since a cancel may wait for the stream.
 */
static int end_migration(struct run *r, struct err *err)
{
	struct mono until = mono_in_ms(RUN_UNDO_MS);
	struct qmp_migrate_info info = { 0 };
	bool cancelled = false;

	run_events_take(r);
	if (r->attempt.src_status == MIGRATION_DEVICE && r->attempt.tunnel)
		tunnel_kill(r->attempt.tunnel);
	for (;;) {
		enum migration_status s;

		if (qmp_query_migrate(r->src.qmp, &info, run_qmp_deadline(),
				      err) < 0)
			return -1;
		s = info.status;
		qmp_migrate_info_free(&info);
		if (is_over(s))
			return 0;
		if (s != MIGRATION_DEVICE && !cancelled) {
			cancelled = true;
			if (qmp_migrate_cancel(r->src.qmp, run_qmp_deadline(),
					       err) < 0)
				return -1;
		}
		if (r->attempt.tunnel)
			tunnel_kill(r->attempt.tunnel);
		if (mono_before(until, mono_now()))
			return err_set(err, ERR_FAILED,
				       "the migration does "
				       "not end");
		if (task_sleep_until(mono_in_ms(POLL_MS), err) < 0)
			return -1;
	}
}

/* The second session takes the place of one that was lost. */
static void use_spare(struct run_side *s, struct waitq *wake)
{
	qmp_listener_free(s->events);
	qmp_close(s->qmp);
	s->qmp = STEAL(s->rescue);
	s->events = qmp_listen(s->qmp, wake);
}

/*
 * The monitor is lost, or hangs with the stream. The closed tunnel alone frees
 * QEMU in most cases, so it is asked once more in any case.
 */
static int rescue(struct run *r, struct err *err)
{
	struct run_side *s = &r->src;
	AUTO_ERR struct err e = { 0 };

	if (r->attempt.tunnel)
		tunnel_kill(r->attempt.tunnel);
	if (s->rescue && qmp_check(s->qmp, NULL) < 0 &&
	    qmp_check(s->rescue, NULL) == 0) {
		log_warn("source", "the monitor is lost; using the other one");
		use_spare(s, &r->wake);
	} else if (s->rescue && qmp_has_oob(s->rescue)) {
		log_warn("source", "the monitor hangs; yanking the migration");
		if (qmp_yank_migration(s->rescue, run_qmp_deadline(), &e) < 0)
			log_warn("source", "yank failed: %s", e.message);
	}
	err_reset(err);
	return end_migration(r, err);
}

/*
 * What has a lock on one of its images by now may let go of it again: there is
 * no other way for the guest.
 */
static int cont_source(struct run *r, struct mono until, struct err *err)
{
	if (qmp_cont(r->src.qmp, run_qmp_deadline(), err) == 0)
		return 0;
	if (!qmp_images_locked(err) || mono_before(until, mono_now()))
		return -1;
	err_reset(err);
	return 0;
}

/* Nothing but what ran before may run again, and that must. */
static int resume_source(struct run *r, struct err *err)
{
	struct mono settled = mono_in_ms(RUN_UNDO_MS / 10);
	struct mono until = mono_in_ms(RUN_UNDO_MS);
	struct qmp_status st;

	for (;;) {
		if (qmp_query_status(r->src.qmp, &st, run_qmp_deadline(), err) <
		    0)
			return -1;
		if (st.running || !r->source.facts.first_status.running)
			break;
		if (st.state == RUN_SHUTDOWN || st.state == RUN_GUEST_PANICKED)
			break;
		/* QEMU does not stay there by itself: its user paused it */
		if (st.state == RUN_PAUSED && mono_before(settled, mono_now()))
			break;
		/* QEMU resumes by itself; postmigrate is where it does not */
		if (st.state == RUN_POSTMIGRATE &&
		    cont_source(r, until, err) < 0)
			return -1;
		if (mono_before(until, mono_now()))
			return err_set(err, ERR_UNDECIDED,
				       "%s stands in run state %s",
				       guest_label(&r->source.guest), st.raw);
		if (task_sleep_until(mono_in_ms(POLL_MS), err) < 0)
			return -1;
	}
	r->result->state = st.running ? "RUNNING" : "PAUSED";
	if (st.state == RUN_POSTMIGRATE)
		run_warn(r, "postmigrate",
			 "%s was paused before and stands in postmigrate now; "
			 "QEMU migrates it again only after a `cont`",
			 guest_label(&r->source.guest));
	return 0;
}

int ram_undo(struct run *r, struct err *err)
{
	pulse_end(r);
	if (!r->attempt.migrating || run_events_source_gone(r))
		return 0;
	if (end_migration(r, err) < 0 && rescue(r, err) < 0) {
		if (run_events_source_gone(r))
			return 0;
		r->source.unsure = true;
		return err_wrap(err, ERR_UNDECIDED,
				"the migration on the source could not be "
				"ended");
	}
	r->attempt.migrating = false;
	if (resume_source(r, err) < 0) {
		if (run_events_source_gone(r))
			return 0;
		r->source.unsure = true;
		return err_wrap(err, ERR_UNDECIDED,
				"%s was not seen running on the source again",
				guest_label(&r->source.guest));
	}
	return 0;
}
