/* SPDX-License-Identifier: MIT */
/* ssh_agent: with a scripted agent (a real one: host_ssh_test.c). */
#include "transport/ssh_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

#define SOON IN_TASK_SOON

/* Takes one connection, reads one question, gives one answer. */
struct script {
	int listen_fd;
	struct sockaddr_un address;
	const void *answer;
	size_t answer_len;
	struct buf question;
};

static void play(void *arg)
{
	struct script *s = arg;
	struct stream *stream;
	ssize_t n;
	int fd;

	assert_int_equal(task_wait_fd(s->listen_fd, 1, SOON, NULL), 0);
	fd = accept(s->listen_fd, NULL, NULL);
	stream = stream_fd_new(fd, fd);
	n = stream_read(stream, buf_reserve(&s->question, 1000), 1000, SOON,
			NULL);
	assert_true(n > 0);
	buf_commit(&s->question, (size_t)n);
	assert_int_equal(
		stream_write(stream, s->answer, s->answer_len, SOON, NULL), 0);
	/* it stays until the client goes, or hangs up at once when short */
	if (s->answer_len > 4)
		(void)stream_read(stream, &fd, 1, SOON, NULL);
	stream_close(stream);
}

static void script_init(struct script *s, const void *answer, size_t len)
{
	*s = (struct script){ .answer = answer, .answer_len = len };
	s->address.sun_family = AF_UNIX;
	snprintf(s->address.sun_path, sizeof(s->address.sun_path),
		 "/tmp/vmferry-agent-%d", getpid());
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&s->address,
			      sizeof(s->address)),
			 0);
	assert_int_equal(listen(s->listen_fd, 1), 0);
}

static void script_fini(struct script *s)
{
	(void)unlink(s->address.sun_path);
	close(s->listen_fd);
	buf_free(&s->question);
}

/* --- listing ------------------------------------------------------------- */

struct listing {
	struct script script;
	const char *want; /* comments, or the error */
	enum err_kind kind;
};

static void list(void *arg)
{
	struct listing *l = arg;
	struct task *agent = task_start(task_loop(), "agent", play, &l->script);
	struct ssh_agent *a =
		ssh_agent_open(l->script.address.sun_path, SOON, NULL);
	AUTO_BUF struct buf got = { .base = NULL };
	struct ssh_agent_key *keys;
	struct err err = { 0 };
	size_t n;

	assert_non_null(a);
	if (ssh_agent_list(a, &keys, &n, SOON, &err) < 0) {
		assert_int_equal(err.kind, l->kind);
		buf_printf(&got, "%s", err.message);
		err_reset(&err);
	} else {
		assert_int_equal(l->kind, ERR_NONE);
		for (size_t i = 0; i < n; i++)
			buf_printf(&got, "%s;", keys[i].comment);
	}
	assert_string_equal(buf_data(&got), l->want);
	assert_memory_equal(buf_data(&l->script.question), "\0\0\0\1\v", 5);
	ssh_agent_close(a);
	task_join(agent);
}

static void expect_list(const void *answer, size_t len, enum err_kind kind,
			const char *want)
{
	struct listing l = { .want = want, .kind = kind };

	script_init(&l.script, answer, len);
	in_task(list, &l);
	script_fini(&l.script);
}

TEST(keys_are_listed_with_their_comments)
{
	static const char two[] = "\0\0\0\x1c\x0c\0\0\0\2"
				  "\0\0\0\1a\0\0\0\3one"
				  "\0\0\0\1b\0\0\0\2tw";
	static const char none[] = "\0\0\0\5\x0c\0\0\0\0";

	expect_list(two, 4 + 0x1c, ERR_NONE, "one;tw;");
	expect_list(none, 9, ERR_NONE, "");
}

TEST(nonsense_is_refused)
{
	expect_list("\0\0\0\0\0", 5, ERR_PROTOCOL, "the agent spoke nonsense");
	expect_list("\xff\0\0\0\0", 5, ERR_PROTOCOL,
		    "the agent spoke nonsense");
	expect_list("\0\0\0\5\x0c\xff\xff\xff\xff", 9, ERR_PROTOCOL,
		    "the agent spoke nonsense");
	expect_list("\0\0\0\5\x0c\0\0\0\1", 9, ERR_PROTOCOL,
		    "the agent spoke nonsense");
	expect_list("\0\0\0\1\5", 5, ERR_REMOTE, "the agent refused");
	expect_list("\0\0\0\5", 4, ERR_CLOSED, "the agent left");
}

/* --- signing ------------------------------------------------------------- */

struct signing {
	struct script script;
	const char *algorithm;
	const char *flags; /* that it must ask with */
	enum err_kind kind;
};

static void sign(void *arg)
{
	struct signing *s = arg;
	struct task *agent = task_start(task_loop(), "agent", play, &s->script);
	struct ssh_agent *a =
		ssh_agent_open(s->script.address.sun_path, SOON, NULL);
	struct ssh_bytes blob = { (const unsigned char *)"B", 1 };
	struct ssh_bytes data = { (const unsigned char *)"data", 4 };
	AUTO_BUF struct buf signature = { .base = NULL };
	AUTO_ERR struct err err = { 0 };
	int rc = ssh_agent_sign(a, blob, s->algorithm, data, &signature, SOON,
				&err);

	assert_int_equal(rc, s->kind == ERR_NONE ? 0 : -1);
	assert_int_equal(err.kind, s->kind);
	assert_string_equal(buf_data(&signature), rc ? "" : "SIG");
	assert_int_equal(buf_len(&s->script.question), 22);
	assert_memory_equal(buf_data(&s->script.question),
			    "\0\0\0\x12\r\0\0\0\1B\0\0\0\4data", 18);
	assert_memory_equal(buf_data(&s->script.question) + 18, s->flags, 4);
	ssh_agent_close(a);
	task_join(agent);
}

static void expect_signature(const char *answer, size_t len,
			     const char *algorithm, const char *flags,
			     enum err_kind kind)
{
	struct signing s = { .algorithm = algorithm,
			     .flags = flags,
			     .kind = kind };

	script_init(&s.script, answer, len);
	in_task(sign, &s);
	script_fini(&s.script);
}

static const char short_name[] = "\0\0\0\x11\x0e\0\0\0\x0c"
				 "\0\0\0\1t\0\0\0\3SIG";

TEST(the_signature_comes_without_its_type)
{
	expect_signature(short_name, 4 + 0x11, "t", "\0\0\0\0", ERR_NONE);
}

TEST(rsa_is_asked_for_sha_2)
{
	static const char answer[] = "\0\0\0\x1c\x0e\0\0\0\x17"
				     "\0\0\0\x0crsa-sha2-512\0\0\0\3SIG";

	expect_signature(answer, 4 + 0x1c, "rsa-sha2-512", "\0\0\0\4",
			 ERR_NONE);
}

TEST(an_agent_that_signs_by_another_algorithm_is_refused)
{
	expect_signature(short_name, 4 + 0x11, "rsa-sha2-256", "\0\0\0\2",
			 ERR_REMOTE);
}
