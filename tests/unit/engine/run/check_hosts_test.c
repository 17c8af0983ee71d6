/* SPDX-License-Identifier: MIT */
/* check_hosts: which destination says most of where a guest could go. */
#include "engine/run/check_hosts.h"

#include <string.h>

#include "tests/unit/in_task.h"
#include "tests/unit/test.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

static void assert_best(enum outcome a, enum outcome b, enum outcome best)
{
	struct result one = { .outcome = a }, two = { .outcome = b };
	const struct check_host there[] = { { .result = &one },
					    { .result = &two } };
	const struct check_host back[] = { there[1], there[0] };

	assert_int_equal(there[check_hosts_best(there, 2)].result->outcome,
			 best);
	assert_int_equal(back[check_hosts_best(back, 2)].result->outcome, best);
}

TEST(one_that_could_take_the_guest_is_enough)
{
	assert_best(OUTCOME_READY, OUTCOME_REFUSED, OUTCOME_READY);
	assert_best(OUTCOME_READY, OUTCOME_UNREACHABLE, OUTCOME_READY);
	assert_best(OUTCOME_READY, OUTCOME_INTERNAL, OUTCOME_READY);
}

TEST(a_refusal_is_an_answer_and_a_host_out_of_reach_is_none)
{
	assert_best(OUTCOME_REFUSED, OUTCOME_UNREACHABLE, OUTCOME_REFUSED);
	assert_best(OUTCOME_UNREACHABLE, OUTCOME_BUSY, OUTCOME_UNREACHABLE);
}

TEST(a_wrong_word_and_a_cancel_come_before_all)
{
	assert_best(OUTCOME_USAGE, OUTCOME_READY, OUTCOME_USAGE);
	assert_best(OUTCOME_CANCELLED, OUTCOME_READY, OUTCOME_CANCELLED);
	assert_best(OUTCOME_USAGE, OUTCOME_CANCELLED, OUTCOME_USAGE);
}

TEST(of_two_alike_the_first_is_the_best)
{
	struct result one = { .outcome = OUTCOME_REFUSED };
	struct result two = { .outcome = OUTCOME_REFUSED };
	const struct check_host both[] = { { .result = &one },
					   { .result = &two } };

	assert_int_equal(check_hosts_best(both, 2), 0);
}

static struct checks lists[2];
static struct result results[2];

static void check_nobody(void *arg)
{
	const struct check_host hosts[] = {
		{ "hosta.invalid", NULL, NULL, &lists[0], &results[0] },
		{ "hostb.invalid", NULL, NULL, &lists[1], &results[1] },
	};

	check_hosts_run(arg, hosts, ARRAY_SIZE(hosts));
}

IN_TASK(a_cancel_before_anything_was_asked_has_results)
{
	struct migrate_options opt;
	struct task *t;

	migrate_options_init(&opt);
	opt.guest = "no-such-guest";
	for (size_t i = 0; i < 2; i++)
		result_init(&results[i]);
	t = task_start(task_loop(), "check", check_nobody, &opt);
	task_cancel(t);
	task_join(t);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(results[i].outcome, OUTCOME_CANCELLED);
		assert_string_equal(results[i].guest, "no-such-guest");
		result_free(&results[i]);
	}
}
