/* SPDX-License-Identifier: MIT */
/* precopy: what is reported when the copy fails, against scripted QEMUs. */
#include "engine/run/precopy.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/run/run.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/run_fixture.h"
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
