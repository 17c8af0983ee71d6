/* SPDX-License-Identifier: MIT */
/* fuzz_files: a directory of this process for targets that read files. */
#include "tests/fuzz/fuzz_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"

const char *fuzz_files_dir(void)
{
	static char *dir;
	const char *tmp = getenv("TMPDIR");

	if (dir)
		return dir;
	dir = xasprintf("%s/vmferry-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	fuzz_claim(mkdtemp(dir) != NULL, "a directory can be made");
	return dir;
}

void fuzz_files_put(const char *path, const void *data, size_t len)
{
	AUTO_FD int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_claim(fd >= 0 && write(fd, data, len) == (ssize_t)len,
		   "a file can be written");
}
