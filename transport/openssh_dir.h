/* SPDX-License-Identifier: MIT */
/*
 * openssh_dir: the private directory in which a child ssh(1) has its sockets.
 *
 * A directory is locked (lockfile.h) as long as its process lives. One whose
 * owner was killed is unlocked, and removed by the next who makes one.
 */
#ifndef TRANSPORT_OPENSSH_DIR_H
#define TRANSPORT_OPENSSH_DIR_H

#include "transport/base/err.h"

/*
 * A fresh 0700 directory with a short and plain name below $XDG_RUNTIME_DIR,
 * /run or /tmp; to be freed. *lock_fd is to be closed after the removal.
 */
char *openssh_dir_make(int *lock_fd, struct err *err);
/* Removes the directory and the sockets in it. */
void openssh_dir_remove(int lock_fd, const char *dir);

#endif
