/* SPDX-License-Identifier: MIT */
/* argv_do_chardev: character devices, monitors, the debugger's socket. */
#include <stdlib.h>
#include <string.h>

#include "engine/argv_do.h"
#include "engine/argv_socket.h"
#include "transport/base/xalloc.h"

static const char wait_text[] =
	"wait=off set: the guest does not wait for somebody to connect";
static const char tcp_taken[] =
	"on one host the source still listens there; use a UNIX socket";
static const char tcp_monitor[] =
	"whoever connects to this port over there can start the guest before "
	"it has arrived; use a UNIX socket";
static const char terminal[] =
	"became null: there is no terminal over there";

/* --- sockets that QEMU binds ----------------------------------------------- */

static bool waits(const struct argv_socket *s)
{
	return s->chardev && argv_opt_bool(&s->opt, "server", false) &&
	       argv_opt_bool(&s->opt, "wait", true);
}

/* True when @it bound a UNIX socket and has been dealt with. */
static bool bind_socket(struct argv_work *w, const struct argv_item *it)
{
	AUTO_SOCKET struct argv_socket s;
	AUTO_FREE char *text = NULL;

	if (!argv_socket_find(it, &s))
		return false;
	if (waits(&s)) {
		argv_opt_set_bool(&s.opt, "wait", false);
		argv_work_changed(w, it, "%s", wait_text);
	}
	text = argv_socket_with(&s, argv_work_bind(w, s.path));
	argv_work_emit(w, it, text);
	return true;
}

/* --- the backend of a chardev as an option string -------------------------- */

struct backend {
	const struct argv_item *it;
	struct argv_opt *o;
	bool monitor;
};

static bool mon_uses(const struct argv_item *it, const char *id)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	const char *line = it->value;

	if (!it->def || !line)
		return false;
	if (!strcmp(it->def->name, "mon")) {
		argv_opt_init(&o, line, it->def->implied);
		return argv_opt_is(&o, "chardev", id);
	}
	return (!strcmp(it->def->name, "monitor") ||
		!strcmp(it->def->name, "qmp") ||
		!strcmp(it->def->name, "qmp-pretty")) &&
	       !strncmp(line, "chardev:", 8) && !strcmp(line + 8, id);
}

static bool serves_monitor(const struct argv_work *w, const char *id)
{
	for (size_t i = 0; id && i < w->items->n; i++) {
		if (mon_uses(&w->items->v[i], id))
			return true;
	}
	return false;
}

/*
 * What holds for a stream or datagram socket however it is written. False:
 * refused.
 */
static bool tcp_allowed(struct argv_work *w, const struct argv_item *it,
			bool listens, bool monitor)
{
	if (listens && w->in->same_host) {
		argv_work_refuse(w, it, "%s", tcp_taken);
		return false;
	}
	if (listens && monitor)
		argv_work_warn(w, it, "%s", tcp_monitor);
	return true;
}

static void client_socket(struct argv_work *w, const struct backend *b)
{
	if (argv_opt_bool(b->o, "abstract", false) &&
	    argv_opt_bool(b->o, "server", false) && w->in->same_host) {
		argv_work_refuse(w, b->it, "on one host the source still has "
				 "this abstract socket; use one with a path");
		return;
	}
	argv_work_warn(w, b->it, "the destination connects to this socket as "
		       "soon as it starts: the other end must exist over "
		       "there");
	argv_work_opt_key(w, b->it, b->o, "path",
			  (struct argv_use){ .kind = ARGV_OTHER });
}

static void wait_off(struct argv_work *w, const struct backend *b)
{
	if (!argv_opt_bool(b->o, "server", false) ||
	    !argv_opt_bool(b->o, "wait", true))
		return;
	argv_opt_set_bool(b->o, "wait", false);
	argv_work_changed(w, b->it, "%s", wait_text);
}

static void chardev_socket(struct argv_work *w, const struct backend *b)
{
	if (argv_opt_get(b->o, "path")) {
		client_socket(w, b);
		return;
	}
	if (!tcp_allowed(w, b->it, argv_opt_bool(b->o, "server", false),
			 b->monitor))
		return;
	wait_off(w, b);
}

static void chardev_file(struct argv_work *w, const struct backend *b)
{
	const char *path = argv_opt_get(b->o, "path");
	AUTO_FREE char *there = NULL;

	if (!path)
		return;
	if (w->in->same_host && !argv_opt_bool(b->o, "append", false)) {
		argv_opt_set_bool(b->o, "append", true);
		argv_work_changed(w, b->it, "append=on set: the source still "
				  "writes this file");
	}
	argv_work_parent(w, path);
	there = argv_work_path(w, path);
	argv_opt_set(b->o, "path", there);
	argv_work_opt_key(w, b->it, b->o, "input-path",
			  (struct argv_use){ .kind = ARGV_OTHER });
}

