/* SPDX-License-Identifier: MIT */
/*
 * link_probe: what its samples mean; this machine measured; a host that is
 * lost, and one that falls silent.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/estimate/link_probe.h"
#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "engine/policy/forecast.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"
#include "transport/tunnel_fd.h"

/* --- what samples mean --------------------------------------------------- */

#define BPS(...)                                                             \
	link_probe_bps((const struct link_sample[]){ __VA_ARGS__ },          \
		       sizeof((const struct link_sample[]){ __VA_ARGS__ }) / \
			       sizeof(struct link_sample))
#define ENOUGH(...)                                                   \
	link_probe_enough(                                            \
		(const struct link_sample[]){ __VA_ARGS__ },          \
		sizeof((const struct link_sample[]){ __VA_ARGS__ }) / \
			sizeof(struct link_sample))

TEST(what_fills_buffers_is_not_the_links)
{
	assert_float_equal(BPS({ 0, 0 }, { 0.01, 4e6 }, { 0.4, 4.4e6 },
			       { 1, 5e6 }, { 2, 6e6 }),
			   1e6, 1);
}

TEST(a_slow_start_is_no_slow_link)
{
	assert_float_equal(BPS({ 0, 0 }, { 0.3, 1e5 }, { 0.9, 3e7 },
			       { 1.5, 9e7 }),
			   1e8, 1);
}

TEST(what_is_over_in_no_time_has_a_steady_part_too)
{
	assert_float_equal(BPS({ 0, 0 }, { 0.02, 1e6 }, { 0.06, 5e7 },
			       { 0.1, 1e8 }),
			   1.25e9, 1);
}

TEST(a_hiccup_in_between_counts)
{
	assert_float_equal(BPS({ 0, 0 }, { 0.3, 3e6 }, { 0.6, 6e6 },
			       { 0.9, 9e6 }, { 1.3, 10e6 }),
			   7e6, 1);
}

TEST(a_link_that_only_filled_buffers_is_at_most_so_fast)
{
	assert_float_equal(BPS({ 0, 0 }, { 0.1, 1e5 }, { 2.5, 1e5 }), 4e4, 1);
}

TEST(nothing_is_no_rate)
{
	assert_true(link_probe_bps(NULL, 0) == 0);
	assert_true(BPS({ 0, 0 }) == 0);
	assert_true(BPS({ 0, 0 }, { 1, 0 }) == 0);
}

/* Two seconds of a link, each 0.2 s of which take @odd or @even bytes. */
static double sigma_of(double odd, double even)
{
	struct link_sample v[11] = { 0 };

	for (size_t i = 1; i < 11; i++) {
		v[i].seconds = 0.2 * (double)i;
		v[i].bytes = v[i - 1].bytes + (i % 2 ? odd : even);
	}
	return link_probe_sigma(v, 11);
}

TEST(a_link_whose_parts_differ_is_known_less_well)
{
	assert_true(sigma_of(1e7, 1e7) < FORECAST_PRIOR_LINK);
	assert_true(sigma_of(1.5e7, 0.5e7) > 0.4);
	assert_true(sigma_of(1.1e7, 0.9e7) < sigma_of(1.5e7, 0.5e7));
}

TEST(an_unseen_link_scatters_as_is_usual)
{
	const struct link_sample one = { 0, 0 };

	assert_float_equal(link_probe_sigma(NULL, 0), FORECAST_PRIOR_LINK,
			   1e-6);
	assert_float_equal(link_probe_sigma(&one, 1), FORECAST_PRIOR_LINK,
			   1e-6);
}

TEST(half_a_second_is_not_enough)
{
	assert_false(link_probe_enough(NULL, 0));
	assert_false(ENOUGH({ 0, 0 }, { 0.5, 1e8 }));
}

TEST(a_quick_link_is_known_in_no_more_than_two_seconds)
{
	assert_true(ENOUGH({ 0, 0 }, { 1.6, 1e8 }));
}

TEST(nobody_is_flooded)
{
	assert_true(ENOUGH({ 0, 0 }, { 0.1, 256.0 * 1024 * 1024 }));
}

TEST(a_slow_link_gets_longer_and_not_for_ever)
{
	assert_false(ENOUGH({ 0, 0 }, { 1.6, 1e6 }));
	assert_true(ENOUGH({ 0, 0 }, { 2.6, 1e6 }));
	assert_true(ENOUGH({ 0, 0 }, { 2.6, 0 }));
}

/* --- a real one ---------------------------------------------------------- */

IN_TASK(this_machine_can_be_measured)
{
	struct host *h = host_local_new();
	AUTO_ERR struct err err = { 0 };
	double bps = 0, sigma;

	if (link_probe(h, &bps, &sigma, &err) < 0)
		fail_with_err(&err);
	assert_true(bps > 1e5);
	host_close(h);
}

IN_TASK(nothing_is_left_of_it)
{
	struct host *h = host_local_new();
	double bps, sigma;
	int fds = count_fds();

	assert_int_equal(link_probe(h, &bps, &sigma, NULL), 0);
	assert_int_equal(count_fds(), fds);
	host_close(h);
}

struct probing {
	struct host *host;
	int rc;
	struct err err;
};

static void probe(void *arg)
{
	struct probing *p = arg;
	double bps, sigma;

	p->rc = link_probe(p->host, &bps, &sigma, &p->err);
}

IN_TASK(a_cancel_ends_it)
{
	struct probing p = { .host = host_local_new() };
	int fds = count_fds();
	struct task *t = task_start(task_loop(), "probe", probe, &p);

	task_yield();
	task_cancel(t);
	task_join(t);
	assert_int_equal(p.rc, -1);
	expect_err_kind(&p.err, ERR_CANCELLED, "");
	assert_int_equal(count_fds(), fds);
	host_close(p.host);
}

/* --- one in hand --------------------------------------------------------- */

struct fake {
	struct host base;
	int far; /* where the command would be; -1: gone */
	bool gone;
};

static struct tunnel *fake_tunnel(struct host *h, const char *const *argv,
				  struct mono deadline, struct err *err)
{
	struct fake *f = (struct fake *)h;
	int pair[2];

	(void)argv;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	f->far = pair[0];
	if (f->gone)
		close_fd(steal_fd(&f->far));
	return tunnel_fd_new(h->name, pair[1], NULL, NULL, deadline, err);
}

static int fake_ping(struct host *h, struct mono deadline, struct err *err)
{
	(void)h;
	(void)deadline;
	return err_set(err, ERR_NETWORK, "not a word");
}

static const struct host_ops fake_ops = {
	.backend = "ssh",
	.tunnel_command = fake_tunnel,
	.ping = fake_ping,
};

static void expect_failure(struct fake *f, enum err_kind kind,
			   const char *words)
{
	struct err err = { 0 };
	double bps = 0, sigma;

	assert_int_equal(link_probe(&f->base, &bps, &sigma, &err), -1);
	assert_true(bps == 0);
	expect_err_kind(&err, kind, words);
	close_fd(f->far);
}

IN_TASK(a_far_end_that_goes_is_a_failure)
{
	struct fake f = {
		.base = { &fake_ops, (char[]){ "hostb" } },
		.gone = true,
	};

	expect_failure(&f, ERR_CLOSED, "far side");
}

IN_TASK(a_host_that_falls_silent_is_no_slow_link)
{
	struct fake f = { .base = { &fake_ops, (char[]){ "hostb" } } };

	expect_failure(&f, ERR_NETWORK, "not a word");
}
