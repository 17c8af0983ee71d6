/* SPDX-License-Identifier: MIT */
/* gate: the downtime limit of the source's QEMU. */
#include "engine/run/gate.h"

#include "engine/policy/lever.h"
#include "engine/run/run.h"
#include "qmp/json.h"
#include "qmp/qmp_migrate.h"

int gate_set(struct run *r, double ms, double bps, double ratio,
	     struct err *err)
{
	bool takes_bps = json_has((struct json_at){ r->attempt.src.params,
						    "parameters" },
				  "avail-switchover-bandwidth");
	double limit = takes_bps && bps > 0 ? ms : lever_limit_ms(ms, ratio);
	struct json_object *params;

	if (!takes_bps)
		bps = 0;
	if (ms == r->attempt.downtime_limit_ms &&
	    lever_is_near(limit, r->attempt.gate_limit_ms) &&
	    lever_is_near(bps, r->attempt.gate_bps))
		return 0;
	params = json_add_u64(json_new(), "downtime-limit", (uint64_t)limit);
	if (takes_bps)
		params = json_add_u64(params, "avail-switchover-bandwidth",
				      (uint64_t)bps);
	r->attempt.src.params_changed = true;
	if (qmp_migrate_set_parameters(r->src.qmp, params, run_qmp_deadline(),
				       err) < 0)
		return err_wrap(err, ERR_NONE, "cannot set downtime-limit");
	r->attempt.downtime_limit_ms = ms;
	r->attempt.gate_limit_ms = limit;
	r->attempt.gate_bps = bps;
	return 0;
}
