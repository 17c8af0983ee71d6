/* SPDX-License-Identifier: MIT */
/* endpoint_sandbox: what an endpoint gives up. */
#include "transport/endpoint/endpoint_sandbox.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "transport/base/landlock.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/control.h"

int endpoint_sandbox_close_fds(struct err *err)
{
	if (close_range(CONTROL_COUNTERS_FD + 1, ~0U, 0) < 0)
		return err_sys(err, errno, "cannot close descriptors");
	return 0;
}

/* --- a user of its own ---------------------------------------------------- */

/*
 * The first range is given to nobody (systemd's UIDS-GIDS), and a pid makes a
 * uid of it that no other endpoint of this machine has. A user namespace may
 * map less: then one of those for services without a user of their own.
 */
enum {
	USER_BASE = 0x70000000,
	USER_SMALL_BASE = 61184,
	USER_SMALL_COUNT = 4336,
};

static int become(uid_t id)
{
	if (setresgid(id, id, id) < 0)
		return -1;
	return setresuid(id, id, id);
}

/* Root of a container may lack the right, or the whole range. */
static bool cannot_be_helped(int errnum)
{
	return errnum == EINVAL || errnum == EPERM;
}

int endpoint_sandbox_user(struct err *err)
{
	uid_t pid = (uid_t)getpid();

	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return err_sys(err, errno, "cannot give up groups");
	if (become(USER_BASE + pid) < 0 &&
	    become(USER_SMALL_BASE + pid % USER_SMALL_COUNT) < 0)
		return cannot_be_helped(errno)
			       ? 0
			       : err_sys(err, errno,
					 "cannot become another user");
	if (setuid(0) == 0 || setgid(0) == 0)
		return err_set(err, ERR_INTERNAL, "root can be got back");
	return 1;
}

/* --- limits --------------------------------------------------------------- */

/* poll(2) takes no more descriptors than NOFILE, however few are open. */
enum { FILES_MAX = 512 };

static const struct {
	int resource;
	rlim_t limit;
} limits[] = {
	{ RLIMIT_NOFILE, FILES_MAX }, { RLIMIT_FSIZE, 0 },
	{ RLIMIT_NPROC, 0 },	      { RLIMIT_CORE, 0 },
	{ RLIMIT_MEMLOCK, 0 },	      { RLIMIT_MSGQUEUE, 0 },
#ifndef __SANITIZE_ADDRESS__
	{ RLIMIT_DATA, 256UL << 20 },
#endif
};

int endpoint_sandbox_limits(struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit l = { limits[i].limit, limits[i].limit };
		struct rlimit old;

		if (getrlimit((__rlimit_resource_t)limits[i].resource, &old) ==
			    0 &&
		    old.rlim_max < l.rlim_max)
			l.rlim_max = l.rlim_cur = old.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].resource, &l) < 0)
			return err_sys(err, errno, "cannot set limits");
	}
	return 1;
}

/* --- Landlock ------------------------------------------------------------- */

/* All that the kernel can refuse, without an exception. */
int endpoint_sandbox_landlock(struct err *err)
{
	const struct landlock_ruleset all = {
		.files = LANDLOCK_FILES,
		.net = LANDLOCK_BIND_TCP | LANDLOCK_CONNECT_TCP,
		.scoped = LANDLOCK_ABSTRACT_UNIX | LANDLOCK_SIGNAL,
	};
	int version = landlock_version();
	struct landlock_ruleset set = landlock_known(all, version);
	AUTO_FD int fd = -1;

	if (!version)
		return 0;
	fd = landlock_new(&set);
	if (fd < 0 || landlock_restrict(fd) < 0)
		return err_sys(err, errno, "Landlock does not confine us");
	return 1;
}

/* --- all of it ------------------------------------------------------------ */

/*
 * The parent may end without a word, and this process be stopped: then the
 * kernel ends it. Asked for after the change of user, which revokes it.
 */
static int follow_parent(struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_sys(err, errno, "cannot follow the parent");
	return 0;
}

static int take_no_privileges(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(err, errno, "cannot give up privileges");
	return 0;
}

int endpoint_sandbox_enter(struct err *err)
{
	int user, landlock, seccomp;

	user = endpoint_sandbox_user(err);
	if (user < 0 || follow_parent(err) < 0 || take_no_privileges(err) < 0 ||
	    endpoint_sandbox_limits(err) < 0)
		return -1;
	landlock = endpoint_sandbox_landlock(err);
	if (landlock < 0)
		return -1;
	seccomp = endpoint_sandbox_seccomp(err);
	if (seccomp < 0)
		return -1;
	return (user ? CONTROL_OWN_UID : 0) |
	       (landlock ? CONTROL_LANDLOCK : 0) |
	       (seccomp ? CONTROL_SECCOMP : 0);
}
