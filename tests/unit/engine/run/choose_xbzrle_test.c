/* SPDX-License-Identifier: MIT */
/*
 * choose_xbzrle: whether xbzrle is chosen, with a scripted source that is asked
 * as little as can be: what it says of its pages is page_sample's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/choose_xbzrle.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "qmp/json.h"
#include "transport/host.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* What a case plays, and what came of it. */
struct play {
	enum migrate_xbzrle asked;
	uint64_t ram_bytes, available_bytes;
	double capped_bps, learnt_bps;
	const char *caps, *params;
	bool same_host;

	int warnings;
	char action[16], why[200];
	uint64_t cache_bytes;
};

static void note(void *arg, const struct event *ev)
{
	struct play *p = arg;

	assert_int_equal(ev->kind, EVENT_DECISION);
	p->warnings++;
	snprintf(p->action, sizeof(p->action), "%s", ev->decision.action);
	snprintf(p->why, sizeof(p->why), "%s", ev->decision.why);
}

static struct json_object *parsed(const char *text)
{
	struct json_object *o = json_parse(text, strlen(text), NULL);

	assert_non_null(o);
	return o;
}

static struct host_facts facts_of(const char *boot)
{
	struct host_facts facts = { .namespaces = xstrdup("1 2 3") };

	strcpy(facts.space.boot, boot);
	return facts;
}

static void setup(struct run *r, const struct play *p)
{
	r->src.host = host_local_new();
	r->src.facts = facts_of("a");
	r->src.facts.memory_available_bytes = p->available_bytes;
	r->dst.facts = facts_of(p->same_host ? "a" : "b");
	r->source.guest.pid = getpid();
	r->source.facts.ram_bytes = p->ram_bytes;
	if (p->learnt_bps > 0)
		lessons_learn(&r->lessons,
			      &(struct lesson){ 5, 1, p->learnt_bps });
	r->source.facts.first_status.running = true;
	r->attempt.src.caps = parsed(p->caps);
	r->attempt.src.params = parsed(p->params ? p->params : "{}");
}

static void teardown(struct run *r)
{
	json_object_put(r->attempt.src.caps);
	json_object_put(r->attempt.src.params);
	host_facts_free(&r->src.facts);
	host_facts_free(&r->dst.facts);
	host_close(r->src.host);
}

static struct play *playing;

/* What a case does with its run; the choice is made where it is NULL. */
static void (*before)(struct run *r);

static void act(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct migrate_options opt;
	struct run r = { .opt = &opt, .moves = true };

	migrate_options_init(&opt);
	opt.xbzrle = playing->asked;
	opt.bandwidth_bps = (uint64_t)playing->capped_bps;
	opt.sink = note;
	opt.sink_arg = playing;
	setup(&r, playing);
	r.src.qmp = q;
	if (before)
		before(&r);
	expect_ok(choose_xbzrle(&r, &err), &err);
	assert_null(r.look);
	playing->cache_bytes = r.attempt.xbzrle_cache_bytes;
	teardown(&r);
}

/* A source that is asked anything fails the case. */
static void play(struct play *p)
{
	static const struct fake_step steps[] = { { .leaves = true } };

	playing = p;
	WITH_SCRIPT(steps, act);
}

#define WITH(state) "[{\"capability\":\"xbzrle\",\"state\":" state "}]"

TEST(a_cache_that_was_there_stays_its_owners)
{
	struct play p = {
		.ram_bytes = 64 * GIB,
		.available_bytes = 1,
		.caps = WITH("true"),
		.params = "{\"xbzrle-cache-size\":12288}",
	};

	play(&p);
	assert_int_equal(p.cache_bytes, 12288);
	assert_int_equal(p.warnings, 0);
}

TEST(a_short_copy_is_not_worth_a_look)
{
	struct play p = {
		.ram_bytes = 128 * MIB,
		.available_bytes = 64 * GIB,
		.caps = WITH("false"),
	};

	play(&p);
	assert_int_equal(p.cache_bytes, 0);
	assert_int_equal(p.warnings, 0);
}

/* With 1 GiB; a look begins by asking whether the guest runs. */
static void expect_look(double capped_bps, double learnt_bps, bool look)
{
	static const struct fake_step paused[] = {
		{ .expect = "query-status",
		  .reply = "{\"status\":\"paused\",\"running\":false,"
			   "\"singlestep\":false}" },
	};
	struct play p = {
		.ram_bytes = GIB,
		.available_bytes = 64 * GIB,
		.capped_bps = capped_bps,
		.learnt_bps = learnt_bps,
		.caps = WITH("false"),
	};

	if (look) {
		playing = &p;
		WITH_SCRIPT(paused, act);
	} else {
		play(&p);
	}
	assert_int_equal(p.warnings, look);
}

TEST(how_long_a_copy_takes_is_known_by_the_slower_of_cap_and_link)
{
	expect_look(0, 0, true);
	expect_look(0, 1e9, false);
	expect_look(1e9, 0, false);
	expect_look(1e7, 1e9, true);
	expect_look(1e9, 1e7, true);
}

/* --- beside other work --------------------------------------------------- */

