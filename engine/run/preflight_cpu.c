/* SPDX-License-Identifier: MIT */
/* preflight_cpu: whether the guest keeps its CPU. */
#include "engine/run/preflight_cpu.h"

#include <string.h>

#include "engine/run/cpu_names.h"
#include "engine/run/preflight_add.h"
#include "engine/run/reach.h"
#include "transport/base/xalloc.h"

int preflight_cpu_ask(struct preflight *p, struct err *err)
{
	return qmp_cpu_query(p->r->src.qmp, &p->cpu, run_qmp_deadline(), err);
}

int preflight_cpu_try(void *arg, struct err *err)
{
	struct preflight *p = arg;
	const struct run *r = p->r;
	AUTO_STRV struct strv words = { .v = NULL };
	struct as_user user;

	if (!p->cpu.n || !p->qemu.path || !p->qemu.machine_known)
		return 0;
	if (r->source.facts.kvm && !p->kvm_usable)
		return 0;
	cpu_trial_words(&r->dest.plan.argv, r->source.facts.machine,
			r->source.facts.kvm, &words);
	p->cpu_tried = true;
	return cpu_trial_ask(r->dst.host,
			     reach_guest_user(r, r->dst.facts.uid, &user),
			     &words, &p->cpu_there,
			     mono_in_ms(2 * (int64_t)RUN_SCRIPT_MS), err);
}

void preflight_cpu_free(struct preflight *p)
{
	qmp_cpu_free(&p->cpu);
	cpu_trial_free(&p->cpu_there);
}

/* --- the comparison ------------------------------------------------------- */

/*
 * Bits that are not compared: those that follow from -smp, which QEMU 10.0 and
 * later has in these words (commits c6bd2dd63420 and 99a637a86f55) and earlier
 * ones add elsewhere; and AMD's copies of bits of leaf 1.
 */
static uint32_t not_compared(const struct qmp_cpu_word *w)
{
	enum { HT = 1 << 28, CMP_LEGACY = 1 << 1, ALIASES = 0x0183f3ff };

	if (w->leaf == 1 && !strcmp(w->reg, "EDX"))
		return HT;
	if (w->leaf == 0x80000001 && !strcmp(w->reg, "ECX"))
		return CMP_LEGACY;
	if (w->leaf == 0x80000001 && !strcmp(w->reg, "EDX"))
		return ALIASES;
	return 0;
}

static uint32_t bits_of(const struct qmp_cpu *c, const struct qmp_cpu_word *w)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct qmp_cpu_word *v = &c->words[i];

		if (v->leaf == w->leaf && v->subleaf == w->subleaf &&
		    !strcmp(v->reg, w->reg))
			return v->bits;
	}
	return 0;
}

/* The names of the features that @a has and @b lacks. */
static void missing(const struct qmp_cpu *a, const struct qmp_cpu *b,
		    struct strv *names)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct qmp_cpu_word *w = &a->words[i];
		uint32_t bits = w->bits & ~bits_of(b, w) & ~not_compared(w);

		for (unsigned int bit = 0; bit < 32; bit++) {
			if (bits >> bit & 1)
				strv_take(names, cpu_names_feature(w, bit));
		}
	}
}

/* --- what is said --------------------------------------------------------- */

/* The first ones of a long list. */
static char *shorten(const struct strv *list)
{
	enum { SHOWN = 12 };
	AUTO_STRV struct strv some = { .v = NULL };

	for (size_t i = 0; i < list->n && i < SHOWN; i++)
		strv_push(&some, list->v[i]);
	if (list->n > SHOWN)
		strv_pushf(&some, "and %zu more", list->n - SHOWN);
	return strv_join(&some, ", ");
}

static char *remedy_for_lost(const struct preflight *p)
{
	return xasprintf("start the guest with a -cpu that both hosts have, "
			 "%sor use a QEMU there that has it (--qemu-binary)",
			 p->r->source.facts.kvm
				 ? "a model of the older of both CPUs, "
				 : "");
}

