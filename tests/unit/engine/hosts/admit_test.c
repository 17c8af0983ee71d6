/* SPDX-License-Identifier: MIT */
/* admit: judging, and the scripts on this machine in a run root of ours. */
#include "engine/hosts/admit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/probe.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"
#include "transport/quote.h"

#define GIB (UINT64_C(1) << 30)

/* --- judging ------------------------------------------------------------- */

static enum admit judge(uint64_t available, uint64_t promised, uint64_t taken,
			uint64_t need)
{
	const struct admit_view v = {
		.available_bytes = available,
		.promised_bytes = promised,
		.taken_bytes = taken,
		.n_arrivals = 1,
	};

	return admit_judge(&v, &(struct admit_wish){ .ram_bytes = need });
}

TEST(what_is_left_beside_promises_may_be_had)
{
	assert_int_equal(judge(10 * GIB, 6 * GIB, 0, 4 * GIB), ADMIT_YES);
}

TEST(what_is_promised_to_others_is_not_free)
{
	assert_int_equal(judge(10 * GIB, 6 * GIB, 0, 4 * GIB + 1),
			 ADMIT_MEMORY);
}

TEST(what_would_fit_without_the_others_is_worth_a_wait)
{
	assert_int_equal(judge(3 * GIB, 0, 2 * GIB, 5 * GIB), ADMIT_MEMORY);
}

TEST(what_would_not_fit_even_then_is_not)
{
	assert_int_equal(judge(3 * GIB, 0, 2 * GIB, 5 * GIB + 1), ADMIT_NEVER);
}

TEST(unknown_memory_does_not_block)
{
	assert_int_equal(judge(0, 6 * GIB, 0, 5 * GIB), ADMIT_YES);
}

TEST(memory_that_is_not_judged_does_not_block)
{
	assert_int_equal(judge(1 * GIB, 6 * GIB, 0, 0), ADMIT_YES);
}

TEST(those_ahead_count_before_they_get_there)
{
	const struct admit_view v = { .available_bytes = 4 * GIB };
	const struct admit_wish wish = { .ram_bytes = 3 * GIB,
					 .ahead_bytes = 2 * GIB };

	assert_int_equal(admit_judge(&v, &wish), ADMIT_MEMORY);
}

TEST(no_more_arrive_at_once_than_the_limit)
{
	struct admit_view v = { .n_arrivals = 1 };
	const struct admit_wish wish = { .limit = 2 };

	assert_int_equal(admit_judge(&v, &wish), ADMIT_YES);
	v.n_arrivals = 2;
	assert_int_equal(admit_judge(&v, &wish), ADMIT_CROWDED);
}

TEST(what_never_fits_is_reported_before_any_wait)
{
	const struct admit_view v = { .available_bytes = GIB,
				      .busy = 1,
				      .n_arrivals = 9 };
	const struct admit_wish wish = { .ram_bytes = 2 * GIB, .limit = 2 };

	assert_int_equal(admit_judge(&v, &wish), ADMIT_NEVER);
}

/* The guests that are arriving, and those that are counted ahead of them. */
TEST(memory_that_is_promised_is_named_with_those_who_have_it)
{
	struct admit_arrival web = { .run = (char *)"run-1",
				     .guest = (char *)"web" };
	const struct admit_view v = { .arrivals = &web, .n_arrivals = 1 };
	struct admit_wish wish = { .ram_bytes = GIB };
	AUTO_FREE char *one = admit_reason(&v, &wish, ADMIT_MEMORY, "hostb");
	AUTO_FREE char *more = NULL;

	wish.ahead_bytes = GIB;
	more = admit_reason(&v, &wish, ADMIT_MEMORY, "hostb");
	assert_non_null(strstr(one, "0.00 GiB are promised to web (run-1)"));
	assert_null(strstr(one, "runs that start just now"));
	assert_non_null(strstr(more, "1.00 GiB are promised to web (run-1), "
				     "runs that start just now"));
}

/* --- reading ------------------------------------------------------------- */

