/* SPDX-License-Identifier: MIT */
/*
 * check_view: the checks of one destination for people.
 *
 * Pure: each appends lines to a buffer. Problems are whole sentences, and a
 * remedy is never broken over two lines, so that it can be pasted.
 */
#ifndef TOOLS_CLI_CHECK_VIEW_H
#define TOOLS_CLI_CHECK_VIEW_H

#include "engine/event/check.h"
#include "tools/cli/style.h"
#include "transport/base/buf.h"

/* Who was looked at; NULL where it is not known. Borrowed. */
struct check_head {
	const char *source, *source_qemu; /* "hosta", "7.2.22" */
	const char *destination, *destination_qemu;
	const char *login; /* "libssh2 1.10.0" */
	const char *link;  /* a sentence about it */
};

enum check_detail {
	CHECK_DETAIL_PROBLEMS, /* nothing of what passed */
	CHECK_DETAIL_FAMILIES, /* a line for what passed of each family */
	CHECK_DETAIL_ALL,
};

/* "source hosta  QEMU 7.2.22    destination …", or a line for each. */
void check_view_head(struct buf *b, const struct style *s,
		     const struct check_head *h);
/* " FAIL  what was found [name]    fix: the remedy" */
void check_view_row(struct buf *b, const struct style *s,
		    const struct check *c);
/* All of @list, family by family; of one problem only its first finding. */
void check_view_list(struct buf *b, const struct style *s,
		     const struct checks *list, enum check_detail detail);
/* "2 problems, 1 warning." */
void check_view_counts(struct buf *b, const struct checks *list);

#endif
