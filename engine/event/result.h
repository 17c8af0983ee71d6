/* SPDX-License-Identifier: MIT */
/*
 * result: how a command on a guest ended, for people and programs.
 */
#ifndef ENGINE_EVENT_RESULT_H
#define ENGINE_EVENT_RESULT_H

#include <json.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/event/exit_code.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

enum owner {
	OWNER_SOURCE,
	OWNER_DESTINATION,
	OWNER_NONE,
	OWNER_UNKNOWN,
	OWNERS
};
const char *owner_name(enum owner o);

/*
 * Unknown numbers are NAN, unknown counts -1. Strings are owned. `state` is
 * the guest's run state at the end as far as it was seen ("RUNNING",
 * "PAUSED"), for the last line.
 */
struct result {
	enum outcome outcome;
	char *run;
	char *guest;
	char *source, *destination; /* host names for people */
	enum owner owner;
	const char *state;
	pid_t owner_pid; /* -1: unknown */
	double total_ms;
	/*
	 * All of the guest's pauses; of these `earlier_pause_ms` by a switch
	 * that was undone (NAN: none was).
	 */
	double blackout_ms, earlier_pause_ms;
	double blackout_uncertainty_ms, qemu_downtime_ms;
	/* waits for the destination between STOP and RESUME; -1: not known */
	int switchover_round_trips;
	double budget_ms;
	int64_t passes;
	int64_t transferred_bytes; /* as QEMU counts */
	int64_t tunnel_bytes;	   /* through the tunnel, both ways */
	int64_t disk_bytes;
	int64_t ram_bytes;
	double throughput_bps; /* bytes/s while copying */
	int streams;
	int attempts; /* -1: none; 2: turned back, and tried once more */
	const char *transport; /* "ssh", "openssh", "local" */
	char *transport_why;   /* "using ssh(1) for …"; NULL: as usual */
	char *decision;	       /* why it switched when it did */
	/* what the journal was kept on, if a power cut empties it; a literal */
	const char *state_storage;
	double forecast_total_ms, forecast_blackout_ms;
	int forecast_converges; /* 1, 0, -1 unknown */
	struct err error;	/* ERR_NONE: none */
	struct strv leftovers;	/* what must be cleaned up by hand */
};

/* All unknown, OUTCOME_INTERNAL, OWNER_UNKNOWN. */
void result_init(struct result *r);
void result_free(struct result *r);

/* exit_code_of() its outcome and left-overs. */
int result_exit_code(const struct result *r);
/*
 * The last line: "web1 is RUNNING on hostb (pid 7781). Source stopped."; to be
 * freed. Without a guest found it says so.
 */
char *result_last_line(const struct result *r);
/*
 * Its part about the guest alone: "web1 is RUNNING on hostb (pid 7781)."; ""
 * when no guest was named; to be freed.
 */
char *result_where(const struct result *r);
struct json_object *result_to_json(const struct result *r);
/* {"kind","message","host","cause":[],"hint"}, or NULL for ERR_NONE. */
struct json_object *result_error_to_json(const struct err *err);

#endif
