/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/ancestors.c and its script. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/guest/ancestors.h"
#include "tests/unit/in_task.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

TEST(what_the_script_prints_is_read)
{
	struct ancestors a;

	ancestors_parse("process 7\ncomm 626173680a\n"
			"exe 2f62696e2f626173680a\n"
			"cmdline 7368002d63007800\nstate S\nsession 7\n"
			"tty 34816\nstdin tty\ntext 3a0a\nend\n"
			"process 1\ncomm 696e6974\nsession 1\ntty 0\nend\n"
			"above 0\n",
			&a);
	assert_int_equal(a.n, 2);
	assert_false(a.hidden);
	assert_int_equal(a.v[0].pid, 7);
	assert_string_equal(a.v[0].comm, "bash");
	assert_string_equal(a.v[0].exe, "/bin/bash");
	assert_int_equal(a.v[0].argv.n, 3);
	assert_string_equal(a.v[0].argv.v[1], "-c");
	assert_true(a.v[0].leads_tty && a.v[0].on_tty && !a.v[0].cut);
	assert_string_equal(a.v[0].script, ":\n");
	assert_false(a.v[1].leads_tty || a.v[1].on_tty);
	ancestors_free(&a);
}

TEST(a_text_with_a_nul_is_not_read_whole)
{
	struct ancestors a;

	ancestors_parse("process 7\ntext 3a003a\nend\nabove 0\n", &a);
	assert_true(a.v[0].cut);
	ancestors_free(&a);
}

TEST(an_end_that_is_missing_is_something_hidden)
{
	struct ancestors a;

	ancestors_parse("", &a);
	assert_true(a.hidden);
	ancestors_free(&a);
	ancestors_parse("process 7\nend\nabove -\n", &a);
	assert_true(a.hidden);
	ancestors_free(&a);
}

/* --- real processes ------------------------------------------------------- */

/* Runs @argv, which prints the pid of a child of its own; *pid is its own. */
static pid_t start(char *const *argv, const char *input, pid_t *pid)
{
	char line[32] = "";
	int out[2];
	FILE *f;

	assert_int_equal(pipe(out), 0);
	*pid = fork();
	if (!*pid) {
		dup2(out[1], STDOUT_FILENO);
		if (!freopen(input, "r", stdin))
			_exit(126);
		close(out[0]);
		close(out[1]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
	return (pid_t)strtol(line, NULL, 10);
}

static void look(char *const *argv, const char *input, struct ancestors *a)
{
	struct host *h = host_local_new();
	pid_t pid, child = start(argv, input, &pid);

	assert_int_equal(ancestors_read(h, child, a, mono_in_ms(20000), NULL),
			 0);
	kill(child, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	host_close(h);
	assert_true(a->n >= 2);
	assert_int_equal(a->v[0].pid, pid);
	assert_int_equal(a->v[1].pid, getpid());
}

static const char text[] = "sleep 1000 &\necho $!\nwait\nexit\n";
static char script[] = "/tmp/ancestors-XXXXXX";

static void write_script(void)
{
	int fd;

	strcpy(script + strlen(script) - 6, "XXXXXX");
	fd = mkstemp(script);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

IN_TASK(a_script_is_read_in_each_shell)
{
	static const char *const shells[] = { "dash", "bash", "busybox sh",
					      "mksh", "ksh",  "yash",
					      "zsh" };
	int n = 0;

	write_script();
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		AUTO_FREE char *probe =
			xasprintf("%s -c : >/dev/null 2>&1", shells[i]);
		AUTO_FREE char *command =
			xasprintf("exec %s %s", shells[i], script);
		char *argv[] = { (char *)"sh", (char *)"-c", command, NULL };
		struct ancestors a;

		if (system(probe) != 0)
			continue;
		n++;
		look(argv, "/dev/null", &a);
		if (!a.v[0].script || strcmp(a.v[0].script, text) != 0)
			fail_msg("%s: script not read", shells[i]);
		assert_null(a.v[0].input);
		ancestors_free(&a);
	}
	(void)unlink(script);
	assert_true(n >= 2);
}

IN_TASK(a_script_on_standard_input_is_read)
{
	char *argv[] = { (char *)"sh", NULL };
	struct ancestors a;

	write_script();
	look(argv, script, &a);
	assert_non_null(a.v[0].input);
	assert_string_equal(a.v[0].input, text);
	assert_null(a.v[0].script);
	ancestors_free(&a);
	(void)unlink(script);
}
