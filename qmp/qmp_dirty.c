/* SPDX-License-Identifier: MIT */
/* qmp_dirty: QEMU's own measure of how fast a guest writes. */
#include "qmp/qmp_dirty.h"

#include <string.h>

#include "qmp/json.h"

int qmp_calc_dirty_rate(struct qmp *q, unsigned int seconds,
			unsigned int pages_per_gib, struct mono deadline,
			struct err *err)
{
	struct json_object *args = json_new();

	args = json_add_u64(args, "calc-time", seconds);
	args = json_add_u64(args, "sample-pages", pages_per_gib);
	args = json_add_str(args, "mode", "page-sampling");
	return qmp_call(q, "calc-dirty-rate", args, NULL, deadline, err);
}

int qmp_query_dirty_rate(struct qmp *q, double *bps, struct mono deadline,
			 struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-dirty-rate" };
	const char *status;
	int64_t mib;

	if (qmp_call(q, "query-dirty-rate", NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	if (json_get_str(at, "status", &status, err) < 0)
		return -1;
	/* right after the start some versions still say "unstarted" */
	if (strcmp(status, "measured") != 0)
		return 0;
	if (json_get_i64(at, "dirty-rate", &mib, err) < 0)
		return -1;
	*bps = mib > 0 ? (double)mib * (1 << 20) : 0;
	return 1;
}
