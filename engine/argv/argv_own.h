/* SPDX-License-Identifier: MIT */
/*
 * argv_own: finds what vmferry itself put into a command line.
 */
#ifndef ENGINE_ARGV_ARGV_OWN_H
#define ENGINE_ARGV_ARGV_OWN_H

#include <stdbool.h>

/* True for the ids of our monitors. NULL is fine. */
bool argv_own_id(const char *id);

#endif
