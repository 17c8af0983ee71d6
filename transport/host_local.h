/* SPDX-License-Identifier: MIT */
/*
 * host_local: this machine.
 */
#ifndef TRANSPORT_HOST_LOCAL_H
#define TRANSPORT_HOST_LOCAL_H

#include "transport/host.h"

/* Never fails. */
struct host *host_local_new(void);

#endif
