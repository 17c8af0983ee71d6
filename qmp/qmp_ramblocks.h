/* SPDX-License-Identifier: MIT */
/*
 * qmp_ramblocks: which of a guest's RAM is in huge pages, and of what size.
 *
 * No QMP command says so of all kinds of RAM (-mem-path, memory-backend-file,
 * -memfd); HMP's `info ramblock` does, in the same columns since QEMU 2.10.
 */
#ifndef QMP_QMP_RAMBLOCKS_H
#define QMP_QMP_RAMBLOCKS_H

#include <stdint.h>

#include "qmp/qmp.h"

/* RAM in huge pages of one size. */
struct qmp_ramblocks_pages {
	uint64_t page_bytes;
	uint64_t bytes; /* in whole pages */
};
/* More sizes than any architecture has. */
enum { QMP_RAMBLOCKS_SIZES = 8 };
struct qmp_ramblocks {
	struct qmp_ramblocks_pages v[QMP_RAMBLOCKS_SIZES];
	size_t n;
};

/* A QEMU that does not know the command has none. */
int qmp_ramblocks_huge(struct qmp *q, struct qmp_ramblocks *out,
		       struct mono deadline, struct err *err);
/* The command's text; pure. Lines that are none of a block are passed over. */
void qmp_ramblocks_parse(const char *text, struct qmp_ramblocks *out);

#endif
