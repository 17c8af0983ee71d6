/* SPDX-License-Identifier: MIT */
/* Tests of engine/hosts/on_behalf.c; root alone can act for others. */
#include "engine/hosts/on_behalf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"

static struct local_user nobody = {
	.uid = 65534,
	.gid = 65534,
	.name = (char *)"nobody",
	.home = (char *)"/nonexistent",
};
static struct on_behalf got;

static int run(const char *program, const char *first, const char *second,
	       struct err *err)
{
	AUTO_STRV struct strv words = { .v = NULL };

	if (geteuid())
		skip();
	if (first)
		strv_push(&words, first);
	if (second)
		strv_push(&words, second);
	on_behalf_free(&got);
	return on_behalf_run(&nobody, program, &words, &got, SOON, err);
}

IN_TASK(it_has_the_rights_of_the_user)
{
	AUTO_ERR struct err e = { 0 };

	expect_ok(run("/usr/bin/id", "-u", NULL, &e), &e);
	assert_int_equal(got.status, 0);
	assert_string_equal(buf_data(&got.out), "65534\n");
	expect_ok(run("/usr/bin/id", "-G", NULL, &e), &e);
	assert_string_equal(buf_data(&got.out), "65534\n");
	on_behalf_free(&got);
}

IN_TASK(its_words_and_status_come_through)
{
	AUTO_ERR struct err e = { 0 };

	expect_ok(run("/bin/sh", "-c", "echo \"a  'b'\"; echo c >&2; exit 7",
		      &e),
		  &e);
	assert_int_equal(got.status, 7);
	assert_string_equal(buf_data(&got.out), "a  'b'\n");
	assert_string_equal(buf_data(&got.err), "c\n");
	on_behalf_free(&got);
}

IN_TASK(it_gets_nothing_of_ours)
{
	AUTO_ERR struct err e = { 0 };

	assert_int_equal(setenv("OURS", "secret", 1), 0);
	expect_ok(run("/bin/sh", "-c", "env; pwd; cat; tty", &e), &e);
	assert_null(strstr(buf_data(&got.out), "secret"));
	assert_non_null(strstr(buf_data(&got.out), "HOME=/nonexistent\n"));
	assert_non_null(strstr(buf_data(&got.out), "USER=nobody\n"));
	assert_non_null(strstr(buf_data(&got.out), "\n/\n"));
	assert_non_null(strstr(buf_data(&got.out), "not a tty\n"));
	on_behalf_free(&got);
}

/* A directory of root's alone, with a program in it. */
static char *private_program(char *dir)
{
	AUTO_FREE char *command = NULL;
	char *path;

	strcpy(dir, "/tmp/on-behalf-XXXXXX");
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/id", dir);
	command = xasprintf("cp /usr/bin/id %s", path);
	/* NOLINTNEXTLINE(*-env33-c) */
	assert_int_equal(system(command), 0);
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

IN_TASK(the_user_need_not_reach_the_program_by_its_name)
{
	AUTO_ERR struct err e = { 0 };
	char dir[40];
	AUTO_FREE char *path = private_program(dir);
	int rc = run(path, "-u", NULL, &e);

	remove_tree(dir);
	expect_ok(rc, &e);
	assert_string_equal(buf_data(&got.out), "65534\n");
	on_behalf_free(&got);
}

IN_TASK(a_program_that_is_none_is_an_error)
{
	AUTO_ERR struct err e = { 0 };
	int rc = run("/etc/hostname", "-u", NULL, &e);

	assert_int_equal(rc, -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_non_null(strstr(e.message, "rights of nobody"));
	on_behalf_free(&got);
}
