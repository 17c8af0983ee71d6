/* SPDX-License-Identifier: MIT */
/* host_contract: the claims, each with a newly opened host. */
#include "tests/unit/host_contract.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

/* What a program that is no back end's gets: no claims. */
__attribute__((weak)) const struct host_contract host_contract;

static void with_host(void *arg)
{
	void (*claim)(struct host * h) = *(void (**)(struct host *))arg;
	struct host *h = host_contract.open();

	claim(h);
	host_close(h);
}

/* CLAIM(name) { body with h }: a test in programs with a contract. */
#define CLAIM(name)                                                       \
	static void name##_claim(struct host *h);                         \
	static void name(__attribute__((unused)) void **state)            \
	{                                                                 \
		void (*claim)(struct host *) = name##_claim;              \
                                                                          \
		in_task(with_host, &claim);                               \
	}                                                                 \
	__attribute__((constructor)) static void name##_is_a_claim(void)  \
	{                                                                 \
		static struct test t = { #name, name, 1000000 + __LINE__, \
					 NULL };                          \
                                                                          \
		if (host_contract.open)                                   \
			test_register(&t);                                \
	}                                                                 \
	static void name##_claim(__attribute__((unused)) struct host *h)

/* --- commands ------------------------------------------------------------ */

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int run(struct host *h, const char *const *argv, struct host_result *r,
	       struct err *err)
{
	struct host_command cmd = { .argv = argv, .deadline = IN_TASK_SOON };

	return host_run(h, &cmd, r, err);
}

static void run_ok(struct host *h, const char *const *argv,
		   struct host_result *r)
{
	struct err err = { 0 };

	if (run(h, argv, r, &err) < 0)
		fail_with_err(&err);
}

static void expect_usable(struct host *h)
{
	struct host_result r = { 0 };

	run_ok(h, ARGV("true"), &r);
	assert_int_equal(r.status, 0);
	host_result_free(&r);
}

CLAIM(hostile_arguments_arrive_byte_exact)
{
	static const char *const argv[] = { "printf",
					    "%s\\0",
					    "",
					    "a b",
					    "it's",
					    "\"q\"",
					    "$HOME",
					    "`id`",
					    "*",
					    "a\nb",
					    "\\",
					    "-n",
					    "\xc3\xa4\xe2\x82\xac",
					    "!x",
					    "~",
					    "#",
					    "&&",
					    ";",
					    "\t",
					    "\xff\xfe",
					    NULL };
	struct host_result r = { 0 };
	const char *p;

	run_ok(h, argv, &r);
	assert_int_equal(r.status, 0);
	assert_string_equal(buf_data(&r.err), "");
	p = buf_data(&r.out);
	for (int i = 2; argv[i]; i++) {
		assert_string_equal(p, argv[i]);
		p += strlen(p) + 1;
	}
	assert_ptr_equal(p, buf_data(&r.out) + buf_len(&r.out));
	host_result_free(&r);
}

CLAIM(exit_status_and_both_outputs_come_back)
{
	struct host_result r = { 0 };

	run_ok(h, ARGV("sh", "-c", "echo out; echo err >&2; exit 42"), &r);
	assert_int_equal(r.status, 42);
	assert_string_equal(buf_data(&r.out), "out\n");
	assert_string_equal(buf_data(&r.err), "err\n");
	/* which is ssh(1)'s own failure, too */
	run_ok(h, ARGV("sh", "-c", "exit 255"), &r);
	assert_int_equal(r.status, 255);
	host_result_free(&r);
}

CLAIM(a_signal_becomes_128_plus_its_number)
{
	struct host_result r = { 0 };

	run_ok(h, ARGV("sh", "-c", "kill -9 $$"), &r);
	assert_int_equal(r.status, 128 + SIGKILL);
	host_result_free(&r);
}

/* Its own status where a shell looks for it, an error where we do. */
CLAIM(a_program_that_is_not_there_is_a_failure)
{
	struct host_result r = { 0 };
	struct err err = { 0 };

	if (run(h, ARGV("vmferry-none"), &r, &err) < 0)
		expect_err_kind(&err, ERR_REMOTE, "vmferry-none");
	else
		assert_int_equal(r.status, 127);
	host_result_free(&r);
	expect_usable(h);
}

