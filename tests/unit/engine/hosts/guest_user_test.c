/* SPDX-License-Identifier: MIT */
/* Tests of engine/hosts/guest_user.c. */
#include "engine/hosts/guest_user.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "transport/base/xalloc.h"

static struct guest_user got;

static int read_word(const char *word, struct err *err)
{
	guest_user_free(&got);
	return guest_user_read(word, &got, err);
}

IN_TASK(a_name_is_of_nobody_else)
{
	static const char *const words[] = {
		"web1", "", "/web1", "web1/", "qmp:/run/x.qmp", "pid:1/2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		AUTO_ERR struct err e = { 0 };

		expect_ok(read_word(words[i], &e), &e);
		assert_false(got.is_other);
		assert_string_equal(got.guest, words[i]);
	}
}

IN_TASK(an_own_guest_may_be_named_with_its_user)
{
	AUTO_FREE char *word = xasprintf("%u/web1", (unsigned int)geteuid());
	AUTO_ERR struct err e = { 0 };

	if (geteuid())
		skip();
	expect_ok(read_word(word, &e), &e);
	assert_false(got.is_other);
	guest_user_free(&got);
}

IN_TASK(an_unknown_user_is_named)
{
	AUTO_ERR struct err e = { 0 };

	assert_int_equal(read_word("no-such-user/web1", &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.message, "no user no-such-user"));
	assert_non_null(strstr(err_hint_of(&e), "/no-such-user/web1"));
	guest_user_free(&got);
}

IN_TASK(root_may_name_any_user)
{
	AUTO_ERR struct err e = { 0 };

	if (geteuid())
		skip();
	expect_ok(read_word("nobody/web1/a", &e), &e);
	assert_true(got.is_other);
	assert_string_equal(got.guest, "web1/a");
	assert_string_equal(got.user.name, "nobody");
	guest_user_free(&got);
}

IN_TASK(nobody_else_may_name_another_user)
{
	AUTO_ERR struct err e = { 0 };
	uid_t was = geteuid();

	if (!was)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(read_word("root/web1", &e), -1);
	assert_int_equal(seteuid(was), 0);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.message, "web1 is a guest of root's"));
	guest_user_free(&got);
}
