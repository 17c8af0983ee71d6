/* SPDX-License-Identifier: MIT */
/* lane_tcp: addresses as pure text; connections to a listener of this test. */
#include "engine/run/lane_tcp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/run/run.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/in_task.h"
#include "tests/unit/run_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_local.h"

/* --- text ----------------------------------------------------------------- */

TEST(the_login_names_both_addresses)
{
	char client[LANE_TCP_ADDRESS], server[LANE_TCP_ADDRESS];

	assert_true(
		lane_tcp_parse("10.0.0.1 50000 10.0.0.2 22", client, server));
	assert_string_equal(client, "10.0.0.1");
	assert_string_equal(server, "10.0.0.2");
	assert_true(lane_tcp_parse("fd00::1 1 fd00::2 22", client, server));
	assert_string_equal(server, "fd00::2");
}

TEST(what_is_no_login_is_refused)
{
	static const char *const none[] = {
		"",
		"10.0.0.1",
		"10.0.0.1 50000 10.0.0.2",
		"10.0.0.1 x 10.0.0.2 22",
		"10.0.0.1 50000 10.0.0.2 22 more",
	};
	char client[LANE_TCP_ADDRESS], server[LANE_TCP_ADDRESS];

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(lane_tcp_parse(none[i], client, server));
}

TEST(only_an_address_of_all_networks_is_fit)
{
	assert_null(lane_tcp_unfit("10.0.0.2"));
	assert_null(lane_tcp_unfit("fd00::2"));
	assert_non_null(lane_tcp_unfit("fe80::2%eth0"));
	assert_non_null(lane_tcp_unfit("hostb"));
	assert_non_null(lane_tcp_unfit("UNKNOWN"));
}

TEST(the_uri_has_the_range_of_ports)
{
	AUTO_FREE char *v4 = lane_tcp_uri("10.0.0.2");
	AUTO_FREE char *v6 = lane_tcp_uri("fd00::2");

	assert_string_equal(v4, "tcp:10.0.0.2:49152,to=49215");
	assert_string_equal(v6, "tcp:[fd00::2]:49152,to=49215");
}

static struct sockaddr_storage address(const char *text, uint16_t port)
{
	struct sockaddr_storage s = { .ss_family = AF_INET };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_port = htons(port);
		return s;
	}
	s.ss_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_port = htons(port);
	return s;
}

/* As the kernel of this machine prints it. */
static void print(char *out, const char *v4, unsigned int port)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, v4, &a), 1);
	snprintf(out, 32, "%08X:%04X", a.s_addr, port);
}

TEST(ours_is_the_one_from_our_address_and_port)
{
	struct sockaddr_storage own = address("10.0.0.1", 50000);
	char peer[32];

	print(peer, "10.0.0.1", 50000);
	assert_true(lane_tcp_is_ours(peer, &own, "10.0.0.1"));
	/* somebody else on this host */
	print(peer, "10.0.0.1", 50001);
	assert_false(lane_tcp_is_ours(peer, &own, "10.0.0.1"));
	/* another host */
	print(peer, "10.0.0.9", 50000);
	assert_false(lane_tcp_is_ours(peer, &own, "10.0.0.1"));
}

TEST(a_translated_address_has_to_be_that_of_the_login)
{
	struct sockaddr_storage own = address("192.168.1.5", 50000);
	char peer[32];

	print(peer, "10.0.0.1", 1234);
	assert_true(lane_tcp_is_ours(peer, &own, "10.0.0.1"));
	assert_false(lane_tcp_is_ours(peer, &own, "10.0.0.2"));
	assert_false(lane_tcp_is_ours(peer, &own, "fd00::1"));
	assert_false(lane_tcp_is_ours(peer, &own, "nonsense"));
}

TEST(an_address_of_ipv6_has_all_its_words)
{
	struct sockaddr_storage own = address("fd00::1", 50000);
	const uint32_t *w = ((struct sockaddr_in6 *)&own)->sin6_addr.s6_addr32;
	char peer[48];

	snprintf(peer, sizeof(peer), "%08X%08X%08X%08X:C350", w[0], w[1], w[2],
		 w[3]);
	assert_true(lane_tcp_is_ours(peer, &own, "fd00::1"));
	peer[9] = peer[9] == 'A' ? 'B' : 'A';
	assert_false(lane_tcp_is_ours(peer, &own, "fd00::1"));
	assert_false(lane_tcp_is_ours("", &own, "fd00::1"));
	assert_false(lane_tcp_is_ours(":", &own, ""));
}

/* --- connections ---------------------------------------------------------- */

static struct run r;
static struct fake_qemu *src, *dst;
static int listener = -1;
static char reply[128];
static struct fake_step steps[] = {
	{ .expect = "migrate-incoming",
	  .args = "{\"uri\":\"tcp:127.0.0.1:49152,to=49215\"}" },
	{ .expect = "query-migrate", .reply = reply },
	{ .leaves = true },
};

static uint16_t listen_here(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	listener =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len),
			 0);
	return ntohs(at.sin_port);
}

