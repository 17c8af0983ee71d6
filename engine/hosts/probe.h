/* SPDX-License-Identifier: MIT */
/*
 * probe: what a host is like, asked once by a read-only script.
 */
#ifndef ENGINE_HOSTS_PROBE_H
#define ENGINE_HOSTS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/hosts/as_user.h"
#include "engine/hosts/identity.h"
#include "transport/base/strv.h"
#include "transport/host.h"

/* What is free in a file system. */
struct probe_room {
	bool known, inodes_known; /* some count no inodes */
	uint64_t free_bytes, free_inodes;
};

/* Strings owned; "" when unknown. */
struct host_facts {
	char *hostname;
	struct identity_space space;
	char *namespaces; /* mount, network and PID namespace, joined */
	char *run_root;	  /* where run directories go: /run/vmferry, … */
	char *state_root; /* what outlives a reboot: /var/lib/vmferry, … */
	char *session;	  /* the login that was asked, see login_session.h */
	uid_t uid;
	bool systemd; /* runs under systemd, and systemd-run is there */
	uint64_t memory_available_bytes;
	struct probe_room room; /* where run directories go */
};
int probe_host(struct host *h, struct host_facts *out, struct mono deadline,
	       struct err *err);
/* The same, with the token in @token_file (identity.h), NULL: none. */
int probe_host_token(struct host *h, const char *token_file,
		     struct host_facts *out, struct mono deadline,
		     struct err *err);
/* The same of this machine. */
int probe_here(struct host_facts *out, struct mono deadline, struct err *err);
void host_facts_free(struct host_facts *f);
/* Both are one machine with one file system, network and PID space. */
bool probe_same_host(const struct host_facts *a, const struct host_facts *b);

/* A file, directory or nothing at a path; links followed. */
struct probe_file {
	bool exists;
	char type; /* 'f' regular, 'd' directory, 'b' block, 's' socket, 'o' */
	uint64_t inode, size_bytes;
	bool fuse;		 /* its inode number proves nothing */
	bool access_known;	 /* what follows was tried */
	bool readable, writable; /* to the user that was asked for */
};
/*
 * Stats @paths[i] into @out[i]; access is that of @user (NULL: the login's
 * own).
 */
int probe_files(struct host *h, const struct strv *paths,
		const struct as_user *user, struct probe_file *out,
		struct mono deadline, struct err *err);

/* What a QEMU binary says of itself. */
struct probe_qemu {
	char *path;	    /* absolute, NULL: not found */
	char *version;	    /* "7.2.22", "": it did not say, or is none */
	bool machine_known; /* it has the asked machine type */
};
/*
 * @binary: absolute, or a name for PATH; where @or_base, its base name is tried
 * in PATH too. It is run with the rights of @user.
 */
int probe_qemu(struct host *h, const char *binary, bool or_base,
	       const char *machine, const struct as_user *user,
	       struct probe_qemu *out, struct mono deadline, struct err *err);
void probe_qemu_free(struct probe_qemu *q);

/*
 * The package that libssh2 comes from on @h, with its version ("libssh2-1
 * 1.10.0-3"), to be freed; NULL: no package manager says.
 */
char *probe_package(struct host *h, struct mono deadline);

/*
 * What a host's sh gets. One compound: what was cut short on the way is not
 * begun. Bytes are bytes: in other locales sed(1) and grep(1) do not see past
 * those that are no characters, and a process may have such in its name.
 */
#define PROBE_SCRIPT_FORM "{\nLC_ALL=C; export LC_ALL\n%s\n}\n"

/*
 * Runs a sh script on @h (sent as the shell's stdin, so its length and bytes do
 * not matter; it runs whole or not at all) and returns its stdout. A non-zero
 * status is ERR_REMOTE with its stderr as the cause. @what names it in
 * messages.
 */
int probe_script(struct host *h, const char *what, const char *script,
		 struct buf *out, struct mono deadline, struct err *err);

/* --- pure, for tests ------------------------------------------------------ */

/*
 * "BLOCKS SIZE INODES FREE" → *out. A negative number, as of a file system of
 * which root has used what was kept for it, is 0; so is one that is negative
 * when it is not printed so.
 */
void probe_room_read(const char *text, struct probe_room *out);

#endif
