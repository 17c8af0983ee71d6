/* SPDX-License-Identifier: MIT */
/* child: processes of our own. */
#include "transport/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

static const char *const sleeper[] = { "sleep", "1000", NULL };

#define SH(script) ((const char *const[]){ "sh", "-c", script, NULL })

struct outcome {
	struct buf out, err_out;
	struct err err;
	int status;
	int rc;
};

static void run(struct outcome *o, const char *const *argv, const void *input,
		size_t len, size_t max)
{
	*o = (struct outcome){ .status = -1 };
	o->rc = child_run(argv, input, len, max, IN_TASK_SOON, &o->status,
			  &o->out, &o->err_out, &o->err);
}

static void forget(struct outcome *o)
{
	buf_free(&o->out);
	buf_free(&o->err_out);
	err_reset(&o->err);
}

/* What a shell prints that is run with everything as usual. */
static void expect_prints(const char *script, const char *expected)
{
	struct outcome o;

	run(&o, SH(script), NULL, 0, 100000);
	assert_int_equal(o.rc, 0);
	assert_string_equal(buf_data(&o.out), expected);
	forget(&o);
}

/* What the kernel says of its pidfd. */
static pid_t pid_of(const struct child *c)
{
	AUTO_FREE char *path =
		xasprintf("/proc/self/fdinfo/%d", child_end_fd(c));
	FILE *f = fopen(path, "r");
	char line[80];
	int pid = -1;

	assert_non_null(f);
	while (pid < 0 && fgets(line, sizeof(line), f))
		(void)sscanf(line, "Pid: %d", &pid);
	(void)fclose(f);
	return pid;
}

static void expect_good_end(void *arg)
{
	int status;

	assert_int_equal(child_wait(arg, IN_TASK_SOON, &status, NULL), 0);
	assert_int_equal(status, 0);
}

/* --- descriptors ---------------------------------------------------------- */

/* Outside of a task the pipe is 3 and 4, and each is to get the other's. */
TEST(more_descriptors_are_handed_on_even_if_they_swap_numbers)
{
	const char script[] = "echo x >&3; exec 3>&-; read y <&4; "
			      "[ \"$y\" = x ] && [ ! -e /proc/self/fd/5 ]";
	struct child_spec spec = { .argv = SH(script), .n_more = 2 };
	struct pollfd p = { .events = POLLIN };
	struct child *c;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	spec.more = (const int[]){ ends[1], ends[0] };
	c = child_start(&spec, NULL);
	assert_non_null(c);
	p.fd = child_end_fd(c);
	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_true(child_ended(c));
	close(ends[0]);
	close(ends[1]);
	in_task(expect_good_end, c);
	child_free(c);
}

/* --- child_run ----------------------------------------------------------- */

IN_TASK(a_command_gives_both_outputs_and_its_status)
{
	struct outcome o;

	run(&o, SH("echo out; echo err >&2; exit 7"), NULL, 0, 100);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.status, 7);
	assert_string_equal(buf_data(&o.out), "out\n");
	assert_string_equal(buf_data(&o.err_out), "err\n");
	forget(&o);
}

IN_TASK(a_signal_is_128_and_its_number)
{
	struct outcome o;

	run(&o, SH("kill -KILL $$"), NULL, 0, 100);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.status, 128 + SIGKILL);
	forget(&o);
}

IN_TASK(a_program_that_does_not_exist_is_our_failure)
{
	struct outcome o;

	run(&o, (const char *const[]){ "vmferry-no-such-program", NULL }, NULL,
	    0, 100);
	assert_int_equal(o.rc, -1);
	expect_err_kind(&o.err, ERR_SYSTEM,
			"cannot run vmferry-no-such-program: No such file");
	forget(&o);
}

IN_TASK(input_and_output_flow_at_once)
{
	enum { LEN = 3 << 20 };
	char *data = xmalloc(LEN);
	struct outcome o;

	for (size_t i = 0; i < LEN; i++)
		data[i] = (char)(i * 31 >> 8);
	run(&o, (const char *const[]){ "cat", NULL }, data, LEN, LEN);
	assert_int_equal(o.rc, 0);
	assert_int_equal(buf_len(&o.out), LEN);
	assert_memory_equal(buf_data(&o.out), data, LEN);
	forget(&o);
	free(data);
}

