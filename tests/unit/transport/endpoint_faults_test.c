/* SPDX-License-Identifier: MIT */
/*
 * What a server or the network can do to an endpoint: a flipped bit anywhere in
 * a session, garbage, lengths of 4 GiB, one byte a second, silence. Whatever
 * comes, this process gets an error that names the host, and nothing is left.
 *
 * VMFERRY_FLIPS: how many bits are flipped, instead of FLIPS.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

enum { FLIPS = 40, STEP_MS = 1500, PAYLOAD_BYTES = 300000 };

static struct sshd *server;

static int start_server(void **state)
{
	(void)state;
	server = sshd_start("");
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	sshd_stop(STEAL(server));
	return 0;
}

TEST_GROUP_FIXTURE(start_server, stop_server);

/* --- what is in between -------------------------------------------------- */

/*
 * Listens, takes connections one after another, and does with each what `serve`
 * says, in a thread of its own.
 */
struct middle {
	int listen_fd, port;
	pthread_t thread;
	void (*serve)(struct middle *m, int fd);
	atomic_bool ending;

	/* for forward(): which bit of which direction */
	bool from_server;
	size_t offset;
	unsigned int bit;
	size_t passed[2]; /* so far; by the server */
};

static int listen_somewhere(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static int connect_to(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		abort();
	return fd;
}

static void *middle_main(void *arg)
{
	struct middle *m = arg;
	int fd;

	while ((fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		m->serve(m, fd);
		close(fd);
	}
	return NULL;
}

static void middle_start(struct middle *m)
{
	m->listen_fd = listen_somewhere(&m->port);
	assert_int_equal(pthread_create(&m->thread, NULL, middle_main, m), 0);
}

static void middle_stop(struct middle *m)
{
	m->ending = true;
	shutdown(m->listen_fd, SHUT_RDWR);
	pthread_join(m->thread, NULL);
	close(m->listen_fd);
}

/* True while bytes go on. */
static bool pass(struct middle *m, int from, int to, bool from_server)
{
	unsigned char bytes[16384];
	ssize_t n = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);
	size_t *passed = &m->passed[from_server];

	if (n <= 0)
		return false;
	if (m->from_server == from_server && m->offset >= *passed &&
	    m->offset < *passed + (size_t)n)
		bytes[m->offset - *passed] ^= (unsigned char)(1U << m->bit);
	*passed += (size_t)n;
	return send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

static void forward(struct middle *m, int client)
{
	int sshd = connect_to(server->port);
	struct pollfd p[2] = { { .fd = client, .events = POLLIN },
			       { .fd = sshd, .events = POLLIN } };
	bool open = true;

	m->passed[0] = m->passed[1] = 0;
	while (open && !m->ending) {
		if (poll(p, 2, 50) <= 0)
			continue;
		if (p[0].revents)
			open = pass(m, client, sshd, false);
		if (open && p[1].revents)
			open = pass(m, sshd, client, true);
	}
	close(sshd);
}

/* --- a session through it ------------------------------------------------- */

static struct host *open_through(const struct middle *m, struct mono deadline,
				 struct err *err)
{
	AUTO_FREE char *target = xasprintf("127.0.0.1:%d", m->port);
	AUTO_FREE char *file = sshd_path(server, "config.middle");
	AUTO_FREE char *config =
		xasprintf("IdentityAgent none\nIdentityFile %s/id\n"
			  "GlobalKnownHostsFile /dev/null\n"
			  "UserKnownHostsFile %s/known_hosts\n"
			  "HostKeyAlias [127.0.0.1]:%d\n",
			  server->dir, server->dir, server->port);
	struct host_options opt = sshd_options(server);

	sshd_write(server, "config.middle", config);
	opt.ssh_config = file;
	return host_open(target, &opt, deadline, err);
}

/* Kilobytes there and back. */
static int use(struct host *h, struct err *err)
{
	static const char *const argv[] = { "cat", NULL };
	static char data[PAYLOAD_BYTES];
	const struct host_command cmd = {
		.argv = argv,
		.input = data,
		.input_len = sizeof(data),
		.max_output = 2 * sizeof(data),
		.deadline = mono_in_ms(STEP_MS),
	};
	struct host_result r = { 0 };
	int rc = host_run(h, &cmd, &r, err);

	if (rc == 0) {
		assert_int_equal(buf_len(&r.out), sizeof(data));
		assert_memory_equal(buf_data(&r.out), data, sizeof(data));
	}
	host_result_free(&r);
	return rc;
}

/* What became of it; nothing may be left. */
static enum err_kind go_through(struct middle *m)
{
	struct err err = { 0 };
	enum err_kind kind = ERR_NONE;
	int fds = count_fds();
	struct host *h = open_through(m, mono_in_ms(STEP_MS), &err);

	if (h)
		(void)use(h, &err);
	kind = err.kind;
	if (kind != ERR_NONE && !err_host_of(&err))
		fail_with_err(&err);
	err_reset(&err);
	host_close(h);
	/* the middle may not have closed its own yet */
	for (int i = 0; i < 200 && count_fds() > fds; i++)
		(void)task_sleep_until(mono_in_ms(10), NULL);
	assert_in_range(count_fds(), 0, fds);
	return kind;
}

/* --- bits ----------------------------------------------------------------- */

static bool is_expected(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE: /* padding, or behind the end */
	case ERR_NETWORK:
	case ERR_TIMEOUT:
	case ERR_CRYPTO:
	case ERR_HOSTKEY:
	case ERR_AUTH:
	case ERR_REMOTE:
		return true;
	default:
		return false;
	}
}

static int flips(void)
{
	const char *text = getenv("VMFERRY_FLIPS");

	return text ? atoi(text) : FLIPS;
}

IN_TASK(a_flipped_bit_anywhere_costs_the_connection_at_most)
{
	/* a login, and then the payload both ways */
	static const size_t spans[2] = { 4000, PAYLOAD_BYTES };
	struct middle m = { .serve = forward };
	int kinds[ERR_KINDS] = { 0 };
	unsigned int seed = 1;

	middle_start(&m);
	for (int i = 0; i < flips(); i++) {
		enum err_kind kind;

		m.from_server = i % 2;
		m.offset = (size_t)rand_r(&seed) % spans[i / 2 % 2];
		m.bit = (unsigned int)rand_r(&seed) % 8;
		kind = go_through(&m);
		kinds[kind]++;
		if (!is_expected(kind))
			fail_msg("bit %u of byte %zu from the %s: %s", m.bit,
				 m.offset, m.from_server ? "server" : "client",
				 err_kind_name(kind));
	}
	middle_stop(&m);
	for (int k = 0; k < ERR_KINDS; k++) {
		if (kinds[k])
			print_message("%s: %d\n",
				      err_kind_name((enum err_kind)k),
				      kinds[k]);
	}
}

/*
 * Each bit of the length of a packet of the server's. By some of them libssh2
 * 1.10 ends its process with an assertion, by others it waits for more.
 */
IN_TASK(a_flipped_length_ends_the_endpoint_and_nothing_else)
{
	struct middle m = { .serve = forward, .from_server = true };

	m.offset = SIZE_MAX;
	middle_start(&m);
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct err err = { 0 };
		struct host *h = open_through(&m, IN_TASK_SOON, &err);

		if (!h || host_ping(h, IN_TASK_SOON, &err) < 0)
			fail_with_err(&err);
		/* what sshd still says of itself after a login has come */
		(void)task_sleep_until(mono_in_ms(50), NULL);
		m.bit = 7 - bit % 8;
		m.offset = m.passed[1] + bit / 8;
		assert_int_equal(use(h, &err), -1);
		if (!is_expected(err.kind))
			fail_with_err(&err);
		m.offset = SIZE_MAX;
		err_reset(&err);
		host_close(h);
	}
	middle_stop(&m);
}

