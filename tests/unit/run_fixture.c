/* SPDX-License-Identifier: MIT */
#include "tests/unit/run_fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
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
#include "transport/tunnel_fd.h"

/* --- tunnels ------------------------------------------------------------- */

/* Of a tunnel whose far side nobody reads. */
struct unread {
	int fd;
};

static void unread_release(void *arg)
{
	struct unread *u = arg;

	close_fd(u->fd);
	free(u);
}

static const struct tunnel_fd_carrier unread_carrier = {
	.release = unread_release,
};

static struct tunnel *unread_tunnel(const char *host, bool full)
{
	static const char bytes[4096];
	/* more than the tunnel will have it hold */
	const int sndbuf = 1 << 20;
	struct unread *u = XNEW(struct unread);
	struct tunnel *t;
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &sndbuf,
			 sizeof(sndbuf));
	while (full && send(pair[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	u->fd = pair[1];
	t = tunnel_fd_new(host, pair[0], &unread_carrier, u, SOON, NULL);
	assert_non_null(t);
	return t;
}

struct tunnel *run_fixture_stuck_tunnel(void)
{
	return unread_tunnel("hostb", true);
}

struct tunnel *run_fixture_open_tunnel(void)
{
	static const char *const argv[] = { "sh", "-c", "exec cat >/dev/null",
					    NULL };
	struct host *h = host_local_new();
	struct tunnel *t = host_tunnel_command(h, argv, SOON, NULL);

	assert_non_null(t);
	host_close(h);
	return t;
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
	r->attempt.tunnel = unread_tunnel("local", false);
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
