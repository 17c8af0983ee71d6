/* SPDX-License-Identifier: MIT */
/*
 * tunnel: the data plane; carries one stream between a local descriptor and a
 * UNIX socket (or a command) on another host.
 *
 * Theory of operation. Each tunnel is one thread that owns one SSH session
 * (or, for the local and openssh back ends, one connected descriptor) and one
 * local descriptor; it shares only atomic counters with the control thread.
 * Buffers are bounded (TUNNEL_BUFFER_BYTES each way): bytes parked between the
 * two QEMUs are hidden blackout, so a slow reader stops the writer. When the
 * far side has bytes to take and takes none for the stall limit, the thread
 * closes the local descriptor by itself: QEMU in `device` cannot be reached by
 * QMP then, and only a closed socket frees it.
 *
 *   QEMU ─fd─ [local_fd │ thread: SSH session, channel] ─TCP─ sshd ─ QEMU
 */
#ifndef TRANSPORT_TUNNEL_H
#define TRANSPORT_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"

enum { TUNNEL_BUFFER_BYTES = 64 * 1024 };

struct tunnel;

/*
 * Starts the thread; the tunnel owns @local_fd (a connected socket) from here
 * on, also on failure. @stall_ms: 0 for never; can be changed at any time.
 */
int tunnel_start(struct tunnel *t, int local_fd, int stall_ms, struct err *err);
/*
 * The same with a socket pair of its own, of which the other end is returned
 * (the caller's; -1 on failure). It holds few bytes, because the
 * writer counts what is parked there as sent.
 */
int tunnel_start_pair(struct tunnel *t, int stall_ms, struct err *err);
void tunnel_set_stall(struct tunnel *t, int stall_ms);

/* Counters; may be read from any thread. */
struct tunnel_stats {
	uint64_t sent_bytes;	 /* local → far, accepted by the session */
	uint64_t received_bytes; /* far → local */
	struct mono progress;	 /* when a byte last moved, either way */
	bool ended;		 /* the thread moves no more: a verdict */
};
void tunnel_stats(const struct tunnel *t, struct tunnel_stats *stats);

/*
 * Readable once the thread has ended, for task_wait_fd(). -1 before the start.
 */
int tunnel_end_fd(const struct tunnel *t);
/*
 * Why it ended: 0 for an orderly end of both directions, -1 with the reason
 * (ERR_NETWORK, ERR_TIMEOUT for a stall, ERR_CLOSED, ERR_CANCELLED after
 * tunnel_kill). Only once ended.
 */
int tunnel_verdict(const struct tunnel *t, struct err *err);
/*
 * Whether it has ended because of the stall limit. It is known before the
 * local descriptor is shut down: who sees QEMU fail of that can rely on it.
 */
bool tunnel_has_stalled(const struct tunnel *t);

/*
 * Shuts the local socket down at once (within milliseconds, whatever the
 * thread does). May be called from any thread, and more than once.
 */
void tunnel_kill(struct tunnel *t);
/* Kills, waits for the thread (bounded by its poll), frees. NULL is fine. */
void tunnel_free(struct tunnel *t);

/* --- for those who make tunnels ------------------------------------------ */

/*
 * The far end as the thread drives it. All calls are non-blocking and come
 * from the thread only. read/write return bytes, 0 for "not now", -1 failed
 * (err set); read sets *eof at the end.
 */
struct tunnel_far_ops {
	long (*read)(void *far, void *data, unsigned long len, bool *eof,
		     struct err *err);
	long (*write)(void *far, const void *data, unsigned long len,
		      struct err *err);
	/* Signals the end of the data to the far side. 0 done, 1 again, -1. */
	int (*send_eof)(void *far, struct err *err);
	/* poll(2) wants: descriptor and events for what is pending. */
	int (*poll_fd)(void *far, bool want_read, bool want_write,
		       short *events);
	/*
	 * Heartbeat: asks the far side for a sign of life when due; -1 with
	 * ERR_NETWORK once it was silent too long. *next: when to call again.
	 */
	int (*heartbeat)(void *far, struct mono now, struct mono *next,
			 struct err *err);
	/* Forgets everything at once, without talking to the far side. */
	void (*close)(void *far);
};
/* Owns @far from here on. @host is for messages and is copied. */
struct tunnel *tunnel_new(const char *host, const struct tunnel_far_ops *ops,
			  void *far);

#endif
