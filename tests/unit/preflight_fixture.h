/* SPDX-License-Identifier: MIT */
/* preflight_fixture: what was gathered, for the tests of checks over it. */
#ifndef TESTS_UNIT_PREFLIGHT_FIXTURE_H
#define TESTS_UNIT_PREFLIGHT_FIXTURE_H

#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "tests/unit/test.h"
#include "transport/host.h"
#include "transport/host_open.h"

static struct argv_file files[1];
static struct probe_file here[1], there[1];
static struct migrate_options opt;
static struct run r;
static struct preflight p;

/* An image that both hosts have and that QEMU may use. */
static inline int setup(void **state)
{
	(void)state;
	opt = (struct migrate_options){ .n_remaps = 0 };
	r = (struct run){ .opt = &opt };
	p = (struct preflight){ .r = &r, .here = here, .there = there };
	r.dst.host = host_local_new();
	r.source.guest.user = (char *)"vm";
	r.source.guest.exe = (char *)"/usr/bin/qemu";
	p.qemu.path = (char *)"/usr/bin/qemu";
	p.qemu.version = (char *)"9.0.1";
	strv_push(&p.paths, "/srv/a.qcow2");
	files[0] = (struct argv_file){
		.path = (char *)"/srv/a.qcow2",
		.kind = ARGV_IMAGE,
		.writable = true,
	};
	r.dest.plan.files = files;
	r.dest.plan.n_files = 1;
	here[0] = there[0] = (struct probe_file){
		.exists = true,
		.type = 'f',
		.inode = 12,
		.size_bytes = 1 << 20,
		.access_known = true,
		.readable = true,
		.writable = true,
	};
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	strv_free(&p.paths);
	checks_free(&r.checks);
	host_close(r.dst.host);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static inline void expect(void (*check)(struct preflight *p), const char *name,
			  enum check_verdict verdict, const char *words)
{
	check(&p);
	assert_int_equal(r.checks.n, 1);
	assert_string_equal(r.checks.v[0].name, name);
	assert_true(migrate_options_check_known(name));
	assert_int_equal(r.checks.v[0].verdict, verdict);
	assert_non_null(strstr(r.checks.v[0].found, words));
	if (verdict == CHECK_PASS)
		assert_null(r.checks.v[0].remedy);
	else
		assert_non_null(r.checks.v[0].remedy);
}

static inline void expect_nothing(void (*check)(struct preflight *p))
{
	check(&p);
	assert_int_equal(r.checks.n, 0);
}

#endif