/* Its QEMU is this process, which listens in its place. */
static struct lane_tcp *begin(void)
{
	static const struct fake_step leaves = { .leaves = true };
	const struct fake_options as = { .version = NULL };
	struct err err = { 0 };
	struct lane_tcp *l;

	snprintf(reply, sizeof(reply),
		 "{\"socket-address\":[{\"type\":\"inet\",\"host\":"
		 "\"127.0.0.1\",\"port\":\"%u\"}]}",
		 listen_here());
	setenv("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 22", 1);
	src = fake_qemu_start(&as, &leaves, 1);
	dst = fake_qemu_start(&as, steps, ARRAY_SIZE(steps));
	r = (struct run){ .opt = NULL };
	run_fixture_init(&r, src, dst);
	r.dest.pid = getpid();
	l = lane_tcp_new(r.dst.host, &err);
	if (!l)
		fail_with_err(&err);
	assert_string_equal(lane_tcp_address(l), "127.0.0.1");
	assert_true(lane_tcp_is_inward(l));
	return l;
}

static void end(struct lane_tcp *l)
{
	lane_tcp_free(l);
	run_fixture_fini(&r);
	assert_null(fake_qemu_end(src));
	assert_null(fake_qemu_end(dst));
	close_fd(steal_fd(&listener));
	unsetenv("SSH_CONNECTION");
}

static int accepted = -1;

/* As QEMU: takes the first one only. */
static void accept_one(void *arg)
{
	(void)arg;
	if (task_wait_fd(listener, EPOLLIN, IN_TASK_SOON, NULL) == 0)
		accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

IN_TASK(one_that_is_accepted_is_a_tunnel)
{
	struct lane_tcp *l = begin();
	struct task *t = task_start(task_loop(), "qemu", accept_one, NULL);
	struct err err = { 0 };
	struct tunnel *tunnel = lane_tcp_open(&r, l, &err);
	char got[5] = "";
	int fd;

	if (!tunnel)
		fail_with_err(&err);
	task_join(t);
	fd = tunnel_start_pair(tunnel, 0, NULL);
	assert_int_equal(write(fd, "word", 4), 4);
	assert_int_equal(task_wait_fd(accepted, EPOLLIN, IN_TASK_SOON, NULL),
			 0);
	assert_int_equal(read(accepted, got, 4), 4);
	assert_string_equal(got, "word");
	close_fd(fd);
	tunnel_free(tunnel);
	close_fd(steal_fd(&accepted));
	end(l);
}

IN_TASK(one_of_a_stranger_is_noticed_before_anything_is_sent)
{
	struct lane_tcp *l = begin();
	struct err err = { 0 };
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int stranger = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	getsockname(listener, (struct sockaddr *)&at, &len);
	assert_int_equal(connect(stranger, (struct sockaddr *)&at, len), 0);
	accept_one(NULL);
	assert_null(lane_tcp_open(&r, l, &err));
	assert_true(err_has(&err, ERR_FAILED));
	assert_non_null(strstr(err.message, "not from here"));
	assert_non_null(err_hint_of(&err));
	err_reset(&err);
	assert_int_equal(recv(stranger, &byte, 1, MSG_DONTWAIT), -1);
	close_fd(stranger);
	close_fd(steal_fd(&accepted));
	end(l);
}

IN_TASK(one_that_nobody_accepts_is_given_up)
{
	struct lane_tcp *l = begin();
	struct err err = { 0 };

	assert_null(lane_tcp_open(&r, l, &err));
	expect_err_kind(&err, ERR_NETWORK, "has accepted no connection");
	end(l);
}

IN_TASK(a_port_that_cannot_be_reached_is_explained)
{
	struct lane_tcp *l = begin();
	struct err err = { 0 };

	close_fd(steal_fd(&listener));
	assert_null(lane_tcp_open(&r, l, &err));
	assert_non_null(strstr(err_hint_of(&err), "firewall"));
	assert_non_null(strstr(err_hint_of(&err), "49152 to 49215"));
	expect_err_kind(&err, ERR_NETWORK, "cannot be reached there");
	end(l);
}

IN_TASK(a_process_that_cannot_be_seen_is_refused)
{
	struct lane_tcp *l = begin();
	struct err err = { 0 };

	r.dest.pid = 0x7ffffffe;
	assert_null(lane_tcp_open(&r, l, &err));
	expect_err_kind(&err, ERR_REFUSED, "cannot be seen whose");
	end(l);
}

IN_TASK(a_login_that_says_nothing_is_refused)
{
	struct host *h = host_local_new();
	struct err err = { 0 };

	unsetenv("SSH_CONNECTION");
	assert_null(lane_tcp_new(h, &err));
	expect_err_kind(&err, ERR_REFUSED, "does not say");
	setenv("SSH_CONNECTION", "::1 1 fe80::1%lo 22", 1);
	assert_null(lane_tcp_new(h, &err));
	expect_err_kind(&err, ERR_REFUSED, "one of its networks only");
	unsetenv("SSH_CONNECTION");
	host_close(h);
}
