/* SPDX-License-Identifier: MIT */
/*
 * policy_peers: what other managers do with the same two levers, as far as it
 * is publicly described; for replays and the league table, and for a user who
 * wants it. Each is written from the behaviour and its published defaults.
 */
#include "engine/policy/policy_peers.h"

#include <math.h>

#include "transport/base/xalloc.h"

#define GIB (1024.0 * 1024 * 1024)

static double budget_gate(const struct policy_facts *f)
{
	return fmin(fmax(floor(f->budget_ms), POLICY_HOLD_MS), POLICY_WIDE_MS);
}

static void watch(const struct policy_view *v, struct policy_decision *out)
{
	policy_wait(v, out,
		    "QEMU switches when what is left fits through a "
		    "gate of %.0f ms.",
		    v->gate_ms);
}

/* --- qemu ---------------------------------------------------------------- */

/* downtime-limit is set once, before the start, to what is allowed. */
static void qemu_decide(const struct policy_view *v,
			struct policy_decision *out)
{
	if (!policy_deadline(v, out))
		watch(v, out);
}

const struct policy policy_qemu = {
	.name = "qemu",
	.first_gate_ms = budget_gate,
	.decide = qemu_decide,
};

/* --- looking at `remaining` each so many seconds -------------------------- */

/*
 * How often `remaining` was seen to have grown (or, with @or_zero, to be 0) by
 * somebody who looks every @interval_s.
 */
static unsigned int rises(const struct policy_view *v, double interval_s,
			  bool or_zero)
{
	double next_s = interval_s;
	int64_t last = -1;
	unsigned int n = 0;

	for (size_t i = 0; i < v->n_samples; i++) {
		int64_t now = v->samples[i].remaining_bytes;

		if (v->samples[i].at_s < next_s)
			continue;
		next_s = v->samples[i].at_s + interval_s;
		if ((last > 0 && now > last) || (or_zero && now == 0))
			n++;
		last = now;
	}
	return n;
}

/* --- proxmox ------------------------------------------------------------- */

/*
 * PVE::QemuMigrate: 100 ms (its default of migrate_downtime); looks once a
 * second; each time `remaining` grew or was 0 counts, and the sixth doubles
 * the limit and starts over, up to QEMU's own bound.
 */
enum { PROXMOX_FIRST_MS = 100, PROXMOX_RISES = 6, PROXMOX_DOUBLINGS = 15 };

static double proxmox_first(const struct policy_facts *f)
{
	(void)f;
	return PROXMOX_FIRST_MS;
}

static void proxmox_decide(const struct policy_view *v,
			   struct policy_decision *out)
{
	unsigned int n = rises(v, 1, true) / PROXMOX_RISES;
	double gate =
		ldexp(PROXMOX_FIRST_MS,
		      (int)(n < PROXMOX_DOUBLINGS ? n : PROXMOX_DOUBLINGS));

	if (policy_deadline(v, out))
		return;
	gate = fmin(gate, POLICY_WIDE_MS);
	policy_gate(v, out, gate,
		    "What is left has grown %u times; the gate is doubled "
		    "every sixth time and stands at %.0f ms.",
		    rises(v, 1, true), gate);
}

const struct policy policy_proxmox = {
	.name = "proxmox",
	.first_gate_ms = proxmox_first,
	.decide = proxmox_decide,
};

/* --- ovirt --------------------------------------------------------------- */

/*
 * The convergence schedule of "Minimal downtime": 100 ms; each time that
 * VDSM's monitor (every 10 s) sees `remaining` grown is a new iteration, and
 * then the next step is taken if more iterations than its limit were seen.
 */
static const double ovirt_monitor_s = 10;
static const struct {
	unsigned int limit;
	double gate_ms; /* 0: abort */
} ovirt_steps[] = {
	{ 1, 150 }, { 2, 200 }, { 3, 300 }, { 4, 400 }, { 6, 500 }, { 0, 0 },
};

static double ovirt_first(const struct policy_facts *f)
{
	(void)f;
	return 100;
}

static void ovirt_decide(const struct policy_view *v,
			 struct policy_decision *out)
{
	unsigned int n = rises(v, ovirt_monitor_s, false);
	double gate = ovirt_first(v->facts);
	size_t next = 0;

