/* SPDX-License-Identifier: MIT */
/*
 * run: everything one migration knows and holds, shared by its stages.
 *
 * Private to the engine. Created by migrate.c, passed through every stage, torn
 * down by run_close(). What exists outside of this process (a directory, a
 * QEMU, a capability) is marked here when it is made, and undone by the stage
 * that made it, never by a destructor.
 */
#ifndef ENGINE_RUN_RUN_H
#define ENGINE_RUN_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/argv/argv.h"
#include "engine/event/check.h"
#include "engine/event/event.h"
#include "engine/guest/guest.h"
#include "engine/guest/plugged.h"
#include "engine/hosts/probe.h"
#include "engine/run/attempt.h"
#include "engine/run/lane.h"
#include "engine/state/lessons.h"
#include "qmp/qmp_machine.h"
#include "qmp/qmp_ramblocks.h"
#include "qmp/qmp_status.h"
#include "transport/base/strv.h"
#include "transport/base/task.h"

struct guard;
struct host;
struct journal;
struct migrate_options;
struct qmp;
struct qmp_listener;
struct queue;
struct recording;
struct result;
struct xbzrle_look;

/* Deadlines in ms. Nobody waits for ever, and never with the guest frozen. */
enum {
	RUN_CONNECT_MS = 10000, /* a host: resolve, connect, log in */
	RUN_QMP_MS = 5000,	/* one QMP command */
	RUN_SCRIPT_MS = 20000,	/* one script on a host */
	RUN_LAUNCH_MS = 20000,	/* a QEMU from exec to its monitor */
	RUN_SETUP_MS = 15000,	/* QEMU's migration status `setup` */
	RUN_STALL_MS = 30000,	/* pre-copy without a byte of progress */
	RUN_FROZEN_MS = 5000,	/* the same while the guest is stopped */
	RUN_QUIT_MS = 10000,	/* a QEMU from quit to gone */
	RUN_UNDO_MS = 10000,	/* one step of a rollback */
};

/* One side: its host, and the monitor of its QEMU. */
struct run_side {
	struct host *host;
	struct host_facts facts;
	struct qmp *qmp;    /* in-band session */
	struct qmp *rescue; /* second session for out-of-band, or NULL */
	struct qmp_listener *events;
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
	struct qmp_ramblocks huge; /* of it, and of ROMs */
	unsigned int vcpus;
	bool kvm;
	struct qmp_disks disks;
	struct plugged plugged;
	struct strv argv; /* its command line, as it would be now */
	struct strv jobs;
	char *blocked; /* QEMU's own reasons, NULL when none */
};

/* What names the run and its guest in journals, locks and directories. */
struct run_id {
	char name[20];
	char *key;	/* of the guest; NULL: not known yet */
	char token[33]; /* 32 hexadecimal digits; "": it has none */
};

/* The guest as it was found. */
struct run_source {
	struct guest guest;
	uint64_t begun_ticks; /* when it was found; twin.h */
	bool restarts;	      /* its unit has Restart=; unit_hold.h */
	struct run_facts facts;
	struct identity_space space; /* of the machine where it was found */
	char *token_file;	     /* run_token.h; NULL: none */
	/*
	 * The path of the monitor in use. The greeting of another one is no
	 * fence: what an earlier client sent to this one may still come.
	 */
	char *monitor;
	bool noted_running; /* what the journal says it is to do */
	bool ran_on;	    /* it was seen to run there after COMMIT */
	bool ended;	    /* it shut down on the source */
	bool unsure;	    /* the rollback did not see it run again */
};

/* A file that root opens there for QEMU; see hand_over.h. */
struct run_hand {
	char *path;
	char *id; /* that it was found to have */
	bool writable;
};

/*
 * What is on the destination: what has to be undone there, with all that it
 * takes to do so. A recovery has it from the journal.
 */
struct run_dest {
	struct argv_plan plan;	/* a recovery: its monitors and sockets only */
	struct run_hand *hands; /* of the plan, in its order */
	size_t n_hands;
	char *binary;		     /* absolute path */
	char *dir;		     /* QEMU's run directory */
	char *lock;		     /* the lock directory */
	struct identity_space space; /* of the machine where it was begun */
	char *token_file;	     /* run_token.h; NULL: none */
	bool token_left;	     /* it may be there */
	char *session;		     /* our login there, "PID TICKS", or NULL */
	bool made;		     /* the directories exist, QEMU may */
	pid_t pid;		     /* 0: not started */
	uint64_t ticks;
	bool reconnected; /* another login than the journal has it */
	bool typed;	  /* a person was asked for the login */
	bool ended;	  /* QEMU ended there after the guest ran */
};

/* What this process holds on this host for the run. */
struct run_held {
	struct queue *queue;	     /* its place in the queue, or NULL */
	int lock_fd;		     /* of the guest's lock, -1 */
	bool was_locked;	     /* by it, now or until the undo */
	struct guard *guard;	     /* recovers when we die, or NULL */
	struct journal *journal;     /* NULL: none was begun, or closed */
	char *record_dir;	     /* where it is */
	bool finished;		     /* it was closed with nothing to do */
	struct recording *recording; /* of the events; NULL: none is kept */
};

/* What an earlier try leaves to the next one; see retry.h. */
struct run_tries {
	unsigned int n;	      /* 1 from the first `launch` on */
	double paused_ms;     /* of the guest, by a switch that was undone */
	uint64_t spent_bytes; /* through tunnels that are closed */
	char *first_failure;  /* why there is a second try, or NULL */
};

/* How far it has come. */
struct run_course {
	enum phase phase;
	enum phase failed_in; /* meaningful once it is being undone */
	bool committed;	      /* the point of no return is behind us */
	bool shielded;	      /* a cancel waits until it is finished */
};

struct run {
	/* what was asked for, and what becomes of it; borrowed */
	const struct migrate_options *opt;
	struct result *result;
	bool recovering; /* this run is brought back from its journal */
	bool moves;	 /* the guest is to go: no check, plan or forecast */
	struct mono started;
	struct waitq wake; /* any event of either monitor */
	bool finding;	   /* the guest is being looked for; wakes `found` */
	struct waitq found;

	struct run_id id;
	struct run_side src, dst;
	struct run_source source;
	struct run_dest dest;
	struct run_held held;
	struct checks checks;
	struct lessons lessons; /* what was learnt of these two hosts before */
	struct run_course course;
	struct run_tries tries;
	struct xbzrle_look *look; /* at the guest's pages, or NULL */
	struct lane lane;	  /* what carries the memory */
	struct attempt attempt;
};

/* A fresh run for @opt, which it borrows; @result is filled with names. */
void run_open(struct run *r, const struct migrate_options *opt,
	      struct result *result);
/* The recording, to be closed once the run is; NULL when none is kept. */
struct recording *run_take_recording(struct run *r);
/* Releases what this process holds; touches nothing outside of it. */
void run_close(struct run *r);

/* Hands @ev to the sink; fills time and run id. */
void run_emit(struct run *r, struct event *ev);
void run_warn(struct run *r, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The one setter of the phase; emits an event. */
void run_enter(struct run *r, enum phase to);
/* Names something the user has to clean up. */
void run_leftover(struct run *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct mono run_qmp_deadline(void);
/* This host's state directory (state_dir.h), borrowed; NULL: not asked yet. */
const char *run_state(const struct run *r);
/* True when the user does not want the check @name to block. */
bool run_skips(const struct run *r, const char *name);

#endif
