/* SPDX-License-Identifier: MIT */
/* sentry: which QEMU of this host is a second start; one claim a test. */
#include "engine/recover/sentry.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/hosts/probe.h"
#include "engine/state/journal.h"
#include "engine/state/journal_identity.h"
#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"

#define PAUSE "VMFERRY_TEST_PAUSE"
#define UUID "6d6f7665-0000-4000-8000-00000000000b"

static char dir[64];

/* A copy of this program only waits. */
void test_begin(void)
{
	while (getenv(PAUSE))
		pause();
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/sentry-test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return remove_tree(dir);
}

TEST_FIXTURE(make_dir, remove_dir);

/* Returns when it looks like a QEMU of the guest. */
static pid_t start_again(void)
{
	AUTO_FREE char *path = xasprintf("%s/qemu-system-x86_64", dir);
	AUTO_FREE char *copy =
		xasprintf("cp /proc/%d/exe %s", (int)getpid(), path);
	char *argv[] = { path,		 (char *)"-name",
			 (char *)"web1", (char *)"-uuid",
			 (char *)UUID,	 NULL };
	char *env[] = { (char *)PAUSE "=1", NULL };
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(system(copy), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execve(path, argv, env);
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	return pid;
}

/* Of a run from this host that was begun late in boot @boot; NULL: this one. */
static void leave_journal(const char *boot)
{
	AUTO_FREE char *run = state_dir_run(dir, "run-1");
	AUTO_FREE char *path = state_dir_journal(dir, "run-1");
	struct host_facts here = { 0 };
	struct json_object *o = json_add_str(json_new(), "uuid", UUID);
	struct journal *j;

	assert_int_equal(probe_here(&here, IN_TASK_SOON, NULL), 0);
	if (boot)
		strcpy(here.space.boot, boot);
	/* none is made here, and without one no reboot is known */
	if (!*here.space.machine)
		strcpy(here.space.machine, here.space.own);
	o = journal_identity_put(o, JOURNAL_SOURCE, &here.space, NULL);
	o = json_add_i64(o, "source_pid", 1 << 23);
	o = json_add_u64(o, "begun_ticks", UINT64_C(1) << 60);
	assert_int_equal(state_dir_make(run, NULL), 0);
	j = journal_create(path, NULL);
	assert_non_null(j);
	assert_int_equal(journal_append(j, JOURNAL_BEGIN, o, NULL), 0);
	journal_close(j);
	host_facts_free(&here);
}

static size_t found_after(const char *boot)
{
	AUTO_STRV struct strv found = { .v = NULL };
	struct err err = { 0 };
	struct sentry *s;
	pid_t twin;

	leave_journal(boot);
	s = sentry_new(dir, "run-1", &err);
	if (!s)
		fail_with_err(&err);
	twin = start_again();
	sentry_look(s, &found);
	sentry_free(s);
	kill(twin, SIGKILL);
	assert_int_equal(waitpid(twin, NULL, 0), twin);
	for (size_t i = 0; i < found.n; i++)
		assert_non_null(strstr(found.v[i], "web1 was started on the "
						   "source again"));
	return found.n;
}

IN_TASK(what_was_there_before_the_run_is_none)
{
	assert_int_equal(found_after(NULL), 0);
}

/* From here on this machine has an id of our own, for this program alone. */
static void make_machine_id(void)
{
	FILE *f;

	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL),
			 0);
	assert_int_equal(mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755"), 0);
	assert_int_equal(mkdir("/var/lib/vmferry", 0700), 0);
	f = fopen("/var/lib/vmferry/machine-id", "w");
	assert_non_null(f);
	assert_true(fputs("0123456789abcdef0123456789abcdef\n", f) > 0);
	assert_int_equal(fclose(f), 0);
}

/* Its clock began anew, so that all starts are early. */
IN_TASK(after_a_reboot_each_start_is_a_second_one)
{
	struct host_facts here = { 0 };
	bool known;

	assert_int_equal(probe_here(&here, IN_TASK_SOON, NULL), 0);
	known = *identity_machine(&here.space);
	host_facts_free(&here);
	if (!known && geteuid() != 0)
		skip();
	if (!known)
		make_machine_id();
	assert_int_equal(found_after("an-earlier-one"), 1);
}