static void chardev_log(struct argv_work *w, const struct backend *b)
{
	const char *path = argv_opt_get(b->o, "logfile");
	AUTO_FREE char *there = NULL;

	if (!path)
		return;
	if (w->in->same_host && !argv_opt_bool(b->o, "logappend", false)) {
		argv_opt_set_bool(b->o, "logappend", true);
		argv_work_changed(w, b->it, "logappend=on set: the source "
				  "still writes this file");
	}
	argv_work_parent(w, path);
	there = argv_work_path(w, path);
	argv_opt_set(b->o, "logfile", there);
}

static void chardev_stdio(struct argv_work *w, const struct backend *b)
{
	argv_opt_set(b->o, "backend", "null");
	argv_opt_remove(b->o, "signal");
	argv_work_changed(w, b->it, "%s", terminal);
}

static void chardev_pipe(struct argv_work *w, const struct backend *b)
{
	const char *path = argv_opt_get(b->o, "path");
	AUTO_FREE char *there = NULL;

	if (!path)
		return;
	if (w->in->same_host) {
		argv_work_refuse(w, b->it, "on one host both QEMUs would read "
				 "the same pipe; use a UNIX socket");
		return;
	}
	argv_work_warn(w, b->it, "the pipe must exist over there");
	there = argv_work_path(w, path);
	argv_opt_set(b->o, "path", there);
}

static void chardev_hardware(struct argv_work *w, const struct backend *b)
{
	argv_work_warn(w, b->it, "a device of the host: another one will be "
		       "at that name over there");
	argv_work_opt_key(w, b->it, b->o, "path",
			  (struct argv_use){ .kind = ARGV_OTHER,
					     .writable = true });
}

static void chardev_udp(struct argv_work *w, const struct backend *b)
{
	if (argv_opt_get(b->o, "localport") &&
	    !argv_opt_is(b->o, "localport", "0"))
		tcp_allowed(w, b->it, true, b->monitor);
}

static void chardev_pty(struct argv_work *w, const struct backend *b)
{
	argv_work_changed(w, b->it, "the pseudo-terminal has another name "
			  "over there");
}

static const struct {
	const char *backend;
	void (*handle)(struct argv_work *w, const struct backend *b);
} backends[] = {
	{ "socket", chardev_socket },     { "file", chardev_file },
	{ "stdio", chardev_stdio },       { "pipe", chardev_pipe },
	{ "serial", chardev_hardware },   { "tty", chardev_hardware },
	{ "parallel", chardev_hardware }, { "parport", chardev_hardware },
	{ "udp", chardev_udp },           { "pty", chardev_pty },
};

static void do_backend(struct argv_work *w, const struct backend *b)
{
	chardev_log(w, b);
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		if (argv_opt_is(b->o, "backend", backends[i].backend)) {
			backends[i].handle(w, b);
			return;
		}
	}
}

void argv_do_chardev(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o;
	struct backend b = { .it = it, .o = &o };
	struct argv_item logged = *it;
	AUTO_FREE char *text = NULL;

	argv_opt_init(&o, it->value, it->def->implied);
	b.monitor = serves_monitor(w, argv_opt_get(&o, "id"));
	if (argv_work_has_fd(w, it, &o))
		return;
	/* A socket that QEMU binds has a log file like all the others. */
	if (argv_opt_is(&o, "backend", "socket") &&
	    argv_opt_get(&o, "logfile")) {
		chardev_log(w, &b);
		text = argv_opt_text(&o);
		logged.value = text;
		if (bind_socket(w, &logged))
			return;
	} else if (bind_socket(w, it)) {
		return;
	}
	do_backend(w, &b);
	argv_work_emit_opt(w, it, &o);
}

/* --- -serial and the like -------------------------------------------------- */

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

static void emit_line(struct argv_work *w, const struct line *l,
		      const char *text)
{
	argv_work_emit(w, l->it, text);
}

/* "HOST:PORT,server=on,wait=off": the address is no key of its own. */
static void line_tcp(struct argv_work *w, const struct line *l)
{
	AUTO_OPT struct argv_opt o;
	AUTO_FREE char *opts = NULL;
	AUTO_FREE char *text = NULL;
	struct backend b = { .it = l->it, .o = &o, .monitor = l->monitor };

	argv_opt_init(&o, l->rest, "address");
	if (!tcp_allowed(w, l->it, argv_opt_bool(&o, "server", false),
			 l->monitor))
		return;
	wait_off(w, &b);
	opts = argv_opt_text(&o);
	text = xasprintf("%s%s", l->lead, opts);
	emit_line(w, l, text);
}

