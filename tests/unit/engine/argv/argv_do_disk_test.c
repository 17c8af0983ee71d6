/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_disk.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(images_are_listed)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-hda /a.img -cdrom /b.iso "
			      "-drive file=/c.img,readonly=on "
			      "-drive file=/d.iso,media=cdrom "
			      "-blockdev driver=file,node-name=n,filename=/e "
			      "/f.img",
			      &plan);
	assert_true(argv_case_file(&plan, "/a.img")->writable);
	assert_false(argv_case_file(&plan, "/b.iso")->writable);
	assert_false(argv_case_file(&plan, "/c.img")->writable);
	assert_false(argv_case_file(&plan, "/d.iso")->writable);
	assert_true(argv_case_file(&plan, "/e")->writable);
	assert_true(argv_case_file(&plan, "/f.img")->writable);
	assert_int_equal(plan.n_files, 6);
	argv_plan_free(&plan);
}

TEST(firmware_is_distinguished_from_images)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-drive if=pflash,file=/a -pflash /b "
			      "-blockdev driver=file,node-name=n,"
			      "filename=/x/OVMF_CODE.fd",
			      &plan);
	assert_int_equal(argv_case_file(&plan, "/a")->kind, ARGV_FIRMWARE);
	assert_int_equal(argv_case_file(&plan, "/b")->kind, ARGV_FIRMWARE);
	assert_int_equal(argv_case_file(&plan, "/x/OVMF_CODE.fd")->kind,
			 ARGV_FIRMWARE);
	argv_plan_free(&plan);
}

static void expect_remapped(const char *words, const char *expected)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_remap(words, "/s", "/t", &plan);

	assert_string_equal(got, expected);
	argv_plan_free(&plan);
}

TEST(paths_are_remapped_in_every_notation)
{
	expect_remapped("-hda /s/a,b", "-hda /t/a,b");
	expect_remapped("-drive file=/s/a,,b,if=none",
			"-drive file=/t/a,,b,if=none");
	expect_remapped("-drive file.driver=file,file.filename=/s/a",
			"-drive file.driver=file,file.filename=/t/a");
	expect_remapped("-blockdev driver=qcow2,node-name=n,"
			"file.driver=file,file.filename=/s/a,"
			"backing.file.filename=/s/b",
			"-blockdev driver=qcow2,node-name=n,"
			"file.driver=file,file.filename=/t/a,"
			"backing.file.filename=/t/b");
	expect_remapped("-blockdev '{\"driver\":\"raw\",\"node-name\":\"n\","
			"\"file\":{\"driver\":\"file\","
			"\"filename\":\"/s/a\"}}'",
			"-blockdev {\"driver\":\"raw\",\"node-name\":\"n\","
			"\"file\":{\"driver\":\"file\","
			"\"filename\":\"/t/a\"}}");
	expect_remapped("-drive file=file:/s/a", "-drive file=file:/t/a");
	expect_remapped("-drive 'file=json:{\"driver\":\"raw\",,"
			"\"file\":{\"filename\":\"/s/a\"}}'",
			"-drive file=json:{\"driver\":\"raw\",,"
			"\"file\":{\"filename\":\"/t/a\"}}");
	expect_remapped("-drive file=fat:ro:/s/d", "-drive file=fat:ro:/t/d");
}

TEST(a_path_is_ours_by_its_driver)
{
	expect_remapped("-blockdev driver=virtio-blk-vhost-vdpa,node-name=n,"
			"path=/s/a",
			"-blockdev driver=virtio-blk-vhost-vdpa,node-name=n,"
			"path=/t/a");
	expect_remapped("-blockdev driver=nvme-io_uring,node-name=n,path=/s/a",
			"-blockdev driver=nvme-io_uring,node-name=n,path=/t/a");
	expect_remapped("-blockdev driver=nfs,node-name=n,path=/s/a",
			"-blockdev driver=nfs,node-name=n,path=/s/a");
}

TEST(images_of_servers_are_kept)
{
	expect_kept("-drive file=nbd://h/x,if=none -drive file=rbd:p/i "
		    "-drive file=ssh://h/s/a -drive if=none,id=empty "
		    "-blockdev driver=ssh,node-name=n,path=/s/a,server.host=h");
}

TEST(temporary_overlays_are_refused)
{
	expect_refused("-drive file=/a,snapshot=on", "temporary");
	expect_kept("-drive file=/a,snapshot=off");
}

TEST(unlocked_images_are_refused)
{
	expect_refused("-drive file=/a,file.locking=off", "both");
	expect_refused("-blockdev driver=file,node-name=n,filename=/a,"
		       "locking=off",
		       "both");
	expect_refused("-blockdev '{\"driver\":\"file\",\"node-name\":\"n\","
		       "\"filename\":\"/a\",\"locking\":\"off\"}'",
		       "both");
	expect_kept("-drive file=/a,file.locking=on");
}

TEST(inherited_descriptors_are_refused)
{
	expect_refused("-drive file=/dev/fdset/1", "inherited");
	expect_refused("-hda /proc/self/fd/3", "inherited");
	expect_refused("-blockdev driver=file,node-name=n,"
		       "filename=/dev/fd/3",
		       "inherited");
}

TEST(a_writable_directory_is_refused)
{
	expect_refused("-drive file=fat:rw:/d", "directory");
}

TEST(the_socket_of_a_server_is_a_file)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-blockdev driver=nbd,node-name=n,"
			      "server.type=unix,server.path=/run/nbd",
			      &plan);
	assert_int_equal(argv_case_file(&plan, "/run/nbd")->kind, ARGV_OTHER);
	argv_plan_free(&plan);
}

/* --- files that QEMU gets open -------------------------------------------- */

