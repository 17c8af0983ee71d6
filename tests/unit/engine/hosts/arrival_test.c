/* SPDX-License-Identifier: MIT */
/* arrival: marks are written and read; one claim a test. */
#include "engine/hosts/arrival.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void put(const char *root, const char *key, const char *text)
{
	AUTO_FREE char *dir = xasprintf("%s/in-%s", root, key);
	AUTO_FREE char *path = xasprintf("%s/marker", dir);
	int fd;

	assert_int_equal(mkdir(dir, 0700), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "%s\n", text) > 0);
	close(fd);
}

static void drop(const char *root, const char *key)
{
	AUTO_FREE char *dir = xasprintf("%s/in-%s", root, key);
	AUTO_FREE char *path = xasprintf("%s/marker", dir);

	unlink(path);
	rmdir(dir);
}

TEST(what_was_marked_is_found)
{
	char root[] = "/tmp/arrival-test-XXXXXX";
	AUTO_FREE char *text = arrival_marker("run-1", "web1", "hosta");
	AUTO_FREE char *all = NULL;
	struct arrivals a;

	assert_non_null(mkdtemp(root));
	all = xasprintf("%s/in-*", root);
	put(root, "k1", text);
	put(root, "k2", "torn");
	arrivals_read(all, &a);
	assert_int_equal(a.n, 1);
	assert_string_equal(a.v[0].run, "run-1");
	assert_string_equal(a.v[0].guest, "web1");
	assert_string_equal(a.v[0].source, "hosta");
	arrivals_free(&a);
	drop(root, "k1");
	drop(root, "k2");
	rmdir(root);
}

TEST(a_host_that_never_saw_a_run_has_none)
{
	struct arrivals a;

	arrivals_read("/nonexistent/in-*", &a);
	assert_int_equal(a.n, 0);
	arrivals_free(&a);
}
