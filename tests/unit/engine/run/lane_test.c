/* SPDX-License-Identifier: MIT */
/* lane: what is asked for, refused and reported, against scripted QEMUs. */
#include "engine/run/lane.h"

#include <stdlib.h>
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/in_task.h"
#include "tests/unit/run_fixture.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_local.h"

static struct run r;
static struct fake_qemu *src, *dst;
static struct migrate_options opt;
static struct event seen;
static char *why;

static void take(void *arg, const struct event *ev)
{
	(void)arg;
	if (ev->kind != EVENT_DECISION)
		return;
	seen = *ev;
	free(why);
	why = xstrdup(ev->decision.why);
}

/* Both hosts are this one. */
static void begin(enum lane_choice asked, const struct fake_step *steps,
		  size_t n)
{
	static const struct fake_step leaves = { .leaves = true };
	const struct fake_options as = { .version = NULL };

	src = fake_qemu_start(&as, &leaves, 1);
	dst = fake_qemu_start(&as, steps, n);
	r = (struct run){ .opt = NULL };
	run_fixture_init(&r, src, dst);
	opt = *r.opt;
	opt.transport = asked;
	opt.sink = take;
	r.opt = &opt;
	seen = (struct event){ .kind = EVENT_RESULT };
}

static void end(void)
{
	lane_close(&r.lane);
	run_fixture_fini(&r);
	assert_null(fake_qemu_end(src));
	assert_null(fake_qemu_end(dst));
	free(STEAL(why));
}

TEST(each_choice_has_its_word)
{
	assert_string_equal(lane_choice_name(LANE_SSH), "ssh");
	assert_string_equal(lane_choice_name(LANE_OPENSSH), "openssh");
	assert_string_equal(lane_choice_name(LANE_TCP), "tcp");
	assert_string_equal(lane_choice_name(LANE_AUTO), "auto");
}

IN_TASK(to_this_host_there_is_one_way)
{
	static const struct fake_step leaves = { .leaves = true };

	for (int asked = LANE_SSH; asked <= LANE_AUTO; asked++) {
		struct err err = { 0 };

		begin((enum lane_choice)asked, &leaves, 1);
		if (lane_ask(&r, &err) < 0)
			fail_with_err(&err);
		assert_int_equal(r.lane.way, LANE_SSH);
		assert_null(r.lane.refusal);
		assert_false(lane_starts_ssh(&r));
		end();
	}
}

IN_TASK(the_usual_way_waits_at_a_socket)
{
	static const struct fake_step steps[] = {
		{ .expect = "migrate-incoming",
		  .args = "{\"uri\":\"unix:/nonexistent/mig.sock\"}" },
		{ .leaves = true },
	};
	struct err err = { 0 };

	begin(LANE_SSH, steps, ARRAY_SIZE(steps));
	if (lane_listen(&r, &err) < 0)
		fail_with_err(&err);
	end();
}

IN_TASK(a_port_is_opened_no_sooner_than_it_is_connected_to)
{
	static const struct fake_step leaves = { .leaves = true };
	struct err err = { 0 };

	begin(LANE_TCP, &leaves, 1);
	r.lane.way = LANE_TCP;
	if (lane_listen(&r, &err) < 0)
		fail_with_err(&err);
	end();
}

IN_TASK(one_that_cannot_be_had_is_refused_with_its_remedy)
{
	static const struct fake_step leaves = { .leaves = true };
	struct err err = { 0 };

	begin(LANE_OPENSSH, &leaves, 1);
	r.lane.way = LANE_OPENSSH;
	r.lane.refusal = xstrdup("no ssh(1)");
	r.lane.remedy = xstrdup("install one");
	assert_null(lane_open(&r, &err));
	assert_string_equal(err_hint_of(&err), "install one");
	expect_err_kind(&err, ERR_REFUSED, "no ssh(1)");
	end();
}

/* --- auto ----------------------------------------------------------------- */

/* A login that is not to this host, as far as the lane can see. */
static struct tunnel *open_local(struct host *h, const char *const *argv,
				 struct mono deadline, struct err *err)
{
	struct host *local = host_local_new();
	struct tunnel *t = host_tunnel_command(local, argv, deadline, err);

	(void)h;
	host_close(local);
	return t;
}

static struct tunnel *open_none(struct host *h, const char *const *argv,
				struct mono deadline, struct err *err)
{
	(void)h;
	(void)argv;
	(void)deadline;
	err_set(err, ERR_NETWORK, "the line is dead");
	return NULL;
}

static struct tunnel *open_path(struct host *h, const char *path,
				struct mono deadline, struct err *err)
{
	(void)path;
	(void)deadline;
	err_set(err, ERR_FAILED, "by %s", host_backend(h));
	return NULL;
}

static void no_close(struct host *h)
{
	free(h);
}

static struct host *
fake_login(const char *backend,
	   struct tunnel *(*open)(struct host *, const char *const *,
				  struct mono, struct err *))
{
	static struct host_ops ops[2];
	struct host_ops *o = &ops[!strcmp(backend, "openssh")];
	struct host *h = XNEW(struct host);

	*o = (struct host_ops){
		.backend = backend,
		.tunnel = open_path,
		.tunnel_command = open,
		.close = no_close,
	};
	*h = (struct host){ .ops = o, .name = (char *)"hostb" };
	return h;
}

IN_TASK(a_small_guest_is_not_worth_a_comparison)
{
	static const struct fake_step leaves = { .leaves = true };
	struct err err = { 0 };

	begin(LANE_AUTO, &leaves, 1);
	host_close(r.dst.host);
	r.dst.host = fake_login("ssh", open_local);
	r.source.facts.ram_bytes = 1 << 30;
	if (lane_ask(&r, &err) < 0)
		fail_with_err(&err);
	lane_measure(&r);
	assert_null(r.lane.speed);
	assert_null(lane_open(&r, &err));
	expect_err_kind(&err, ERR_FAILED, "by ssh");
	assert_int_equal(seen.kind, EVENT_DECISION);
	assert_non_null(strstr(why, "too small"));
	assert_string_equal(r.result->transport, "ssh");
	end();
}

IN_TASK(without_a_comparison_the_usual_way_is_taken_and_the_reason_given)
{
	static const struct fake_step leaves = { .leaves = true };
	struct err err = { 0 };

	begin(LANE_AUTO, &leaves, 1);
	host_close(r.dst.host);
	r.dst.host = fake_login("ssh", open_local);
	r.lane.openssh = fake_login("openssh", open_none);
	r.lane.way = LANE_AUTO;
	lane_measure(&r);
	assert_non_null(r.lane.speed);
	assert_null(lane_open(&r, &err));
	expect_err_kind(&err, ERR_FAILED, "by ssh");
	assert_non_null(strstr(why, "the line is dead"));
	assert_non_null(strstr(r.result->transport_why, "the line is dead"));
	/* and it stays with that in a second try */
	lane_measure(&r);
	assert_null(r.lane.speed);
	end();
}
