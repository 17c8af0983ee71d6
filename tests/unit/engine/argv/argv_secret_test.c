/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_secret.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_secret.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_blanked(const char *words, const char *expected)
{
	AUTO_STRV struct strv argv = { .v = NULL }, out = { .v = NULL };
	AUTO_FREE char *text = NULL;

	argv_case_split(words, &argv);
	argv_blank_secrets(&argv, &out);
	text = strv_join(&out, " ");
	assert_string_equal(text, expected);
}

TEST(secret_objects_lose_their_data)
{
	expect_blanked("q -object secret,id=s,data=hunter2,format=raw",
		       "q -object secret,id=s,data=***,format=raw");
	expect_blanked("q -object '{\"qom-type\":\"secret\",\"id\":\"s\","
		       "\"data\":\"hunter2\"}'",
		       "q -object {\"qom-type\":\"secret\",\"id\":\"s\","
		       "\"data\":\"***\"}");
	expect_blanked("q -object secret,id=s,file=/etc/s",
		       "q -object secret,id=s,file=/etc/s");
}

TEST(passwords_are_blanked_everywhere)
{
	expect_blanked("q -spice port=1,password=a,,b,x509-key-password=c",
		       "q -spice port=1,password=***,x509-key-password=***");
	expect_blanked("q --iscsi user=u,password=p",
		       "q --iscsi user=u,password=***");
	expect_blanked("q -drive file.driver=http,file.cookie=c,file.url=u",
		       "q -drive file.driver=http,file.cookie=***,file.url=u");
}

TEST(what_only_asks_for_a_password_stays)
{
	expect_blanked("q -vnc :1,password=on,password-secret=s",
		       "q -vnc :1,password=on,password-secret=s");
	expect_blanked("q -vnc :1,password", "q -vnc :1,password");
}

TEST(passwords_in_addresses_are_blanked)
{
	expect_blanked("q -drive file=iscsi://u:p@h/t/0,if=none",
		       "q -drive file=iscsi://u:***@h/t/0,if=none");
	expect_blanked("q -drive file=iscsi://u%p@h/t/0,if=none",
		       "q -drive file=iscsi://u%***@h/t/0,if=none");
	expect_blanked("q -hda ssh://u%20v@h/d", "q -hda ssh://u%20v@h/d");
	expect_blanked("q -hda ssh://u:p:q@h/d", "q -hda ssh://u:***@h/d");
	expect_blanked("q http://h:80/a@b", "q http://h:80/a@b");
	expect_blanked("q -blockdev driver=nbd,uri=nbd://u@h:1/x",
		       "q -blockdev driver=nbd,uri=nbd://u@h:1/x");
	expect_blanked("q -drive file=rbd:p/i:id=a:key=KEY:conf=c",
		       "q -drive file=rbd:p/i:id=a:key=***:conf=c");
}

TEST(what_is_handed_to_the_guest_is_blanked)
{
	expect_blanked("q -fw_cfg name=opt/x,string=s,,s",
		       "q -fw_cfg name=opt/x,string=***");
	expect_blanked(
		"q -smbios type=11,value=io.systemd.credential:a=b,value=c",
		"q -smbios type=11,value=***,value=***");
	expect_blanked("q -smbios type=1,serial=ds=nocloud;password=x,uuid=u",
		       "q -smbios type=1,serial=***,uuid=u");
	expect_blanked("q -device virtio-blk-pci,drive=d,serial=x,id=i",
		       "q -device virtio-blk-pci,drive=d,serial=***,id=i");
	expect_blanked("q -serial stdio", "q -serial stdio");
}

/* As words of the kernel's command line, which cloud images read. */
TEST(a_kernel_s_words_lose_what_is_called_a_secret)
{
	expect_blanked("q -append 'ro db.password=a,b API_TOKEN=t x=y quiet'",
		       "q -append ro db.password=*** API_TOKEN=*** x=y quiet");
	expect_blanked("q -append 'password ds=nocloud rootpass='",
		       "q -append password ds=nocloud rootpass=***");
	expect_blanked("q -append 'api_key=a luks.b=c auth=d x.private=e f=g'",
		       "q -append api_key=*** luks.b=*** auth=*** "
		       "x.private=*** f=g");
}

TEST(a_kernel_s_word_goes_to_the_end_of_its_quotes)
{
	expect_blanked("q -append 'a=b \"db.password=c d\" pass=\"e f\" g=h'",
		       "q -append a=b \"db.password=*** pass=*** g=h");
}

TEST(everything_else_stays_byte_for_byte)
{
	static const char words[] =
		"q -m 1G -append data=x -drive file=a,,b,if=none -S -foo bar "
		"-object rng-random,id=r,filename=/dev/urandom";

	expect_blanked(words, words);
}

TEST(notes_contain_no_secrets)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-spice port=1,password=hunter2", &plan);
	assert_int_equal(plan.notes[0].kind, ARGV_WARNING);
	assert_string_equal(plan.notes[0].option, "-spice port=1,password=***");
	argv_plan_free(&plan);
}

static void expect_hidden(const char *words, const char *said,
			  const char *expected)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *text = NULL;

	argv_case_split(words, &argv);
	text = argv_blank_text(&argv, said);
	assert_string_equal(text, expected);
}

TEST(an_option_that_is_quoted_loses_its_secret)
{
	expect_hidden("q -object secret,id=s,data=hun,,ter,format=none",
		      "-object secret,id=s,data=hun,,ter,format=none: no",
		      "-object secret,id=s,data=***,format=none: no");
	expect_hidden("q -object '{\"qom-type\":\"secret\",\"data\":\"a\"}'",
		      "{\"qom-type\":\"secret\",\"data\":\"a\"}: no",
		      "{\"qom-type\":\"secret\",\"data\":\"***\"}: no");
	expect_hidden("q ssh://u:p@h/d", "ssh://u:p@h/d: no",
		      "ssh://u:***@h/d: no");
}

TEST(a_secret_that_is_quoted_alone_is_hidden_everywhere)
{
	expect_hidden("q -iscsi password=hunter2 -fw_cfg name=x,string=a,,bc",
		      "'hunter2' (hunter2), 'a,bc'", "'***' (***), '***'");
	expect_hidden("q -drive file=ssh://u:hunter2@h/d", "bad: hunter2",
		      "bad: ***");
	expect_hidden("q -append 'a=b pass=hunter2 secret=hunter3'",
		      "hunter3, hunter2", "***, ***");
	expect_hidden("q rbd:p/i:key=hunter2", "bad: hunter2", "bad: ***");
}

TEST(a_short_secret_does_not_garble_words)
{
	expect_hidden("q -iscsi password=a", "a bad answer", "a bad answer");
}

TEST(a_disk_s_name_loses_its_password)
{
	AUTO_FREE char *with = argv_secret_blank_name("ssh://u:p@h/d");
	AUTO_FREE char *without = argv_secret_blank_name("/srv/a:b@c");

	assert_string_equal(with, "ssh://u:***@h/d");
	assert_string_equal(without, "/srv/a:b@c");
	assert_null(argv_secret_blank_name(NULL));
}
