/* SPDX-License-Identifier: MIT */
/* recover_one: finishes one run that nobody drives any more, or undoes it. */
#ifndef ENGINE_RECOVER_RECOVER_ONE_H
#define ENGINE_RECOVER_RECOVER_ONE_H

#include "engine/recover/recovery.h"
#include "engine/recover/takeover.h"
#include "engine/run/migrate_options.h"
#include "engine/state/journal_identity.h"
#include "engine/state/verdict.h"

/* One recovery under way. */
struct recovering {
	struct recovery *out;
	struct migrate_options opt;
	struct takeover own;
	char *run_dir;	   /* where the journal is */
	char *destination; /* as the journal has it */
	bool becomes;	   /* so has it that root's rights come by sudo */
	char *guest;
	const char *why; /* the verdict's */
	/* by side, why one that answers is not believed; or none */
	struct err doubt[JOURNAL_DESTINATION + 1];
	struct host **warm;
	enum verdict_choice choice;
	bool asked; /* the destination was observed */
	pid_t twin; /* a second start of the guest on the source, or 0 */
	bool early; /* only what concerns the source alone */
	struct run *run;
};

/*
 * @c->own has the journal that was read. What becomes of the run goes into
 * @out, which outlives @c. Its options (opt.ssh, opt.state_dir, opt.sink, warm,
 * choice) are set afterwards.
 */
void recover_one_init(struct recovering *c, struct recovery *out);
/* To be called from a task; errors are @out's. */
void recover_one(struct recovering *c);
/* With the journal that was read. */
void recover_one_fini(struct recovering *c);

#endif
