/* SPDX-License-Identifier: MIT */
/* ssh_file: small files of this machine, read whole. */
#ifndef TRANSPORT_SSH_FILE_H
#define TRANSPORT_SSH_FILE_H

#include "transport/base/buf.h"

/*
 * Appends all of @path to @out. Returns 0, or -1 with errno; EFBIG past 4 MiB.
 * Only regular files: nothing here waits.
 */
int ssh_file_read(const char *path, struct buf *out);

#endif
