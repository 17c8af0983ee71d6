/* SPDX-License-Identifier: MIT */
/* openssh_dir: the private directory of a child ssh(1) for its sockets. */
#include "transport/openssh_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/lockfile.h"
#include "transport/base/xalloc.h"

#define PREFIX "vmferry-ssh-"

enum { TRIES = 16 };

/* ssh gives % and " a meaning, and a socket's path has to be short. */
static bool is_plain(const char *base)
{
	enum { MAX_BYTES = 60 };

	if (!base || *base != '/' || strlen(base) > MAX_BYTES)
		return false;
	for (; *base; base++) {
		if (!isalnum((unsigned char)*base) && !strchr("/_.-", *base))
			return false;
	}
	return true;
}

/*
 * What is made in @base stays there: it is ours or root's, and others cannot
 * rename what is in it. The variable may have come along with su(1).
 */
static bool is_safe(const char *base)
{
	const mode_t others = S_IWGRP | S_IWOTH;
	struct stat st;

	return stat(base, &st) == 0 && S_ISDIR(st.st_mode) &&
	       (!st.st_uid || st.st_uid == geteuid()) &&
	       (!(st.st_mode & others) || (st.st_mode & S_ISVTX));
}

/* Sockets only: in a directory of ours there is nothing else. */
static void empty(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;

	if (!d) {
		close_fd(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (!fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISSOCK(st.st_mode))
			(void)unlinkat(fd, e->d_name, 0);
	}
	closedir(d);
}

void openssh_dir_remove(int lock_fd, const char *dir)
{
	empty(lock_fd);
	(void)rmdir(dir);
}

/* The locked directory, or -1: it is gone, a stranger's, or in use. */
static int lock(int base_fd, const char *name)
{
	/* NOLINTNEXTLINE(*-unix.StdC*): dirfd() cannot fail here */
	AUTO_FD int fd = openat(
		base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
	    lockfile_take(fd) < 0)
		return -1;
	/* the previous holder of the lock may have removed it */
	if (fstat(fd, &st) < 0 || !st.st_nlink)
		return -1;
	return steal_fd(&fd);
}

/* Removes what killed processes have left in @base. */
static void sweep(const char *base)
{
	DIR *d = opendir(base);
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		AUTO_FD int fd = -1;

		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)))
			continue;
		fd = lock(dirfd(d), e->d_name);
		if (fd < 0)
			continue;
		empty(fd);
		(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

/* One who sweeps may be faster than we lock: then there is another name. */
static char *make_in(const char *base, int *lock_fd)
{
	for (int i = 0; i < TRIES; i++) {
		AUTO_FREE char *dir = xasprintf("%s/" PREFIX "XXXXXX", base);

		if (!mkdtemp(dir))
			return NULL;
		*lock_fd = lock(AT_FDCWD, dir);
		if (*lock_fd >= 0)
			return STEAL(dir);
	}
	return NULL;
}

char *openssh_dir_make(int *lock_fd, struct err *err)
{
	const char *const bases[] = { getenv("XDG_RUNTIME_DIR"), "/run",
				      "/tmp" };

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		char *dir;

		if (!is_plain(bases[i]) || !is_safe(bases[i]))
			continue;
		sweep(bases[i]);
		dir = make_in(bases[i], lock_fd);
		if (dir)
			return dir;
	}
	err_sys(err, errno, "cannot make a directory for ssh's socket");
	return NULL;
}
