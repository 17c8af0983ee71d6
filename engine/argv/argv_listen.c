/* SPDX-License-Identifier: MIT */
/* argv_listen: the ports that a QEMU of a command line takes on its host. */
#include "engine/argv/argv_listen.h"

#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_item.h"
#include "engine/argv/argv_socket.h"
#include "engine/argv/argv_table.h"
#include "transport/base/xalloc.h"

enum { PORT_MAX = 65535, VNC_FIRST = 5900, VNC_WEB_FIRST = 5700 };

void argv_listen_free(struct argv_ports *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].host);
		free(l->v[i].option);
	}
	free(l->v);
	*l = (struct argv_ports){ .n = 0 };
}

/* Where a reader puts what it finds, and what it is about. */
struct reader {
	struct argv_ports *out;
	const struct argv_item *it;
};

/* The number that @text is as a whole; -1: it is none, or too large. */
static int number(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (!len || len > 5 || strspn(text, "0123456789") != len)
		return -1;
	return (int)strtol(text, NULL, 10);
}

static struct argv_port *add(struct reader *r, const char *host, int port)
{
	struct argv_ports *l = r->out;
	struct argv_port *p;

	if (port <= 0 || port > PORT_MAX)
		return NULL;
	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	p = &l->v[l->n++];
	*p = (struct argv_port){
		.host = xstrdup(host ? host : ""),
		.first = (unsigned int)port,
		.last = (unsigned int)port,
		.option = xstrdup(r->it->word ? r->it->word : ""),
	};
	return p;
}

/* The host of "HOST:PORT" or "[HOST]:PORT", to be freed; *port is the rest. */
static char *split(const char *text, const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;

	*port = colon ? colon + 1 : text;
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']')
		return xstrndup(text + 1, len - 2);
	return xstrndup(text, len);
}

static struct argv_port *add_address(struct reader *r, const char *text)
{
	const char *port;
	AUTO_FREE char *host = split(text, &port);

	return add(r, host, number(port));
}

static void widen(struct argv_port *p, int last)
{
	if (p && last > (int)p->first && last <= PORT_MAX)
		p->last = (unsigned int)last;
}

/* --- displays ------------------------------------------------------------- */

/* "websocket", "websocket=5701", "websocket=HOST:5701" */
static void vnc_websocket(struct reader *r, const struct argv_opt *o,
			  const char *host, int display)
{
	const char *at = argv_opt_get(o, "websocket");

	if (at && strchr(at, ':'))
		add_address(r, at);
	else if (number(at) > 0)
		add(r, host, number(at));
	else if (argv_opt_bool(o, "websocket", false))
		add(r, host, VNC_WEB_FIRST + display);
}

static void read_vnc(struct reader *r, const char *text)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	AUTO_FREE char *host = NULL;
	const char *at, *port;
	int display;

	argv_opt_init(&o, text, "vnc");
	at = argv_opt_get(&o, "vnc");
	if (!at || !strncmp(at, "unix:", 5) ||
	    argv_opt_bool(&o, "reverse", false))
		return;
	host = split(at, &port);
	display = number(port);
	if (display < 0)
		return;
	widen(add(r, host, VNC_FIRST + display),
	      VNC_FIRST + number(argv_opt_get(&o, "to")));
	vnc_websocket(r, &o, host, display);
}

static void read_spice(struct reader *r, const struct argv_opt *o)
{
	const char *host = argv_opt_get(o, "addr");

	if (argv_opt_bool(o, "unix", false))
		return;
	add(r, host, number(argv_opt_get(o, "port")));
	add(r, host, number(argv_opt_get(o, "tls-port")));
}

/* --- character devices ---------------------------------------------------- */

