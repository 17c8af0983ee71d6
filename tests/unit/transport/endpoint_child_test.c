/* SPDX-License-Identifier: MIT */
/* endpoint_child: an endpoint against a real sshd on loopback. */
#include "transport/endpoint_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/endpoint.h"
#include "transport/stream_fd.h"

/* --- endpoints that break the rules --------------------------------------- */

/*
 * An endpoint of this program finds the number of a part to play in a file
 * named by its parent, if there is one.
 */
static char *part_path(pid_t pid)
{
	return xasprintf("/tmp/vmferry-part.%d", (int)pid);
}

static void say_word(uint32_t word, const void *text, size_t len)
{
	const struct control_head head = { .word = word, .id = 77 };

	while (control_send(CONTROL_FD, &head, text, len, NULL, 0, NULL) == 1)
		;
}

static void hear_once(void)
{
	static struct control_message m;
	struct pollfd p = { .fd = CONTROL_FD, .events = POLLIN };

	(void)poll(&p, 1, -1);
	(void)control_receive(CONTROL_FD, &m, true, NULL);
}

static void is_ready_at_once(void)
{
	say_word(CONTROL_READY, NULL, 0);
}

static void says_hello_twice(void)
{
	say_word(CONTROL_HELLO, NULL, 0);
	say_word(CONTROL_HELLO, NULL, 0);
}

static void speaks_as_the_parent(void)
{
	say_word(CONTROL_HOSTKEY_OK, NULL, 0);
}

static void makes_up_a_word(void)
{
	say_word(0xffffffff, NULL, 0);
}

static void says_too_little(void)
{
	(void)!send(CONTROL_FD, "abc", 3, 0);
}

static void says_too_much(void)
{
	static const char bytes[100000];

	(void)!send(CONTROL_FD, bytes, sizeof(bytes), 0);
}

static void hands_back_a_descriptor(void)
{
	const struct control_head head = { .word = CONTROL_HELLO };
	const int fd = CONTROL_FD;

	(void)control_send(CONTROL_FD, &head, NULL, 0, &fd, 1, NULL);
}

static void just_exits(void)
{
	_exit(0);
}

static void gives_up_like_a_library(void)
{
	(void)!write(2, "x.c:1: f: Assertion `0' failed.\n", 32);
	raise(SIGKILL);
}

static void closes_its_socket(void)
{
	close(CONTROL_FD);
}

static void shows_a_key_of_all_sizes(void)
{
	static const char key[CONTROL_TEXT_MAX];

	say_word(CONTROL_HELLO, NULL, 0);
	say_word(CONTROL_HOSTKEY, key, sizeof(key));
	say_word(CONTROL_HOSTKEY, key, sizeof(key));
}

/* Parts that cost the connection, and with which words. */
static const struct part {
	void (*play)(void);
	const char *words;
} parts[] = {
	{ is_ready_at_once, "said what it must not (READY)" },
	{ says_hello_twice, "said what it must not (HELLO)" },
	{ speaks_as_the_parent, "said what it must not (HOSTKEY_OK)" },
	{ makes_up_a_word, "said what it must not (?)" },
	{ says_too_little, "said what it must not" },
	{ says_too_much, "said what it must not" },
	{ hands_back_a_descriptor, "said what it must not" },
	{ just_exits, "it ended with status 0" },
	{ gives_up_like_a_library, "Assertion `0' failed" },
	{ closes_its_socket, "has failed" },
	{ shows_a_key_of_all_sizes, "said what it must not (HOSTKEY)" },
};

/* A relay that talks and talks. */
static void floods(void)
{
	say_word(CONTROL_HELLO, NULL, 0);
	for (;;)
		say_word(CONTROL_PONG, NULL, 0);
}

__attribute__((constructor)) static void play_part(int argc, char **argv)
{
	AUTO_FREE char *path = part_path(getppid());
	FILE *f = endpoint_wanted(argc, argv) ? fopen(path, "r") : NULL;
	size_t i;

	if (!f)
		return;
	if (fscanf(f, "%zu", &i) != 1)
		_exit(1);
	hear_once();
	if (i < ARRAY_SIZE(parts))
		parts[i].play();
	else
		floods();
	for (;;)
		pause();
}

static void choose_part(size_t i)
{
	AUTO_FREE char *path = part_path(getpid());
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "%zu", i);
	fclose(f);
}

static void choose_none(void)
{
	AUTO_FREE char *path = part_path(getpid());

	(void)unlink(path);
}

/* --- one sshd for most tests ---------------------------------------------- */

static struct sshd *server;

static int start_server(void **state)
{
	(void)state;
	server = sshd_start("RekeyLimit 1M\n");
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	choose_none();
	sshd_stop(STEAL(server));
	return 0;
}

TEST_GROUP_FIXTURE(start_server, stop_server);

/* --- a conversation ------------------------------------------------------- */

struct talk {
	struct endpoint_child *child;
	struct endpoint_subject login;
};

