/* SPDX-License-Identifier: MIT */
/* reach: the guest and the destination, found and logged in to. */
#include "engine/run/reach.h"

#include <stdlib.h>
#include <string.h>

#include "engine/guest/discover.h"
#include "engine/hosts/arrival.h"
#include "engine/hosts/guest_id.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/run/twin.h"
#include "qmp/qmp.h"
#include "transport/base/path_part.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_target.h"

static void remember_source(struct run *r)
{
	struct result *res = r->result;

	free(res->guest);
	res->guest = xstrdup(guest_label(&r->source.guest));
	res->owner = OWNER_SOURCE;
	res->owner_pid = r->source.guest.pid;
}

int reach_refuse_arriving(struct run *r, struct err *err)
{
	const struct guest *g = &r->source.guest;
	/* what its user may have written is made a name, as ours are */
	AUTO_FREE char *key = g->run_key ? path_part(g->run_key)
					 : reach_guest_key(r);
	AUTO_FREE char *dir = NULL;
	const struct arrival_guest guest = {
		.pid = g->pid,
		.start_ticks = g->start_ticks,
		.run_dir = g->run_dir,
		.key = g->run_key || g->uuid ? key : NULL,
	};
	struct arrival a;
	int rc = arrival_of(r->src.host, r->src.facts.run_root, &guest, &a,
			    &dir, mono_in_ms(RUN_SCRIPT_MS), err);

	if (rc <= 0)
		return rc;
	r->result->owner = OWNER_UNKNOWN;
	err_set(err, ERR_BUSY,
		"%s is on its way to this host, or was not "
		"finished here, by run %s from %s",
		guest_label(g), *a.run ? a.run : "of another user",
		*a.source ? a.source : "another host");
	err_hint(err,
		 "wait until that run has ended; if it died, run vmferry "
		 "recover on %s; if that host is gone for good and the "
		 "guest runs here, remove %s",
		 *a.source ? a.source : "its host", dir);
	arrival_free(&a);
	return -1;
}

int reach_find(struct run *r, struct err *err)
{
	guest_free(&r->source.guest);
	host_facts_free(&r->src.facts);
	r->result->owner = OWNER_UNKNOWN;
	if (!r->src.host)
		r->src.host = host_local_new();
	if (discover_guest(r->src.host, r->opt->guest, &r->source.guest,
			   mono_in_ms(RUN_SCRIPT_MS), err) < 0)
		return -1;
	remember_source(r);
	r->source.begun_ticks = twin_now();
	if (probe_host(r->src.host, &r->src.facts, mono_in_ms(RUN_SCRIPT_MS),
		       err) < 0)
		return -1;
	r->source.space = r->src.facts.space;
	free(r->result->source);
	r->result->source = xstrdup(r->src.facts.hostname);
	return 0;
}

static int no_destination(struct run *r, struct err *err)
{
	AUTO_FREE char *words = host_target_words(r->opt->destination);

	err_wrap(err, ERR_NONE, "cannot use %s as a destination",
		 r->opt->destination);
	if (!err_hint_of(err))
		err_hint(err, "see whether `ssh %s true` works from here",
			 words);
	return -1;
}

void reach_report_become(struct run *r, const struct err *err)
{
	const char *hint = err_hint_of(err);
	struct event ev = { .kind = EVENT_CHECK };

	checks_add(&r->checks, "become", CHECK_DESTINATION, CHECK_FAIL,
		   err_text(err), xstrdup(hint));
	ev.check = &r->checks.v[r->checks.n - 1];
	run_emit(r, &ev);
}

const struct as_user *reach_guest_user(const struct run *r, uid_t login,
				       struct as_user *out)
{
	const struct guest *g = &r->source.guest;

	/* only root can act as another */
	if (login || !g->uid)
		return NULL;
	*out = (struct as_user){
		.name = g->user,
		.group = g->group,
		.keep_keyring = r->opt && run_skips(r, "keyring"),
	};
	return out;
}

void reach_source_settled(struct run *r)
{
	r->finding = false;
	waitq_wake_all(&r->found);
}

static int await_source(struct run *r)
{
	while (r->finding) {
		if (task_wait_queue(&r->found, MONO_NEVER, NULL) < 0)
			return -1;
	}
	return 0;
}

