/* SPDX-License-Identifier: MIT */
/* stale: what runs that are over left behind on this host. */
#include "engine/stale.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/journal.h"
#include "transport/base/err.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

/* A run makes its directory a moment before the journal in it. */
enum { NEW_S = 60 };

static bool is_over(const char *path)
{
	struct journal_view v = { .v = NULL };
	bool over = journal_read(path, &v, NULL) == 0 &&
		    (!v.n || journal_is_final(journal_state(&v)));

	journal_view_free(&v);
	return over;
}

static bool is_new(const char *dir)
{
	struct stat st;

	return stat(dir, &st) < 0 ||
	       st.st_mtime + NEW_S > (time_t)(wall_now().us / 1000000);
}

void stale_journal(const char *path)
{
	AUTO_FREE char *dir = xstrndup(path, strrchr(path, '/') - path);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0) {
		if (errno == ENOENT && !is_new(dir))
			(void)rmdir(dir);
		return;
	}
	/* its writer has it locked as long as it lives */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_over(path))
		return;
	log_info(NULL, "removing what is left of a run: %s", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

static void stale_lock(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlink(path);
}

void stale_locks(const char *run_root)
{
	AUTO_FREE char *dir = xasprintf("%s/locks", run_root);
	DIR *d = opendir(dir);
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, e->d_name);

		if (e->d_name[0] != '.')
			stale_lock(path);
	}
	closedir(d);
}
