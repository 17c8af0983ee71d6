/* SPDX-License-Identifier: MIT */
/*
 * preflight_hands: which images root opens on the destination for a guest whose
 * user may not; hand_over.h has the rule.
 *
 * Only those are asked about with which the user cannot do what QEMU does.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_path.h"
#include "engine/run/preflight.h"
#include "engine/run/migrate_options.h"
#include "engine/run/reach.h"
#include "qmp/qmp_machine.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

/* The images in question: @at[i] is the plan's file of @sources.v[i]. */
struct question {
	size_t *at;
	struct strv sources, paths;
};

static bool is_in_question(const struct preflight *p, size_t i)
{
	const struct argv_file *f = &p->r->dest.plan.files[i];
	const struct probe_file *here = &p->here[i], *there = &p->there[i];

	if (!f->node || !f->source || !there->exists || !there->access_known)
		return false;
	return !there->readable ||
	       (f->writable &&
		(!there->writable || !here->exists || !here->writable));
}

static void find_images(const struct preflight *p, struct question *q)
{
	const struct argv_plan *plan = &p->r->dest.plan;

	q->at = xcalloc(plan->n_files, sizeof(*q->at));
	for (size_t i = 0; i < plan->n_files; i++) {
		if (!is_in_question(p, i))
			continue;
		q->at[q->sources.n] = i;
		strv_push(&q->sources, plan->files[i].source);
		strv_push(&q->paths, plan->files[i].path);
	}
}

static void take_answers(struct preflight *p, const struct question *q,
			 struct hand_held *held, struct hand_found *found)
{
	p->hands = xcalloc(p->r->dest.plan.n_files, sizeof(*p->hands));
	for (size_t i = 0; i < q->sources.n; i++)
		p->hands[q->at[i]] = (struct preflight_hand){
			.asked = true,
			.here = held[i],
			.there = found[i],
		};
}

static int ask_hosts(struct preflight *p, const struct question *q,
		     struct err *err)
{
	const struct run *r = p->r;
	const struct guest *g = &r->source.guest;
	size_t n = q->sources.n;
	AUTO_FREE struct hand_held *held = xcalloc(n, sizeof(*held));
	AUTO_FREE struct hand_found *found = xcalloc(n, sizeof(*found));
	struct as_user user;
	const struct hand_holder holder = {
		.pid = g->pid,
		.ticks = g->start_ticks,
		.uid = g->uid,
		.user = reach_guest_user(r, r->src.facts.uid, &user),
	};

	if (hand_over_ask_held(r->src.host, &holder, &q->sources, held,
			       mono_in_ms(RUN_SCRIPT_MS), err) < 0)
		return -1;
	if (hand_over_ask_found(r->dst.host, &q->paths, found,
				mono_in_ms(RUN_SCRIPT_MS), err) < 0) {
		for (size_t i = 0; i < n; i++)
			hand_held_free(&held[i]);
		return -1;
	}
	take_answers(p, q, held, found);
	return 0;
}

/* What QEMU wants to do with it there: what it does here. */
static bool is_to_be_written(const struct argv_file *f,
			     const struct preflight_hand *h)
{
	return f->writable && (h->here.writes || !f->reopens);
}

/* What QEMU calls it, as the plan calls it; to be freed. */
static char *name_of(const struct preflight *p, const struct qmp_image *image)
{
	return argv_path_absolute(p->r->source.guest.cwd, image->file);
}

/* A name in the image that says where to look from its own name. */
static const char *relative_backing(const struct preflight *p,
				    const struct qmp_images *images,
				    const char *source)
{
	for (size_t i = 0; i < images->n; i++) {
		const char *below = images->v[i].backing;
		AUTO_FREE char *name = name_of(p, &images->v[i]);

		if (!strcmp(name, source) && below && *below != '/' &&
		    !strchr(below, ':'))
			return below;
	}
	return NULL;
}

static char *refusal(const struct preflight *p, const struct qmp_images *images,
		     size_t i)
{
	const struct run *r = p->r;
	const struct argv_file *f = &r->dest.plan.files[i];
	const struct preflight_hand *h = &p->hands[i];
	const char *below = relative_backing(p, images, f->source);
	const char *why = hand_over_refusal(
		&h->here, &h->there, is_to_be_written(f, h),
		probe_same_host(&r->src.facts, &r->dst.facts));

	/* one descriptor is of one mode */
	if (!why && is_to_be_written(f, h) && f->reopens)
		why = "QEMU opens it twice (auto-read-only=on)";
	if (!why && r->dest.n_hands == ARGV_HANDS_MAX)
		why = "there are too many that only root may open";
	if (!why && below)
		return xasprintf("the image below it is called %s, from where "
				 "it lies itself",
				 below);
	return why ? xstrdup(why) : NULL;
}

