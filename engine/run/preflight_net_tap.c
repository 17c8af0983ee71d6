/* SPDX-License-Identifier: MIT */
/*
 * preflight_net_tap: whether the taps and bridges of the guest's cards are on
 * the destination what they are on the source.
 *
 * QEMU with script=no uses a tap as it finds it. One that is not there it makes
 * anew, which is down and in no bridge, and says nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "engine/run/preflight_add.h"
#include "engine/run/preflight_net.h"
#include "engine/run/run.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

/* A tap by name, which no script sets up. What is not known is NULL. */
struct tap {
	struct preflight *p;
	const struct argv_nic *nic;
	const struct net_link *here, *there;
	const char *want;	       /* the bridge that it is in here */
	const struct net_link *bridge; /* that one there */
};

static void add(struct preflight *p, const char *name,
		enum check_verdict verdict, char *found, char *remedy)
{
	checks_add(&p->r->checks, name, CHECK_DESTINATION, verdict, found,
		   remedy);
}

/* --- remedies ------------------------------------------------------------- */

static void push(struct strv *commands, const char *fmt, const char *name)
{
	AUTO_FREE char *word = quote_text(name);
	AUTO_FREE char *before = xstrndup(fmt, strcspn(fmt, "@"));
	const char *after = strchr(fmt, '@');

	strv_pushf(commands, "%s%s%s", before, word, after ? after + 1 : "");
}

static void bridge_commands(struct strv *commands, const char *name,
			    const struct net_link *there)
{
	if (!there)
		push(commands, "ip link add name @ type bridge", name);
	if (!there || !there->self.up)
		push(commands, "ip link set dev @ up", name);
}

/* What a bridge gives each new port. */
static const char first_vlans[] = "1 PVID Egress Untagged";

static bool vlans_differ(const struct tap *t)
{
	const char *there = t->there && t->there->vlans ? t->there->vlans
							: first_vlans;

	return t->here && t->here->vlans && t->here->bridge.filters == 1 &&
	       t->bridge && t->bridge->self.filters == 1 &&
	       strcmp(t->here->vlans, there) != 0;
}

/* One command a VLAN of @list: "1 PVID Egress Untagged,7". */
static void vlan_commands(struct strv *commands, const char *ifname,
			  const char *verb, const char *list)
{
	AUTO_FREE char *copy = xstrdup(list);
	AUTO_FREE char *name = quote_text(ifname);
	char *rest = copy, *entry;

	while ((entry = strsep(&rest, ","))) {
		char *flags = entry + strspn(entry, "0123456789-");
		bool adds = !strcmp(verb, "add");

		if (flags == entry || (*flags && *flags != ' '))
			continue;
		if (*flags)
			*flags++ = '\0';
		strv_pushf(commands, "bridge vlan %s dev %s vid %s%s%s", verb,
			   name, entry,
			   adds && strstr(flags, "PVID") ? " pvid" : "",
			   adds && strstr(flags, "Untagged") ? " untagged"
							     : "");
	}
}

static bool may_open(const struct tap *t)
{
	const struct net_iface *i = &t->there->self;
	const struct account *a = &t->p->account;
	AUTO_FREE char *gid = xasprintf("%ld", i->group);

	if (!t->p->r->source.guest.uid || !a->known)
		return true;
	return (i->owner < 0 || i->owner == (long)a->uid) &&
	       (i->group < 0 || account_is_in(a, gid));
}

static bool may_use_tun(const struct tap *t)
{
	const struct net_facts *f = &t->p->net.there;
	const struct account *a = &t->p->account;
	AUTO_FREE char *gid = xasprintf("%ld", f->tun_gid);
	unsigned int shift = 0;

	if (!t->p->r->source.guest.uid || !a->known || f->tun_mode < 0)
		return true;
	if (f->tun_uid == (long)a->uid)
		shift = 6;
	else if (account_is_in(a, gid))
		shift = 3;
	return (f->tun_mode >> shift & 6) == 6;
}

/* One that QEMU cannot open has to be made anew. */
static bool is_useless(const struct tap *t)
{
	return t->there && (t->there->self.kind != NET_TAP || !may_open(t) ||
			    t->there->self.many_queues != t->nic->queues);
}

static bool mtu_differs(const struct tap *t)
{
	unsigned int there = t->there && !is_useless(t) ? t->there->self.mtu
							: 1500;

	return t->here && t->here->self.mtu && there &&
	       t->here->self.mtu != there;
}

static bool in_wanted(const struct tap *t)
{
	return t->want && t->there && t->there->master &&
	       !strcmp(t->there->master, t->want);
}

