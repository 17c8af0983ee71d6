/* SPDX-License-Identifier: MIT */
/* preflight_rights: a guest with the rights of another is refused. */
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_open.h"

static struct migrate_options opt;
static struct run r;
static struct preflight p;

/* vm, of group kvm, which is the same on both. */
static int setup(void **state)
{
	(void)state;
	opt = (struct migrate_options){ .n_remaps = 0 };
	r = (struct run){ .opt = &opt };
	p = (struct preflight){ .r = &r };
	r.src.host = host_local_new();
	r.dst.host = host_local_new();
	r.source.guest.user = (char *)"vm";
	r.source.guest.uid = 107;
	p.account.known = true;
	p.account.uid = 107;
	strv_push(&p.gids, "36");
	strv_push(&p.groups_here.names, "kvm");
	strv_push(&p.account.names, "kvm");
	strv_push(&p.account.groups, "107");
	strv_push(&p.account.groups, "36");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	strv_free(&p.gids);
	p.account.name = NULL;
	account_free(&p.account);
	account_free(&p.groups_here);
	checks_free(&r.checks);
	host_close(r.src.host);
	host_close(r.dst.host);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void expect(void (*check)(struct preflight *p), const char *name,
		   const char *words)
{
	check(&p);
	assert_int_equal(r.checks.n, 1);
	assert_string_equal(r.checks.v[0].name, name);
	assert_true(migrate_options_check_known(name));
	assert_int_equal(r.checks.v[0].verdict, CHECK_FAIL);
	assert_non_null(strstr(r.checks.v[0].found, words));
	assert_non_null(r.checks.v[0].remedy);
}

static void expect_nothing(void (*check)(struct preflight *p))
{
	check(&p);
	assert_int_equal(r.checks.n, 0);
}

/* --- user ----------------------------------------------------------------- */

TEST(a_user_with_the_same_uid_there_is_the_same)
{
	expect_nothing(preflight_check_user);
}

/* Files belong to numbers: the guest would be another user's there. */
TEST(a_user_with_another_uid_there_is_another)
{
	p.account.uid = 108;
	expect(preflight_check_user, "user", "is another: uid 108");
}

TEST(a_user_who_is_not_there_is_refused)
{
	p.account.known = false;
	expect(preflight_check_user, "user", "who does not exist");
}

/* A login that is not root's starts the guest as itself, whatever its name. */
TEST(the_login_s_own_uid_is_what_counts_for_it)
{
	p.account.uid = 108;
	r.dst.facts.uid = 107;
	expect_nothing(preflight_check_user);
}

static void user_has_no_name(void)
{
	r.source.guest.user = (char *)"107";
	p.account.known = false;
	strv_free(&p.account.groups);
}

TEST(a_uid_without_a_name_on_both_hosts_is_the_same)
{
	user_has_no_name();
	expect_nothing(preflight_check_user);
}

TEST(a_uid_without_a_name_does_not_become_somebody_there)
{
	user_has_no_name();
	p.account.known = true;
	p.account.name = (char *)"carol";
	expect(preflight_check_user, "user", "is the user carol");
}

/* --- group ---------------------------------------------------------------- */

TEST(a_group_that_the_user_is_in_there_goes_along)
{
	expect_nothing(preflight_check_groups);
}

TEST(a_group_that_the_user_is_not_in_there_is_refused)
{
	strv_free(&p.account.groups);
	strv_push(&p.account.groups, "107");
	expect(preflight_check_groups, "group", "in group kvm, gid 36, and vm");
}

TEST(a_gid_that_is_another_group_there_is_refused)
{
	p.account.names.v[0][0] = 'K';
	expect(preflight_check_groups, "group", "in group kvm");
}

TEST(supplementary_groups_count)
{
	strv_push(&p.gids, "6");
	strv_push(&p.groups_here.names, "disk");
	strv_push(&p.account.names, "disk");
	expect(preflight_check_groups, "group", "in group disk, gid 6");
}

static void groups_have_no_names(void)
{
	p.groups_here.names.v[0][0] = '\0';
	p.account.names.v[0][0] = '\0';
}

TEST(a_group_without_a_name_needs_a_user_without_one)
{
	groups_have_no_names();
	strv_free(&p.account.groups);
	expect(preflight_check_groups, "group", "in group gid 36");
}

TEST(a_user_without_a_name_has_one_group_without_one)
{
	user_has_no_name();
	groups_have_no_names();
	expect_nothing(preflight_check_groups);
	strv_push(&p.gids, "37");
	strv_push(&p.groups_here.names, "");
	strv_push(&p.account.names, "");
	expect(preflight_check_groups, "group", "gid 37");
}

TEST(a_user_without_a_name_gets_no_group_with_one)
{
	user_has_no_name();
	expect(preflight_check_groups, "group", "in group kvm");
}

/* QEMU gets the groups of the login, or root's. */
TEST(only_where_root_acts_as_the_user_are_groups_given)
{
	strv_free(&p.account.groups);
	r.dst.facts.uid = 107;
	expect_nothing(preflight_check_groups);
	r.dst.facts.uid = 0;
	r.source.guest.uid = 0;
	expect_nothing(preflight_check_groups);
}

/* --- keyring -------------------------------------------------------------- */

TEST(a_keyring_that_is_shared_is_refused_on_either_host)
{
	expect_nothing(preflight_check_keyring);
	p.shares_keyring_there = true;
	expect(preflight_check_keyring, "keyring", "session keyring");
	p.shares_keyring_here = true;
	preflight_check_keyring(&p);
	assert_int_equal(r.checks.n, 3);
	assert_int_equal(r.checks.v[1].side, CHECK_SOURCE);
}

/* --- become --------------------------------------------------------------- */

TEST(a_login_of_roots_becomes_nobody)
{
	expect_nothing(preflight_check_become);
}

TEST(a_login_that_becomes_root_is_named)
{
	r.dst.host->login = 4242;
	preflight_check_become(&p);
	assert_int_equal(r.checks.n, 1);
	assert_string_equal(r.checks.v[0].name, "become");
	assert_true(migrate_options_check_known("become"));
	assert_int_equal(r.checks.v[0].verdict, CHECK_PASS);
	assert_non_null(strstr(r.checks.v[0].found, "user 4242"));
	assert_null(r.checks.v[0].remedy);
}
