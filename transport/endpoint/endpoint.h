/* SPDX-License-Identifier: MIT */
/*
 * endpoint: the process that speaks to an SSH server.
 *
 * Theory of operation. An endpoint is the program itself, run again with the
 * one word ENDPOINT_WORD and the three descriptors of control.h. It has one
 * thread, one connection and one purpose, so an error of any kind has one
 * consequence: it says ERROR and ends (endpoint_die), and nothing has to be
 * tidied up. What libssh2 does after a failure of its own is never relied on;
 * a fault in it ends the same way, without the message.
 *
 *	set up	descriptors, libraries, rights given up	endpoint.c, _sandbox
 *	login	one thing after another; waits where it is	endpoint_login
 *	work	one loop around poll(2); waits nowhere else	endpoint_work
 *
 *	           control socket (messages)
 *	parent ──────────────┐
 *	QEMU ── socket ── [ lanes ── channel ] ── libssh2 ── ssh_wire ── TCP
 *	parent ─ socket ─ [ lanes ── channel ] ──┘
 *
 * A relay has no SSH: its one channel is the descriptor CONTROL_PEER_FD.
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_H
#define TRANSPORT_ENDPOINT_ENDPOINT_H

#include <stdbool.h>

/* The program's only argument when it is to be an endpoint. */
#define ENDPOINT_WORD "ssh-endpoint"

/* Whether these are the arguments of an endpoint. */
bool endpoint_wanted(int argc, char *const *argv);
/*
 * The whole life of one. To be called first thing in main(). Never returns.
 */
void endpoint_main(void) __attribute__((noreturn));

#endif
