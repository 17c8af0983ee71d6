/* SPDX-License-Identifier: MIT */
/*
 * qmp_state: what is known of a session: QEMU's version, the side it is on,
 * and whether it still works.
 */
#include "qmp/qmp_private.h"

const struct qmp_version *qmp_version(const struct qmp *q)
{
	return &q->version;
}

bool qmp_has_oob(const struct qmp *q)
{
	return q->oob;
}

const char *qmp_side(const struct qmp *q)
{
	return q->side;
}

int qmp_check(const struct qmp *q, struct err *err)
{
	if (q->failure.kind == ERR_NONE)
		return 0;
	err_copy(err, &q->failure);
	return -1;
}