/* --- servers that are none ------------------------------------------------ */

static void say(int fd, const void *data, size_t len)
{
	(void)!send(fd, data, len, MSG_NOSIGNAL);
}

/* Until the client hangs up. */
static void listen_on(struct middle *m, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char bytes[4096];

	while (!m->ending) {
		if (poll(&p, 1, 20) > 0 &&
		    recv(fd, bytes, sizeof(bytes), 0) <= 0)
			return;
	}
}

static void says_garbage(struct middle *m, int fd)
{
	unsigned char bytes[65536];
	unsigned int seed = 7;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)rand_r(&seed);
	say(fd, bytes, sizeof(bytes));
	listen_on(m, fd);
}

static void says_a_banner_and_garbage(struct middle *m, int fd)
{
	say(fd, "SSH-2.0-OpenSSH_9.2\r\n", 21);
	says_garbage(m, fd);
}

static void says_four_gibibytes(struct middle *m, int fd)
{
	say(fd, "SSH-2.0-OpenSSH_9.2\r\n", 21);
	say(fd, "\xff\xff\xff\xfc\x04\x14", 6);
	listen_on(m, fd);
}

static void says_no_line_end(struct middle *m, int fd)
{
	while (send(fd, "SSH-2.0-", 8, MSG_NOSIGNAL) == 8 && !m->ending)
		;
}

static void says_nothing(struct middle *m, int fd)
{
	listen_on(m, fd);
}

static void says_a_byte_now_and_then(struct middle *m, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	while (!m->ending && poll(&p, 1, 100) == 0)
		say(fd, "S", 1);
}

static void hangs_up(struct middle *m, int fd)
{
	(void)m;
	(void)fd;
}

IN_TASK(a_server_that_is_none_is_an_error_that_names_the_host)
{
	static void (*const servers[])(struct middle *, int) = {
		says_garbage,
		says_a_banner_and_garbage,
		says_four_gibibytes,
		says_no_line_end,
		says_nothing,
		says_a_byte_now_and_then,
		hangs_up,
	};

	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct middle m = { .serve = servers[i] };
		enum err_kind kind;

		middle_start(&m);
		kind = go_through(&m);
		middle_stop(&m);
		if (!is_expected(kind) || kind == ERR_NONE)
			fail_msg("server %zu: %s", i, err_kind_name(kind));
	}
}
