/* SPDX-License-Identifier: MIT */
/*
 * ask: asks a person for a secret.
 */
#ifndef TOOLS_CLI_ASK_H
#define TOOLS_CLI_ASK_H

/*
 * From the terminal without echo, or, where there is none, by the program that
 * SSH_ASKPASS names. The caller wipes and frees it. NULL: nobody answers.
 */
char *ask_secret(const char *prompt);

#endif
