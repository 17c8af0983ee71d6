/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/guest.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/guest/guest.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(the_label_is_the_name_or_else_the_pid)
{
	struct guest g = { .label = xstrdup("pid:7") };

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

TEST(only_qmp_on_a_unix_socket_counts)
{
	struct guest g = { .n_monitors = 0 };

	add(&g, MONITOR_HMP, "/hmp");
	add(&g, MONITOR_QMP, NULL);
	assert_null(guest_qmp(&g));
	add(&g, MONITOR_QMP, "/qmp");
	assert_string_equal(guest_qmp(&g)->path, "/qmp");
	guest_free(&g);
}

TEST(a_freed_guest_is_no_process)
{
	struct guest g = { .pid = 7, .name = xstrdup("web1") };

	guest_free(&g);
	assert_int_equal(g.pid, 0);
	assert_null(g.name);
}

TEST(the_first_of_several_qmp_monitors_counts)
{
	struct guest g = { .n_monitors = 0 };

	add(&g, MONITOR_QMP, "/first");
	add(&g, MONITOR_QMP, "/second");
	assert_string_equal(guest_qmp(&g)->path, "/first");
	guest_free(&g);
}

/* What is lost here is reported by LeakSanitizer. */
TEST(a_list_is_freed_with_all_its_guests)
{
	struct guests list = { .v = xcalloc(2, sizeof(struct guest)), .n = 2 };

	list.v[0].label = xstrdup("pid:1");
	list.v[1].name = xstrdup("web1");
	guests_free(&list);
	assert_null(list.v);
	assert_int_equal(list.n, 0);
	guests_free(&list);
}
