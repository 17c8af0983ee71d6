/* SPDX-License-Identifier: MIT */
/* reach: the guest and the destination, found and logged in to. */
#include "engine/run/reach.h"

#include <stdlib.h>
#include <string.h>

#include "engine/guest/discover.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/run/twin.h"
#include "qmp/qmp.h"
#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

static void remember_source(struct run *r)
{
	struct result *res = r->result;

	free(res->guest);
	res->guest = xstrdup(guest_label(&r->source.guest));
	res->owner = OWNER_SOURCE;
	res->owner_pid = r->source.guest.pid;
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
	free(r->result->source);
	r->result->source = xstrdup(r->src.facts.hostname);
	return 0;
}

static int no_destination(struct run *r, struct err *err)
{
	err_wrap(err, ERR_NONE, "cannot use %s as a destination",
		 r->opt->destination);
	if (!err_hint_of(err))
		err_hint(err, "see whether `ssh %s true` works from here",
			 r->opt->destination);
	return -1;
}

const struct as_user *reach_guest_user(const struct run *r, uid_t login,
				       struct as_user *out)
{
	const struct guest *g = &r->source.guest;

	/* only root can act as another */
	if (login || !g->uid)
		return NULL;
	*out = (struct as_user){ g->user, g->group };
	return out;
}

int reach_destination(struct run *r, struct err *err)
{
	if (!r->dst.host)
		r->dst.host = host_open(r->opt->destination, &r->opt->ssh,
					mono_in_ms(RUN_CONNECT_MS), err);
	if (!r->dst.host)
		return no_destination(r, err);
	r->result->transport = host_backend(r->dst.host);
	return 0;
}

int reach_restore(struct run *r, struct host *open, struct err *err)
{
	r->dst.host = open;
	if (!r->dst.host)
		r->dst.host = host_open(r->opt->destination, &r->opt->ssh,
					mono_in_ms(RUN_CONNECT_MS), err);
	if (!r->dst.host)
		return -1;
	return probe_host(r->dst.host, &r->dst.facts, mono_in_ms(RUN_SCRIPT_MS),
			  err);
}

void reach_leave(struct run *r)
{
	host_close(STEAL(r->dst.host));
}

int reach_reconnect(struct run *r, struct err *err)
{
	struct host_options opt = r->opt->ssh;
	struct host *fresh;

	if (r->dst.host &&
	    host_ping(r->dst.host, mono_in_ms(RUN_QMP_MS), NULL) == 0)
		return 0;
	opt.ask = NULL;
	fresh = host_open(r->opt->destination, &opt, mono_in_ms(RUN_UNDO_MS),
			  err);
	if (!fresh)
		return -1;
	host_close(r->dst.host);
	r->dst.host = fresh;
	r->dest.reconnected = true;
	return 0;
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
 * A guest is known by its UUID, or, for the many that have none, by machine
 * id, name and the start of its QEMU.
 */
char *reach_guest_key(const struct run *r)
{
	const char *uuid = r->source.facts.uuid;
	AUTO_FREE char *id = NULL;

	/* before QEMU was asked its command line has to do */
	if (!*uuid && r->source.guest.uuid)
		uuid = r->source.guest.uuid;
	if (strspn(uuid, "0-") < strlen(uuid))
		return path_part(uuid);
	id = xasprintf("%s/%s/%llu", r->src.facts.machine_id,
		       guest_label(&r->source.guest),
		       (unsigned long long)r->source.guest.start_ticks);
	return xasprintf("guest-%016llx",
			 (unsigned long long)path_part_hash(id));
}
