/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/guest.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/guest/guest.h"
#include "transport/base/xalloc.h"
static void the_label_is_the_name_or_else_the_pid(void **state)
{
	struct guest g = { .label = xstrdup("pid:7") };

	(void)state;
	assert_string_equal(guest_label(&g), "pid:7");
	g.name = xstrdup("web1");
	assert_string_equal(guest_label(&g), "web1");
	guest_free(&g);
	assert_null(g.name);
}

static void add(struct guest *g, enum monitor_kind kind, const char *path)
{
	g->monitors =
		xrealloc(g->monitors, g->n_monitors + 1, sizeof(*g->monitors));
	g->monitors[g->n_monitors++] = (struct monitor){
		.kind = kind,
		.path = xstrdup(path),
		.tcp = path ? NULL : xstrdup("h:1"),
	};
}

static void only_qmp_on_a_unix_socket_counts(void **state)
{
	struct guest g = { .n_monitors = 0 };

	(void)state;
	add(&g, MONITOR_HMP, "/hmp");
	add(&g, MONITOR_QMP, NULL);
	assert_null(guest_qmp(&g));
	add(&g, MONITOR_QMP, "/qmp");
	assert_string_equal(guest_qmp(&g)->path, "/qmp");
	guest_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_label_is_the_name_or_else_the_pid),
		cmocka_unit_test(only_qmp_on_a_unix_socket_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
