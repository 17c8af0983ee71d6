/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/supervisor.c. */
#include <stdlib.h>
#include <string.h>

#include "engine/guest/supervisor.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static struct ancestors list;
static struct supervisor got;

static int setup(void **state)
{
	(void)state;
	list = (struct ancestors){ .v = NULL };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ancestors_free(&list);
	supervisor_free(&got);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* The next process up, of program @exe. */
static struct ancestor *up(const char *exe, const char *argv)
{
	const char *slash = strrchr(exe, '/');
	struct ancestor *a;

	list.v = xrealloc(list.v, list.n + 1, sizeof(*list.v));
	a = &list.v[list.n++];
	*a = (struct ancestor){
		.pid = 100 + (pid_t)list.n,
		.exe = xstrdup(exe),
		.comm = xstrdup(slash ? slash + 1 : exe),
		.state = 'S',
	};
	argv_case_split(argv, &a->argv);
	return a;
}

static void judge(enum supervisor_verdict expected)
{
	supervisor_free(&got);
	supervisor_judge(&list, false, &got);
	if (got.verdict != expected)
		fail_msg("verdict %d: %s", got.verdict,
			 got.found ? got.found : "-");
	assert_int_equal(got.found != NULL, expected != SUPERVISOR_NONE);
	assert_int_equal(got.remedy != NULL, expected != SUPERVISOR_NONE);
}

static void has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in: %s", words, text);
}

TEST(known_supervisors_start_it_again)
{
	static const char *const rows[][2] = {
		{ "/usr/bin/runsv", "runsv web1" },
		{ "/bin/busybox", "runsv web1" },
		{ "/bin/busybox", "busybox runsv web1" },
		{ "/bin/s6-supervise", "s6-supervise web1" },
		{ "/usr/bin/python3.11",
		  "/usr/bin/python3 /usr/bin/supervisord -n" },
		{ "/usr/bin/containerd-shim-runc-v2", "x -id 1" },
		{ "/usr/bin/conmon", "conmon --api-version 1" },
		{ "/usr/bin/watch", "watch qemu" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		up(rows[i][0], rows[i][1]);
		judge(SUPERVISOR_STARTS);
		has(got.found, "(pid 101)");
		ancestors_free(&list);
	}
}

TEST(an_orphan_has_nobody)
{
	up("/usr/lib/systemd/systemd", "/sbin/init")->pid = 1;
	judge(SUPERVISOR_NONE);
}

TEST(an_unknown_init_is_nobody_either)
{
	up("/usr/bin/own-init", "own-init")->pid = 1;
	judge(SUPERVISOR_NONE);
}

TEST(a_script_with_a_loop_starts_it_again)
{
	up("/usr/bin/bash", "/bin/bash ./loop.sh web1")->script =
		xstrdup("while :; do qemu; done\n");
	judge(SUPERVISOR_STARTS);
	has(got.found, "./loop.sh");
	has(got.remedy, "kill -KILL 101");
}

TEST(a_loop_that_asks_first_is_a_warning)
{
	up("/usr/bin/dash", "sh loop.sh")->script =
		xstrdup("while vmferry owns web1; do qemu; done\n");
	judge(SUPERVISOR_UNKNOWN);
	has(got.found, "owns");
}

TEST(so_does_one_further_up)
{
	up("/usr/bin/timeout", "timeout 1h qemu");
	up("/usr/bin/dash", "sh start.sh")->script = xstrdup("timeout qemu\n");
	up("/usr/bin/dash", "sh -c 'while :; do sh start.sh; done'");
	judge(SUPERVISOR_STARTS);
	has(got.remedy, "kill -KILL 103");
}

TEST(a_text_that_cannot_be_read_may_have_one)
{
	up("/usr/bin/bash", "bash loop.sh");
	judge(SUPERVISOR_STARTS);
	has(got.found, "cannot be read");
}

TEST(so_may_one_that_was_read_in_part)
{
	struct ancestor *a = up("/usr/bin/bash", "bash loop.sh");

	a->script = xstrdup("qemu\n");
	a->cut = true;
	judge(SUPERVISOR_STARTS);
}

TEST(a_script_on_standard_input_is_read)
{
	up("/usr/bin/bash", "bash -s web1")->input = xstrdup("qemu\n");
	judge(SUPERVISOR_UNKNOWN);
	free(list.v[0].input);
	list.v[0].input = xstrdup("while :; do qemu; done\n");
	judge(SUPERVISOR_STARTS);
}

TEST(a_pipe_is_not)
{
	up("/usr/bin/bash", "bash");
	judge(SUPERVISOR_STARTS);
}

TEST(a_script_that_only_waits_is_a_warning)
{
	up("/usr/bin/dash", "/bin/sh -e start.sh")->script =
		xstrdup("qemu; echo done\n");
	judge(SUPERVISOR_UNKNOWN);
	has(got.found, "start.sh");
}

TEST(a_script_that_runs_anything_after_it_may_start_it_again)
{
	up("/usr/bin/dash", "/bin/sh start.sh")->script =
		xstrdup("r() { qemu; r; }\nr\n");
	judge(SUPERVISOR_STARTS);
	has(got.found, "goes on with other commands");
	has(got.remedy, "kill -KILL 101");
	free(list.v[0].script);
	list.v[0].script = xstrdup("vmferry owns a && qemu && exec ./again\n");
	judge(SUPERVISOR_UNKNOWN);
	has(got.found, "owns");
}

TEST(a_text_behind_options_is_found)
{
	up("/usr/bin/bash", "bash -e -o pipefail -c 'while :; do q; done' a");
	judge(SUPERVISOR_STARTS);
	ancestors_free(&list);
	up("/usr/bin/bash", "bash --norc -ec 'qemu; true'");
	judge(SUPERVISOR_UNKNOWN);
}

TEST(an_interactive_shell_passes)
{
	up("/usr/bin/bash", "-bash")->on_tty = true;
	up("/usr/sbin/sshd", "'sshd: root@pts/0'");
	judge(SUPERVISOR_NONE);
}

TEST(what_is_above_it_does_not_matter)
{
	up("/usr/bin/sudo", "sudo qemu");
	up("/usr/bin/zsh", "zsh -i");
	up("/usr/bin/python3", "python3 terminal.py");
	judge(SUPERVISOR_NONE);
}

TEST(any_other_parent_is_a_warning)
{
	up("/usr/bin/python3.11", "python3 manage.py");
	up("/usr/bin/bash", "bash loop.sh");
	judge(SUPERVISOR_UNKNOWN);
	has(got.found, "python3.11");
}

TEST(so_is_one_that_is_not_seen)
{
	judge(SUPERVISOR_UNKNOWN);
	up("/usr/bin/sudo", "sudo qemu");
	list.hidden = true;
	judge(SUPERVISOR_UNKNOWN);
}

TEST(a_session_leader_is_stopped_not_killed)
{
	struct ancestor *a = up("/usr/bin/bash", "bash loop.sh");

	a->leads_tty = true;
	judge(SUPERVISOR_STARTS);
	has(got.remedy, "kill -STOP 101");
	a->state = 'T';
	judge(SUPERVISOR_UNKNOWN);
	has(got.remedy, "never continue");
}

TEST(our_own_launch_shell_is_known)
{
	up("/usr/bin/dash", "sh");
	supervisor_judge(&list, true, &got);
	assert_int_equal(got.verdict, SUPERVISOR_NONE);
}
