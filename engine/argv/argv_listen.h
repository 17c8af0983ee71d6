/* SPDX-License-Identifier: MIT */
/*
 * argv_listen: the TCP and UDP ports that a QEMU of a command line takes on
 * its host, the UNIX sockets there that it connects to, and what of its
 * displays and consoles a move does not take along; pure.
 *
 * Ports that the host chooses (0) do not count.
 */
#ifndef ENGINE_ARGV_ARGV_LISTEN_H
#define ENGINE_ARGV_ARGV_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/strv.h"

/* Strings owned. */
struct argv_port {
	bool udp;
	char *host;		  /* as written; "": every address */
	unsigned int first, last; /* QEMU takes the first free one of them */
	char *option;		  /* "-vnc" */
};
struct argv_ports {
	struct argv_port *v;
	size_t n;
};
void argv_listen_ports(const struct strv *argv, struct argv_ports *out);
void argv_listen_free(struct argv_ports *l);

/* Strings owned. */
struct argv_client {
	char *path;   /* as written */
	char *option; /* "-chardev" */
	bool retries; /* it starts without a server, too */
	bool network; /* of a -netdev, such as passt's */
};
struct argv_clients {
	struct argv_client *v;
	size_t n;
};
void argv_listen_clients(const struct strv *argv, struct argv_clients *out);
void argv_listen_clients_free(struct argv_clients *l);

/* Options whose console is the terminal, each once; appended. */
void argv_listen_terminals(const struct strv *argv, struct strv *out);
/*
 * Displays ("vnc", "spice") whose password is set over the monitor; appended,
 * each once.
 */
void argv_listen_passwords(const struct strv *argv, struct strv *out);

#endif