TEST(an_answer_is_read_with_names_that_have_blanks)
{
	struct admit_view v;

	assert_true(admit_parse("arrival=100 28 run-1 web 1\n"
				"arrival=1 0 run-2 ?\navailable=4096\n",
				&v));
	assert_int_equal(v.n_arrivals, 2);
	assert_string_equal(v.arrivals[0].guest, "web 1");
	assert_string_equal(v.arrivals[0].run, "run-1");
	assert_int_equal(v.promised_bytes, 101 * 1024);
	assert_int_equal(v.taken_bytes, 28 * 1024);
	assert_int_equal(v.available_bytes, 4096 * 1024);
	admit_view_free(&v);
}

TEST(an_incomplete_answer_is_refused)
{
	struct admit_view v;

	assert_false(admit_parse("", &v));
	assert_false(admit_parse("arrival=many\navailable=1\n", &v));
	assert_false(admit_parse("arrival=1 0 run-1 g\n", &v));
	assert_null(v.arrivals);
	assert_false(admit_parse("busy=-1\navailable=1\n", &v));
}

/* --- on this machine ----------------------------------------------------- */

struct place {
	char root[40];
	struct host *here;
};

static void run(struct place *p, const char *script, struct buf *out)
{
	AUTO_BUF struct buf all = { 0 };
	AUTO_ERR struct err e = { 0 };

	quote_assign(&all, "root", p->root);
	buf_printf(&all, "lock=$root/in-me\ncgroups=\nme=%d\n%s%s%s",
		   (int)getpid(), identity_match_sh, admit_sh, script);
	expect_ok(probe_script(p->here, "test", buf_data(&all), out, SOON, &e),
		  &e);
}

static int setup(void **state)
{
	struct place *p = XNEW(struct place);

	strcpy(p->root, "/tmp/admit-XXXXXX");
	if (!mkdtemp(p->root))
		return -1;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	AUTO_FREE char *command = xasprintf("rm -rf %s", p->root);
	int rc = system(command);

	free(p);
	return rc;
}

TEST_FIXTURE(setup, teardown);

/* A run that arrives: its pid, and what it reserves. */
static void arrive(struct place *p, const char *name, const char *pid,
		   const char *ticks, const char *ram)
{
	AUTO_FREE char *script =
		xasprintf("mkdir $root/in-%s && cd $root/in-%s\n"
			  "echo %s %s >pid; echo run-%s >run; echo '%s' >ram\n",
			  name, name, pid, ticks, name, ram);
	AUTO_BUF struct buf out = { 0 };

	run(p, script, &out);
}

static void look(struct place *p, struct admit_view *v)
{
	AUTO_FREE char *lock = xasprintf("%s/in-me", p->root);
	AUTO_ERR struct err e = { 0 };

	expect_ok(admit_look(p->here, p->root, lock, "", v, SOON, &e), &e);
}

static void empty(struct place *p)
{
	struct admit_view v;

	look(p, &v);
	assert_int_equal(v.n_arrivals, 0);
	assert_true(v.available_bytes > 1024 * 1024);
	admit_view_free(&v);
}

static void living_counts(struct place *p)
{
	struct admit_view v;

	arrive(p, "a", "$me", "$(ticks_of $me)", "1099511627776 web 2");
	look(p, &v);
	assert_int_equal(v.n_arrivals, 1);
	assert_string_equal(v.arrivals[0].guest, "web 2");
	assert_string_equal(v.arrivals[0].run, "run-a");
	/* this process has taken some of it, and not by file pages */
	assert_true(v.taken_bytes > 4096);
	assert_int_equal(v.taken_bytes + v.promised_bytes,
			 UINT64_C(1099511627776));
	admit_view_free(&v);
}

static void overfull_promises_nothing(struct place *p)
{
	struct admit_view v;

	arrive(p, "a", "$me", "$(ticks_of $me)", "1024 small");
	look(p, &v);
	assert_int_equal(v.promised_bytes, 0);
	assert_int_equal(v.taken_bytes, 1024);
	admit_view_free(&v);
}

static void dead_does_not_count(struct place *p)
{
	struct admit_view v;

	arrive(p, "dead", "$me", "1", "1099511627776 x");
	arrive(p, "nobody", "", "", "1099511627776 x");
	look(p, &v);
	assert_int_equal(v.n_arrivals, 0);
	admit_view_free(&v);
}

static void odd_reservation(struct place *p)
{
	struct admit_view v;

	arrive(p, "a", "$me", "$(ticks_of $me)", "$(echo 5) x");
	look(p, &v);
	assert_int_equal(v.n_arrivals, 1);
	assert_int_equal(v.promised_bytes, 0);
	admit_view_free(&v);
}