	if (policy_deadline(v, out))
		return;
	/* at most one step an iteration */
	for (unsigned int i = 1; i <= n && next < ARRAY_SIZE(ovirt_steps);
	     i++) {
		if (ovirt_steps[next].limit >= i)
			continue;
		gate = ovirt_steps[next++].gate_ms;
	}
	if (gate > 0)
		policy_gate(v, out, gate,
			    "After %u iterations that stall the schedule has "
			    "%.0f ms.",
			    n, gate);
	else
		policy_give_up(v, out,
			       "The schedule ends after %u iterations "
			       "that stall.",
			       n);
}

const struct policy policy_ovirt = {
	.name = "ovirt",
	.first_gate_ms = ovirt_first,
	.decide = ovirt_decide,
};

/* --- nova ---------------------------------------------------------------- */

/*
 * nova's libvirt driver: live_migration_downtime 500 ms is reached in
 * live_migration_downtime_steps (10) linear steps after a first tenth, one
 * each live_migration_downtime_delay (75 s) times GiB of memory, at least 2.
 */
enum { NOVA_STEPS = 10, NOVA_GATE_MS = 500, NOVA_DELAY_S = 75, NOVA_GIB = 2 };

static double nova_first(const struct policy_facts *f)
{
	(void)f;
	return (double)NOVA_GATE_MS / NOVA_STEPS;
}

static void nova_decide(const struct policy_view *v,
			struct policy_decision *out)
{
	double base = nova_first(v->facts);
	double offset = (NOVA_GATE_MS - base) / NOVA_STEPS;
	double gib = fmax(ceil(v->facts->ram_bytes / GIB), NOVA_GIB);
	double step = fmin(floor(v->now_s / (NOVA_DELAY_S * gib)), NOVA_STEPS);

	if (policy_deadline(v, out))
		return;
	policy_gate(v, out, floor(base + offset * step),
		    "Step %.0f of %d: the gate widens every %.0f s.", step,
		    NOVA_STEPS, NOVA_DELAY_S * gib);
}

const struct policy policy_nova = {
	.name = "nova",
	.first_gate_ms = nova_first,
	.decide = nova_decide,
};

/* --- kubevirt ------------------------------------------------------------ */

/*
 * KubeVirt's stall detection (alpha, behind a feature gate): the gate starts at
 * the lesser of maxDowntimeMs and 300 ms. At the end of an iteration it is
 * stalled when `remaining` is no less than 96 % of the smallest that is 40 s
 * or more in the past. From then on it waits for a `remaining` within 4 % of
 * the best since the stall began; that target is relaxed to the next best of
 * the history when it is not met for 40 s, then 20 s, 10 s and so on. There, if
 * it takes no more than 1.5 times maxDowntimeMs, the gate is set to that and
 * QEMU has 60 s; else it aborts. maxDowntimeMs is the budget here.
 */
static const double kubevirt_window_s = 40, kubevirt_margin = 0.04;
static const double kubevirt_possible = 1.5, kubevirt_switch_s = 60;
enum { KUBEVIRT_FIRST_MS = 300 };

static double kubevirt_first(const struct policy_facts *f)
{
	return fmin(budget_gate(f), KUBEVIRT_FIRST_MS);
}

/* Smallest `remaining` of passes in [from, to); its index in *at. */
static int64_t smallest(const struct policy_view *v, size_t from, size_t to,
			size_t *at)
{
	int64_t best = -1;

	for (size_t i = from; i < to; i++) {
		int64_t now = v->passes[i].dirty_bytes;

		if (best >= 0 && now >= best)
			continue;
		best = now;
		if (at)
			*at = i;
	}
	return best;
}

/* The pass that was seen to stall, n_passes if none; *start: the stall's. */
static size_t stalled(const struct policy_view *v, size_t *start)
{
	size_t old = 0;

	for (size_t i = 0; i < v->n_passes; i++) {
		const struct policy_pass *p = &v->passes[i];
		int64_t best;

		while (v->passes[old].at_s <= p->at_s - kubevirt_window_s)
			old++;
		best = smallest(v, 0, old, start);
		if (best >= 0 && (double)p->dirty_bytes >=
					 (double)best * (1 - kubevirt_margin))
			return i;
	}
	return v->n_passes;
}

