/* SPDX-License-Identifier: MIT */
/*
 * recording_file: the file that holds a recording: its name, and the lock by
 * which its engine shows that it lives. What is in it: recording.h to write,
 * recording_read.h to read.
 */
#ifndef ENGINE_STATE_RECORDING_FILE_H
#define ENGINE_STATE_RECORDING_FILE_H

#include <stdbool.h>

/* "RUN.jsonl", and back; to be freed. */
char *recording_file_name(const char *run);
char *recording_file_run(const char *name);
/* Whether a file of that name may be a recording. */
bool recording_file_is_name(const char *name);

/* Takes the lock of the open file @fd at once or fails; errno. */
int recording_file_hold(int fd);
/* Whether somebody else holds it; does not take it. */
bool recording_file_is_held(int fd);

#endif
