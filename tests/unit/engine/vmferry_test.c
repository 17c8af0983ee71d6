/* SPDX-License-Identifier: MIT */
/* vmferry: the library inside somebody else's poll loop. */
#include "engine/vmferry.h"

#include <poll.h>
#include <string.h>

#include "tests/unit/test.h"

static void drive(struct vmferry *v, const struct vmferry_job *job)
{
	while (!vmferry_job_result(job)) {
		struct pollfd p = { vmferry_fd(v), POLLIN, 0 };

		(void)poll(&p, 1, vmferry_timeout_ms(v));
		vmferry_dispatch(v);
	}
}

static void count(void *arg, const char *json)
{
	int *n = arg;

	assert_non_null(strstr(json, "\"event\":"));
	++*n;
}

TEST(a_job_ends_with_a_result_object)
{
	struct vmferry *v = vmferry_new();
	int events = 0;
	struct vmferry_options o = {
		.size = sizeof(o),
		.guest = "no-such-guest",
		.destination = "local",
		.program = "/proc/self/exe",
		.event = count,
		.arg = &events,
	};
	struct vmferry_job *job = vmferry_migrate(v, &o);

	assert_int_equal(vmferry_job_exit_code(job), -1);
	drive(v, job);
	assert_int_equal(vmferry_job_exit_code(job), 13);
	assert_non_null(
		strstr(vmferry_job_result(job), "\"outcome\":\"no-guest\""));
	assert_true(events >= 2);
	vmferry_job_free(job);
	vmferry_free(v);
}

TEST(a_cancelled_job_says_so)
{
	struct vmferry *v = vmferry_new();
	struct vmferry_options o = {
		.size = sizeof(o),
		.guest = "no-such-guest",
		.destination = "local",
		.program = "/proc/self/exe",
	};
	struct vmferry_job *job = vmferry_migrate(v, &o);

	vmferry_job_cancel(job);
	drive(v, job);
	assert_int_equal(vmferry_job_exit_code(job), 6);
	vmferry_job_free(job);
	vmferry_free(v);
}

TEST(two_jobs_run_side_by_side)
{
	struct vmferry *v = vmferry_new();
	struct vmferry_options o = {
		.size = sizeof(o),
		.guest = "no-such-guest",
		.destination = "local",
		.program = "/proc/self/exe",
	};
	struct vmferry_job *a = vmferry_migrate(v, &o);
	struct vmferry_job *b = vmferry_migrate(v, &o);

	drive(v, a);
	drive(v, b);
	assert_string_not_equal(vmferry_job_result(a), vmferry_job_result(b));
	vmferry_job_free(a);
	vmferry_job_free(b);
	vmferry_free(v);
}

TEST(options_of_another_size_are_refused)
{
	struct vmferry *v = vmferry_new();
	struct vmferry_options o = {
		.size = sizeof(o) - 1,
		.guest = "g",
		.destination = "local",
		.program = "/proc/self/exe",
	};

	assert_null(vmferry_migrate(v, &o));
	vmferry_free(v);
}
