/* SPDX-License-Identifier: MIT */
/*
 * preflight: what the checks look at, and the table of them. Private to
 * preflight.c, which gathers and judges, and to the files of checks.
 */
#ifndef ENGINE_RUN_PREFLIGHT_H
#define ENGINE_RUN_PREFLIGHT_H

#include "engine/guest/supervisor.h"
#include "engine/guest/guest.h"
#include "engine/hosts/account.h"
#include "engine/hosts/admit.h"
#include "engine/hosts/hand_over.h"
#include "engine/hosts/host_tools.h"
#include "engine/hosts/lingering.h"
#include "engine/hosts/memory_kinds.h"
#include "engine/hosts/name_use.h"
#include "engine/hosts/socket_forwarding.h"
#include "engine/run/cpu_trial.h"
#include "engine/run/preflight_disks.h"
#include "engine/run/preflight_net.h"
#include "engine/run/run.h"
#include "engine/run/unit_hold.h"

/* An image that the guest's user cannot do with as QEMU does. */
struct preflight_hand {
	bool asked; /* else the rest is empty */
	struct hand_held here;
	struct hand_found there;
	char *refusal; /* why root does not open it there, or NULL: it does */
	bool needless; /* the user can open it there */
};

/* What the checks look at, gathered once. */
struct preflight {
	struct run *r;
	struct probe_qemu qemu;
	struct strv paths; /* plan.files, then: */
	size_t moves_at;   /* directories of public sockets */
	size_t cwd_at;	   /* the working directory, if it matters */
	struct probe_file *here, *there;
	struct admit_view room; /* on the destination */
	struct account account; /* the guest's user, on the destination */
	struct strv gids; /* the guest's groups, its effective one first */
	struct account groups_here; /* their names on the source */
	/* what root does as the guest's user has root's session keyring */
	bool shares_keyring_here, shares_keyring_there;
	bool kvm_usable;	/* /dev/kvm opens on the destination */
	struct unit_facts unit; /* that the source is in */
	char *source_qemu;	/* "7.2.22"; qemu.version is the other */
	struct strv devices;	/* QOM types of all that the guest has */
	struct qmp_cpu cpu;	/* the guest's; empty: not x86 */
	bool cpu_tried;
	struct cpu_trial cpu_there;
	struct memory_kinds kinds; /* on the destination */
	char *inactive;		   /* why QEMU would abort, or NULL */
	const char *storage;	   /* that of the state directory does not
				    * outlive a power cut: what it is */
	struct lingering lingers_here, lingers_there;
	enum lingering_manager manager_here; /* that the guest is a unit of */
	char *library;		   /* "libssh2 1.10.0 (package ...)" */
	const char *faults;	   /* that it is known for, or NULL */
	char *lonely;		   /* why the guardian cannot log in, or NULL */
	struct supervisor above;   /* among the processes above the source */
	bool same_pids;		   /* a pid is the same process on both */
	struct guests guests;	   /* on the destination */
	struct name_answer *names; /* of the plan's moves, there */
	enum socket_forwarding forwarding;
	struct host_tools tools;      /* on the destination */
	struct preflight_hand *hands; /* of the plan's files; NULL: none */
	struct strv chain;	      /* images below those of the plan */
	struct probe_file *chain_there;
	struct preflight_disks disks;
	struct preflight_net net;
};

/* A stage: gathers, checks, refuses. Fills the plan of the destination. */
int preflight_run(struct run *r, struct err *err);

/*
 * Finds out which images root has to open on the destination for the guest, as
 * its user may not, and which it may: makes the plan anew with them.
 */
int preflight_hands_ask(struct preflight *p, struct err *err);
void preflight_hands_free(struct preflight *p);
int preflight_make_plan(struct preflight *p, const struct argv_hand *hands,
			size_t n_hands, struct err *err);

/*
 * After the checks: gives those that miss something in one missing directory
 * the same cause. -1: cancelled; what else fails leaves them as they are.
 */
int preflight_missing_ask(struct preflight *p, struct err *err);
/* The topmost of @dirs that was not found and that @path is in, or NULL. */
const char *preflight_missing_above(const char *path, const struct strv *dirs,
				    const struct probe_file *found);

/* Rows of the table. */
void preflight_check_replaced(struct preflight *p);
void preflight_check_files(struct preflight *p);
void preflight_check_access(struct preflight *p);
void preflight_check_reopening(struct preflight *p);
void preflight_check_chain(struct preflight *p);
void preflight_check_directories(struct preflight *p);
void preflight_check_unit(struct preflight *p);
void preflight_check_supervisor(struct preflight *p);
void preflight_check_become(struct preflight *p);
void preflight_check_guardian(struct preflight *p);
void preflight_check_lingering(struct preflight *p);
void preflight_check_state(struct preflight *p);
void preflight_check_same_host(struct preflight *p);
void preflight_check_library(struct preflight *p);
void preflight_check_remaps(struct preflight *p);
void preflight_check_user(struct preflight *p);
void preflight_check_groups(struct preflight *p);
void preflight_check_keyring(struct preflight *p);
void preflight_check_same_guest(struct preflight *p);
void preflight_check_ram(struct preflight *p);
void preflight_check_traces(struct preflight *p);
void preflight_check_names(struct preflight *p);
void preflight_check_forwarding(struct preflight *p);
void preflight_check_tools(struct preflight *p);
void preflight_check_transport(struct preflight *p);
void preflight_check_room(struct preflight *p);
void preflight_check_unfinished(struct preflight *p);
void preflight_check_manager(struct preflight *p);
void preflight_check_blocked(struct preflight *p);
void preflight_check_jobs(struct preflight *p);
void preflight_check_hotplug(struct preflight *p);
void preflight_check_locking(struct preflight *p);
void preflight_check_inactive(struct preflight *p);
void preflight_check_command_line(struct preflight *p);
void preflight_check_qemu(struct preflight *p);
void preflight_check_machine(struct preflight *p);
void preflight_check_given_machine(struct preflight *p);
void preflight_check_version(struct preflight *p);
void preflight_check_kvm(struct preflight *p);
void preflight_check_memory(struct preflight *p);

/* Each adds what it finds to the run's list; NULL at the end. */
extern void (*const preflight_checks[])(struct preflight *p);

#endif
