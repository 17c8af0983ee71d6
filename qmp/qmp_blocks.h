/* SPDX-License-Identifier: MIT */
/*
 * qmp_blocks: the block nodes of a guest as QEMU has them open now.
 */
#ifndef QMP_QMP_BLOCKS_H
#define QMP_QMP_BLOCKS_H

#include "qmp/qmp.h"

/* More than that is no guest's; the answer is not read then. */
enum { QMP_BLOCKS_MAX = 4096 };

enum qmp_block_kind {
	QMP_BLOCK_FILE,	   /* opens a file or device of the host */
	QMP_BLOCK_NETWORK, /* talks to a server */
	QMP_BLOCK_OTHER,   /* a format or a filter, above other nodes */
};
struct qmp_block {
	enum qmp_block_kind kind;
	char *node, *driver;
	char *file;    /* as QEMU names it; may be a json: or URL */
	char *backing; /* the image below it, as it says itself; NULL */
	char *data;    /* the file that it keeps its data in; NULL */
	bool read_only;
	bool direct, no_flush; /* cache.direct, cache.no-flush */
	bool encrypted;
	char *detect_zeroes;
};
struct qmp_blocks {
	struct qmp_block *v;
	size_t n;
};
/* All of them, each once. ERR_PROTOCOL beyond QMP_BLOCKS_MAX. */
int qmp_blocks_query(struct qmp *q, struct qmp_blocks *out,
		     struct mono deadline, struct err *err);
void qmp_blocks_free(struct qmp_blocks *l);

/* What one node has below it: "file", "backing", …; strings owned. */
struct qmp_block_edge {
	char *parent, *child, *name;
};
struct qmp_block_edges {
	struct qmp_block_edge *v;
	size_t n;
};
/*
 * All of them, from x-debug-query-block-graph: no other command of QEMU before
 * 11.1 names a node's children by their names.
 */
int qmp_block_edges_query(struct qmp *q, struct qmp_block_edges *out,
			  struct mono deadline, struct err *err);
void qmp_block_edges_free(struct qmp_block_edges *l);

/* What the nodes of @driver do. */
enum qmp_block_kind qmp_blocks_kind(const char *driver);

#endif
