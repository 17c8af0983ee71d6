/* SPDX-License-Identifier: MIT */
/* policy_peers: what is publicly described of each; one claim a test. */
#include "engine/policy/policy_peers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

enum { MOST = 4096 };

struct bench {
	struct policy_facts facts;
	struct policy_view view;
	struct forecast_link link;
	struct curve curve;
	struct policy_sample samples[MOST];
	struct policy_pass passes[MOST];
};

static int setup(void **state)
{
	struct bench *b = XNEW(struct bench);

	b->facts = (struct policy_facts){ .budget_ms = 700,
					  .ram_bytes = 4.0 * (1 << 30),
					  .fixed_ms = 20,
					  .may_throttle = true,
					  .throttle_max = POLICY_THROTTLE_MAX };
	b->view = (struct policy_view){ .facts = &b->facts,
					.curve = &b->curve,
					.link = &b->link,
					.samples = b->samples,
					.passes = b->passes };
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void add_sample(struct bench *b, double at_s, int64_t left)
{
	b->view.now_s = at_s;
	b->samples[b->view.n_samples++] = (struct policy_sample){ at_s, left };
}

/* Passes of @seconds, each leaving @dirty of the 100 MB/s that it sent. */
static void add_passes(struct bench *b, int n, double seconds, int64_t dirty)
{
	while (n--) {
		struct policy_pass *p = &b->passes[b->view.n_passes++];

		b->view.now_s += seconds;
		*p = (struct policy_pass){
			.number = (int64_t)b->view.n_passes,
			.at_s = b->view.now_s,
			.seconds = seconds,
			.sent_bytes = (int64_t)(seconds * 100e6),
			.copied_bytes = (int64_t)(seconds * 100e6),
			.dirty_bytes = dirty,
			.bandwidth_bps = 100e6,
		};
	}
}

static struct policy_decision ask(const struct policy *p, struct bench *b)
{
	struct policy_decision d;

	b->view.gate_ms = -1;
	b->view.throttle = -1;
	p->decide(&b->view, &d);
	return d;
}

TEST(qemu_has_the_budget_from_the_start)
{
	struct bench *b = *state;

	assert_true(policy_qemu.first_gate_ms(&b->facts) == 700);
	assert_int_equal(ask(&policy_qemu, b).action, POLICY_WAIT);
}

TEST(proxmox_starts_at_100_and_doubles_at_the_sixth_rise)
{
	struct bench *b = *state;

	assert_true(policy_proxmox.first_gate_ms(&b->facts) == 100);
	/* a saw tooth of 2 s: one rise each */
	for (int i = 1; i <= 12; i++) {
		add_sample(b, 2 * i - 1, 20000000);
		add_sample(b, 2 * i, 10000000);
	}
	assert_true(ask(&policy_proxmox, b).gate_ms == 200);
}

TEST(proxmox_looks_once_a_second)
{
	struct bench *b = *state;

	/* falls from each second to the next, rises only in between */
	for (int i = 1; i < 40; i++) {
		add_sample(b, i, 1000000 - 1000 * i);
		add_sample(b, i + 0.5, 2000000);
	}
	assert_true(ask(&policy_proxmox, b).gate_ms == 100);
}

TEST(proxmox_stops_at_2000_seconds)
{
	struct bench *b = *state;

	for (int i = 1; i < 1000; i++)
		add_sample(b, i, 1000000 + 1000000 * (i % 2));
	assert_true(ask(&policy_proxmox, b).gate_ms == POLICY_WIDE_MS);
}

TEST(ovirt_follows_its_schedule_and_aborts_at_its_end)
{
	/* after so many iterations; 0: abort */
	static const double gates[] = { 100, 100, 150, 200, 300,
					400, 400, 500, 0 };
	struct bench *b = *state;

	assert_true(policy_ovirt.first_gate_ms(&b->facts) == 100);
	for (int i = 0; i < (int)ARRAY_SIZE(gates); i++) {
		struct policy_decision d;

		add_sample(b, 20 * i + 10, 1000000);
		d = ask(&policy_ovirt, b);
		if (gates[i] > 0)
			assert_true(d.gate_ms == gates[i]);
		else
			assert_int_equal(d.action, POLICY_GIVE_UP);
		add_sample(b, 20 * i + 20, 500000);
	}
}

TEST(nova_takes_ten_steps_by_time_and_memory)
{
	struct bench *b = *state;

	assert_true(policy_nova.first_gate_ms(&b->facts) == 50);
	b->view.now_s = 299;
	assert_true(ask(&policy_nova, b).gate_ms == 50);
	b->view.now_s = 301;
	assert_true(ask(&policy_nova, b).gate_ms == 95);
	b->view.now_s = 1e6;
	assert_true(ask(&policy_nova, b).gate_ms == 500);
}

TEST(kubevirt_starts_at_300_at_most)
{
	struct bench *b = *state;

	assert_true(policy_kubevirt.first_gate_ms(&b->facts) == 300);
	b->facts.budget_ms = 80;
	assert_true(policy_kubevirt.first_gate_ms(&b->facts) == 80);
}

TEST(kubevirt_opens_at_a_local_minimum_after_40_s_of_stall)
{
	struct bench *b = *state;

	add_passes(b, 39, 1, 50000000);
	assert_int_equal(ask(&policy_kubevirt, b).action, POLICY_WAIT);
	add_passes(b, 3, 1, 50000000);
	assert_true(ask(&policy_kubevirt, b).gate_ms == 700);
}

TEST(kubevirt_waits_for_the_minimum_to_come_back)
{
	struct bench *b = *state;

	add_passes(b, 1, 1, 50000000);
	add_passes(b, 42, 1, 90000000);
	assert_int_equal(ask(&policy_kubevirt, b).action, POLICY_WAIT);
	add_passes(b, 1, 1, 51000000);
	assert_true(ask(&policy_kubevirt, b).gate_ms == 700);
}

TEST(kubevirt_is_content_with_the_next_best_in_the_end)
{
	struct bench *b = *state;

	add_passes(b, 1, 1, 50000000);
	add_passes(b, 41, 1, 90000000);
	add_passes(b, 38, 1, 60000000);
	assert_int_equal(ask(&policy_kubevirt, b).action, POLICY_WAIT);
	add_passes(b, 6, 1, 60000000);
	assert_true(ask(&policy_kubevirt, b).gate_ms == 700);
}

TEST(kubevirt_gives_up_where_the_maximum_is_far_off)
{
	struct bench *b = *state;

	add_passes(b, 45, 1, 200000000);
	assert_int_equal(ask(&policy_kubevirt, b).action, POLICY_GIVE_UP);
}

TEST(kubevirt_gives_qemu_60_s_to_switch)
{
	struct bench *b = *state;

	add_passes(b, 42, 1, 50000000);
	add_passes(b, 65, 1, 90000000);
	assert_int_equal(ask(&policy_kubevirt, b).action, POLICY_GIVE_UP);
}

TEST(auto_converge_starts_at_20_and_adds_10)
{
	struct bench *b = *state;

	add_passes(b, 1, 2, 180000000);
	assert_true(ask(&policy_auto_converge, b).throttle == 0);
	add_passes(b, 1, 2, 180000000);
	assert_true(ask(&policy_auto_converge, b).throttle == 0.2);
	add_passes(b, 2, 2, 180000000);
	assert_true(fabs(ask(&policy_auto_converge, b).throttle - 0.3) < 1e-9);
	add_passes(b, 40, 2, 180000000);
	assert_true(ask(&policy_auto_converge, b).throttle ==
		    POLICY_THROTTLE_MAX);
}

TEST(auto_converge_lets_a_guest_be_that_dirties_little)
{
	struct bench *b = *state;

	add_passes(b, 20, 2, 90000000);
	assert_true(ask(&policy_auto_converge, b).throttle == 0);
}

TEST(auto_converge_needs_leave_to_throttle)
{
	struct bench *b = *state;

	b->facts.may_throttle = false;
	add_passes(b, 20, 2, 180000000);
	assert_true(ask(&policy_auto_converge, b).throttle == 0);
}
