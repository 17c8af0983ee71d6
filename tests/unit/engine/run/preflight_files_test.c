/* SPDX-License-Identifier: MIT */
/* preflight_files: the files that the command line names. */
#include "tests/unit/preflight_fixture.h"
#include "transport/base/xalloc.h"

/* preflight_disks.h has the checks of images. */
TEST(an_image_is_not_judged_as_a_file)
{
	there[0].exists = false;
	expect_nothing(preflight_check_files);
}

TEST(a_file_that_the_destination_lacks_is_refused)
{
	files[0].kind = ARGV_OTHER;
	there[0].exists = false;
	expect(preflight_check_files, "file", CHECK_FAIL, "does not exist");
}

TEST(a_file_that_is_no_image_may_be_a_copy)
{
	files[0].kind = ARGV_OTHER;
	there[0].inode++;
	expect(preflight_check_files, "file", CHECK_PASS, "exists on");
}

TEST(a_copy_of_another_size_is_a_warning)
{
	files[0].kind = ARGV_OTHER;
	there[0].size_bytes--;
	expect(preflight_check_files, "file", CHECK_WARN, "differs in size");
}

TEST(a_directory_may_have_another_size)
{
	files[0].kind = ARGV_OTHER;
	files[0].directory = true;
	there[0].size_bytes--;
	expect(preflight_check_files, "file", CHECK_PASS, "exists on");
}

/* Traces and the memory of a guest; they have checks of their own. */
TEST(a_file_that_qemu_makes_need_not_be_there)
{
	static const enum argv_file_kind kinds[] = { ARGV_RAM, ARGV_TRACE };

	there[0].exists = false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		files[0].kind = kinds[i];
		expect_nothing(preflight_check_files);
	}
}

/* --- access --------------------------------------------------------------- */

TEST(an_image_that_can_be_used_is_nothing_to_speak_of)
{
	expect_nothing(preflight_check_access);
}

TEST(an_image_that_cannot_be_read_is_refused)
{
	there[0].readable = false;
	expect(preflight_check_access, "access", CHECK_FAIL,
	       "vm, who may not read /srv/a.qcow2");
}

TEST(so_is_one_that_the_source_cannot_read_either)
{
	here[0].readable = there[0].readable = false;
	expect(preflight_check_access, "access", CHECK_FAIL, "read");
}

TEST(an_image_that_cannot_be_written_to_is_refused)
{
	there[0].writable = false;
	expect(preflight_check_access, "access", CHECK_FAIL,
	       "may not write to /srv/a.qcow2");
}

TEST(so_is_one_whose_path_the_source_does_not_have)
{
	here[0] = (struct probe_file){ .exists = false };
	there[0].writable = false;
	expect(preflight_check_access, "access", CHECK_FAIL, "write");
}

TEST(an_image_that_is_read_only_for_qemu_may_be_read_only)
{
	files[0].writable = there[0].writable = false;
	expect_nothing(preflight_check_access);
}

TEST(one_that_is_read_only_on_the_source_may_be_so_there)
{
	here[0].writable = there[0].writable = false;
	expect_nothing(preflight_check_access);
}

TEST(access_that_could_not_be_tried_is_not_judged)
{
	there[0] = (struct probe_file){ .exists = true };
	expect_nothing(preflight_check_access);
}

TEST(an_image_that_is_missing_is_for_another_check)
{
	there[0].exists = there[0].readable = false;
	expect_nothing(preflight_check_access);
}

TEST(other_files_may_be_opened_otherwise)
{
	files[0].kind = ARGV_OTHER;
	there[0].readable = false;
	expect_nothing(preflight_check_access);
}

/* --- files that only root may open ---------------------------------------- */

static struct preflight_hand hands[1];

/* One that the guest's user may not use, and QEMU has open. */
static void arrange_hand(const char *refusal)
{
	here[0].readable = here[0].writable = false;
	there[0].readable = there[0].writable = false;
	files[0].node = true;
	files[0].source = (char *)"/srv/a.qcow2";
	hands[0] = (struct preflight_hand){
		.asked = true,
		.here = { .reads = true, .writes = true, .access_known = true },
		.refusal = (char *)refusal,
	};
	p.hands = hands;
}

TEST(a_file_that_root_opens_is_said_to_be)
{
	arrange_hand(NULL);
	expect(preflight_check_access, "access", CHECK_PASS,
	       "is opened by root for vm");
}