static void make_commands(struct strv *commands, const struct tap *t)
{
	const struct guest *g = &t->p->r->source.guest;
	AUTO_FREE char *user = quote_text(g->user ? g->user : "root");
	AUTO_FREE char *add = xasprintf("ip tuntap add dev @ mode tap%s%s%s",
					g->uid ? " user " : "",
					g->uid ? user : "",
					t->nic->queues ? " multi_queue" : "");

	if (is_useless(t))
		push(commands, "ip link del dev @", t->nic->ifname);
	if (!t->there || is_useless(t))
		push(commands, add, t->nic->ifname);
}

/* Makes the tap there what it is here: to be pasted. */
static char *tap_remedy(const struct tap *t)
{
	AUTO_STRV struct strv commands = { .v = NULL };
	AUTO_FREE char *name = quote_text(t->nic->ifname);
	AUTO_FREE char *want = t->want ? quote_text(t->want) : NULL;
	AUTO_FREE char *mtu =
		mtu_differs(t) ? xasprintf(" mtu %u", t->here->self.mtu) : NULL;
	bool join = t->want && (!in_wanted(t) || is_useless(t));
	AUTO_FREE char *text = NULL;

	if (!may_use_tun(t))
		strv_push(&commands, "chmod 666 /dev/net/tun");
	if (t->want)
		bridge_commands(&commands, t->want, t->bridge);
	make_commands(&commands, t);
	strv_pushf(&commands, "ip link set dev %s%s%s%s up", name,
		   mtu ? mtu : "", join ? " master " : "", join ? want : "");
	if (vlans_differ(t)) {
		vlan_commands(&commands, t->nic->ifname, "del",
			      t->there && t->there->vlans ? t->there->vlans
							  : first_vlans);
		vlan_commands(&commands, t->nic->ifname, "add", t->here->vlans);
	}
	text = strv_join(&commands, " && ");
	return t->want && !t->bridge
		       ? xasprintf("%s # and the interface that leads to its "
				   "network: ip link set dev ... master %s",
				   text, want)
		       : STEAL(text);
}

/* --- faults --------------------------------------------------------------- */

/* ", which is up in bridge br0 on the source" */
static char *state_here(const struct tap *t)
{
	if (!t->here)
		return xstrdup("");
	return xasprintf(", which is %s%s%s here,",
			 t->here->self.up ? "up" : "down",
			 t->want ? " in bridge " : "", t->want ? t->want : "");
}

static char *say_missing(const struct tap *t)
{
	const struct guest *g = &t->p->r->source.guest;
	AUTO_FREE char *state = state_here(t);

	if (g->uid)
		return xasprintf("%s%s is not on %s, and %s may not make it",
				 t->nic->ifname, state, dst_name(t->p),
				 g->user);
	return xasprintf("%s%s is not on %s: QEMU would make it anew, down "
			 "and in no bridge",
			 t->nic->ifname, state, dst_name(t->p));
}

static char *say_useless(const struct tap *t)
{
	const struct net_iface *i = &t->there->self;
	const char *why = i->kind != NET_TAP ? "is no tap"
			  : !may_open(t)     ? "belongs to another user"
			  : t->nic->queues   ? "was made without multi_queue"
					     : "was made with multi_queue";

	return xasprintf("%s on %s %s: QEMU could not open it", t->nic->ifname,
			 dst_name(t->p), why);
}

/* Nothing is lost where it has no network here either. */
static bool matters(const struct tap *t)
{
	return !t->here || t->here->self.up || t->want;
}

/* What keeps the guest from its network; NULL: nothing was found. */
static char *find_fault(const struct tap *t)
{
	const char *dst = dst_name(t->p), *name = t->nic->ifname;

	if (!may_use_tun(t))
		return xasprintf("%s may not open /dev/net/tun on %s",
				 t->p->r->source.guest.user, dst);
	if (!t->there)
		return matters(t) || t->p->r->source.guest.uid ? say_missing(t)
							       : NULL;
	if (is_useless(t))
		return say_useless(t);
	if (!matters(t))
		return NULL;
	if (t->want && !t->there->master)
		return xasprintf("%s on %s is in no bridge; here it is in %s",
				 name, dst, t->want);
	if (!t->there->self.up)
		return xasprintf("%s on %s is down", name, dst);
	if (t->there->bridge.kind == NET_BRIDGE && !t->there->bridge.up)
		return xasprintf("bridge %s on %s, which %s is in, is down",
				 t->there->master, dst, name);
	if (in_wanted(t) && vlans_differ(t))
		return xasprintf("%s on %s is in other VLANs (%s) than here "
				 "(%s)",
				 name, dst,
				 t->there->vlans ? t->there->vlans
						 : first_vlans,
				 t->here->vlans);
	return NULL;
}