static void line_unix(struct argv_work *w, const struct line *l)
{
	AUTO_OPT struct argv_opt o;
	AUTO_FREE char *opts = NULL;
	AUTO_FREE char *text = NULL;
	struct backend b = { .it = l->it, .o = &o, .monitor = l->monitor };

	argv_opt_init(&o, l->rest, "path");
	client_socket(w, &b);
	opts = argv_opt_text(&o);
	text = xasprintf("%s%s", l->lead, opts);
	emit_line(w, l, text);
}

static void line_udp(struct argv_work *w, const struct line *l)
{
	const char *at = strchr(l->rest, '@');
	const char *port = at ? strrchr(at, ':') : NULL;

	if (port && strcmp(port, ":0") &&
	    !tcp_allowed(w, l->it, true, l->monitor))
		return;
	argv_work_keep(w, l->it);
}

/* This notation has no append=, so the file gets a chardev of its own. */
static void line_append(struct argv_work *w, const struct line *l,
			const char *there)
{
	AUTO_FREE char *path = argv_opt_escape(there);
	unsigned int id = w->n_files++;

	strv_push(&w->out->argv, "-chardev");
	strv_pushf(&w->out->argv, "file,id=log%u,path=%s,append=on%s", id,
		   path, strncmp(l->lead, "mon:", 4) ? "" : ",mux=on");
	strv_push(&w->out->argv, l->it->word);
	strv_pushf(&w->out->argv, "%schardev:log%u",
		   strncmp(l->lead, "mon:", 4) ? "" : "mon:", id);
	argv_work_changed(w, l->it, "opened with append=on: the source still "
			  "writes this file");
}

static void line_file(struct argv_work *w, const struct line *l)
{
	AUTO_FREE char *there = argv_work_path(w, l->rest);
	AUTO_FREE char *text = NULL;

	argv_work_parent(w, l->rest);
	if (w->in->same_host) {
		line_append(w, l, there);
		return;
	}
	text = xasprintf("%s%s", l->lead, there);
	emit_line(w, l, text);
}

static void line_pipe(struct argv_work *w, const struct line *l)
{
	AUTO_FREE char *there = argv_work_path(w, l->rest);
	AUTO_FREE char *text = xasprintf("%s%s", l->lead, there);

	if (w->in->same_host) {
		argv_work_refuse(w, l->it, "on one host both QEMUs would read "
				 "the same pipe; use a UNIX socket");
		return;
	}
	argv_work_warn(w, l->it, "the pipe must exist over there");
	emit_line(w, l, text);
}

static void line_fd(struct argv_work *w, const struct line *l)
{
	argv_work_refuse(w, l->it, "the descriptor was inherited by the "
			 "source and cannot be opened again");
}

/* Words without a protocol: stdio, null, vc, pty, /dev/ttyS0. */
static void line_word(struct argv_work *w, const struct line *l)
{
	if (!strcmp(l->rest, "stdio")) {
		AUTO_FREE char *text = xasprintf("%snull", l->lead);

		argv_work_changed(w, l->it, "%s", terminal);
		emit_line(w, l, text);
		return;
	}
	if (!strncmp(l->rest, "/dev/", 5)) {
		argv_work_warn(w, l->it, "a device of the host: another one "
			       "will be at that name over there");
		argv_work_file(w, l->rest,
			       (struct argv_use){ .kind = ARGV_OTHER,
						  .writable = true });
	}
	if (!strcmp(l->rest, "pty"))
		argv_work_changed(w, l->it, "the pseudo-terminal has another "
				  "name over there");
	argv_work_keep(w, l->it);
}

static const struct {
	const char *protocol;
	void (*handle)(struct argv_work *w, const struct line *l);
} protocols[] = {
	{ "tcp:", line_tcp },       { "telnet:", line_tcp },
	{ "tn3270:", line_tcp },    { "websocket:", line_tcp },
	{ "unix:", line_unix },     { "udp:", line_udp },
	{ "file:", line_file },     { "pipe:", line_pipe },
	{ "fd:", line_fd },
};

static void do_line(struct argv_work *w, const struct argv_item *it,
		    bool monitor)
{
	AUTO_FREE char *lead = NULL;
	struct line l = { .it = it, .monitor = monitor };

	if (bind_socket(w, it))
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

/* --- gdb ------------------------------------------------------------------- */

void argv_do_gdb(struct argv_work *w, const struct argv_item *it)
{
	const char *at = it->value ? it->value : "tcp::1234"; /* -s */

	if (!strcmp(at, "stdio")) {
		argv_work_changed(w, it, "dropped: there is no terminal for "
				  "the debugger over there");
		return;
	}
	if (it->value && bind_socket(w, it))
		return;
	if (strcmp(at, "none") && !tcp_allowed(w, it, true, true))
		return;
	argv_work_keep(w, it);
}
