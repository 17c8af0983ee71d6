/* SPDX-License-Identifier: MIT */
/* guest_socket: connections to the UNIX sockets of a guest. */
#include "engine/hosts/guest_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/admit.h"
#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "engine/hosts/socket_listener.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char guest_socket_lend_sh[], guest_socket_trust_sh[],
	guest_socket_leave_sh[];

enum { LEAVE_MS = 5000 };

/* Where a socket can be connected to as long as this is held. */
struct place {
	char *at;
	char *dir; /* on the host, to be removed; NULL: none */
	int fd;	   /* of the socket; -1: none */
};

static int refuse(struct host *h, const char *path, const char *why,
		  struct err *err)
{
	err_set(err, ERR_REFUSED,
		"the socket %s is not connected to as root: "
		"%s",
		path, why);
	err_hint(err, "it has to be a socket of the user that the guest runs "
		      "as, in a directory below one of root's");
	return err_at_host(err, host_name(h));
}

static int trust_here(struct host *h, const char *path,
		      const struct guest_socket_owner *owner, struct place *out,
		      struct err *err)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot connect to %s", path);
	if (!S_ISSOCK(st.st_mode))
		return refuse(h, path, "it is no socket", err);
	if (st.st_uid != owner->uid && !socket_listener_is(fd, owner->pid))
		return refuse(h, path, "it belongs to another user", err);
	out->at = xasprintf("/proc/self/fd/%d", fd);
	out->fd = steal_fd(&fd);
	return 0;
}

static int trust_there(struct host *h, const char *path, uid_t owner,
		       struct place *out, struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *why = NULL;
	uid_t login;

	(void)host_becomes(h, &login);
	quote_assign(&script, "path", path);
	buf_printf(&script, "owner=%u login=%u\n%s%s%s", (unsigned int)owner,
		   (unsigned int)login, admit_sh, guest_socket_lend_sh,
		   guest_socket_trust_sh);
	if (probe_script(h, "socket", buf_data(&script), &text, deadline, err) <
	    0)
		return -1;
	why = answer_value(buf_data(&text), "why");
	if (why)
		return refuse(h, path, why, err);
	out->at = answer_value(buf_data(&text), "at");
	out->dir = answer_value(buf_data(&text), "dir");
	if (!out->at)
		out->at = xstrdup(path);
	return 0;
}

/* Who connects may use the name itself: no other user's rights are lent. */
static bool connects_at_once(struct host *h,
			     const struct guest_socket_owner *owner)
{
	if (host_is_local(h) && geteuid())
		return true;
	return !owner->uid && !host_becomes(h, NULL);
}

static int trust(struct host *h, const char *path,
		 const struct guest_socket_owner *owner, struct place *out,
		 struct mono deadline, struct err *err)
{
	*out = (struct place){ .fd = -1 };
	if (connects_at_once(h, owner)) {
		out->at = xstrdup(path);
		return 0;
	}
	return host_is_local(h)
		       ? trust_here(h, path, owner, out, err)
		       : trust_there(h, path, owner->uid, out, deadline, err);
}

/* A directory that cannot be removed now goes when the next one is made. */
static void leave(struct host *h, const char *path, struct place *p,
		  struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	err_replace(err, p->at, path);
	if (p->dir) {
		quote_assign(&script, "dir", p->dir);
		buf_printf(&script, "%s%s%s", admit_sh, guest_socket_lend_sh,
			   guest_socket_leave_sh);
		(void)probe_script(h, "socket", buf_data(&script), &text,
				   mono_in_ms(LEAVE_MS), NULL);
	}
	free(p->at);
	free(p->dir);
	close_fd(p->fd);
}

struct stream *guest_socket_connect(struct host *h, const char *path,
				    const struct guest_socket_owner *owner,
				    struct mono deadline, struct err *err)
{
	struct place p;
	struct stream *s;

	if (trust(h, path, owner, &p, deadline, err) < 0)
		return NULL;
	s = host_connect(h, p.at, deadline, err);
	leave(h, path, &p, s ? NULL : err);
	return s;
}

struct tunnel *guest_socket_tunnel_by(struct host *h, struct host *via,
				      const char *path,
				      const struct guest_socket_owner *owner,
				      struct mono deadline, struct err *err)
{
	struct place p;
	struct tunnel *t;

	if (trust(h, path, owner, &p, deadline, err) < 0)
		return NULL;
	t = host_tunnel(via, p.at, deadline, err);
	leave(h, path, &p, t ? NULL : err);
	return t;
}

struct tunnel *guest_socket_tunnel(struct host *h, const char *path,
				   const struct guest_socket_owner *owner,
				   struct mono deadline, struct err *err)
{
	return guest_socket_tunnel_by(h, h, path, owner, deadline, err);
}