/* The caller's own, with a note that somebody was asked. */
static char *ask_noted(void *arg, const char *prompt, enum host_ask what)
{
	struct run *r = arg;

	if (await_source(r) < 0)
		return NULL;
	r->dest.typed = true;
	return r->opt->ssh.ask(r->opt->ssh.arg, prompt, what);
}

/* An event takes the place of the caller's own. */
static void notify(void *arg, const char *what, const char *text)
{
	struct run *r = arg;
	const bool is_ssh = !strcmp(what, HOST_NOTE_SSH);

	/* ssh(1) is tried next: it asks by itself */
	if (is_ssh && await_source(r) < 0)
		return;
	run_warn(r, what, "%s", text);
	if (!is_ssh)
		return;
	free(r->result->transport_why);
	r->result->transport_why = xstrdup(text);
}

int reach_destination(struct run *r, struct err *err)
{
	struct host_options opt = r->opt->ssh;
	int connect_ms = r->opt->connect_ms ? r->opt->connect_ms
					    : RUN_CONNECT_MS;

	opt.ask = opt.ask ? ask_noted : NULL;
	opt.notify = notify;
	opt.arg = r;
	if (opt.ask && opt.backend == HOST_SSH_OPENSSH)
		(void)await_source(r);
	if (!r->dst.host)
		r->dst.host = host_open(r->opt->destination, &opt,
					mono_in_ms(connect_ms), err);
	if (!r->dst.host)
		return no_destination(r, err);
	r->result->transport = host_backend(r->dst.host);
	return 0;
}

/*
 * A name may lead to another machine by now, to a copy of it, or to another PID
 * namespace of the same. Takes what @h is like.
 */
static int recognize(struct run *r, struct host *h, struct err *err)
{
	const struct identity recorded = {
		.space = r->dest.space,
		.token_file = r->dest.token_file,
	};
	struct host_facts facts = { 0 };

	if (probe_host_token(h, r->dest.token_file, &facts,
			     mono_in_ms(RUN_SCRIPT_MS), err) < 0) {
		host_facts_free(&facts);
		return -1;
	}
	if (identity_check_token(&recorded, &facts.space, host_name(h), err) <
	    0) {
		host_facts_free(&facts);
		return err_at_host(err, host_name(h));
	}
	if (identity_compare(&r->dest.space, &facts.space) ==
	    IDENTITY_ELSEWHERE) {
		host_facts_free(&facts);
		err_set(err, ERR_FAILED,
			"%s leads to another machine now, or to another PID "
			"namespace",
			host_name(h));
		return err_at_host(err, host_name(h));
	}
	host_facts_free(&r->dst.facts);
	r->dst.facts = facts;
	return 0;
}

int reach_restore(struct run *r, struct host *open, struct err *err)
{
	struct host *h = open;

	if (!h)
		h = host_open(r->opt->destination, &r->opt->ssh,
			      mono_in_ms(RUN_CONNECT_MS), err);
	if (!h)
		return -1;
	if (recognize(r, h, err) < 0) {
		host_close(h);
		return -1;
	}
	r->dst.host = h;
	return 0;
}

/* ssh(1) asks by itself, so that nothing was noted. */
static bool may_have_been_typed(const struct run *r)
{
	return r->dest.typed ||
	       (r->opt->ssh.ask &&
		strcmp(host_backend(r->dst.host), "openssh") == 0);
}

int reach_try_alone(struct run *r, struct err *err)
{
	struct host_options opt = r->opt->ssh;
	struct host *h;

	if (host_is_local(r->dst.host) || !may_have_been_typed(r))
		return 0;
	opt.ask = NULL;
	opt.notify = NULL;
	/* the guardian gets it, too */
	opt.sudo_password = host_sudo_password(r->dst.host);
	h = host_open(r->opt->destination, &opt, mono_in_ms(RUN_CONNECT_MS),
		      err);
	host_close(h);
	return h ? 0 : -1;
}

