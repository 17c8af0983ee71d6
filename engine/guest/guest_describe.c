/* SPDX-License-Identifier: MIT */
/* guest_describe: what a guest's command line says about it. */
#include "engine/guest/guest_describe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_item.h"
#include "engine/argv/argv_opt.h"
#include "engine/argv/argv_own.h"
#include "engine/argv/argv_path.h"
#include "engine/argv/argv_socket.h"
#include "engine/argv/argv_table.h"
#include "transport/base/xalloc.h"

/* --- name, UUID, RAM, CPUs ----------------------------------------------- */

static char *lower_uuid(const struct argv_items *items)
{
	const struct argv_item *it = argv_items_last(items, "uuid");
	char *uuid;

	if (!it || !it->value)
		return NULL;
	uuid = xstrdup(it->value);
	for (char *p = uuid; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return uuid;
}

/* "2G", "1.5G", "512" (MiB by default), as QEMU reads sizes. */
static uint64_t size_bytes(const char *text)
{
	static const char units[] = "bkmgtpe";
	char *end;
	double number = strtod(text, &end);
	const char *unit = *end ? strchr(units, tolower((unsigned char)*end))
				: strchr(units, 'm');

	if (end == text || !unit || !(number >= 0))
		return 0;
	for (; unit > units; unit--)
		number *= 1024;
	return number < 18e18 ? (uint64_t)number : 0;
}

enum { DEFAULT_RAM_MIB = 128 };

static uint64_t ram_bytes(const struct argv_items *items)
{
	AUTO_FREE char *size = argv_items_key(items, "m", "size");
	AUTO_FREE char *backend = argv_items_machine(items, "memory-backend");

	if (size)
		return size_bytes(size);
	return backend ? 0 : (uint64_t)DEFAULT_RAM_MIB << 20;
}

static unsigned int smp_key(const struct argv_items *items, const char *key)
{
	AUTO_FREE char *text = argv_items_key(items, "smp", key);

	return text ? (unsigned int)strtoul(text, NULL, 10) : 0;
}

static unsigned int vcpus(const struct argv_items *items)
{
	static const char *const levels[] = { "drawers", "books",    "sockets",
					      "dies",	 "clusters", "modules",
					      "cores",	 "threads" };
	unsigned int n = smp_key(items, "cpus");
	unsigned int product = 1;

	if (!n)
		n = smp_key(items, "maxcpus");
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		unsigned int count = smp_key(items, levels[i]);

		product *= count ? count : 1;
	}
	return n ? n : product;
}

/* QEMU called "kvm" prefers it by default. */
static bool is_called_kvm(const struct strv *argv)
{
	size_t len = argv->n ? strlen(argv->v[0]) : 0;

	return len >= 3 && !strcmp(argv->v[0] + len - 3, "kvm");
}

static bool asks_for_kvm(const struct argv_items *items,
			 const struct strv *argv)
{
	AUTO_FREE char *machine = argv_items_machine(items, "accel");
	bool chosen = machine != NULL;

	if (argv_items_last(items, "enable-kvm") ||
	    (machine && strstr(machine, "kvm")))
		return true;
	for (size_t i = 0; i < items->n; i++) {
		AUTO_OPT struct argv_opt o = { .v = NULL };

		if (!argv_item_opt(&items->v[i], "accel", &o))
			continue;
		if (argv_opt_is(&o, "accel", "kvm"))
			return true;
		chosen = true;
	}
	return !chosen && is_called_kvm(argv);
}

/* --- monitors ------------------------------------------------------------ */

struct scan {
	struct guest *g;
	const struct argv_items *items;
	size_t n_own; /* of ours found so far */
};

/* Ours come first: nobody else is connected to them. */
static void add_monitor(struct scan *s, struct monitor m, bool own)
{
	struct guest *g = s->g;
	size_t at = own ? s->n_own++ : g->n_monitors;

	g->monitors =
		xrealloc(g->monitors, g->n_monitors + 1, sizeof(*g->monitors));
	memmove(&g->monitors[at + 1], &g->monitors[at],
		(g->n_monitors - at) * sizeof(*g->monitors));
	g->monitors[at] = m;
	g->n_monitors++;
}

