/* SPDX-License-Identifier: MIT */
/*
 * lockfile: a lock on a file, which ends with its process, however that ends.
 *
 * Theory of operation. Locks are those of open file descriptions (F_OFD_SETLK
 * in fcntl(2)), on the whole file: the kernel drops one when the last
 * descriptor of it is closed. F_OFD_GETLK asks for a lock without taking it, so
 * that nobody is kept from a lock by one who only looks.
 *
 *	holds it	a write lock, as long as it likes
 *	removes it	a read lock, for a moment, once nobody holds it
 *	looks at it	none
 *
 * The read lock keeps others from taking a file that is about to go, and is
 * not mistaken for a holder's. A process that takes a file that has lost its
 * name meanwhile opens the name again.
 *
 * Earlier versions of vmferry used flock(2), and one of them may still run. So
 * a holder also takes the flock: an earlier version finds it held, and one that
 * holds nothing but the flock is found by trying for it. That is done where
 * there is no lock of the new kind, thus only on files that an earlier version
 * or a killed process left; the trial takes a shared flock for a moment, and a
 * holder that meets it is content with a shared one. On NFS and SMB both kinds
 * are one, so the flock is left out.
 *
 * A directory cannot be opened for writing: there it is the flock alone.
 */
#ifndef TRANSPORT_BASE_LOCKFILE_H
#define TRANSPORT_BASE_LOCKFILE_H

#include <stdbool.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"

/*
 * Takes the lock of @fd, a directory or a file that is open for writing. -1:
 * errno is EWOULDBLOCK when another has it, also for a moment.
 */
int lockfile_take(int fd);
/*
 * The same of a task that waits for it until @until, @path for messages.
 * ERR_BUSY, ERR_SYSTEM, ERR_CANCELLED.
 */
int lockfile_wait(int fd, const char *path, struct mono until, struct err *err);
/*
 * The file @path, made for its user alone when it is missing, with its lock; a
 * descriptor to be closed. For tasks: waits a little for those who look for
 * what may be removed. ERR_BUSY when another holds it, ERR_SYSTEM,
 * ERR_CANCELLED; -1.
 */
int lockfile_open(const char *path, struct err *err);
/* Whether another than @fd, which is not the holder's own, holds the lock. */
bool lockfile_is_held(int fd);
/* The same of the file @path; false when there is none. */
bool lockfile_is_held_at(const char *path);
/* Whether the file @fd is still the one called @path. */
bool lockfile_is_still(int fd, const char *path);
/*
 * Keeps others from taking the lock of @fd until it is closed, so that @path
 * can be removed. False when somebody holds it, or @path is another file now.
 */
bool lockfile_bar(int fd, const char *path);

#endif
