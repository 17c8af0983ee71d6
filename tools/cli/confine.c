/* SPDX-License-Identifier: MIT */
/*
 * confine: takes rights away from this process that it no longer needs.
 *
 * Landlock is asked through bare system calls, and its names are defined here:
 * headers are often older than the kernel that runs. A right that the kernel
 * does not know must not be asked for, so its version chooses them.
 */
#include "tools/cli/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "transport/base/xalloc.h"

/* --- the kernel's interface ---------------------------------------------- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { ASK_VERSION = 1 << 0 };		  /* a flag of create_ruleset */
enum { RULE_BENEATH = 1, RULE_PORT = 2 }; /* kinds of rules */

/* Rights on files. */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,	/* version 2 */
	FS_TRUNCATE = 1 << 14,	/* version 3 */
	FS_IOCTL_DEV = 1 << 15, /* version 5 */
};

enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 }; /* version 4 */
enum { SCOPE_ABSTRACT_UNIX = 1 << 0 };			  /* version 6 */

/* What is refused unless a rule allows it; older kernels know less of it. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct rule_beneath {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct rule_port {
	uint64_t allowed;
	uint64_t port; /* in the byte order of this machine */
};

static int create_ruleset(const struct ruleset *set, size_t size,
			  unsigned int flags)
{
	return (int)syscall(SYS_landlock_create_ruleset, set, size, flags);
}

static int add_rule(int fd, int kind, const void *rule)
{
	return (int)syscall(SYS_landlock_add_rule, fd, kind, rule, 0);
}

/* --- the rules ----------------------------------------------------------- */

/* Rights that a rule on a file may have; the others are a directory's. */
static const uint64_t on_files = FS_EXECUTE | FS_WRITE_FILE | FS_TRUNCATE |
				 FS_IOCTL_DEV;

static const uint64_t change = FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE |
			       FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK |
			       FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER |
			       FS_TRUNCATE;

static const uint64_t terminal = FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV;

static const struct {
	const char *path;
	uint64_t allowed;
} devices[] = {
	{ "/dev/null", FS_WRITE_FILE | FS_TRUNCATE },
	{ "/dev/tty", terminal },
	{ "/dev/pts", terminal },
};

static struct ruleset refused(const struct confine_rules *r, int version)
{
	struct ruleset set = {
		.fs = change | FS_MAKE_CHAR | FS_MAKE_BLOCK | FS_IOCTL_DEV,
		.net = NET_BIND_TCP,
		.scoped = SCOPE_ABSTRACT_UNIX,
	};

	if (!r->allow_exec)
		set.fs |= FS_EXECUTE;
	if (r->n_ports)
		set.net |= NET_CONNECT_TCP;
	if (version < 2)
		set.fs &= ~(uint64_t)FS_REFER;
	if (version < 3)
		set.fs &= ~(uint64_t)FS_TRUNCATE;
	if (version < 4)
		set.net = 0;
	if (version < 5)
		set.fs &= ~(uint64_t)FS_IOCTL_DEV;
	if (version < 6)
		set.scoped = 0;
	return set;
}

static int allow_path(int ruleset, const struct ruleset *set, const char *path,
		      uint64_t allowed, struct err *err)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct rule_beneath rule = { .parent_fd = fd };
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode))
		allowed &= on_files;
	rule.allowed = allowed & set->fs;
	if (add_rule(ruleset, RULE_BENEATH, &rule) < 0)
		return err_sys(err, errno, "no rule can be made for %s", path);
	return 0;
}

static int allow_paths(int ruleset, const struct ruleset *set,
		       const struct confine_rules *r, struct err *err)
{
	const char *const *dir = r->write_dirs;

	for (; dir && *dir; dir++) {
		if (allow_path(ruleset, set, *dir, change, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		if (allow_path(ruleset, set, devices[i].path,
			       devices[i].allowed, err) < 0)
			return -1;
	}
	return 0;
}

static int allow_ports(int ruleset, const struct ruleset *set,
		       const struct confine_rules *r, struct err *err)
{
	if (!(set->net & NET_CONNECT_TCP))
		return 0;
	for (size_t i = 0; i < r->n_ports; i++) {
		struct rule_port rule = {
			.allowed = NET_CONNECT_TCP,
			.port = r->connect_ports[i],
		};

		if (add_rule(ruleset, RULE_PORT, &rule) < 0)
			return err_sys(err, errno,
				       "no rule can be made for port %u",
				       (unsigned int)r->connect_ports[i]);
	}
	return 0;
}

static int confine_landlock(const struct confine_rules *r, int version,
			    struct err *err)
{
	struct ruleset set = refused(r, version);
	AUTO_FD int ruleset = create_ruleset(&set, sizeof(set), 0);

	if (ruleset < 0)
		return err_sys(err, errno, "Landlock takes no rules");
	if (allow_paths(ruleset, &set, r, err) < 0 ||
	    allow_ports(ruleset, &set, r, err) < 0)
		return -1;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_sys(err, errno, "Landlock does not confine us");
	return 0;
}

int confine_self(const struct confine_rules *r, enum confine_level *level,
		 struct err *err)
{
	int version;

	if (level)
		*level = CONFINE_PRIVS;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "cannot give up new privileges");
	version = create_ruleset(NULL, 0, ASK_VERSION);
	if (version < 1)
		return 0;
	if (confine_landlock(r, version, err) < 0)
		return -1;
	if (level)
		*level = CONFINE_LANDLOCK;
	return 0;
}