static void expect_handed(const char *words, const char *path, bool block,
			  const char *expected)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_hand(words, path, block, &plan);
	AUTO_STRV struct strv public = { .v = NULL };
	AUTO_FREE char *text = NULL;

	assert_string_equal(got, expected);
	assert_non_null(argv_case_file(&plan, path));
	/* and back: the next hop finds what there was */
	argv_restore(&plan.argv, &plan.moves, &public);
	text = strv_join(&public, " ");
	assert_non_null(strstr(text, words));
	assert_null(strstr(text, "fdset"));
	argv_plan_free(&plan);
}

TEST(handed_files_have_another_name_in_every_notation)
{
	expect_handed("-hda /s/a,b", "/s/a,b", false,
		      "-add-fd fd=3,set=3,opaque=vmferry:/s/a,,b "
		      "-hda /dev/fdset/3");
	expect_handed("/s/a", "/s/a", false,
		      "-add-fd fd=3,set=3,opaque=vmferry:/s/a /dev/fdset/3");
	expect_handed("-drive file=/s/a,,b,if=none -hdb /s/b", "/s/a,b", false,
		      "-add-fd fd=3,set=3,opaque=vmferry:/s/a,,b "
		      "-drive file=/dev/fdset/3,if=none -hdb /s/b");
	expect_handed("-drive file=file:/s/a", "/s/a", false,
		      "-add-fd fd=3,set=3,opaque=vmferry:file:/s/a "
		      "-drive file=file:/dev/fdset/3");
	expect_handed("-drive file.driver=file,file.filename=/s/a", "/s/a",
		      false,
		      "-add-fd fd=3,set=3,opaque=vmferry:/s/a "
		      "-drive file.driver=file,file.filename=/dev/fdset/3");
	expect_handed("-blockdev driver=file,node-name=n,filename=/s/a", "/s/a",
		      false,
		      "-add-fd fd=3,set=3,opaque=vmferry:/s/a "
		      "-blockdev driver=file,node-name=n,"
		      "filename=/dev/fdset/3");
	expect_handed("-blockdev {\"driver\":\"file\",\"node-name\":\"n\","
		      "\"filename\":\"/s/a\"}",
		      "/s/a", false,
		      "-add-fd fd=3,set=3,opaque=vmferry:/s/a "
		      "-blockdev {\"driver\":\"file\",\"node-name\":\"n\","
		      "\"filename\":\"/dev/fdset/3\"}");
}

TEST(a_relative_name_comes_back_as_it_was)
{
	expect_handed("-hda a.img", CASE_CWD "/a.img", false,
		      "-add-fd fd=3,set=3,opaque=vmferry:a.img "
		      "-hda /dev/fdset/3");
}

/* QEMU would take it for a regular file. */
TEST(a_handed_device_says_that_it_is_one)
{
	expect_handed("-drive file=/dev/x,if=none", "/dev/x", true,
		      "-add-fd fd=3,set=3,opaque=vmferry:/dev/x "
		      "-drive file=host_device:/dev/fdset/3,if=none");
	expect_handed("-drive file=host_device:/dev/x", "/dev/x", true,
		      "-add-fd fd=3,set=3,opaque=vmferry:host_device:/dev/x "
		      "-drive file=host_device:/dev/fdset/3");
	expect_handed("-blockdev driver=host_device,node-name=n,"
		      "filename=/dev/x",
		      "/dev/x", true,
		      "-add-fd fd=3,set=3,opaque=vmferry:/dev/x "
		      "-blockdev driver=host_device,node-name=n,"
		      "filename=/dev/fdset/3");
}

TEST(one_file_twice_is_handed_over_once)
{
	expect_handed("-drive file=/s/a,readonly=on -drive file=/s/a", "/s/a",
		      false,
		      "-add-fd fd=3,set=3,opaque=vmferry:/s/a "
		      "-drive file=/dev/fdset/3,readonly=on "
		      "-drive file=/dev/fdset/3");
}

static void expect_not_handed(const char *words, bool block, const char *why)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_hand(words, "/s/a", block, &plan);

	assert_true(argv_case_noted(&plan, ARGV_REFUSED, why));
	argv_plan_free(&plan);
}

TEST(names_that_cannot_be_put_back_are_refused)
{
	expect_not_handed("-drive 'file=json:{\"driver\":\"file\",,"
			  "\"filename\":\"/s/a\"}'",
			  false, "a plain name");
	expect_not_handed("-drive file.filename=/s/a", true, "host_device");
	expect_not_handed("-hda /s/a -hdb file:/s/a", false, "another name");
}

static void expect_reopens(const char *words, bool expected)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other(words, &plan);

	assert_true(argv_case_file(&plan, "/a")->node);
	assert_int_equal(argv_case_file(&plan, "/a")->reopens, expected);
	argv_plan_free(&plan);
}

TEST(what_qemu_opens_anew_is_known)
{
	expect_reopens("-hda /a", true);
	expect_reopens("-drive file=/a", true);
	expect_reopens("-drive file=/a,auto-read-only=off", false);
	expect_reopens("-drive file=/a,file.auto-read-only=off", false);
	expect_reopens("-drive file.filename=/a,auto-read-only=off", false);
	expect_reopens("-drive file.filename=/a", true);
	expect_reopens("-blockdev driver=file,node-name=n,filename=/a", false);
	expect_reopens("-blockdev driver=file,node-name=n,filename=/a,"
		       "auto-read-only=on",
		       true);
	expect_reopens("-blockdev driver=raw,node-name=n,auto-read-only=on,"
		       "file.driver=file,file.filename=/a",
		       true);
	expect_reopens("-blockdev driver=raw,node-name=n,auto-read-only=on,"
		       "file.driver=file,file.filename=/a,"
		       "file.auto-read-only=off",
		       false);
}
