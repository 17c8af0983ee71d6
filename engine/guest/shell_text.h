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

/*
 * True unless @text, one without a loop, is shown to start nothing once QEMU
 * has ended: behind the command that starts QEMU, and in traps, are only
 * commands that are known to start nothing, and functions of these. QEMU is
 * started by the command that names it, else by one that is made of the text's
 * arguments ("$@"), else by the first that is not known. A second one that may
 * start QEMU counts as if it ran after the first. Pure.
 */
bool shell_text_goes_on(const char *text);

#endif
