/* SPDX-License-Identifier: MIT */
/* ssh_wire: the socket below an SSH session. */
#include "transport/endpoint/ssh_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

struct fixture {
	struct ssh_wire wire;
	LIBSSH2_SESSION *raw;
	int peer;
};

static int setup(void **state)
{
	struct fixture *f = XNEW(struct fixture);
	int fds[2], small = 4096;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small,
				    sizeof(small)),
			 0);
	ssh_wire_init(&f->wire, fds[0]);
	f->raw = libssh2_session_init();
	ssh_wire_attach(&f->wire, f->raw);
	libssh2_session_set_blocking(f->raw, 0);
	f->peer = fds[1];
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ssh_wire_cut(&f->wire);
	libssh2_session_free(f->raw);
	ssh_wire_fini(&f->wire);
	close_fd(f->peer);
	free(f);
	return 0;
}

TEST_FIXTURE(setup, teardown);

TEST(what_the_socket_does_not_take_is_kept_and_sent_later)
{
	static char data[200000], got[200000];
	struct fixture *f = *state;
	size_t total = 0;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	buf_append(&f->wire.out, data, sizeof(data));
	ssh_wire_flush(&f->wire);
	assert_true(ssh_wire_pending(&f->wire) > 0);
	assert_false(ssh_wire_dead(&f->wire));
	while (total < sizeof(got)) {
		ssize_t n = recv(f->peer, got + total, sizeof(got) - total,
				 MSG_DONTWAIT);

		if (n > 0)
			total += (size_t)n;
		ssh_wire_flush(&f->wire);
	}
	assert_int_equal(ssh_wire_pending(&f->wire), 0);
	assert_memory_equal(got, data, sizeof(data));
}

TEST(what_came_first_is_kept_until_it_is_forgotten)
{
	struct fixture *f = *state;
	static char bytes[SSH_WIRE_FIRST_MAX];

	assert_int_equal(write(f->peer, "abc", 3), 3);
	ssh_wire_fill(&f->wire);
	assert_int_equal(buf_len(&f->wire.first), 3);
	assert_memory_equal(buf_data(&f->wire.first), "abc", 3);
	assert_int_equal(write(f->peer, bytes, sizeof(bytes)), sizeof(bytes));
	ssh_wire_fill(&f->wire);
	assert_int_equal(buf_len(&f->wire.first), SSH_WIRE_FIRST_MAX);
	ssh_wire_forget_first(&f->wire);
	assert_int_equal(write(f->peer, "abc", 3), 3);
	ssh_wire_fill(&f->wire);
	assert_int_equal(buf_len(&f->wire.first), 0);
}

TEST(libssh2_sends_and_receives_through_it)
{
	struct fixture *f = *state;
	char banner[64] = "";

	/* our banner goes out, and theirs is still due */
	assert_int_equal(libssh2_session_handshake(f->raw, f->wire.fd),
			 LIBSSH2_ERROR_EAGAIN);
	assert_true(recv(f->peer, banner, sizeof(banner) - 1, MSG_DONTWAIT) >
		    0);
	assert_int_equal(strncmp(banner, "SSH-2.0-libssh2", 15), 0);
	/* read ahead, libssh2 gets it all the same: nonsense is refused */
	assert_int_equal(write(f->peer, "SSH-2.0-x\r\n\0\0\0\0\0\0\0\0", 19),
			 19);
	ssh_wire_fill(&f->wire);
	assert_int_equal(f->wire.received_bytes, 19);
	assert_int_not_equal(libssh2_session_handshake(f->raw, f->wire.fd),
			     LIBSSH2_ERROR_EAGAIN);
	assert_int_equal(buf_len(&f->wire.in), 0);
}

TEST(reading_ahead_is_bounded)
{
	static char data[65536];
	struct fixture *f = *state;
	ssize_t n;

	do {
		n = send(f->peer, data, sizeof(data), MSG_DONTWAIT);
		ssh_wire_fill(&f->wire);
	} while (n > 0);
	assert_true(buf_len(&f->wire.in) >= SSH_WIRE_IN_MAX);
	assert_true(buf_len(&f->wire.in) < SSH_WIRE_IN_MAX + sizeof(data));
}

