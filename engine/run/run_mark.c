/* SPDX-License-Identifier: MIT */
/* run_mark: a run's marks on the source. */
#include "engine/run/run_mark.h"

#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_item.h"
#include "engine/guest/guest_describe.h"
#include "engine/run/migrate_options.h"
#include "engine/state/state_dir.h"
#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

/* --dest-args may give it another name and UUID there. */
static void add_destination(const struct run *r, struct moved *m)
{
	struct guest there = { .pid = 0 };

	/* a recovery does not know the command line */
	if (!r->dest.plan.argv.n)
		return;
	strv_push_all(&there.argv, &r->dest.plan.argv);
	guest_describe(&there);
	m->there_key = there.name ? path_part(there.name) : NULL;
	m->there_uuid = STEAL(there.uuid);
	guest_free(&there);
}

struct moved run_mark_of(const struct run *r)
{
	const char *name = guest_label(&r->source.guest);
	const char *uuid = r->source.facts.uuid;
	struct moved m = {
		.run = (char *)r->id.name,
		.guest = (char *)(strncmp(name, "pid:", 4) ? name : ""),
		.uuid = (char *)(guest_id_has_uuid(uuid) ? uuid : ""),
		.uid = r->source.guest.uid,
		.user = r->source.guest.user,
		.source = r->src.facts.hostname,
		.destination = (char *)r->opt->destination,
		.machine = (char *)r->dest.space.machine,
		.pid = r->dest.pid,
		.ticks = r->dest.ticks,
		.moved_s = (double)wall_now().us / 1e6,
	};

	add_destination(r, &m);
	return m;
}

void run_mark_free(struct moved *m)
{
	free(m->there_key);
	free(m->there_uuid);
}

bool run_mark_is_one(const struct moved *m)
{
	return *m->guest || *m->uuid;
}

static bool stays_here(const struct run *r)
{
	return r->dst.host && probe_same_host(&r->src.facts, &r->dst.facts);
}

void run_mark_leaving(struct run *r)
{
	AUTO_ERR struct err e = { 0 };
	struct moved m = run_mark_of(r);

	m.leaving = true;
	if (run_mark_is_one(&m) && !stays_here(r) &&
	    moved_publish(r->src.facts.state_root, &m, &e) < 0) {
		AUTO_FREE char *text = err_text(&e);

		run_warn(r, "owns",
			 "where the guest runs can be asked only with this "
			 "run's --state-dir: %s",
			 text);
	}
	run_mark_free(&m);
}

static void leftover(struct run *r, struct err *e)
{
	AUTO_FREE char *text = err_text(e);

	run_leftover(r, "the mark that it moved away, for `vmferry owns`: %s",
		     text);
	err_reset(e);
}

void run_mark_moved(struct run *r)
{
	AUTO_ERR struct err e = { 0 };
	struct moved m = run_mark_of(r);

	if (run_mark_is_one(&m) && !stays_here(r)) {
		if (moved_write(run_state(r), &m, &e) < 0)
			leftover(r, &e);
		if (moved_publish(r->src.facts.state_root, &m, &e) < 0)
			leftover(r, &e);
	}
	run_mark_free(&m);
}

void run_mark_ended(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	if (r->src.facts.state_root &&
	    moved_retract(r->src.facts.state_root, r->id.name, &e) < 0)
		leftover(r, &e);
}