IN_TASK(a_child_that_writes_before_it_reads_is_no_deadlock)
{
	enum { LEN = 1 << 20 };
	char *data = xcalloc(1, LEN);
	struct outcome o;

	run(&o,
	    SH("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; "
	       "wc -c"),
	    data, LEN, LEN);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.status, 0);
	assert_int_equal(buf_len(&o.err_out), 1000000);
	assert_string_equal(buf_data(&o.out) + 1000000, "1048576\n");
	forget(&o);
	free(data);
}

IN_TASK(input_that_nobody_reads_is_no_failure)
{
	enum { LEN = 1 << 20 };
	char *data = xcalloc(1, LEN);
	struct outcome o;

	run(&o, SH("exec <&-; echo ok"), data, LEN, 100);
	assert_int_equal(o.rc, 0);
	assert_string_equal(buf_data(&o.out), "ok\n");
	forget(&o);
	free(data);
}

IN_TASK(no_input_is_the_end_at_once)
{
	expect_prints("wc -c", "0\n");
}

IN_TASK(output_up_to_the_limit_is_taken)
{
	struct outcome o;

	run(&o, SH("head -c 100000 /dev/zero"), NULL, 0, 100000);
	assert_int_equal(o.rc, 0);
	assert_int_equal(buf_len(&o.out), 100000);
	forget(&o);
}

IN_TASK(too_much_output_ends_the_child)
{
	struct outcome o;

	run(&o, SH("exec cat /dev/zero"), NULL, 0, 100000);
	assert_int_equal(o.rc, -1);
	expect_err_kind(&o.err, ERR_REMOTE, "wrote more than 100000 bytes");
	forget(&o);
	run(&o, SH("exec cat /dev/zero >&2"), NULL, 0, 100000);
	assert_int_equal(o.rc, -1);
	expect_err_kind(&o.err, ERR_REMOTE, "wrote more than 100000 bytes");
	forget(&o);
}

IN_TASK(outputs_that_nobody_wants_go_nowhere)
{
	int status = -1;

	assert_int_equal(child_run(SH("echo x; echo y >&2; exit 3"), NULL, 0, 0,
				   IN_TASK_SOON, &status, NULL, NULL, NULL),
			 0);
	assert_int_equal(status, 3);
}

IN_TASK(a_grandchild_that_keeps_the_output_is_not_waited_for)
{
	struct outcome o;

	/* it ends by itself when it finds its output closed */
	run(&o, SH("echo first; while sleep 0.1; do echo x; done & exit 5"),
	    NULL, 0, 1000);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.status, 5);
	assert_memory_equal(buf_data(&o.out), "first\n", 6);
	forget(&o);
}

/* True once nobody holds the write end of @fd's pipe. */
static void expect_hang_up(int fd)
{
	struct stream *s = stream_fd_new(fd, -1);
	char byte;

	assert_int_equal(stream_read(s, &byte, 1, IN_TASK_SOON, NULL), 0);
	stream_close(s);
}

IN_TASK(a_deadline_kills_the_child_and_its_children)
{
	struct err err = { 0 };
	struct buf out = { 0 };
	AUTO_FREE char *script = NULL;
	int p[2], status;

	/* a process that lives holds the pipe open */
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	script = xasprintf("exec 9>/proc/%d/fd/%d; sleep 1000 & sleep 1000",
			   getpid(), p[1]);
	assert_int_equal(child_run(SH(script), NULL, 0, 100, mono_in_ms(200),
				   &status, &out, NULL, &err),
			 -1);
	expect_err_kind(&err, ERR_TIMEOUT, "sh did not end");
	close(p[1]);
	expect_hang_up(p[0]);
	buf_free(&out);
}

static void cancelled_body(void *arg)
{
	struct err *err = arg;
	int status;

	assert_int_equal(child_run(sleeper, NULL, 0, 100, IN_TASK_SOON, &status,
				   NULL, NULL, err),
			 -1);
}

