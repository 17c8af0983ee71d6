/* SPDX-License-Identifier: MIT */
/*
 * argv_table: every option of QEMU 7.2 to 11.1 and what becomes of it.
 */
#ifndef ENGINE_ARGV_ARGV_TABLE_H
#define ENGINE_ARGV_ARGV_TABLE_H

#include "engine/argv/argv_item.h"

/* The finder (argv_item.h) of QEMU's options. */
argv_finder argv_table_find;

#endif