static bool check_features(struct preflight *p)
{
	const struct qmp_cpu *there = &p->cpu_there.cpu;
	AUTO_STRV struct strv lost = { .v = NULL }, won = { .v = NULL };
	AUTO_FREE char *text = NULL;

	missing(&p->cpu, there, &lost);
	missing(there, &p->cpu, &won);
	if (lost.n) {
		text = shorten(&lost);
		ADD(p, "cpu", BOTH, FAIL,
		    xasprintf("the guest's CPU (%s) would lose features on "
			      "%s, which it may use at any time: %s",
			      p->cpu.model, dst_name(p), text),
		    remedy_for_lost(p));
	} else if (won.n) {
		text = shorten(&won);
		ADD(p, "cpu", BOTH, WARN,
		    xasprintf("the guest's CPU (%s) would have features on %s "
			      "that it does not have here, and would miss them "
			      "when it comes back: %s",
			      p->cpu.model, dst_name(p), text),
		    xstrdup("start the guest with a -cpu whose features are "
			    "the same on both"));
	}
	return lost.n || won.n;
}

/* Such a model is what a host has, and not only its features. */
static bool check_model(struct preflight *p)
{
	if (strcmp(p->cpu.model, "host") != 0 &&
	    strcmp(p->cpu.model, "max") != 0)
		return false;
	ADD(p, "cpu", BOTH, WARN,
	    xasprintf("-cpu %s is what each host can do: the same features "
		      "were found on both now, which another microcode, "
		      "kernel or QEMU may change",
		      p->cpu.model),
	    xstrdup("start the guest with a named model (-cpu help)"));
	return true;
}

static void compare(struct preflight *p)
{
	const struct qmp_cpu *there = &p->cpu_there.cpu;

	if (strcmp(p->cpu.model, there->model) != 0)
		ADD(p, "cpu", BOTH, FAIL,
		    xasprintf("the guest's CPU is %s, and would be %s on %s",
			      p->cpu.model, there->model, dst_name(p)),
		    xasprintf("see that QEMU there gets -cpu %s (--dest-args, "
			      "--qemu-binary)",
			      p->cpu.model));
	else if (p->cpu.vendor && there->vendor &&
		 strcmp(p->cpu.vendor, there->vendor) != 0)
		ADD(p, "cpu", BOTH, FAIL,
		    xasprintf("the guest runs on a CPU of %s, and the one of "
			      "%s is of %s",
			      p->cpu.vendor, dst_name(p), there->vendor),
		    xstrdup("migrate it to a host with a CPU of the same "
			    "vendor, or shut it down to move it"));
	else if (!check_features(p) && !check_model(p))
		ADD(p, "cpu", BOTH, PASS,
		    xasprintf("the guest's CPU (%s) has the same features on "
			      "%s",
			      p->cpu.model, dst_name(p)),
		    NULL);
}

/* The features that it left out are compared; the rest is passed on. */
static void pass_on(struct preflight *p)
{
	const struct strv *warnings = &p->cpu_there.warnings;

	for (size_t i = 0; i < warnings->n; i++)
		ADD(p, "cpu", DESTINATION, WARN,
		    xasprintf("QEMU on %s warns of the guest's machine and "
			      "CPU: %s",
			      dst_name(p), warnings->v[i]),
		    xstrdup("see whether it concerns the guest"));
}

/* It gave no CPU; with -cpu ...,enforce it names what it lacks. */
static void check_silent(struct preflight *p)
{
	const struct cpu_trial *t = &p->cpu_there;
	AUTO_STRV struct strv why = { .v = NULL };
	AUTO_FREE char *text = NULL;

	strv_push_all(&why, &t->errors);
	strv_push_all(&why, &t->features);
	text = shorten(&why);
	if (t->errors.n)
		ADD(p, "cpu", DESTINATION, FAIL,
		    xasprintf("QEMU on %s does not start a guest with this "
			      "machine and CPU: %s",
			      dst_name(p), text),
		    remedy_for_lost(p));
	else
		ADD(p, "cpu", DESTINATION, WARN,
		    xasprintf("whether the guest's CPU (%s) has the same "
			      "features on %s is not known: QEMU there does "
			      "not say",
			      p->cpu.model, dst_name(p)),
		    xasprintf("see there what `%s -cpu help` says",
			      p->qemu.path));
}

void preflight_cpu_check(struct preflight *p)
{
	if (!p->cpu_tried)
		return;
	if (!p->cpu_there.cpu.n) {
		check_silent(p);
		return;
	}
	compare(p);
	pass_on(p);
}
