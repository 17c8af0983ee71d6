/* SPDX-License-Identifier: MIT */
/* socket_listener: whose process listens on a UNIX socket of this machine. */
#include "engine/hosts/socket_listener.h"

#include <dirent.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

#include "transport/base/xalloc.h"

enum { LISTENING = 1 << 10, ANSWER_BYTES = 32 * 1024, WAIT_S = 2 };

/* --- which sockets are bound to a file ------------------------------------ */

static bool ask(int netlink)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = AF_UNIX,
			  .udiag_states = LISTENING,
			  .udiag_show = UDIAG_SHOW_VFS },
	};
	const struct timeval wait = { .tv_sec = WAIT_S };

	(void)setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return send(netlink, &request, sizeof(request), 0) ==
	       (ssize_t)sizeof(request);
}

/* The kernel has 32 bits of an inode's number here, and its own dev_t. */
static bool is_at(const struct unix_diag_vfs *vfs, const struct stat *st)
{
	return vfs->udiag_vfs_ino == (uint32_t)st->st_ino &&
	       vfs->udiag_vfs_dev ==
		       (major(st->st_dev) << 20 | minor(st->st_dev));
}

/* The inode of the socket that @head is about if it is bound there, or 0. */
static uint32_t bound_at(const struct nlmsghdr *head, const struct stat *st)
{
	const struct unix_diag_msg *m = NLMSG_DATA(head);
	const struct rtattr *a = (const struct rtattr *)(m + 1);
	size_t left;

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return 0;
	left = head->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		struct unix_diag_vfs vfs;

		if (a->rta_type != UNIX_DIAG_VFS ||
		    RTA_PAYLOAD(a) < sizeof(vfs))
			continue;
		memcpy(&vfs, RTA_DATA(a), sizeof(vfs));
		if (is_at(&vfs, st))
			return m->udiag_ino;
	}
	return 0;
}

/* 0: there is none, or it is not known. */
static uint32_t find_socket(const struct stat *st)
{
	AUTO_FD int netlink =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	AUTO_FREE char *answer = xmalloc(ANSWER_BYTES);
	ssize_t n;

	if (netlink < 0 || !ask(netlink))
		return 0;
	while ((n = recv(netlink, answer, ANSWER_BYTES, 0)) > 0) {
		size_t left = (size_t)n;
		const struct nlmsghdr *head = (const void *)answer;

		for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
			uint32_t found;

			if (head->nlmsg_type == NLMSG_DONE ||
			    head->nlmsg_type == NLMSG_ERROR)
				return 0;
			found = bound_at(head, st);
			if (found)
				return found;
		}
	}
	return 0;
}

/* --- who has it open ------------------------------------------------------ */

static bool has_open(pid_t pid, uint32_t inode)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/fd", (int)pid);
	AUTO_FREE char *wanted = xasprintf("socket:[%u]", (unsigned int)inode);
	DIR *dir = opendir(path);
	const struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir))) {
		char target[64];
		/* NOLINTNEXTLINE(*-unix.StdC*): dirfd() cannot fail here */
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target,
				       sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		found = !strcmp(target, wanted);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool socket_listener_is(int fd, pid_t pid)
{
	struct stat st;
	uint32_t inode;

	if (pid <= 0 || fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	inode = find_socket(&st);
	return inode && has_open(pid, inode);
}
