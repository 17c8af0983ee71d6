/* SPDX-License-Identifier: MIT */
/*
 * known_hosts_file: known_hosts files, read and added to.
 */
#ifndef TRANSPORT_KNOWN_HOSTS_FILE_H
#define TRANSPORT_KNOWN_HOSTS_FILE_H

#include "transport/base/err.h"
#include "transport/base/strv.h"
#include "transport/known_hosts.h"

/*
 * Adds what @files, in this order, say of the host. As for ssh(1), one that is
 * not there or that the user may not read is empty. -1 (ERR_SYSTEM) when ssh(1)
 * could read one and this cannot: a pipe, or one of many megabytes.
 */
int known_hosts_file_read(struct known_hosts *k, const struct strv *files,
			  struct err *err);
/*
 * Appends @line to @path, which is made (0600) if need be, and its directory,
 * and is synced. Lines of other writers stay whole.
 */
int known_hosts_file_append(const char *path, const char *line,
			    struct err *err);

#endif
