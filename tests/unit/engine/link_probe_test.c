/* SPDX-License-Identifier: MIT */
/* link_probe: what a sending means, and a real one to this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/link_probe.h"
#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

static void the_start_of_a_command_is_not_the_links(void **state)
{
	(void)state;
	assert_float_equal(link_probe_bps(1000000, 1.2, 0.2), 1e6, 1);
}

static void a_start_as_long_as_all_of_it_gives_no_nonsense(void **state)
{
	(void)state;
	assert_float_equal(link_probe_bps(1000000, 1, 3), 1e7, 1);
	assert_true(link_probe_bps(1000000, 0, 0) == 0);
}

static void a_slow_start_is_no_slow_link(void **state)
{
	(void)state;
	assert_int_equal(link_probe_next(256 * 1024, 0.5, 0.49),
			 8 * 256 * 1024);
}

static void a_sending_that_took_long_is_the_last(void **state)
{
	(void)state;
	assert_int_equal(link_probe_next(16 << 20, 0.5, 0.01), 0);
}

static void a_short_sending_is_repeated_before_it_is_believed(void **state)
{
	(void)state;
	assert_true(link_probe_next(256 * 1024, 0.5, 0.01) > 0);
	assert_int_equal(link_probe_next(256 * 1024, 1.5, 0.01), 0);
}

static void nobody_is_flooded(void **state)
{
	size_t n = 256 * 1024;
	int sendings = 0;

	(void)state;
	for (; n; sendings++) {
		assert_true(n <= 128u * 1024 * 1024);
		n = link_probe_next(n, 1e-6, 0);
	}
	assert_true(sendings <= 5);
}

static void measure(void *arg)
{
	struct host *h = host_local_new();
	AUTO_ERR struct err err = { 0 };
	double bps = 0;

	(void)arg;
	assert_int_equal(link_probe(h, &bps, &err), 0);
	assert_true(bps > 1e5);
	host_close(h);
}

static void this_machine_can_be_measured(void **state)
{
	(void)state;
	in_task(measure, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_start_of_a_command_is_not_the_links),
		cmocka_unit_test(
			a_start_as_long_as_all_of_it_gives_no_nonsense),
		cmocka_unit_test(a_slow_start_is_no_slow_link),
		cmocka_unit_test(a_sending_that_took_long_is_the_last),
		cmocka_unit_test(
			a_short_sending_is_repeated_before_it_is_believed),
		cmocka_unit_test(nobody_is_flooded),
		cmocka_unit_test(this_machine_can_be_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
