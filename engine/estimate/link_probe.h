/* SPDX-License-Identifier: MIT */
/*
 * link_probe: how many bytes a second go to a host, measured by sending some.
 *
 * Theory of operation. The bytes take the way of a migration: a socket pair as
 * QEMU gets one, a tunnel with thread, session and connection of its own, and
 * on the destination a command that puts them into fresh memory as QEMU would.
 * This side feeds the pair as fast as it takes bytes; the tunnel's counter,
 * read every few milliseconds, says what the link took. The first part
 * shows how fast buffers fill and a young connection grows, so the rate is
 * that of the rest.
 */
#ifndef ENGINE_ESTIMATE_LINK_PROBE_H
#define ENGINE_ESTIMATE_LINK_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/host.h"

/*
 * Takes about 1.5 s and at most 256 MiB after the login; a slow link may take
 * twice as long. Two QEMUs and a guest that share the processors with it are
 * not in it: where these are few, a migration is slower. @bps 0: nothing
 * arrived. @sigma: how much its parts differ (link_probe_sigma()).
 * ERR_NETWORK, ERR_REMOTE, ERR_CANCELLED and what host_tunnel_command() says;
 * afterwards nothing is left of it.
 */
int link_probe(struct host *h, double *bps, double *sigma, struct err *err);

/* --- pure, for tests ----------------------------------------------------- */

/* Bytes that had gone, and seconds, since the first of them could go. */
struct link_sample {
	double seconds;
	double bytes;
};

/* Bytes a second of the steady part of @n samples in order of time. */
double link_probe_bps(const struct link_sample *v, size_t n);
/* σ of ln of what each LINK_PROBE_PART_S of that part got through. */
#define LINK_PROBE_PART_S 0.2
double link_probe_sigma(const struct link_sample *v, size_t n);
/* True once no more needs to be sent. */
bool link_probe_enough(const struct link_sample *v, size_t n);

#endif
