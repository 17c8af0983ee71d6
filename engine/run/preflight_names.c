/* SPDX-License-Identifier: MIT */
/*
 * preflight_names: whether the guest's names are free on the destination, and
 * have a place there.
 */
#include <string.h>
#include <strings.h>

#include "engine/hosts/guest_id.h"
#include "engine/run/preflight.h"
#include "engine/run/preflight_add.h"
#include "engine/run/reach.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

/* A line for the destination's shell. */
static char *make_directory(const struct preflight *p, const char *path)
{
	AUTO_FREE char *user = quote_text(p->r->source.guest.user);
	AUTO_FREE char *word = quote_text(path);

	return xasprintf("install -d -o %s %s, there", user, word);
}

/*
 * Names are given with the rights of the guest's user. One that root had made
 * (-runas) cannot be: what the guest's command line says is its user's word,
 * and unlike a file that is open it cannot be proved.
 */
static void check_directory(struct preflight *p, const struct argv_move *m,
			    size_t at)
{
	const struct probe_file *there = &p->there[at];

	if (there->type != 'd') {
		ADD(p, "directory", DESTINATION, FAIL,
		    xasprintf("%s, where %s will be, is no directory on %s",
			      p->paths.v[at], m->public, dst_name(p)),
		    make_directory(p, p->paths.v[at]));
		checks_lacks(&p->r->checks, m->public);
		return;
	}
	if (!argv_moves_is_log(m) && there->access_known && !there->writable)
		ADD(p, "directory", DESTINATION, FAIL,
		    xasprintf("%s, whose QEMU will run on %s, may not write to "
			      "%s, where %s will be",
			      p->r->source.guest.user, dst_name(p),
			      p->paths.v[at], m->public),
		    xasprintf("give %s a directory of its own on both hosts, "
			      "and start the guest with its sockets and its "
			      "pid file there",
			      p->r->source.guest.user));
}

void preflight_check_directories(struct preflight *p)
{
	const struct argv_moves *m = &p->r->dest.plan.moves;
	AUTO_FREE char *path = NULL;

	for (size_t i = 0; i < m->n; i++)
		check_directory(p, &m->v[i], p->moves_at + i);
	if (!p->r->dest.plan.cwd || p->there[p->cwd_at].type == 'd')
		return;
	ADD(p, "directory", DESTINATION, FAIL,
	    xasprintf("the guest's paths are relative to %s, which is not on "
		      "%s",
		      p->r->dest.plan.cwd, dst_name(p)),
	    xstrdup("create it there, or map it with --remap OLD=NEW"));
	path = xasprintf("%s/", p->r->dest.plan.cwd);
	checks_lacks(&p->r->checks, path);
}

/* The guest itself is seen there, too, where both hosts are one. */
static bool is_source(const struct preflight *p, const struct guest *other)
{
	const struct guest *g = &p->r->source.guest;

	return p->same_pids && other->pid == g->pid &&
	       other->start_ticks == g->start_ticks;
}

/*
 * Whether @other may be the guest, started there by somebody else. What other
 * users call theirs must not keep the guest from its way; root, who may start
 * it, has no reason to call another guest so.
 */
static bool may_be_it(const struct preflight *p, const struct guest *other)
{
	const struct run *r = p->r;
	struct as_user as;
	const struct as_user *user = reach_guest_user(r, r->dst.facts.uid, &as);

	if (!other->uid)
		return true;
	if (!user)
		return other->uid == r->dst.facts.uid;
	return other->user && !strcmp(other->user, user->name);
}

static bool same_uuid(const struct run *r, const struct guest *other)
{
	const char *uuid = r->source.facts.uuid;

	return other->uuid && guest_id_has_uuid(uuid) &&
	       !strcasecmp(uuid, other->uuid);
}

static void add_same_guest(struct preflight *p, const struct guest *other,
			   const char *what)
{
	const char *label = guest_label(&p->r->source.guest);

	if (may_be_it(p, other))
		ADD(p, "same-guest", DESTINATION, FAIL,
		    xasprintf("a guest with the %s of %s runs on %s already: "
			      "%s (pid %d)",
			      what, label, dst_name(p), guest_label(other),
			      (int)other->pid),
		    xstrdup("end it, or start one of them with another -name "
			    "and -uuid"));
	else
		ADD(p, "same-guest", DESTINATION, WARN,
		    xasprintf("another user's guest on %s has the %s of %s: %s "
			      "(pid %d, user %s)",
			      dst_name(p), what, label, guest_label(other),
			      (int)other->pid, other->user),
		    xstrdup("make sure that it is another guest"));
}

void preflight_check_same_guest(struct preflight *p)
{
	const struct run *r = p->r;
	const char *name = r->source.guest.name;

	for (size_t i = 0; i < p->guests.n; i++) {
		const struct guest *other = &p->guests.v[i];
		bool uuid = same_uuid(r, other);

		if (is_source(p, other) ||
		    (!uuid &&
		     (!name || !other->name || strcmp(name, other->name) != 0)))
			continue;
		add_same_guest(p, other, uuid ? "UUID" : "name");
	}
}

static void refuse_name(struct preflight *p, size_t i, const char *how,
			const char *remedy)
{
	ADD(p, "name-in-use", DESTINATION, FAIL,
	    xasprintf("%s on %s %s", p->r->dest.plan.moves.v[i].public,
		      dst_name(p), how),
	    xstrdup(remedy));
}

static void refuse_live(struct preflight *p, size_t i, pid_t pid)
{
	AUTO_FREE char *how =
		pid ? xasprintf("is in use by process %d", (int)pid)
		    : xstrdup("is in use by a process that cannot be seen");

	refuse_name(p, i, how,
		    "end that process, or map the path with --remap OLD=NEW");
}

/*
 * A guest that arrived there has public names that /proc does not show, but its
 * command line, which another user may have written for this.
 */
static const struct guest *arrived_with(const struct preflight *p,
					const char *public)
{
	for (size_t i = 0; i < p->guests.n; i++) {
		const struct guest *other = &p->guests.v[i];

		for (size_t k = 0; k < other->moves.n; k++) {
			if (!is_source(p, other) && may_be_it(p, other) &&
			    !strcmp(other->moves.v[k].public, public))
				return other;
		}
	}
	return NULL;
}

void preflight_check_names(struct preflight *p)
{
	static const char *const how[NAME_USES] = {
		[NAME_FILE] = "is a file that would be replaced",
		[NAME_SOCKET] = "is a socket, where a file is to be",
		[NAME_DIRECTORY] = "is a directory",
	};
	const struct argv_moves *m = &p->r->dest.plan.moves;

	for (size_t i = 0; i < m->n; i++) {
		const struct guest *other = arrived_with(p, m->v[i].public);

		if (p->names[i].use == NAME_LIVE)
			refuse_live(p, i, p->names[i].pid);
		else if (other && !argv_moves_is_log(&m->v[i]))
			refuse_live(p, i, other->pid);
		else if (p->names[i].use == NAME_UNKNOWN)
			refuse_name(p, i,
				    "may be in use: processes that may have it "
				    "do not answer",
				    "see there which ones wait, as for a file "
				    "system that does not answer, or map the "
				    "path with --remap OLD=NEW");
		else if (how[p->names[i].use])
			refuse_name(p, i, how[p->names[i].use],
				    "remove it, or map the path with --remap "
				    "OLD=NEW");
	}
}
