/* SPDX-License-Identifier: MIT */
/*
 * known_hosts: what the user's files say about a host's key.
 *
 * Our own reader of sshd(8)'s SSH_KNOWN_HOSTS FILE FORMAT: libssh2's ignores
 * @revoked and wildcards, drops a file's rest after one bad line, and takes a
 * key of another type for a changed one. Pure: the caller reads the files.
 */
#ifndef TRANSPORT_KNOWN_HOSTS_H
#define TRANSPORT_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/strv.h"
#include "transport/endpoint/ssh_format.h"

/* One line that concerns the host. */
struct known_hosts_key {
	char *file;
	unsigned int line;
	char *type; /* "ssh-ed25519", … */
	struct buf blob;
	bool revoked;
	bool exact; /* names host and port; else only the host, whose port
		     * is another */
};

/* What all files say of one host; strings and keys are owned. */
struct known_hosts {
	char *name;	  /* as files have it: "host" or "[host]:port" */
	char *plain_name; /* "host" when @name has a port, else NULL */
	struct known_hosts_key *keys;
	size_t n;
};

enum known_hosts_verdict {
	KNOWN_HOSTS_MATCH,
	KNOWN_HOSTS_UNKNOWN, /* no key of this type is on file */
	KNOWN_HOSTS_CHANGED, /* another key of this type is on file */
	KNOWN_HOSTS_REVOKED, /* whatever else is on file */
};

/* @port "22" goes without saying, in files as well. */
void known_hosts_init(struct known_hosts *k, const char *host,
		      const char *port);
void known_hosts_free(struct known_hosts *k);

/*
 * Adds what @text, the content of @file, says of the host. Lines that cannot
 * be understood and @cert-authority lines are skipped.
 */
void known_hosts_add(struct known_hosts *k, const char *file, const char *text);

/*
 * The verdict on a key that was offered. *why: the key on file behind it,
 * borrowed, or NULL.
 */
enum known_hosts_verdict known_hosts_check(const struct known_hosts *k,
					   const char *type,
					   struct ssh_bytes blob,
					   const struct known_hosts_key **why);
/* The types of the keys that count for this host, each once. */
void known_hosts_types(const struct known_hosts *k, struct strv *types);
/* The line, newline included, that makes a key known; to be freed. */
char *known_hosts_line(const struct known_hosts *k, const char *type,
		       struct ssh_bytes blob);

#endif
