/* SPDX-License-Identifier: MIT */
/* test: the main() of each unit program, and the list of its tests. */
#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint_child.h"

/* What a program that has no fixture or hook of its own gets. */
__attribute__((weak)) const struct test_fixture test_fixture;
__attribute__((weak)) const struct test_fixture test_group_fixture;
__attribute__((weak)) void test_begin(void)
{
}

static struct test *tests;

/* The order of constructors is the compiler's, so that the line decides. */
void test_register(struct test *t)
{
	struct test **at = &tests;

	while (*at && (*at)->line <= t->line)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static bool is_wanted(const struct test *t, char *const *words)
{
	if (!*words)
		return true;
	for (; *words; words++) {
		if (strstr(t->name, *words))
			return true;
	}
	return false;
}

static size_t count(void)
{
	size_t n = 0;

	for (const struct test *t = tests; t; t = t->next)
		n++;
	return n;
}

int main(int argc, char **argv)
{
	AUTO_FREE struct CMUnitTest *list = NULL;
	size_t n = 0;

	if (endpoint_wanted(argc, argv))
		endpoint_main();
	endpoint_child_program("/proc/self/exe");
	test_begin();
	list = xcalloc(count() + 1, sizeof(*list));
	for (const struct test *t = tests; t; t = t->next) {
		if (is_wanted(t, argv + 1))
			list[n++] = (struct CMUnitTest){
				.name = t->name,
				.test_func = t->run,
				.setup_func = test_fixture.setup,
				.teardown_func = test_fixture.teardown,
			};
	}
	if (!n) {
		fprintf(stderr, "%s: no test to run\n", argv[0]);
		return 1;
	}
	return _cmocka_run_group_tests("tests", list, n,
				       test_group_fixture.setup,
				       test_group_fixture.teardown);
}
