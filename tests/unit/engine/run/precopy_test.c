/* SPDX-License-Identifier: MIT */
/* precopy: what is reported when the copy fails, against scripted QEMUs. */
#include "engine/run/precopy.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine/run/run.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/run_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/tunnel.h"

enum { STALL_MS = 20 };

static const char failed[] =
	"{\"status\":\"failed\","
	"\"error-desc\":\"Unable to write to socket: Broken pipe\"}";
static const char stalled[] = "the tunnel to local has not moved a byte";

/* The destination's QEMU has said something that explains nothing. */
static void leave_warning(struct run *r, const char *dir)
{
	AUTO_FREE char *path = xasprintf("%s/stderr", dir);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("qemu: warning: TCG does not know a feature\n", f);
	fclose(f);
	free(r->dest.dir);
	r->dest.dir = xstrdup(dir);
}

/* Returns once QEMU's end of the tunnel is shut down. */
static void let_tunnel_stall(struct run *r)
{
	AUTO_FD int fd = -1;
	char byte;

	tunnel_free(r->attempt.tunnel);
	r->attempt.tunnel = run_fixture_stuck_tunnel();
	fd = tunnel_start_pair(r->attempt.tunnel, STALL_MS, NULL);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(task_wait_fd(fd, EPOLLIN, SOON, NULL), 0);
	assert_int_equal(read(fd, &byte, 1), 0);
}

struct play {
	const struct fake_step *src;
	size_t n;
	bool stalls;
	enum err_kind kind; /* ERR_NONE: it succeeds, with the guest stopped */
	const char *words;
};

static void act(void *arg)
{
	static const struct fake_step leaves = { .leaves = true };
	const struct fake_options as = { .version = NULL };
	const struct play *p = arg;
	struct fake_qemu *src = fake_qemu_start(&as, p->src, p->n);
	struct fake_qemu *dst = fake_qemu_start(&as, &leaves, 1);
	char dir[] = "/tmp/precopy-XXXXXX";
	struct run r = { .opt = NULL };
	AUTO_ERR struct err e = { 0 };

	assert_non_null(mkdtemp(dir));
	run_fixture_init(&r, src, dst);
	r.attempt.clock.stop_seen = false;
	leave_warning(&r, dir);
	if (p->stalls)
		let_tunnel_stall(&r);
	assert_int_equal(precopy_run(&r, &e), p->kind == ERR_NONE ? 0 : -1);
	if (p->kind == ERR_NONE)
		assert_true(r.attempt.clock.stop_seen);
	else
		expect_err_kind(&e, p->kind, p->words);
	run_fixture_fini(&r);
	assert_null(fake_qemu_end(src));
	assert_null(fake_qemu_end(dst));
	remove_tree(dir);
}

TEST(a_stall_that_qemu_fails_of_first_is_reported_as_one)
{
	static const struct fake_step src[] = {
		{ .expect = "query-migrate", .reply = failed },
		{ .leaves = true },
	};

	in_task(act, &(struct play){ src, ARRAY_SIZE(src), true, ERR_NETWORK,
				     stalled });
}

TEST(a_stall_that_the_tunnel_notices_first_is_reported_as_one)
{
	/* words need not be looked for: nothing is cancelled before */
	static const struct fake_step src[] = {
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"active\"}" },
		{ .leaves = true },
	};

	in_task(act, &(struct play){ src, ARRAY_SIZE(src), true, ERR_NETWORK,
				     stalled });
}

TEST(what_the_destination_says_is_the_cause_of_any_other_failure)
{
	static const struct fake_step src[] = {
		{ .expect = "query-migrate", .reply = failed },
		{ .leaves = true },
	};

	in_task(act, &(struct play){ src, ARRAY_SIZE(src), false, ERR_FAILED,
				     "TCG does not know" });
}