CLAIM(a_result_can_be_used_again)
{
	struct host_result r = { 0 };

	for (int i = 0; i < 2; i++) {
		run_ok(h, ARGV("echo", "x"), &r);
		assert_string_equal(buf_data(&r.out), "x\n");
	}
	host_result_free(&r);
}

static char *pattern(size_t len, unsigned int seed)
{
	char *p = xmalloc(len);

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		p[i] = (char)(seed >> 16);
	}
	return p;
}

static void run_with_input(struct host *h, const char *program,
			   const char *data, size_t len, struct host_result *r)
{
	struct err err = { 0 };
	struct host_command cmd = { .argv = ARGV(program),
				    .input = data,
				    .input_len = len,
				    .max_output = len,
				    .deadline = IN_TASK_SOON };

	if (host_run(h, &cmd, r, &err) < 0)
		fail_with_err(&err);
	assert_int_equal(r->status, 0);
}

CLAIM(megabytes_of_stdin_come_back_through_cat)
{
	enum { LEN = 3 * 1024 * 1024 + 7 };
	AUTO_FREE char *data = pattern(LEN, 1);
	struct host_result r = { 0 };

	run_with_input(h, "cat", data, LEN, &r);
	assert_int_equal(buf_len(&r.out), LEN);
	assert_memory_equal(buf_data(&r.out), data, LEN);
	host_result_free(&r);
}

CLAIM(a_command_that_ignores_its_stdin_still_ends)
{
	enum { LEN = 8 * 1024 * 1024 };
	AUTO_FREE char *data = pattern(LEN, 1);
	struct host_result r = { 0 };

	run_with_input(h, "true", data, LEN, &r);
	host_result_free(&r);
}

CLAIM(a_mebibyte_of_output_is_taken_by_default_and_no_more)
{
	struct host_result r = { 0 };
	struct err err = { 0 };

	run_ok(h, ARGV("head", "-c", "1048576", "/dev/zero"), &r);
	assert_int_equal(buf_len(&r.out), 1048576);
	assert_int_equal(run(h, ARGV("head", "-c", "1048577", "/dev/zero"), &r,
			     &err),
			 -1);
	expect_err_kind(&err, ERR_REMOTE, "head");
	assert_int_equal(run(h, ARGV("yes"), &r, &err), -1);
	expect_err_kind(&err, ERR_REMOTE, "yes");
	host_result_free(&r);
	expect_usable(h);
}

