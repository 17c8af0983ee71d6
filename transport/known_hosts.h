/* SPDX-License-Identifier: MIT */
/*
 * known_hosts: what the user's files say about a host's key.
 *
 * Our own reader of sshd(8)'s SSH_KNOWN_HOSTS FILE FORMAT: libssh2's ignores
 * @revoked and wildcards, and drops a file's rest after one bad line. Pure: the
 * caller reads the files.
 */
#ifndef TRANSPORT_KNOWN_HOSTS_H
#define TRANSPORT_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/strv.h"
#include "transport/endpoint/ssh_format.h"

/* What a line says of its key. */
enum known_hosts_mark {
	KNOWN_HOSTS_KEY,	 /* the host's */
	KNOWN_HOSTS_REVOKED_KEY, /* @revoked: of a host or of an authority */
	KNOWN_HOSTS_AUTHORITY,	 /* @cert-authority */
};

/* One line that concerns the host. */
struct known_hosts_key {
	char *file;
	unsigned int line;
	char *type; /* "ssh-ed25519", … */
	struct buf blob;
	enum known_hosts_mark mark;
	bool exact; /* it is for @name */
	bool plain; /* it is for @plain_name */
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
	KNOWN_HOSTS_UNKNOWN, /* no key is on file */
	KNOWN_HOSTS_CHANGED, /* other keys are on file, of whichever type */
	KNOWN_HOSTS_REVOKED, /* whatever else is on file */
};

/* @port "22" goes without saying, in files as well. */
void known_hosts_init(struct known_hosts *k, const char *host,
		      const char *port);
void known_hosts_free(struct known_hosts *k);

/*
 * Adds what @text (@len bytes), the content of @file, says of the host. Lines
 * that ssh(1) cannot read are skipped.
 */
void known_hosts_add(struct known_hosts *k, const char *file, const char *text,
		     size_t len);

/*
 * The verdict on a key that was offered, as ssh(1) gives it. Lines for
 * [host]:port decide; only when there are none, a line for the plain name may
 * say that the key is known. Stricter than ssh(1) in one point: a key that is
 * revoked under the plain name is revoked.
 *
 * *why: the key on file behind it, borrowed, or NULL.
 */
enum known_hosts_verdict known_hosts_check(const struct known_hosts *k,
					   struct ssh_bytes blob,
					   const struct known_hosts_key **why);
/*
 * A line that only a host's certificate brings to bear: of an authority, or one
 * that revokes another key than @blob, which may be an authority's. NULL: none.
 */
const struct known_hosts_key *known_hosts_certified(const struct known_hosts *k,
						    struct ssh_bytes blob);
/* The types of the keys on file for @name, each once. */
void known_hosts_types(const struct known_hosts *k, struct strv *types);
/*
 * The line, newline included, that makes a key known; to be freed. NULL: the
 * name has a character that no line can have. @hashed: the name is hidden, as
 * HashKnownHosts wants it.
 */
char *known_hosts_line(const struct known_hosts *k, struct ssh_bytes blob,
		       bool hashed);

#endif