TEST(the_end_is_seen_after_the_last_byte)
{
	struct fixture *f = *state;
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(write(f->peer, "x", 1), 1);
	assert_int_equal(shutdown(f->peer, SHUT_WR), 0);
	ssh_wire_fill(&f->wire);
	assert_int_equal(buf_len(&f->wire.in), 1);
	assert_true(ssh_wire_dead(&f->wire));
	assert_int_equal(ssh_wire_why(&f->wire, &err), -1);
	assert_int_equal(err.kind, ERR_NETWORK);
	assert_non_null(strstr(err.message, "closed the connection"));
}

TEST(a_reset_is_named)
{
	struct fixture *f = *state;
	AUTO_ERR struct err err = { 0 };

	/* a peer that goes without reading resets the connection */
	buf_append(&f->wire.out, "x", 1);
	ssh_wire_flush(&f->wire);
	close_fd(f->peer);
	f->peer = -1;
	ssh_wire_fill(&f->wire);
	assert_true(ssh_wire_dead(&f->wire));
	assert_int_equal(ssh_wire_why(&f->wire, &err), -1);
	assert_non_null(strstr(err.message, strerror(ECONNRESET)));
}

TEST(a_cut_wire_fails_without_its_socket)
{
	struct fixture *f = *state;
	char c;

	ssh_wire_cut(&f->wire);
	assert_true(libssh2_session_handshake(f->raw, f->wire.fd) < 0);
	assert_int_equal(recv(f->peer, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* --- silence ------------------------------------------------------------- */

static const struct mono start = { 1000000 };

TEST(who_was_not_asked_is_not_silent)
{
	struct fixture *f = *state;

	assert_int_equal(ssh_wire_check_silence(
				 &f->wire, mono_add_ms(start, 100000), 1, NULL),
			 0);
}

TEST(silence_counts_from_the_oldest_question)
{
	struct fixture *f = *state;
	AUTO_ERR struct err err = { 0 };

	ssh_wire_asked(&f->wire, start);
	ssh_wire_asked(&f->wire, mono_add_ms(start, 900));
	assert_int_equal(ssh_wire_check_silence(
				 &f->wire, mono_add_ms(start, 999), 1000, &err),
			 0);
	assert_int_equal(ssh_wire_check_silence(&f->wire,
						mono_add_ms(start, 1000), 1000,
						&err),
			 -1);
	assert_int_equal(err.kind, ERR_NETWORK);
}

TEST(any_byte_ends_the_silence)
{
	struct fixture *f = *state;

	ssh_wire_asked(&f->wire, start);
	assert_int_equal(write(f->peer, "x", 1), 1);
	ssh_wire_fill(&f->wire);
	assert_int_equal(ssh_wire_check_silence(
				 &f->wire, mono_add_ms(start, 100000), 1, NULL),
			 0);
}

/* --- what the socket may hold --------------------------------------------- */

static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

/* SO_SNDBUF of a TCP socket at that distance; the kernel doubles it. */
static int sndbuf_at(unsigned int round_trip_us)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int sndbuf;

	ssh_wire_limit(fd, round_trip_us);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT),
			 SSH_WIRE_SNDBUF);
	sndbuf = option(fd, SOL_SOCKET, SO_SNDBUF);
	close(fd);
	return sndbuf;
}

TEST(a_near_peer_gets_a_small_buffer)
{
	assert_int_equal(sndbuf_at(100), 2 * SSH_WIRE_SNDBUF);
}

/* What is set by hand does not grow with the way any more. */
TEST(a_distant_peer_gets_what_the_way_holds)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int own = option(fd, SOL_SOCKET, SO_SNDBUF);

	close(fd);
	assert_int_equal(sndbuf_at(SSH_WIRE_NEAR_US), own);
	assert_int_equal(sndbuf_at(40000), own);
}

TEST(a_socket_of_this_machine_is_near)
{
	struct fixture *f = *state;

	assert_int_equal(ssh_wire_round_trip_us(f->wire.fd), 0);
	ssh_wire_limit(f->wire.fd, 40000);
	assert_int_equal(option(f->wire.fd, SOL_SOCKET, SO_SNDBUF),
			 2 * SSH_WIRE_SNDBUF);
}
