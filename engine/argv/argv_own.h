/* SPDX-License-Identifier: MIT */
/*
 * argv_own: finds what vmferry itself put into a command line.
 */
#ifndef ENGINE_ARGV_ARGV_OWN_H
#define ENGINE_ARGV_ARGV_OWN_H

#include <stdbool.h>

#include "engine/argv/argv.h"
#include "engine/argv/argv_item.h"

/* Before a number: a file that is opened for appending. */
#define ARGV_FILE_ID ARGV_MONITOR_ID "-file"
/* What -debugcon makes of its character device. */
#define ARGV_DEBUGCON "isa-debugcon"

/* Before the name of a file that QEMU got open: opaque= of -add-fd. */
#define ARGV_HAND_OPAQUE ARGV_MONITOR_ID ":"

/* True for the ids of our monitors. NULL is fine. */
bool argv_own_id(const char *id);
/* True for the ids of files. NULL is fine. */
bool argv_own_file(const char *id);
/*
 * The name that a file had before QEMU got it open: what an @opaque of ours
 * has, borrowed from it; else NULL. NULL is fine.
 */
const char *argv_own_hand(const char *opaque);
/*
 * What @name, of a file or block node in @argv, was before it was handed over;
 * to be freed. NULL: it was not, or not by us.
 */
char *argv_own_handed(const struct argv_items *argv, const char *name);

#endif
