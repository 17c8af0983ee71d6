/* SPDX-License-Identifier: MIT */
/* recording_file: the name and the lock of the file of a recording. */
#include "engine/state/recording_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "transport/base/xalloc.h"

static const char suffix[] = ".jsonl";

char *recording_file_name(const char *run)
{
	return xasprintf("%s%s", run, suffix);
}

char *recording_file_run(const char *name)
{
	return xstrndup(name, strlen(name) - strlen(suffix));
}

bool recording_file_is_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name && *name != '.' && !strcmp(dot, suffix);
}

static const struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

int recording_file_hold(int fd)
{
	return fcntl(fd, F_OFD_SETLK, &whole);
}

bool recording_file_is_held(int fd)
{
	struct flock lock = whole;

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
