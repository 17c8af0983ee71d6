/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/guest_describe.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/guest/guest_describe.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void describe(struct guest *g, const char *words)
{
	*g = (struct guest){ .cwd = xstrdup("/srv") };
	argv_case_split(words, &g->argv);
	guest_describe(g);
}

TEST(name_and_uuid_are_found)
{
	struct guest g;

	describe(&g, "q -name guest=a,debug-threads=on -uuid "
		     "6F0E7D2A-1111-4222-8333-444455556666");
	assert_string_equal(g.name, "a");
	assert_string_equal(g.uuid, "6f0e7d2a-1111-4222-8333-444455556666");
	guest_free(&g);
	describe(&g, "q -name b,process=c");
	assert_string_equal(g.name, "b");
	assert_null(g.uuid);
	guest_free(&g);
}

TEST(ram_is_read_with_its_units)
{
	static const struct {
		const char *words;
		uint64_t bytes;
	} cases[] = {
		{ "q -m 512", 512ull << 20 },
		{ "q -m 2G", 2ull << 30 },
		{ "q -m size=1.5g,slots=2,maxmem=4G", 3ull << 29 },
		{ "q -m 131080K", 131080ull << 10 },
		{ "q -m 1T", 1ull << 40 },
		{ "q", 128ull << 20 },
		{ "q -M q35,memory-backend=m", 0 },
		{ "q -m junk", 0 },
		{ "q -m k", 0 },
		{ "q -m 5x", 0 },
		{ "q -m -1", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guest g;

		describe(&g, cases[i].words);
		assert_int_equal(g.ram_bytes, cases[i].bytes);
		guest_free(&g);
	}
}

TEST(cpus_are_counted)
{
	static const struct {
		const char *words;
		unsigned int cpus;
	} cases[] = {
		{ "q", 1 },
		{ "q -smp 4", 4 },
		{ "q -smp cpus=2,maxcpus=8", 2 },
		{ "q -smp sockets=2,cores=3,threads=2", 12 },
		{ "q -smp maxcpus=6", 6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guest g;

		describe(&g, cases[i].words);
		assert_int_equal(g.vcpus, cases[i].cpus);
		guest_free(&g);
	}
}

static bool kvm(const char *words)
{
	struct guest g;
	bool has;

	describe(&g, words);
	has = g.has_kvm_arg;
	guest_free(&g);
	return has;
}

TEST(every_way_to_ask_for_kvm_is_known)
{
	assert_true(kvm("q -enable-kvm"));
	assert_true(kvm("q -accel kvm,dirty-ring-size=4096 -accel tcg"));
	assert_true(kvm("q -machine q35,accel=kvm:tcg"));
	assert_true(kvm("/usr/bin/kvm"));
	assert_false(kvm("/usr/bin/kvm -accel tcg"));
	assert_false(kvm("q -accel tcg"));
	assert_false(kvm("q"));
	assert_false(kvm("qemu-system-x86_64"));
	assert_true(kvm("kvm"));
}

static void expect_monitor(const struct guest *g, size_t i,
			   enum monitor_kind kind, const char *path,
			   const char *tcp)
{
	assert_true(i < g->n_monitors);
	assert_int_equal(g->monitors[i].kind, kind);
	if (path)
		assert_string_equal(g->monitors[i].path, path);
	else
		assert_null(g->monitors[i].path);
	if (tcp)
		assert_string_equal(g->monitors[i].tcp, tcp);
	else
		assert_null(g->monitors[i].tcp);
}

TEST(monitors_are_found_however_they_are_written)
{
	struct guest g;

	describe(&g, "q -monitor unix:m,server,nowait "
		     "-qmp tcp:127.0.0.1:4444,server=on,wait=off "
		     "-chardev socket,id=c,path=/run/q,server=on "
		     "-mon chardev=c,mode=control "
		     "-chardev socket,id=t,host=::,port=5,server=on "
		     "-mon chardev=t -qmp-pretty unix:/run/p,server "
		     "-serial mon:unix:/run/s,server "
		     "-chardev socket,id=o,path=/run/o,server=on "
		     "-object monitor-qmp,id=x,chardev=o -qmp chardev:c");
	expect_monitor(&g, 0, MONITOR_HMP, "/srv/m", NULL);
	expect_monitor(&g, 1, MONITOR_QMP, NULL, "127.0.0.1:4444");
	expect_monitor(&g, 2, MONITOR_QMP, "/run/q", NULL);
	expect_monitor(&g, 3, MONITOR_HMP, NULL, ":::5");
	expect_monitor(&g, 4, MONITOR_QMP, "/run/p", NULL);
	expect_monitor(&g, 5, MONITOR_HMP, "/run/s", NULL);
	expect_monitor(&g, 6, MONITOR_QMP, "/run/o", NULL);
	expect_monitor(&g, 7, MONITOR_QMP, "/run/q", NULL);
	assert_int_equal(g.n_monitors, 8);
	assert_string_equal(guest_qmp(&g)->path, "/run/q");
	guest_free(&g);
}

TEST(what_nobody_can_connect_to_is_no_monitor)
{
	struct guest g;

	describe(&g, "q -monitor stdio -qmp unix:/a -mon chardev=none "
		     "-serial unix:/s,server -qmp tcp:h:1 -monitor none");
	assert_int_equal(g.n_monitors, 0);
	assert_null(guest_qmp(&g));
	guest_free(&g);
}

TEST(our_own_monitors_come_first_and_moved_ones_are_public)
{
	struct guest g = { .run_dir = xstrdup("/r") };

	argv_case_split("q -qmp unix:/r/s0,server,nowait "
			"-chardev socket,id=vmferry0,path=/r/q0,server=on "
			"-mon chardev=vmferry0,mode=control "
			"-chardev socket,id=vmferry1,path=/r/q1,server=on "
			"-mon chardev=vmferry1,mode=control",
			&g.argv);
	argv_moves_add(&g.moves, "/r/s0", "/run/qmp");
	guest_describe(&g);
	expect_monitor(&g, 0, MONITOR_QMP, "/r/q0", NULL);
	expect_monitor(&g, 1, MONITOR_QMP, "/r/q1", NULL);
	expect_monitor(&g, 2, MONITOR_QMP, "/run/qmp", NULL);
	guest_free(&g);
}
