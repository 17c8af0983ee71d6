/* SPDX-License-Identifier: MIT */
/* argv_nics: the network backends of a command line. */
#include "engine/argv/argv_nics.h"

#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_item.h"
#include "engine/argv/argv_table.h"
#include "transport/base/xalloc.h"

/* Cards without a MAC get 52:54:00:12:34:56, then 57 and so on. */
enum { FIRST_MAC = 0x56, LAST_MAC = 0xff };
#define OWN_MACS "52:54:00:12:34:"

/* A network card. */
struct card {
	char *netdev; /* the backend that it uses; NULL: that of the hub */
	char *mac;
	size_t backend; /* of a -nic: which one is its own, plus 1 */
};

struct reader {
	struct argv_nics *out;
	struct card *cards;
	size_t n_cards;
	bool asked; /* there is an option for a network */
};

void argv_nics_free(struct argv_nics *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].id);
		free(l->v[i].mac);
		free(l->v[i].ifname);
		free(l->v[i].bridge);
	}
	free(l->v);
	*l = (struct argv_nics){ .n = 0 };
}

bool argv_nics_is_ifname(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= IFNAMSIZ || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c <= ' ' || c >= 0x7f || c == '/' || c == ':' || c == '%')
			return false;
	}
	return true;
}

char *argv_nics_mac(const char *text)
{
	unsigned int b[6];
	int end = 0;

	for (const char *c = text; *c; c++) {
		if (!isxdigit((unsigned char)*c) && *c != ':' && *c != '-')
			return NULL;
	}
	if ((sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2],
		    &b[3], &b[4], &b[5], &end) != 6 &&
	     sscanf(text, "%2x-%2x-%2x-%2x-%2x-%2x%n", &b[0], &b[1], &b[2],
		    &b[3], &b[4], &b[5], &end) != 6) ||
	    text[end])
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
		if (b[i] > 0xff)
			return NULL;
	}
	return xasprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2],
			 b[3], b[4], b[5]);
}

/* --- backends ------------------------------------------------------------- */

static enum argv_nic_kind kind_of(const char *type)
{
	static const struct {
		const char *type;
		enum argv_nic_kind kind;
	} kinds[] = {
		{ "tap", ARGV_NIC_TAP },
		{ "bridge", ARGV_NIC_BRIDGE },
		{ "user", ARGV_NIC_USER },
		{ "passt", ARGV_NIC_PASST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i].type, type))
			return kinds[i].kind;
	}
	return ARGV_NIC_OTHER;
}

static void read_tap(struct argv_nic *nic, const struct argv_opt *o)
{
	const char *ifname = argv_opt_get(o, "ifname");
	const char *queues = argv_opt_get(o, "queues");
	const char *bridge = argv_opt_get(o, "br");

	if (argv_opt_get(o, "helper")) {
		nic->kind = ARGV_NIC_BRIDGE;
		nic->bridge = xstrdup(bridge ? bridge : "br0");
		return;
	}
	if (ifname && argv_nics_is_ifname(ifname))
		nic->ifname = xstrdup(ifname);
	nic->script = !argv_opt_is(o, "script", "no");
	nic->queues = queues && strtoul(queues, NULL, 10) > 1;
}

static void add_backend(struct reader *r, const char *type,
			const struct argv_opt *o)
{
	struct argv_nics *l = r->out;
	struct argv_nic *nic;
	const char *bridge = argv_opt_get(o, "br");

	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	nic = &l->v[l->n++];
	*nic = (struct argv_nic){
		.kind = kind_of(type),
		.id = xstrdup(argv_opt_get(o, "id")),
	};
	if (nic->kind == ARGV_NIC_TAP)
		read_tap(nic, o);
	else if (nic->kind == ARGV_NIC_BRIDGE)
		nic->bridge = xstrdup(bridge ? bridge : "br0");
}

/* --- cards ---------------------------------------------------------------- */

static struct card *add_card(struct reader *r, const char *netdev,
			     const char *mac)
{
	struct card *c;

	r->cards = xrealloc(r->cards, r->n_cards + 1, sizeof(*r->cards));
	c = &r->cards[r->n_cards++];
	*c = (struct card){
		.netdev = xstrdup(netdev),
		.mac = mac ? argv_nics_mac(mac) : NULL,
	};
	return c;
}

