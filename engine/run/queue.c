/* SPDX-License-Identifier: MIT */
/* queue: a run that waits for its turn; theory in queue.h. */
#include "engine/run/queue.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/ticket.h"
#include "engine/run/migrate_options.h"
#include "engine/run/reach.h"
#include "engine/run/run_events.h"
#include "engine/state/state_dir.h"
#include "qmp/holder.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

enum {
	LOOK_MS = 200,	 /* between two looks at this host */
	THERE_MS = 1000, /* between two questions to the destination */
	ALIVE_MS = 5000, /* between two sights of the guest's QEMU */
};

/* For what it waits; a word to the user at each change. */
enum reason {
	REASON_NONE,
	REASON_GUEST,
	REASON_BEHIND,
	REASON_PLACE,
	REASON_CROWDED,
	REASON_MEMORY,
};

struct queue {
	struct ticket *ticket;
	enum reason reported;
	struct mono since;
};

void queue_leave(struct run *r)
{
	if (!r->held.queue)
		return;
	ticket_drop(r->held.queue->ticket);
	free(r->held.queue);
	r->held.queue = NULL;
}

static bool is_news(struct run *r, enum reason reason)
{
	bool news = r->held.queue->reported != reason;

	r->held.queue->reported = reason;
	return news;
}

/* --- what it asks for ---------------------------------------------------- */

uint64_t queue_ram_bytes(const struct run *r)
{
	const struct run_facts *f = &r->source.facts;
	uint64_t ram = f->ram_bytes ? f->ram_bytes : r->source.guest.ram_bytes;
	uint64_t huge = 0;

	for (size_t i = 0; i < f->huge.n; i++)
		huge += f->huge.v[i].bytes;
	if (!ram)
		return 0;
	return (ram > huge ? ram - huge : 0) + ADMIT_QEMU_BYTES;
}

struct admit_wish queue_wish(const struct run *r)
{
	return (struct admit_wish){
		.ram_bytes = run_skips(r, "memory") ? 0 : queue_ram_bytes(r),
		.limit = r->opt->wait ? r->opt->parallel : 0,
	};
}

bool queue_leaves_session(const struct run *r)
{
	return r->dst.facts.systemd && r->dst.facts.uid == 0;
}

int queue_ask(struct run *r, struct admit_view *v, struct err *err)
{
	const char *root = r->dst.facts.run_root;
	AUTO_FREE char *lock = state_dir_arrival(root, r->id.key);

	return admit_look(r->dst.host, root, lock,
			  queue_leaves_session(r) ? "" : ADMIT_CGROUPS, v,
			  mono_in_ms(RUN_SCRIPT_MS), err);
}

static void refuse_busy(const struct run *r, const struct admit_view *v,
			struct err *err)
{
	AUTO_FREE char *lock =
		state_dir_arrival(r->dst.facts.run_root, r->id.key);

	err_set(err, ERR_BUSY,
		"%s is already on its way to %s: process %d %s answers for it",
		guest_label(&r->source.guest), host_name(r->dst.host),
		(int)v->busy,
		v->busy_elsewhere ? "of another PID namespace or machine"
				  : "over there");
	if (v->busy_elsewhere)
		err_hint(err,
			 "whether that process has ended cannot be seen from "
			 "%s; if it has, run vmferry recover where that "
			 "migration was started, or remove %s on %s",
			 host_name(r->dst.host), lock, host_name(r->dst.host));
	else
		err_hint(err, "wait for that migration (--wait); if its engine "
			      "died, vmferry recover undoes it");
}

int queue_refuse(const struct run *r, const struct admit_view *v,
		 const struct admit_wish *wish, enum admit answer,
		 struct err *err)
{
	const char *host = host_name(r->dst.host);
	AUTO_FREE char *why = admit_reason(v, wish, answer, host);

