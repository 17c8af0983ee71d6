/* SPDX-License-Identifier: MIT */
/* pass_measure: what one pass was; pure. See pass_measure.h. */
#include "engine/policy/pass_measure.h"

#include <math.h>

/* The first two passes with xbzrle send whole pages and fill its cache. */
enum { WHOLE_PASSES = 2 };

struct policy_pass pass_measure(const struct pass_counts *c,
				const struct policy_pass *before,
				size_t n_before)
{
	double left = fmax(c->sample_left_bytes - c->sample_since_bytes, 0);
	struct policy_pass p = {
		.number = c->number,
		.at_s = c->at_s,
		.seconds = c->seconds,
		.sent_bytes = c->sent_bytes,
		.copied_bytes = c->sent_bytes,
		.dirty_bytes = c->dirty_bytes,
		.throttle = c->throttle,
		.gate_ms = c->gate_ms,
		.encoded = c->xbzrle && n_before >= WHOLE_PASSES,
	};

	if (p.seconds > POLICY_LINK_PASS_S && p.sent_bytes > 0)
		p.bandwidth_bps = (double)p.sent_bytes / p.seconds;
	/* zero pages of the first pass cost nothing, and are not copied */
	if (!before)
		return p;
	p.left_bytes = (int64_t)fmin(left, (double)p.dirty_bytes);
	p.copied_bytes = before->dirty_bytes - p.left_bytes;
	if (p.copied_bytes < 0)
		p.copied_bytes = 0;
	return p;
}
