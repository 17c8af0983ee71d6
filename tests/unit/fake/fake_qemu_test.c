/* SPDX-License-Identifier: MIT */
/* fake_qemu: a fake that could not find fault would prove nothing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qmp/json.h"
#include "qmp/qmp_migrate.h"
#include "qmp/qmp_status.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

struct play {
	struct fake_qemu *fake;
	const char *path;
	void (*body)(struct qmp *q);
};

static void play_task(void *arg)
{
	const struct play *p = arg;
	int fd = p->path ? -1 : fake_qemu_take_fd(p->fake);
	struct stream *s = p->path ? stream_fd_connect_unix(p->path, SOON, NULL)
				   : stream_fd_new(fd, fd);
	struct qmp *q = qmp_open(s, "source", SOON, NULL);

	assert_non_null(q);
	p->body(q);
	qmp_close(q);
}

/* The fake must find fault with @body, in these words. */
static void finds(const struct fake_step *steps, size_t n,
		  void (*body)(struct qmp *q), const char *words)
{
	struct fake_options options = { .version = "11.1.3" };
	struct play p = {
		.fake = fake_qemu_start(&options, steps, n),
		.body = body,
	};
	AUTO_FREE char *problem = NULL;

	in_task(play_task, &p);
	problem = fake_qemu_end(p.fake);
	if (!problem || !strstr(problem, words))
		fail_msg("expected \"%s\", got \"%s\"", words,
			 problem ? problem : "no problem");
}

static void nothing(struct qmp *q)
{
	(void)q;
}

static void send_stop(struct qmp *q)
{
	(void)qmp_stop(q, SOON, NULL);
}

TEST(a_left_over_step_is_a_fault)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop" },
		{ .expect = "cont" },
	};

	finds(steps, 2, send_stop, "step 2 of 2: the client left before cont");
}

TEST(an_unexpected_command_is_a_fault)
{
	static const struct fake_step steps[] = { { .expect = "cont" } };

	finds(steps, 1, send_stop, "expected cont, got stop");
	finds(NULL, 0, send_stop, "unexpected: ");
}

static void send_detach(struct qmp *q)
{
	struct json_object *args = json_add_str(json_new(), "uri", "x");

	json_add_bool(args, "detach", true);
	(void)qmp_call(q, "migrate", args, NULL, SOON, NULL);
}

TEST(an_argument_this_version_lacks_is_a_fault)
{
	static const struct fake_step steps[] = { { .expect = "migrate" } };

	finds(steps, 1, send_detach, "QEMU 11.1.3: migrate.detach: unknown");
}

static void send_bogus(struct qmp *q)
{
	(void)qmp_call(q, "bogus", NULL, NULL, SOON, NULL);
}

TEST(a_command_this_version_lacks_is_a_fault)
{
	static const struct fake_step steps[] = { { .expect = "bogus" } };

	finds(steps, 1, send_bogus, "bogus: unknown command");
}

static void send_migrate(struct qmp *q)
{
	(void)qmp_migrate(q, "x", SOON, NULL);
}

TEST(other_arguments_than_scripted_are_a_fault)
{
	static const struct fake_step steps[] = {
		{ .expect = "migrate", .args = "{\"uri\":\"y\"}" },
	};

	finds(steps, 1, send_migrate,
	      "migrate: expected arguments {\"uri\":\"y\"}, got { \"uri\": "
	      "\"x\"");
}

static void send_oob_status(struct qmp *q)
{
	(void)qmp_call_oob(q, "query-status", NULL, NULL, SOON, NULL);
}

static void send_oob_yank(struct qmp *q)
{
	(void)qmp_yank_migration(q, SOON, NULL);
}

TEST(the_wrong_band_is_a_fault)
{
	static const struct fake_step status[] = {
		{ .expect = "query-status", .oob = true },
	};
	static const struct fake_step yank[] = { { .expect = "yank" } };

	finds(status, 1, send_oob_status, "query-status came out of band");
	finds(yank, 1, send_oob_yank, "yank came out of band");
}

TEST(a_missing_descriptor_is_a_fault)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .fd = true },
	};

	finds(steps, 1, send_stop, "stop came without a descriptor");
}

TEST(an_event_this_version_lacks_is_a_fault)
{
	static const struct fake_step steps[] = { { .event = "TEA_READY" } };

	finds(steps, 1, nothing, "has no event TEA_READY");
}

static void reconnect_body(struct qmp *q)
{
	assert_int_equal(qmp_stop(q, SOON, NULL), 0);
}

TEST(one_that_listens_serves_client_after_client)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop" },
		{ .leaves = true },
		{ .expect = "stop" },
	};
	char dir[] = "/tmp/vmferry-test.XXXXXX";
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *problem = NULL;
	struct fake_options options = { .version = NULL };
	struct play p = { .body = reconnect_body };

	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/qmp.sock", dir);
	options.path = p.path = path;
	p.fake = fake_qemu_start(&options, steps, ARRAY_SIZE(steps));
	in_task(play_task, &p);
	in_task(play_task, &p);
	problem = fake_qemu_end(p.fake);
	if (problem)
		fail_msg("%s", problem);
	assert_int_equal(rmdir(dir), 0);
}
