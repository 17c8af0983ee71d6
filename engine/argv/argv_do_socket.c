/* SPDX-License-Identifier: MIT */
/* argv_do_socket: what holds for a socket however it is written. */
#include "engine/argv/argv_do.h"
#include "engine/argv/argv_socket.h"
#include "transport/base/xalloc.h"

static const char wait_text[] =
	"wait=off set: the guest does not wait for somebody to connect";

void argv_do_wait_off(struct argv_work *w, const struct argv_item *it,
		      struct argv_opt *o)
{
	if (!argv_opt_bool(o, "server", false) ||
	    !argv_opt_bool(o, "wait", true))
		return;
	argv_opt_set_bool(o, "wait", false);
	argv_work_changed(w, it, "%s", wait_text);
}

bool argv_do_bind(struct argv_work *w, const struct argv_item *it)
{
	AUTO_SOCKET struct argv_socket s = { .path = NULL };
	AUTO_FREE char *text = NULL;

	if (!argv_socket_find(it, &s))
		return false;
	if (s.chardev)
		argv_do_wait_off(w, it, &s.opt);
	text = argv_socket_with(&s, argv_work_bind(w, s.path));
	argv_work_emit(w, it, text);
	return true;
}

bool argv_do_listen(struct argv_work *w, const struct argv_item *it,
		    bool monitor)
{
	if (w->in->same_host) {
		argv_work_refuse(w, it,
				 "on one host the source still listens "
				 "there; use a UNIX socket");
		return false;
	}
	if (monitor)
		argv_work_warn(w, it,
			       "whoever connects to this port over "
			       "there can start the guest before it has "
			       "arrived; use a UNIX socket");
	return true;
}

void argv_do_client(struct argv_work *w, const struct argv_item *it,
		    struct argv_opt *o)
{
	if (argv_opt_bool(o, "abstract", false) &&
	    argv_opt_bool(o, "server", false)) {
		argv_do_listen(w, it, false);
		return;
	}
	argv_work_warn(w, it,
		       "the destination connects to this socket as "
		       "soon as it starts: the other end must exist over "
		       "there");
	argv_work_opt_key(w, it, o, "path",
			  (struct argv_use){ .kind = ARGV_OTHER });
}