IN_TASK(a_command_can_be_cancelled)
{
	struct err err = { 0 };
	struct task *t = task_start(task_loop(), "t", cancelled_body, &err);

	task_yield();
	task_cancel(t);
	task_join(t);
	expect_err_kind(&err, ERR_CANCELLED, "sleep did not end");
	/* nothing is left to be reaped */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* --- what a child finds -------------------------------------------------- */

IN_TASK(a_child_has_its_three_descriptors_only)
{
	AUTO_FD int leaked = open("/dev/null", O_RDONLY); /* no CLOEXEC */

	assert_true(leaked > 2);
	/* 3: the directory that ls reads */
	expect_prints("exec ls /proc/self/fd", "0\n1\n2\n3\n");
}

static void ignore(int signum)
{
	(void)signum;
}

IN_TASK(a_child_has_no_signal_blocked_or_ignored)
{
	unsigned long long blocked, ignored;
	sigset_t set, old;
	struct outcome o;

	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, ignore);
	run(&o,
	    (const char *const[]){ "grep", "-E", "Sig(Blk|Ign)",
				   "/proc/self/status", NULL },
	    NULL, 0, 1000);
	assert_int_equal(sscanf(buf_data(&o.out), "SigBlk: %llx SigIgn: %llx",
				&blocked, &ignored),
			 2);
	/* 32 and 33 are the C library's own */
	assert_true((blocked & 0x7fffffff) == 0);
	assert_true((ignored & 0x7fffffff) == 0);
	forget(&o);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

IN_TASK(a_child_has_our_environment_or_what_it_was_given)
{
	char *const env[] = { (char[]){ "MINE=1" }, NULL };
	const char *const argv[] = { "/usr/bin/env", NULL };
	struct child_spec spec = { .argv = argv,
				   .env = env,
				   .in = CHILD_FD_NULL,
				   .out = CHILD_FD_PIPE,
				   .err = CHILD_FD_INHERIT };
	struct child *c = child_start(&spec, NULL);
	struct stream *s;
	char text[64] = "";

	assert_non_null(c);
	s = stream_fd_new(child_take_stdout(c), -1);
	assert_int_equal(stream_read(s, text, 63, IN_TASK_SOON, NULL), 7);
	assert_string_equal(text, "MINE=1\n");
	stream_close(s);
	child_free(c);
	setenv("VMFERRY_TEST", "seen", 1);
	expect_prints("echo $VMFERRY_TEST", "seen\n");
	unsetenv("VMFERRY_TEST");
}

IN_TASK(a_new_session_has_no_terminal_of_ours)
{
	struct child_spec spec = { .argv = sleeper, .new_session = true };
	struct child *c = child_start(&spec, NULL);

	assert_int_equal(getsid(pid_of(c)), pid_of(c));
	child_free(c);
	spec.new_session = false;
	c = child_start(&spec, NULL);
	assert_int_equal(getsid(pid_of(c)), getsid(0));
	child_free(c);
}

IN_TASK(a_socket_serves_both_ways)
{
	struct child_spec spec = {
		.argv = (const char *const[]){ "cat", NULL },
		.in = CHILD_FD_SOCKET,
		.out = CHILD_FD_SOCKET,
	};
	struct child *c = child_start(&spec, NULL);
	struct stream *s;
	char text[8] = "";
	int fd, status;

	assert_int_equal(child_take_stdin(c), -1);
	fd = child_take_stdout(c);
	s = stream_fd_new(fd, fd);
	assert_int_equal(stream_write(s, "ping", 4, IN_TASK_SOON, NULL), 0);
	assert_int_equal(stream_read(s, text, 7, IN_TASK_SOON, NULL), 4);
	assert_string_equal(text, "ping");
	stream_close(s);
	assert_int_equal(child_wait(c, IN_TASK_SOON, &status, NULL), 0);
	assert_int_equal(status, 0);
	child_free(c);
}

/* In a process of its own that has no stdin, stdout or stderr. */
TEST(a_child_is_wired_right_when_we_have_no_stdio)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct child_spec spec = {
			.argv = SH("cat; echo e >&2"),
			.in = CHILD_FD_PIPE,
			.out = CHILD_FD_PIPE,
			.err = CHILD_FD_PIPE,
		};
		char text[8] = "", etext[8] = "";
		struct child *c;
		int in, out, err;

		close(0);
		close(1);
		close(2);
		c = child_start(&spec, NULL);
		in = child_take_stdin(c);
		out = child_take_stdout(c);
		err = child_take_stderr(c);
		if (write(in, "abc", 3) != 3 || close(in) ||
		    read(out, text, 7) != 3 || read(err, etext, 7) != 2)
			_exit(1);
		child_free(c);
		_exit(strcmp(text, "abc") || strcmp(etext, "e\n"));
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* --- ends ---------------------------------------------------------------- */

IN_TASK(a_wait_that_is_too_short_leaves_the_child)
{
	struct child_spec spec = { .argv = sleeper };
	struct child *c = child_start(&spec, NULL);
	struct err err = { 0 };

	assert_int_equal(child_wait(c, mono_in_ms(5), NULL, &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "timed out");
	assert_false(child_ended(c));
	assert_int_equal(kill(pid_of(c), 0), 0);
	child_free(c);
}

IN_TASK(the_status_can_be_asked_for_again)
{
	struct child_spec spec = { .argv = SH("exit 9") };
	struct child *c = child_start(&spec, NULL);
	int status = 0;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(child_wait(c, IN_TASK_SOON, &status, NULL), 0);
		assert_int_equal(status, 9);
	}
	child_free(c);
}

IN_TASK(a_stop_asks_first)
{
	struct child_spec spec = {
		.argv = SH("trap 'exit 4' TERM; echo r; while :; do "
			   "sleep 0.01; done"),
		.out = CHILD_FD_PIPE,
	};
	struct child *c = child_start(&spec, NULL);
	struct stream *s = stream_fd_new(child_take_stdout(c), -1);
	char byte;
	int status;

	assert_int_equal(stream_read(s, &byte, 1, IN_TASK_SOON, NULL), 1);
	child_stop(c, 60000);
	assert_int_equal(child_wait(c, IN_TASK_SOON, &status, NULL), 0);
	assert_int_equal(status, 4);
	stream_close(s);
	child_free(c);
}

IN_TASK(a_stop_kills_who_does_not_listen)
{
	struct child_spec spec = {
		.argv = SH("trap '' TERM; echo r; while :; do sleep 1; done"),
		.out = CHILD_FD_PIPE,
		.new_session = true,
	};
	struct child *c = child_start(&spec, NULL);
	struct stream *s = stream_fd_new(child_take_stdout(c), -1);
	char byte;
	int status;

	assert_int_equal(stream_read(s, &byte, 1, IN_TASK_SOON, NULL), 1);
	child_stop(c, 10);
	assert_int_equal(child_wait(c, IN_TASK_SOON, &status, NULL), 0);
	assert_int_equal(status, 128 + SIGKILL);
	stream_close(s);
	child_free(c);
}

TEST(a_child_can_be_freed_out_of_tasks)
{
	struct child_spec spec = { .argv = sleeper };
	struct child *c = child_start(&spec, NULL);
	pid_t pid = pid_of(c);

	child_free(c);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	child_free(NULL);
}

TEST(the_end_can_be_polled_for)
{
	struct child_spec spec = { .argv = SH("exit 0") };
	struct child *c = child_start(&spec, NULL);
	struct pollfd p = { .fd = child_end_fd(c), .events = POLLIN };

	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_true(child_ended(c));
	child_free(c);
}

IN_TASK(a_child_that_somebody_else_reaped_has_ended)
{
	struct child_spec spec = { .argv = SH("exit 0") };
	struct child *c = child_start(&spec, NULL);
	int status = 0;

	assert_int_equal(waitpid(pid_of(c), NULL, 0), pid_of(c));
	assert_int_equal(child_wait(c, IN_TASK_SOON, &status, NULL), 0);
	assert_int_equal(status, 255);
	child_free(c);
}
