/* SPDX-License-Identifier: MIT */
/* rehearse_look: what a rehearsal concludes from QEMU's figures; pure. */
#include "engine/estimate/rehearse.h"

#include "engine/policy/policy.h"
#include "engine/policy/policy_constants.h"
#include "transport/base/xalloc.h"

/* The shortest page on the wire: 8 bytes of header and one more. */
enum { ZERO_PAGE_BYTES = 9 };
/* So many of these fit into QEMU's buffer of 32 KiB and a narrow socket. */
enum { HIDDEN_PAGES = 4200 };

/*
 * What went out before the sync is what was left before; the rest of what was
 * taken meanwhile belongs to the new pass.
 */
uint64_t rehearse_dirtied(const struct rehearse_look *before,
			  const struct rehearse_look *now)
{
	uint64_t all = now->left + now->taken;
	uint64_t old = before->left + before->taken;

	return all > old ? all - old : now->left;
}

static uint64_t written_ahead(const struct rehearse_look *now, uint64_t read)
{
	return now->written > read ? now->written - read : 0;
}

uint64_t rehearse_surely_left(const struct rehearse_look *now, uint64_t read)
{
	return written_ahead(now, read) + now->left * ZERO_PAGE_BYTES;
}

uint64_t rehearse_credit(const struct rehearse_look *before,
			 const struct rehearse_look *now, uint64_t read,
			 uint64_t keep)
{
	uint64_t ahead = written_ahead(now, read);
	uint64_t pages = now->left > keep ? now->left - keep : 0;
	uint64_t half = pages * ZERO_PAGE_BYTES / 2;

	if (pages > HIDDEN_PAGES)
		return ahead + (pages - HIDDEN_PAGES) * ZERO_PAGE_BYTES;
	/* QEMU counts a little less than it writes: some always go on */
	if (now->zero > before->zero || ahead < half)
		return half;
	return ahead;
}

/*
 * QEMU before 8.2 stops the guest below (bytes of the last window / ms of it)
 * × downtime-limit of 1 ms, as a whole number; 0 would mean at once. The margin
 * covers what is rounded on the way.
 */
static bool is_slow(double bytes_per_ms)
{
	return bytes_per_ms >= 1.5 && bytes_per_ms <= 0.9 * POLICY_PAGE_BYTES;
}

bool rehearse_gate_is_shut(double mbps)
{
	return is_slow(mbps * 1e6 / 8 / 1e3);
}

bool rehearse_window_is_slow(double least, double most, double ms)
{
	return ms > 0 && is_slow(least / ms) && is_slow(most / ms);
}

/* Short and long ones in turn: little is lost whenever it has to end. */
double rehearse_target_s(size_t n)
{
	static const double long_ones[] = { 1.5, 3, 5, 8, 12, 20 };
	size_t i = n / 2;

	if (n % 2 == 0)
		return 0;
	return long_ones[i < ARRAY_SIZE(long_ones) ? i
						   : ARRAY_SIZE(long_ones) - 1];
}
