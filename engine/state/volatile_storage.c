/* SPDX-License-Identifier: MIT */
/* volatile_storage: whether a power cut empties what a directory is on. */
#include "engine/state/volatile_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

/* linux/magic.h */
enum { TMPFS = 0x01021994, OVERLAY = 0x794c7630 };
#define RAMFS 0x858458f6u

/* --- the text of mountinfo ------------------------------------------------ */

/* Blanks, tabs, line feeds and backslashes are written as \ooo. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		unsigned int c;

		if (*s == '\\' && sscanf(s + 1, "%3o", &c) == 1) {
			*to++ = (char)c;
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

static bool is_of(const char *line, const char *dev)
{
	const char *field = line + strcspn(line, " ");

	field += strspn(field, " ");
	field += strcspn(field, " ");
	field += strspn(field, " ");
	return !strncmp(field, dev, strlen(dev)) && field[strlen(dev)] == ' ';
}

char *volatile_storage_upper(const char *mountinfo, const char *dev)
{
	static const char option[] = "upperdir=";

	while (*mountinfo) {
		size_t len = strcspn(mountinfo, "\n");
		AUTO_FREE char *line = xstrndup(mountinfo, len);
		char *upper = is_of(line, dev) ? strstr(line, option) : NULL;

		if (upper) {
			upper += sizeof(option) - 1;
			upper[strcspn(upper, ", ")] = '\0';
			unescape(upper);
			return xstrdup(upper);
		}
		mountinfo += len + (mountinfo[len] == '\n');
	}
	return NULL;
}

/* --- the file system ------------------------------------------------------ */

static char *read_mountinfo(void)
{
	AUTO_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct buf b = { 0 };
	ssize_t n = fd < 0 ? 0 : 1;

	while (n > 0) {
		n = read(fd, buf_reserve(&b, 65536), 65536);
		if (n > 0)
			buf_commit(&b, (size_t)n);
	}
	return buf_steal(&b);
}

static const char *name_of(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return NULL;
	if ((unsigned int)fs.f_type == TMPFS)
		return "tmpfs";
	return (unsigned int)fs.f_type == RAMFS ? "ramfs" : NULL;
}

static const char *below_overlay(const char *path)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *upper = NULL;
	struct stat st;
	char dev[32];

	if (stat(path, &st) < 0)
		return NULL;
	snprintf(dev, sizeof(dev), "%u:%u", major(st.st_dev), minor(st.st_dev));
	text = read_mountinfo();
	upper = volatile_storage_upper(text, dev);
	return upper && name_of(upper) ? "an overlay on tmpfs" : NULL;
}

const char *volatile_storage(const char *path)
{
	AUTO_FREE char *part = xstrdup(path);
	struct statfs fs;
	char *slash;

	while (statfs(part, &fs) < 0) {
		slash = strrchr(part, '/');
		if (errno != ENOENT || !slash || slash == part)
			return name_of("/");
		*slash = '\0';
	}
	if ((unsigned int)fs.f_type == OVERLAY)
		return below_overlay(part);
	return name_of(part);
}