static void own_lock(struct place *p)
{
	struct admit_view v;

	arrive(p, "me", "$me", "$(ticks_of $me)", "1099511627776 x");
	look(p, &v);
	assert_int_equal(v.busy, getpid());
	assert_int_equal(v.n_arrivals, 0);
	admit_view_free(&v);
}

/* The group's limit less what is in use, but for page cache. */
static void cgroup_limit(struct place *p)
{
	AUTO_BUF struct buf out = { 0 };
	AUTO_FREE char *available = NULL;

	run(p,
	    "cgroups=$root/cg; d=$cgroups$(sed -n 's/^0:://p' "
	    "/proc/self/cgroup)\n"
	    "mkdir -p \"$d\"; cd \"$d\"\n"
	    "echo 20480000 >memory.max; echo 10240000 >memory.current\n"
	    "echo 'anon 5\ninactive_file 1024000\nactive_file 1024000' "
	    ">memory.stat\ntally\n",
	    &out);
	available = answer_value(buf_data(&out), "available");
	assert_string_equal(available, "12000");
}

static void no_cgroup_limit(struct place *p)
{
	AUTO_BUF struct buf out = { 0 };
	AUTO_FREE char *available = NULL;

	run(p,
	    "cgroups=$root/cg; mkdir $cgroups; echo max >$cgroups/memory.max\n"
	    "echo 10240000 >$cgroups/memory.current\ntally\n",
	    &out);
	available = answer_value(buf_data(&out), "available");
	assert_true(strtoull(available, NULL, 10) > 1024);
}

/* As cgroups of version 1 have it; the group above has none. */
static void old_cgroup_limit(struct place *p)
{
	AUTO_BUF struct buf out = { 0 };
	AUTO_FREE char *available = NULL;

	run(p,
	    "group_of() { [ \"$2\" = 0:: ] || echo /up/here; }\n"
	    "cgroups=$root/cg; d=$cgroups/memory/up\n"
	    "mkdir -p \"$d/here\"; cd \"$d\"\n"
	    "echo 9223372036854771712 >memory.limit_in_bytes\n"
	    "echo 10240000 >memory.usage_in_bytes; cd here\n"
	    "echo 20480000 >memory.limit_in_bytes\n"
	    "echo 10240000 >memory.usage_in_bytes\n"
	    "echo 'active_file 77\ntotal_active_file 2048000' "
	    ">memory.stat\ntally\n",
	    &out);
	available = answer_value(buf_data(&out), "available");
	assert_string_equal(available, "12000");
}

enum { SPARE_GROUP_KIB = 4096 };

static uint64_t spare(struct place *p, uint64_t ram_bytes)
{
	AUTO_FREE char *groups = xasprintf("%s/cg", p->root);

	return admit_spare(p->here, getpid(), ram_bytes, groups, 64 * GIB,
			   SOON);
}

static void limit_own_group(struct place *p)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf out = { 0 };

	buf_printf(&script,
		   "d=$root/cg$(sed -n 's/^0:://p' /proc/$me/cgroup)\n"
		   "mkdir -p \"$d\"; cd \"$d\"\n"
		   "echo %d >memory.max; echo 0 >memory.current\n"
		   ": >memory.stat\n",
		   SPARE_GROUP_KIB * 1024);
	run(p, buf_data(&script), &out);
}

static void spare_in_group(struct place *p)
{
	limit_own_group(p);
	assert_int_equal(spare(p, 0), SPARE_GROUP_KIB * 1024);
}

static void spare_without_limit(struct place *p)
{
	assert_true(spare(p, 0) == 64 * GIB);
}

static void spare_beside_ram(struct place *p)
{
	/* of a GiB this test has taken some MiB */
	assert_true(spare(p, GIB) >= 63 * GIB);
	assert_true(spare(p, GIB) < 64 * GIB);
	limit_own_group(p);
	assert_int_equal(spare(p, GIB), 1024);
}

static void spare_unknown(struct place *p)
{
	assert_int_equal(admit_spare(p->here, getpid(), GIB, "", 0, SOON), 0);
}

/* --- races --------------------------------------------------------------- */

enum { LAUNCHES = 8 };

struct launch {
	struct place *p;
	int number;
	bool admitted;
};

