/* SPDX-License-Identifier: MIT */
/* monitor_share: runs side by side use one session. */
#include "engine/run/monitor_share.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "qmp/qmp.h"
#include "qmp/qmp_status.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_local.h"

static struct migrate_options opt;
static struct monitor_share share;
static struct run one, two;
static struct monitor monitor;
static char name[] = "web1";

/* Two runs of this process as a guest, whose monitor is at @path. */
static void begin(char *path)
{
	struct run *const runs[] = { &one, &two };

	opt = (struct migrate_options){ .share = &share };
	monitor = (struct monitor){ .kind = MONITOR_QMP, .path = path };
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		struct run *r = runs[i];

		*r = (struct run){ .opt = &opt };
		r->src.host = host_local_new();
		r->source.guest.pid = getpid();
		r->source.guest.name = name;
		r->source.guest.uid = geteuid();
		r->source.guest.monitors = &monitor;
		r->source.guest.n_monitors = path ? 1 : 0;
	}
}

static void leave(struct run *r)
{
	qmp_close(r->src.qmp);
	free(r->source.monitor);
	host_close(r->src.host);
}

static void expect_running(struct run *r)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_status st;

	expect_ok(qmp_query_status(r->src.qmp, &st, SOON, &err), &err);
	assert_true(st.running);
}

IN_TASK(the_second_run_uses_the_session_of_the_first)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status",
		  .reply = "{\"status\":\"running\",\"running\":true,"
			   "\"singlestep\":false}" },
		{ .leaves = true },
	};
	char dir[] = "/tmp/vmferry-share-XXXXXX";
	AUTO_FREE char *path = NULL;
	AUTO_ERR struct err err = { 0 };
	struct fake_qemu *fake;

	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/qmp", dir);
	fake = fake_qemu_start(&(struct fake_options){ .path = path }, steps,
			       ARRAY_SIZE(steps));
	begin(path);
	expect_ok(monitor_share_open(&one, &err), &err);
	expect_ok(monitor_share_open(&two, &err), &err);
	assert_ptr_equal(one.src.qmp, two.src.qmp);
	assert_string_equal(two.source.monitor, path);
	leave(&one);
	expect_running(&two);
	leave(&two);
	monitor_share_close(&share);
	assert_null(fake_qemu_end(fake));
	unlink(path);
	rmdir(dir);
}

IN_TASK(what_keeps_the_first_from_it_keeps_the_second)
{
	AUTO_ERR struct err err = { 0 }, again = { 0 };

	begin(NULL);
	assert_int_equal(monitor_share_open(&one, &err), -1);
	assert_int_equal(monitor_share_open(&two, &again), -1);
	assert_string_equal(err_hint_of(&again), err_hint_of(&err));
	expect_err_kind(&err, ERR_REFUSED, "no QMP monitor");
	expect_err_kind(&again, ERR_REFUSED, "no QMP monitor");
	leave(&one);
	leave(&two);
	monitor_share_close(&share);
}
