/* SPDX-License-Identifier: MIT */
/*
 * said: what a program or a host has printed, for an error's text; pure.
 */
#ifndef TRANSPORT_SAID_H
#define TRANSPORT_SAID_H

/*
 * The last ten lines of @text, which is taken apart, in one; to be freed. What
 * frames a warning of ssh(1)'s and what is no news is left out.
 */
char *said_in_one_line(char *text);

#endif
