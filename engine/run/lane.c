/* SPDX-License-Identifier: MIT */
/* lane: what carries the memory. The theory of operation is in lane.h. */
#include "engine/run/lane.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/guest_socket.h"
#include "engine/run/lane_speed.h"
#include "engine/run/lane_tcp.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

/* A measurement takes about as long as a faster cipher saves for so much. */
static const uint64_t worth_bytes = 2ULL << 30;

static const char *const names[] = {
	[LANE_SSH] = "ssh",
	[LANE_OPENSSH] = "openssh",
	[LANE_TCP] = "tcp",
	[LANE_AUTO] = "auto",
};

const char *lane_choice_name(enum lane_choice c)
{
	return names[c];
}

static bool is_by_ssh1(const struct run *r)
{
	return !strcmp(host_backend(r->dst.host), "openssh");
}

/* --- what can be had ------------------------------------------------------ */

static void refuse(struct lane *l, const struct err *why, const char *remedy)
{
	l->refusal = err_text(why);
	l->remedy = xstrdup(remedy);
}

/* Of those that mean that it cannot be had, and not that all is over. */
static int settle(struct lane *l, struct err *e, const char *remedy,
		  struct err *err)
{
	if (!err_has(e, ERR_CANCELLED)) {
		refuse(l, e, remedy);
		return 0;
	}
	err_move(err, e);
	return -1;
}

static struct host *log_in(const struct run *r, bool ask, struct err *err)
{
	struct host_options opt = r->opt->ssh;

	opt.backend = HOST_SSH_OPENSSH;
	/* it only connects, to a socket that the other login lends it */
	opt.become = HOST_BECOME_NONE;
	if (!ask)
		opt.ask = NULL;
	return host_open(r->opt->destination, &opt, mono_in_ms(RUN_CONNECT_MS),
			 err);
}

static int ask_openssh(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	r->lane.openssh = log_in(r, true, &e);
	if (r->lane.openssh)
		return 0;
	return settle(&r->lane, &e,
		      "have `ssh` log in there from here, or use --transport "
		      "ssh",
		      err);
}

static int ask_tcp(struct run *r, struct err *err)
{
	struct lane *l = &r->lane;
	AUTO_ERR struct err e = { 0 };

	l->tcp = lane_tcp_new(r->dst.host, &e);
	if (l->tcp && (!lane_tcp_is_inward(l->tcp) ||
		       probe_same_host(&r->src.facts, &r->dst.facts)))
		return 0;
	if (l->tcp)
		err_set(&e, ERR_REFUSED,
			"the login reaches %s at %s, by way of a host that "
			"forwards it",
			host_name(r->dst.host), lane_tcp_address(l->tcp));
	else if (e.kind != ERR_REFUSED && !err_has(&e, ERR_CANCELLED)) {
		err_move(err, &e);
		return -1;
	}
	return settle(l, &e,
		      "log in by an address of the destination that this host "
		      "reaches, or use --transport ssh",
		      err);
}

static bool may_pay(const struct run *r)
{
	return r->source.facts.ram_bytes >= worth_bytes;
}

/* Nobody is asked for it, and without it nothing is amiss. */
static int ask_auto(struct run *r, struct err *err)
{
	struct lane *l = &r->lane;
	AUTO_ERR struct err e = { 0 };

	l->way = LANE_SSH;
	if (!may_pay(r)) {
		l->why = xstrdup("the guest is too small for a comparison");
		return 0;
	}
	l->openssh = log_in(r, false, &e);
	if (err_has(&e, ERR_CANCELLED)) {
		err_move(err, &e);
		return -1;
	}
	if (l->openssh) {
		l->way = LANE_AUTO;
	} else {
		AUTO_FREE char *text = err_text(&e);

		l->why = xasprintf("ssh(1) cannot be used: %s", text);
	}
	return 0;
}

int lane_ask(struct run *r, struct err *err)
{
	enum lane_choice asked = r->opt->transport;

	/* to this host there is one way; a login by ssh(1) has that already */
	r->lane.way = LANE_SSH;
	if (host_is_local(r->dst.host) || asked == LANE_SSH ||
	    (asked != LANE_TCP && is_by_ssh1(r)))
		return 0;
	if (asked == LANE_AUTO)
		return ask_auto(r, err);
	r->lane.way = asked;
	return asked == LANE_TCP ? ask_tcp(r, err) : ask_openssh(r, err);
}

