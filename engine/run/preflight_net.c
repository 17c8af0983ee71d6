/* SPDX-License-Identifier: MIT */
/* preflight_net: whether the guest will have its network on the destination. */
#include "engine/run/preflight_net.h"

#include <stdlib.h>
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "engine/run/preflight_add.h"
#include "engine/run/reach.h"
#include "engine/run/run.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

/* --- gathering ------------------------------------------------------------ */

static struct mono in_time(void)
{
	return mono_in_ms(2 * (int64_t)RUN_SCRIPT_MS);
}

static bool one_host(const struct preflight *p)
{
	return probe_same_host(&p->r->src.facts, &p->r->dst.facts);
}

bool preflight_net_is_tap(const struct argv_nic *nic)
{
	return nic->kind == ARGV_NIC_TAP || nic->kind == ARGV_NIC_BRIDGE;
}

static bool has_taps(const struct argv_nics *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (preflight_net_is_tap(&l->v[i]))
			return true;
	}
	return false;
}

/* The guest itself is seen there, too, where both hosts are one machine. */
static bool is_source(const struct preflight *p, const struct guest *other)
{
	const struct guest *g = &p->r->source.guest;

	return p->same_pids && other->pid == g->pid &&
	       other->start_ticks == g->start_ticks;
}

static bool has_mac(const struct argv_nics *l, const char *mac)
{
	for (size_t i = 0; i < l->n; i++) {
		if (preflight_net_is_tap(&l->v[i]) && l->v[i].mac &&
		    !strcmp(l->v[i].mac, mac))
			return true;
	}
	return false;
}

static void find_twins_in(struct preflight_net *n, const struct guest *other)
{
	struct argv_nics nics;

	argv_nics_read(&other->argv, &nics);
	for (size_t i = 0; i < nics.n; i++) {
		struct argv_nic *nic = &nics.v[i];
		struct preflight_net_twin t = { .guest = other };

		if (!preflight_net_is_tap(nic) || !nic->mac ||
		    !has_mac(&n->nics_there, nic->mac))
			continue;
		t.mac = STEAL(nic->mac);
		t.ifname = STEAL(nic->ifname);
		t.bridge = STEAL(nic->bridge);
		n->twins =
			xrealloc(n->twins, n->n_twins + 1, sizeof(*n->twins));
		n->twins[n->n_twins++] = t;
	}
	argv_nics_free(&nics);
}

/* A relative one is below where QEMU is started. */
static void list_sockets(struct preflight *p)
{
	struct preflight_net *n = &p->net;
	const char *cwd = p->r->dest.plan.cwd;

	argv_listen_clients(&p->r->dest.plan.argv, &n->clients);
	for (size_t i = 0; i < n->clients.n; i++) {
		const char *path = n->clients.v[i].path;

		if (*path == '/')
			strv_push(&n->sockets, path);
		else
			strv_pushf(&n->sockets, "%s/%s", cwd ? cwd : "", path);
	}
	n->listeners = xcalloc(n->sockets.n, sizeof(*n->listeners));
}

void preflight_net_read(struct preflight *p)
{
	struct preflight_net *n = &p->net;
	const struct run *r = p->r;
	const struct strv *given = r->opt->dest_args ? r->opt->dest_args
						     : &r->source.facts.argv;

	argv_nics_read(&r->source.facts.argv, &n->nics_here);
	argv_nics_read(&r->dest.plan.argv, &n->nics_there);
	argv_listen_terminals(given, &n->terminals);
	argv_listen_passwords(given, &n->passwords);
	list_sockets(p);
	if (one_host(p))
		return;
	argv_listen_ports(&r->dest.plan.argv, &n->ports);
	for (size_t i = 0; i < p->guests.n; i++) {
		if (!is_source(p, &p->guests.v[i]))
			find_twins_in(n, &p->guests.v[i]);
	}
}