#define ASKED_WHETHER_IT_RUNS                                        \
	{                                                            \
		.expect = "query-status",                            \
		.reply = "{\"status\":\"paused\",\"running\":false," \
			 "\"singlestep\":false}"                     \
	}

static void play_after(const struct fake_step *steps, size_t n,
		       void (*fn)(struct run *r), struct play *p)
{
	const struct fake_options as = { .version = NULL };

	playing = p;
	before = fn;
	with_script(&as, steps, n, act);
	before = NULL;
}

static struct play quick(void)
{
	return (struct play){
		.ram_bytes = GIB,
		.available_bytes = 64 * GIB,
		.caps = WITH("false"),
	};
}

static void look_twice(struct run *r)
{
	choose_xbzrle_look(r);
	assert_non_null(r->look);
	choose_xbzrle_look(r);
	task_yield();
}

TEST(a_look_that_was_begun_early_is_the_one_that_counts)
{
	static const struct fake_step steps[] = { ASKED_WHETHER_IT_RUNS,
						  { .leaves = true } };
	struct play p = quick();

	play_after(steps, ARRAY_SIZE(steps), look_twice, &p);
	assert_int_equal(p.warnings, 1);
	assert_non_null(strstr(p.why, "not running"));
}

static void plan(struct qmp *q)
{
	struct migrate_options opt;
	struct run r = { .opt = &opt };
	struct play p = quick();

	migrate_options_init(&opt);
	setup(&r, &p);
	r.src.qmp = q;
	choose_xbzrle_look(&r);
	assert_null(r.look);
	teardown(&r);
}

TEST(a_check_a_plan_and_a_forecast_begin_no_look)
{
	static const struct fake_step steps[] = { { .leaves = true } };

	WITH_SCRIPT(steps, plan);
}

static void learn_that_it_is_fast(struct run *r)
{
	choose_xbzrle_look(r);
	assert_non_null(r->look);
	lessons_learn(&r->lessons, &(struct lesson){ 5, 1, 1e9 });
	choose_xbzrle_look(r);
	assert_null(r->look);
}

TEST(a_look_that_cannot_pay_any_more_is_ended)
{
	static const struct fake_step steps[] = { { .leaves = true } };
	struct play p = quick();

	play_after(steps, ARRAY_SIZE(steps), learn_that_it_is_fast, &p);
	assert_int_equal(p.warnings, 0);
}

static void learn_late(struct run *r)
{
	choose_xbzrle_look(r);
	lessons_learn(&r->lessons, &(struct lesson){ 5, 1, 1e9 });
}

TEST(a_choice_that_needs_no_look_ends_it)
{
	static const struct fake_step steps[] = { { .leaves = true } };
	struct play p = quick();

	play_after(steps, ARRAY_SIZE(steps), learn_late, &p);
	assert_int_equal(p.warnings, 0);
	assert_int_equal(p.cache_bytes, 0);
}

TEST(off_is_off)
{
	struct play p = {
		.asked = MIGRATE_XBZRLE_OFF,
		.ram_bytes = 64 * GIB,
		.available_bytes = 64 * GIB,
		.caps = WITH("true"),
	};

	play(&p);
	assert_int_equal(p.cache_bytes, 0);
	assert_int_equal(p.warnings, 0);
}

TEST(a_qemu_without_it_is_not_asked_for_it)
{
	struct play p = {
		.asked = MIGRATE_XBZRLE_ON,
		.ram_bytes = GIB,
		.available_bytes = 64 * GIB,
		.caps = "[]",
	};

	play(&p);
	assert_int_equal(p.cache_bytes, 0);
}

static struct play forced(uint64_t available_bytes, bool same_host)
{
	struct play p = {
		.asked = MIGRATE_XBZRLE_ON,
		.ram_bytes = GIB,
		.available_bytes = available_bytes,
		.same_host = same_host,
		.caps = WITH("false"),
	};

	play(&p);
	assert_int_equal(p.warnings, 1);
	return p;
}

TEST(what_was_asked_for_needs_no_look)
{
	struct play p = forced(64 * GIB, false);

	assert_string_equal(p.action, "xbzrle");
	assert_string_equal(p.why, "it was asked for");
	assert_true(p.cache_bytes == GIB);
}

TEST(without_memory_there_is_no_cache)
{
	struct play p = forced(16 * MIB, false);

	assert_string_equal(p.action, "no-xbzrle");
	assert_non_null(strstr(p.why, "has no memory"));
	assert_int_equal(p.cache_bytes, 0);
}

TEST(memory_not_known_is_reported_as_that)
{
	struct play p = forced(0, false);

	assert_string_equal(p.action, "no-xbzrle");
	assert_non_null(strstr(p.why, "not known"));
	assert_int_equal(p.cache_bytes, 0);
}

TEST(on_one_host_the_other_qemu_has_its_ram_too)
{
	/* enough for one more guest, and then for nothing */
	struct play p = forced(GIB, true);

	assert_int_equal(p.cache_bytes, 0);
	/* of 5.5 GiB each guest has one: 3.5 are left, or 4.5 */
	p = forced(5 * GIB + 512 * MIB, true);
	assert_true(p.cache_bytes == 512 * MIB);
	p = forced(5 * GIB + 512 * MIB, false);
	assert_true(p.cache_bytes == GIB);
}
