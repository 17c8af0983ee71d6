/* SPDX-License-Identifier: MIT */
/*
 * ssh_library: the libssh2 that this process runs with, and what is known
 * against it. The one place where its version decides what is said.
 */
#ifndef TRANSPORT_ENDPOINT_SSH_LIBRARY_H
#define TRANSPORT_ENDPOINT_SSH_LIBRARY_H

/* "1.10.0" */
const char *ssh_library_version(void);
/*
 * The known faults of @version that a peer or the network reaches, as the end
 * of a sentence ("it ends ..."); NULL: none are known. A distribution may have
 * mended some in a package of the same version.
 */
const char *ssh_library_faults(const char *version);

#endif
