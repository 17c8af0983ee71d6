/* SPDX-License-Identifier: MIT */
/*
 * ssh_request: the login by a public key that an endpoint wants signed (RFC
 * 4252, section 7).
 *
 * The endpoint may have been taken over by the server. What is signed must
 * therefore be a login as this user with this key, and nothing else; a
 * signature over anything else could be used elsewhere.
 */
#ifndef TRANSPORT_SSH_REQUEST_H
#define TRANSPORT_SSH_REQUEST_H

#include "transport/endpoint/ssh_format.h"

/*
 * The algorithm by which @request wants to be signed, to be freed; NULL when it
 * is anything but the login of @user by the key @blob.
 */
char *ssh_request_algorithm(struct ssh_bytes request, const char *user,
			    struct ssh_bytes blob);

#endif
