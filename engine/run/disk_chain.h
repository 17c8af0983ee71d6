/* SPDX-License-Identifier: MIT */
/*
 * disk_chain: the files that QEMU has its disks in, as it has them open now,
 * and where QEMU on the destination will look for them; pure.
 *
 * The command line names the images on top. An image names the one below it,
 * as it was written into it: by an absolute name, which no --remap changes, or
 * from where it lies itself.
 */
#ifndef ENGINE_RUN_DISK_CHAIN_H
#define ENGINE_RUN_DISK_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/argv/argv.h"
#include "qmp/qmp_blocks.h"
#include "qmp/qmp_machine.h"

struct disk_item {
	char *source, *path; /* on the source; on the destination */
	bool read_only;	     /* QEMU only reads it */
	bool named;	     /* on the command line */
	bool stray;	     /* written, and named by nothing that is known */
};
struct disk_chain {
	struct disk_item *v;
	size_t n;
};

struct disk_chain_input {
	const struct strv *argv; /* of the source */
	const char *cwd;	 /* of its QEMU */
	const struct argv_plan *plan;
	const struct qmp_blocks *blocks;
	bool given; /* the plan is not made of @argv, but the user's own */
};
/* Fills @out (zeroed before). */
void disk_chain_make(const struct disk_chain_input *in, struct disk_chain *out);
void disk_chain_free(struct disk_chain *c);

/*
 * The path that QEMU calls @file, to be freed; NULL: it is none of a file here.
 */
char *disk_chain_path(const struct disk_chain_input *in, const char *file);

/*
 * Whether the plan does not name what the device @d has now, but QEMU on the
 * destination would open what it does name: after a snapshot, a finished mirror
 * or another medium.
 */
bool disk_chain_is_stray(const struct disk_chain_input *in,
			 const struct qmp_disk *d);

/*
 * Whether QEMU's name for what @d has is no path, so that the above cannot be
 * said of it: an image that was put on top of another by its node, say.
 */
bool disk_chain_is_nameless(const struct qmp_disk *d);

/* How a network block device's name is judged. */
enum disk_server {
	DISK_SERVER_HERE,  /* this host itself: a socket, localhost */
	DISK_SERVER_OTHER, /* by a name or address that any host may reach */
	DISK_SERVER_UNKNOWN,
};
enum disk_server disk_chain_server(const struct qmp_block *b);

#endif
