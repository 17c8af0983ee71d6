/* SPDX-License-Identifier: MIT */
/*
 * landlock: the kernel's interface, as far as it is used here. Headers are
 * often older than the kernel that runs, and the C library has no wrappers.
 *
 * A right that the kernel does not know must not be asked for, so its version
 * chooses them.
 */
#ifndef TRANSPORT_BASE_LANDLOCK_H
#define TRANSPORT_BASE_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Rights on files; from which version on, if not from the first. */
enum {
	LANDLOCK_EXECUTE = 1 << 0,
	LANDLOCK_WRITE_FILE = 1 << 1,
	LANDLOCK_READ_FILE = 1 << 2,
	LANDLOCK_READ_DIR = 1 << 3,
	LANDLOCK_REMOVE_DIR = 1 << 4,
	LANDLOCK_REMOVE_FILE = 1 << 5,
	LANDLOCK_MAKE_CHAR = 1 << 6,
	LANDLOCK_MAKE_DIR = 1 << 7,
	LANDLOCK_MAKE_REG = 1 << 8,
	LANDLOCK_MAKE_SOCK = 1 << 9,
	LANDLOCK_MAKE_FIFO = 1 << 10,
	LANDLOCK_MAKE_BLOCK = 1 << 11,
	LANDLOCK_MAKE_SYM = 1 << 12,
	LANDLOCK_REFER = 1 << 13,     /* 2 */
	LANDLOCK_TRUNCATE = 1 << 14,  /* 3 */
	LANDLOCK_IOCTL_DEV = 1 << 15, /* 5 */
	LANDLOCK_FILES = (1 << 16) - 1,
};
enum { LANDLOCK_BIND_TCP = 1 << 0, LANDLOCK_CONNECT_TCP = 1 << 1 }; /* 4 */
enum { LANDLOCK_ABSTRACT_UNIX = 1 << 0, LANDLOCK_SIGNAL = 1 << 1 }; /* 6 */

/* What is refused unless a rule permits it. */
struct landlock_ruleset {
	uint64_t files;
	uint64_t net;
	uint64_t scoped;
};

struct landlock_beneath {
	uint64_t permitted;
	int32_t parent_fd;
} __attribute__((packed));

struct landlock_port {
	uint64_t permitted;
	uint64_t port; /* in the byte order of this machine */
};

/* 0 when the kernel has none, or it is turned off. */
int landlock_version(void);
/* @set without what @version does not know. */
struct landlock_ruleset landlock_known(struct landlock_ruleset set,
				       int version);

/* A descriptor; each -1 with errno. The rules: as set by the first. */
int landlock_new(const struct landlock_ruleset *set);
int landlock_permit_beneath(int fd, const struct landlock_beneath *rule);
int landlock_permit_port(int fd, const struct landlock_port *rule);
/* For the calling thread and all that it starts. Needs no_new_privs. */
int landlock_restrict(int fd);

#endif
