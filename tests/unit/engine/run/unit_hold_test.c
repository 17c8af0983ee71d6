/* SPDX-License-Identifier: MIT */
/* Tests of engine/run/unit_hold.c: what systemctl prints, and the drop-in. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/run.h"
#include "engine/run/unit_hold.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_open.h"

static struct guest g;
static struct unit_facts f;

static int setup(void **state)
{
	(void)state;
	g = (struct guest){
		.unit = (char *)"web1.service",
		.cgroup = (char *)"/system.slice/web1.service/payload",
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unit_facts_free(&f);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static const char shown[] =
	"Restart=on-failure\nExecCondition=\nLoadState=loaded\n"
	"UnitFileState=enabled\nControlGroup=/system.slice/web1.service\n";

TEST(a_unit_is_read)
{
	unit_facts_parse(shown, &g, &f);
	assert_true(f.known && f.enabled);
	assert_false(f.asks_first);
	assert_string_equal(f.restart, "on-failure");
	assert_null(f.why_unknown);
}

static void expect_unknown(const char *text)
{
	unit_facts_parse(text, &g, &f);
	assert_false(f.known || f.enabled);
	assert_non_null(f.why_unknown);
	unit_facts_free(&f);
}

TEST(a_unit_that_the_guest_is_not_in_is_none_of_ours)
{
	g.cgroup = (char *)"/system.slice/web1.service-2";
	expect_unknown(shown);
	g.cgroup = (char *)"/user.slice/web1.service";
	expect_unknown(shown);
	g.cgroup = NULL;
	expect_unknown(shown);
}

TEST(nor_is_one_that_is_not_loaded)
{
	expect_unknown("LoadState=not-found\nRestart=no\nControlGroup=\n");
	expect_unknown("");
}

TEST(a_unit_that_asks_first_is_known)
{
	unit_facts_parse("LoadState=loaded\n"
			 "ControlGroup=/system.slice/web1.service\n"
			 "ExecCondition={ path=/usr/bin/vmferry ; "
			 "argv[]=/usr/bin/vmferry owns web1 ; }\n",
			 &g, &f);
	assert_true(f.asks_first);
	assert_false(f.enabled);
}

/* --- the drop-in ---------------------------------------------------------- */

static void make_dir(const char *path)
{
	assert_int_equal(mkdir(path, 0700), 0);
}

/* The directories of a user's manager, with the drop-in of run "r1" in them. */
static char *make_drop_in(const char *dir)
{
	static const char *const below[] = { "systemd", "systemd/user",
					     "systemd/user/web1.service.d" };
	char *path = xasprintf("%s/%s/zzz-vmferry-r1.conf", dir, below[2]);
	FILE *file;

	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		AUTO_FREE char *d = xasprintf("%s/%s", dir, below[i]);

		make_dir(d);
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("[Service]\nRestart=no\n", file);
	fclose(file);
	return path;
}

/* The first in $PATH is @program; what was there before, to be freed. */
static char *imitate_systemctl(const char *dir, const char *program)
{
	AUTO_FREE char *bin = xasprintf("%s/bin", dir);
	AUTO_FREE char *name = xasprintf("%s/systemctl", bin);
	AUTO_FREE char *path = NULL;
	char *before = xstrdup(getenv("PATH"));

	make_dir(bin);
	assert_int_equal(symlink(program, name), 0);
	path = xasprintf("%s:%s", bin, before);
	setenv("PATH", path, 1);
	return before;
}

/* unit_hold_undo() where systemctl is @program; the drop-in goes. */
static int undo_with(const char *program, struct err *err)
{
	char dir[] = "/tmp/unit_hold-XXXXXX";
	AUTO_FREE char *drop_in = NULL;
	AUTO_FREE char *path = NULL;
	struct run r = { .id.name = "r1" };
	int rc;

	assert_non_null(mkdtemp(dir));
	drop_in = make_drop_in(dir);
	path = imitate_systemctl(dir, program);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	r.source.guest = (struct guest){ .unit = (char *)"web1.service",
					 .user_unit = true };
	r.source.restarts = true;
	r.src.host = host_local_new();
	rc = unit_hold_undo(&r, err);
	assert_int_not_equal(access(drop_in, F_OK), 0);
	host_close(r.src.host);
	setenv("PATH", path, 1);
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(remove_tree(dir), 0);
	return rc;
}

IN_TASK(the_undo_removes_the_drop_in)
{
	struct err err = { 0 };

	if (undo_with("/bin/true", &err) < 0)
		fail_with_err(&err);
}

IN_TASK(a_manager_that_does_not_reload_is_an_error_of_the_undo)
{
	struct err err = { 0 };

	assert_int_equal(undo_with("/bin/false", &err), -1);
	expect_err_kind(&err, ERR_REMOTE, "could not be removed");
}

IN_TASK(a_unit_that_was_not_held_is_not_released)
{
	struct run r = { .source.restarts = false };
	struct err err = { 0 };

	assert_int_equal(unit_hold_undo(&r, &err), 0);
	assert_int_equal(err.kind, ERR_NONE);
}
