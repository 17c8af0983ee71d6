/* SPDX-License-Identifier: MIT */
/* state_dir: where vmferry keeps things on a host's disk. */
#include "engine/state/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"

static char *named(const char *dir, const char *before, const char *name,
		   const char *after)
{
	AUTO_FREE char *part = path_part(name);

	return xasprintf("%s/%s%s%s", dir, before, part, after);
}

/* --- below the state directory ------------------------------------------- */

char *state_dir_runs(const char *state)
{
	return xasprintf("%s/runs", state);
}

char *state_dir_run(const char *state, const char *run)
{
	return named(state, "runs/", run, "");
}

char *state_dir_journal(const char *state, const char *run)
{
	return named(state, "runs/", run, "/journal");
}

char *state_dir_recordings(const char *state)
{
	return xasprintf("%s/recordings", state);
}

char *state_dir_lessons(const char *state)
{
	return xasprintf("%s/pairs", state);
}

char *state_dir_moved(const char *state)
{
	return xasprintf("%s/moved", state);
}

char *state_dir_arrived(const char *state)
{
	return xasprintf("%s/arrived", state);
}

const char state_dir_of_root[] = "/var/lib/vmferry";

char *state_dir_away(const char *state)
{
	return xasprintf("%s/away", state);
}

char *state_dir_away_mark(const char *state, const char *run)
{
	return named(state, "away/", run, "");
}

/* --- below the run root -------------------------------------------------- */

char *state_dir_locks(const char *root)
{
	return xasprintf("%s/locks", root);
}

char *state_dir_lock(const char *root, const char *key)
{
	return named(root, "locks/", key, "");
}

char *state_dir_queue(const char *root)
{
	return xasprintf("%s/queue", root);
}

char *state_dir_tokens(const char *root)
{
	return xasprintf("%s/tokens", root);
}

char *state_dir_token(const char *root, const char *run, const char *side)
{
	AUTO_FREE char *after = xasprintf("-%s", side);

	return named(root, "tokens/", run, after);
}

char *state_dir_arrival(const char *root, const char *key)
{
	return named(root, "in-", key, "");
}

char *state_dir_arrivals(const char *root)
{
	return xasprintf("%s/in-*", root);
}

char *state_dir_guest(const char *root, const char *run)
{
	return named(root, "", run, "");
}

bool state_dir_is_guest(const char *root, const char *path)
{
	size_t len = strlen(root);

	/* a run's id begins with "run-" */
	return !strncmp(path, root, len) && !strncmp(path + len, "/run-", 5) &&
	       !strchr(path + len + 1, '/');
}

/* --- making, trusting, removing ------------------------------------------ */

int state_dir_sync_entry(const char *path)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = NULL;
	AUTO_FD int fd = -1;

	if (slash == path)
		dir = xstrdup("/");
	else if (slash)
		dir = xstrndup(path, (size_t)(slash - path));
	else
		dir = xstrdup(".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return fsync(fd) < 0 && errno != EINVAL ? -1 : 0;
}

/* Users pass through root's: what they may read is below it. */
static int make_synced(const char *path)
{
	bool is_passed = !strcmp(path, state_dir_of_root);

	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : -1;
	if (is_passed && chmod(path, 0711) < 0)
		return -1;
	return state_dir_sync_entry(path);
}

int state_dir_make(const char *path, struct err *err)
{
	AUTO_FREE char *part = xstrdup(path);

	for (char *slash = strchr(part + 1, '/');;
	     slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (make_synced(part) < 0)
			return err_sys(err, errno, "cannot make %s", part);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

/* With that mode whatever the umask, unless it is there. */
static int make_one(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) < 0) {
		if (errno == EEXIST)
			return 0;
		return err_sys(err, errno, "cannot make %s", path);
	}
	if (chmod(path, mode) < 0)
		return err_sys(err, errno, "cannot set the mode of %s", path);
	return 0;
}

int state_dir_make_in_root(const char *root, const char *dir, struct err *err)
{
	return make_one(root, 0711, err) < 0 ? -1 : make_one(dir, 0700, err);
}

static int trust_one(const char *path, int flags, struct err *err)
{
	const mode_t others = S_IWGRP | S_IWOTH;
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, flags) < 0)
		return err_sys(err, errno, "cannot look at %s", path);
	if (S_ISDIR(st.st_mode) && (!st.st_uid || st.st_uid == geteuid()) &&
	    (!(st.st_mode & others) || (st.st_mode & S_ISVTX)))
		return 0;
	return err_set(err, ERR_SYSTEM,
		       "%s cannot be trusted: it must be a directory, no link "
		       "to one, that nobody else may write to",
		       path);
}

int state_dir_trust(const char *dir, struct err *err)
{
	const char *slash = strrchr(dir, '/');
	AUTO_FREE char *state = xstrndup(dir, (size_t)(slash - dir));

	if (trust_one(*state ? state : "/", 0, err) < 0)
		return -1;
	return trust_one(dir, AT_SYMLINK_NOFOLLOW, err);
}

/* Adds @mode to that of the directory @path, which is this user's. */
static int let_others(const char *path, mode_t mode, struct err *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at %s", path);
	if ((st.st_mode & mode) == mode ||
	    fchmod(fd, (st.st_mode | mode) & 07777) == 0)
		return 0;
	return err_sys(err, errno, "cannot set the mode of %s", path);
}

int state_dir_make_away(const char *state, struct err *err)
{
	AUTO_FREE char *dir = state_dir_away(state);

	if (state_dir_make(dir, err) < 0 || state_dir_trust(dir, err) < 0 ||
	    let_others(state, 0711, err) < 0)
		return -1;
	return let_others(dir, 0755, err);
}

void state_dir_remove_run(const char *run_dir)
{
	AUTO_FREE char *journal = xasprintf("%s/journal", run_dir);

	(void)unlink(journal);
	(void)rmdir(run_dir);
}
