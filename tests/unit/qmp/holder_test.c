/* SPDX-License-Identifier: MIT */
/* holder: finding the client of a UNIX socket of this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "qmp/holder.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* A listener with one client, ours, that it has accepted. */
struct served {
	char dir[32];
	char path[64];
	int listener;
	int client;
	int accepted;
};

static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	return fd;
}

static void serve(struct served *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(s->dir, "/tmp/vmferry-test.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/sock", s->dir);
	strcpy(addr.sun_path, s->path);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	s->client = dial(s->path);
	s->accepted = accept(s->listener, NULL, NULL);
}

static void end(struct served *s)
{
	close_fd(s->client);
	close_fd(s->accepted);
	close_fd(s->listener);
	unlink(s->path);
	rmdir(s->dir);
}

TEST(the_accepted_client_is_named_with_its_program)
{
	AUTO_FREE char *want = xasprintf("pid %d (a program)", getpid());
	AUTO_FREE char *who = NULL;
	struct served s;

	assert_int_equal(prctl(PR_SET_NAME, "a program"), 0);
	serve(&s);
	who = holder_of_unix_socket(s.path);
	assert_non_null(who);
	assert_string_equal(who, want);
	end(&s);
}

TEST(a_waiting_connection_finds_the_accepted_one)
{
	AUTO_FREE char *who = NULL;
	AUTO_FD int waiting = -1;
	struct served s;

	serve(&s);
	waiting = dial(s.path);
	who = holder_of_unix_peer(waiting);
	assert_non_null(who);
	end(&s);
}

TEST(nobody_holds_a_socket_without_client)
{
	struct served s;

	serve(&s);
	close_fd(steal_fd(&s.client));
	close_fd(steal_fd(&s.accepted));
	assert_null(holder_of_unix_socket(s.path));
	end(&s);
}

TEST(another_path_is_another_socket)
{
	AUTO_FREE char *prefix = NULL;
	struct served s;

	serve(&s);
	prefix = xstrndup(s.path, strlen(s.path) - 1);
	assert_null(holder_of_unix_socket(prefix));
	assert_null(holder_of_unix_socket(""));
	end(&s);
}

TEST(what_is_no_named_socket_has_no_holder)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_null(holder_of_unix_peer(pair[0]));
	assert_null(holder_of_unix_peer(STDIN_FILENO));
	assert_null(holder_of_unix_peer(-1));
	close_fd(pair[0]);
	close_fd(pair[1]);
}
