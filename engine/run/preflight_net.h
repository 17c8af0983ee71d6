/* SPDX-License-Identifier: MIT */
/*
 * preflight_net: whether the guest will have its network on the destination.
 * Private to the preflight.
 *
 * Both command lines say what the guest has (argv_nics.h, argv_listen.h), both
 * hosts what that is there (net_facts.h). preflight_net_tap.c judges the taps
 * and bridges of its cards, this file the rest.
 */
#ifndef ENGINE_RUN_PREFLIGHT_NET_H
#define ENGINE_RUN_PREFLIGHT_NET_H

#include "engine/argv/argv_listen.h"
#include "engine/argv/argv_nics.h"
#include "engine/event/check.h"
#include "engine/hosts/name_use.h"
#include "engine/hosts/net_facts.h"
#include "transport/base/err.h"

struct guest;
struct preflight;

/* A card of another guest on the destination that has a MAC of this one's. */
struct preflight_net_twin {
	const struct guest *guest; /* borrowed */
	char *mac, *ifname, *bridge;
};

struct preflight_net {
	struct argv_nics nics_here, nics_there;
	struct argv_ports ports;
	struct argv_clients clients;
	struct strv sockets; /* of the clients, absolute */
	struct name_answer *listeners;
	struct strv terminals, passwords;
	struct net_facts here, there;
	struct preflight_net_twin *twins;
	size_t n_twins;
};

/* From the command lines; needs the plan, and the guests there. */
void preflight_net_read(struct preflight *p);
/* Questions for beside_ask(), of a struct preflight. */
int preflight_net_look_here(void *arg, struct err *err);
int preflight_net_look_there(void *arg, struct err *err);
int preflight_net_ask_sockets(void *arg, struct err *err);
void preflight_net_free(struct preflight *p);

/* Rows of the table of checks. */
void preflight_net_check_macs(struct preflight *p);
void preflight_net_check_ports(struct preflight *p);
void preflight_net_check_sockets(struct preflight *p);
void preflight_net_check_rest(struct preflight *p);
/* preflight_net_tap.c */
void preflight_net_tap_check(struct preflight *p);

/* Whether a card of that kind has an interface of the host. */
bool preflight_net_is_tap(const struct argv_nic *nic);
/* What card @nic of the destination is on the source; NULL: not known. */
const struct argv_nic *preflight_net_peer(const struct preflight *p,
					  const struct argv_nic *nic);
/*
 * The bridge that card @nic is in on the source, or will be in on the
 * destination, borrowed; NULL: none, or not known.
 */
const char *preflight_net_bridge_here(const struct preflight *p,
				      const struct argv_nic *nic);
const char *preflight_net_bridge_there(const struct preflight *p,
				       const struct argv_nic *nic);
/* The tap that it has on the source; NULL: not known. */
const struct net_link *preflight_net_tap_here(const struct preflight *p,
					      const struct argv_nic *nic);

#endif
