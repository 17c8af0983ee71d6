/* SPDX-License-Identifier: MIT */
/*
 * endpoint_login: from the first byte to READY: key exchange, the parent's
 * verdict on the host key, and then what the parent wants tried, until the
 * server lets us in.
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_LOGIN_H
#define TRANSPORT_ENDPOINT_ENDPOINT_LOGIN_H

struct endpoint;

/* Returns logged in, or does not. */
void endpoint_login(struct endpoint *e);

#endif