static void read_chardev(struct reader *r, const struct argv_opt *o)
{
	struct argv_port *p;

	if (argv_opt_is(o, "backend", "socket") &&
	    argv_opt_bool(o, "server", false)) {
		p = add(r, argv_opt_get(o, "host"),
			number(argv_opt_get(o, "port")));
		widen(p, number(argv_opt_get(o, "to")));
	} else if (argv_opt_is(o, "backend", "udp")) {
		p = add(r, argv_opt_get(o, "localaddr"),
			number(argv_opt_get(o, "localport")));
		if (p)
			p->udp = true;
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

static bool is_stream(const char *lead)
{
	static const char *const protocols[] = { "tcp:", "telnet:", "tn3270:",
						 "websocket:" };

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (ends_with(lead, protocols[i]))
			return true;
	}
	return false;
}

/* "udp:[REMOTE]:PORT@[LOCAL]:PORT" */
static void read_udp_line(struct reader *r, const char *rest)
{
	const char *at = strchr(rest, '@');
	struct argv_port *p = at ? add_address(r, at + 1) : NULL;

	if (p)
		p->udp = true;
}

static void read_line(struct reader *r, const char *value, bool serves)
{
	AUTO_FREE char *lead = NULL;
	AUTO_OPT struct argv_opt o = { .v = NULL };
	const char *rest;

	argv_socket_split(value, &lead, &rest);
	if (ends_with(lead, "udp:")) {
		read_udp_line(r, rest);
	} else if (is_stream(lead)) {
		argv_opt_init(&o, rest, "address");
		if (argv_opt_get(&o, "address") &&
		    (serves || argv_opt_bool(&o, "server", false)))
			add_address(r, argv_opt_get(&o, "address"));
	}
}

/* --- networks ------------------------------------------------------------- */

/* "[tcp|udp]:[HOST]:PORT-[GUEST]:PORT"; a unix: one takes no port. */
static void read_forward(struct reader *r, const char *rule)
{
	const char *colon = strchr(rule, ':');
	const char *dash = colon ? strchr(colon, '-') : NULL;
	AUTO_FREE char *from = NULL;
	struct argv_port *p;

	if (!dash || !strncmp(rule, "unix:", 5))
		return;
	from = xstrndup(colon + 1, (size_t)(dash - colon) - 1);
	p = add_address(r, from);
	if (!p)
		return;
	p->udp = !strncmp(rule, "udp:", 4);
	free(p->option);
	p->option = xasprintf("hostfwd of %s", r->it->word);
}

static void read_forwards(struct reader *r, const struct argv_opt *o)
{
	for (size_t i = 0; i < o->n; i++) {
		const char *key = argv_opt_key(o, i);

		if (o->v[i].value &&
		    (!strcmp(key, "hostfwd") || !strncmp(key, "hostfwd.", 8)))
			read_forward(r, o->v[i].value);
	}
}

static void read_network(struct reader *r, const struct argv_opt *o)
{
	struct argv_port *p = NULL;

	/* a -nic without a type is a user network, too */
	read_forwards(r, o);
	if (argv_opt_is(o, "type", "socket") && argv_opt_get(o, "listen"))
		add_address(r, argv_opt_get(o, "listen"));
	else if (argv_opt_is(o, "type", "stream") &&
		 argv_opt_bool(o, "server", false) &&
		 argv_opt_is(o, "addr.type", "inet"))
		add(r, argv_opt_get(o, "addr.host"),
		    number(argv_opt_get(o, "addr.port")));
	else if (argv_opt_is(o, "type", "dgram") &&
		 argv_opt_is(o, "local.type", "inet"))
		p = add(r, argv_opt_get(o, "local.host"),
			number(argv_opt_get(o, "local.port")));
	if (p)
		p->udp = true;
}

/* --- all of them ---------------------------------------------------------- */

static bool is_network(const char *name)
{
	return !strcmp(name, "netdev") || !strcmp(name, "nic") ||
	       !strcmp(name, "net");
}

static void read_item(struct reader *r)
{
	const char *name = r->it->def->name, *value = r->it->value;
	AUTO_OPT struct argv_opt o = { .v = NULL };

	if (!strcmp(name, "s"))
		add(r, "", 1234);
	if (!value)
		return;
	if (!strcmp(name, "vnc")) {
		read_vnc(r, value);
		return;
	}
	if (!strcmp(name, "display") && !strncmp(value, "vnc=", 4)) {
		read_vnc(r, value + 4);
		return;
	}
	if (r->it->def->syntax == ARGV_SYNTAX_CHARDEV)
		read_line(r, value, !strcmp(name, "gdb"));
	if (r->it->def->syntax != ARGV_SYNTAX_OPT)
		return;
	argv_opt_init(&o, value, r->it->def->implied);
	if (!strcmp(name, "spice"))
		read_spice(r, &o);
	else if (!strcmp(name, "chardev"))
		read_chardev(r, &o);
	else if (is_network(name))
		read_network(r, &o);
}

void argv_listen_ports(const struct strv *argv, struct argv_ports *out)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	*out = (struct argv_ports){ .n = 0 };
	argv_items_read(&items, argv, argv_table_find);
	for (size_t i = 0; i < items.n; i++) {
		struct reader r = { .out = out, .it = &items.v[i] };

		if (items.v[i].def)
			read_item(&r);
	}
}