CLAIM(a_command_may_time_out_and_the_host_goes_on)
{
	struct host_result r = { 0 };
	struct err err = { 0 };
	struct host_command cmd = { .argv = ARGV("sleep", "20"),
				    .deadline = mono_in_ms(100) };

	assert_int_equal(host_run(h, &cmd, &r, &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "sleep");
	host_result_free(&r);
	expect_usable(h);
}

static void run_until_cancelled(void *arg)
{
	struct host_result r = { 0 };
	struct err err = { 0 };

	assert_int_equal(run(arg, ARGV("sleep", "20"), &r, &err), -1);
	expect_err_kind(&err, ERR_CANCELLED, "cancelled");
	host_result_free(&r);
}

CLAIM(a_cancelled_command_leaves_the_host_usable)
{
	/* at every stage: opening, request, running */
	for (int turns = 0; turns < 8; turns++) {
		struct task *t = task_start(task_loop(), "sleep",
					    run_until_cancelled, h);

		for (int i = 0; i < turns; i++)
			(void)host_ping(h, IN_TASK_SOON, NULL);
		task_cancel(t);
		task_join(t);
	}
	expect_usable(h);
}

struct job {
	struct host *h;
	int i;
};

static void echo_number(void *arg)
{
	const struct job *j = arg;
	AUTO_FREE char *word = xasprintf("%d", j->i);
	struct host_result r = { 0 };

	run_ok(j->h, ARGV("printf", "%s", word), &r);
	assert_string_equal(buf_data(&r.out), word);
	host_result_free(&r);
}

CLAIM(commands_run_side_by_side)
{
	struct task *t[6];
	struct job j[6];

	for (int i = 0; i < 6; i++) {
		j[i] = (struct job){ h, i };
		t[i] = task_start(task_loop(), "job", echo_number, &j[i]);
	}
	for (int i = 0; i < 6; i++)
		task_join(t[i]);
}

/* --- sockets ------------------------------------------------------------- */

/* An echo server in a directory of its own. */
struct place {
	struct sshd at;
	struct echo *echo;
	char *path;
};

static void place_open(struct place *p)
{
	*p = (struct place){ .at = { .dir = "/tmp/vmferry-host-XXXXXX" } };
	assert_non_null(mkdtemp(p->at.dir));
	p->echo = echo_start(&p->at, "echo:1");
	p->path = sshd_path(&p->at, "echo:1");
	/* who connects may be another user */
	assert_int_equal(chmod(p->at.dir, 0711), 0);
	assert_int_equal(chmod(p->path, 0777), 0);
}

static void place_close(struct place *p)
{
	echo_stop(p->echo);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(rmdir(p->at.dir), 0);
	free(p->path);
}

static struct stream *connect_to(struct host *h, const char *path)
{
	struct err err = { 0 };
	struct stream *s = host_connect(h, path, IN_TASK_SOON, &err);

	if (!s)
		fail_with_err(&err);
	return s;
}

static void expect_bytes(struct stream *s, const char *data, size_t len)
{
	AUTO_FREE char *back = xmalloc(len);
	struct err err = { 0 };
	size_t got = 0;

	while (got < len) {
		ssize_t n = stream_read(s, back + got, len - got, IN_TASK_SOON,
					&err);

		if (n < 0)
			fail_with_err(&err);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_memory_equal(back, data, len);
}

CLAIM(a_socket_is_connected)
{
	struct place p;
	struct stream *s;

	place_open(&p);
	s = connect_to(h, p.path);
	assert_int_equal(stream_write(s, "hello", 5, IN_TASK_SOON, NULL), 0);
	expect_bytes(s, "hello", 5);
	stream_close(s);
	place_close(&p);
}

CLAIM(a_socket_that_is_not_there_is_named_and_the_host_goes_on)
{
	const char *path = "/run/vmferry-none";
	struct err err = { 0 };

	assert_null(host_connect(h, path, IN_TASK_SOON, &err));
	expect_err_kind(&err, err.kind, path);
	assert_null(host_tunnel(h, path, IN_TASK_SOON, &err));
	expect_err_kind(&err, err.kind, path);
	expect_usable(h);
}

/* --- tunnels ------------------------------------------------------------- */

struct sender {
	struct stream *stream;
	const char *data;
	size_t len;
};

static void send_all(void *arg)
{
	const struct sender *s = arg;
	struct err err = { 0 };

	if (stream_write(s->stream, s->data, s->len, IN_TASK_SOON, &err) < 0)
		fail_with_err(&err);
}

static void expect_orderly_end(struct tunnel *t, struct stream *s, int fd)
{
	struct err err = { 0 };
	char byte;

	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(stream_read(s, &byte, 1, IN_TASK_SOON, &err), 0);
	assert_int_equal(
		task_wait_fd(tunnel_end_fd(t), POLLIN, IN_TASK_SOON, &err), 0);
	if (tunnel_verdict(t, &err) < 0)
		fail_with_err(&err);
}

/*
 * Megabytes go there and back through @t, whose other end is @fd; each time
 * that a part of them is back, all stay there for @rest_ms.
 */
static void carry_and_end(struct tunnel *t, int fd, int rest_ms)
{
	enum { LEN = 24 * 1024 * 1024 + 13, PART = 3 * 1024 * 1024 };
	AUTO_FREE char *data = pattern(LEN, 9);
	struct stream *s = stream_fd_new(fd, fd);
	struct sender sender = { s, data, LEN };
	struct task *sending =
		task_start(task_loop(), "send", send_all, &sender);
	struct tunnel_stats stats;

	for (size_t got = 0; got < LEN; got += PART) {
		expect_bytes(s, data + got,
			     LEN - got < PART ? LEN - got : PART);
		(void)task_sleep_until(mono_in_ms(rest_ms), NULL);
	}
	task_join(sending);
	/* what has arrived is counted a moment later */
	expect_orderly_end(t, s, fd);
	tunnel_stats(t, &stats);
	assert_int_equal(stats.sent_bytes, LEN);
	assert_int_equal(stats.received_bytes, LEN);
	stream_close(s);
	tunnel_free(t);
}

static int start_pair(struct tunnel *t, struct err *err)
{
	int fd = t ? tunnel_start_pair(t, 0, err) : -1;

	if (fd < 0)
		fail_with_err(err);
	return fd;
}

CLAIM(a_tunnel_carries_megabytes_both_ways_byte_exact)
{
	struct err err = { 0 };
	struct place p;
	struct tunnel *t;

	place_open(&p);
	t = host_tunnel(h, p.path, IN_TASK_SOON, &err);
	carry_and_end(t, start_pair(t, &err), 0);
	place_close(&p);
}

static struct tunnel *tunnel_to(struct host *h, const char *script, int *fd)
{
	struct err err = { 0 };
	struct tunnel *t = host_tunnel_command(h, ARGV("sh", "-c", script),
					       IN_TASK_SOON, &err);

	*fd = start_pair(t, &err);
	return t;
}

/*
 * Unread, these megabytes would fill the channel's window. What is sent back
 * fills it while nothing is read, and is not lost.
 */
CLAIM(a_tunnel_to_a_command_carries_all_but_its_stderr)
{
	int fd;
	struct tunnel *t =
		tunnel_to(h, "head -c 60000000 /dev/zero >&2 & exec cat", &fd);

	carry_and_end(t, fd, 200);
}

CLAIM(the_first_and_last_words_of_a_command_are_not_lost)
{
	int fd;
	struct tunnel *t = tunnel_to(h, "printf first; cat; printf last", &fd);
	struct stream *s = stream_fd_new(fd, fd);

	expect_bytes(s, "first", 5);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect_bytes(s, "last", 4);
	expect_orderly_end(t, s, fd);
	stream_close(s);
	tunnel_free(t);
}

CLAIM(a_command_that_is_not_there_ends_its_tunnel_or_opens_none)
{
	struct err err = { 0 };
	struct tunnel *t = host_tunnel_command(h, ARGV("vmferry-none"),
					       IN_TASK_SOON, &err);
	AUTO_FD int fd = -1;
	char c;

	if (t) {
		fd = start_pair(t, &err);
		assert_int_equal(task_wait_fd(fd, POLLIN, IN_TASK_SOON, NULL),
				 0);
		assert_int_equal(read(fd, &c, 1), 0);
		tunnel_free(t);
	} else {
		expect_err_kind(&err, ERR_REMOTE, "vmferry-none");
	}
}

static void wait_gone(pid_t pid)
{
	AUTO_FD int fd = pidfd_open(pid, 0);

	/* or it is gone already */
	if (fd >= 0)
		assert_int_equal(task_wait_fd(fd, POLLIN, IN_TASK_SOON, NULL),
				 0);
	else
		assert_int_equal(errno, ESRCH);
}

CLAIM(a_command_ends_with_its_tunnel)
{
	AUTO_FD int fd = -1;
	struct tunnel *t = tunnel_to(h, "echo $$; exec cat >/dev/null", &fd);
	char text[16] = "";
	pid_t pid;

	assert_int_equal(task_wait_fd(fd, POLLIN, IN_TASK_SOON, NULL), 0);
	assert_true(read(fd, text, 15) > 0);
	pid = atoi(text);
	assert_int_equal(kill(pid, 0), 0);
	tunnel_free(t);
	wait_gone(pid);
}

/* --- the whole ----------------------------------------------------------- */

CLAIM(a_host_that_answers_is_alive)
{
	for (int i = 0; i < 3; i++) {
		assert_int_equal(host_ping(h, IN_TASK_SOON, NULL), 0);
		assert_int_equal(host_alive(h, 60000, NULL), 0);
	}
}

CLAIM(nothing_is_left_open_after_closing)
{
	struct err err = { 0 };
	struct host *other;
	struct tunnel *t;
	struct stream *s;
	struct place p;
	int fds, fd;

	place_open(&p);
	fds = count_fds();
	other = host_contract.open();
	s = connect_to(other, p.path);
	t = host_tunnel(other, p.path, IN_TASK_SOON, &err);
	fd = start_pair(t, &err);
	expect_usable(other);
	close(fd);
	tunnel_free(t);
	stream_close(s);
	host_close(other);
	place_close(&p);
	/* the echo's own: its listening socket */
	assert_int_equal(count_fds(), fds - 1);
}

CLAIM(closing_nothing_is_fine)
{
	host_close(NULL);
}
