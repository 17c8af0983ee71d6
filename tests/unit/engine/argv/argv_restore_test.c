/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_restore.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_restored(const char *words, const struct argv_moves *m,
			    const char *expected)
{
	AUTO_STRV struct strv argv = { .v = NULL }, out = { .v = NULL };
	AUTO_FREE char *text = NULL;

	argv_case_split(words, &argv);
	argv_restore(&argv, m, &out);
	text = strv_join(&out, " ");
	assert_string_equal(text, expected);
}

TEST(our_monitors_and_the_waiting_state_go)
{
	expect_restored("q -m 1 -S -incoming defer "
			"-chardev socket,id=vmferry0,path=/r/q,server=on "
			"-mon chardev=vmferry0,mode=control -usb",
			NULL, "q -m 1 -usb");
}

TEST(things_of_others_with_a_similar_name_stay)
{
	static const char words[] =
		"q -chardev null,id=vmferry -chardev null,id=vmferry10 "
		"-mon chardev=vmferry-file0";

	expect_restored(words, NULL, words);
}

TEST(an_option_that_lacks_its_value_stays)
{
	expect_restored("q -m 1 -chardev", NULL, "q -m 1 -chardev");
	expect_restored("q -m 1 -mon", NULL, "q -m 1 -mon");
}

TEST(files_are_as_the_user_wrote_them)
{
	expect_restored(
		"q -chardev file,id=vmferry-file0,path=/l/a,,b,append=on "
		"-serial chardev:vmferry-file0 -serial chardev:c "
		"-chardev file,id=vmferry-file1,path=/l/c,append=on "
		"-device isa-debugcon,chardev=vmferry-file1 "
		"-device isa-debugcon,chardev=c",
		NULL,
		"q -serial file:/l/a,b -serial chardev:c "
		"-debugcon file:/l/c "
		"-device isa-debugcon,chardev=c");
}

TEST(moved_sockets_get_their_public_names)
{
	struct argv_moves m = { .v = NULL };

	argv_moves_add(&m, "/r/s0", "/run/a,b");
	argv_moves_add(&m, "/r/pid", "/run/p");
	expect_restored("q -qmp unix:/r/s0,server,nowait -pidfile /r/pid "
			"-serial unix:/r/s1,server -append /r/s0",
			&m,
			"q -qmp unix:/run/a,,b,server,nowait -pidfile /run/p "
			"-serial unix:/r/s1,server -append /r/s0");
	argv_moves_free(&m);
}

TEST(files_that_qemu_got_open_have_their_names_again)
{
	expect_restored(
		"q -add-fd fd=3,set=3,opaque=vmferry:/s/a,,b "
		"-add-fd fd=4,set=4,opaque=vmferry:file:/s/c "
		"-hda /dev/fdset/3 -drive file=file:/dev/fdset/4,if=ide",
		NULL, "q -hda /s/a,b -drive file=file:/s/c,if=ide");
}

TEST(descriptors_of_others_stay)
{
	static const char words[] =
		"q -add-fd fd=3,set=3,opaque=mine -add-fd fd=4,set=4 "
		"-hda /dev/fdset/3 -hdb /dev/fdset/4 -hdc /dev/fdset/5 "
		"-append /dev/fdset/3";

	expect_restored(words, NULL, words);
}

TEST(a_handed_file_is_known_by_its_set)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *name = NULL;

	argv_case_split("q -add-fd fd=3,set=3,opaque=vmferry:/s/a", &argv);
	name = argv_handed_name(&argv, "/dev/fdset/3");
	assert_string_equal(name, "/s/a");
	assert_null(argv_handed_name(&argv, "/dev/fdset/33"));
	assert_null(argv_handed_name(&argv, "/x/dev/fdset/3"));
	assert_null(argv_handed_name(&argv, "/s/a"));
}
