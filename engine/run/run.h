/* SPDX-License-Identifier: MIT */
/*
 * run: everything one migration knows and holds, shared by its stages.
 *
 * Private to the engine. Created by migrate.c, passed through every stage, torn
 * down by run_close(). What stands outside of this process (a directory, a
 * QEMU, a capability) is marked here when it is made, and undone by the stage
 * that made it, never by a destructor.
 */
#ifndef ENGINE_RUN_RUN_H
#define ENGINE_RUN_RUN_H

#include "engine/argv/argv.h"
#include "engine/guest/discover.h"
#include "engine/event/event.h"
#include "engine/guest/guest.h"
#include "engine/state/journal.h"
#include "engine/run/migrate_options.h"
#include "engine/state/lessons.h"
#include "engine/policy/policy.h"
#include "engine/hosts/probe.h"
#include "engine/state/recording.h"
#include "qmp/qmp.h"
#include "qmp/qmp_machine.h"
#include "qmp/qmp_migrate.h"
#include "qmp/qmp_status.h"
#include "transport/host.h"

/* Deadlines in ms. Nobody waits for ever, and never with the guest frozen. */
enum {
	RUN_CONNECT_MS = 10000, /* a host: resolve, connect, log in */
	RUN_QMP_MS = 5000,	/* one QMP command */
	RUN_SCRIPT_MS = 20000,	/* one script on a host */
	RUN_LAUNCH_MS = 20000,	/* a QEMU from exec to its monitor */
	RUN_SETUP_MS = 15000,	/* QEMU's migration status `setup` */
	RUN_STALL_MS = 30000,	/* pre-copy without a byte of progress */
	RUN_FROZEN_MS = 5000,	/* the same while the guest stands still */
	RUN_QUIT_MS = 10000,	/* a QEMU from quit to gone */
	RUN_UNDO_MS = 10000,	/* one step of a rollback */
};

/* What the source was asked before anything moved. */
struct run_facts {
	/*
	 * Cont only what was running; follows a `stop` or `cont` of somebody
	 * else while QEMU copies.
	 */
	struct qmp_status first_status;
	char *machine; /* versioned */
	char uuid[37]; /* all zero: none */
	uint64_t ram_bytes;
	unsigned int vcpus;
	bool kvm;
	struct qmp_disks disks;
	struct strv hotplugged;
	struct strv jobs;
	char *blocked; /* QEMU's own reasons, NULL when none */
};

/* One side's monitor with what it tells. */
struct run_side {
	struct qmp *qmp;    /* in-band session */
	struct qmp *rescue; /* second session for out-of-band, or NULL */
	struct qmp_listener *events;
	struct json_object *caps;   /* as they were, for putting back */
	struct json_object *params; /* the same */
	bool caps_changed, params_changed;
};

struct run {
	const struct migrate_options *opt;
	struct result *result;
	char id[20];
	struct mono started;
	struct waitq wake; /* any event of either monitor */

	struct host *src_host, *dst_host;
	struct host_facts src_facts, dst_facts;
	struct guest guest;
	struct run_facts facts;
	struct checks checks;
	char *key; /* names this guest in locks and directories */

	struct run_side src, dst;
	bool may_wait;		 /* for its turn, as --wait has it */
	struct queue *queue;	 /* its place among those who wait, or NULL */
	int lock_fd;		 /* of the guest's lock, -1 */
	bool was_locked;	 /* by it, now or until the undo */
	struct guard *guard;	 /* whoever recovers when we die, or NULL */
	bool recovering;	 /* this run is brought back from its journal */
	bool finished;		 /* the journal was closed with nothing to do */
	struct journal *journal; /* NULL: none was begun, or it was closed */
	char *record_dir;	 /* where it stands */
	struct recording *recording; /* of its events; NULL: none is kept */

	/* the destination's QEMU */
	struct argv_plan plan;
	char *dst_binary;  /* absolute path over there */
	char *dst_dir;	   /* its run directory */
	char *dst_lock;	   /* the lock directory */
	char *dst_machine; /* its machine id, when read from a journal */
	char *dst_session; /* our login over there, "PID TICKS", or NULL */
	bool dst_made;	   /* the directories exist, QEMU may */
	pid_t dst_pid;	   /* 0: not started */
	uint64_t dst_ticks;
	bool src_ended;	    /* the guest shut down on the source */
	bool ended_there;   /* QEMU ended over there after the guest ran */
	bool source_unsure; /* the rollback did not see it run again */

