/* SPDX-License-Identifier: MIT */
/*
 * fault: named points at which a test makes this process fail.
 *
 * Only in builds with -DVMFERRY_FAULTS; in others a point costs nothing and
 * cannot be reached. The environment says which one:
 *
 *	VMFERRY_FAULT=POINT:ACTION[:NTH]
 *
 * ACTION is `error` (the point fails with ERR_FAILED), `kill` (SIGKILL to this
 * process), `stop` (SIGSTOP), or `stall` (the thread never returns, so that
 * nothing in it goes on); NTH counts the visits from 1 and is 1 by default.
 * Several are separated by commas. It is
 * taken out of the environment, so that no child inherits it.
 *
 * The points of a stage are STAGE.before (its records are on disk, nothing was
 * done), STAGE.after (done and observed, not yet recorded) and STAGE.undo;
 * others are named where they are used.
 */
#ifndef TRANSPORT_BASE_FAULT_H
#define TRANSPORT_BASE_FAULT_H

#include "transport/base/err.h"

#ifdef VMFERRY_FAULTS
/* 0, or -1 when the test wants this point to fail. */
int fault_point(const char *name, struct err *err);
/* The same for "@stage.@where". */
int fault_stage(const char *stage, const char *where, struct err *err);
#else
static inline int fault_point(const char *name, struct err *err)
{
	(void)name;
	(void)err;
	return 0;
}

static inline int fault_stage(const char *stage, const char *where,
			      struct err *err)
{
	(void)stage;
	(void)where;
	(void)err;
	return 0;
}
#endif

#endif
