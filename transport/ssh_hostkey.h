/* SPDX-License-Identifier: MIT */
/*
 * ssh_hostkey: is the host the one we know? Decided after the key exchange and
 * before any credential leaves this machine.
 */
#ifndef TRANSPORT_SSH_HOSTKEY_H
#define TRANSPORT_SSH_HOSTKEY_H

#include <libssh2.h>
#include <stdbool.h>

#include "transport/base/err.h"
#include "transport/known_hosts.h"
#include "transport/ssh_config.h"

/* Reads the files that @c names; those that cannot be read count as empty. */
void ssh_hostkey_load(struct known_hosts *k, const struct ssh_config *c);
/* Before the handshake: asks for keys of the types on file first. */
int ssh_hostkey_prefer(LIBSSH2_SESSION *raw, const struct known_hosts *k,
		       struct err *err);
/* The key that the host proved to have. Borrowed until the next exchange. */
struct ssh_bytes ssh_hostkey_offered(LIBSSH2_SESSION *raw);

/*
 * 0 when @offered is known, or was unknown and @accept_new has added it to the
 * first file. ERR_HOSTKEY (unknown, changed, revoked) with the fingerprints,
 * and ERR_CRYPTO when only keys are on file that libssh2 cannot check.
 *
 * Stricter than ssh(1) in one point: where any key of the host is on file, one
 * of another type is not taken as new, for an attacker in between would
 * simply offer that.
 */
int ssh_hostkey_verify(const struct known_hosts *k, const struct ssh_config *c,
		       const char *host, struct ssh_bytes offered,
		       bool accept_new, struct err *err);

#endif
