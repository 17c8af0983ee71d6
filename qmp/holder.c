/* SPDX-License-Identifier: MIT */
/*
 * holder: which process is at the other end of a single-client UNIX socket.
 *
 * The sockets that a listener accepted carry its address, so a dump of all
 * connected UNIX sockets with name and peer gives the clients' inodes; the
 * process that has such a socket open is found in /proc/PID/fd. All of it is
 * a snapshot: it serves a message, no decision.
 */
#include "qmp/holder.h"

#include <dirent.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

enum { TCP_ESTABLISHED_STATE = 1 };
static const size_t dump_bytes = 32768; /* the kernel's largest datagram */

struct search {
	const char *name; /* as bound: not always terminated */
	size_t name_len;
	uint32_t client;     /* inode of the client's socket; 0: none yet */
	uint32_t not_client; /* our own */
};

/* --- the clients of a listener ------------------------------------------- */

static int ask_kernel(int sock)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} request = {
		.head = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.body = {
			.sdiag_family = AF_UNIX,
			.udiag_states = 1u << TCP_ESTABLISHED_STATE,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER,
		},
	};

	return send(sock, &request, sizeof(request), 0) < 0 ? -1 : 0;
}

static void examine(const struct nlmsghdr *head, struct search *s)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(head);
	const struct rtattr *a = (const struct rtattr *)(msg + 1);
	int left = (int)(head->nlmsg_len - NLMSG_LENGTH(sizeof(*msg)));
	bool named = false;
	uint32_t peer = 0;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == UNIX_DIAG_NAME)
			named = RTA_PAYLOAD(a) >= s->name_len &&
				!memcmp(RTA_DATA(a), s->name, s->name_len) &&
				(RTA_PAYLOAD(a) == s->name_len ||
				 ((const char *)RTA_DATA(a))[s->name_len] ==
					 '\0');
		if (a->rta_type == UNIX_DIAG_PEER)
			memcpy(&peer, RTA_DATA(a), sizeof(peer));
	}
	if (named && peer && peer != s->not_client)
		s->client = peer;
}

/* Reads one datagram of the dump; false at its end. */
static bool read_answer(int sock, struct buf *b, struct search *s)
{
	const struct nlmsghdr *head = (void *)buf_data(b);
	ssize_t n = recv(sock, buf_data(b), dump_bytes, 0);
	unsigned int left = n > 0 ? (unsigned int)n : 0;

	if (!left)
		return false;
	for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
		if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			return false; /* NLMSG_DONE or an error */
		examine(head, s);
	}
	return true;
}

static void find_client(struct search *s)
{
	AUTO_FD int sock =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	AUTO_BUF struct buf b = { 0 };

	if (sock < 0 || ask_kernel(sock) < 0)
		return;
	buf_reserve(&b, dump_bytes);
	buf_commit(&b, 0);
	while (read_answer(sock, &b, s))
		;
}

/* --- the process that has a socket open ---------------------------------- */

static bool process_has(const char *pid, const char *link)
{
	AUTO_FREE char *dir_name = xasprintf("/proc/%s/fd", pid);
	DIR *dir = opendir(dir_name);
	const struct dirent *d;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (d = readdir(dir))) {
		char target[64];
		/* NOLINTNEXTLINE(*-unix.StdC*): dirfd() cannot fail here */
		ssize_t n = readlinkat(dirfd(dir), d->d_name, target,
				       sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		found = strcmp(target, link) == 0;
	}
	closedir(dir);
	return found;
}

static char *describe(const char *pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%s/comm", pid);
	char name[32] = "?";
	FILE *f = fopen(path, "re");

	if (f) {
		if (fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	return xasprintf("pid %s (%s)", pid, name);
}

static char *find_process(uint32_t inode)
{
	AUTO_FREE char *link = xasprintf("socket:[%u]", inode);
	DIR *proc = opendir("/proc");
	const struct dirent *d;
	char *who = NULL;

	if (!proc)
		return NULL;
	while (!who && (d = readdir(proc))) {
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' &&
		    process_has(d->d_name, link))
			who = describe(d->d_name);
	}
	closedir(proc);
	return who;
}

static char *search(struct search *s)
{
	if (!s->name_len)
		return NULL;
	find_client(s);
	return s->client ? find_process(s->client) : NULL;
}

char *holder_of_unix_socket(const char *path)
{
	struct search s = { .name = path, .name_len = strlen(path) };

	return search(&s);
}

/* The inode by which the kernel knows the socket @fd. */
static uint32_t socket_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

char *holder_of_unix_peer(int fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(addr);
	struct search s = { .name = addr.sun_path };

	if (fd < 0 || getpeername(fd, (struct sockaddr *)&addr, &len) < 0 ||
	    addr.sun_family != AF_UNIX ||
	    len <= offsetof(struct sockaddr_un, sun_path))
		return NULL;
	s.name_len = strnlen(addr.sun_path, sizeof(addr.sun_path));
	s.not_client = socket_inode(fd);
	return search(&s);
}
