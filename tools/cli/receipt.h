/* SPDX-License-Identifier: MIT */
/*
 * receipt: results in words: what a migration cost, errors.
 *
 * Pure: each appends lines to a buffer.
 */
#ifndef TOOLS_CLI_RECEIPT_H
#define TOOLS_CLI_RECEIPT_H

#include "engine/event/result.h"
#include "tools/cli/style.h"
#include "transport/base/buf.h"

/* What a migration that went through cost; only numbers that are known. */
void receipt_migration(struct buf *b, const struct style *s,
		       const struct result *r);
/* "error: what, on HOST", a line for each cause, "next: what to do". */
void receipt_error(struct buf *b, const struct style *s, const struct err *err);

#endif