TEST(one_that_it_does_not_open_is_refused_with_the_reason)
{
	arrange_hand("of this");
	expect(preflight_check_access, "access", CHECK_FAIL,
	       "may not read /srv/a.qcow2, and root does not open it: of this");
}

TEST(to_read_is_not_enough_where_qemu_writes)
{
	arrange_hand("of this");
	there[0].readable = true;
	expect(preflight_check_access, "access", CHECK_FAIL, "may not write");
}

TEST(it_is_enough_where_qemu_only_reads)
{
	arrange_hand(NULL);
	hands[0].needless = there[0].readable = true;
	hands[0].here.writes = false;
	expect_nothing(preflight_check_access);
}

TEST(an_image_that_qemu_cannot_open_anew_is_refused)
{
	arrange_hand(NULL);
	files[0].reopens = true;
	expect(preflight_check_reopening, "access", CHECK_FAIL,
	       "QEMU opens /srv/a.qcow2 anew");
}

TEST(one_that_is_open_once_is_not)
{
	arrange_hand(NULL);
	expect_nothing(preflight_check_reopening);
}

TEST(nor_one_that_its_user_may_open_or_that_is_read)
{
	arrange_hand(NULL);
	files[0].reopens = true;
	hands[0].here.may_write = true;
	expect_nothing(preflight_check_reopening);
	hands[0].here.may_write = hands[0].here.writes = false;
	expect_nothing(preflight_check_reopening);
}

TEST(an_image_below_that_cannot_be_read_is_refused)
{
	AUTO_STRV struct strv below = { .v = NULL };

	strv_push(&below, "/srv/base");
	p.chain = below;
	p.chain_there = there;
	expect_nothing(preflight_check_chain);
	there[0].readable = false;
	expect(preflight_check_chain, "access", CHECK_FAIL,
	       "/srv/base is below an image");
}

/* --- ram-file ------------------------------------------------------------- */

/* Both hosts have a file at that path. */
static void arrange_ram(uint64_t inode_here, uint64_t inode_there)
{
	files[0].kind = ARGV_RAM;
	files[0].path = (char *)"/m/ram";
	here[0].type = there[0].type = 'f';
	here[0].size_bytes = there[0].size_bytes = 1 << 30;
	here[0].inode = inode_here;
	there[0].inode = inode_there;
}

TEST(memory_in_one_file_for_both_is_refused)
{
	arrange_ram(7, 7);
	expect(preflight_check_ram, "ram-file", CHECK_FAIL,
	       "/m/ram is mapped with share=on");
}

TEST(memory_in_a_file_of_each_is_nothing_to_speak_of)
{
	arrange_ram(7, 8);
	expect_nothing(preflight_check_ram);
}

TEST(inodes_of_fuse_prove_nothing)
{
	arrange_ram(7, 8);
	there[0].fuse = true;
	expect(preflight_check_ram, "ram-file", CHECK_FAIL, "may be the same");
}

TEST(a_file_that_is_yet_to_be_made_is_not_shared)
{
	arrange_ram(7, 7);
	there[0].exists = false;
	expect_nothing(preflight_check_ram);
}

TEST(each_qemu_has_a_file_of_its_own_in_a_directory)
{
	arrange_ram(7, 7);
	here[0].type = there[0].type = 'd';
	expect_nothing(preflight_check_ram);
}

TEST(a_file_at_another_path_may_be_the_same)
{
	opt.n_remaps = 1;
	arrange_ram(7, 7);
	here[0].exists = false;
	expect(preflight_check_ram, "ram-file", CHECK_FAIL, "may be the same");
}

TEST(a_trace_that_the_destination_would_empty_is_refused)
{
	arrange_ram(7, 7);
	files[0].kind = ARGV_TRACE;
	/* it grows meanwhile */
	there[0].size_bytes++;
	expect(preflight_check_traces, "trace-file", CHECK_FAIL,
	       "would empty it there");
}

TEST(a_trace_of_each_host_is_nothing_to_speak_of)
{
	arrange_ram(7, 8);
	files[0].kind = ARGV_TRACE;
	expect_nothing(preflight_check_traces);
	there[0].exists = false;
	expect_nothing(preflight_check_traces);
}

TEST(only_on_one_machine_is_a_device_the_same)
{
	arrange_ram(7, 7);
	here[0].type = there[0].type = 'o';
	expect_nothing(preflight_check_ram);
	p.same_pids = true;
	expect(preflight_check_ram, "ram-file", CHECK_FAIL, "/m/ram");
}
