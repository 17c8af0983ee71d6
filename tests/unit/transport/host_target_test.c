/* SPDX-License-Identifier: MIT */
/* host_target: the user's word for a machine. */
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host_target.h"

/* "user|host|port" of @target, "-" for what is not given. */
static void expect(const char *target, const char *want)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *got = NULL;
	struct host_target t;

	assert_int_equal(host_target_parse(&t, target, &err), 0);
	assert_false(t.local);
	got = xasprintf("%s|%s|%s", t.user ? t.user : "-", t.host,
			t.port ? t.port : "-");
	assert_string_equal(got, want);
	host_target_free(&t);
}

static void refuse(const char *target)
{
	AUTO_ERR struct err err = { 0 };
	struct host_target t;

	assert_int_equal(host_target_parse(&t, target, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, target));
	assert_non_null(err.hint);
	assert_null(t.host);
}

TEST(local_is_this_machine)
{
	struct host_target t;

	assert_int_equal(host_target_parse(&t, "local", NULL), 0);
	assert_true(t.local);
	host_target_free(&t);
}

TEST(every_form_is_understood)
{
	expect("h", "-|h|-");
	expect("u@h", "u|h|-");
	expect("h:22", "-|h|22");
	expect("u@h.example:2222", "u|h.example|2222");
	expect("ssh://u@h:2222", "u|h|2222");
	expect("ssh://h", "-|h|-");
	expect("ssh://h/", "-|h|-");
	expect("[2001:db8::1]:2222", "-|2001:db8::1|2222");
	expect("u@[2001:db8::1]", "u|2001:db8::1|-");
	expect("2001:db8::1", "-|2001:db8::1|-");
	expect("u@dom@h", "u@dom|h|-");
	expect("fe80::1%eth0", "-|fe80::1%eth0|-");
}

TEST(what_could_be_an_option_is_refused)
{
	refuse("-oProxyCommand=x");
	refuse("-u@h");
	refuse("ssh://-x");
	refuse("u@-h");
}

TEST(odd_bytes_are_refused)
{
	refuse("h h");
	refuse("h\nProxyCommand x");
	refuse("h;reboot");
	refuse("$(id)@h");
	refuse("h\xc3\xa4");
	refuse("h/x");
}

TEST(half_a_word_is_refused)
{
	refuse("");
	refuse("@h");
	refuse("u@");
	refuse("h:");
	refuse("h:x");
	refuse("h:0");
	refuse("h:65536");
	refuse("h:123456");
	refuse("[::1");
	refuse("[::1]x");
	refuse("ssh://");
}

static void expect_words(const char *target, const char *wanted)
{
	AUTO_FREE char *words = host_target_words(target);

	assert_string_equal(words, wanted);
}

TEST(words_for_ssh_name_the_port_by_an_option)
{
	expect_words("hostb", "hostb");
	expect_words("root@hostb", "root@hostb");
	expect_words("root@hostb:2222", "-p 2222 root@hostb");
	expect_words("ssh://u@h:5", "-p 5 u@h");
	expect_words("[::1]:22", "-p 22 ::1");
	expect_words("-x:y:z@", "-x:y:z@");
}
