/* SPDX-License-Identifier: MIT */
/* sftp: with OpenSSH's sftp-server as a child, and with scripted nonsense. */
#include "transport/sftp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/ssh_format.h"
#include "transport/stream_fd.h"

#define SFTP_SERVER "/usr/lib/openssh/sftp-server"
#define SOON IN_TASK_SOON

/* --- a real server ------------------------------------------------------- */

struct real {
	char dir[32];
	char *path; /* of the file that a test makes */
	struct child *child;
	struct sftp *sftp;
};

static void real_start(struct real *r)
{
	static const char *const argv[] = { SFTP_SERVER, NULL };
	const struct child_spec spec = {
		.argv = argv,
		.in = CHILD_FD_SOCKET,
		.out = CHILD_FD_SOCKET,
		.err = CHILD_FD_NULL,
	};
	struct err err = { 0 };
	int fd;

	strcpy(r->dir, "/tmp/vmferry-sftp-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->path = xasprintf("%s/file", r->dir);
	r->child = child_start(&spec, &err);
	assert_non_null(r->child);
	fd = child_take_stdout(r->child);
	r->sftp = sftp_new(stream_fd_new(fd, fd), SOON, &err);
	assert_non_null(r->sftp);
}

static void real_stop(struct real *r)
{
	sftp_free(r->sftp);
	child_free(r->child);
	(void)unlink(r->path);
	assert_int_equal(rmdir(r->dir), 0);
	free(r->path);
}

static void there_and_back(struct real *r, size_t len)
{
	AUTO_FREE char *data = xmalloc(len);
	AUTO_BUF struct buf back = { .base = NULL };
	struct err err = { 0 };
	bool created;

	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	assert_int_equal(sftp_put(r->sftp, r->path, 0600, data, len, &created,
				  SOON, &err),
			 0);
	assert_true(created);
	assert_int_equal(sftp_get(r->sftp, r->path, &back, len, SOON, &err), 0);
	assert_int_equal(buf_len(&back), len);
	assert_memory_equal(buf_data(&back), data, len);
	assert_int_equal(sftp_remove(r->sftp, r->path, SOON, &err), 0);
	assert_int_equal(access(r->path, F_OK), -1);
}

static void need_server(void)
{
	if (access(SFTP_SERVER, X_OK) < 0)
		skip();
}

static void all_sizes(void *arg)
{
	static const size_t sizes[] = { 0,	1,	32767,
					32768,	32769,	131072,
					524288, 524289, 1048576 + 5 };
	struct real r;

	(void)arg;
	real_start(&r);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		there_and_back(&r, sizes[i]);
	real_stop(&r);
}

TEST(every_size_comes_back_whole)
{
	need_server();
	in_task(all_sizes, NULL);
}

static void refusals(void *arg)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct err err = { 0 };
	struct real r;
	bool created;

	(void)arg;
	real_start(&r);
	assert_int_equal(sftp_put(r.sftp, r.path, 0600, "abc", 3, &created,
				  SOON, &err),
			 0);
	assert_int_equal(sftp_put(r.sftp, r.path, 0600, "x", 1, &created, SOON,
				  &err),
			 -1);
	assert_false(created);
	expect_err_kind(&err, ERR_REMOTE, "it exists already");
	assert_int_equal(sftp_put(r.sftp, "/no/such/dir/f", 0600, "x", 1,
				  &created, SOON, &err),
			 -1);
	expect_err_kind(&err, ERR_REMOTE, "No such file");
	assert_int_equal(sftp_get(r.sftp, r.path, &b, 2, SOON, &err), -1);
	expect_err_kind(&err, ERR_REMOTE, "longer than 2 bytes");
	assert_int_equal(sftp_get(r.sftp, r.dir, &b, 9, SOON, &err), -1);
	assert_int_equal(err.kind, ERR_REMOTE);
	err_reset(&err);
	assert_false(sftp_broken(r.sftp));
	assert_int_equal(unlink(r.path), 0);
	there_and_back(&r, 10);
	real_stop(&r);
}

TEST(a_refusal_is_told_and_leaves_the_rest_working)
{
	need_server();
	in_task(refusals, NULL);
}

/* --- a server that speaks nonsense --------------------------------------- */

