/* SPDX-License-Identifier: MIT */
/* arrival: marks are written and read; one claim a test. */
#include "engine/hosts/arrival.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

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

TEST(a_name_with_line_feeds_forges_nothing)
{
	char root[] = "/tmp/arrival-test-XXXXXX";
	AUTO_FREE char *text =
		arrival_marker("run-1", "a\nsource=b\ndirectory=/etc", "hosta");
	AUTO_FREE char *all = NULL;
	struct arrivals a;

	assert_non_null(mkdtemp(root));
	all = xasprintf("%s/in-*", root);
	put(root, "k1", text);
	arrivals_read(all, &a);
	assert_int_equal(a.n, 1);
	assert_string_equal(a.v[0].source, "hosta");
	assert_string_equal(a.v[0].guest, "a?source=b?directory=/etc");
	arrivals_free(&a);
	drop(root, "k1");
	rmdir(root);
}

TEST(a_host_that_never_saw_a_run_has_none)
{
	struct arrivals a;

	arrivals_read("/nonexistent/in-*", &a);
	assert_int_equal(a.n, 0);
	arrivals_free(&a);
}

/* --- one guest ------------------------------------------------------------ */

static void put_pid(const char *root, const char *key, const char *text)
{
	AUTO_FREE char *path = xasprintf("%s/in-%s/pid", root, key);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fprintf(f, "%s\n", text) > 0);
	assert_int_equal(fclose(f), 0);
}

static void drop_pid(const char *root, const char *key)
{
	AUTO_FREE char *path = xasprintf("%s/in-%s/pid", root, key);

	unlink(path);
}

/* What is said of process 7, which began at 8. */
static int ask(const char *root, const char *run_dir, const char *key,
	       struct arrival *a, char **dir)
{
	struct host *h = host_local_new();
	const struct arrival_guest g = { 7, 8, run_dir, key };
	int rc = arrival_of(h, root, &g, a, dir, IN_TASK_SOON, NULL);

	host_close(h);
	return rc;
}

IN_TASK(a_guest_that_arrives_is_known_by_its_process)
{
	char root[] = "/tmp/arrival-test-XXXXXX";
	AUTO_FREE char *text = arrival_marker("run-1", "web1", "hosta");
	struct arrival a;
	char *dir;

	assert_non_null(mkdtemp(root));
	put(root, "k1", text);
	put_pid(root, "k1", "7 9");
	assert_int_equal(ask(root, "/x/run-1", NULL, &a, &dir), 0);
	put_pid(root, "k1", "7 8");
	assert_int_equal(ask(root, NULL, NULL, &a, &dir), 0);
	assert_int_equal(ask(root, "/x/run-1", NULL, &a, &dir), 1);
	assert_string_equal(a.run, "run-1");
	assert_string_equal(a.source, "hosta");
	assert_non_null(strstr(dir, "/in-k1"));
	arrival_free(&a);
	free(dir);
	drop_pid(root, "k1");
	drop(root, "k1");
	rmdir(root);
}

IN_TASK(one_that_another_user_brings_is_known_by_its_name)
{
	char root[] = "/tmp/arrival-test-XXXXXX";
	AUTO_FREE char *run_dir = NULL;
	struct arrival a;
	char *dir;

	assert_non_null(mkdtemp(root));
	run_dir = xasprintf("%s/run-1", root);
	put(root, "k1", "unread");
	assert_int_equal(ask("/nowhere", run_dir, "k2", &a, &dir), 0);
	assert_int_equal(ask(root, run_dir, "k1", &a, &dir), 0);
	assert_int_equal(ask("/nowhere", run_dir, "k1", &a, &dir), 1);
	assert_string_equal(a.run, "");
	arrival_free(&a);
	free(dir);
	drop(root, "k1");
	rmdir(root);
}
