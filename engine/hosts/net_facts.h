/* SPDX-License-Identifier: MIT */
/*
 * net_facts: what a host's network is for a guest: the taps and bridges of its
 * cards, who has its ports and its MACs. Asked by one read-only script.
 *
 * Nothing is bound or connected to: the kernel's tables are read, those of the
 * login's network namespace.
 */
#ifndef ENGINE_HOSTS_NET_FACTS_H
#define ENGINE_HOSTS_NET_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

struct host;

enum net_kind {
	NET_MISSING, /* there is no interface of that name */
	NET_TAP,
	NET_BRIDGE,
	NET_OTHER,
};

struct net_iface {
	enum net_kind kind;
	bool up;      /* set so; whether it has a carrier is another thing */
	bool carrier; /* a tap: a program has it open (known while up) */
	bool many_queues;  /* a tap: made with multi_queue */
	unsigned int mtu;  /* 0: not known */
	long owner, group; /* of a tap; -1: anybody */
	int filters;	   /* a bridge: by VLAN; -1: not known */
	char *others;	   /* a bridge: its ports that are no taps, by blanks */
};

/* Strings owned. */
struct net_link {
	char *name;
	struct net_iface self;
	char *master; /* the bridge that it is in, or the like; NULL: none */
	struct net_iface bridge; /* that one */
	int helper;  /* may put a tap in here: 1, 0; -1: it has no rules */
	char *vlans; /* "1 PVID Egress Untagged,7"; NULL: not known */
};

struct net_facts {
	struct net_link *asked, *found; /* by name; of the process, bridges */
	size_t n_asked, n_found;
	bool apart;  /* the process is in another network namespace */
	bool silent; /* its standard output is /dev/null */
	/* "MAC INTERFACE BRIDGE": that it has learnt from a tap there */
	struct strv alive;
	struct strv tcp, udp;  /* "HEX:PORT" that somebody has */
	struct strv addresses; /* of the host; empty: not known */
	/* /dev/net/tun; a mode of -1: not known */
	long tun_mode, tun_uid, tun_gid;
};
void net_facts_free(struct net_facts *f);

struct net_asker {
	struct strv links;    /* names of interfaces */
	struct strv macs;     /* lower case, with colons */
	struct strv tcp, udp; /* ports, as "%04X" */
	pid_t pid;	      /* whose taps are looked up, or 0 */
	bool bridges;	      /* all there are */
};
void net_asker_free(struct net_asker *a);

/* Nothing is asked where @asker asks nothing. ERR_REMOTE. */
int net_facts_ask(struct host *h, const struct net_asker *asker,
		  struct net_facts *out, struct mono deadline, struct err *err);

/* --- pure ----------------------------------------------------------------- */

/* Reads what the script prints; what it does not say is not known. */
void net_facts_parse(const char *text, const struct strv *links,
		     struct net_facts *out);

enum net_answer { NET_NO, NET_YES, NET_UNKNOWN };
/*
 * Whether somebody has @port of @host (an address, a name, "": each), so that
 * it cannot be had a second time.
 */
enum net_answer net_facts_taken(const struct net_facts *f, bool udp,
				const char *host, unsigned int port);
/* By its name; borrowed; NULL: no such interface was found. */
const struct net_link *net_facts_link(const struct net_facts *f,
				      const char *name);
/* Whether @host is an address of the host. */
enum net_answer net_facts_has_address(const struct net_facts *f,
				      const char *host);
/* "TAP BRIDGE", which has learnt @mac from it; borrowed; NULL: none. */
const char *net_facts_alive(const struct net_facts *f, const char *mac);

#endif
