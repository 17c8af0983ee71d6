/* SPDX-License-Identifier: MIT */
/*
 * link_probe: how many bytes a second go to a host, measured by sending some.
 */
#ifndef ENGINE_LINK_PROBE_H
#define ENGINE_LINK_PROBE_H

#include "transport/host.h"

/*
 * Sends random bytes to a `cat` on @h, more each time, until a sending took
 * long enough to tell or about 2 s are over. Wire, cipher and sshd are those
 * that a tunnel meets; QEMU's own work on either side is not in it.
 */
int link_probe(struct host *h, double *bps, struct err *err);

/* --- pure, for tests ----------------------------------------------------- */

/*
 * What @bytes in @seconds mean when an empty sending takes @empty_s; and how
 * much to send next (0: enough is known).
 */
double link_probe_bps(size_t bytes, double seconds, double empty_s);
size_t link_probe_next(size_t bytes, double seconds, double empty_s);

#endif
