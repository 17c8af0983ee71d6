/* SPDX-License-Identifier: MIT */
/*
 * supervisor: whether one of the processes above a guest's QEMU would start it
 * again once it has moved away.
 *
 * A known supervisor would, and so would a shell whose script or -c text has a
 * loop; a text that cannot be read, or cannot be shown to end after QEMU
 * (shell_text.h), is taken for one. An interactive shell would not, nor would
 * what only waits for its child (sudo, timeout). Of any other live parent it is
 * not known. Pure.
 */
#ifndef ENGINE_GUEST_SUPERVISOR_H
#define ENGINE_GUEST_SUPERVISOR_H

#include "engine/guest/ancestors.h"

enum supervisor_verdict {
	SUPERVISOR_NONE,
	SUPERVISOR_UNKNOWN, /* the parent lives, and may start it again */
	SUPERVISOR_STARTS,
};

/* Strings are owned: one sentence each; NULL for SUPERVISOR_NONE. */
struct supervisor {
	enum supervisor_verdict verdict;
	pid_t pid; /* 0: it is not seen */
	char *found, *remedy;
};

/*
 * Judges @a. @ours: the guest was started by vmferry, whose launch shell is a
 * shell that reads its text from a pipe.
 */
void supervisor_judge(const struct ancestors *a, bool ours,
		      struct supervisor *out);
void supervisor_free(struct supervisor *s);

#endif