static void say(int fd, uint8_t type, const void *data, size_t len)
{
	AUTO_BUF struct buf b = { .base = NULL };

	ssh_put_u32(&b, (uint32_t)len + 1);
	ssh_put_u8(&b, type);
	buf_append(&b, data, len);
	assert_int_equal(write(fd, buf_data(&b), buf_len(&b)), buf_len(&b));
}

static struct sftp *shake(int *fd, const void *raw, size_t len, struct err *err)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[1], raw, len), len);
	*fd = fds[1];
	return sftp_new(stream_fd_new(fds[0], fds[0]), mono_in_ms(100), err);
}

static struct sftp *shake_well(int *fd)
{
	struct sftp *s = shake(fd, "\0\0\0\5\2\0\0\0\3", 9, NULL);

	assert_non_null(s);
	return s;
}

IN_TASK(a_handshake_of_nonsense_is_refused)
{
	static const struct {
		const char *raw;
		size_t len;
		enum err_kind kind;
	} bad[] = {
		{ "\0\0\0\0", 4, ERR_PROTOCOL },
		{ "\xff\xff\xff\xff", 4, ERR_PROTOCOL },
		{ "This account is not available.\n", 31, ERR_PROTOCOL },
		{ "\0\0\0\5\3\0\0\0\3", 9, ERR_PROTOCOL },
		{ "\0\0\0\2\2\0", 6, ERR_PROTOCOL },
		{ "\0\0\0\5\2\0\0\0\2", 9, ERR_REMOTE },
		{ "\0\0\0\5\2", 5, ERR_TIMEOUT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };
		int fd;

		assert_null(shake(&fd, bad[i].raw, bad[i].len, &err));
		assert_int_equal(err.kind, bad[i].kind);
		err_reset(&err);
		close(fd);
	}
}

static void get_nonsense(uint8_t type, const void *data, size_t len,
			 const char *words)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct err err = { 0 };
	int fd;
	struct sftp *s = shake_well(&fd);

	say(fd, type, data, len);
	assert_int_equal(sftp_get(s, "f", &b, 10, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, words);
	assert_true(sftp_broken(s));
	sftp_free(s);
	close(fd);
}

IN_TASK(an_answer_of_nonsense_breaks_the_session)
{
	get_nonsense(102, "\0\0\0\2\0\0\0\1h", 9, "no question");
	get_nonsense(102, "\0\0\0\1\0\0\0\5h", 9, "bad handle");
	get_nonsense(103, "\0\0\0\1\0\0\0\1h", 9, "a status was due");
	get_nonsense(101, "\0\0\0\1\0\0", 6, "short status");
	get_nonsense(101, "\0\0\0\1\0\0\0\0", 8, "without a handle");
	get_nonsense(102, "\0", 1, "no question");
}

IN_TASK(data_longer_than_its_packet_breaks_the_session)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct err err = { 0 };
	int fd;
	struct sftp *s = shake_well(&fd);

	say(fd, 102, "\0\0\0\1\0\0\0\1h", 9);
	say(fd, 103, "\0\0\0\2\0\0\xff\xff", 8);
	assert_int_equal(sftp_get(s, "f", &b, 10, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "bad data");
	sftp_free(s);
	close(fd);
}

IN_TASK(a_status_without_words_has_the_protocols_own)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct err err = { 0 };
	int fd;
	struct sftp *s = shake_well(&fd);

	say(fd, 101, "\0\0\0\1\0\0\0\3", 8);
	assert_int_equal(sftp_get(s, "f", &b, 10, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_REMOTE, "permission denied");
	assert_false(sftp_broken(s));
	sftp_free(s);
	close(fd);
}

IN_TASK(a_failed_write_tells_and_still_closes_the_file)
{
	struct err err = { 0 };
	bool created;
	int fd;
	struct sftp *s = shake_well(&fd);

	say(fd, 102, "\0\0\0\1\0\0\0\1h", 9);
	say(fd, 101, "\0\0\0\2\0\0\0\4\0\0\0\4full\0\0\0\0", 20);
	say(fd, 101, "\0\0\0\3\0\0\0\0", 8);
	assert_int_equal(sftp_put(s, "f", 0600, "x", 1, &created, IN_TASK_SOON,
				  &err),
			 -1);
	assert_true(created);
	expect_err_kind(&err, ERR_REMOTE, "cannot write f: full");
	assert_false(sftp_broken(s));
	sftp_free(s);
	close(fd);
}