/* A tap has a carrier while a program has it open. */
static bool check_open(const struct tap *t)
{
	const char *holder = NULL;
	const struct preflight *p = t->p;
	AUTO_FREE char *line = xasprintf("iff:.*%s$", t->nic->ifname);
	AUTO_FREE char *pattern = quote_text(line);

	if (!t->there || !t->there->self.carrier || t->nic->queues)
		return false;
	for (size_t i = 0; i < p->net.n_twins && !holder; i++) {
		const struct preflight_net_twin *twin = &p->net.twins[i];

		if (twin->ifname && !strcmp(twin->ifname, t->nic->ifname))
			holder = guest_label(twin->guest);
	}
	add(t->p, "tap", CHECK_FAIL,
	    xasprintf("%s is in use on %s%s%s", t->nic->ifname, dst_name(p),
		      holder ? ", by " : "", holder ? holder : ""),
	    xasprintf("grep -l %s /proc/[0-9]*/fdinfo/* shows there what has "
		      "it: end that, or give the guest another ifname= with "
		      "--dest-args",
		      pattern));
	return true;
}

/* --- doubts --------------------------------------------------------------- */

static bool check_other_bridge(const struct tap *t)
{
	AUTO_FREE char *name = quote_text(t->nic->ifname);
	AUTO_FREE char *want = t->want ? quote_text(t->want) : NULL;

	if (!t->want || !t->there->master || in_wanted(t))
		return false;
	add(t->p, "tap", CHECK_WARN,
	    xasprintf("%s is in %s on %s, in %s here: whether both lead to the "
		      "same network is not known",
		      t->nic->ifname, t->there->master, dst_name(t->p),
		      t->want),
	    t->bridge ? xasprintf("ip link set dev %s master %s", name, want)
		      : xstrdup("make sure that they do"));
	return true;
}

static bool check_mtu(const struct tap *t)
{
	AUTO_FREE char *name = quote_text(t->nic->ifname);

	if (!mtu_differs(t))
		return false;
	add(t->p, "tap", CHECK_WARN,
	    xasprintf("%s has the MTU %u on %s, %u here: larger packets are "
		      "lost",
		      t->nic->ifname, t->there->self.mtu, dst_name(t->p),
		      t->here->self.mtu),
	    xasprintf("ip link set dev %s mtu %u", name, t->here->self.mtu));
	return true;
}

static bool check_filters(const struct tap *t)
{
	if (!t->here || t->here->bridge.filters != 1 ||
	    t->there->bridge.filters != 0)
		return false;
	add(t->p, "tap", CHECK_WARN,
	    xasprintf("bridge %s keeps VLANs apart here, %s on %s does not",
		      t->want, t->there->master, dst_name(t->p)),
	    xasprintf("ip link set dev %s type bridge vlan_filtering 1, and "
		      "give its ports their VLANs",
		      t->there->master));
	return true;
}

/* A bridge of taps alone connects guests of one host. */
static bool is_dead_end(const struct net_iface *here,
			const struct net_iface *there)
{
	return here->others && *here->others && there->kind == NET_BRIDGE &&
	       there->others && !*there->others;
}

static bool check_way_out(struct preflight *p, const char *bridge,
			  const struct net_iface *here,
			  const struct net_iface *there)
{
	AUTO_FREE char *name = quote_text(bridge);

	if (!is_dead_end(here, there))
		return false;
	add(p, "bridge", CHECK_WARN,
	    xasprintf("bridge %s on %s has no port that leads to a network; "
		      "here it has %s",
		      bridge, dst_name(p), here->others),
	    xasprintf("ip link set dev ... master %s, with the interface that "
		      "leads to the guest's network",
		      name));
	return true;
}

static void check_doubts(const struct tap *t)
{
	bool found = check_other_bridge(t);

	found |= check_mtu(t);
	found |= check_filters(t);
	if (t->here && t->there->master)
		found |= check_way_out(t->p, t->there->master, &t->here->bridge,
				       &t->there->bridge);
	if (!found)
		add(t->p, "tap", CHECK_PASS,
		    xasprintf("%s is %s%s%s on %s", t->nic->ifname,
			      t->there->self.up ? "up" : "down, as here,",
			      t->there->master ? " in " : "",
			      t->there->master ? t->there->master : "",
			      dst_name(t->p)),
		    NULL);
}

/* --- cards ---------------------------------------------------------------- */

