/* SPDX-License-Identifier: MIT */
/* stream_fd: streams over descriptors, and connecting UNIX sockets. */
#include "transport/stream_fd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

static struct stream *pair(int *other)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s),
			 0);
	*other = s[1];
	return stream_fd_new(s[0], s[0]);
}

/* --- reading and writing ------------------------------------------------- */

IN_TASK(a_read_returns_what_is_there)
{
	AUTO_FD int other = -1;
	struct stream *s = pair(&other);
	char data[16];

	assert_int_equal(write(other, "abc", 3), 3);
	assert_int_equal(stream_read(s, data, sizeof(data), IN_TASK_SOON, NULL),
			 3);
	assert_memory_equal(data, "abc", 3);
	stream_close(s);
}

IN_TASK(the_end_of_a_stream_reads_as_nothing)
{
	struct stream *s;
	char byte;
	int other;

	s = pair(&other);
	close(other);
	assert_int_equal(stream_read(s, &byte, 1, IN_TASK_SOON, NULL), 0);
	assert_int_equal(stream_read(s, &byte, 1, IN_TASK_SOON, NULL), 0);
	stream_close(s);
}

static void write_later(void *arg)
{
	task_yield();
	task_yield();
	assert_int_equal(write(*(int *)arg, "z", 1), 1);
}

IN_TASK(a_read_waits_for_the_first_byte)
{
	AUTO_FD int other = -1;
	struct stream *s = pair(&other);
	struct task *t = task_start(task_loop(), "w", write_later, &other);
	char byte;

	assert_int_equal(stream_read(s, &byte, 1, IN_TASK_SOON, NULL), 1);
	assert_int_equal(byte, 'z');
	task_join(t);
	stream_close(s);
}

