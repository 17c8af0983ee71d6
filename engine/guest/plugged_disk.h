/* SPDX-License-Identifier: MIT */
/*
 * plugged_disk: a block node of a guest as the options that would open it
 * anew; pure.
 *
 * Nodes with a name of their own become -blockdev options, those below them
 * first; nodes that QEMU named ("#block123") are written inside the one above.
 * An image below another ("backing") that QEMU opened by itself is left to it.
 */
#ifndef ENGINE_GUEST_PLUGGED_DISK_H
#define ENGINE_GUEST_PLUGGED_DISK_H

#include "qmp/qmp_blocks.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

/* Nodes below each other; more are no guest's. */
enum { PLUGGED_DISK_DEPTH = 64 };

struct plugged_disk_input {
	const struct qmp_blocks *blocks;
	const struct qmp_block_edges *edges;
	/* of nodes that there is an option for: not made a second time */
	const struct strv *known;
};

/*
 * Appends "-blockdev", VALUE to @options for the node @node and what is below
 * it. @node may be the name of a drive (drive_add), which its node has then.
 * ERR_REFUSED: it cannot be made anew, with the reason.
 */
int plugged_disk(const struct plugged_disk_input *in, const char *node,
		 struct strv *options, struct err *err);

#endif
