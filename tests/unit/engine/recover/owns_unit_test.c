/* SPDX-License-Identifier: MIT */
/* Tests of engine/recover/owns_unit.c and its script. */
#include "engine/recover/owns_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define QEMU "/usr/bin/qemu-system-x86_64"
#define EXEC(path, argv)                                \
	"ExecStart={ path=" path " ; argv[]=" path argv \
	" ; ignore_errors=no }\n"

static void expect(const char *text, enum owns_unit unit, const char *user)
{
	AUTO_FREE char *got = NULL;

	assert_int_equal(owns_unit_judge(text, &got), unit);
	if (user)
		assert_string_equal(got, user);
	else
		assert_null(got);
}

TEST(a_unit_starts_what_its_user_runs)
{
	expect("User=alice\n" EXEC("/srv/web1.sh", ""), OWNS_UNIT_USER,
	       "alice");
	expect(EXEC(QEMU, " -name web1") "User=1000\n", OWNS_UNIT_USER, "1000");
}

TEST(a_unit_without_a_user_starts_roots)
{
	expect("User=\n" EXEC(QEMU, " -name web1"), OWNS_UNIT_ROOT, NULL);
	expect("User=root\n" EXEC("/opt/qemu-kvm", ""), OWNS_UNIT_ROOT, NULL);
	expect("User=0\n" EXEC("/usr/bin/kvm", " -m 1"), OWNS_UNIT_ROOT, NULL);
}

TEST(qemu_may_become_another_user)
{
	expect("User=\n" EXEC(QEMU, " -runas alice -name a"), OWNS_UNIT_USER,
	       "alice");
	expect("User=\n" EXEC(QEMU, " --runas 1000:100"), OWNS_UNIT_USER,
	       "1000");
	expect("User=\n" EXEC(QEMU, " -run-with async-teardown=on,user=bob"),
	       OWNS_UNIT_USER, "bob");
	expect("User=\n" EXEC(QEMU, " -run-with user=bob,chroot=/x"),
	       OWNS_UNIT_USER, "bob");
	expect("User=\n" EXEC(QEMU, " -runas root"), OWNS_UNIT_ROOT, NULL);
	expect("User=\n" EXEC(QEMU, " -run-with chroot=/x"), OWNS_UNIT_ROOT,
	       NULL);
	/* the last word counts, as for QEMU */
	expect("User=\n" EXEC(QEMU, " -runas a -run-with user=b"),
	       OWNS_UNIT_USER, "b");
}

TEST(of_a_script_it_is_not_known)
{
	expect("User=\n" EXEC("/srv/web1.sh", " -runas alice"),
	       OWNS_UNIT_UNKNOWN, NULL);
	expect("User=\n" EXEC("/usr/bin/su", " alice"), OWNS_UNIT_UNKNOWN,
	       NULL);
}

TEST(what_says_nothing_is_not_known)
{
	expect("", OWNS_UNIT_UNKNOWN, NULL);
	expect("User=\n", OWNS_UNIT_UNKNOWN, NULL);
	expect(EXEC(QEMU, ""), OWNS_UNIT_UNKNOWN, NULL);
	expect("User=\nExecStart=" QEMU "\n", OWNS_UNIT_UNKNOWN, NULL);
	expect("User=\nExecStart={ path=" QEMU " }\n", OWNS_UNIT_UNKNOWN, NULL);
	expect("User=\nExecStart={ path=" QEMU " ; argv[]=" QEMU
	       " ; } ; { path=/bin/x ; argv[]=x }\n",
	       OWNS_UNIT_UNKNOWN, NULL);
}

/* --- the script ----------------------------------------------------------- */

static char place[40];

static int setup(void **s)
{
	(void)s;
	strcpy(place, "/tmp/owns-unit-XXXXXX");
	return mkdtemp(place) ? 0 : -1;
}

static int teardown(void **s)
{
	(void)s;
	return remove_tree(place);
}

TEST_FIXTURE(setup, teardown);

static void put(const char *name, const char *text)
{
	AUTO_FREE char *path = xasprintf("%s/%s", place, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

/* What is asked of systemctl by a process of that cgroup. */
static void expect_asked(const char *cgroup, const char *words)
{
	AUTO_FREE char *script = xasprintf("%s/script", place);
	AUTO_FREE char *command =
		xasprintf("cgroup=%s/cgroup PATH=%s:$PATH sh %s/script", place,
			  place, place);
	char said[200] = "";
	FILE *f;

	put("systemctl", "#!/bin/sh\necho \"$*\"\n");
	put("cgroup", cgroup);
	put("script", owns_unit_sh);
	f = popen(command, "r");
	assert_non_null(f);
	(void)!fread(said, 1, sizeof(said) - 1, f);
	assert_int_equal(pclose(f), 0);
	assert_string_equal(said, words);
}

#define SHOWS "show -p User -p ExecStart -- "

TEST(the_unit_of_the_systems_manager_is_asked)
{
	expect_asked("0::/system.slice/web1.service\n", SHOWS "web1.service\n");
	expect_asked("0::/system.slice/web1.service/.control\n",
		     SHOWS "web1.service\n");
	expect_asked("0::/vm.slice/vm-a.slice/vm@web1.service\n",
		     SHOWS "vm@web1.service\n");
	expect_asked("2:cpu:/x\n1:name=systemd:/system.slice/w.service\n",
		     SHOWS "w.service\n");
}

TEST(outside_of_one_nothing_is_asked)
{
	expect_asked("0::/\n", "");
	expect_asked("", "");
	expect_asked("0::/user.slice/user-0.slice/session-1.scope\n", "");
	expect_asked("0::/user.slice/user-1.slice/user@1.service/app.slice/"
		     "web1.service\n",
		     "");
}