static void add_link(struct net_asker *a, const char *name)
{
	if (name && argv_nics_is_ifname(name) && !strv_has(&a->links, name))
		strv_push(&a->links, name);
}

static void add_links(struct net_asker *a, const struct argv_nics *nics)
{
	for (size_t i = 0; i < nics->n; i++) {
		add_link(a, nics->v[i].ifname);
		add_link(a, nics->v[i].bridge);
	}
}

int preflight_net_look_here(void *arg, struct err *err)
{
	struct preflight *p = arg;
	struct preflight_net *n = &p->net;
	struct net_asker a = { .pid = 0 };
	int rc;

	if (has_taps(&n->nics_here) || n->terminals.n)
		a.pid = p->r->source.guest.pid;
	add_links(&a, &n->nics_here);
	net_facts_free(&n->here);
	rc = net_facts_ask(p->r->src.host, &a, &n->here, in_time(), err);
	net_asker_free(&a);
	return rc;
}

static void add_ports(struct net_asker *a, const struct argv_port *port)
{
	enum { RANGE_MAX = 100 };
	unsigned int last = port->last;

	if (last - port->first >= RANGE_MAX)
		last = port->first + RANGE_MAX - 1;
	for (unsigned int i = port->first; i <= last; i++)
		strv_pushf(port->udp ? &a->udp : &a->tcp, "%04X", i);
}

int preflight_net_look_there(void *arg, struct err *err)
{
	struct preflight *p = arg;
	struct preflight_net *n = &p->net;
	struct net_asker a = { .bridges = has_taps(&n->nics_there) };
	int rc;

	add_links(&a, &n->nics_there);
	for (size_t i = 0; i < n->n_twins; i++)
		add_link(&a, n->twins[i].ifname);
	for (size_t i = 0; i < n->nics_there.n && !one_host(p); i++) {
		const struct argv_nic *nic = &n->nics_there.v[i];

		if (preflight_net_is_tap(nic) && nic->mac)
			strv_push(&a.macs, nic->mac);
	}
	for (size_t i = 0; i < n->ports.n; i++)
		add_ports(&a, &n->ports.v[i]);
	net_facts_free(&n->there);
	rc = net_facts_ask(p->r->dst.host, &a, &n->there, in_time(), err);
	net_asker_free(&a);
	return rc;
}

/* A socket on which nobody listens is not free for a pid file. */
int preflight_net_ask_sockets(void *arg, struct err *err)
{
	struct preflight *p = arg;
	struct preflight_net *n = &p->net;
	struct as_user user;
	const struct name_asker asker = {
		.user = reach_guest_user(p->r, p->r->dst.facts.uid, &user),
	};
	AUTO_FREE enum name_kind *kinds = xcalloc(n->sockets.n, sizeof(*kinds));

	for (size_t i = 0; i < n->sockets.n; i++)
		kinds[i] = NAME_OF_PIDFILE;
	return name_use_ask(p->r->dst.host, &asker, &n->sockets, kinds,
			    n->listeners, in_time(), err);
}

void preflight_net_free(struct preflight *p)
{
	struct preflight_net *n = &p->net;

	for (size_t i = 0; i < n->n_twins; i++) {
		free(n->twins[i].mac);
		free(n->twins[i].ifname);
		free(n->twins[i].bridge);
	}
	free(n->twins);
	argv_nics_free(&n->nics_here);
	argv_nics_free(&n->nics_there);
	argv_listen_free(&n->ports);
	argv_listen_clients_free(&n->clients);
	strv_free(&n->sockets);
	free(n->listeners);
	strv_free(&n->terminals);
	strv_free(&n->passwords);
	net_facts_free(&n->here);
	net_facts_free(&n->there);
}

/* --- what belongs together ------------------------------------------------ */

