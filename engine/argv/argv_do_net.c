/* SPDX-License-Identifier: MIT */
/* argv_do_net: network backends. */
#include <string.h>

#include "engine/argv/argv_do.h"
#include "transport/base/xalloc.h"

struct net {
	const struct argv_item *it;
	struct argv_opt *o;
};

static const char taken[] =
	"on one host the source still has this port; leave it out or use "
	"another kind of network";

static void add_net(struct argv_work *w, const struct net *n,
		    const char *bridge, const char *ifname, const char *script)
{
	struct argv_plan *p = w->out;

	p->nets = xrealloc(p->nets, p->n_nets + 1, sizeof(*p->nets));
	p->nets[p->n_nets++] = (struct argv_net){
		.option = xasprintf("%s %s", n->it->word, n->it->value),
		.bridge = xstrdup(bridge),
		.ifname = xstrdup(ifname),
		.script = xstrdup(script),
	};
}

static void list_key(struct argv_work *w, const struct net *n, const char *key,
		     bool directory)
{
	argv_work_opt_key(w, n->it, n->o, key,
			  (struct argv_use){ .kind = ARGV_OTHER,
					     .directory = directory });
}

/* A script that is not "no". */
static void script(struct argv_work *w, const struct net *n, const char *key)
{
	if (!argv_opt_is(n->o, key, "no"))
		list_key(w, n, key, false);
}

static void net_tap(struct argv_work *w, const struct net *n)
{
	const char *ifname = argv_opt_get(n->o, "ifname");
	const char *helper = argv_opt_get(n->o, "helper");
	const char *bridge = argv_opt_get(n->o, "br");
	const char *up;

	if (ifname && w->in->same_host)
		argv_work_refuse(w, n->it,
				 "on one host the source still has "
				 "%s open; use -netdev bridge or leave ifname= "
				 "out",
				 ifname);
	script(w, n, "script");
	script(w, n, "downscript");
	list_key(w, n, "helper", false);
	up = argv_opt_get(n->o, "script");
	if (!up && !helper)
		up = "/etc/qemu-ifup";
	if (up && !strcmp(up, "no"))
		up = NULL;
	if (helper && !bridge)
		bridge = "br0";
	add_net(w, n, bridge, ifname, up);
}

static void net_bridge(struct argv_work *w, const struct net *n)
{
	const char *bridge = argv_opt_get(n->o, "br");

	list_key(w, n, "helper", false);
	add_net(w, n, bridge ? bridge : "br0", NULL, NULL);
}

static bool is_forward(const char *key)
{
	return !strcmp(key, "hostfwd") || !strncmp(key, "hostfwd.", 8);
}

/* "tcp::0-:22" lets the host choose; a fixed port can be had only once. */
static bool fixed_port(const char *rule)
{
	const char *dash = strchr(rule, '-');

	return dash && !(dash - rule >= 2 && !strncmp(dash - 2, ":0", 2));
}

static void net_user(struct argv_work *w, const struct net *n)
{
	for (size_t i = 0; i < n->o->n; i++) {
		const char *value = n->o->v[i].value;

		if (w->in->same_host && value &&
		    is_forward(argv_opt_key(n->o, i)) && fixed_port(value))
			argv_work_refuse(w, n->it, "%s", taken);
	}
	list_key(w, n, "smb", true);
	list_key(w, n, "tftp", true);
}

static void refuse_on_same_host(struct argv_work *w, const struct net *n,
				const char *key)
{
	if (w->in->same_host && argv_opt_get(n->o, key))
		argv_work_refuse(w, n->it, "%s", taken);
}

static void net_socket(struct argv_work *w, const struct net *n)
{
	refuse_on_same_host(w, n, "listen");
	if (argv_opt_get(n->o, "udp"))
		refuse_on_same_host(w, n, "localaddr");
}

static void net_stream(struct argv_work *w, const struct net *n)
{
	if (argv_opt_bool(n->o, "server", false)) {
		refuse_on_same_host(w, n, "addr.port");
		return;
	}
	if (argv_opt_get(n->o, "addr.path"))
		argv_work_warn(w, n->it,
			       "the other end of the socket must "
			       "exist over there");
	list_key(w, n, "addr.path", false);
}

static void net_dgram(struct argv_work *w, const struct net *n)
{
	refuse_on_same_host(w, n, "local.port");
}

static void net_l2tpv3(struct argv_work *w, const struct net *n)
{
	if (w->in->same_host)
		argv_work_refuse(w, n->it, "%s", taken);
}

static void net_vde(struct argv_work *w, const struct net *n)
{
	list_key(w, n, "sock", true);
}

static void net_vdpa(struct argv_work *w, const struct net *n)
{
	argv_work_warn(w, n->it,
		       "a device of the host, which has to support "
		       "migration");
	list_key(w, n, "vhostdev", false);
}

static void net_host_interface(struct argv_work *w, const struct net *n)
{
	add_net(w, n, NULL, argv_opt_get(n->o, "ifname"), NULL);
}

static void net_passt(struct argv_work *w, const struct net *n)
{
	static const char *const ports[] = { "tcp-ports", "udp-ports" };

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		refuse_on_same_host(w, n, ports[i]);
	list_key(w, n, "path", false);
}

static const struct {
	const char *type;
	void (*handle)(struct argv_work *w, const struct net *n);
} types[] = {
	{ "tap", net_tap },	    { "bridge", net_bridge },
	{ "user", net_user },	    { "socket", net_socket },
	{ "stream", net_stream },   { "dgram", net_dgram },
	{ "l2tpv3", net_l2tpv3 },   { "vde", net_vde },
	{ "vhost-vdpa", net_vdpa }, { "af-xdp", net_host_interface },
	{ "passt", net_passt },
};

/* -net and -nic also take "none", "nic", "hubport" and no type at all. */
static void do_type(struct argv_work *w, const struct net *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (argv_opt_is(n->o, "type", types[i].type))
			types[i].handle(w, n);
	}
}

void argv_do_netdev(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	if (argv_work_has_fd(w, it, &o) || argv_do_bind(w, it))
		return;
	do_type(w, &(struct net){ .it = it, .o = &o });
	argv_work_emit_opt(w, it, &o);
}
