/* SPDX-License-Identifier: MIT */
/* Tests of engine/run/twin.c: what a twin is known by. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/run/twin.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/in_task.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_open.h"

static const char uuid[] = "6d6f7665-0000-4000-8000-00000000000a";
static struct strv argv;
static struct guest g;
static struct twin_of of;

/* A QEMU that was started after the run began, like the source's. */
static int setup(void **state)
{
	(void)state;
	argv_case_split("qemu -name a -m 1G", &argv);
	of = (struct twin_of){
		.uid = 4242,
		.uuid = uuid,
		.name = "a",
		.argv = &argv,
		.pid = 10,
		.since_ticks = 1000,
		.run_root = "/tmp",
	};
	g = (struct guest){ .uid = 4242, .pid = 11, .start_ticks = 1001 };
	g.name = xstrdup("a");
	argv_case_split("qemu -name a -m 1G", &g.argv);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_free(&g);
	strv_free(&argv);
	return 0;
}

TEST_FIXTURE(setup, teardown);

TEST(one_with_name_and_command_line_is_a_twin)
{
	assert_true(twin_is(&of, &g));
}

TEST(one_with_another_command_line_is_another_guest)
{
	strv_push(&g.argv, "-S");
	assert_false(twin_is(&of, &g));
}

TEST(the_uuid_alone_is_enough)
{
	strv_push(&g.argv, "-S");
	g.uuid = xstrdup("6D6F7665-0000-4000-8000-00000000000A");
	assert_true(twin_is(&of, &g));
}

TEST(another_users_qemu_is_none)
{
	g.uuid = xstrdup(uuid);
	g.uid = 4243;
	assert_false(twin_is(&of, &g));
	/* nor is root's: its user may carry what a guest of root's has */
	g.uid = 0;
	assert_false(twin_is(&of, &g));
	of.uid = 0;
	assert_true(twin_is(&of, &g));
	g.uid = 4242;
	assert_false(twin_is(&of, &g));
}

TEST(no_uuid_is_nobodys)
{
	strv_push(&g.argv, "-S");
	of.uuid = "00000000-0000-0000-0000-000000000000";
	g.uuid = xstrdup(of.uuid);
	assert_false(twin_is(&of, &g));
}

TEST(one_that_was_there_before_is_none)
{
	g.start_ticks = 1000;
	assert_false(twin_is(&of, &g));
}

TEST(the_source_itself_is_none)
{
	g.pid = of.pid;
	assert_false(twin_is(&of, &g));
}

TEST(one_that_vmferry_started_is_none)
{
	char dir[] = "/tmp/run-twin-XXXXXX";

	assert_non_null(mkdtemp(dir));
	g.run_dir = xstrdup(dir);
	assert_false(twin_is(&of, &g));
	assert_int_equal(rmdir(dir), 0);
	/* a directory that does not exist proves nothing */
	assert_true(twin_is(&of, &g));
}

IN_TASK(where_no_twin_runs_none_is_found)
{
	struct host *h = host_local_new();
	struct err err = { 0 };
	struct guests found;

	of.uuid = "6d6f7665-0000-4000-8000-0000000000ff";
	of.name = "no such guest";
	if (twin_find(h, &of, &found, IN_TASK_SOON, &err) < 0)
		fail_with_err(&err);
	assert_int_equal(found.n, 0);
	guests_free(&found);
	host_close(h);
}

TEST(without_its_command_line_the_uuid_decides)
{
	of.argv = NULL;
	assert_false(twin_may_be(&of, &g));
	g.uuid = xstrdup(uuid);
	assert_true(twin_may_be(&of, &g));
	g.start_ticks = of.since_ticks;
	assert_false(twin_may_be(&of, &g));
}

TEST(without_a_uuid_either_the_name_decides)
{
	of.argv = NULL;
	of.uuid = "00000000-0000-0000-0000-000000000000";
	assert_true(twin_may_be(&of, &g));
	of.name = "b";
	assert_false(twin_may_be(&of, &g));
}

IN_TASK(of_a_source_that_is_gone_nothing_else_is_a_twin)
{
	struct host *h = host_local_new();
	struct err err = { 0 };

	of.uuid = "6d6f7665-0000-4000-8000-0000000000ff";
	of.name = "no such guest";
	if (twin_of_gone(h, &of, IN_TASK_SOON, &err) != 0)
		fail_with_err(&err);
	host_close(h);
}

static int listening(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strcpy(at.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* A guest of another user names a socket of root's as its monitor. */
IN_TASK(root_does_not_connect_to_a_socket_of_another_user)
{
	char dir[] = "/tmp/twin-XXXXXX";
	AUTO_FREE char *path = NULL;
	struct host *h = host_local_new();
	struct monitor m = { .kind = MONITOR_QMP };
	AUTO_ERR struct err err = { 0 };
	int fd;

	if (geteuid())
		skip();
	assert_non_null(mkdtemp(dir));
	m.path = path = xasprintf("%s/s", dir);
	fd = listening(path);
	g.monitors = &m;
	g.n_monitors = 1;
	assert_int_equal(twin_stop(h, &g, &err), -1);
	g.monitors = NULL;
	g.n_monitors = 0;
	assert_int_equal(accept(fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(err.kind, ERR_REFUSED);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	host_close(h);
}

TEST(the_time_is_that_of_proc)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	double uptime_s;
	FILE *f = fopen("/proc/uptime", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lf", &uptime_s), 1);
	(void)fclose(f);
	assert_true(twin_now() + 2 * hz > (uint64_t)(uptime_s * (double)hz));
	assert_true(twin_now() < (uint64_t)(uptime_s * (double)hz) + 10 * hz);
}