	if (answer == ADMIT_BUSY) {
		refuse_busy(r, v, err);
	} else {
		err_set(err, ERR_REFUSED, "too little %s", why);
		err_hint(err, answer == ADMIT_NEVER
				      ? "free memory there"
				      : "wait for the others with --wait, or "
					"free memory there");
	}
	return err_at_host(err, host);
}

/* --- on this host -------------------------------------------------------- */

static void emit_turn(struct run *r, const struct ticket_turn *t)
{
	const char *here = r->result->source;

	/* it goes on waiting for what was reported last */
	if (ticket_state(r->held.queue->ticket) == TICKET_THERE)
		return;
	switch (t->turn) {
	case TURN_GUEST:
		if (is_news(r, REASON_GUEST))
			run_warn(r, "wait",
				 "waits for the end of another migration of %s",
				 guest_label(&r->source.guest));
		break;
	case TURN_BEHIND:
		if (is_news(r, REASON_BEHIND))
			run_warn(r, "wait",
				 "waits for its turn: one that came earlier "
				 "waits for %s",
				 r->opt->destination);
		break;
	case TURN_PLACE:
		if (is_news(r, REASON_PLACE))
			run_warn(r, "wait",
				 "waits for its turn: %zu leaving %s "
				 "(--parallel %u), %zu came earlier",
				 t->leaving, here, r->opt->parallel, t->ahead);
		break;
	default:
		break;
	}
}

/* Another engine may have its monitor and not yet its lock. */
static bool is_held(const struct run *r)
{
	for (size_t i = 0; i < r->source.guest.n_monitors; i++) {
		const struct monitor *m = &r->source.guest.monitors[i];
		AUTO_FREE char *who = NULL;

		if (m->kind != MONITOR_QMP || !m->path)
			continue;
		who = holder_of_unix_socket(m->path);
		if (who && strstr(who, "(vmferry)"))
			return true;
	}
	return false;
}

/* 1: its turn has come; 0: not yet. */
static int look_here(struct run *r, struct ticket_turn *turn, struct err *err)
{
	if (ticket_look(r->held.queue->ticket, r->opt->parallel, turn, err) < 0)
		return -1;
	if (turn->turn == TURN_GO && is_held(r)) {
		turn->turn = TURN_GUEST;
		if (ticket_wait(r->held.queue->ticket, TICKET_GUEST, err) < 0)
			return -1;
	}
	emit_turn(r, turn);
	return turn->turn == TURN_GO;
}

/* --- on the destination -------------------------------------------------- */

static void emit_there(struct run *r, const struct admit_view *v,
		       const struct admit_wish *wish, enum admit answer)
{
	enum reason reason = answer == ADMIT_BUSY      ? REASON_GUEST
			     : answer == ADMIT_CROWDED ? REASON_CROWDED
						       : REASON_MEMORY;
	AUTO_FREE char *why =
		admit_reason(v, wish, answer, host_name(r->dst.host));

	if (is_news(r, reason))
		run_warn(r, "wait", "waits for %s", why);
}

/* Lets others pass that are not held up by the same. */
static int step_aside(struct run *r, const struct admit_view *v,
		      const struct admit_wish *wish, enum admit answer,
		      struct err *err)
{
	enum ticket_state state = answer == ADMIT_BUSY ? TICKET_GUEST
						       : TICKET_THERE;

	emit_there(r, v, wish, answer);
	return ticket_wait(r->held.queue->ticket, state, err);
}

static int reach_and_ask(struct run *r, struct admit_view *v, struct err *err)
{
	if (reach_destination(r, err) < 0)
		return -1;
	if (!r->dst.facts.run_root &&
	    probe_host(r->dst.host, &r->dst.facts, mono_in_ms(RUN_SCRIPT_MS),
		       err) < 0)
		return err_at_host(err, host_name(r->dst.host));
	return queue_ask(r, v, err);
}

/* 1: the destination has room; 0: not yet. */
static int look_there(struct run *r, const struct ticket_turn *turn,
		      struct err *err)
{
	struct admit_wish wish = queue_wish(r);
	struct admit_view v = { 0 };
	enum admit answer;
	int rc = reach_and_ask(r, &v, err);

