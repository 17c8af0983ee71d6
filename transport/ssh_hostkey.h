/* SPDX-License-Identifier: MIT */
/*
 * ssh_hostkey: is the host the one we know? Decided after the key exchange and
 * before any credential leaves this machine, as ssh(1) decides it.
 *
 * No SSH session is needed here: a key, names and files come in, a verdict goes
 * out, whichever process has exchanged keys with the host.
 */
#ifndef TRANSPORT_SSH_HOSTKEY_H
#define TRANSPORT_SSH_HOSTKEY_H

#include <stdbool.h>

#include "transport/base/err.h"
#include "transport/host_options.h"
#include "transport/known_hosts.h"
#include "transport/ssh_config.h"

/* Reads the files that @c names; errors as of known_hosts_file_read(). */
int ssh_hostkey_load(struct known_hosts *k, const struct ssh_config *c,
		     struct err *err);
/*
 * The host key algorithms to ask for, best first, comma-separated, to be freed.
 * None signs by SHA-1. The order is ssh(1)'s, for it decides which of its keys
 * the host shows.
 */
char *ssh_hostkey_algorithms(const struct known_hosts *k);

/* What the key exchange brought. */
struct ssh_hostkey_offer {
	const char *host;	/* as the user wrote it, for messages */
	const char *address;	/* numeric; NULL: behind a proxy */
	const char *algorithms; /* that were asked for, comma-separated */
	const char *has;	/* those of the host; NULL: not known */
	struct ssh_bytes key;	/* that the host proved to have */
};

enum ssh_hostkey_verdict {
	SSH_HOSTKEY_REFUSED = -1,
	SSH_HOSTKEY_KNOWN,
	SSH_HOSTKEY_NEW, /* to be added, nobody need be asked */
	SSH_HOSTKEY_ASK, /* to be added if a person agrees */
};

/*
 * The verdict; nothing is asked or written. REFUSED: ERR_HOSTKEY (unknown,
 * changed, revoked) with the fingerprints; *beyond is set when it takes ssh(1)
 * to decide: a certificate, or a key of a type that was not to be had.
 */
enum ssh_hostkey_verdict
ssh_hostkey_judge(const struct known_hosts *k, const struct ssh_config *c,
		  const struct ssh_hostkey_offer *offer, bool *beyond,
		  struct err *err);

/*
 * The same and what follows from it: asks by @opt->ask as ssh(1) does (yes, no,
 * or the fingerprint) and adds the key to the user's first file. 0: go on.
 */
int ssh_hostkey_verify(const struct known_hosts *k, const struct ssh_config *c,
		       const struct ssh_hostkey_offer *offer,
		       const struct host_options *opt, bool *beyond,
		       struct err *err);

#endif
