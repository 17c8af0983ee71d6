/* SPDX-License-Identifier: MIT */
/*
 * ask: asks a person, for a secret or for a yes.
 *
 * On the terminal, or, where there is none, by the program that
 * SSH_ASKPASS names (SSH_ASKPASS_REQUIRE as in ssh(1): "force" for it always,
 * "never" for never). One question at a time, however many tasks ask.
 */
#ifndef TOOLS_CLI_ASK_H
#define TOOLS_CLI_ASK_H

#include <stdbool.h>
#include <termios.h>

#include "transport/base/task.h"

/* Zeroed to begin with. */
struct ask {
	struct task_lock lock;
	/* while the terminal is in a mode of ours */
	bool changed;
	bool quiet; /* its echo is off */
	int tty;
	struct termios before;
};

/*
 * The answer, which is not shown if it is @secret. Only for tasks. The caller
 * wipes and frees it. NULL: nobody answers, or the task was cancelled.
 */
char *ask_answer(struct ask *a, const char *prompt, bool secret);
/* Puts the terminal's mode back, for a sudden exit. */
void ask_restore(struct ask *a);

#endif
