/* SPDX-License-Identifier: MIT */
/*
 * inventory: the guests of a host with a quick look into each.
 *
 * What /proc says (discover.h), and, where a monitor is free, what QEMU says
 * about state, memory, CPUs and disks. A monitor is held for moments only, and
 * never touched when somebody else manages the guest.
 */
#ifndef ENGINE_GUEST_INVENTORY_H
#define ENGINE_GUEST_INVENTORY_H

#include <json.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/guest/guest.h"
#include "qmp/qmp_machine.h"
#include "transport/host.h"

enum monitor_look {
	LOOK_FREE,    /* QEMU was asked */
	LOOK_BUSY,    /* somebody else holds the monitor */
	LOOK_FAILED,  /* it did not answer as it should */
	LOOK_HMP,     /* there is none for programs */
	LOOK_NONE,    /* no monitor on a UNIX socket at all */
	LOOK_MANAGED, /* another program's guest: not asked */
	LOOKS
};
const char *inventory_look_name(enum monitor_look look);

enum disk_place { DISK_UNKNOWN, DISK_LOCAL, DISK_SHARED, DISK_PLACES };
const char *inventory_place_name(enum disk_place place); /* NULL for unknown */

struct guest_view {
	struct guest guest;
	char *host; /* as the user wrote it */
	enum monitor_look look;
	char *holder;	/* LOOK_BUSY: "pid 5120 (socat)", or NULL */
	struct err why; /* LOOK_BUSY, LOOK_FAILED */
	/* from QEMU, else from its command line */
	char state[32];	    /* QEMU's word; "" unknown */
	char uuid[37];	    /* "" unknown or none */
	uint64_t ram_bytes; /* 0 unknown */
	unsigned int vcpus; /* 0 unknown */
	int kvm;	    /* 1, 0, -1 unknown */
	bool disks_known;
	struct qmp_disks disks;
	enum disk_place *places; /* one for each of disks */
};

struct inventory {
	struct guest_view *v;
	size_t n;
	size_t left_out; /* as in struct guests */
};

/*
 * Reads the guests of @h, oldest first, into @out (zeroed before). What fails
 * for one guest is in its view; -1 when the host itself cannot be asked.
 */
int inventory_read(struct host *h, struct inventory *out, struct mono deadline,
		   struct err *err);
void inventory_free(struct inventory *inv);

/* One element of `guests` of the contract; owned. */
struct json_object *inventory_guest_to_json(const struct guest_view *g);

/* From what `stat -f -c %T` says: network and cluster file systems. Pure. */
enum disk_place inventory_place(const char *file_system);

#endif
