/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_disk.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/argv_case.h"
#include "transport/base/xalloc.h"
static void images_are_listed(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
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

static void firmware_is_told_from_images(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
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

static void paths_are_remapped_in_every_notation(void **state)
{
	(void)state;
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

static void images_of_servers_are_kept(void **state)
{
	(void)state;
	expect_kept("-drive file=nbd://h/x,if=none -drive file=rbd:p/i "
		    "-drive file=ssh://h/s/a -drive if=none,id=empty "
		    "-blockdev driver=ssh,node-name=n,path=/s/a,server.host=h");
}

static void temporary_overlays_are_refused(void **state)
{
	(void)state;
	expect_refused("-drive file=/a,snapshot=on", "temporary");
	expect_kept("-drive file=/a,snapshot=off");
}

static void unlocked_images_are_refused(void **state)
{
	(void)state;
	expect_refused("-drive file=/a,file.locking=off", "both");
	expect_refused("-blockdev driver=file,node-name=n,filename=/a,"
		       "locking=off",
		       "both");
	expect_refused("-blockdev '{\"driver\":\"file\",\"node-name\":\"n\","
		       "\"filename\":\"/a\",\"locking\":\"off\"}'",
		       "both");
	expect_kept("-drive file=/a,file.locking=on");
}

static void inherited_descriptors_are_refused(void **state)
{
	(void)state;
	expect_refused("-drive file=/dev/fdset/1", "inherited");
	expect_refused("-hda /proc/self/fd/3", "inherited");
	expect_refused("-blockdev driver=file,node-name=n,"
		       "filename=/dev/fd/3",
		       "inherited");
}

static void a_writable_directory_is_refused(void **state)
{
	(void)state;
	expect_refused("-drive file=fat:rw:/d", "directory");
}

static void the_socket_of_a_server_is_a_file(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
	got = argv_case_other("-blockdev driver=nbd,node-name=n,"
			      "server.type=unix,server.path=/run/nbd",
			      &plan);
	assert_int_equal(argv_case_file(&plan, "/run/nbd")->kind, ARGV_OTHER);
	argv_plan_free(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_are_listed),
		cmocka_unit_test(firmware_is_told_from_images),
		cmocka_unit_test(paths_are_remapped_in_every_notation),
		cmocka_unit_test(images_of_servers_are_kept),
		cmocka_unit_test(temporary_overlays_are_refused),
		cmocka_unit_test(unlocked_images_are_refused),
		cmocka_unit_test(inherited_descriptors_are_refused),
		cmocka_unit_test(a_writable_directory_is_refused),
		cmocka_unit_test(the_socket_of_a_server_is_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
