/* SPDX-License-Identifier: MIT */
/*
 * shell_text: whether a text for a shell can start its commands again.
 */
#ifndef ENGINE_GUEST_SHELL_TEXT_H
#define ENGINE_GUEST_SHELL_TEXT_H

#include <stdbool.h>

/*
 * True when @text has a loop, or runs itself anew ($0). A keyword counts where
 * a command can begin, not in a comment, between quotes or as an argument.
 * Pure; a text that defies this reading is taken for one that can.
 */
bool shell_text_repeats(const char *text);

#endif
