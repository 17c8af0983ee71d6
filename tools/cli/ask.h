/* SPDX-License-Identifier: MIT */
/*
 * ask: asks a person for a secret.
 *
 * From the terminal without echo, or, where there is none, by the program that
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
	/* while the echo is off */
	bool quiet;
	int tty;
	struct termios before;
};

/*
 * Only for tasks. The caller wipes and frees it. NULL: nobody answers, or the
 * task was cancelled.
 */
char *ask_secret(struct ask *a, const char *prompt);
/* Turns the echo on again, for a sudden exit. */
void ask_restore(struct ask *a);

#endif
