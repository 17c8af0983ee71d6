/* SPDX-License-Identifier: MIT */
/* ssh_file: small files of this machine, read whole. */
#include "transport/ssh_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/xalloc.h"

enum { FILE_MAX = 4 * 1024 * 1024, CHUNK = 16 * 1024 };

int ssh_file_read(const char *path, struct buf *out)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		/* /dev/null is the usual way to say: no file */
		errno = S_ISDIR(st.st_mode)   ? EISDIR
			: S_ISCHR(st.st_mode) ? ENOENT
					      : ESPIPE;
		return -1;
	}
	while ((n = read(fd, buf_reserve(out, CHUNK), CHUNK)) > 0) {
		buf_commit(out, (size_t)n);
		if (buf_len(out) > FILE_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
	return n < 0 ? -1 : 0;
}