/* Else what was dirtied since the last sync is not known to the last look. */
TEST(a_switchover_that_an_answer_shows_first_has_its_stop_seen)
{
	static const struct fake_step src[] = {
		{ .expect = "query-migrate",
		  .event = "STOP",
		  .reply = "{\"status\":\"pre-switchover\"}" },
		{ .leaves = true },
	};

	in_task(act,
		&(struct play){ src, ARRAY_SIZE(src), false, ERR_NONE, NULL });
}

/* --- what is left --------------------------------------------------------- */

#define RAM(state, syncs)                                                \
	"{\"status\":\"" state "\",\"ram\":{\"dirty-sync-count\":" syncs \
	",\"transferred\":1,\"remaining\":1000,\"total\":2000,"          \
	"\"normal\":1,\"duplicate\":0,\"dirty-pages-rate\":0,"           \
	"\"page-size\":4096,\"mbps\":1}}"

struct scene {
	const struct fake_step *src;
	size_t n;
	void (*body)(struct run *r);
};

static void play_scene(void *arg)
{
	static const struct fake_step leaves = { .leaves = true };
	const struct fake_options as = { .version = NULL };
	const struct scene *s = arg;
	struct fake_qemu *src = fake_qemu_start(&as, s->src, s->n);
	struct fake_qemu *dst = fake_qemu_start(&as, &leaves, 1);
	struct run r = { .opt = NULL };

	run_fixture_init(&r, src, dst);
	r.attempt.clock.stop_seen = false;
	s->body(&r);
	run_fixture_fini(&r);
	assert_null(fake_qemu_end(src));
	assert_null(fake_qemu_end(dst));
}

static void succeeds(struct run *r)
{
	struct err e = { 0 };

	if (precopy_run(r, &e) < 0)
		fail_with_err(&e);
	assert_true(r->attempt.clock.stop_seen);
}

/* One byte in ten seconds. */
static void succeeds_slowly(struct run *r)
{
	struct tunnel_stats t = { 0 };
	AUTO_FD int fd = -1;

	tunnel_free(r->attempt.tunnel);
	r->attempt.tunnel = run_fixture_open_tunnel();
	fd = tunnel_start_pair(r->attempt.tunnel, 0, NULL);
	assert_int_equal(write(fd, "x", 1), 1);
	while (!t.sent_bytes) {
		(void)task_sleep_until(mono_in_ms(5), NULL);
		tunnel_stats(r->attempt.tunnel, &t);
	}
	r->attempt.migrate_at = mono_add_ms(mono_now(), -10000);
	succeeds(r);
	assert_true(r->attempt.link.bps > 0 && r->attempt.link.bps < 1);
	assert_true(r->attempt.link.rest_ms > 0);
}

TEST(what_is_left_is_asked_for_on_the_slowest_link)
{
	static const struct fake_step src[] = {
		{ .expect = "query-migrate", .reply = RAM("active", "1") },
		{ .expect = "query-migrate", .reply = RAM("active", "2") },
		/* the gate is held */
		{ .expect = "migrate-set-parameters" },
		{ .expect = "query-migrate",
		  .event = "STOP",
		  .reply = RAM("pre-switchover", "2") },
		{ .expect = "query-migrate",
		  .reply = RAM("pre-switchover", "2") },
		{ .leaves = true },
	};

	in_task(play_scene,
		&(struct scene){ src, ARRAY_SIZE(src), succeeds_slowly });
}

static void succeeds_without_a_budget(struct run *r)
{
	r->attempt.budget_lifted = true;
	succeeds(r);
}

TEST(what_is_left_is_not_asked_for_when_the_budget_is_lifted)
{
	static const struct fake_step src[] = {
		{ .expect = "query-migrate",
		  .event = "STOP",
		  .reply = RAM("pre-switchover", "2") },
		{ .leaves = true },
	};

	in_task(play_scene, &(struct scene){ src, ARRAY_SIZE(src),
					     succeeds_without_a_budget });
}