IN_TASK(a_read_has_a_deadline)
{
	AUTO_FD int other = -1;
	struct stream *s = pair(&other);
	struct err err = { 0 };
	char byte;

	assert_int_equal(stream_read(s, &byte, 1, mono_in_ms(5), &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "timed out");
	stream_close(s);
}

struct read_job {
	struct stream *s;
	struct err err;
	ssize_t n;
};

static void read_body(void *arg)
{
	struct read_job *j = arg;
	char byte;

	j->n = stream_read(j->s, &byte, 1, IN_TASK_SOON, &j->err);
}

IN_TASK(a_read_can_be_cancelled)
{
	AUTO_FD int other = -1;
	struct read_job j = { .s = pair(&other) };
	struct task *t = task_start(task_loop(), "r", read_body, &j);

	task_yield();
	task_cancel(t);
	task_join(t);
	assert_int_equal(j.n, -1);
	expect_err_kind(&j.err, ERR_CANCELLED, "cancelled");
	stream_close(j.s);
}

IN_TASK(a_read_after_a_reset_says_the_peer_is_gone)
{
	struct err err = { 0 };
	struct stream *s;
	char byte;
	int other;

	s = pair(&other);
	assert_int_equal(stream_write(s, "unread", 6, IN_TASK_SOON, NULL), 0);
	close(other);
	assert_int_equal(stream_read(s, &byte, 1, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "Connection reset by peer");
	stream_close(s);
}

IN_TASK(a_write_to_a_peer_that_is_gone_fails_without_a_signal)
{
	struct err err = { 0 };
	struct stream *s;
	int other;

	signal(SIGPIPE, SIG_DFL);
	s = pair(&other);
	close(other);
	assert_int_equal(stream_write(s, "x", 1, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "Broken pipe");
	stream_close(s);
}

IN_TASK(a_write_to_a_pipe_without_a_reader_fails_without_a_signal)
{
	struct err err = { 0 };
	struct stream *s;
	sigset_t pending;
	int p[2];

	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	s = stream_fd_new(-1, p[1]);
	close(p[0]);
	assert_int_equal(stream_write(s, "x", 1, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "Broken pipe");
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
	stream_close(s);
}

IN_TASK(a_stream_without_a_writing_side_cannot_write)
{
	struct err err = { 0 };
	struct stream *s = stream_fd_new(open("/dev/null", O_RDONLY), -1);

	assert_int_equal(stream_write(s, "x", 1, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_INTERNAL, "read-only");
	stream_close(s);
}

/* --- a storm: both ways, small buffers, pieces of chance ----------------- */

enum { STORM_BYTES = 1 << 20 };

struct storm {
	struct stream *s;
	unsigned int seed;
	bool ok;
};

static char storm_byte(size_t i)
{
	return (char)(i * 2654435761u >> 13);
}

static void storm_write(void *arg)
{
	struct storm *st = arg;
	char data[5000];
	size_t done = 0;

	while (done < STORM_BYTES) {
		size_t n = 1 + (size_t)rand_r(&st->seed) % sizeof(data);

		if (n > STORM_BYTES - done)
			n = STORM_BYTES - done;
		for (size_t i = 0; i < n; i++)
			data[i] = storm_byte(done + i);
		if (stream_write(st->s, data, n, IN_TASK_SOON, NULL) < 0)
			return;
		done += n;
	}
	st->ok = true;
}

static void storm_read(void *arg)
{
	struct storm *st = arg;
	char data[5000];
	size_t done = 0;

	while (done < STORM_BYTES) {
		size_t want = 1 + (size_t)rand_r(&st->seed) % sizeof(data);
		ssize_t n = stream_read(st->s, data, want, IN_TASK_SOON, NULL);

		if (n <= 0)
			return;
		for (ssize_t i = 0; i < n; i++) {
			if (data[i] != storm_byte(done + (size_t)i))
				return;
		}
		done += (size_t)n;
	}
	st->ok = true;
}

IN_TASK(every_byte_arrives_both_ways_at_once)
{
	struct storm st[4] = { 0 };
	struct task *t[4];
	int small = 4096, s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s),
			 0);
	for (int i = 0; i < 2; i++)
		setsockopt(s[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	st[0].s = st[1].s = stream_fd_new(s[0], s[0]);
	st[2].s = st[3].s = stream_fd_new(s[1], s[1]);
	for (unsigned int i = 0; i < 4; i++) {
		st[i].seed = i;
		t[i] = task_start(task_loop(), "storm",
				  i % 2 ? storm_read : storm_write, &st[i]);
	}
	for (int i = 0; i < 4; i++) {
		task_join(t[i]);
		assert_true(st[i].ok);
	}
	stream_close(st[0].s);
	stream_close(st[2].s);
}

struct flood {
	struct stream *s;
	bool stop;
};

static void stop_body(void *arg)
{
	((struct flood *)arg)->stop = true;
}

IN_TASK(a_peer_that_floods_us_does_not_starve_other_tasks)
{
	struct flood f = { 0 };
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct task *t;
	char byte;

	f.s = stream_fd_new(zero, -1);
	t = task_start(task_loop(), "stop", stop_body, &f);
	while (!f.stop)
		assert_int_equal(stream_read(f.s, &byte, 1, IN_TASK_SOON, NULL),
				 1);
	task_join(t);
	stream_close(f.s);
}

/* --- UNIX sockets -------------------------------------------------------- */

static char dir[] = "/tmp/vmferry-stream-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -rf %s", dir);

	(void)state;
	return system(command);
}

TEST_GROUP_FIXTURE(make_dir, remove_dir);

/* Listens at DIR/@name, bound from within DIR: @name may be long. */
static int listen_at(const char *name, int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO_FREE char *old = getcwd(NULL, 0);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	char *slash = strrchr(path, '/');
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*slash = '\0';
	assert_int_equal(chdir(path), 0);
	strcpy(a.sun_path, slash + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(chdir(old), 0);
	return fd;
}

static void expect_connects(const char *name, int listener)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	struct err err = { 0 };
	struct stream *s = stream_fd_connect_unix(path, IN_TASK_SOON, &err);
	AUTO_FD int peer = -1;
	char byte = 0;

	if (!s)
		fail_with_err(&err);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(stream_write(s, "y", 1, IN_TASK_SOON, NULL), 0);
	assert_int_equal(read(peer, &byte, 1), 1);
	assert_int_equal(byte, 'y');
	stream_close(s);
}

IN_TASK(a_unix_socket_is_connected)
{
	AUTO_FD int listener = listen_at("s", 1);

	expect_connects("s", listener);
}

IN_TASK(a_path_of_any_length_is_connected)
{
	AUTO_FD int listener = -1;
	AUTO_FREE char *deep = xasprintf("%s/%0100d", dir, 0);
	AUTO_FREE char *name = xasprintf("%0100d/%090d", 0, 1);

	assert_int_equal(mkdir(deep, 0700), 0);
	listener = listen_at(name, 1);
	expect_connects(name, listener);
}

IN_TASK(a_path_of_exactly_the_kernels_length_is_connected)
{
	for (size_t len = 105; len <= 109; len++) {
		AUTO_FREE char *name =
			xasprintf("%0*d", (int)(len - strlen(dir) - 1), 0);
		AUTO_FD int listener = listen_at(name, 1);

		expect_connects(name, listener);
	}
}

IN_TASK(a_socket_that_is_not_there_says_so)
{
	AUTO_FREE char *path = xasprintf("%s/none", dir);
	struct err err = { 0 };

	assert_null(stream_fd_connect_unix(path, IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_SYSTEM, "none: No such file or directory");
}

IN_TASK(a_socket_without_a_listener_refuses)
{
	AUTO_FREE char *path = xasprintf("%s/stale", dir);
	struct err err = { 0 };

	close(listen_at("stale", 1));
	assert_null(stream_fd_connect_unix(path, IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_SYSTEM, "Connection refused");
}

IN_TASK(a_socket_without_a_name_is_the_callers_fault)
{
	struct err err = { 0 };

	assert_null(stream_fd_connect_unix("", IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_USAGE, "no name");
}

/* Fills the queue of @listener and returns how many connections it took. */
static int fill_queue(const char *path, int *fds, int max)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n;

	strcpy(a.sun_path, path);
	for (n = 0; n < max; n++) {
		fds[n] = socket(AF_UNIX,
				SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(fds[n], (struct sockaddr *)&a, sizeof(a)) < 0)
			break;
	}
	close(fds[n]);
	return n;
}

static void accept_later(void *arg)
{
	int fd;

	task_yield();
	fd = accept(*(int *)arg, NULL, NULL);
	assert_true(fd >= 0);
	close(fd);
}

IN_TASK(a_full_queue_is_waited_for)
{
	AUTO_FREE char *path = xasprintf("%s/full", dir);
	AUTO_FD int listener = listen_at("full", 0);
	struct task *t;
	struct stream *s;
	int fds[8];
	int n = fill_queue(path, fds, 8);

	assert_in_range(n, 1, 7);
	t = task_start(task_loop(), "accept", accept_later, &listener);
	s = stream_fd_connect_unix(path, IN_TASK_SOON, NULL);
	assert_non_null(s);
	task_join(t);
	stream_close(s);
	while (n--)
		close(fds[n]);
}

IN_TASK(a_queue_that_stays_full_is_a_timeout)
{
	AUTO_FREE char *path = xasprintf("%s/full2", dir);
	AUTO_FD int listener = listen_at("full2", 0);
	struct err err = { 0 };
	int fds[8];
	int n = fill_queue(path, fds, 8);

	(void)listener;
	assert_in_range(n, 1, 7);
	assert_null(stream_fd_connect_unix(path, mono_in_ms(30), &err));
	expect_err_kind(&err, ERR_TIMEOUT, "stays full");
	while (n--)
		close(fds[n]);
}

IN_TASK(the_peer_is_the_process_that_listens)
{
	AUTO_FREE char *path = xasprintf("%s/other", dir);
	int ready[2];
	struct stream *s;
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		(void)listen_at("other", 1);
		(void)!write(ready[1], "r", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	s = stream_fd_connect_unix(path, IN_TASK_SOON, NULL);
	assert_non_null(s);
	assert_int_equal(stream_peer_pid(s), pid);
	stream_close(s);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}
