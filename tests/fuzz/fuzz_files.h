/* SPDX-License-Identifier: MIT */
/* fuzz_files: a directory of this process for targets that read files. */
#ifndef TESTS_FUZZ_FUZZ_FILES_H
#define TESTS_FUZZ_FUZZ_FILES_H

#include <stddef.h>

/* Made below TMPDIR at the first call; borrowed. run.sh removes it. */
const char *fuzz_files_dir(void);
/* Replaces the contents of @path, which is made when it is missing. */
void fuzz_files_put(const char *path, const void *data, size_t len);

#endif
