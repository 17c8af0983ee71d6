/* SPDX-License-Identifier: MIT */
/*
 * guest: a QEMU process as found on a host, read from /proc alone.
 *
 * Plain facts, no connection to it. Strings are owned.
 */
#ifndef ENGINE_GUEST_GUEST_H
#define ENGINE_GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/argv/argv_moves.h"
#include "engine/hosts/guest_id.h"
#include "transport/base/strv.h"

enum monitor_kind { MONITOR_QMP, MONITOR_HMP };

struct monitor {
	enum monitor_kind kind;
	char *path; /* UNIX socket, absolute, as one connects to it now */
	char *tcp;  /* "host:port" for a TCP monitor, else NULL */
};

struct guest {
	pid_t pid;
	uint64_t start_ticks; /* field 22 of /proc/PID/stat */
	char *exe;	      /* what /proc/PID/exe points to */
	bool exe_replaced;    /* that file was removed, as upgrades do */
	struct strv argv;
	char *cwd;   /* where relative paths of argv resolve */
	char *name;  /* -name, NULL if none */
	char *label; /* "pid:N" */
	char *uuid;  /* -uuid lower case, NULL if none */
	uid_t uid;
	gid_t gid;
	char *user; /* name of uid on its host, or the number */
	char *group;
	struct strv groups; /* supplementary, by number */
	struct strv limits; /* "nofile 1024 524288": from /proc/PID/limits */
	unsigned int umask; /* of the process: what its sockets allow */
	char *cgroup;	    /* v2 path, or "" */
	char *unit;	    /* systemd unit of the cgroup, NULL */
	bool user_unit;	    /* the manager of its user has it */
	char *started_by;   /* unit, script or command of the parent */
	char *manager;	    /* "libvirt", "proxmox", …; NULL: nobody */
	char *run_dir;	    /* its run directory if vmferry brought it, NULL */
	char *run_key;	    /* the key that it had for that run, or NULL */
	struct argv_moves moves;
	struct monitor *monitors;
	size_t n_monitors;
	bool has_kvm_arg;
	uint64_t ram_bytes; /* from -m; 0 unknown */
	unsigned int vcpus; /* from -smp; 1 by default */
};
void guest_free(struct guest *g);
/* The name for people: -name, else "pid:N". Borrowed from @g. */
const char *guest_label(const struct guest *g);
/* Whose it is and what it is called. Borrowed from @g. */
struct guest_id guest_id(const struct guest *g);
/* First QMP monitor on a UNIX socket, or NULL. */
const struct monitor *guest_qmp(const struct guest *g);

struct guests {
	struct guest *v;
	size_t n;
	size_t left_out; /* processes that may be guests, and were not read */
};
void guests_free(struct guests *list);

#endif