const struct argv_nic *preflight_net_peer(const struct preflight *p,
					  const struct argv_nic *nic)
{
	const struct argv_nics *here = &p->net.nics_here;
	size_t at = (size_t)(nic - p->net.nics_there.v);

	for (size_t i = 0; nic->id && i < here->n; i++) {
		if (here->v[i].id && !strcmp(here->v[i].id, nic->id))
			return &here->v[i];
	}
	return !nic->id && at < here->n && !here->v[at].id ? &here->v[at]
							   : NULL;
}

/* One that the process has open and no option names, if there is one alone. */
static const struct net_link *unnamed(const struct preflight_net *n)
{
	const struct net_link *found = NULL;

	for (size_t i = 0; i < n->here.n_found; i++) {
		const struct net_link *l = &n->here.found[i];
		bool named = false;

		for (size_t k = 0; k < n->nics_here.n; k++)
			named |= n->nics_here.v[k].ifname &&
				 !strcmp(n->nics_here.v[k].ifname, l->name);
		if (named)
			continue;
		if (found)
			return NULL;
		found = l;
	}
	return found;
}

const struct net_link *preflight_net_tap_here(const struct preflight *p,
					      const struct argv_nic *nic)
{
	const struct argv_nic *peer = preflight_net_peer(p, nic);

	if (!peer || p->net.here.apart)
		return NULL;
	return peer->ifname ? net_facts_link(&p->net.here, peer->ifname)
			    : unnamed(&p->net);
}

const char *preflight_net_bridge_here(const struct preflight *p,
				      const struct argv_nic *nic)
{
	const struct argv_nic *peer = preflight_net_peer(p, nic);
	const struct net_link *tap;

	if (peer && peer->bridge)
		return peer->bridge;
	tap = preflight_net_tap_here(p, nic);
	return tap && tap->bridge.kind == NET_BRIDGE ? tap->master : NULL;
}

const char *preflight_net_bridge_there(const struct preflight *p,
				       const struct argv_nic *nic)
{
	const struct net_link *tap;

	if (nic->bridge)
		return nic->bridge;
	tap = nic->ifname ? net_facts_link(&p->net.there, nic->ifname) : NULL;
	if (tap && tap->master)
		return tap->master;
	return preflight_net_bridge_here(p, nic);
}

/* --- MACs ----------------------------------------------------------------- */

static const char *bridge_of_twin(const struct preflight *p,
				  const struct preflight_net_twin *t)
{
	const struct net_link *l =
		t->ifname ? net_facts_link(&p->net.there, t->ifname) : NULL;

	if (t->bridge)
		return t->bridge;
	return l ? l->master : NULL;
}

/* Others' command lines are their word; the kernel's tables are not. */
static bool is_proved(const struct preflight *p,
		      const struct preflight_net_twin *t)
{
	const struct net_link *l =
		t->ifname ? net_facts_link(&p->net.there, t->ifname) : NULL;

	return !t->guest->uid || (l && l->self.carrier);
}

static void add_mac(struct preflight *p, enum check_verdict verdict,
		    char *found)
{
	checks_add(&p->r->checks, "mac", CHECK_DESTINATION, verdict, found,
		   xstrdup("end that guest, or start one of them with another "
			   "mac="));
}

/* Whether another guest was found to have the MAC of @nic. */
static bool check_twins(struct preflight *p, const struct argv_nic *nic)
{
	const char *ours = preflight_net_bridge_there(p, nic);
	bool found = false;

	for (size_t i = 0; i < p->net.n_twins; i++) {
		const struct preflight_net_twin *t = &p->net.twins[i];
		const char *its = bridge_of_twin(p, t);

		if (strcmp(t->mac, nic->mac) != 0 ||
		    (ours && its && strcmp(ours, its) != 0))
			continue;
		found = true;
		add_mac(p,
			ours && its && is_proved(p, t) ? CHECK_FAIL
						       : CHECK_WARN,
			xasprintf("%s (pid %d) on %s has the MAC %s, too%s%s",
				  guest_label(t->guest), (int)t->guest->pid,
				  dst_name(p), nic->mac,
				  ours && its ? ", in the same bridge " : "",
				  ours && its ? its : ""));
	}
	return found;
}

