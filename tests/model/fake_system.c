/* SPDX-License-Identifier: MIT */
/*
 * A QEMU in name: a process that owns the sockets of a machine's monitors.
 *
 * What is said on them is the business of fake_pair.py, which listens on the
 * socket `pair` beside this program. It is sent this process's pid and command
 * line, and the clients of each socket that is named there. When it closes the
 * connection, this process ends.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char version[] = "QEMU emulator version 7.2.22\n";
static const char machines[] = "Supported machines are:\nfake-7.2  Fake\n";

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path)) {
		fprintf(stderr, "%s is too long\n", path);
		exit(1);
	}
	strcpy(a.sun_path, path);
	return a;
}

static int reach_pair(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 8);
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (n < 0 || fd < 0)
		fail("fake_system");
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/pair");
	a = address(path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		fail(path);
	return fd;
}

/* A line each. */
static void introduce(int fd, int argc, char **argv)
{
	FILE *f = fdopen(dup(fd), "w");

	if (!f)
		fail("fdopen");
	fprintf(f, "%d\n%d\n", (int)getpid(), argc);
	for (int i = 0; i < argc; i++)
		fprintf(f, "%s\n", argv[i]);
	if (fclose(f) != 0)
		fail("pair");
}

/* "unix:PATH,…" of -qmp, "socket,…,path=PATH,…" of -chardev; else NULL. */
static char *socket_in(const char *option, const char *value)
{
	const char *path = NULL;

	if (!strcmp(option, "-qmp") && !strncmp(value, "unix:", 5))
		path = value + 5;
	else if (!strcmp(option, "-chardev") && strstr(value, ",path="))
		path = strstr(value, ",path=") + 6;
	return path ? strndup(path, strcspn(path, ",")) : NULL;
}

static int listen_on(const char *path)
{
	struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 4) < 0)
		fail(path);
	return fd;
}

static void hand_over(int to, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
			      .cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
		      } };
	char byte = '.';
	struct iovec data = { &byte, 1 };
	const struct msghdr m = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(to, &m, 0) != 1)
		fail("sendmsg");
}

static void serve(int pair, int argc, char **argv)
{
	struct pollfd fds[8] = { { .fd = pair, .events = POLLIN } };
	nfds_t n = 1;

	for (int i = 1; i + 1 < argc && n < 8; i++) {
		char *path = socket_in(argv[i], argv[i + 1]);

		if (path)
			fds[n++] = (struct pollfd){ .fd = listen_on(path),
						    .events = POLLIN };
		free(path);
	}
	while (poll(fds, n, -1) > 0 && !fds[0].revents) {
		for (nfds_t i = 1; i < n; i++) {
			int client;

			if (!fds[i].revents)
				continue;
			client = accept4(fds[i].fd, NULL, NULL, SOCK_CLOEXEC);
			if (client < 0)
				fail("accept");
			hand_over(pair, client);
			close(client);
		}
	}
}

int main(int argc, char **argv)
{
	int fd;

	if (argc > 1 && !strcmp(argv[1], "-version"))
		return fputs(version, stdout) < 0;
	if (argc > 2 && !strcmp(argv[1], "-machine") &&
	    !strcmp(argv[2], "help"))
		return fputs(machines, stdout) < 0;
	fd = reach_pair();
	introduce(fd, argc, argv);
	serve(fd, argc, argv);
	return 0;
}
