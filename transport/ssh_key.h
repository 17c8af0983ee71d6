/* SPDX-License-Identifier: MIT */
/*
 * ssh_key: what a private key file can be used for, read without its
 * passphrase.
 *
 * libssh2 1.10 asks RSA keys for SHA-1 only, which servers of today
 * refuse, and knows neither security keys nor certificates: better said before
 * the login than after it.
 */
#ifndef TRANSPORT_SSH_KEY_H
#define TRANSPORT_SSH_KEY_H

#include <stdbool.h>

#include "transport/endpoint/ssh_format.h"

struct ssh_key {
	char *path;
	char *type;	 /* "ssh-ed25519", …; NULL: not known */
	struct buf blob; /* the public key; empty: not known */
	bool encrypted;
	bool certificate; /* there is a certificate for it beside it */
};

/* Reads what @text, the content of a private key file, shows. */
void ssh_key_parse(struct ssh_key *k, const char *text);
/*
 * The same from @path, and from the .pub file beside it. Returns 0, or -1 with
 * errno when it cannot be read.
 */
int ssh_key_read(struct ssh_key *k, const char *path);
void ssh_key_free(struct ssh_key *k);
struct ssh_bytes ssh_key_blob(struct ssh_key *k);

/*
 * What is between the dashes of a file in OpenSSH's own format, appended to
 * @out, which the caller wipes; *body is what follows its magic. -1 when it is
 * none, or damaged.
 */
int ssh_key_unarmour(struct buf *out, const char *text, struct ssh_bytes *body);

/*
 * Why libssh2 cannot log in with keys of @type, as the end of a sentence; NULL
 * when it can. NULL @type: unknown, so nothing speaks against. @rsa_sha2: its
 * version can do so with RSA.
 */
const char *ssh_key_unusable(const char *type, bool rsa_sha2);

#endif
