/* SPDX-License-Identifier: MIT */
/* argv_do_chardev: -chardev. */
#include <string.h>

#include "engine/argv/argv_do.h"
#include "transport/base/xalloc.h"

static const char terminal[] = "became null: there is no terminal over there";

struct backend {
	const struct argv_item *it;
	struct argv_opt *o;
	bool monitor;
};

static bool mon_uses(const struct argv_item *it, const char *id)
{
	static const char *const lines[] = { "monitor", "qmp", "qmp-pretty" };
	AUTO_OPT struct argv_opt o = { .v = NULL };

	if (!it->def || !it->value)
		return false;
	if (argv_item_opt(it, "mon", &o))
		return argv_opt_is(&o, "chardev", id);
	if (argv_item_opt(it, "object", &o))
		return argv_opt_is(&o, "chardev", id) &&
		       (argv_opt_is(&o, "qom-type", "monitor-qmp") ||
			argv_opt_is(&o, "qom-type", "monitor-hmp"));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!strcmp(it->def->name, lines[i]))
			return !strncmp(it->value, "chardev:", 8) &&
			       !strcmp(it->value + 8, id);
	}
	return false;
}

static bool serves_monitor(const struct argv_work *w, const char *id)
{
	for (size_t i = 0; id && i < w->items->n; i++) {
		if (mon_uses(&w->items->v[i], id))
			return true;
	}
	return false;
}

static void chardev_socket(struct argv_work *w, const struct backend *b)
{
	if (argv_opt_get(b->o, "path")) {
		argv_do_client(w, b->it, b->o);
		return;
	}
	if (argv_opt_bool(b->o, "server", false))
		argv_do_listen(w, b->it, b->monitor);
	argv_do_wait_off(w, b->it, b->o);
}

/*
 * The source writes the file until it ends, and may go on doing so: opened
 * otherwise it would be emptied, on storage that both hosts share, too.
 */
static void set_append(struct argv_work *w, const struct backend *b,
		       const char *key)
{
	if (argv_opt_bool(b->o, key, false))
		return;
	argv_opt_set_bool(b->o, key, true);
	argv_work_changed(w, b->it, "%s=on set: nothing in the file is lost",
			  key);
}

static void chardev_file(struct argv_work *w, const struct backend *b)
{
	const char *path = argv_opt_get(b->o, "path");
	AUTO_FREE char *there = NULL;

	if (!path)
		return;
	set_append(w, b, "append");
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
	set_append(w, b, "logappend");
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

/* A named pipe is two files; which, only the host knows. */
static void chardev_pipe(struct argv_work *w, const struct backend *b)
{
	const char *path = argv_opt_get(b->o, "path");
	AUTO_FREE char *there = NULL;

	if (!path)
		return;
	if (w->in->same_host) {
		argv_work_refuse(w, b->it,
				 "on one host both QEMUs would read "
				 "the same pipe; use a UNIX socket");
		return;
	}
	argv_work_warn(w, b->it, "the pipe must exist over there");
	there = argv_work_path(w, path);
	argv_opt_set(b->o, "path", there);
}

static void chardev_hardware(struct argv_work *w, const struct backend *b)
{
	argv_work_warn(w, b->it,
		       "a device of the host: another one will be "
		       "at that name over there");
	argv_work_opt_key(w, b->it, b->o, "path",
			  (struct argv_use){ .kind = ARGV_OTHER,
					     .writable = true });
}

static void chardev_udp(struct argv_work *w, const struct backend *b)
{
	if (argv_opt_get(b->o, "localport") &&
	    !argv_opt_is(b->o, "localport", "0"))
		argv_do_listen(w, b->it, b->monitor);
}

static void chardev_pty(struct argv_work *w, const struct backend *b)
{
	argv_work_changed(w, b->it,
			  "the pseudo-terminal has another name "
			  "over there");
}

static const struct {
	const char *backend;
	void (*handle)(struct argv_work *w, const struct backend *b);
} backends[] = {
	{ "socket", chardev_socket },	  { "file", chardev_file },
	{ "stdio", chardev_stdio },	  { "pipe", chardev_pipe },
	{ "serial", chardev_hardware },	  { "tty", chardev_hardware },
	{ "parallel", chardev_hardware }, { "parport", chardev_hardware },
	{ "udp", chardev_udp },		  { "pty", chardev_pty },
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
	AUTO_OPT struct argv_opt o = { .v = NULL };
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
		if (argv_do_bind(w, &logged))
			return;
	} else if (argv_do_bind(w, it)) {
		return;
	}
	do_backend(w, &b);
	argv_work_emit_opt(w, it, &o);
}