/* The next larger `remaining` than @above in [from, to). */
static double next_best(const struct policy_view *v, size_t from, size_t to,
			double above)
{
	double best = INFINITY;

	for (size_t i = from; i < to; i++) {
		double now = (double)v->passes[i].dirty_bytes;

		if (now > above && now < best)
			best = now;
	}
	return isinf(best) ? above : best;
}

/* The pass at which it acted, n_passes if it has not. */
static size_t acted(const struct policy_view *v)
{
	size_t start = 0, at = stalled(v, &start);
	double best, patience = kubevirt_window_s, since;

	if (at == v->n_passes)
		return at;
	best = (double)smallest(v, start, at + 1, NULL);
	since = v->passes[at].at_s;
	for (size_t i = at; i < v->n_passes; i++) {
		const struct policy_pass *p = &v->passes[i];

		if ((double)p->dirty_bytes <= best * (1 + kubevirt_margin))
			return i;
		if (p->at_s - since < patience)
			continue;
		best = next_best(v, start, i + 1, best);
		patience /= 2;
		since = p->at_s;
	}
	return v->n_passes;
}

static void kubevirt_decide(const struct policy_view *v,
			    struct policy_decision *out)
{
	double most = budget_gate(v->facts), bps = policy_bandwidth_bps(v);
	size_t at = acted(v);
	double implied_ms;

	if (policy_deadline(v, out))
		return;
	if (at == v->n_passes || bps <= 0) {
		watch(v, out);
		return;
	}
	implied_ms = (double)v->passes[at].dirty_bytes / bps * 1e3;
	if (implied_ms > most * kubevirt_possible)
		policy_give_up(v, out,
			       "Stalled, and even at its least a switch "
			       "would take %.0f ms.",
			       implied_ms);
	else if (v->now_s - v->passes[at].at_s > kubevirt_switch_s)
		policy_give_up(v, out,
			       "Stalled, and QEMU did not switch within "
			       "%.0f s.",
			       kubevirt_switch_s);
	else
		policy_gate(v, out, most, "Stalled, and at a local minimum.");
}

const struct policy policy_kubevirt = {
	.name = "kubevirt",
	.first_gate_ms = kubevirt_first,
	.decide = kubevirt_decide,
};

/* --- auto-converge ------------------------------------------------------- */

/*
 * QEMU's own: at each sync more than 1 s after the last judged one, a pass that
 * dirtied more than 50 % of what was sent counts; two of them start the
 * throttle at 20 %, each two more add 10 %, up to 99 %. The gate leaves room
 * for the fixed part of a switchover, so that budgets can be kept.
 */
static double converge_throttle(const struct policy_view *v)
{
	double since_s = 0, dirtied = 0, sent = 0, throttle = 0;
	int high = 0;

	for (size_t i = 0; i < v->n_passes; i++) {
		const struct policy_pass *p = &v->passes[i];

		dirtied += (double)(p->dirty_bytes - p->left_bytes);
		sent += (double)p->sent_bytes;
		if (p->at_s - since_s <= 1)
			continue;
		since_s = p->at_s;
		if (dirtied > sent / 2 && ++high == 2) {
			high = 0;
			throttle = throttle > 0 ? throttle + 0.1 : 0.2;
		}
		dirtied = sent = 0;
	}
	return fmin(throttle, POLICY_THROTTLE_MAX);
}

static double converge_first(const struct policy_facts *f)
{
	return floor(policy_room_ms(f));
}

static void converge_decide(const struct policy_view *v,
			    struct policy_decision *out)
{
	double throttle = v->facts->may_throttle ? converge_throttle(v) : 0;

	if (policy_deadline(v, out))
		return;
	policy_throttle(v, out, throttle,
			"Auto-converge throttles the guest by %.0f %%.",
			throttle * 100);
}

const struct policy policy_auto_converge = {
	.name = "auto-converge",
	.first_gate_ms = converge_first,
	.decide = converge_decide,
};
