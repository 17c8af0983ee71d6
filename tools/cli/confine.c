/* SPDX-License-Identifier: MIT */
/*
 * confine: takes rights away from this process that it no longer needs.
 */
#include "tools/cli/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/landlock.h"
#include "transport/base/xalloc.h"

/* --- the rules ----------------------------------------------------------- */

/* Rights that a rule on a file may have; the others are a directory's. */
static const uint64_t on_files = LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE |
				 LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEV;

static const uint64_t change = LANDLOCK_WRITE_FILE | LANDLOCK_REMOVE_DIR |
			       LANDLOCK_REMOVE_FILE | LANDLOCK_MAKE_DIR |
			       LANDLOCK_MAKE_REG | LANDLOCK_MAKE_SOCK |
			       LANDLOCK_MAKE_FIFO | LANDLOCK_MAKE_SYM |
			       LANDLOCK_REFER | LANDLOCK_TRUNCATE;

static const uint64_t terminal = LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE |
				 LANDLOCK_IOCTL_DEV;

static const struct {
	const char *path;
	uint64_t allowed;
} devices[] = {
	{ "/dev/null", LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE },
	{ "/dev/tty", terminal },
	{ "/dev/pts", terminal },
};

static struct landlock_ruleset refused(const struct confine_rules *r,
				       int version)
{
	struct landlock_ruleset set = {
		.files = change | LANDLOCK_MAKE_CHAR | LANDLOCK_MAKE_BLOCK |
			 LANDLOCK_IOCTL_DEV,
		.net = LANDLOCK_BIND_TCP,
		.scoped = LANDLOCK_ABSTRACT_UNIX,
	};

	if (!r->allow_exec)
		set.files |= LANDLOCK_EXECUTE;
	if (r->n_ports)
		set.net |= LANDLOCK_CONNECT_TCP;
	return landlock_known(set, version);
}

static int allow_path(int ruleset, const struct landlock_ruleset *set,
		      const char *path, uint64_t allowed, struct err *err)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_beneath rule = { .parent_fd = fd };
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode))
		allowed &= on_files;
	rule.permitted = allowed & set->files;
	if (landlock_permit_beneath(ruleset, &rule) < 0)
		return err_sys(err, errno, "no rule can be made for %s", path);
	return 0;
}

static int allow_paths(int ruleset, const struct landlock_ruleset *set,
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

static int allow_ports(int ruleset, const struct landlock_ruleset *set,
		       const struct confine_rules *r, struct err *err)
{
	if (!(set->net & LANDLOCK_CONNECT_TCP))
		return 0;
	for (size_t i = 0; i < r->n_ports; i++) {
		struct landlock_port rule = {
			.permitted = LANDLOCK_CONNECT_TCP,
			.port = r->connect_ports[i],
		};

		if (landlock_permit_port(ruleset, &rule) < 0)
			return err_sys(err, errno,
				       "no rule can be made for port %u",
				       (unsigned int)r->connect_ports[i]);
	}
	return 0;
}

static int confine_landlock(const struct confine_rules *r, int version,
			    struct err *err)
{
	struct landlock_ruleset set = refused(r, version);
	AUTO_FD int ruleset = landlock_new(&set);

	if (ruleset < 0)
		return err_sys(err, errno, "Landlock takes no rules");
	if (allow_paths(ruleset, &set, r, err) < 0 ||
	    allow_ports(ruleset, &set, r, err) < 0)
		return -1;
	if (landlock_restrict(ruleset) < 0)
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
	version = landlock_version();
	if (version < 1)
		return 0;
	if (confine_landlock(r, version, err) < 0)
		return -1;
	if (level)
		*level = CONFINE_LANDLOCK;
	return 0;
}
