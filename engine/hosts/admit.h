/* SPDX-License-Identifier: MIT */
/*
 * admit: whether a host can take one more guest, with those counted in that
 * are on their way to it.
 *
 * Theory of operation. A guest that arrives takes its memory page by page, so
 * part of what the host calls available is promised already. Each run keeps a
 * file `ram` in its lock directory on the destination (in-KEY): the bytes that
 * it will take in the end, and the guest's name. Those of living runs are added
 * up, less what each one's QEMU has resident by now; the rest of the available
 * memory is free. The launch script counts and reserves in one step, under
 * a lock (flock(1)) on the run root, so two launches never promise the same
 * memory twice. Anybody else may look at any time, without the lock, and knows
 * what was so a moment ago.
 *
 * Nothing else has to be reserved: the channels of a run are UNIX sockets in
 * its own directory, and no disk is written before its QEMU runs.
 */
#ifndef ENGINE_HOSTS_ADMIT_H
#define ENGINE_HOSTS_ADMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/host.h"

/* What QEMU needs besides the guest's RAM: measured, 15 to 25 MiB. */
enum { ADMIT_QEMU_BYTES = 32 * 1024 * 1024 };

/*
 * Where limits on memory are looked for ("" to look for none): those above
 * the asking login's own cgroup.
 */
#define ADMIT_CGROUPS "/sys/fs/cgroup"

/* A living run that brings a guest to the host. Strings owned. */
struct admit_arrival {
	char *run;
	char *guest;
	uint64_t promised_bytes; /* reserved and not taken yet */
};

struct admit_view {
	pid_t busy;		  /* answers for this guest's lock, 0: nobody */
	bool busy_elsewhere;	  /* in another PID namespace or machine */
	uint64_t available_bytes; /* 0: unknown */
	uint64_t promised_bytes;  /* of the arrivals, together */
	uint64_t taken_bytes;	  /* resident in their QEMUs */
	struct admit_arrival *arrivals;
	size_t n_arrivals;
};
void admit_view_free(struct admit_view *v);

/* What a guest asks of a host. */
struct admit_wish {
	uint64_t ram_bytes; /* with ADMIT_QEMU_BYTES; 0: not judged */
	/* of others that go first and have not got there yet */
	uint64_t ahead_bytes;
	unsigned int limit; /* arrivals at once; 0: any number */
};

enum admit {
	ADMIT_YES,
	ADMIT_BUSY,    /* this very guest is on its way to the host */
	ADMIT_CROWDED, /* as many as may arrive at once do */
	ADMIT_MEMORY,  /* too little, but for the arrivals it would do */
	ADMIT_NEVER,   /* too little even if none of them came */
};
/* Pure. */
enum admit admit_judge(const struct admit_view *v,
		       const struct admit_wish *wish);
/*
 * A clause for people about why not: "memory on hostb: 1.0 GiB needed, …"; to
 * be freed.
 */
char *admit_reason(const struct admit_view *v, const struct admit_wish *wish,
		   enum admit answer, const char *host);

/*
 * Looks; changes nothing. @lock is where this guest's lock would be, @cgroups
 * ADMIT_CGROUPS or "".
 */
int admit_look(struct host *h, const char *run_root, const char *lock,
	       const char *cgroups, struct admit_view *out,
	       struct mono deadline, struct err *err);
/*
 * What a guest that is on the host already, as process @pid, may take besides
 * its RAM: of @available_bytes, which the host has, no more than the limits of
 * its own cgroup and of those above leave, less what it has not taken yet of
 * its RAM. 1 KiB when there is none. A limit that cannot be read is none. 0
 * only for 0, not known.
 */
uint64_t admit_spare(struct host *h, pid_t pid, uint64_t ram_bytes,
		     const char *cgroups, uint64_t available_bytes,
		     struct mono deadline);
/* The script's lines → *out; false, with nothing in it, when one is missing. */
bool admit_parse(const char *text, struct admit_view *out);

/*
 * For scripts: sh functions that expect $root, $lock and $cgroups and, for
 * may_come, $need (KiB) and $limit; all but ticks_of need identity_match_sh.
 *
 *	ticks_of PID	prints the start time of a process that lives
 *	lives LOCK	whether somebody answers for that lock, as $p
 *	say_busy	after lives: prints the lines that admit_parse() reads
 *	locked		waits for the run root's lock, kept as descriptor 7;
 *			fails after some seconds
 *	limited PID	lowers $available (KiB) to what that process's cgroups
 *			leave
 *	tally		counts; prints the lines that admit_parse() reads
 *	may_come	after tally: whether the wish is granted, the same rule
 *			as admit_judge()'s
 */
extern const char admit_sh[];

#endif
