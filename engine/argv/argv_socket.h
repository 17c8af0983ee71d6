/* SPDX-License-Identifier: MIT */
/*
 * argv_socket: the path in an option that makes QEMU create a UNIX socket (or
 * its pid file or log), whatever way it is written.
 */
#ifndef ENGINE_ARGV_ARGV_SOCKET_H
#define ENGINE_ARGV_ARGV_SOCKET_H

#include <stdbool.h>

#include "engine/argv/argv_item.h"
#include "engine/argv/argv_opt.h"

struct argv_socket {
	struct argv_opt opt; /* the option string around the path */
	size_t at;	     /* its entry in there */
	char *lead;	     /* text before the option string: "mon:unix:" */
	size_t skip;	     /* bytes of the value before the path: "unix:" */
	bool whole;	     /* the value is the path and nothing else */
	bool chardev;	     /* a character device: has wait= */
	char *path;
};

/*
 * True when @it binds a socket or writes a pid file or log; then @s is to be
 * released. Abstract sockets have no path and do not count.
 */
bool argv_socket_find(const struct argv_item *it, struct argv_socket *s);
void argv_socket_fini(struct argv_socket *s);
#define AUTO_SOCKET __attribute__((cleanup(argv_socket_fini)))

/* The option's value with @path in the place of its own; to be freed. */
char *argv_socket_with(struct argv_socket *s, const char *path);

/*
 * Splits a character device as -serial takes it: *lead is "mon:" or "" and
 * the protocol with its colon ("unix:", "tcp:") or "", *rest what follows.
 */
void argv_socket_split(const char *value, char **lead, const char **rest);

#endif
