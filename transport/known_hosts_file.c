/* SPDX-License-Identifier: MIT */
/* known_hosts_file: known_hosts files, read and added to. */
#include "transport/known_hosts_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/xalloc.h"
#include "transport/ssh_file.h"

/* --- reading ------------------------------------------------------------- */

static int cannot_read(const char *file, struct err *err)
{
	err_sys(err, errno, "cannot read %s as a known_hosts file", file);
	return err_hint(err, "use --ssh openssh");
}

int known_hosts_file_read(struct known_hosts *k, const struct strv *files,
			  struct err *err)
{
	for (size_t i = 0; i < files->n; i++) {
		AUTO_BUF struct buf text = { .base = NULL };
		const char *file = files->v[i];

		if (ssh_file_read(file, &text) == 0)
			known_hosts_add(k, file, buf_data(&text),
					buf_len(&text));
		else if (errno == EFBIG || errno == ESPIPE || errno == EIO)
			return cannot_read(file, err);
	}
	return 0;
}

/* --- adding -------------------------------------------------------------- */

/* A file that ends without a newline would swallow our line. */
static bool needs_newline(int fd)
{
	struct stat st;
	char last;

	return fstat(fd, &st) == 0 && st.st_size > 0 &&
	       pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static void make_parent(const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);

	(void)mkdir(dirname(copy), 0700);
}

/* One write(2) in append mode: other writers' lines stay whole. */
int known_hosts_file_append(const char *path, const char *line, struct err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_FD int fd = -1;
	ssize_t n;

	make_parent(path);
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	text = xasprintf("%s%s", needs_newline(fd) ? "\n" : "", line);
	n = write(fd, text, strlen(text));
	if (n < 0)
		return err_sys(err, errno, "cannot write %s", path);
	if ((size_t)n != strlen(text))
		return err_sys(err, ENOSPC, "cannot write %s", path);
	return fdatasync(fd) < 0 && errno != EINVAL
		       ? err_sys(err, errno, "cannot write %s", path)
		       : 0;
}
