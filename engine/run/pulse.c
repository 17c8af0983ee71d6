/* SPDX-License-Identifier: MIT */
/* pulse: whether the destination's QEMU answers while the memory is copied. */
#include "engine/run/pulse.h"

#include <stdlib.h>

#include "engine/run/run.h"
#include "qmp/qmp.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

struct pulse {
	struct qmp *qmp;
	struct task *task;
	struct waitq hurry;   /* it rests */
	struct waitq answers; /* woken by each, and at the end */
	bool answered;	      /* once at least */
	struct mono sent;     /* the question of the newest answer */
	struct qmp_status status;
};

static int ask(struct pulse *p, struct err *err)
{
	struct mono sent = mono_now();
	struct qmp_status st;

	if (qmp_query_status(p->qmp, &st, run_qmp_deadline(), err) < 0)
		return -1;
	p->answered = true;
	p->sent = sent;
	p->status = st;
	waitq_wake_all(&p->answers);
	return 0;
}

/* False when it is to end. */
static bool rest(struct pulse *p)
{
	AUTO_ERR struct err e = { 0 };

	return task_wait_queue(&p->hurry, mono_in_ms(PULSE_MS), &e) == 0 ||
	       e.kind == ERR_TIMEOUT;
}

/* Silence may end; a monitor that is lost is noticed by who copies, too. */
static void beat(void *arg)
{
	struct pulse *p = arg;
	bool goes_on = true;

	while (goes_on) {
		AUTO_ERR struct err e = { 0 };

		goes_on = (ask(p, &e) == 0 || e.kind == ERR_TIMEOUT) && rest(p);
	}
	waitq_wake_all(&p->answers);
}

void pulse_begin(struct run *r)
{
	struct pulse *p = XNEW(struct pulse);

	pulse_end(r);
	p->qmp = r->dst.qmp;
	p->task = task_start(task_loop(), "pulse", beat, p);
	r->attempt.pulse = p;
}

bool pulse_is_fresh(const struct run *r, struct qmp_status *st)
{
	const struct pulse *p = r->attempt.pulse;

	if (!p || !p->answered || qmp_check(p->qmp, NULL) < 0 ||
	    mono_diff_ms(mono_now(), p->sent) > PULSE_FRESH_MS)
		return false;
	*st = p->status;
	return true;
}

bool pulse_asks(const struct run *r)
{
	const struct pulse *p = r->attempt.pulse;

	return p && !task_ended(p->task);
}

int pulse_await(struct run *r, struct mono deadline, struct err *err)
{
	struct pulse *p = r->attempt.pulse;

	waitq_wake_all(&p->hurry);
	return task_wait_queue(&p->answers, deadline, err);
}

void pulse_end(struct run *r)
{
	struct pulse *p = STEAL(r->attempt.pulse);

	if (!p)
		return;
	task_cancel(p->task);
	task_join(p->task);
	free(p);
}
