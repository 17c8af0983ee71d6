/* SPDX-License-Identifier: MIT */
/* host_tools: with what this machine has, and with less. */
#include "engine/hosts/host_tools.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

static struct host_tools ask(void)
{
	struct host *h = host_local_new();
	struct host_tools t;
	struct err err = { 0 };

	if (host_tools_ask(h, NULL, &t, IN_TASK_SOON, &err) < 0)
		fail_with_err(&err);
	host_close(h);
	return t;
}

/* Where PATH has only what busybox has of these. */
static struct host_tools ask_with(const char *const *applets)
{
	char dir[] = "/tmp/tools-XXXXXX";
	AUTO_FREE char *old = xstrdup(getenv("PATH"));
	struct host_tools t;

	assert_non_null(mkdtemp(dir));
	for (; *applets; applets++) {
		AUTO_FREE char *to = xasprintf("%s/%s", dir, *applets);

		assert_int_equal(symlink("/bin/busybox", to), 0);
	}
	setenv("PATH", dir, 1);
	t = ask();
	setenv("PATH", old, 1);
	assert_int_equal(remove_tree(dir), 0);
	return t;
}

IN_TASK(a_host_with_all_of_them_lacks_nothing)
{
	struct host_tools t = ask();

	assert_string_equal(t.lacks, "");
	assert_false(t.limits_lack);
	host_tools_free(&t);
}

IN_TASK(what_is_not_there_is_named)
{
	static const char *const few[] = { "sh", "true", NULL };
	struct host_tools t;

	if (access("/bin/busybox", X_OK) != 0)
		skip();
	t = ask_with(few);
	assert_non_null(strstr(t.lacks, "flock setsid"));
	assert_non_null(strstr(t.lacks, "stat"));
	assert_true(t.limits_lack);
	host_tools_free(&t);
}

IN_TASK(a_busybox_without_flock_lacks_flock_alone)
{
	static const char *const most[] = { "sh",     "true",	  "setsid",
					    "mktemp", "readlink", "stat",
					    "sleep",  NULL };
	struct host_tools t;

	if (access("/bin/busybox", X_OK) != 0)
		skip();
	t = ask_with(most);
	assert_string_equal(t.lacks, "flock");
	host_tools_free(&t);
}
