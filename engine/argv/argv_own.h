/* SPDX-License-Identifier: MIT */
/*
 * argv_own: finds what vmferry itself put into a command line.
 */
#ifndef ENGINE_ARGV_ARGV_OWN_H
#define ENGINE_ARGV_ARGV_OWN_H

#include <stdbool.h>

#include "engine/argv/argv.h"

/* Before a number: a file that is opened for appending. */
#define ARGV_FILE_ID ARGV_MONITOR_ID "-file"
/* What -debugcon makes of its character device. */
#define ARGV_DEBUGCON "isa-debugcon"

/* True for the ids of our monitors. NULL is fine. */
bool argv_own_id(const char *id);
/* True for the ids of files. NULL is fine. */
bool argv_own_file(const char *id);

#endif
