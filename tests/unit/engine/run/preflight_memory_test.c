/* SPDX-License-Identifier: MIT */
/*
 * preflight_memory: huge pages and locked memory. The figures are made up: the
 * tests' machine has no huge pages.
 */
#include "engine/run/preflight_memory.h"

#include "engine/run/queue.h"
#include "tests/unit/preflight_fixture.h"
#include "transport/base/xalloc.h"

#define GIB (1ull << 30)

static struct memory_kinds_pages pages[1];

static void arrange_pages(uint64_t spare)
{
	r.source.facts.ram_bytes = 4 * GIB;
	r.source.facts.huge.v[0] =
		(struct qmp_ramblocks_pages){ .page_bytes = 2 << 20,
					      .bytes = 3 * GIB };
	r.source.facts.huge.n = 1;
	pages[0] = (struct memory_kinds_pages){ 2 << 20, spare };
	p.kinds = (struct memory_kinds){ .v = pages, .n = 1 };
}

TEST(a_guest_without_huge_pages_needs_none)
{
	expect_nothing(preflight_memory_check_pages);
}

TEST(as_many_as_it_needs_pass)
{
	arrange_pages(1536);
	expect(preflight_memory_check_pages, "hugepages", CHECK_PASS,
	       "2048 KiB: 1536 needed, 1536 to be had on local");
}

TEST(fewer_are_refused_with_how_many_to_add)
{
	arrange_pages(1530);
	expect(preflight_memory_check_pages, "hugepages", CHECK_FAIL,
	       "1536 needed, 1530 to be had");
	assert_non_null(strstr(r.checks.v[0].remedy, "make 6 more there"));
	assert_non_null(
		strstr(r.checks.v[0].remedy, "hugepages-2048kB/nr_hugepages"));
}

TEST(a_host_without_that_size_is_refused)
{
	arrange_pages(1536);
	pages[0].page_bytes = GIB;
	expect(preflight_memory_check_pages, "hugepages", CHECK_FAIL,
	       "0 to be had");
}

/* A host keeps them apart from the memory that is available. */
TEST(they_are_not_asked_of_the_other_memory)
{
	arrange_pages(1536);
	assert_true(queue_ram_bytes(&r) == GIB + ADMIT_QEMU_BYTES);
	r.source.facts.huge.v[0].bytes = 5 * GIB;
	assert_true(queue_ram_bytes(&r) == ADMIT_QEMU_BYTES);
	r.source.facts.huge.n = 0;
	assert_true(queue_ram_bytes(&r) == 4 * GIB + ADMIT_QEMU_BYTES);
}

static void arrange_lock(uid_t login, uint64_t limit)
{
	r.source.facts.ram_bytes = GIB;
	r.dst.facts.uid = login;
	p.kinds.lock_bytes = limit;
}

TEST(locked_memory_needs_a_limit_that_is_high_enough)
{
	arrange_lock(1000, GIB - 1);
	strv_push(&r.source.guest.argv, "mem-lock=on");
	expect(preflight_memory_check_lock, "memlock", CHECK_FAIL,
	       "(-overcommit mem-lock=on), 1048576 KiB, and a login of vm on "
	       "local may lock 1048575 KiB");
	strv_free(&r.source.guest.argv);
}

TEST(so_does_vfio)
{
	arrange_lock(1000, 8 << 20);
	strv_push(&p.devices, "vfio-pci");
	expect(preflight_memory_check_lock, "memlock", CHECK_FAIL, "(VFIO)");
	strv_free(&p.devices);
}

TEST(with_enough_or_as_root_or_without_a_lock_nothing_is_said)
{
	arrange_lock(1000, 8 << 20);
	expect_nothing(preflight_memory_check_lock);
	strv_push(&p.devices, "vfio-pci");
	arrange_lock(1000, GIB);
	expect_nothing(preflight_memory_check_lock);
	arrange_lock(0, 8 << 20);
	expect_nothing(preflight_memory_check_lock);
	strv_free(&p.devices);
}
