/* SPDX-License-Identifier: MIT */
/*
 * migrate_options: what a caller may ask of a migration.
 */
#ifndef ENGINE_RUN_MIGRATE_OPTIONS_H
#define ENGINE_RUN_MIGRATE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/event/event.h"
#include "engine/run/lane.h"
#include "transport/base/strv.h"
#include "transport/host_open.h"

struct argv_remap;
struct monitor_share;
struct policy;

/* Else the percentage to throttle by, 1 … 99. */
enum { MIGRATE_THROTTLE_AUTO = 0, MIGRATE_THROTTLE_OFF = -1 };

enum migrate_xbzrle {
	MIGRATE_XBZRLE_AUTO, /* where a sample of the guest says it pays */
	MIGRATE_XBZRLE_ON,
	MIGRATE_XBZRLE_OFF,
};

enum on_deadline { ON_DEADLINE_ABORT, ON_DEADLINE_FORCE };

/* Everything is borrowed and must outlive the run. */
struct migrate_options {
	const char *guest;	 /* name, pid:N, qmp:PATH */
	const char *destination; /* host_open() target */
	struct host_options ssh;
	/* LANE_TCP: the caller has made sure that this is wanted */
	enum lane_choice transport;
	double max_blackout_ms; /* 300 by default */
	double deadline_s;	/* 0: none */
	enum on_deadline on_deadline;
	uint64_t bandwidth_bps; /* bytes/s, 0: unlimited */
	int throttle;		/* MIGRATE_THROTTLE_… */
	enum migrate_xbzrle xbzrle;
	const struct policy *policy; /* NULL: auto */
	const struct argv_remap *remaps;
	size_t n_remaps;
	const struct strv *dest_args; /* NULL: from the source's argv */
	const char *qemu_binary;      /* NULL: the source's, looked up there */
	bool paused;		      /* leave it paused on the destination */
	bool wait;		      /* for its turn, instead of ERR_BUSY */
	unsigned int parallel;	      /* with wait: runs at once per host, 2 */
	const char *const *skip_checks; /* NULL-terminated, or NULL */
	const char *state_dir;		/* NULL: the usual one */
	/*
	 * The program vmferry, to be spawned as the guardian that recovers the
	 * run if this process dies; NULL: nobody does.
	 */
	const char *guardian;
	/* how long the guardian watches the source after a move, 30 */
	double watch_source_s;
	/*
	 * Called once everything is set up and nothing was changed yet, for a
	 * caller that can give up rights: from here on files are written below
	 * @write_dirs (NULL-terminated) only. Not called when this process
	 * itself may have to start QEMU or ssh(1). NULL is fine.
	 */
	void (*set_up)(const char *const *write_dirs);
	int connect_ms; /* for the login, 0: RUN_CONNECT_MS */
	/* with other runs of this guest that change nothing; NULL: alone */
	struct monitor_share *share;
	event_sink *sink; /* may be NULL */
	void *sink_arg;
};
void migrate_options_init(struct migrate_options *opt);

/* The names that `skip_checks` may have; NULL-terminated. */
extern const char *const migrate_options_checks[];
bool migrate_options_check_known(const char *name);

#endif
