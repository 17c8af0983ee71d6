/* SPDX-License-Identifier: MIT */
/* Tests of engine/hosts/local_users.c and its script. */
#include "engine/hosts/local_users.h"

#include <string.h>

#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "transport/base/xalloc.h"

TEST(accounts_are_read)
{
	struct local_users l;

	local_users_parse("account=1000:100:alice:/home/alice\n"
			  "account=0:0:root:/root\nsomething\n",
			  &l);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.v[0].uid, 1000);
	assert_int_equal(l.v[0].gid, 100);
	assert_string_equal(l.v[0].name, "alice");
	assert_string_equal(l.v[0].home, "/home/alice");
	assert_string_equal(l.v[1].name, "root");
	local_users_free(&l);
}

TEST(two_names_of_one_number_are_one_user)
{
	struct local_users l;

	local_users_parse("account=0:0:root:/root\naccount=0:0:toor:/t\n", &l);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.v[0].name, "root");
	local_users_free(&l);
}

TEST(who_did_not_answer_is_listed)
{
	struct local_users l;

	local_users_parse("silent=bob\naccount=7:7:alice:/a\nsilent=eve\n", &l);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.silent.n, 2);
	assert_string_equal(l.silent.v[0], "bob");
	assert_string_equal(l.silent.v[1], "eve");
	local_users_free(&l);
}

TEST(what_is_no_account_is_passed_over)
{
	static const char *const bad[] = {
		"",
		"account=",
		"account=1000",
		"account=1000:1000",
		"account=1000:1000:alice",
		"account=1000:1000::/home",
		"account=1000:1000:alice:home",
		"account=1000:1000:alice:",
		"account=-1:1000:alice:/home",
		"account=x:1000:alice:/home",
		"account=1000::alice:/home",
		"account=4294967295:1000:alice:/home",
		"account=99999999999999999999:1000:alice:/home",
		"account=1000:1000:alice\n:/home",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct local_users l;

		local_users_parse(bad[i], &l);
		assert_int_equal(l.n, 0);
		local_users_free(&l);
	}
}

static int found(const char *word, struct local_user *u)
{
	AUTO_ERR struct err e = { 0 };
	int n = local_users_find(word, u, SOON, &e);

	assert_true(n >= 0);
	return n;
}

IN_TASK(an_account_is_found_by_name_and_by_number)
{
	static const char *const words[] = { "root", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct local_user u;

		assert_int_equal(found(words[i], &u), 1);
		assert_int_equal(u.uid, 0);
		assert_string_equal(u.name, "root");
		assert_true(*u.home == '/');
		local_user_free(&u);
	}
}

IN_TASK(what_is_no_user_is_not_found)
{
	static const char *const words[] = { "",	 "no-such-user",
					     "-x",	 "4294900000",
					     "root:x:0", "root\nroot",
					     "ro",	 "$(id)" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct local_user u;

		assert_int_equal(found(words[i], &u), 0);
		assert_null(u.name);
	}
}

IN_TASK(only_users_with_that_directory_are_searched)
{
	struct local_users l;
	AUTO_ERR struct err e = { 0 };

	expect_ok(local_users_having("no/such/directory", &l, SOON, &e), &e);
	assert_int_equal(l.n, 0);
	/* every home that there is, but root's */
	expect_ok(local_users_having(".", &l, SOON, &e), &e);
	for (size_t i = 0; i < l.n; i++)
		assert_int_not_equal(l.v[i].uid, 0);
	local_users_free(&l);
}
