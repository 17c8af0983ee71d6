/* SPDX-License-Identifier: MIT */
/*
 * hand_over: files that root opens on the destination for a guest whose user
 * may not open them, as those of a guest that root had started with -runas.
 *
 * Theory of operation. The command line of a guest is its user's word, so it
 * says nothing about what the guest may use. What its process has open does: it
 * was opened with somebody's rights, and cannot be made up. So root opens a
 * file for it
 *
 * - that the source's process has open (/proc/PID/fdinfo), with that access
 *   mode or a lesser one, and not by O_PATH, which takes no right to the file;
 *   on a mount whose files are all on one device, since an inode's number alone
 *   says which it is (no subvolumes of btrfs, no overlay of several);
 * - that is the same file on the destination: the same device and inode where
 *   both are one host, else an inode of the same number, size and birth, or a
 *   block device of the same size and identifier (that of LVM, of multipath,
 *   its WWID or serial number);
 * - by a name that nobody but root can change, each directory on the way to it
 *   being root's. So what was looked at is what is opened.
 *
 * QEMU gets it as a descriptor, and runs as the guest's user from its start.
 */
#ifndef ENGINE_HOSTS_HAND_OVER_H
#define ENGINE_HOSTS_HAND_OVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/hosts/as_user.h"
#include "transport/base/buf.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

struct host;

/* What is compared; strings owned. */
struct hand_file {
	char type; /* 'f', 'b', or '-': neither, or it is not there */
	uint64_t inode, size; /* bytes; sectors of a device */
	uint64_t born;	      /* in ns; 0: not known */
	bool fuse;	      /* its inode number proves nothing */
	char *device;	      /* identifier of a block device, or NULL */
};

/* A file as the source's process has it. */
struct hand_held {
	bool reads, writes;	  /* by a descriptor that is open */
	bool access_known;	  /* what follows was tried */
	bool may_read, may_write; /* its user, by the name */
	struct hand_file file;
	char *id; /* device and inode there */
};
/* A file as root finds it on the destination. */
struct hand_found {
	bool guarded;		  /* by a name that is root's alone */
	bool may_read, may_write; /* root */
	struct hand_file file;
	char *id; /* what hand_over_sh compares; NULL unless guarded */
};
void hand_held_free(struct hand_held *h);
void hand_found_free(struct hand_found *f);

/* The process that may have files open. */
struct hand_holder {
	pid_t pid;
	uint64_t ticks;
	uid_t uid;
	const struct as_user *user;
};
/* Asks root of @h, about each of @paths. */
int hand_over_ask_held(struct host *h, const struct hand_holder *holder,
		       const struct strv *paths, struct hand_held *out,
		       struct mono deadline, struct err *err);
int hand_over_ask_found(struct host *h, const struct strv *paths,
			struct hand_found *out, struct mono deadline,
			struct err *err);

/*
 * Why the file may not be handed over, or NULL: it may. @writable: QEMU wants
 * to write it. @one_host: both sides are one host.
 */
const char *hand_over_refusal(const struct hand_held *here,
			      const struct hand_found *there, bool writable,
			      bool one_host);

/*
 * The function hand FD MODE PATH ID, which opens PATH as the descriptor FD of
 * the shell, with MODE "rw" or "r", or ends it with a message; ID is that of
 * hand_found. Needs file_mark_sh.
 */
extern const char hand_over_sh[];
extern const char file_mark_sh[];

#endif