static void check_named(struct preflight *p, const struct argv_nic *nic)
{
	struct tap t = { .p = p, .nic = nic };
	char *fault;

	t.here = preflight_net_tap_here(p, nic);
	t.there = net_facts_link(&p->net.there, nic->ifname);
	t.want = preflight_net_bridge_here(p, nic);
	t.bridge = t.want ? net_facts_link(&p->net.there, t.want) : NULL;
	if (check_open(&t))
		return;
	fault = find_fault(&t);
	if (fault)
		add(p, "tap", CHECK_FAIL, fault, tap_remedy(&t));
	else if (t.there)
		check_doubts(&t);
}

static bool refuse_bridge(struct preflight *p, const char *name,
			  const struct net_link *there)
{
	AUTO_STRV struct strv commands = { .v = NULL };
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *word = quote_text(name);

	if (there && (there->self.kind != NET_BRIDGE || there->self.up))
		return false;
	bridge_commands(&commands, name, there);
	text = strv_join(&commands, " && ");
	add(p, "bridge", CHECK_FAIL,
	    there ? xasprintf("bridge %s on %s is down", name, dst_name(p))
		  : xasprintf("no bridge %s on %s", name, dst_name(p)),
	    there ? STEAL(text)
		  : xasprintf("%s # and the interface that leads to its "
			      "network: ip link set dev ... master %s",
			      text, word));
	return true;
}

/* Without a rule the helper puts nothing into a bridge. */
static bool refuse_helper(struct preflight *p, const char *name,
			  const struct net_link *here,
			  const struct net_link *there)
{
	AUTO_FREE char *rule = xasprintf("allow %s", name);
	AUTO_FREE char *word = quote_text(rule);

	if (!here || here->helper != 1 || there->helper == 1)
		return false;
	add(p, "bridge", CHECK_FAIL,
	    xasprintf("the bridge helper on %s may not use %s, as it may here",
		      dst_name(p), name),
	    xasprintf("mkdir -p /etc/qemu && echo %s >>/etc/qemu/bridge.conf "
		      "# and take a rule that denies it out",
		      word));
	return true;
}

static void check_bridge(struct preflight *p, const char *name)
{
	const struct net_link *there = net_facts_link(&p->net.there, name);
	const struct net_link *here = net_facts_link(&p->net.here, name);

	if (refuse_bridge(p, name, there))
		return;
	if (there->self.kind != NET_BRIDGE) {
		add(p, "bridge", CHECK_FAIL,
		    xasprintf("%s on %s is no bridge", name, dst_name(p)),
		    xstrdup("name the bridge there with --dest-args (br=)"));
		return;
	}
	if (refuse_helper(p, name, here, there))
		return;
	if (!here || !check_way_out(p, name, &here->self, &there->self))
		add(p, "bridge", CHECK_PASS,
		    xasprintf("bridge %s exists on %s", name, dst_name(p)),
		    NULL);
}

/* The script knows what to do with the tap; here it did this. */
static void check_scripted(struct preflight *p, const struct argv_nic *nic)
{
	const char *want = preflight_net_bridge_here(p, nic);

	if (!want || net_facts_link(&p->net.there, want))
		return;
	add(p, "bridge", CHECK_WARN,
	    xasprintf("%s of the guest is in bridge %s here, and %s has none "
		      "of that name: whether its script there finds another "
		      "one is not known",
		      nic->ifname ? nic->ifname : "a tap", want, dst_name(p)),
	    xasprintf("see that the script there puts it into the bridge of "
		      "the guest's network"));
}

static bool is_apart(struct preflight *p)
{
	if (!p->net.here.apart)
		return false;
	add(p, "tap", CHECK_WARN,
	    xstrdup("the guest is in a network namespace of its own, whose "
		    "taps and bridges were not looked at"),
	    xstrdup("make sure that its taps are set up on the destination, "
		    "outside of any namespace"));
	return true;
}

void preflight_net_tap_check(struct preflight *p)
{
	const struct run *r = p->r;
	const struct argv_nics *nics = &p->net.nics_there;
	bool same = probe_same_host(&r->src.facts, &r->dst.facts);
	bool looked = false, apart = false;

	for (size_t i = 0; i < nics->n; i++) {
		const struct argv_nic *nic = &nics->v[i];

		if (!preflight_net_is_tap(nic))
			continue;
		if (!looked)
			apart = is_apart(p);
		looked = true;
		if (nic->bridge)
			check_bridge(p, nic->bridge);
		else if (apart || same)
			continue;
		else if (nic->script || !nic->ifname)
			check_scripted(p, nic);
		else
			check_named(p, nic);
	}
}
