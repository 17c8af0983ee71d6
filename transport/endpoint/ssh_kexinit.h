/* SPDX-License-Identifier: MIT */
/*
 * ssh_kexinit: what a server says it can do, read from its first bytes, which
 * are not encrypted yet (RFC 4253, section 7.1). The key exchange signs them.
 *
 * libssh2 keeps them for itself, and host certificates, which it does not know,
 * decide which of its keys ssh(1) would be shown.
 */
#ifndef TRANSPORT_ENDPOINT_SSH_KEXINIT_H
#define TRANSPORT_ENDPOINT_SSH_KEXINIT_H

#include "transport/endpoint/ssh_format.h"

/*
 * The server_host_key_algorithms of the first KEXINIT in @bytes, all that the
 * server has sent so far, its banner included; to be freed. NULL when there is
 * none, or nonsense before it.
 */
char *ssh_kexinit_hostkeys(struct ssh_bytes bytes);

#endif
