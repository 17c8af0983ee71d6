/* SPDX-License-Identifier: MIT */
/* guard: the engine's side, with a shell script for a guardian. */
#include "engine/run/guard.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

struct place {
	char dir[64];
	char program[96];
	char output[96]; /* what the script writes */
};

static struct place make_place(const char *script)
{
	struct place p = { .dir = "/tmp/guard-test-XXXXXX" };
	int fd;

	assert_non_null(mkdtemp(p.dir));
	snprintf(p.program, sizeof(p.program), "%s/guardian", p.dir);
	snprintf(p.output, sizeof(p.output), "%s/output", p.dir);
	fd = open(p.program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "#!/bin/sh\ncd %s\n%s", p.dir, script) > 0);
	close(fd);
	return p;
}

static void remove_place(const struct place *p)
{
	unlink(p->program);
	unlink(p->output);
	rmdir(p->dir);
}

static struct guard *start_with_password(const struct place *p,
					 const char *password)
{
	struct migrate_options opt;
	AUTO_ERR struct err err = { 0 };
	struct guard *g;

	migrate_options_init(&opt);
	opt.guardian = p->program;
	opt.destination = "hostb";
	opt.ssh.identity = "/k";
	g = guard_start(&opt, "run-1", password, &err);
	if (!g)
		fail_with_err(&err);
	return g;
}

static struct guard *start(const struct place *p)
{
	return start_with_password(p, NULL);
}

/* What the script has written once it ends with a line @last. */
static void await_output(const struct place *p, const char *last, char *text,
			 size_t size)
{
	struct mono deadline = IN_TASK_SOON;

	*text = '\0';
	while (!strstr(text, last) && mono_before(mono_now(), deadline)) {
		int fd = open(p->output, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

		text[n > 0 ? n : 0] = '\0';
		if (fd >= 0)
			close(fd);
		assert_int_equal(task_sleep_until(mono_in_ms(10), NULL), 0);
	}
	assert_non_null(strstr(text, last));
}

IN_TASK(its_words_are_the_login_the_thread_and_the_run)
{
	struct place p = make_place("echo \"$@\" >output; cat >/dev/null\n");
	struct guard *g = start(&p);
	char text[256], want[256];

	await_output(&p, "run-1\n", text, sizeof(text));
	snprintf(want, sizeof(want),
		 "guardian --identity=/k --ssh=auto --become=none "
		 "--watch-source=30 -- hostb "
		 "%d run-1\n",
		 (int)gettid());
	assert_string_equal(text, want);
	guard_end(g, GUARD_DONE);
	remove_place(&p);
}

IN_TASK(a_password_comes_by_the_socket_and_first)
{
	struct place p = make_place("read -r n; w=$(head -c \"$n\")\n"
				    "echo \"$w.$@\" >output; cat >/dev/null\n");
	struct guard *g = start_with_password(&p, "d m");
	char text[256];

	await_output(&p, "password\n", text, sizeof(text));
	assert_memory_equal(text, "d m.guardian", 12);
	assert_null(strstr(text + 4, "d m"));
	guard_end(g, GUARD_DONE);
	remove_place(&p);
}

IN_TASK(it_hears_beats_and_the_end)
{
	struct place p = make_place("cat >all; echo >>all; mv all output\n");
	struct guard *g = start(&p);
	char text[256];

	assert_int_equal(task_sleep_until(mono_in_ms(3 * GUARD_BEAT_MS), NULL),
			 0);
	guard_end(g, GUARD_DONE);
	await_output(&p, "d\n", text, sizeof(text));
	assert_int_equal(strspn(text, "."), strlen(text) - 2);
	assert_true(strlen(text) >= 4);
	remove_place(&p);
}

IN_TASK(without_a_word_at_the_end_we_are_just_gone)
{
	struct place p = make_place("cat >all; echo e >>all; mv all output\n");
	struct guard *g = start(&p);
	char text[256];

	guard_end(g, GUARD_BEAT);
	await_output(&p, "e\n", text, sizeof(text));
	assert_null(strchr(text, 'd'));
	remove_place(&p);
}

/* Counts its turns, one in 10 ms at most. */
static void count_turns(void *arg)
{
	int *turns = arg;

	while (task_sleep_until(mono_in_ms(10), NULL) == 0)
		++*turns;
}

IN_TASK(one_that_takes_over_is_not_waited_for)
{
	struct place p =
		make_place("cat >/dev/null\n"
			   "until [ -e output ]; do sleep 0.1; done\n");
	struct guard *g = start(&p);
	int turns = 0;
	struct task *t = task_start(task_loop(), "turns", count_turns, &turns);

	guard_end(g, GUARD_BEAT);
	task_cancel(t);
	task_join(t);
	/* the wait for one that was sent away is thirty of them */
	assert_in_range(turns, 0, 15);
	close(open(p.output, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	remove_place(&p);
}

IN_TASK(one_that_dies_is_replaced)
{
	struct place p = make_place("echo here >>output\n");
	struct guard *g = start(&p);
	char text[256];

	await_output(&p, "here\nhere\n", text, sizeof(text));
	guard_end(g, GUARD_DONE);
	remove_place(&p);
}

IN_TASK(what_it_saw_is_read_line_by_line)
{
	struct place p = make_place("printf 'tone\\nttwo\\nx\\ne\\n'\n"
				    "cat >/dev/null\n");
	AUTO_STRV struct strv seen = { 0 };
	struct guard *g = start(&p);

	assert_int_equal(guard_look(g, &seen, IN_TASK_SOON), 0);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.v[0], "one");
	assert_string_equal(seen.v[1], "two");
	guard_end(g, GUARD_DONE);
	remove_place(&p);
}

IN_TASK(one_that_does_not_answer_is_not_waited_for_ever)
{
	struct place p = make_place("cat >/dev/null\n");
	AUTO_STRV struct strv seen = { 0 };
	struct guard *g = start(&p);

	assert_int_equal(guard_look(g, &seen, mono_in_ms(50)), -1);
	guard_end(g, GUARD_DONE);
	remove_place(&p);
}
