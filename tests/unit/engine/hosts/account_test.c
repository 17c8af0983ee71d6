/* SPDX-License-Identifier: MIT */
/* Tests of engine/hosts/account.c and its script. */
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/hosts/account.h"
#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

static struct account asked;

static void ask(const char *user, const char *gid)
{
	struct host *h = host_local_new();
	AUTO_STRV struct strv gids = { .v = NULL };
	AUTO_ERR struct err e = { 0 };

	strv_push(&gids, gid);
	expect_ok(account_ask(h, user, &gids, &asked, SOON, &e), &e);
	assert_int_equal(asked.names.n, 1);
	host_close(h);
}

IN_TASK(a_user_has_a_number_and_groups)
{
	ask("root", "0");
	assert_true(asked.known);
	assert_int_equal(asked.uid, 0);
	assert_null(asked.name);
	assert_true(account_is_in(&asked, "0"));
	assert_false(account_is_in(&asked, "4294900000"));
	assert_string_equal(asked.names.v[0], "root");
	account_free(&asked);
}

IN_TASK(a_number_may_be_that_of_a_user)
{
	ask("0", "4294900000");
	assert_string_equal(asked.name, "root");
	assert_string_equal(asked.names.v[0], "");
	account_free(&asked);
}

IN_TASK(a_number_may_be_nobody_s)
{
	ask("4294900000", "0");
	assert_false(asked.known);
	assert_null(asked.name);
	assert_int_equal(asked.groups.n, 0);
	account_free(&asked);
}

IN_TASK(nobody_is_known_by_a_name_that_is_not_there)
{
	ask("no-such-user", "0");
	assert_false(asked.known);
	assert_null(asked.name);
	account_free(&asked);
}

TEST(digits_alone_are_a_number)
{
	assert_true(account_is_number("165123"));
	assert_false(account_is_number("vm1"));
	assert_false(account_is_number("1vm"));
	assert_false(account_is_number(""));
}