static void read_nic(struct reader *r, const struct argv_opt *o)
{
	const char *type = argv_opt_get(o, "type");
	struct card *c;

	r->asked = true;
	if (type && !strcmp(type, "none"))
		return;
	add_backend(r, type ? type : "user", o);
	c = add_card(r, NULL, argv_opt_get(o, "mac"));
	c->backend = r->out->n;
}

static void read_net(struct reader *r, const struct argv_opt *o)
{
	const char *type = argv_opt_get(o, "type");

	r->asked = true;
	if (!type || !strcmp(type, "none"))
		return;
	if (!strcmp(type, "nic"))
		add_card(r, argv_opt_get(o, "netdev"),
			 argv_opt_get(o, "macaddr"));
	else
		add_backend(r, type, o);
}

static void read_items(struct reader *r, const struct argv_items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		const struct argv_item *it = &items->v[i];
		AUTO_OPT struct argv_opt o = { .v = NULL };

		if (argv_item_opt(it, "netdev", &o)) {
			const char *type = argv_opt_get(&o, "type");

			r->asked = true;
			add_backend(r, type ? type : "", &o);
		} else if (argv_item_opt(it, "nic", &o)) {
			read_nic(r, &o);
		} else if (argv_item_opt(it, "net", &o)) {
			read_net(r, &o);
		}
	}
}

/* QEMU makes those of -nic and -net before those of -device. */
static void read_devices(struct reader *r, const struct argv_items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		AUTO_OPT struct argv_opt o = { .v = NULL };

		if (argv_item_opt(&items->v[i], "device", &o) &&
		    argv_opt_get(&o, "netdev"))
			add_card(r, argv_opt_get(&o, "netdev"),
				 argv_opt_get(&o, "mac"));
	}
}

static bool is_used(const struct reader *r, const char *mac)
{
	for (size_t i = 0; i < r->n_cards; i++) {
		if (r->cards[i].mac && !strcmp(r->cards[i].mac, mac))
			return true;
	}
	return false;
}

/* As QEMU does for cards whose MAC nobody says. */
static void name_cards(struct reader *r)
{
	unsigned int next = FIRST_MAC;

	for (size_t i = 0; i < r->n_cards; i++) {
		while (!r->cards[i].mac && next <= LAST_MAC) {
			char *mac = xasprintf(OWN_MACS "%02x", next++);

			if (is_used(r, mac))
				free(mac);
			else
				r->cards[i].mac = mac;
		}
	}
}

static bool is_of(const struct argv_nic *nic, const struct card *c)
{
	if (!c->netdev)
		return !nic->id && !nic->mac;
	return nic->id && !strcmp(nic->id, c->netdev);
}

static struct argv_nic *backend_of(struct reader *r, const struct card *c)
{
	struct argv_nic *v = r->out->v;

	if (c->backend)
		return &v[c->backend - 1];
	for (size_t i = 0; v && i < r->out->n; i++) {
		if (is_of(&v[i], c))
			return &v[i];
	}
	return NULL;
}

static void give_macs(struct reader *r)
{
	for (size_t i = 0; i < r->n_cards; i++) {
		struct argv_nic *nic = backend_of(r, &r->cards[i]);

		if (nic && !nic->mac)
			nic->mac = STEAL(r->cards[i].mac);
		free(r->cards[i].netdev);
		free(r->cards[i].mac);
	}
	free(r->cards);
}

/* Boards that have no network card of their own. */
static bool has_default(const struct argv_items *items)
{
	AUTO_FREE char *machine = argv_items_machine(items, "type");

	return !argv_items_last(items, "nodefaults") &&
	       !(machine &&
		 (!strncmp(machine, "microvm", 7) || !strcmp(machine, "none")));
}

void argv_nics_read(const struct strv *argv, struct argv_nics *out)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	struct reader r = { .out = out };
	const struct argv_opt none = { .n = 0 };

	*out = (struct argv_nics){ .n = 0 };
	argv_items_read(&items, argv, argv_table_find);
	read_items(&r, &items);
	if (!r.asked && has_default(&items)) {
		add_backend(&r, "user", &none);
		out->v[0].implied = true;
		add_card(&r, NULL, NULL)->backend = 1;
	}
	read_devices(&r, &items);
	name_cards(&r);
	give_macs(&r);
}
