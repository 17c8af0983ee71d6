/* SPDX-License-Identifier: MIT */
/*
 * qmp_dirty: QEMU's own measure of how fast a guest writes, without a
 * migration.
 *
 * Only by page sampling: QEMU hashes a sample of the guest's pages twice and
 * counts those that changed. The other modes crash some versions.
 */
#ifndef QMP_QMP_DIRTY_H
#define QMP_QMP_DIRTY_H

#include <stdint.h>

#include "qmp/qmp.h"

/* RAM blocks smaller than this are not sampled at all. */
#define QMP_DIRTY_LEAST_BYTES (128ull << 20)
enum { QMP_DIRTY_FEWEST_PAGES = 128, QMP_DIRTY_MOST_PAGES = 16384 };

/*
 * Begins a measurement over @seconds (1 to 60) of @pages_per_gib samples.
 * ERR_QMP while one is under way.
 */
int qmp_calc_dirty_rate(struct qmp *q, unsigned int seconds,
			unsigned int pages_per_gib, struct mono deadline,
			struct err *err);
/*
 * 1 with the result in *bps (bytes/s, rounded to MiB/s by QEMU), 0 while it is
 * under way, -1.
 */
int qmp_query_dirty_rate(struct qmp *q, double *bps, struct mono deadline,
			 struct err *err);

#endif