static void add_unix(struct scan *s, enum monitor_kind kind, const char *path,
		     bool own)
{
	AUTO_FREE char *full = argv_path_absolute(s->g->cwd, path);
	const char *public = argv_moves_public(&s->g->moves, full);

	add_monitor(s,
		    (struct monitor){ .kind = kind,
				      .path = xstrdup(public ? public : full) },
		    own);
}

static void add_chardev(struct scan *s, enum monitor_kind kind,
			const struct argv_item *it)
{
	AUTO_SOCKET struct argv_socket sock = { .path = NULL };
	AUTO_OPT struct argv_opt o = { .v = NULL };
	const char *host, *port;

	argv_opt_init(&o, it->value, it->def->implied);
	if (argv_socket_find(it, &sock)) {
		add_unix(s, kind, sock.path,
			 argv_own_id(argv_opt_get(&o, "id")));
		return;
	}
	host = argv_opt_get(&o, "host");
	port = argv_opt_get(&o, "port");
	if (port && argv_opt_bool(&o, "server", false))
		add_monitor(s,
			    (struct monitor){ .kind = kind,
					      .tcp = xasprintf("%s:%s",
							       host ? host : "",
							       port) },
			    false);
}

/* The monitor on the character device @id. */
static void add_by_id(struct scan *s, enum monitor_kind kind, const char *id)
{
	for (size_t i = 0; id && i < s->items->n; i++) {
		const struct argv_item *it = &s->items->v[i];
		AUTO_OPT struct argv_opt o = { .v = NULL };

		if (argv_item_opt(it, "chardev", &o) &&
		    argv_opt_is(&o, "id", id))
			add_chardev(s, kind, it);
	}
}

static void add_line(struct scan *s, enum monitor_kind kind,
		     const struct argv_item *it)
{
	AUTO_SOCKET struct argv_socket sock = { .path = NULL };
	AUTO_OPT struct argv_opt o = { .v = NULL };
	AUTO_FREE char *lead = NULL;
	const char *rest;

	if (argv_socket_find(it, &sock)) {
		add_unix(s, kind, sock.path, false);
		return;
	}
	argv_socket_split(it->value, &lead, &rest);
	if (!strcmp(lead, "chardev:"))
		add_by_id(s, kind, rest);
	argv_opt_init(&o, rest, "address");
	if ((!strcmp(lead, "tcp:") || !strcmp(lead, "telnet:") ||
	     !strcmp(lead, "mon:tcp:") || !strcmp(lead, "mon:telnet:")) &&
	    argv_opt_bool(&o, "server", false))
		add_monitor(s,
			    (struct monitor){ .kind = kind,
					      .tcp = xstrdup(argv_opt_get(
						      &o, "address")) },
			    false);
}

static void add_mon(struct scan *s, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	add_by_id(s,
		  argv_opt_is(&o, "mode", "control") ? MONITOR_QMP
						     : MONITOR_HMP,
		  argv_opt_get(&o, "chardev"));
}

static void add_object(struct scan *s, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	if (argv_opt_is(&o, "qom-type", "monitor-qmp"))
		add_by_id(s, MONITOR_QMP, argv_opt_get(&o, "chardev"));
	else if (argv_opt_is(&o, "qom-type", "monitor-hmp"))
		add_by_id(s, MONITOR_HMP, argv_opt_get(&o, "chardev"));
}

static void scan_item(struct scan *s, const struct argv_item *it)
{
	const char *name = it->def && it->value ? it->def->name : "";

	if (!strcmp(name, "qmp") || !strcmp(name, "qmp-pretty"))
		add_line(s, MONITOR_QMP, it);
	else if (!strcmp(name, "monitor") ||
		 (!strcmp(name, "serial") && !strncmp(it->value, "mon:", 4)))
		add_line(s, MONITOR_HMP, it);
	else if (!strcmp(name, "mon"))
		add_mon(s, it);
	else if (!strcmp(name, "object"))
		add_object(s, it);
}

void guest_describe(struct guest *g)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	struct scan s = { .g = g, .items = &items };

	argv_items_read(&items, &g->argv, argv_table_find);
	g->name = argv_items_key(&items, "name", "guest");
	g->uuid = lower_uuid(&items);
	g->ram_bytes = ram_bytes(&items);
	g->vcpus = vcpus(&items);
	g->has_kvm_arg = asks_for_kvm(&items, &g->argv);
	for (size_t i = 0; i < items.n; i++)
		scan_item(&s, &items.v[i]);
}
