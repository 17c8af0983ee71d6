/* SPDX-License-Identifier: MIT */
/*
 * argv_nics: the network backends of a command line, each with the card that
 * uses it; pure.
 *
 * What a -readconfig file says is not seen.
 */
#ifndef ENGINE_ARGV_ARGV_NICS_H
#define ENGINE_ARGV_ARGV_NICS_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/strv.h"

enum argv_nic_kind {
	ARGV_NIC_TAP,	 /* an interface of the host */
	ARGV_NIC_BRIDGE, /* the same, made by the bridge helper */
	ARGV_NIC_USER,	 /* in QEMU itself */
	ARGV_NIC_PASST,	 /* in a process of its own */
	ARGV_NIC_OTHER,
};

/* Strings owned; what has no value is NULL. */
struct argv_nic {
	enum argv_nic_kind kind;
	char *id;     /* of the backend */
	char *mac;    /* of the card, lower case */
	char *ifname; /* of a tap: one that is an interface's name */
	char *bridge; /* that the helper puts it into */
	bool script;  /* a script sets the tap up */
	bool queues;  /* more than one */
	bool implied; /* QEMU's default, for want of an option */
};

struct argv_nics {
	struct argv_nic *v;
	size_t n;
};

void argv_nics_read(const struct strv *argv, struct argv_nics *out);
void argv_nics_free(struct argv_nics *l);

/* Whether the kernel takes @name for an interface. */
bool argv_nics_is_ifname(const char *name);
/* "52-54-0-ab-CD-1" and the like as "52:54:00:ab:cd:01"; NULL: it is none. */
char *argv_nics_mac(const char *text);

#endif
