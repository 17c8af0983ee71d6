/* SPDX-License-Identifier: MIT */
/* retry: one more try for a migration that was turned back. */
#include "engine/retry.h"

#include <math.h>
#include <stdlib.h>

#include "engine/run.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* Less of the budget than this is left: the next one would not fit, either. */
static const double least_part = 0.5;

static bool is_time_left(const struct run *r)
{
	struct mono now = mono_now();
	double copied_s = mono_diff_ms(now, r->migrate_at) / 1e3;
	double spent_s = mono_diff_ms(now, r->started) / 1e3;

	return r->opt->deadline_s <= 0 ||
	       spent_s + copied_s <= r->opt->deadline_s;
}

static bool is_budget_left(const struct run *r, double paused_ms)
{
	double all_ms = r->opt->max_blackout_ms;
	double left_ms = all_ms - paused_ms;

	return left_ms >= least_part * all_ms &&
	       left_ms > run_likely_fixed_ms(r);
}

bool retry_pays(const struct run *r, const struct err *err)
{
	return r->turned_back && err->kind == ERR_BUDGET &&
	       r->result->attempts == 1 && !task_cancel_asked() &&
	       is_time_left(r);
}

static void forget_side(struct run_side *s)
{
	json_object_put(STEAL(s->caps));
	json_object_put(STEAL(s->params));
}

/* What the stages from `launch` on found out, and find out anew. */
static void forget(struct run *r)
{
	/* it had its turn, and has no place among those who wait */
	r->may_wait = false;
	forget_side(&r->src);
	forget_side(&r->dst);
	r->dst_pid = 0;
	r->dst_ticks = 0;
	r->src_status = r->dst_status = MIGRATION_NONE;
	r->pre_switchover_seen = r->resume_seen = false;
	r->completed_at = r->cont_at = (struct mono){ 0 };
	r->synced = r->stopped = (struct wall){ 0 };
	r->synced_at = (struct mono){ 0 };
	r->gate_bps = r->link_bps = r->wire_bps = 0;
	r->overhead_ms = r->rest_ms = 0;
	r->turned_back = false;
	free(STEAL(r->result->decision));
	r->result->state = NULL;
	r->result->passes = r->result->transferred_bytes = -1;
	r->result->forecast_converges = -1;
	r->result->forecast_total_ms = r->result->forecast_blackout_ms = NAN;
}

bool retry_begin(struct run *r, struct err *err)
{
	run_take_events(r);
	if (r->result->leftovers.n || r->source_unsure || r->stop_seen ||
	    !r->facts.first_status.running || run_guest_alive(r, NULL) < 0 ||
	    !is_budget_left(r, r->paused_ms))
		return false;
	run_warn(r, "retry",
		 "%s; %s runs on, and is tried once more, with %.0f ms of the "
		 "budget",
		 err->message, guest_label(&r->guest),
		 r->opt->max_blackout_ms - r->paused_ms);
	forget(r);
	r->result->attempts++;
	err_reset(err);
	return true;
}