	struct tunnel *tunnel;
	bool fd_handed; /* QEMU holds a descriptor of the tunnel */
	bool migrating; /* `migrate` was sent */
	struct mono migrate_at;
	const struct policy *policy;
	struct policy_facts wanted; /* of the policy */
	struct pair pair; /* what was learnt of these two hosts before */
	uint64_t xbzrle_cache_bytes; /* 0: without xbzrle */
	double xbzrle_shrink;	     /* as policy.h has it */
	double throttle;	     /* as set, 0 … 0.99 */
	double downtime_limit_ms;    /* of the gate, as the policy has it now */
	double gate_limit_ms, gate_bps; /* as QEMU was told of it last */
	/* what the copy found, for the switchover; 0: not known */
	double link_bps;     /* dirty bytes a second */
	double wire_bps;     /* the most that went through the tunnel */
	double overhead_ms;  /* of a pass, besides copying */
	double rest_ms;	     /* copying what is left at pre-switchover */
	double copied_bytes; /* by the source while the guest stood still */

	/* the switchover, on this host's clock */
	struct mono stop_at, pre_switchover_at, completed_at, cont_at;
	struct mono resume_at;
	bool stop_seen, pre_switchover_seen, resume_seen;
	/* by the source's clock: its last sync, and when the guest stopped */
	struct wall synced, stopped;
	struct mono synced_at; /* the same sync as received here */
	double sync_age_ms;    /* from then to STOP */
	bool turned_back;      /* at the last look at the budget, … */
	bool by_lesson;	       /* … for what was learnt, not what was seen */
	/* what an earlier try leaves to the next one; see retry.h */
	unsigned int attempt; /* 1 from the first `launch` on */
	struct mono attempt_at;
	double paused_ms;     /* of the guest, by a switch that was undone */
	uint64_t spent_bytes; /* through tunnels that are closed */
	char *first_failure;  /* why there is a second try, or NULL */
	bool reconnected;     /* another login than the journal has it */
	enum migration_status src_status, dst_status; /* by events */
	double dst_rtt_ms;
	bool budget_lifted; /* by --on-deadline force */
	bool committed;	    /* the point of no return is behind us */
	bool shielded;	    /* a cancel waits until the migration is finished */
	enum phase phase;
	enum phase failed_in; /* meaningful once it is being undone */
};

/* A fresh run for @opt, which it borrows; @result is filled with names. */
void run_open(struct run *r, const struct migrate_options *opt,
	      struct result *result);
/* Releases what this process holds; touches nothing outside of it. */
void run_close(struct run *r);

/* Tells the sink; fills time and run id. */
void run_tell(struct run *r, struct event *ev);
void run_warn(struct run *r, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The one setter of the phase; tells about it. */
void run_enter(struct run *r, enum phase to);
/* Names something the user has to clean up. */
void run_leftover(struct run *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct mono run_qmp_deadline(void);
/* This host's state directory (state_dir.h), borrowed; NULL: not asked yet. */
const char *run_state(const struct run *r);
/* True when the user does not want the check @name to block. */
bool run_skips(const struct run *r, const char *name);

/* --- the stages, one or a few a file; see stage.h ------------------------ */

/* queue.c */
int run_queue(struct run *r, struct err *err);
/* connect.c */
int run_connect(struct run *r, struct err *err);
/* The source's monitors, from r->guest; the first that greets is used. */
int run_open_source(struct run *r, struct err *err);
int run_discover(struct run *r, struct err *err);
/* preflight.c */
int run_preflight(struct run *r, struct err *err);
/* launch.c */
int run_launch(struct run *r, struct err *err);
int run_launched(struct run *r, struct err *err);
int run_unlaunch(struct run *r, struct err *err);
/* Ends the login over there that an earlier connection may have left. */
int run_end_old_session(struct run *r, struct err *err);
/* The destination QEMU's stderr so far, for a failure's cause; or NULL. */
char *run_dst_stderr(struct run *r);
/* arm.c */
/* Chooses xbzrle_cache_bytes; may look at the guest's pages for a second. */
int run_arm(struct run *r, struct err *err);
/*
 * Memory for a cache in the source's QEMU, with all that the guest may take
 * yet left to it; 0: not known.
 */
uint64_t run_cache_room(const struct run *r);
/* ram.c */
int run_open_tunnel(struct run *r, struct err *err);
int run_close_tunnel(struct run *r, struct err *err);
int run_start(struct run *r, struct err *err);
int run_started(struct run *r, struct err *err);
int run_unstart(struct run *r, struct err *err);
/* precopy.c */
int run_precopy(struct run *r, struct err *err);
/* Fills @err with why QEMU's migration failed, in the best words there are. */
int run_explain_failure(struct run *r, struct err *err);
/* switchover.c */
/* Of a switchover between these two hosts, as seen before; 0: never. */
double run_likely_fixed_ms(const struct run *r);
int run_switch(struct run *r, struct err *err);
int run_commit(struct run *r, struct err *err);
int run_resume(struct run *r, struct err *err);
/* A fresh session with the destination's monitor, over a fresh connection if
 * that is what it takes. */
int run_reopen(struct run *r, struct err *err);
/* True when the destination's QEMU is proved gone. */
bool run_destination_gone(struct run *r);
/* finish.c */
int run_finish(struct run *r, struct err *err);

#endif
