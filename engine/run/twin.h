/* SPDX-License-Identifier: MIT */
/*
 * twin: a second QEMU of the guest on the source, started by somebody else
 * while the guest was moved away.
 *
 * It is one of the guest's user that was started after the run began, with the
 * guest's UUID, or with its name and command line. Another user's QEMU is none,
 * whatever it is called: neither may the guest's user have another's guest
 * stopped, nor another user the guest. One that vmferry started is none: it has
 * a run directory, which only vmferry makes. A twin is stopped (QMP `stop`) and
 * never ended: which of the two is the good one is for a person to say.
 */
#ifndef ENGINE_RUN_TWIN_H
#define ENGINE_RUN_TWIN_H

#include "engine/guest/guest.h"
#include "transport/host.h"

/* What a twin is known by. Borrowed; NULL where it is not known. */
struct twin_of {
	uid_t uid;	  /* the guest's user */
	const char *uuid; /* all zero: none */
	const char *name;
	const struct strv *argv;
	pid_t pid;	      /* the source's QEMU itself */
	uint64_t since_ticks; /* twin_now() when the run began */
	const char *run_root; /* of the host */
};

/* The time that start_ticks of a guest on this host counts in. */
uint64_t twin_now(void);

/* Whether @g, of this host, is a twin. */
bool twin_is(const struct twin_of *of, const struct guest *g);

/* All twins on @h, this host. */
int twin_find(struct host *h, const struct twin_of *of, struct guests *out,
	      struct mono deadline, struct err *err);

/*
 * Stops @g by its monitor, which must be its own (guest_socket.h); waits for it
 * to listen. 0 when it was seen stopped.
 */
int twin_stop(struct host *h, const struct guest *g, struct err *err);

/*
 * Where no more is known than what a journal says, of a source that is gone:
 * whether @g, of its UUID, or for lack of that of its name, may be a twin.
 */
bool twin_may_be(const struct twin_of *of, const struct guest *g);
/* The pid of one on @h, or 0; -1: @err. */
pid_t twin_of_gone(struct host *h, const struct twin_of *of,
		   struct mono deadline, struct err *err);

/* Stops @g, and says in one sentence what was found and done; to be freed. */
char *twin_handle(struct host *h, const struct guest *g);

#endif
