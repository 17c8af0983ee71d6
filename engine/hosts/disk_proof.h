/* SPDX-License-Identifier: MIT */
/*
 * disk_proof: whether two hosts have the same file or device at two paths, from
 * what disk_facts.h found on each; pure.
 *
 *	evidence				then it is
 *	one kernel: device and inode equal	the same
 *	one kernel: not, on file systems	another
 *		of its own
 *	nonce seen, same inode or same name	the same
 *	nonce not seen				another
 *	no nonce, both file systems local	another
 *	no nonce, network: server, export	the same
 *		and path in it, inode equal
 *	the same with another inode, size	another
 *	devices: size or identifier differs	another
 *	devices: identifier equal, and most	the same
 *		of the sampled blocks
 *	devices without an identifier: most	another
 *		of the sampled blocks differ
 *	equal as far as it could be compared	likely
 *	nothing to compare			not known
 *
 * The guest may write while both are looked at, so that some of the blocks of
 * one device may differ.
 */
#ifndef ENGINE_HOSTS_DISK_PROOF_H
#define ENGINE_HOSTS_DISK_PROOF_H

#include <stdbool.h>

#include "engine/hosts/disk_facts.h"
#include "engine/hosts/identity.h"

enum disk_proof {
	DISK_PROOF_SAME,
	DISK_PROOF_OTHER,
	DISK_PROOF_LIKELY,  /* all that could be compared is equal */
	DISK_PROOF_UNKNOWN, /* there was nothing to compare */
};

/*
 * @why: what it follows from, a clause for people ("the device and inode are
 * equal on this one machine"); a literal.
 */
enum disk_proof disk_proof_judge(const struct disk_facts *a,
				 const struct disk_facts *b, bool one_kernel,
				 const char **why);

/* Whether both answers come from one kernel, whose numbers mean the same. */
bool disk_proof_one_kernel(const struct identity_space *a,
			   const struct identity_space *b);

/* Whether only one machine can have a file system of this type mounted. */
bool disk_proof_is_local_type(const char *type);

/*
 * What to do on the destination, where @path is missing, so that it has the
 * storage that is mounted as @here on the source; to be freed. NULL: nothing is
 * known to help.
 */
char *disk_proof_mount_remedy(const struct disk_mount *here,
			      const struct disk_mounts *there);

#endif
