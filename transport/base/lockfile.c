/* SPDX-License-Identifier: MIT */
/* lockfile: a lock that ends with its process; the theory is in lockfile.h. */
#include "transport/base/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum {
	POLL_MS = 5,
	MOMENT_MS = 60, /* what removes files has each for less than that */
};

static int set_range(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* Keeps errno. */
static void drop_range(int fd)
{
	int errnum = errno;

	(void)set_range(fd, F_UNLCK);
	errno = errnum;
}

static bool is_directory(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where it is emulated by a range it would meet our own. */
static bool has_flock(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	switch ((unsigned long)fs.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
		return false;
	default:
		return true;
	}
}

/* For who has the write lock: only a version before it may have this one. */
static int take_flock(int fd)
{
	if (!has_flock(fd) || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	/* one who tries it has it shared */
	return errno == EWOULDBLOCK ? flock(fd, LOCK_SH | LOCK_NB) : -1;
}

int lockfile_take(int fd)
{
	if (is_directory(fd))
		return flock(fd, LOCK_EX | LOCK_NB);
	if (set_range(fd, F_WRLCK) < 0)
		return -1;
	if (take_flock(fd) == 0)
		return 0;
	drop_range(fd);
	return -1;
}

int lockfile_wait(int fd, const char *path, struct mono until, struct err *err)
{
	while (lockfile_take(fd) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, errno, "cannot lock %s", path);
		if (!mono_before(mono_now(), until))
			return err_set(err, ERR_BUSY,
				       "another process has %s locked", path);
		if (task_sleep_until(mono_in_ms(POLL_MS), err) < 0)
			return -1;
	}
	return 0;
}

int lockfile_open(const char *path, struct err *err)
{
	struct mono until = mono_in_ms(MOMENT_MS);

	for (;;) {
		AUTO_FD int fd = open(path,
				      O_RDWR | O_CREAT | O_CLOEXEC |
					      O_NOFOLLOW | O_NONBLOCK,
				      0600);

		if (fd < 0)
			return err_sys(err, errno, "cannot open the lock %s",
				       path);
		if (lockfile_wait(fd, path, until, err) < 0)
			return -1;
		/* the one before us removes its lock; others make their own */
		if (lockfile_is_still(fd, path))
			return steal_fd(&fd);
	}
}

/* The lock of the new kind that another has: F_WRLCK, F_RDLCK, or F_UNLCK. */
static short get_range(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (is_directory(fd) || fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return F_UNLCK;
	return lock.l_type;
}

bool lockfile_is_held(int fd)
{
	short range = get_range(fd);

	if (range != F_UNLCK)
		return range == F_WRLCK;
	if (!has_flock(fd))
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		(void)flock(fd, LOCK_UN);
		return false;
	}
	/* one who removes the file may have come in between */
	return errno == EWOULDBLOCK && get_range(fd) != F_RDLCK;
}

bool lockfile_is_held_at(const char *path)
{
	AUTO_FD int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && lockfile_is_held(fd);
}

bool lockfile_is_still(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

bool lockfile_bar(int fd, const char *path)
{
	if (set_range(fd, F_RDLCK) < 0)
		return false;
	if ((!has_flock(fd) || flock(fd, LOCK_EX | LOCK_NB) == 0) &&
	    lockfile_is_still(fd, path))
		return true;
	/* who meets the flock alone takes it for that of an earlier version */
	(void)flock(fd, LOCK_UN);
	drop_range(fd);
	return false;
}
