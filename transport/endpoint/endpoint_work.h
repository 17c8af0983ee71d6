/* SPDX-License-Identifier: MIT */
/*
 * endpoint_work: after the login: one loop that takes the parent's messages,
 * works on orders, moves the bytes of all channels, and waits in poll(2).
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_WORK_H
#define TRANSPORT_ENDPOINT_ENDPOINT_WORK_H

struct endpoint;

void endpoint_work(struct endpoint *e) __attribute__((noreturn));

#endif
