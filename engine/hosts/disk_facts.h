/* SPDX-License-Identifier: MIT */
/*
 * disk_facts: what a file that a disk lies in is on a host, asked by a script,
 * and a file beside it that another host can be asked for.
 *
 * Theory of operation. Numbers of inodes and devices prove nothing across
 * machines: the first file of a fresh file system has the same inode on each.
 * So a file with a name that nobody can guess (the nonce) is made in the
 * directory of the image on one host, and looked for on the other: a host that
 * sees it sees the same directory. It is empty, of mode 0600, made with O_EXCL
 * and with the rights of the guest's user; by root only where nobody but root
 * can change what the name of the directory leads to.
 *
 * Before the first one a record is written below the state directory of the
 * host (state/nonces/HEX), by which the next command on that host removes what
 * is left when the process that waits for the answer is gone.
 */
#ifndef ENGINE_HOSTS_DISK_FACTS_H
#define ENGINE_HOSTS_DISK_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/hosts/as_user.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

struct host;

enum disk_nonce {
	DISK_NONCE_NONE,    /* was not asked for */
	DISK_NONCE_MADE,    /* is in the file's directory */
	DISK_NONCE_REFUSED, /* may not be made there */
	DISK_NONCE_SEEN,
	DISK_NONCE_UNSEEN,
};

/* A mount, in the kernel's words: no blanks in any of them. Owned. */
struct disk_mount {
	char *type, *source; /* "nfs4", "nas:/export" */
	char *root;	     /* what of it is mounted: "/", "/sub" */
	char *point;
	char *options; /* of the file system; NULL: not known */
};

/* Links followed. Strings owned. */
struct disk_facts {
	char type; /* 'f', 'b', 'd', 'o' other, '-' not there */
	uint64_t device, inode, bytes;
	unsigned int major, minor; /* of a device */
	uint64_t born_ns;	   /* 0: not known */
	bool fuse;
	enum disk_nonce nonce;
	char *base;    /* a checksum of its last name */
	bool is_mount; /* it is a mount itself, not only below one */
	char *id;      /* that of a block device (file_mark.sh), or NULL */
	char *samples; /* hashes of blocks of it, by commas, or NULL */
	struct disk_mount mount;
};
void disk_facts_free(struct disk_facts *f);

/* Mounts that other hosts may have, too, and those of /etc/fstab. */
struct disk_mounts {
	struct disk_mount *v;
	bool *boot; /* of each: it is in fstab, and may not be mounted */
	size_t n;
};
void disk_mounts_free(struct disk_mounts *m);

enum disk_nonce_job { DISK_NONCE_LOOK, DISK_NONCE_MAKE, DISK_NONCE_SEE };

struct disk_asker {
	const struct as_user *user; /* the guest's */
	const char *state;	    /* the host's state directory */
	enum disk_nonce_job job;
	const char *nonce; /* hexadecimal digits */
	bool sample;	   /* read blocks of devices */
};
/* Hexadecimal digits that nobody can guess, with the NUL. */
enum { DISK_NONCE_WORD = 33 };
void disk_facts_make_nonce(char word[DISK_NONCE_WORD]);

/*
 * Asks @h about each of @paths. @mounts may be NULL. ERR_REMOTE.
 */
int disk_facts_ask(struct host *h, const struct disk_asker *asker,
		   const struct strv *paths, struct disk_facts *out,
		   struct disk_mounts *mounts, struct mono deadline,
		   struct err *err);
/*
 * Removes the nonce of @asker from all places where it was made; what cannot be
 * removed now is ERR_REMOTE, and left to the next command there.
 */
int disk_facts_remove_nonce(struct host *h, const struct disk_asker *asker,
			    struct mono deadline, struct err *err);
/*
 * sh: the function `nonce_sweep DIRECTORY` removes what is left by processes
 * that are gone. Needs admit_sh, as_user_sh, run_dir_remove_sh and
 * identity_match_sh, and hand_over_sh.
 */
extern const char disk_nonce_sh[];
/* Where the records are; to be freed. */
char *disk_facts_records(const char *state);

/*
 * The SHA-256 of the file at @path, 64 hexadecimal digits, to be freed; NULL
 * when it cannot be read, or takes longer than @seconds.
 */
char *disk_facts_hash(struct host *h, const struct as_user *user,
		      const char *path, unsigned int seconds,
		      struct mono deadline);

/* Reads a line, as the script prints it; pure. -1: it is no answer. */
int disk_facts_parse(char *line, struct disk_facts *out);

#endif