static void hand(struct run *r, const struct argv_file *f,
		 const struct preflight_hand *h)
{
	struct run_dest *d = &r->dest;

	d->hands = xrealloc(d->hands, d->n_hands + 1, sizeof(*d->hands));
	d->hands[d->n_hands++] = (struct run_hand){
		.path = xstrdup(f->path),
		.id = xstrdup(h->there.id),
		.writable = is_to_be_written(f, h),
	};
}

/* Then the plan is made anew, with the same files in the same order. */
static int judge(struct preflight *p, const struct qmp_images *images,
		 struct err *err)
{
	struct argv_hand hands[ARGV_HANDS_MAX];
	struct run *r = p->r;

	for (size_t i = 0; i < r->dest.plan.n_files; i++) {
		const struct argv_file *f = &r->dest.plan.files[i];
		struct preflight_hand *h = &p->hands[i];
		const struct probe_file *there = &p->there[i];

		if (!h->asked)
			continue;
		h->needless = there->readable &&
			      (there->writable || !is_to_be_written(f, h));
		if (h->needless)
			continue;
		h->refusal = refusal(p, images, i);
		if (!h->refusal)
			hand(r, f, h);
	}
	if (!r->dest.n_hands)
		return 0;
	for (size_t i = 0, n = 0; i < r->dest.plan.n_files; i++) {
		const struct preflight_hand *h = &p->hands[i];

		if (h->asked && !h->needless && !h->refusal) {
			hands[n] = (struct argv_hand){
				.path = r->dest.hands[n].path,
				.block = h->there.file.type == 'b',
			};
			n++;
		}
	}
	return preflight_make_plan(p, hands, r->dest.n_hands, err);
}

/* --- what is below -------------------------------------------------------- */

static bool is_named(const struct argv_plan *plan, const char *file)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		if (plan->files[i].source &&
		    !strcmp(plan->files[i].source, file))
			return true;
	}
	return false;
}

static int ask_chain(struct preflight *p, const struct qmp_images *images,
		     struct err *err)
{
	struct run *r = p->r;
	struct as_user user;

	for (size_t i = 0; !r->opt->dest_args && i < images->n; i++) {
		AUTO_FREE char *file = name_of(p, &images->v[i]);

		if (*images->v[i].file == '/' &&
		    strncmp(file, "/dev/fdset/", 11) != 0 &&
		    !strchr(file, '\n') && !is_named(&r->dest.plan, file))
			strv_push(&p->chain, file);
	}
	p->chain_there = xcalloc(p->chain.n, sizeof(*p->chain_there));
	return probe_files(r->dst.host, &p->chain,
			   reach_guest_user(r, r->dst.facts.uid, &user),
			   p->chain_there, mono_in_ms(RUN_SCRIPT_MS), err);
}

static int ask_all(struct preflight *p, const struct question *q,
		   struct qmp_images *images, struct err *err)
{
	if (qmp_query_images(p->r->src.qmp, images, run_qmp_deadline(), err) <
	    0)
		return -1;
	if (ask_chain(p, images, err) < 0)
		return -1;
	if (!q->sources.n)
		return 0;
	return ask_hosts(p, q, err) < 0 ? -1 : judge(p, images, err);
}

int preflight_hands_ask(struct preflight *p, struct err *err)
{
	const struct run *r = p->r;
	struct question q = { .at = NULL };
	struct qmp_images images = { .n = 0 };
	int rc;

	/* what root's login cannot do as another user it does not do at all */
	if (r->src.facts.uid || r->dst.facts.uid || !r->source.guest.uid)
		return 0;
	find_images(p, &q);
	rc = ask_all(p, &q, &images, err);
	qmp_images_free(&images);
	free(q.at);
	strv_free(&q.sources);
	strv_free(&q.paths);
	return rc;
}

void preflight_hands_free(struct preflight *p)
{
	for (size_t i = 0; p->hands && i < p->r->dest.plan.n_files; i++) {
		hand_held_free(&p->hands[i].here);
		hand_found_free(&p->hands[i].there);
		free(p->hands[i].refusal);
	}
	free(p->hands);
	strv_free(&p->chain);
	free(p->chain_there);
}
