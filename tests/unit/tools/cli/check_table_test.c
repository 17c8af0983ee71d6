/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/check_table.c, on reports as checks give them. */
#include "tools/cli/check_table.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const struct style plain = { .utf8 = true };
static const struct style narrow = { .utf8 = true, .columns = 40 };
static const struct style colored = { .utf8 = true, .color = true };

static struct check_report v[3];

static void add(struct check_report *rep, const char *name,
		enum check_verdict verdict, const char *found,
		const char *remedy)
{
	checks_add(&rep->list, name, CHECK_DESTINATION, verdict, xstrdup(found),
		   remedy ? xstrdup(remedy) : NULL);
}

/* One that would do, one that lacks memory, one that is down. */
static int setup(void **state)
{
	static const char *const hosts[] = { "hostb", "hostc", "hostd" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		check_report_init(&v[i], NULL, hosts[i]);
		v[i].result.guest = xstrdup("web1");
		v[i].result.outcome = OUTCOME_UNREACHABLE;
	}
	for (size_t i = 0; i < 2; i++) {
		v[i].destination_qemu = xstrdup(i ? "7.2.22" : "10.0.2");
		v[i].login = xstrdup(i ? "ssh(1)" : "libssh2 1.10.0");
		v[i].result.outcome = i ? OUTCOME_REFUSED : OUTCOME_READY;
		add(&v[i], "boot", CHECK_WARN, "the unit is enabled",
		    "systemctl disable it");
		add(&v[i], "migratable", CHECK_PASS, "nothing blocks it", NULL);
		add(&v[i], "memory", i ? CHECK_FAIL : CHECK_PASS,
		    i ? "RAM 1 GiB needed, none free" : "RAM 1 GiB is free",
		    i ? "free memory there" : NULL);
	}
	err_set(&v[2].result.error, ERR_NETWORK, "cannot reach hostd");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		check_report_free(&v[i]);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void assert_table(const struct style *s, const char *expected)
{
	struct buf b = { 0 };

	check_table_put(&b, s, v, 3);
	assert_string_equal(buf_data(&b), expected);
	buf_free(&b);
}

TEST(each_host_has_a_column)
{
	assert_table(&plain,
		     "                       hostb            hostc    hostd\n"
		     "QEMU                   10.0.2           7.2.22   -\n"
		     "login by               libssh2 1.10.0   ssh(1)   -\n"
		     "guest                  PASS             PASS     -\n"
		     "QEMU, CPU and memory   PASS             FAIL     -\n"
		     "who else runs it       WARN             WARN     -\n"
		     "PASS                   2                1        -\n"
		     "WARN                   1                1        -\n"
		     "FAIL                   0                1        -\n"
		     "could go there         yes              no       "
		     "unreachable\n");
}

TEST(what_is_too_wide_is_a_line_a_host)
{
	assert_table(&narrow, "hostb: yes, 2 PASS, 1 WARN, 0 FAIL\n"
			      "hostc: no, 1 PASS, 1 WARN, 1 FAIL\n"
			      "hostd: unreachable\n");
}

TEST(colours_do_not_move_columns)
{
	struct buf b = { 0 };

	check_table_put(&b, &colored, v, 3);
	assert_non_null(strstr(buf_data(&b),
			       "\nQEMU, CPU and memory   \033[32mPASS\033[0m"
			       "             \033[31mFAIL\033[0m     -\n"));
	buf_free(&b);
}

static void assert_reasons(size_t n, const char *expected)
{
	struct buf b = { 0 };

	check_table_reasons(&b, &plain, v, n, CHECK_DETAIL_FAMILIES);
	assert_string_equal(buf_data(&b), expected);
	buf_free(&b);
}

TEST(reasons_in_common_are_given_once)
{
	assert_reasons(3, "\nall that were checked:\n"
			  " WARN  who else runs it: the unit is enabled"
			  "    fix: systemctl disable it\n"
			  "\nhostc:\n"
			  " FAIL  QEMU, CPU and memory: RAM 1 GiB needed, none "
			  "free [memory]    fix: free memory there\n"
			  "\nhostd:\n"
			  "error: cannot reach hostd\n");
}

TEST(one_host_has_nothing_in_common_with_itself)
{
	assert_reasons(1, "\nhostb:\n"
			  " WARN  who else runs it: the unit is enabled"
			  "    fix: systemctl disable it\n");
}

static void assert_verdict(size_t from, size_t n, const char *expected)
{
	struct buf b = { 0 };

	check_table_verdict(&b, &plain, v + from, n);
	assert_string_equal(buf_data(&b), expected);
	buf_free(&b);
}

TEST(the_verdict_names_where_it_could_go_and_what_is_not_known)
{
	assert_verdict(0, 2, "web1 could go to hostb.");
	assert_verdict(0, 3,
		       "web1 could go to hostb; it is not known of hostd.");
	assert_verdict(1, 1, "web1 could go to none of them.");
	assert_verdict(1, 2,
		       "web1 could go to none of them; it is not known of "
		       "hostd.");
}