static void check_alive(struct preflight *p, const struct argv_nic *nic)
{
	const char *ours = preflight_net_bridge_there(p, nic);
	const char *alive = net_facts_alive(&p->net.there, nic->mac);
	const char *its = alive ? strchr(alive, ' ') : NULL;

	if (!alive || (ours && its && strcmp(ours, its + 1) != 0))
		return;
	add_mac(p, ours && its ? CHECK_FAIL : CHECK_WARN,
		xasprintf("the MAC %s is in use on %s: a bridge has learnt it "
			  "from %.*s",
			  nic->mac, dst_name(p), (int)strcspn(alive, " "),
			  alive));
}

void preflight_net_check_macs(struct preflight *p)
{
	for (size_t i = 0; i < p->net.nics_there.n; i++) {
		const struct argv_nic *nic = &p->net.nics_there.v[i];

		if (preflight_net_is_tap(nic) && nic->mac &&
		    !check_twins(p, nic))
			check_alive(p, nic);
	}
}

/* --- ports ---------------------------------------------------------------- */

static char *describe(const struct argv_port *port)
{
	const char *at = *port->host ? port->host : "every address";

	if (port->first == port->last)
		return xasprintf("%s port %u of %s", port->udp ? "UDP" : "TCP",
				 port->first, at);
	return xasprintf("each of the %s ports %u to %u of %s",
			 port->udp ? "UDP" : "TCP", port->first, port->last,
			 at);
}

static char *port_remedy(const struct argv_port *port)
{
	return xasprintf("ss -%slnp 'sport = :%u' shows there who has it: end "
			 "that, or give the guest another port with "
			 "--dest-args",
			 port->udp ? "u" : "t", port->first);
}

/* That of the one that is the easiest to have. */
static enum net_answer taken(const struct preflight *p,
			     const struct argv_port *port)
{
	enum net_answer best = NET_YES;

	for (unsigned int i = port->first; i <= port->last; i++) {
		enum net_answer one = net_facts_taken(&p->net.there, port->udp,
						      port->host, i);

		if (one == NET_NO)
			return NET_NO;
		if (one == NET_UNKNOWN)
			best = NET_UNKNOWN;
	}
	return best;
}

static void check_port(struct preflight *p, const struct argv_port *port)
{
	AUTO_FREE char *what = describe(port);
	enum net_answer answer = taken(p, port);

	if (net_facts_has_address(&p->net.there, port->host) == NET_NO)
		ADD(p, "port", DESTINATION, FAIL,
		    xasprintf("%s has no address %s, where %s is to listen",
			      dst_name(p), port->host, port->option),
		    xstrdup("give the guest an address that it has, or "
			    "0.0.0.0, with --dest-args"));
	else if (answer == NET_YES)
		ADD(p, "port", DESTINATION, FAIL,
		    xasprintf("%s, where %s is to listen, is taken on %s", what,
			      port->option, dst_name(p)),
		    port_remedy(port));
	else if (answer == NET_UNKNOWN)
		ADD(p, "port", DESTINATION, WARN,
		    xasprintf("%s, where %s is to listen, may be taken on %s",
			      what, port->option, dst_name(p)),
		    port_remedy(port));
	else if (net_facts_taken(&p->net.there, port->udp, port->host,
				 port->first) == NET_YES)
		ADD(p, "port", DESTINATION, WARN,
		    xasprintf("port %u is taken on %s: %s will listen on "
			      "another one, up to %u",
			      port->first, dst_name(p), port->option,
			      port->last),
		    port_remedy(port));
	else
		ADD(p, "port", DESTINATION, PASS,
		    xasprintf("%s is free on %s, for %s", what, dst_name(p),
			      port->option),
		    NULL);
}

void preflight_net_check_ports(struct preflight *p)
{
	for (size_t i = 0; i < p->net.ports.n; i++)
		check_port(p, &p->net.ports.v[i]);
}

