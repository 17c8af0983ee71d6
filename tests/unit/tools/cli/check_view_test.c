/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/check_view.c. */
#include <stdint.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tools/cli/check_view.h"
#include "transport/base/xalloc.h"

static const struct style plain = { .utf8 = true };
static const struct style narrow = { .utf8 = true, .columns = 40 };
static const struct style colored = { .utf8 = true, .color = true };

/* --- one line ------------------------------------------------------------- */

static void assert_row(const struct style *s, enum check_verdict verdict,
		       const char *found, const char *remedy,
		       const char *expected)
{
	const struct check c = { .name = "memory",
				 .side = CHECK_BOTH,
				 .verdict = verdict,
				 .found = (char *)(uintptr_t)found,
				 .remedy = (char *)(uintptr_t)remedy };
	struct buf b = { 0 };

	check_view_row(&b, s, &c);
	assert_string_equal(buf_data(&b), expected);
	buf_free(&b);
}

TEST(a_passed_check_is_one_line)
{
	assert_row(&plain, CHECK_PASS, "RAM fits", NULL, " PASS  RAM fits\n");
}

TEST(a_failed_check_names_itself_and_its_remedy)
{
	assert_row(&plain, CHECK_FAIL, "too little", "free some",
		   " FAIL  too little [memory]    fix: free some\n");
}

TEST(a_long_remedy_goes_below_on_a_terminal)
{
	assert_row(&narrow, CHECK_WARN, "a finding of some length", "free some",
		   " WARN  a finding of some length\n"
		   "       fix: free some\n");
}

TEST(a_long_finding_is_broken_between_words)
{
	assert_row(&narrow, CHECK_WARN,
		   "a finding that is so long that it does not fit",
		   "free some",
		   " WARN  a finding that is so long that it\n"
		   "       does not fit\n"
		   "       fix: free some\n");
}

TEST(a_remedy_is_never_broken)
{
	assert_row(&narrow, CHECK_WARN, "no /srv",
		   "mount -t nfs4 -o rw,vers=4.2 nas:/export /srv",
		   " WARN  no /srv\n"
		   "       fix: mount -t nfs4 -o rw,vers=4.2 nas:/export "
		   "/srv\n");
}

TEST(a_terminal_of_a_few_columns_gets_whole_words)
{
	const struct style tiny = { .utf8 = true, .columns = 9 };

	assert_row(&tiny, CHECK_PASS, "RAM fits in", NULL,
		   " PASS  RAM fits in\n");
}

TEST(a_pipe_gets_whole_lines_however_long)
{
	char found[400];
	struct buf b = { 0 };
	const struct check c = { .name = "memory",
				 .verdict = CHECK_WARN,
				 .found = found };

	for (size_t i = 0; i < sizeof(found) - 1; i++)
		found[i] = i % 8 == 7 ? ' ' : 'x';
	found[sizeof(found) - 1] = '\0';
	check_view_row(&b, &plain, &c);
	assert_ptr_equal(strchr(buf_data(&b), '\n'),
			 buf_data(&b) + buf_len(&b) - 1);
	buf_free(&b);
}

TEST(colours_only_where_they_are_wanted)
{
	assert_row(&colored, CHECK_PASS, "RAM fits", NULL,
		   " \033[32mPASS\033[0m  RAM fits\n");
}

TEST(what_a_guest_says_cannot_move_the_cursor)
{
	assert_row(&colored, CHECK_PASS, "\033[2Jx", NULL,
		   " \033[32mPASS\033[0m  \\x1b[2Jx\n");
}

/* --- all of a destination ------------------------------------------------- */

static void add(struct checks *list, const char *name,
		enum check_verdict verdict, const char *found,
		const char *remedy)
{
	checks_add(list, name, CHECK_DESTINATION, verdict, xstrdup(found),
		   remedy ? xstrdup(remedy) : NULL);
}

static void lacks(struct checks *list, const char *name, const char *path,
		  const char *remedy)
{
	add(list, name, CHECK_FAIL, "it is missing", remedy);
	checks_lacks(list, path);
	list->v[list->n - 1].cause = xstrdup("/srv/vm does not exist on hostb");
}

/* As a check of a guest whose storage is not mounted there gives them. */
static void missing_storage(struct checks *list)
{
	add(list, "forwarding", CHECK_PASS, "it forwards", NULL);
	add(list, "ssh-library", CHECK_WARN, "libssh2 1.10.0 has known faults",
	    "use --ssh openssh");
	add(list, "qemu", CHECK_PASS, "QEMU 7.2.22 at /usr/bin/q", NULL);
	add(list, "disk", CHECK_PASS, "/mnt/a is the same file", NULL);
	add(list, "disk", CHECK_PASS, "/mnt/b is the same file", NULL);
	lacks(list, "file", "/srv/vm/disk", "mount /srv/vm, there");
	lacks(list, "file", "/srv/vm/base", "mount /srv/vm, there");
	add(list, "tools", CHECK_PASS, "they are there", NULL);
	lacks(list, "directory", "/srv/vm/pid", "mkdir /srv/vm");
}