/* --- sockets that it connects to ------------------------------------------ */

void argv_listen_clients_free(struct argv_clients *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].path);
		free(l->v[i].option);
	}
	free(l->v);
	*l = (struct argv_clients){ .n = 0 };
}

static void add_client(struct argv_clients *l, const struct argv_item *it,
		       const struct argv_opt *o, const char *key)
{
	const char *path = argv_opt_get(o, key);
	bool network = !strcmp(it->def->name, "netdev") ||
		       !strcmp(it->def->name, "nic");

	if (!path || !*path || argv_opt_bool(o, "server", false) ||
	    argv_opt_bool(o, "abstract", false) ||
	    argv_opt_bool(o, "addr.abstract", false))
		return;
	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct argv_client){
		.path = xstrdup(path),
		.option = xstrdup(it->word),
		.retries = number(argv_opt_get(o, "reconnect")) > 0 ||
			   number(argv_opt_get(o, "reconnect-ms")) > 0,
		.network = network,
	};
}

static void read_client(struct argv_clients *l, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	AUTO_FREE char *lead = NULL;
	const char *rest;

	if (argv_item_opt(it, "chardev", &o)) {
		if (argv_opt_is(&o, "backend", "socket"))
			add_client(l, it, &o, "path");
	} else if (argv_item_opt(it, "netdev", &o) ||
		   argv_item_opt(it, "nic", &o)) {
		if (argv_opt_is(&o, "type", "stream") &&
		    argv_opt_is(&o, "addr.type", "unix"))
			add_client(l, it, &o, "addr.path");
	} else if (it->value && it->def->syntax == ARGV_SYNTAX_CHARDEV) {
		argv_socket_split(it->value, &lead, &rest);
		argv_opt_init(&o, rest, "path");
		if (ends_with(lead, "unix:"))
			add_client(l, it, &o, "path");
	}
}

void argv_listen_clients(const struct strv *argv, struct argv_clients *out)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	*out = (struct argv_clients){ .n = 0 };
	argv_items_read(&items, argv, argv_table_find);
	for (size_t i = 0; i < items.n; i++) {
		if (items.v[i].def && items.v[i].word)
			read_client(out, &items.v[i]);
	}
}

/* --- what stays behind ---------------------------------------------------- */

static void push_once(struct strv *l, const char *word)
{
	if (!strv_has(l, word))
		strv_push(l, word);
}

static bool is_terminal(const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	if (!it->value)
		return false;
	if (argv_item_opt(it, "chardev", &o))
		return argv_opt_is(&o, "backend", "stdio");
	return it->def->syntax == ARGV_SYNTAX_CHARDEV &&
	       (!strcmp(it->value, "stdio") || !strcmp(it->value, "mon:stdio"));
}

void argv_listen_terminals(const struct strv *argv, struct strv *out)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	const struct argv_item *bare;

	argv_items_read(&items, argv, argv_table_find);
	for (size_t i = 0; i < items.n; i++) {
		if (items.v[i].def && is_terminal(&items.v[i]))
			push_once(out, items.v[i].word);
	}
	bare = argv_items_last(&items, "nographic");
	if (bare && !argv_items_last(&items, "nodefaults") &&
	    !argv_items_last(&items, "serial"))
		push_once(out, bare->word);
}

static bool spice_asks(const struct argv_opt *o)
{
	return !argv_opt_bool(o, "disable-ticketing", false) &&
	       !argv_opt_bool(o, "sasl", false) &&
	       !argv_opt_get(o, "password") &&
	       !argv_opt_get(o, "password-secret");
}

static bool vnc_asks(const char *text)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, text, "vnc");
	return argv_opt_bool(&o, "password", false) &&
	       !argv_opt_get(&o, "password-secret");
}

void argv_listen_passwords(const struct strv *argv, struct strv *out)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	argv_items_read(&items, argv, argv_table_find);
	for (size_t i = 0; i < items.n; i++) {
		const struct argv_item *it = &items.v[i];
		AUTO_OPT struct argv_opt o = { .v = NULL };

		if (argv_item_opt(it, "spice", &o)) {
			if (spice_asks(&o))
				push_once(out, "spice");
			continue;
		}
		if (!it->def || !it->value)
			continue;
		if ((!strcmp(it->def->name, "vnc") && vnc_asks(it->value)) ||
		    (!strcmp(it->def->name, "display") &&
		     !strncmp(it->value, "vnc=", 4) && vnc_asks(it->value + 4)))
			push_once(out, "vnc");
	}
}
