/* SPDX-License-Identifier: MIT */
#include "tests/unit/run_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/policy/policy.h"
#include "engine/policy/policy_auto.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "qmp/qmp.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/stream_fd.h"

/* --- tunnels ------------------------------------------------------------- */

static void forget(void *far)
{
	(void)far;
}

static const struct tunnel_far_ops no_far = { .close = forget };

static long takes_nothing(void *far, const void *data, unsigned long len,
			  struct err *err)
{
	(void)far;
	(void)data;
	(void)len;
	(void)err;
	return 0;
}

static long takes_all(void *far, const void *data, unsigned long len,
		      struct err *err)
{
	(void)far;
	(void)data;
	(void)err;
	return (long)len;
}

static int never_ready(void *far, bool want_read, bool want_write,
		       short *events)
{
	(void)far;
	(void)want_read;
	(void)want_write;
	*events = 0;
	return -1;
}

static int no_heartbeat(void *far, struct mono now, struct mono *next,
			struct err *err)
{
	(void)far;
	(void)now;
	(void)err;
	*next = MONO_NEVER;
	return 0;
}

static long says_nothing(void *far, void *data, unsigned long len, bool *eof,
			 struct err *err)
{
	(void)eof;
	return takes_nothing(far, data, len, err);
}

static int ends(void *far, struct err *err)
{
	(void)far;
	(void)err;
	return 0;
}

static const struct tunnel_far_ops stuck_far = {
	.read = says_nothing,
	.write = takes_nothing,
	.send_eof = ends,
	.poll_fd = never_ready,
	.heartbeat = no_heartbeat,
	.close = forget,
};

static const struct tunnel_far_ops open_far = {
	.read = says_nothing,
	.write = takes_all,
	.send_eof = ends,
	.poll_fd = never_ready,
	.heartbeat = no_heartbeat,
	.close = forget,
};

struct tunnel *run_fixture_open_tunnel(void)
{
	return tunnel_new("hostb", &open_far, NULL);
}

struct tunnel *run_fixture_stuck_tunnel(void)
{
	return tunnel_new("hostb", &stuck_far, NULL);
}

/* --- the run ------------------------------------------------------------- */

static struct qmp *session(struct fake_qemu *f, const char *side)
{
	AUTO_ERR struct err e = { 0 };
	int fd = fake_qemu_take_fd(f);
	struct qmp *q = qmp_open(stream_fd_new(fd, fd), side, SOON, &e);

	assert_non_null(q);
	return q;
}

/* Both sides are on this machine. */
static void identify(struct run *r)
{
	assert_int_equal(probe_here(&r->src.facts, SOON, NULL), 0);
	r->source.space = r->dest.space = r->src.facts.space;
}

void run_fixture_init(struct run *r, struct fake_qemu *src,
		      struct fake_qemu *dst)
{
	static struct migrate_options opt;

	migrate_options_init(&opt);
	opt.guest = "g";
	opt.destination = "local";
	r->opt = &opt;
	r->result = XNEW(struct result);
	result_init(r->result);
	r->held.lock_fd = -1;
	r->course.phase = PHASE_SWITCHOVER;
	r->source.guest.pid = getpid();
	r->source.guest.name = xstrdup("g");
	r->source.facts.first_status.running = true;
	r->source.noted_running = true;
	identify(r);
	r->src.host = host_local_new();
	r->dst.host = host_local_new();
	r->dest.dir = xstrdup("/nonexistent");
	r->attempt.tunnel = tunnel_new("local", &no_far, NULL);
	r->attempt.policy = &policy_auto;
	r->attempt.wanted.budget_ms = 300;
	r->src.qmp = session(src, "source");
	r->src.events = qmp_listen(r->src.qmp, &r->wake);
	r->dst.qmp = session(dst, "destination");
	r->dst.events = qmp_listen(r->dst.qmp, &r->wake);
	r->attempt.clock.stop_seen = true;
	r->attempt.clock.stop_at = r->attempt.clock.pre_switchover_at =
		mono_now();
	r->attempt.migrate_at = r->started = r->attempt.clock.stop_at;
}

void run_fixture_fini(struct run *r)
{
	qmp_listener_free(r->src.events);
	qmp_listener_free(r->dst.events);
	qmp_close(r->src.qmp);
	qmp_close(r->dst.qmp);
	tunnel_free(r->attempt.tunnel);
	host_facts_free(&r->src.facts);
	host_close(r->src.host);
	host_close(r->dst.host);
	guest_free(&r->source.guest);
	free(r->dest.plan.monitor0);
	free(r->dest.dir);
	result_free(r->result);
	free(r->result);
}
