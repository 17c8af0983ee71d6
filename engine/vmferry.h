/* SPDX-License-Identifier: MIT */
/*
 * vmferry: the engine as a library.
 *
 * Self-contained and small on purpose: options go in as a plain struct, events
 * and results come out as the JSON objects that `vmferry --events` and
 * `vmferry --json` print, so that they can grow without breaking anybody.
 *
 * The library never blocks, prints, exits, or reads environment or arguments.
 * It runs inside the caller's loop:
 *
 *	struct vmferry *v = vmferry_new();
 *	struct vmferry_job *job = vmferry_migrate(v, &options);
 *	while (!vmferry_job_result(job)) {
 *		struct pollfd p = { vmferry_fd(v), POLLIN, 0 };
 *		poll(&p, 1, vmferry_timeout_ms(v));
 *		vmferry_dispatch(v);
 *	}
 *	puts(vmferry_job_result(job));
 *	vmferry_job_free(job);
 *	vmferry_free(v);
 *
 * What happens is also recorded, as the program does it, for `vmferry status`
 * and `vmferry replay`.
 *
 * One struct vmferry belongs to one thread. The caller ignores SIGPIPE.
 */
#ifndef VMFERRY_H
#define VMFERRY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vmferry;
struct vmferry_job;

/* NULL when the system has no descriptor left for it. */
struct vmferry *vmferry_new(void);
/* All jobs must have been freed. NULL is fine. */
void vmferry_free(struct vmferry *v);

/* Readable when vmferry_dispatch() has work. */
int vmferry_fd(const struct vmferry *v);
/* Milliseconds until it has work by itself; -1: never. For poll(2). */
int vmferry_timeout_ms(const struct vmferry *v);
/* Does what can be done now; never blocks. */
void vmferry_dispatch(struct vmferry *v);

/*
 * Strings are copied. Zero and NULL mean the defaults that the command line
 * has. Set `size` to sizeof(struct vmferry_options).
 */
struct vmferry_options {
	unsigned int size;
	const char *guest;	 /* name, pid:N or qmp:PATH; required */
	const char *destination; /* [user@]host[:port], ssh://…; required */
	const char *identity;
	const char *known_hosts;
	const char *ssh_config;
	const char *qemu_binary;
	double max_blackout_ms; /* 300 */
	double deadline_s;
	uint64_t bandwidth_bps; /* bytes/s */
	int use_openssh;	/* a child ssh(1) instead of libssh2 */
	int become_sudo;	/* root by sudo there; nobody is asked */
	int force_at_deadline;	/* --on-deadline force */
	int paused;
	int wait; /* for its turn, where others are under way */
	/*
	 * The program vmferry; required. It is run for each SSH session and
	 * each stream, as a process without rights that carries their bytes:
	 * a fault in libssh2 ends that one and not the caller. The last one
	 * that was named counts for all.
	 */
	const char *program;
	/*
	 * The same, to be spawned beside each migration as the
	 * guardian that finishes or undoes it when this process dies. It kills
	 * this process (SIGKILL) when it sleeps for three seconds without
	 * vmferry_dispatch() being called, since a guest may be stopped. NULL:
	 * nobody does anything until `vmferry recover` is run.
	 */
	const char *guardian;
	/* One JSON object a call, without a newline; valid for the call. */
	void (*event)(void *arg, const char *json);
	void *arg;
};

/* Starts a live migration. NULL: a required option is missing. */
struct vmferry_job *vmferry_migrate(struct vmferry *v,
				    const struct vmferry_options *options);
/* Asks the job to stop; before the point of no return all is undone. */
void vmferry_job_cancel(struct vmferry_job *job);
/* The result object once the job has ended, else NULL. Valid until freed. */
const char *vmferry_job_result(const struct vmferry_job *job);
/* The exit code that the command would have had; -1 while it runs. */
int vmferry_job_exit_code(const struct vmferry_job *job);
/* Only once it has ended. NULL is fine. */
void vmferry_job_free(struct vmferry_job *job);

#ifdef __cplusplus
}
#endif

#endif
