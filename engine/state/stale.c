/* SPDX-License-Identifier: MIT */
/* stale: what runs that are over left behind on this host. */
#include "engine/state/stale.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/state/journal_read.h"
#include "engine/state/state_dir.h"
#include "transport/base/err.h"
#include "transport/base/lockfile.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

/* One without a record may be that of a run that is just beginning. */
static bool is_over(const char *path, bool busy)
{
	struct journal_view v = { .v = NULL };
	bool over = journal_read(path, &v, NULL) == 0 &&
		    (v.n ? journal_record_is_final(journal_state(&v)) : !busy);

	journal_view_free(&v);
	return over;
}

void stale_journal(const char *state, const char *run, const char *run_root,
		   bool busy)
{
	AUTO_FREE char *token = state_dir_token(run_root, run, "source");
	AUTO_FREE char *dir = state_dir_run(state, run);
	AUTO_FREE char *path = state_dir_journal(state, run);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0) {
		if (errno == ENOENT && !busy)
			(void)rmdir(dir);
		return;
	}
	/* its writer has it locked as long as it lives */
	if (!lockfile_bar(fd, path) || !is_over(path, busy))
		return;
	log_info(NULL, "removing what is left of a run: %s", dir);
	(void)unlink(token);
	state_dir_remove_run(dir);
}

/* True when it is held; else it is removed if @remove. */
static bool look_at_lock(const char *path, bool remove)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	if (!remove)
		return lockfile_is_held(fd);
	if (!lockfile_bar(fd, path))
		return true;
	(void)unlink(path);
	return false;
}

static bool look_at_locks(const char *run_root, bool remove)
{
	AUTO_FREE char *dir = state_dir_locks(run_root);
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool held = false;

	while (d && (e = readdir(d))) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, e->d_name);

		if (e->d_name[0] != '.' && look_at_lock(path, remove))
			held = true;
	}
	if (d)
		closedir(d);
	return held;
}

bool stale_is_busy(const char *run_root)
{
	return look_at_locks(run_root, false);
}

void stale_locks(const char *run_root)
{
	(void)look_at_locks(run_root, true);
}
