/* SPDX-License-Identifier: MIT */
/*
 * preflight_disks: whether the destination has the disks that the guest has on
 * the source. Private to the preflight.
 *
 * Theory of operation. QEMU is asked for its block nodes (disk_chain.h), both
 * hosts for the files (disk_facts.h), and disk_proof.h judges. Where both hosts
 * are one machine, they are asked side by side with the other questions. Else
 * the source makes its nonces beside those, the destination is asked once more
 * for what it sees of them, and then they are removed, whatever came in
 * between.
 */
#ifndef ENGINE_RUN_PREFLIGHT_DISKS_H
#define ENGINE_RUN_PREFLIGHT_DISKS_H

#include "engine/hosts/disk_facts.h"
#include "engine/run/disk_chain.h"
#include "transport/base/err.h"

struct preflight;

struct preflight_disks {
	struct qmp_blocks blocks;
	struct disk_chain chain;
	struct strv sources, paths; /* of the chain */
	struct disk_facts *here, *there;
	bool *equal; /* of each: QEMU only reads it, and it has one content */
	struct disk_mounts mounts; /* on the destination */
	bool one_kernel;	   /* both hosts are one machine */
	bool one_host;		   /* with one file system and network */
	bool made;		   /* there may be nonces on the source */
	char nonce[DISK_NONCE_WORD];
};

/* Asks QEMU; needs the plan. */
int preflight_disks_read(struct preflight *p, struct err *err);
/* Questions for beside_ask(), of a struct preflight. */
int preflight_disks_look_here(void *arg, struct err *err);
int preflight_disks_look_there(void *arg, struct err *err);
/* What is left to ask when these were answered. */
int preflight_disks_ask(struct preflight *p, struct err *err);
/* Also removes what is on the source. In a task. */
void preflight_disks_free(struct preflight *p);

/* Rows of the table of checks. */
void preflight_disks_check_files(struct preflight *p);
void preflight_disks_check_active(struct preflight *p);
void preflight_disks_check_servers(struct preflight *p);

#endif
