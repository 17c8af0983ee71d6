/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_secret.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/argv/argv_secret.h"
#include "tests/unit/argv_case.h"
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

static void secret_objects_lose_their_data(void **state)
{
	(void)state;
	expect_blanked("q -object secret,id=s,data=hunter2,format=raw",
		       "q -object secret,id=s,data=***,format=raw");
	expect_blanked("q -object '{\"qom-type\":\"secret\",\"id\":\"s\","
		       "\"data\":\"hunter2\"}'",
		       "q -object {\"qom-type\":\"secret\",\"id\":\"s\","
		       "\"data\":\"***\"}");
	expect_blanked("q -object secret,id=s,file=/etc/s",
		       "q -object secret,id=s,file=/etc/s");
}

static void passwords_are_blanked_wherever_they_stand(void **state)
{
	(void)state;
	expect_blanked("q -spice port=1,password=a,,b,x509-key-password=c",
		       "q -spice port=1,password=***,x509-key-password=***");
	expect_blanked("q --iscsi user=u,password=p",
		       "q --iscsi user=u,password=***");
	expect_blanked("q -drive file.driver=http,file.cookie=c,file.url=u",
		       "q -drive file.driver=http,file.cookie=***,file.url=u");
}

static void what_only_asks_for_a_password_stays(void **state)
{
	(void)state;
	expect_blanked("q -vnc :1,password=on,password-secret=s",
		       "q -vnc :1,password=on,password-secret=s");
	expect_blanked("q -vnc :1,password", "q -vnc :1,password");
}

static void passwords_in_addresses_are_blanked(void **state)
{
	(void)state;
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

static void what_is_handed_to_the_guest_is_blanked(void **state)
{
	(void)state;
	expect_blanked("q -fw_cfg name=opt/x,string=s,,s",
		       "q -fw_cfg name=opt/x,string=***");
	expect_blanked(
		"q -smbios type=11,value=io.systemd.credential:a=b,value=c",
		"q -smbios type=11,value=***,value=c");
}

static void everything_else_stays_byte_for_byte(void **state)
{
	static const char words[] =
		"q -m 1G -append data=x -drive file=a,,b,if=none -S -foo bar "
		"-object rng-random,id=r,filename=/dev/urandom";

	(void)state;
	expect_blanked(words, words);
}

static void notes_do_not_tell_secrets(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
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

static void an_option_that_is_quoted_loses_its_secret(void **state)
{
	(void)state;
	expect_hidden("q -object secret,id=s,data=hun,,ter,format=none",
		      "-object secret,id=s,data=hun,,ter,format=none: no",
		      "-object secret,id=s,data=***,format=none: no");
	expect_hidden("q -object '{\"qom-type\":\"secret\",\"data\":\"a\"}'",
		      "{\"qom-type\":\"secret\",\"data\":\"a\"}: no",
		      "{\"qom-type\":\"secret\",\"data\":\"***\"}: no");
	expect_hidden("q ssh://u:p@h/d", "ssh://u:p@h/d: no",
		      "ssh://u:***@h/d: no");
}

static void a_secret_that_is_quoted_alone_is_hidden_everywhere(void **state)
{
	(void)state;
	expect_hidden("q -iscsi password=hunter2 -fw_cfg name=x,string=a,,bc",
		      "'hunter2' (hunter2), 'a,bc'", "'***' (***), '***'");
	expect_hidden("q -drive file=ssh://u:hunter2@h/d", "bad: hunter2",
		      "bad: ***");
	expect_hidden("q rbd:p/i:key=hunter2", "bad: hunter2", "bad: ***");
}

static void a_short_secret_does_not_garble_words(void **state)
{
	(void)state;
	expect_hidden("q -iscsi password=a", "a bad answer", "a bad answer");
}

static void a_disk_s_name_loses_its_password(void **state)
{
	AUTO_FREE char *with = argv_secret_blank_name("ssh://u:p@h/d");
	AUTO_FREE char *without = argv_secret_blank_name("/srv/a:b@c");

	(void)state;
	assert_string_equal(with, "ssh://u:***@h/d");
	assert_string_equal(without, "/srv/a:b@c");
	assert_null(argv_secret_blank_name(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_objects_lose_their_data),
		cmocka_unit_test(passwords_are_blanked_wherever_they_stand),
		cmocka_unit_test(what_only_asks_for_a_password_stays),
		cmocka_unit_test(passwords_in_addresses_are_blanked),
		cmocka_unit_test(what_is_handed_to_the_guest_is_blanked),
		cmocka_unit_test(everything_else_stays_byte_for_byte),
		cmocka_unit_test(notes_do_not_tell_secrets),
		cmocka_unit_test(an_option_that_is_quoted_loses_its_secret),
		cmocka_unit_test(
			a_secret_that_is_quoted_alone_is_hidden_everywhere),
		cmocka_unit_test(a_short_secret_does_not_garble_words),
		cmocka_unit_test(a_disk_s_name_loses_its_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
