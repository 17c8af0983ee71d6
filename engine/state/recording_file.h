/* SPDX-License-Identifier: MIT */
/*
 * recording_file: the names of the files that hold recordings. What is in them:
 * recording.h to write, recording_read.h to read.
 */
#ifndef ENGINE_STATE_RECORDING_FILE_H
#define ENGINE_STATE_RECORDING_FILE_H

#include <stdbool.h>

/* "RUN.jsonl", and back; to be freed. */
char *recording_file_name(const char *run);
char *recording_file_run(const char *name);
/* Whether a file of that name may be a recording. */
bool recording_file_is_name(const char *name);

#endif
