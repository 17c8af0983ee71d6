/* SPDX-License-Identifier: MIT */
/*
 * outlet: writes the output of a running migration, and never waits.
 *
 * A terminal stopped by Ctrl-S or a pipe whose reader sleeps must not hold up
 * the loop: a guest may be stopped. What the other end does not take is
 * kept, up to a limit, and tried again with the next write; past the limit
 * whole writes are dropped and counted. Descriptors of other processes keep
 * their blocking mode: terminals and pipes are opened a second time.
 */
#ifndef TOOLS_CLI_OUTLET_H
#define TOOLS_CLI_OUTLET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "transport/base/buf.h"

enum outlet_kind { OUTLET_MEMORY, OUTLET_FILE, OUTLET_SOCKET, OUTLET_POLLED };

struct outlet {
	int fd;
	enum outlet_kind kind;
	struct buf pending;
	size_t limit;	    /* bytes of pending */
	unsigned long lost; /* writes dropped */
	int failed;	    /* errno of the first failure, 0 */
	pthread_mutex_t lock;
};

/*
 * Writes to @fd, which the caller keeps open. -1: keeps everything in
 * `pending` (for tests).
 */
void outlet_open(struct outlet *o, int fd, size_t limit);
/* Appends @len bytes, all (true) or none. From any thread. */
bool outlet_put(struct outlet *o, const void *data, size_t len);
/* Whether something is still kept back. */
bool outlet_is_behind(struct outlet *o);
/* Waits until all is out or @wait_ms have passed. 0 when all is out. */
int outlet_drain(struct outlet *o, int wait_ms);
/*
 * Drains, frees; what is put later is forgotten. 0, or -1 when something was
 * lost or failed.
 */
int outlet_close(struct outlet *o, int wait_ms);

#endif
