/* SPDX-License-Identifier: MIT */
/*
 * unit_hold: keeps systemd from starting the guest's unit again.
 *
 * With Restart= the manager starts a unit whose process has ended, which the
 * source's QEMU does when the guest has moved away, or when it dies in the
 * switchover while the destination has everything. So a runtime drop-in sets
 * Restart=no before the migration begins. It goes when the migration is undone;
 * after one that succeeded, once the unit has ended. It is below /run, and does
 * not outlive a reboot.
 *
 * The unit's name comes from a control group, which a user may have named: the
 * manager must say that this is the unit's group.
 */
#ifndef ENGINE_RUN_UNIT_HOLD_H
#define ENGINE_RUN_UNIT_HOLD_H

#include <stdbool.h>

#include "engine/guest/guest.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

struct run;

/* What the manager says of a unit. */
struct unit_facts {
	bool known;	   /* it was asked, and the guest is in this unit */
	char *restart;	   /* Restart=: "no", "always", … */
	bool enabled;	   /* the next boot, or login, starts it */
	bool asks_first;   /* an ExecCondition= of it asks vmferry owns */
	char *why_unknown; /* one line, or NULL: there is no unit */
};
/* Fills *out in any case. */
void unit_hold_ask(struct run *r, struct unit_facts *out);
void unit_facts_free(struct unit_facts *f);
/* What systemctl show printed, about guest @g; pure, for tests. */
void unit_facts_parse(const char *text, const struct guest *g,
		      struct unit_facts *out);

/* A stage and its undo, which also a recovery calls; ERR_FAILED. */
int unit_hold_run(struct run *r, struct err *err);
int unit_hold_undo(struct run *r, struct err *err);
/* After success; what cannot be done is a warning. */
void unit_hold_end(struct run *r);
/* Where files are made and removed; adds to @dirs. */
void unit_hold_dirs(const struct run *r, struct strv *dirs);

#endif
