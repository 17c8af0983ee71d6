/* SPDX-License-Identifier: MIT */
/* history: what a migration has shown so far; pure. See history.h. */
#include "engine/policy/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

void history_init(struct history *h, const struct policy_facts *facts,
		  double ram_bytes, double overhead_s)
{
	memset(h, 0, sizeof(*h));
	curve_init(&h->curve, ram_bytes);
	h->link.usual_s = overhead_s;
	h->view.facts = facts;
	h->view.curve = &h->curve;
	h->view.link = &h->link;
}

void history_fini(struct history *h)
{
	free(h->passes);
	free(h->samples);
	memset(h, 0, sizeof(*h));
}

/* @v with room for one more than @n of @size bytes. */
static void *grown(void *v, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return v;
	*room = 2 * *room + 64;
	return xrealloc(v, *room, size);
}

void history_add_sample(struct history *h, double at_s, int64_t remaining_bytes)
{
	struct policy_view *v = &h->view;

	h->samples = grown(h->samples, v->n_samples, &h->room_samples,
			   sizeof(*h->samples));
	v->samples = h->samples;
	h->samples[v->n_samples++] = (struct policy_sample){
		.at_s = at_s,
		.remaining_bytes = remaining_bytes,
	};
}

void history_keep_pass(struct history *h, const struct policy_pass *pass)
{
	struct policy_view *v = &h->view;

	h->passes = grown(h->passes, v->n_passes, &h->room_passes,
			  sizeof(*h->passes));
	v->passes = h->passes;
	h->passes[v->n_passes++] = *pass;
}

void history_learn(struct history *h, double ram_bytes)
{
	assert(!curve_known(&h->curve));
	curve_init(&h->curve, ram_bytes);
	for (size_t i = 0; i < h->view.n_passes; i++)
		policy_learn(&h->curve, &h->link, &h->passes[i]);
}

void history_drop_passes(struct history *h)
{
	assert(!curve_known(&h->curve));
	h->view.n_passes = 0;
}

void history_add_pass(struct history *h, const struct policy_pass *pass)
{
	history_keep_pass(h, pass);
	policy_learn(&h->curve, &h->link, pass);
}

const struct policy_pass *history_last_pass(const struct history *h)
{
	return h->view.n_passes ? &h->passes[h->view.n_passes - 1] : NULL;
}

void history_ask(struct history *h, const struct policy *p, double now_s,
		 bool pass_ended, struct policy_decision *out)
{
	struct policy_view *v = &h->view;

	*out = (struct policy_decision){ .gate_ms = v->gate_ms };
	v->now_s = now_s;
	v->pass_ended = pass_ended;
	p->decide(v, out);
	if (pass_ended) {
		h->last = *out;
		v->last = &h->last;
	}
}