static void assert_list(const struct style *s, enum check_detail detail,
			const char *expected)
{
	struct checks list = { 0 };
	struct buf b = { 0 };

	missing_storage(&list);
	check_view_list(&b, s, &list, detail);
	assert_string_equal(buf_data(&b), expected);
	buf_free(&b);
	checks_free(&list);
}

TEST(what_passed_is_a_line_a_family_and_one_cause_is_one_problem)
{
	assert_list(&plain, CHECK_DETAIL_FAMILIES,
		    " PASS  hosts and login: forwarding, tools\n"
		    " WARN  hosts and login: libssh2 1.10.0 has known faults"
		    "    fix: use --ssh openssh\n"
		    " PASS  disks and files: disk (2)\n"
		    " FAIL  disks and files: /srv/vm does not exist on hostb; "
		    "needed in it: /srv/vm/disk, /srv/vm/base, /srv/vm/pid "
		    "[file, directory]    fix: mount /srv/vm, there\n"
		    " PASS  QEMU, CPU and memory: qemu\n");
}

TEST(a_narrow_terminal_gets_the_same_in_more_lines)
{
	assert_list(&narrow, CHECK_DETAIL_FAMILIES,
		    " PASS  hosts and login: forwarding,\n"
		    "       tools\n"
		    " WARN  hosts and login: libssh2 1.10.0\n"
		    "       has known faults\n"
		    "       fix: use --ssh openssh\n"
		    " PASS  disks and files: disk (2)\n"
		    " FAIL  disks and files: /srv/vm does not\n"
		    "       exist on hostb; needed in it:\n"
		    "       /srv/vm/disk, /srv/vm/base,\n"
		    "       /srv/vm/pid [file, directory]\n"
		    "       fix: mount /srv/vm, there\n"
		    " PASS  QEMU, CPU and memory: qemu\n");
}

TEST(quiet_leaves_out_what_passed)
{
	assert_list(&plain, CHECK_DETAIL_PROBLEMS,
		    " WARN  hosts and login: libssh2 1.10.0 has known faults"
		    "    fix: use --ssh openssh\n"
		    " FAIL  disks and files: /srv/vm does not exist on hostb; "
		    "needed in it: /srv/vm/disk, /srv/vm/base, /srv/vm/pid "
		    "[file, directory]    fix: mount /srv/vm, there\n");
}

TEST(verbose_has_a_line_for_each_that_passed)
{
	struct checks list = { 0 };
	struct buf b = { 0 };

	missing_storage(&list);
	check_view_list(&b, &plain, &list, CHECK_DETAIL_ALL);
	assert_non_null(strstr(buf_data(&b),
			       " PASS  disks and files: /mnt/a is the same "
			       "file\n PASS  disks and files: /mnt/b is"));
	buf_free(&b);
	checks_free(&list);
}

TEST(of_many_paths_some_are_named)
{
	struct checks list = { 0 };
	struct buf b = { 0 };

	for (int i = 0; i < 200; i++) {
		AUTO_FREE char *path = xasprintf("/srv/vm/disk%d", i);

		lacks(&list, "file", path, "mount it");
	}
	check_view_list(&b, &plain, &list, CHECK_DETAIL_FAMILIES);
	assert_non_null(strstr(buf_data(&b), "/srv/vm/disk5 and 194 more"));
	assert_null(strstr(buf_data(&b), "disk6"));
	buf_free(&b);
	checks_free(&list);
}

TEST(problems_are_counted_not_findings)
{
	struct checks list = { 0 };
	struct buf b = { 0 };

	missing_storage(&list);
	check_view_counts(&b, &list);
	assert_string_equal(buf_data(&b), "1 problem, 1 warning.");
	buf_free(&b);
	checks_free(&list);
}

/* --- the head ------------------------------------------------------------- */

static void assert_head(const struct style *s, const struct check_head *h,
			const char *expected)
{
	struct buf b = { 0 };

	check_view_head(&b, s, h);
	assert_string_equal(buf_data(&b), expected);
	buf_free(&b);
}

TEST(the_head_says_who_was_looked_at)
{
	const struct check_head h = { "hosta",	"7.2.22",	  "hostb",
				      "10.0.2", "libssh2 1.10.0", NULL };

	assert_head(&plain, &h,
		    "source hosta  QEMU 7.2.22    destination hostb  QEMU "
		    "10.0.2    login by libssh2 1.10.0\n");
	assert_head(&narrow, &h,
		    "source hosta  QEMU 7.2.22\n"
		    "destination hostb  QEMU 10.0.2\n"
		    "login by libssh2 1.10.0\n");
}

TEST(the_head_has_only_what_is_known)
{
	const struct check_head h = { "hosta", "7.2.22", "local",
				      NULL,    NULL,	 "link 1 GB/s" };

	assert_head(&plain, &h,
		    "source hosta  QEMU 7.2.22    destination local\n"
		    "link 1 GB/s\n");
}
