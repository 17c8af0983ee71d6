/* SPDX-License-Identifier: MIT */
/*
 * ssh_format: numbers and strings as SSH, its agent and its key files write
 * them (RFC 4251, section 5), and base64.
 */
#ifndef TRANSPORT_ENDPOINT_SSH_FORMAT_H
#define TRANSPORT_ENDPOINT_SSH_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/buf.h"

void ssh_put_u8(struct buf *b, uint8_t v);
void ssh_put_u32(struct buf *b, uint32_t v);
/* A length and @len bytes. */
void ssh_put_string(struct buf *b, const void *data, size_t len);

/* Bytes that belong to somebody else. */
struct ssh_bytes {
	const unsigned char *data;
	size_t len;
};
bool ssh_bytes_are(struct ssh_bytes b, const char *text);
bool ssh_bytes_equal(struct ssh_bytes a, struct ssh_bytes b);

/*
 * Each takes something off the front of @from: 0, or -1 when that is too
 * short. A string points into what @from pointed at.
 */
int ssh_take_u8(struct ssh_bytes *from, uint8_t *v);
int ssh_take_u32(struct ssh_bytes *from, uint32_t *v);
int ssh_take_string(struct ssh_bytes *from, struct ssh_bytes *s);

/*
 * The type that a public key's blob begins with ("ssh-ed25519"), to be freed;
 * NULL when it is none.
 */
char *ssh_blob_type(struct ssh_bytes blob);
/* "SHA256:…" as ssh-keygen -l shows it, to be freed. */
char *ssh_fingerprint(struct ssh_bytes blob);

/* Appends the bytes of @text (@len characters, padded); -1: not base64. */
int ssh_base64_decode(struct buf *out, const char *text, size_t len);
/* To be freed. */
char *ssh_base64_encode(struct ssh_bytes bytes);

#endif
