/* SPDX-License-Identifier: MIT */
/*
 * identity: which process, of which machine; pure.
 *
 * Theory of operation. A pid says something about one machine, since one boot
 * of it, in one PID namespace. A process that is not found in /proc may be
 * concluded to be gone only if it was recorded by that very /proc:
 *
 *	recorded and asked		the process is
 *	same machine, boot, namespace	what /proc says
 *	same machine, later boot	gone, with all others
 *	anything else			unknown, and unknown is never gone
 *
 * A machine is known by /etc/machine-id. Machines made from one image may have
 * the same, and some have none; for these an id of our own is made once in the
 * host's state directory (identity_make.sh). Where even that is the same on two
 * hosts, since they share the directory, a later boot proves nothing; nor does
 * it under another host name.
 *
 * All of these can be copied with the machine. Hence a run leaves a random
 * token on both hosts, in a file below the run root, which a reboot empties as
 * a rule. It is read back with each of the questions above, and can only take
 * away what the ids have said:
 *
 *	ids say		token			then
 *	same		same			same
 *	same		missing			elsewhere: this boot had it
 *	same		missing, but the	same
 *			run removes it by now
 *	rebooted	same, or missing	rebooted
 *	either		another one		elsewhere
 *	elsewhere	any			elsewhere
 *
 * A host that lost it while it went on is a copy from before the run, shows
 * another file system to this login, or somebody removed the file. Until the
 * token is back, or the host was rebooted, nothing that it says counts.
 */
#ifndef ENGINE_HOSTS_IDENTITY_H
#define ENGINE_HOSTS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/base/err.h"

enum { IDENTITY_WORD = 65 }; /* bytes of an id or a host name, with its NUL */

/* The first PID namespace after each boot (PROC_PID_INIT_INO of Linux). */
#define IDENTITY_FIRST_NAMESPACE UINT64_C(0xeffffffc)

/* Whose processes a /proc shows. "" and 0: unknown. */
struct identity_space {
	char host[IDENTITY_WORD];    /* the machine's name */
	char machine[IDENTITY_WORD]; /* its id */
	char own[IDENTITY_WORD];     /* the id that was made for it */
	char boot[IDENTITY_WORD];
	uint64_t pid_namespace; /* its inode */
	bool id_is_shared;	/* another machine has the same id */
	/*
	 * Recorded: the token that the run has left there, "": none. Asked:
	 * what was found in its place.
	 */
	char token[IDENTITY_WORD];
	bool token_may_go; /* recorded: the run removes it by now */
};

struct identity {
	struct identity_space space;
	pid_t pid;
	uint64_t start_ticks;	/* field 22 of /proc/PID/stat */
	const char *token_file; /* where space.token is to be; NULL: none */
};

/*
 * Prints a host's identity_space, one KEY=VALUE a line, for
 * identity_space_read(), and sets $state to the host's state directory. A token
 * is read from $token_file, unless that is empty.
 */
extern const char identity_sh[];
/* The same with that file, which may be NULL; to be freed. */
char *identity_script(const char *token_file);
/* Behind identity_sh: makes the id of our own and prints it, too. */
extern const char identity_make_sh[];

/*
 * Functions for scripts that keep a process in a file: this_space prints what
 * is to be noted with it, and match_space judges that as identity_compare()
 * does.
 */
extern const char identity_match_sh[];

/* Reads what identity_sh printed; what is no id counts as unknown. */
void identity_space_read(const char *text, struct identity_space *out);
/* What names the machine in files: its id, or that of our own, or "". */
const char *identity_machine(const struct identity_space *s);

enum identity_match {
	IDENTITY_SAME,	    /* its processes are those that were recorded */
	IDENTITY_REBOOTED,  /* of that machine, but none of them is left */
	IDENTITY_ELSEWHERE, /* nothing follows for them */
};
/*
 * Compares a recorded space with that of the /proc which is asked @now; where
 * the recorded one has a token, its file must have been read.
 */
enum identity_match identity_compare(const struct identity_space *recorded,
				     const struct identity_space *now);
/*
 * ERR_FAILED, with what to do, where it is the token that says
 * IDENTITY_ELSEWHERE, not the ids; else 0. @host is what people call it.
 */
int identity_check_token(const struct identity *recorded,
			 const struct identity_space *now, const char *host,
			 struct err *err);
/* Whether @id, a recorded one, is that of the machine, or ours of it. */
bool identity_has_id(const struct identity_space *now, const char *id);
/* Whether ids say that both are of one machine, or of two; neither without. */
bool identity_same_machine(const struct identity_space *recorded,
			   const struct identity_space *now);
bool identity_other_machine(const struct identity_space *recorded,
			    const struct identity_space *now);
/* Whether a pid means one process in both, as far as boot and namespace say. */
bool identity_same_pids(const struct identity_space *a,
			const struct identity_space *b);
/*
 * Whether two hosts, both of which answer, are distinguished from each other,
 * and known again, by their machine ids alone.
 */
bool identity_ids_suffice(const struct identity_space *a,
			  const struct identity_space *b);

#endif