/* As the launch script does it; each wants four tenths of what there is. */
static void launch(void *arg)
{
	struct launch *l = arg;
	AUTO_BUF struct buf out = { 0 };
	AUTO_FREE char *script = xasprintf(
		"lock=$root/in-%d; limit=0\n"
		"locked || exit 1\ntally\nneed=$((available / 10 * 4))\n"
		"may_come || exit 0\n"
		"mkdir $lock; echo $me $(ticks_of $me) >$lock/pid\n"
		"echo run >$lock/run\n"
		"echo $((need * 1024 + 1073741824)) guest >$lock/ram\n"
		"exec 7<&-\necho admitted=1\n",
		l->number);
	AUTO_FREE char *admitted = NULL;

	run(l->p, script, &out);
	admitted = answer_value(buf_data(&out), "admitted");
	l->admitted = admitted != NULL;
}

static void race(struct place *p)
{
	struct launch l[LAUNCHES];
	struct task *t[LAUNCHES];
	int admitted = 0;

	for (int i = 0; i < LAUNCHES; i++) {
		l[i] = (struct launch){ .p = p, .number = i };
		t[i] = task_start(task_loop(), "launch", launch, &l[i]);
	}
	for (int i = 0; i < LAUNCHES; i++) {
		task_join(t[i]);
		admitted += l[i].admitted;
	}
	assert_int_equal(admitted, 2);
}

/* may_come and admit_judge() are one rule in two languages. */
static void two_languages(struct place *p)
{
	static const struct {
		unsigned int need, limit, available, promised, arriving;
	} cases[] = {
		{ 10, 0, 100, 90, 1 }, { 11, 0, 100, 90, 1 },
		{ 11, 0, 0, 90, 1 },   { 0, 0, 1, 90, 1 },
		{ 1, 2, 100, 0, 1 },   { 1, 2, 100, 0, 2 },
		{ 101, 0, 100, 0, 0 }, { 100, 1, 100, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct admit_view v = {
			.available_bytes = cases[i].available * 1024,
			.promised_bytes = cases[i].promised * 1024,
			.n_arrivals = cases[i].arriving,
		};
		const struct admit_wish w = { .ram_bytes = cases[i].need * 1024,
					      .limit = cases[i].limit };
		AUTO_FREE char *script = xasprintf(
			"need=%u limit=%u available=%u promised=%u "
			"arriving=%u\nmay_come && echo yes=1\nexit 0\n",
			cases[i].need, cases[i].limit, cases[i].available,
			cases[i].promised, cases[i].arriving);
		AUTO_BUF struct buf out = { 0 };
		AUTO_FREE char *yes = NULL;

		run(p, script, &out);
		yes = answer_value(buf_data(&out), "yes");
		assert_int_equal(yes != NULL, admit_judge(&v, &w) == ADMIT_YES);
	}
}

static void (*body)(struct place *p);

static void act(void *arg)
{
	struct place *p = arg;

	p->here = host_local_new();
	body(p);
	host_close(p->here);
}

#define HERE(name, fn)                \
	TEST(name)                    \
	{                             \
		body = fn;            \
		in_task(act, *state); \
	}
HERE(an_empty_host_promises_nothing, empty)
HERE(a_living_run_counts_less_what_it_has, living_counts)
HERE(a_guest_larger_than_reserved_promises_nothing, overfull_promises_nothing)
HERE(a_dead_run_does_not_count, dead_does_not_count)
HERE(an_odd_reservation_counts_as_none, odd_reservation)
HERE(ones_own_lock_is_busy_and_no_arrival, own_lock)
HERE(a_lower_limit_of_the_cgroup_holds, cgroup_limit)
HERE(a_cgroup_without_a_limit_does_not, no_cgroup_limit)
HERE(a_limit_of_an_old_cgroup_holds, old_cgroup_limit)
HERE(what_a_guest_may_take_is_what_its_cgroup_leaves, spare_in_group)
HERE(without_a_limit_it_is_what_the_host_has, spare_without_limit)
HERE(what_it_has_not_taken_of_its_ram_is_not_spare, spare_beside_ram)
HERE(of_memory_not_known_nothing_is_known_to_be_spare, spare_unknown)
HERE(launches_at_once_never_get_the_same_memory, race)
HERE(the_script_and_the_engine_judge_alike, two_languages)