int reach_reconnect(struct run *r, struct err *err)
{
	struct host_options opt = r->opt->ssh;
	struct host *fresh;

	if (r->dst.host &&
	    host_ping(r->dst.host, mono_in_ms(RUN_QMP_MS), NULL) == 0)
		return 0;
	opt.ask = NULL;
	opt.sudo_password = host_sudo_password(r->dst.host);
	fresh = host_open(r->opt->destination, &opt, mono_in_ms(RUN_UNDO_MS),
			  err);
	if (!fresh)
		return -1;
	if (recognize(r, fresh, err) < 0) {
		host_close(fresh);
		return -1;
	}
	host_close(r->dst.host);
	r->dst.host = fresh;
	r->dest.reconnected = true;
	return 0;
}

/* --- ids ----------------------------------------------------------------- */

static void use_own_id(struct run *r, struct run_side *side,
		       struct identity_space *recorded)
{
	AUTO_FREE char *script = xasprintf("{\n%s} >/dev/null\n%s", identity_sh,
					   identity_make_sh);
	struct identity_space made = { .boot = "" };
	AUTO_BUF struct buf text = { 0 };
	AUTO_ERR struct err e = { 0 };

	if (probe_script(side->host, "identity", script, &text,
			 mono_in_ms(RUN_SCRIPT_MS), &e) == 0)
		identity_space_read(buf_data(&text), &made);
	if (!*made.own) {
		run_warn(r, "identity",
			 "%s has the machine id of the other host, or none, "
			 "and no id could be made for it: %s",
			 side->facts.hostname,
			 e.message ? e.message : "no id was read");
		return;
	}
	memcpy(side->facts.space.own, made.own, sizeof(made.own));
	memcpy(recorded->machine, made.own, sizeof(made.own));
}

void reach_identify(struct run *r)
{
	if (!r->dst.host ||
	    identity_ids_suffice(&r->src.facts.space, &r->dst.facts.space))
		return;
	use_own_id(r, &r->src, &r->source.space);
	use_own_id(r, &r->dst, &r->dest.space);
}

/* --- is QEMU still there? ------------------------------------------------ */

int reach_source_alive(struct run *r, struct mono deadline, struct err *err)
{
	const struct identity who = {
		.space = r->source.space,
		.pid = r->source.guest.pid,
		.start_ticks = r->source.guest.start_ticks,
		.token_file = r->source.token_file,
	};

	return discover_alive(r->src.host, &who, deadline, err);
}

bool reach_source_rebooted(const struct run *r)
{
	return identity_compare(&r->source.space, &r->src.facts.space) ==
	       IDENTITY_REBOOTED;
}

bool reach_destination_rebooted(const struct run *r)
{
	return identity_compare(&r->dest.space, &r->dst.facts.space) ==
	       IDENTITY_REBOOTED;
}

int reach_destination_alive(struct run *r, struct mono deadline,
			    struct err *err)
{
	const struct identity who = {
		.space = r->dest.space,
		.pid = r->dest.pid,
		.start_ticks = r->dest.ticks,
		.token_file = r->dest.token_file,
	};

	return discover_alive(r->dst.host, &who, deadline, err);
}

void reach_close_monitors(struct run_side *s)
{
	qmp_listener_free(s->events);
	s->events = NULL;
	qmp_close(s->qmp);
	s->qmp = NULL;
	qmp_close(s->rescue);
	s->rescue = NULL;
}

/*
 * What it has among its user's guests: a UUID, or, as many have none, machine
 * id, name and the start of its QEMU.
 */
static char *guest_text(const struct run *r)
{
	const char *uuid = r->source.facts.uuid;
	AUTO_FREE char *id = NULL;

	/* before QEMU was asked its command line has to do */
	if (!*uuid && r->source.guest.uuid)
		uuid = r->source.guest.uuid;
	if (guest_id_has_uuid(uuid))
		return xstrdup(uuid);
	id = xasprintf("%s/%s/%llu", identity_machine(&r->src.facts.space),
		       guest_label(&r->source.guest),
		       (unsigned long long)r->source.guest.start_ticks);
	return xasprintf("guest-%016llx",
			 (unsigned long long)path_part_hash(id));
}

char *reach_guest_key(const struct run *r)
{
	AUTO_FREE char *text = guest_text(r);

	return guest_id_key(text, r->source.guest.uid, r->src.facts.uid);
}
