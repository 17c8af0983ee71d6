/* SPDX-License-Identifier: MIT */
/* host_target: the user's word for a machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "transport/base/xalloc.h"
#include "transport/host_open.h"

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

static void local_is_this_machine(void **state)
{
	struct host_target t;

	(void)state;
	assert_int_equal(host_target_parse(&t, "local", NULL), 0);
	assert_true(t.local);
	host_target_free(&t);
}

static void every_form_is_understood(void **state)
{
	(void)state;
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

static void what_could_be_an_option_is_refused(void **state)
{
	(void)state;
	refuse("-oProxyCommand=x");
	refuse("-u@h");
	refuse("ssh://-x");
	refuse("u@-h");
}

static void odd_bytes_are_refused(void **state)
{
	(void)state;
	refuse("h h");
	refuse("h\nProxyCommand x");
	refuse("h;reboot");
	refuse("$(id)@h");
	refuse("h\xc3\xa4");
	refuse("h/x");
}

static void half_a_word_is_refused(void **state)
{
	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_is_this_machine),
		cmocka_unit_test(every_form_is_understood),
		cmocka_unit_test(what_could_be_an_option_is_refused),
		cmocka_unit_test(odd_bytes_are_refused),
		cmocka_unit_test(half_a_word_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