	/* a session that is hours old may have been lost */
	if (rc < 0 && r->dst.host && err_has(err, ERR_NETWORK)) {
		err_reset(err);
		rc = reach_reconnect(r, err) < 0 ? -1
						 : reach_and_ask(r, &v, err);
	}
	if (rc < 0)
		return -1;
	wish.ahead_bytes = turn->ahead_bytes;
	answer = admit_judge(&v, &wish);
	if (answer == ADMIT_NEVER)
		rc = queue_refuse(r, &v, &wish, answer, err);
	else if (answer != ADMIT_YES)
		rc = step_aside(r, &v, &wish, answer, err);
	else
		rc = 1;
	admit_view_free(&v);
	return rc;
}

/* --- the wait ------------------------------------------------------------ */

static int wait_ms(const struct run *r)
{
	return r->held.queue->reported == REASON_PLACE ||
			       r->held.queue->reported == REASON_BEHIND
		       ? LOOK_MS
		       : THERE_MS;
}

static bool is_gone(struct run *r)
{
	return reach_source_alive(r, run_qmp_deadline(), NULL) == 0;
}

/* 1: go; 0: the guest's QEMU is no more; -1: failed or cancelled. */
static int wait_turn(struct run *r, struct err *err)
{
	struct mono sight = mono_in_ms(ALIVE_MS);

	for (;;) {
		struct ticket_turn turn;
		int rc = look_here(r, &turn, err);

		if (rc > 0)
			rc = look_there(r, &turn, err);
		if (rc != 0)
			return rc;
		if (mono_before(sight, mono_now())) {
			if (is_gone(r))
				return 0;
			sight = mono_in_ms(ALIVE_MS);
		}
		if (task_sleep_until(mono_in_ms(wait_ms(r)), err) < 0)
			return -1;
	}
}

static struct ticket *take_ticket(struct run *r, struct err *err)
{
	const char *root = r->src.facts.run_root;
	AUTO_FREE char *directory = state_dir_queue(root);
	AUTO_FREE char *locks = state_dir_locks(root);

	if (state_dir_make_in_root(root, directory, err) < 0)
		return NULL;
	return ticket_take(directory, locks, r->id.name, r->id.key,
			   r->opt->destination, queue_wish(r).ram_bytes, err);
}

static int wait_in_line(struct run *r, struct err *err)
{
	int rc;

	if (reach_find(r, err) < 0)
		return -1;
	free(r->id.key);
	r->id.key = reach_guest_key(r);
	queue_leave(r);
	r->held.queue = XNEW(struct queue);
	r->held.queue->since = mono_now();
	r->held.queue->ticket = take_ticket(r, err);
	rc = r->held.queue->ticket ? wait_turn(r, err) : -1;
	if (rc > 0 && r->held.queue->reported != REASON_NONE)
		log_info(NULL, "its turn has come after %.1f s",
			 mono_diff_ms(mono_now(), r->held.queue->since) / 1e3);
	return rc;
}

int queue_run(struct run *r, struct err *err)
{
	int rc = 0;

	if (!r->attempt.may_wait)
		return 0;
	/* 0: its QEMU has ended; another one may run the guest by now */
	while (rc == 0)
		rc = wait_in_line(r, err);
	/* what was found here is old: connect looks afresh */
	free(r->id.key);
	r->id.key = NULL;
	host_facts_free(&r->dst.facts);
	return rc < 0 ? -1 : 0;
}

int queue_hold(struct run *r, const struct admit_view *v,
	       const struct admit_wish *wish, enum admit answer,
	       struct err *err)
{
	if (step_aside(r, v, wish, answer, err) < 0 ||
	    task_sleep_until(mono_in_ms(THERE_MS), err) < 0)
		return -1;
	(void)run_events_take(r);
	return run_events_guest_alive(r, err);
}