static void ask(struct talk *t, enum control_word word, const void *text,
		size_t len, uint32_t bits)
{
	const struct endpoint_words words = { .word = word,
					      .text = text,
					      .len = len };
	struct err err = { 0 };

	if (endpoint_child_ask(t->child, &t->login, &words, bits, IN_TASK_SOON,
			       &err) < 0)
		fail_with_err(&err);
}

/* Up to the host key. */
static void talk_open_to(struct talk *t, int fd)
{
	static const char config[] =
		"root\0ssh-unknown,ssh-ed25519\0aes128-ctr\0hmac-sha2-256\0"
		"curve25519-sha256";
	struct err err = { 0 };

	t->child = endpoint_child_start("hostb", fd, &err);
	if (!t->child)
		fail_with_err(&err);
	endpoint_child_begin_login(t->child, &t->login);
	ask(t, CONTROL_CONFIG, config, sizeof(config), CONTROL_BIT(HELLO));
}

static void talk_open(struct talk *t)
{
	AUTO_FREE char *port = xasprintf("%d", server->port);
	struct err err = { 0 };
	int fd = stream_fd_dial_tcp("127.0.0.1", port, IN_TASK_SOON, &err);

	if (fd < 0)
		fail_with_err(&err);
	talk_open_to(t, fd);
}

static void talk_close(struct talk *t)
{
	endpoint_child_forget(t->child, &t->login);
	endpoint_child_close(t->child);
}

/* Of what was proposed what libssh2 knows, the server's list, its key. */
static void expect_hostkey(struct buf *text)
{
	const char *strings[CONTROL_HOSTKEY_STRINGS];
	ssize_t used = control_strings(buf_data(text), buf_len(text), strings,
				       CONTROL_HOSTKEY_STRINGS);

	assert_true(used > 0);
	assert_string_equal(strings[CONTROL_HOSTKEY_ASKED], "ssh-ed25519");
	assert_string_equal(strings[CONTROL_HOSTKEY_HAS], "ssh-ed25519");
	assert_memory_equal(buf_data(text) + used, "\0\0\0\x0bssh-ed25519", 15);
}

IN_TASK(the_endpoint_gives_up_its_rights_and_shows_the_host_key)
{
	struct talk t;
	int confined;

	talk_open(&t);
	confined = endpoint_child_confined(t.child);
	assert_true(confined & CONTROL_SECCOMP);
	if (geteuid() == 0)
		assert_true(confined & CONTROL_OWN_UID);
	if (endpoint_child_await(t.child, &t.login, CONTROL_BIT(HOSTKEY),
				 IN_TASK_SOON, NULL) < 0)
		fail();
	expect_hostkey(&t.login.text);
	talk_close(&t);
}

/* --- what a parent bears -------------------------------------------------- */

static void start_part(struct talk *t, size_t i)
{
	struct err err = { 0 };
	int pair[2];

	choose_part(i);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	t->child = endpoint_child_start("hostb", pair[0], &err);
	if (!t->child)
		fail_with_err(&err);
	endpoint_child_begin_login(t->child, &t->login);
}

IN_TASK(an_endpoint_that_breaks_the_rules_is_killed)
{
	const struct endpoint_words config = { .word = CONTROL_CONFIG };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct err err = { 0 };
		struct talk t;
		pid_t pid;

		start_part(&t, i);
		pid = endpoint_child_pid(t.child);
		assert_int_equal(endpoint_child_ask(t.child, &t.login, &config,
						    CONTROL_BIT(METHODS),
						    IN_TASK_SOON, &err),
				 -1);
		assert_string_equal(err_host_of(&err), "hostb");
		expect_err_kind(&err, ERR_NETWORK, parts[i].words);
		talk_close(&t);
		assert_int_equal(kill(pid, 0), -1);
	}
	choose_none();
}

IN_TASK(one_that_talks_and_talks_keeps_nobody_from_anything)
{
	const struct endpoint_words relay = { .word = CONTROL_RELAY };
	struct talk t;

	start_part(&t, ARRAY_SIZE(parts));
	assert_int_equal(endpoint_child_ask(t.child, &t.login, &relay,
					    CONTROL_BIT(PONG), mono_in_ms(50),
					    NULL),
			 -1);
	for (int i = 0; i < 20; i++)
		(void)task_sleep_until(mono_in_ms(1), NULL);
	talk_close(&t);
	choose_none();
}

IN_TASK(one_that_is_killed_or_stopped_is_closed_all_the_same)
{
	static const int signals[] = { SIGKILL, SIGSTOP };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct talk t;
		pid_t pid;

		talk_open(&t);
		pid = endpoint_child_pid(t.child);
		kill(pid, signals[i]);
		talk_close(&t);
		assert_int_equal(kill(pid, 0), -1);
	}
}

IN_TASK(without_a_program_none_is_started)
{
	struct err err = { 0 };
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	endpoint_child_program(NULL);
	assert_null(endpoint_child_start("hostb", pair[0], &err));
	expect_err_kind(&err, ERR_USAGE, "no program");
	endpoint_child_program("/no/such/program");
	assert_null(endpoint_child_start("hostb", pair[1], &err));
	expect_err_kind(&err, ERR_SYSTEM, "hostb");
	endpoint_child_program("/proc/self/exe");
}