/* --- sockets that QEMU connects to ---------------------------------------- */

static char *socket_remedy(const struct argv_client *c, const char *path)
{
	AUTO_FREE char *word = quote_text(path);

	return c->network
		       ? xasprintf("start there what listens on it here, "
				   "such as: passt --socket %s",
				   word)
		       : xasprintf("start there what listens on %s here", word);
}

/* What is missing altogether is the check "file"'s. */
static void check_socket(struct preflight *p, size_t i)
{
	static const char *const how[NAME_USES] = {
		[NAME_FILE] = "is no socket",
		[NAME_DIRECTORY] = "is no socket",
		[NAME_SOCKET] = "is a socket on which nobody listens",
		[NAME_UNKNOWN] = "may be a socket on which nobody listens",
	};
	const struct argv_client *c = &p->net.clients.v[i];
	const char *path = p->net.sockets.v[i];
	enum name_use use = p->net.listeners[i].use;
	bool sure = !c->retries && use != NAME_UNKNOWN;

	if (use == NAME_LIVE)
		ADD(p, "socket", DESTINATION, PASS,
		    xasprintf("a process listens on %s on %s, for %s", path,
			      dst_name(p), c->option),
		    NULL);
	else if (how[use])
		checks_add(&p->r->checks, "socket", CHECK_DESTINATION,
			   sure ? CHECK_FAIL : CHECK_WARN,
			   xasprintf("%s, which %s connects to, %s on %s", path,
				     c->option, how[use], dst_name(p)),
			   socket_remedy(c, path));
}

void preflight_net_check_sockets(struct preflight *p)
{
	for (size_t i = 0; i < p->net.sockets.n; i++)
		check_socket(p, i);
}

/* --- what a move does not take along -------------------------------------- */

static void check_connections(struct preflight *p)
{
	const struct argv_nics *here = &p->net.nics_here;

	for (size_t i = 0; i < here->n; i++) {
		bool passt = here->v[i].kind == ARGV_NIC_PASST;

		if (!passt && here->v[i].kind != ARGV_NIC_USER)
			continue;
		ADD(p, "user-network", BOTH, WARN,
		    xasprintf("%s connects the guest%s: its open connections "
			      "end with the move, new ones can be made",
			      passt ? "passt" : "QEMU itself (user network)",
			      here->v[i].implied ? ", by default" : ""),
		    xstrdup("give the guest a tap in a bridge if they have to "
			    "last"));
		return;
	}
}

static void check_passwords(struct preflight *p)
{
	for (size_t i = 0; i < p->net.passwords.n; i++) {
		const char *display = p->net.passwords.v[i];

		ADD(p, "password", DESTINATION, WARN,
		    xasprintf("a password that was set over the monitor for "
			      "-%s is not known to QEMU on %s: it refuses "
			      "every login",
			      display, dst_name(p)),
		    xasprintf(
			    "set it again after the move, in the guest's QMP "
			    "monitor: {\"execute\": \"set_password\", "
			    "\"arguments\": {\"protocol\": \"%s\", "
			    "\"password\": \"...\"}}; one of password-secret= "
			    "moves along",
			    display));
	}
}

static void check_terminals(struct preflight *p)
{
	AUTO_FREE char *options = NULL;

	if (!p->net.terminals.n || p->net.here.silent)
		return;
	options = strv_join(&p->net.terminals, ", ");
	ADD(p, "console", DESTINATION, WARN,
	    xasprintf("a console of the guest is QEMU's own terminal here "
		      "(%s): on %s it is lost",
		      options, dst_name(p)),
	    xstrdup("name a socket, which moves along, with --dest-args: "
		    "-serial unix:PATH,server=on,wait=off"));
}

void preflight_net_check_rest(struct preflight *p)
{
	check_connections(p);
	check_passwords(p);
	check_terminals(p);
}
