/* SPDX-License-Identifier: MIT */
/*
 * argv_table: every option of QEMU 7.2 to 11.1 and what becomes of it.
 */
#ifndef ENGINE_ARGV_ARGV_TABLE_H
#define ENGINE_ARGV_ARGV_TABLE_H

#include "engine/argv/argv_item.h"

/* @word with one or two dashes. NULL: no such option. */
const struct argv_def *argv_table_find(const char *word);
/* The entry of a bare word: the image of the first disk. */
const struct argv_def *argv_table_image(void);

#endif
