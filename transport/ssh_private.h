/* SPDX-License-Identifier: MIT */
/*
 * ssh_private: a private key in memory, which signs.
 *
 * Keys stay in this process: the endpoint that speaks to the server gets
 * signatures. ed25519, ecdsa and RSA, in OpenSSH's own format or PEM.
 */
#ifndef TRANSPORT_SSH_PRIVATE_H
#define TRANSPORT_SSH_PRIVATE_H

#include <stdbool.h>

#include "transport/endpoint/ssh_format.h"

struct ssh_private;

enum ssh_private_fault {
	SSH_PRIVATE_READ,
	SSH_PRIVATE_LOCKED,  /* no passphrase, or a wrong one */
	SSH_PRIVATE_UNKNOWN, /* damaged, or of a kind that is not known here */
};

/*
 * Reads @text, the content of a key file. @passphrase: NULL for none. *fault:
 * why it returned NULL.
 */
struct ssh_private *ssh_private_parse(const char *text, const char *passphrase,
				      enum ssh_private_fault *fault);
/* Wipes it. NULL is fine. */
void ssh_private_free(struct ssh_private *k);

/* The public half, as SSH writes it. Borrowed. */
struct ssh_bytes ssh_private_blob(struct ssh_private *k);
/*
 * Appends the signature of @data by @algorithm ("ssh-ed25519", "rsa-sha2-512",
 * …), without its type. -1 when the key cannot sign so; RSA with SHA-1 is
 * refused.
 */
int ssh_private_sign(struct ssh_private *k, const char *algorithm,
		     struct ssh_bytes data, struct buf *signature);

#endif
