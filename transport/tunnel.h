/* SPDX-License-Identifier: MIT */
/*
 * tunnel: the data plane; carries one stream between a local descriptor and a
 * UNIX socket (or a command) on another host.
 *
 * Theory of operation. The bytes pass through an endpoint, a process of its own
 * (endpoint/endpoint.h): it is handed the local descriptor, and no byte passes
 * this one. It parks few bytes, so that a slow reader stops the writer: what is
 * parked between the two QEMUs is hidden blackout. Here is only what watches
 * it, a task with the endpoint's counters in shared memory: when a side has
 * bytes to take and takes none for the stall limit, or the endpoint itself no
 * longer looks around, it is killed. That closes QEMU's socket, which alone
 * frees a QEMU that is stuck in `device`, where QMP does not reach it.
 *
 *   QEMU ─fd─ [ endpoint: channel, libssh2 ] ─TCP─ sshd ─ QEMU
 *                 │ counters    │ messages
 *              [ tunnel: watching task ]
 *
 * All calls are for tasks only.
 */
#ifndef TRANSPORT_TUNNEL_H
#define TRANSPORT_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"

struct endpoint_child;
struct endpoint_subject;
struct tunnel;

/*
 * Hands @local_fd (a connected socket) over; it is closed on this side also on
 * failure. @stall_ms: 0 for never; can be changed at any time.
 */
int tunnel_start(struct tunnel *t, int local_fd, int stall_ms, struct err *err);
/*
 * The same with a socket pair of its own, of which the other end is returned
 * (the caller's; -1 on failure). It holds few bytes, because the
 * writer counts what is parked there as sent.
 */
int tunnel_start_pair(struct tunnel *t, int stall_ms, struct err *err);
void tunnel_set_stall(struct tunnel *t, int stall_ms);

struct tunnel_stats {
	uint64_t sent_bytes;	 /* local → far, accepted by the session */
	uint64_t received_bytes; /* far → local */
	struct mono progress;	 /* when a byte last moved, either way */
	bool ended;		 /* no more moves: there is a verdict */
};
void tunnel_stats(struct tunnel *t, struct tunnel_stats *stats);

/*
 * Readable once it has ended, for task_wait_fd(). -1 before the start.
 */
int tunnel_end_fd(const struct tunnel *t);
/*
 * Why it ended: 0 for an orderly end of both directions, -1 with the reason
 * (ERR_NETWORK, ERR_TIMEOUT for a stall, ERR_CLOSED, ERR_CANCELLED after
 * tunnel_kill). Only once ended.
 */
int tunnel_verdict(struct tunnel *t, struct err *err);
/*
 * Whether it has ended because of the stall limit. It is known before the
 * local descriptor is closed: who sees QEMU fail of that can rely on it.
 */
bool tunnel_has_stalled(struct tunnel *t);

/*
 * Has the local socket closed within milliseconds, whatever the endpoint does.
 * May be called more than once.
 */
void tunnel_kill(struct tunnel *t);
/* Kills, and frees. NULL is fine. */
void tunnel_free(struct tunnel *t);

/* --- for those who make tunnels ------------------------------------------ */

/*
 * An endpoint with an open channel, to which nothing is attached yet.
 *
 * @carrier: what has all of it, and ends and frees it in @release, after which
 *   @child and @subject are not touched any more.
 * @check: -1 with ERR_NETWORK when something behind the endpoint is broken;
 *   asked every TUNNEL_CHECK_MS, and before an end is taken for an orderly
 *   one. Never waits. NULL: nothing can be.
 */
enum { TUNNEL_CHECK_MS = 50 };
struct tunnel_spec {
	const char *host; /* for messages; copied */
	struct endpoint_child *child;
	struct endpoint_subject *subject;
	void *carrier;
	int (*check)(void *carrier, struct err *err);
	void (*release)(void *carrier);
};
struct tunnel *tunnel_new(const struct tunnel_spec *spec);

#endif
