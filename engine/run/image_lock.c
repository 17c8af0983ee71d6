/* SPDX-License-Identifier: MIT */
/* image_lock: an image that QEMU is to take, and that another process has. */
#include "engine/run/image_lock.h"

#include <math.h>
#include <stdlib.h>

#include "engine/hosts/name_use.h"
#include "engine/run/reach.h"
#include "engine/run/run.h"
#include "engine/run/run_events.h"
#include "qmp/qmp_images.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

enum {
	LONGEST_MS = 10000,
	ASK_AGAIN_MS = 50,
};

/* --- who has it ----------------------------------------------------------- */

/* Looked for beside, so that nobody waits for the answer. */
struct look {
	struct run *r;
	struct task *task;
	char *found; /* "process 12 on hostb has /srv/a.qcow2 open", or NULL */
};

static void list_images(const struct argv_plan *plan, bool here,
			struct strv *out)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		const struct argv_file *f = &plan->files[i];
		const char *path = here ? f->source : f->path;

		if ((f->kind == ARGV_IMAGE || f->node) && path)
			strv_push(out, path);
	}
}

static char *find_on(struct run *r, const struct run_side *s, bool here)
{
	struct as_user user;
	const struct name_asker asker = {
		.user = reach_guest_user(r, s->facts.uid, &user),
		.self = here ? r->source.guest.pid : r->dest.pid,
	};
	AUTO_STRV struct strv images = { .v = NULL };
	AUTO_FREE enum name_kind *kinds = NULL;
	AUTO_FREE struct name_answer *answers = NULL;

	list_images(&r->dest.plan, here, &images);
	/* a file in the place of a socket: only who has it open is asked */
	kinds = xcalloc(images.n, sizeof(*kinds));
	answers = xcalloc(images.n, sizeof(*answers));
	if (name_use_ask(s->host, &asker, &images, kinds, answers,
			 mono_in_ms(LONGEST_MS), NULL) < 0)
		return NULL;
	for (size_t i = 0; i < images.n; i++) {
		if (answers[i].use == NAME_LIVE)
			return xasprintf("process %d on %s has %s open",
					 (int)answers[i].pid,
					 host_name(s->host), images.v[i]);
	}
	return NULL;
}

static void find(void *arg)
{
	struct look *l = arg;
	struct run *r = l->r;

	l->found = find_on(r, &r->dst, false);
	if (!l->found && !probe_same_host(&r->src.facts, &r->dst.facts))
		l->found = find_on(r, &r->src, true);
}

static void look_begin(struct look *l, struct run *r)
{
	*l = (struct look){ .r = r };
	l->task = task_start(task_loop(), "image-lock", find, l);
}

/* What was not found by now is not waited for. */
static char *look_end(struct look *l)
{
	task_cancel(l->task);
	task_join(l->task);
	return l->found;
}

/* --- asking again --------------------------------------------------------- */

/* A recovery has no budget: the guest is stopped anyway. */
static double patience_ms(const struct run *r)
{
	double budget_ms = r->attempt.wanted.budget_ms, paused_ms;

	if (!(budget_ms > 0) || r->attempt.budget_lifted ||
	    !r->attempt.clock.stop_seen)
		return LONGEST_MS;
	paused_ms = mono_diff_ms(mono_now(), r->attempt.clock.stop_at);
	return fmin(fmax(budget_ms - paused_ms, 0), LONGEST_MS);
}

static bool is_worth_it(struct run *r, struct mono until, const struct err *err)
{
	run_events_take(r);
	return qmp_images_locked(err) && !r->source.ran_on &&
	       mono_before(mono_now(), until);
}

static int explain(const char *who, double ms, struct err *err)
{
	if (!qmp_images_locked(err))
		return -1;
	if (who)
		err_wrap(err, ERR_NONE,
			 "an image of it stayed locked for %.1f s: %s",
			 ms / 1e3, who);
	else
		err_wrap(err, ERR_NONE,
			 "an image of it stayed locked for %.1f s by a process "
			 "that was not found",
			 ms / 1e3);
	return err_hint(err,
			"end what has the image open (fuser, lsof; on NFS it "
			"may be on any host), and migrate again; within "
			"--max-blackout a lock is waited for up to %d s",
			LONGEST_MS / 1000);
}

int image_lock_outlast(struct run *r, int (*ask)(struct run *r, struct err *e),
		       struct err *err)
{
	double most_ms = patience_ms(r);
	struct mono begun = mono_now();
	struct mono until = mono_in_ms((int64_t)most_ms);
	AUTO_FREE char *who = NULL;
	struct look look;
	int rc = -1;

	if (!qmp_images_locked(err))
		return -1;
	look_begin(&look, r);
	if (most_ms > 0)
		run_warn(r, "image-lock",
			 "another process has a lock on an image of %s; asking "
			 "again for up to %.1f s",
			 guest_label(&r->source.guest), most_ms / 1e3);
	while (rc < 0 && is_worth_it(r, until, err) &&
	       task_sleep_until(mono_in_ms(ASK_AGAIN_MS), NULL) == 0) {
		err_reset(err);
		rc = ask(r, err);
	}
	who = look_end(&look);
	return rc == 0 ? 0 : explain(who, mono_diff_ms(mono_now(), begun), err);
}
