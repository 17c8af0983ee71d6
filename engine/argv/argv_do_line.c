/* SPDX-License-Identifier: MIT */
/*
 * argv_do_line: character devices as -serial, -monitor and the like take
 * them, in one line; and the debugger's socket.
 */
#include <string.h>

#include "engine/argv/argv_do.h"
#include "engine/argv/argv_own.h"
#include "engine/argv/argv_socket.h"
#include "transport/base/xalloc.h"

static const char terminal[] = "became null: there is no terminal over there";

struct line {
	const struct argv_item *it;
	const char *lead; /* "mon:tcp:" */
	const char *rest;
	bool monitor;
};

static bool is_lead(const struct line *l, const char *protocol)
{
	size_t len = strlen(l->lead), plen = strlen(protocol);

	return len >= plen && !strcmp(l->lead + len - plen, protocol);
}

static void emit_opt(struct argv_work *w, const struct line *l,
		     const struct argv_opt *o)
{
	AUTO_FREE char *opts = argv_opt_text(o);
	AUTO_FREE char *text = xasprintf("%s%s", l->lead, opts);

	argv_work_emit(w, l->it, text);
}

/* "HOST:PORT,server=on,wait=off": the address is no key of its own. */
static void line_tcp(struct argv_work *w, const struct line *l)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, l->rest, "address");
	if (argv_opt_bool(&o, "server", false))
		argv_do_listen(w, l->it, l->monitor);
	argv_do_wait_off(w, l->it, &o);
	emit_opt(w, l, &o);
}

/* Those that QEMU binds never get here. */
static void line_unix(struct argv_work *w, const struct line *l)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, l->rest, "path");
	argv_do_client(w, l->it, &o);
	argv_do_wait_off(w, l->it, &o);
	emit_opt(w, l, &o);
}

static void line_udp(struct argv_work *w, const struct line *l)
{
	const char *at = strchr(l->rest, '@');
	const char *port = at ? strrchr(at, ':') : NULL;

	if (port && strcmp(port, ":0") != 0)
		argv_do_listen(w, l->it, l->monitor);
	argv_work_keep(w, l->it);
}

/*
 * This notation has no append=, so the file gets a chardev of its own, and is
 * not emptied (argv_do_chardev.c). -debugcon takes none, but is no more than a
 * device. argv_restore() knows both forms.
 */
static void line_file(struct argv_work *w, const struct line *l)
{
	AUTO_FREE char *there = argv_work_path(w, l->rest);
	AUTO_FREE char *path = argv_opt_escape(there);
	struct strv *argv = &w->out->argv;
	unsigned int id = w->n_files++;

	argv_work_parent(w, l->rest);
	if (strcmp(l->lead, "file:") != 0) {
		argv_work_refuse(w, l->it,
				 "the destination would empty the file; use a "
				 "-chardev with append=on");
		return;
	}
	strv_push(argv, "-chardev");
	strv_pushf(argv, "file,id=" ARGV_FILE_ID "%u,path=%s,append=on", id,
		   path);
	if (!strcmp(l->it->def->name, "debugcon")) {
		strv_push(argv, "-device");
		strv_pushf(argv, ARGV_DEBUGCON ",chardev=" ARGV_FILE_ID "%u",
			   id);
	} else {
		strv_push(argv, l->it->word);
		strv_pushf(argv, "chardev:" ARGV_FILE_ID "%u", id);
	}
	argv_work_changed(w, l->it,
			  "opened with append=on: nothing in the file is lost");
}

static void line_pipe(struct argv_work *w, const struct line *l)
{
	AUTO_FREE char *there = argv_work_path(w, l->rest);
	AUTO_FREE char *text = xasprintf("%s%s", l->lead, there);

	if (w->in->same_host) {
		argv_work_refuse(w, l->it,
				 "on one host both QEMUs would read "
				 "the same pipe; use a UNIX socket");
		return;
	}
	argv_work_warn(w, l->it, "the pipe must exist over there");
	argv_work_emit(w, l->it, text);
}

static void line_fd(struct argv_work *w, const struct line *l)
{
	argv_work_refuse(w, l->it,
			 "the descriptor was inherited by the "
			 "source and cannot be opened again");
}

/* Words without a protocol: stdio, null, vc, pty, /dev/ttyS0. */
static void line_word(struct argv_work *w, const struct line *l)
{
	if (!strcmp(l->rest, "stdio")) {
		AUTO_FREE char *text = xasprintf("%snull", l->lead);

		argv_work_changed(w, l->it, "%s", terminal);
		argv_work_emit(w, l->it, text);
		return;
	}
	if (!strncmp(l->rest, "/dev/", 5)) {
		argv_work_warn(w, l->it,
			       "a device of the host: another one "
			       "will be at that name over there");
		argv_work_file(w, l->rest,
			       (struct argv_use){ .kind = ARGV_OTHER,
						  .writable = true });
	}
	if (!strcmp(l->rest, "pty"))
		argv_work_changed(w, l->it,
				  "the pseudo-terminal has another "
				  "name over there");
	argv_work_keep(w, l->it);
}

static const struct {
	const char *protocol;
	void (*handle)(struct argv_work *w, const struct line *l);
} protocols[] = {
	{ "tcp:", line_tcp },	 { "telnet:", line_tcp },
	{ "tn3270:", line_tcp }, { "websocket:", line_tcp },
	{ "unix:", line_unix },	 { "udp:", line_udp },
	{ "file:", line_file },	 { "pipe:", line_pipe },
	{ "fd:", line_fd },
};

static void do_line(struct argv_work *w, const struct argv_item *it,
		    bool monitor)
{
	AUTO_FREE char *lead = NULL;
	struct line l = { .it = it, .monitor = monitor };

	if (argv_do_bind(w, it))
		return;
	argv_socket_split(it->value, &lead, &l.rest);
	l.lead = lead;
	l.monitor |= !strncmp(lead, "mon:", 4);
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (is_lead(&l, protocols[i].protocol)) {
			protocols[i].handle(w, &l);
			return;
		}
	}
	line_word(w, &l);
}

void argv_do_line(struct argv_work *w, const struct argv_item *it)
{
	do_line(w, it, false);
}

void argv_do_monitor(struct argv_work *w, const struct argv_item *it)
{
	do_line(w, it, true);
}

/* --- gdb ----------------------------------------------------------------- */

void argv_do_gdb(struct argv_work *w, const struct argv_item *it)
{
	const char *at = it->value ? it->value : "tcp::1234"; /* -s */

	if (!strcmp(at, "stdio")) {
		argv_work_changed(w, it,
				  "dropped: there is no terminal for "
				  "the debugger over there");
		return;
	}
	if (it->value && argv_do_bind(w, it))
		return;
	if (strcmp(at, "none") != 0)
		argv_do_listen(w, it, true);
	argv_work_keep(w, it);
}
