/* SPDX-License-Identifier: MIT */
/*
 * bcrypt_kdf: from a passphrase to the key of an encrypted OpenSSH key file, as
 * OpenBSD's bcrypt_pbkdf(3) does it. OpenSSL has nothing like it.
 */
#ifndef TRANSPORT_BCRYPT_KDF_H
#define TRANSPORT_BCRYPT_KDF_H

#include <stddef.h>

/*
 * Fills @key with @key_len bytes, at most 1024. @rounds: as the file says; each
 * takes some milliseconds. -1 for lengths or rounds of 0.
 */
int bcrypt_kdf(const char *passphrase, const unsigned char *salt,
	       size_t salt_len, unsigned int rounds, unsigned char *key,
	       size_t key_len);

#endif
