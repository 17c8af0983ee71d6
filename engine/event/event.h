/* SPDX-License-Identifier: MIT */
/*
 * event: what a run reports, as one typed stream that all output comes from:
 * the screen, the JSON lines, the recorded run.
 *
 * Pointers in an event are borrowed and live for the call of the sink only.
 * Unknown numbers are NAN, unknown counts -1; both become null in JSON.
 */
#ifndef ENGINE_EVENT_EVENT_H
#define ENGINE_EVENT_EVENT_H

#include <json.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/event/check.h"
#include "engine/event/result.h"
#include "transport/base/clock.h"
#include "transport/base/strv.h"

enum event_kind {
	EVENT_RUN_START,
	EVENT_FACTS,
	EVENT_CHECK,
	EVENT_PHASE,
	EVENT_SAMPLE,
	EVENT_PASS,
	EVENT_DECISION,
	EVENT_WARNING,
	EVENT_SWITCHOVER,
	EVENT_RESULT,
	EVENT_KINDS
};
const char *event_kind_name(enum event_kind kind);

/* The phases of a live migration, in order; see stage.h. */
enum phase {
	PHASE_CONNECT,
	PHASE_DISCOVER,
	PHASE_PREFLIGHT,
	PHASE_LAUNCH,
	PHASE_STORAGE,
	PHASE_TUNNEL,
	PHASE_PRECOPY,
	PHASE_SWITCHOVER,
	PHASE_FINISH,
	PHASE_ROLLBACK,
	PHASES
};
const char *phase_name(enum phase phase);

struct event_run_start {
	const char *guest, *source, *destination;
	double max_blackout_ms;
	double deadline_s;    /* NAN: none */
	double bandwidth_bps; /* the owner's cap, bytes/s; NAN: none */
	const char *policy, *transport;
};

/* Both command lines with secrets blanked, versions, disks. */
struct event_facts {
	const char *source_qemu, *destination_qemu; /* "7.2.22", or NULL */
	const struct strv *source_argv, *destination_argv;
	const char *guest; /* its name, whatever word the run was given */
	const char *uuid;  /* NULL: none */
	uid_t uid;	   /* its user, on the source */
	const char *machine;
	uint64_t ram_bytes;
	unsigned int vcpus;
	bool kvm;
	const char *login; /* "libssh2 1.10.0"; NULL: there was none */
	double link_bps;   /* that earlier migrations had; NAN: none */
	size_t lessons;	   /* how many there were */
};

struct event_phase {
	enum phase from, to;
};

/* One look at query-migrate and at the tunnel's counters. */
struct event_sample {
	const char *status; /* QEMU's word */
	int64_t pass;	    /* dirty-sync-count */
	int64_t remaining_bytes, transferred_bytes, total_bytes;
	double bandwidth_bps; /* bytes/s, from the tunnel's own counter */
	double dirty_bps;     /* bytes/s re-dirtied in the last pass */
	int64_t tunnel_bytes; /* carried so far, towards the destination */
	double downtime_limit_ms;
	int throttle_percent;
	double elapsed_ms; /* since `migrate` */
};

struct event_pass {
	int64_t number;
	double seconds;
	int64_t sent_bytes, remaining_bytes, dirtied_bytes;
	double bandwidth_bps;
	double predicted_blackout_ms;
	double p_converge; /* 0..1, NAN when unknown */
	/* until the guest runs on the destination; NAN: never at this rate */
	double eta_p50_s, eta_p90_s;
	/* medians; the time counts from the run's start. NAN: never */
	double forecast_total_ms, forecast_blackout_ms;
	const char *why; /* what is being waited for, one sentence */
};

struct event_decision {
	const char *action; /* "wait", "open-gate", "switch", "give-up" */
	const char *why;    /* one sentence */
	double downtime_limit_ms;
};

/* The name of a warning that comes after the result; see twin.h. */
#define EVENT_STARTED_AGAIN "started-again"

struct event_warning {
	const char *name; /* stable word */
	const char *text;
};

/* Milliseconds after STOP on the source, on the controller's clock. */
struct event_switchover {
	double pre_switchover_ms, completed_ms, cont_sent_ms, resume_ms;
	double blackout_ms, blackout_uncertainty_ms;
	double qemu_downtime_ms;
};

struct event {
	enum event_kind kind;
	struct wall t;
	struct mono mono;
	const char *run;  /* run id */
	const char *line; /* see event_line(); NULL: not made yet */
	union {
		struct event_run_start run_start;
		struct event_facts facts;
		const struct check *check;
		struct event_phase phase;
		struct event_sample sample;
		struct event_pass pass;
		struct event_decision decision;
		struct event_warning warning;
		struct event_switchover switchover;
		const struct result *result;
	};
};

/* Called in the order of what happened; must not block or start a migration. */
typedef void event_sink(void *arg, const struct event *ev);

/* The event as one JSON object (v, t, mono_ms, run, event, …); owned. */
struct json_object *event_to_json(const struct event *ev);
/* The same as one line, without its end; to be freed. */
char *event_line(const struct event *ev);

#endif
