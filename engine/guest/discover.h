/* SPDX-License-Identifier: MIT */
/*
 * discover: finds the QEMU processes of a host from its /proc.
 *
 * One POSIX sh script, run through host_run(), reads everything; the same on
 * this machine and on others, so nothing needs to be installed there. Only
 * processes of the same mount, network and PID namespace as the script count.
 * A process is a guest when the file behind /proc/PID/exe is called
 * qemu-system-* or qemu-kvm (its command name may lie).
 */
#ifndef ENGINE_GUEST_DISCOVER_H
#define ENGINE_GUEST_DISCOVER_H

#include "engine/guest/guest.h"
#include "engine/hosts/identity.h"
#include "transport/host.h"

/* All guests of @h that its login may look at, oldest first. */
int discover_guests(struct host *h, struct guests *out, struct mono deadline,
		    struct err *err);

/*
 * The one guest that @word names: a name, "USER/NAME", "pid:N", or "qmp:/path".
 * Of guests of several users a name means that of this process's user
 * (guest_id.h). Moves it into *out. ERR_NO_GUEST (the hint lists what there
 * is), ERR_AMBIGUOUS (the message lists pids and users).
 */
int discover_guest(struct host *h, const char *word, struct guest *out,
		   struct mono deadline, struct err *err);

/* The script's output → guests; pure, for tests. */
int discover_parse(const char *text, size_t len, struct guests *out,
		   struct err *err);

/*
 * 1 when the process still runs, 0 when it is proved gone, -1 unknown: also
 * when the login on @h sees another machine's processes than @who is one of,
 * those of another PID namespace, or does not find the token of @who.
 */
int discover_alive(struct host *h, const struct identity *who,
		   struct mono deadline, struct err *err);

#endif
