/* SPDX-License-Identifier: MIT */
/*
 * A login by SSH at a server that says anything: banner, key exchange, host
 * key, authentication, through libssh2 as our transport drives it.
 *
 * Input: a byte that cuts into pieces, a byte of flags, a checksum of four
 * bytes, then what the server says. Random numbers are the same in each run, so
 * that a recorded server can be played back beyond the key exchange: seeds.py
 * records one, for which VMFERRY_FUZZ_FD names the connection.
 *
 * What comes encrypted, behind NEWKEYS, is said only if the checksum is its: a
 * changed length in there ends in an assert() of libssh2 (1.10 and later),
 * about which nothing can be done from outside of it.
 */
/* the old interface is the only one that takes a plain function */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_dial.h"
#include "transport/ssh_login.h"

enum { WITH_PASSWORD = 1, NEWKEYS = 21, LONG_MS = 60000 };

/* --- random numbers that are none ---------------------------------------- */

static uint32_t dice = 1;

static int roll(unsigned char *data, int len)
{
	for (int i = 0; i < len; i++) {
		dice = dice * 1664525 + 1013904223;
		data[i] = (unsigned char)(dice >> 24);
	}
	return 1;
}

static int loaded(void)
{
	return 1;
}

/* --- in the place of configuration and network --------------------------- */

static int connection = -1; /* what ssh_dial() gives */

int __wrap_ssh_dial(const struct ssh_config *c,
		    const struct ssh_dial_options *o, struct ssh_proxy **proxy,
		    struct mono deadline, struct err *err);
int __wrap_ssh_config_read(struct ssh_config *c, const struct host_target *t,
			   const struct host_options *opt, struct mono deadline,
			   struct err *err);

int __wrap_ssh_dial(const struct ssh_config *c,
		    const struct ssh_dial_options *o, struct ssh_proxy **proxy,
		    struct mono deadline, struct err *err)
{
	(void)c;
	(void)o;
	(void)deadline;
	(void)err;
	*proxy = NULL;
	return steal_fd(&connection);
}

int __wrap_ssh_config_read(struct ssh_config *c, const struct host_target *t,
			   const struct host_options *opt, struct mono deadline,
			   struct err *err)
{
	(void)opt;
	(void)deadline;
	(void)err;
	*c = (struct ssh_config){
		.hostname = xstrdup(t->host),
		.port = xstrdup("22"),
		.user = xstrdup("nobody"),
		.agent = xstrdup("none"),
	};
	/* takes any key and keeps none */
	strv_push(&c->known_hosts, "/dev/null");
	return 0;
}

/* --- the server ---------------------------------------------------------- */

struct server {
	int fd;
	struct fuzz_input says;
	uint32_t seed;
};

static void server_main(void *arg)
{
	struct server *s = arg;

	while (s->says.len) {
		size_t n = fuzz_piece(&s->seed, s->says.len);

		if (send(s->fd, s->says.data, n, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		    (ssize_t)n)
			break;
		s->says.data += n;
		s->says.len -= n;
		task_yield();
	}
	(void)shutdown(s->fd, SHUT_WR);
}

/* The end of the line that begins with "SSH-". */
static size_t banner_end(const struct fuzz_input *in)
{
	size_t at = 0;

	while (at < in->len) {
		const uint8_t *line = in->data + at;
		const uint8_t *end = memchr(line, '\n', in->len - at);
		bool banner = in->len - at >= 4 && !memcmp(line, "SSH-", 4);

		if (!end)
			return in->len;
		at += (size_t)(end - line) + 1;
		if (banner)
			return at;
	}
	return in->len;
}

/* Where the packet NEWKEYS ends; the end of the input without one. */
static size_t plain_length(const struct fuzz_input *in)
{
	size_t at = banner_end(in);

	while (in->len - at >= 6) {
		const uint8_t *p = in->data + at;
		size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 |
			     (size_t)p[2] << 8 | p[3];

		if (len > in->len - at - 4)
			break;
		at += 4 + len;
		if (p[5] == NEWKEYS)
			return at;
	}
	return in->len;
}

/* FNV-1a, 32 bits. */
static uint32_t checksum(const uint8_t *data, size_t len)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ data[i]) * 16777619u;
	return sum;
}

static void drop_changed_tail(struct fuzz_input *in, uint32_t sum)
{
	size_t len = plain_length(in);

	if (checksum(in->data + len, in->len - len) != sum)
		in->len = len;
}

/* --- the login ----------------------------------------------------------- */

static char *password(void *arg, const char *prompt)
{
	(void)arg;
	fuzz_claim(prompt && *prompt, "a question has words");
	return xstrdup("secret");
}

static void login(unsigned int flags)
{
	const struct host_options opt = {
		.accept_new_host_key = true,
		.ask = flags & WITH_PASSWORD ? password : NULL,
	};
	struct host_target t = { .host = (char *)"hostb" };
	AUTO_ERR struct err err = { 0 };
	struct ssh_login *l;
	struct ssh_link link;
	bool beyond;

	l = ssh_login_new(&t, "hostb", &opt, &link, &beyond,
			  mono_in_ms(LONG_MS), &err);
	if (!l) {
		fuzz_claim(err.kind != ERR_NONE && err.message &&
				   err.kind != ERR_TIMEOUT,
			   "a login that fails says why");
		return;
	}
	(void)ssh_session_ping(link.session, mono_in_ms(LONG_MS), NULL);
	ssh_link_close(&link);
	ssh_login_free(l);
}

static void play(void *arg)
{
	struct fuzz_input in = *(const struct fuzz_input *)arg;
	uint32_t seed = fuzz_take(&in);
	unsigned int flags = fuzz_take(&in);
	struct server s = { .seed = seed };
	struct task *server;
	uint32_t sum = 0;
	int fds[2];

	for (int i = 0; i < 4; i++)
		sum = sum << 8 | fuzz_take(&in);
	drop_changed_tail(&in, sum);
	s.says = in;
	fuzz_claim(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0,
		   "there is a connection");
	connection = fds[0];
	s.fd = fds[1];
	server = task_start(task_loop(), "server", server_main, &s);
	login(flags);
	task_join(server);
	close(s.fd);
}

static void record(void *arg)
{
	(void)arg;
	login(WITH_PASSWORD);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const RAND_METHOD dull = {
		.bytes = roll,
		.pseudorand = roll,
		.status = loaded,
	};
	const char *fd = getenv("VMFERRY_FUZZ_FD");

	(void)argc;
	(void)argv;
	(void)RAND_set_rand_method(&dull);
	(void)libssh2_init(0);
	if (!fd)
		return 0;
	connection = atoi(fd);
	fuzz_in_task(record, NULL);
	exit(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	dice = 1;
	fuzz_in_task(play, &in);
	return 0;
}