bool lane_starts_ssh(const struct run *r)
{
	return r->lane.openssh != NULL;
}

/* --- the choice ----------------------------------------------------------- */

void lane_measure(struct run *r)
{
	struct lane *l = &r->lane;

	if (l->way == LANE_AUTO && !l->speed)
		l->speed = lane_speed_begin(r->dst.host, l->openssh);
}

static char *words_of(const struct lane_speed_found *f, bool clear)
{
	if (!f->known)
		return xasprintf("a comparison with ssh(1) found nothing: %s",
				 f->why_not);
	return xasprintf("ssh(1) moves %.0f MB/s, libssh2 %.0f%s",
			 f->other_bps / 1e6, f->usual_bps / 1e6,
			 clear ? "" : ": not clearly more");
}

static int decide(struct run *r, struct err *err)
{
	struct lane *l = &r->lane;
	struct lane_speed_found f;
	bool clear;

	lane_measure(r);
	if (lane_speed_end(STEAL(l->speed), &f, err) < 0)
		return -1;
	clear = lane_speed_is_clear(&f);
	l->why = words_of(&f, clear);
	l->way = clear ? LANE_OPENSSH : LANE_SSH;
	if (!clear)
		host_close(STEAL(l->openssh));
	free(f.why_not);
	return 0;
}

/* A way that nobody has chosen is nothing to report. */
static void report(struct run *r)
{
	const struct lane *l = &r->lane;
	struct event ev = {
		.kind = EVENT_DECISION,
		.decision = {
			.action = l->way == LANE_OPENSSH ? "transport-openssh"
				  : l->way == LANE_TCP   ? "transport-tcp"
							 : "transport-ssh",
			.why = l->why ? l->why : "it was asked for",
			.downtime_limit_ms = NAN,
		},
	};

	r->result->transport = l->way == LANE_SSH ? host_backend(r->dst.host)
						  : names[l->way];
	if (host_is_local(r->dst.host) || (l->way == LANE_SSH && !l->why))
		return;
	log_info(NULL, "%s: %s", ev.decision.action, ev.decision.why);
	run_emit(r, &ev);
	if (!l->why)
		return;
	free(r->result->transport_why);
	r->result->transport_why =
		xasprintf("transport %s: %s", names[l->way], l->why);
}

/* --- the way itself ------------------------------------------------------- */

int lane_listen(struct run *r, struct err *err)
{
	AUTO_FREE char *uri = xasprintf("unix:%s/mig.sock", r->dest.dir);

	/* only from the moment on in which we connect */
	if (r->lane.way == LANE_TCP)
		return 0;
	return qmp_migrate_incoming(r->dst.qmp, uri, run_qmp_deadline(), err);
}

static struct tunnel *open_by(struct run *r, struct host *via, struct err *err)
{
	const struct guest_socket_owner owner = { .uid = r->source.guest.uid };
	AUTO_FREE char *path = xasprintf("%s/mig.sock", r->dest.dir);

	return guest_socket_tunnel_by(r->dst.host, via, path, &owner,
				      mono_in_ms(RUN_CONNECT_MS), err);
}

struct tunnel *lane_open(struct run *r, struct err *err)
{
	struct lane *l = &r->lane;

	/* the check was skipped */
	if (l->refusal) {
		err_set(err, ERR_REFUSED, "%s", l->refusal);
		err_hint(err, "%s", l->remedy);
		return NULL;
	}
	if (l->way == LANE_AUTO && decide(r, err) < 0)
		return NULL;
	report(r);
	switch (l->way) {
	case LANE_OPENSSH:
		return open_by(r, l->openssh, err);
	case LANE_TCP:
		run_warn(r, "insecure",
			 "the memory of %s goes to %s in clear: who is on the "
			 "way can read it and change it",
			 guest_label(&r->source.guest), host_name(r->dst.host));
		return lane_tcp_open(r, l->tcp, err);
	default:
		return open_by(r, r->dst.host, err);
	}
}

void lane_close(struct lane *l)
{
	lane_speed_free(l->speed);
	lane_tcp_free(l->tcp);
	host_close(l->openssh);
	free(l->refusal);
	free(l->remedy);
	free(l->why);
	*l = (struct lane){ .way = LANE_SSH };
}
