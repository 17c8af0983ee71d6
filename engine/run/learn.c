/* SPDX-License-Identifier: MIT */
/* learn: what migrations between the two hosts of a run have taught. */
#include "engine/run/learn.h"

#include "engine/policy/policy.h"
#include "engine/run/run.h"
#include "transport/base/log.h"

void learn_recall(struct run *r)
{
	lessons_load(&r->lessons, run_state(r),
		     identity_machine(&r->dst.facts.space));
}

void learn_keep(struct run *r, const struct lesson *lesson)
{
	const char *machine = identity_machine(&r->dst.facts.space);
	AUTO_ERR struct err e = { 0 };

	/* another run may have learnt meanwhile */
	lessons_load(&r->lessons, run_state(r), machine);
	if (lesson)
		lessons_learn(&r->lessons, lesson);
	else
		lessons_forget(&r->lessons);
	if (lessons_save(&r->lessons, run_state(r), machine, &e) < 0)
		log_info(NULL,
			 "what was learnt of the two hosts is not kept: %s",
			 e.message);
}

/*
 * What is usual counts as once more of what was seen: a single bad day is not
 * to be the end of migrations.
 */
double learn_likely_fixed_ms(const struct run *r)
{
	const struct lesson usual = { POLICY_FIXED_MS, 0, 0 };

	return r->lessons.n ? lessons_likely(&r->lessons, &usual).fixed_ms : 0;
}
