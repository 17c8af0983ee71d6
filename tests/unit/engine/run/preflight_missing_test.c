/* SPDX-License-Identifier: MIT */
/* preflight_missing: what one missing directory keeps away is one problem. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "tests/unit/in_task.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_local.h"

static struct migrate_options opt;
static struct run r;
static struct preflight p;
static char *dir;

static int setup(void **state)
{
	char name[] = "/tmp/vmferry-missing-XXXXXX";

	(void)state;
	opt = (struct migrate_options){ .n_remaps = 0 };
	r = (struct run){ .opt = &opt };
	p = (struct preflight){ .r = &r };
	dir = xstrdup(mkdtemp(name));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	checks_free(&r.checks);
	rmdir(dir);
	free(dir);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* A finding that @below @dir something is missing. */
static void lacks(const char *name, const char *below)
{
	AUTO_FREE char *path = xasprintf("%s%s", dir, below);

	checks_add(&r.checks, name, CHECK_DESTINATION, CHECK_FAIL,
		   xasprintf("%s is missing", path), xstrdup("bring it"));
	checks_lacks(&r.checks, path);
}

static void ask(void)
{
	AUTO_ERR struct err err = { 0 };

	r.dst.host = host_local_new();
	assert_int_equal(preflight_missing_ask(&p, &err), 0);
	host_close(r.dst.host);
}

IN_TASK(a_disk_its_base_and_a_pid_file_are_one_problem)
{
	AUTO_FREE char *cause = xasprintf("%s/vm does not exist on local", dir);

	lacks("file", "/vm/web1/disk");
	lacks("file", "/vm/base/disk");
	lacks("directory", "/vm/web1/pid");
	lacks("directory", "/vm/");
	ask();
	for (size_t i = 0; i < r.checks.n; i++)
		assert_string_equal(r.checks.v[i].cause, cause);
	assert_int_equal(checks_problems(&r.checks, CHECK_FAIL), 1);
	assert_int_equal(checks_count(&r.checks, CHECK_FAIL), 4);
}

IN_TASK(files_missing_from_a_directory_that_is_there_are_problems_each)
{
	lacks("file", "/one");
	lacks("file", "/two");
	ask();
	assert_null(r.checks.v[0].cause);
	assert_null(r.checks.v[1].cause);
	assert_int_equal(checks_problems(&r.checks, CHECK_FAIL), 2);
}

IN_TASK(two_missing_directories_are_two_problems)
{
	lacks("file", "/one/disk");
	lacks("file", "/one/seed");
	lacks("file", "/two/disk");
	lacks("file", "/two/seed");
	ask();
	assert_int_equal(checks_problems(&r.checks, CHECK_FAIL), 2);
	assert_int_equal(checks_problem(&r.checks, 3), 2);
}

IN_TASK(what_one_finding_says_alone_is_left_as_it_is)
{
	lacks("file", "/one/disk");
	lacks("file", "/two/disk");
	ask();
	assert_null(r.checks.v[0].cause);
	assert_int_equal(checks_problems(&r.checks, CHECK_FAIL), 2);
}

TEST(a_directory_whose_name_begins_alike_is_another)
{
	AUTO_STRV struct strv dirs = { .v = NULL };
	const struct probe_file found[2] = { { .exists = false } };

	strv_push(&dirs, "/srv/vm");
	strv_push(&dirs, "/srv/vm/web1");
	assert_null(preflight_missing_above("/srv/vms/disk", &dirs, found));
	assert_null(preflight_missing_above("/srv/vm", &dirs, found));
	assert_string_equal(preflight_missing_above("/srv/vm/web1/disk", &dirs,
						    found),
			    "/srv/vm");
}
