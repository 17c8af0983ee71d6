/* SPDX-License-Identifier: MIT */
/* xbzrle: what delta compression makes of rewritten pages. Pure. */
#include "engine/policy/xbzrle.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MIB (1024.0 * 1024.0)

enum {
	PAGE = POLICY_PAGE_BYTES,
	MOST_LENGTH_BYTES = 2, /* of a length up to PAGE in ULEB128 */
	HEADER_BYTES = 8,      /* before each page, whole or not */
	ENCODED_HEADER_BYTES = HEADER_BYTES + 3, /* encoding, 16 bits length */
};

static const uint64_t most_cache_bytes = 1ull << 30;

/* --- the encoding -------------------------------------------------------- */

static int uleb128_bytes(int value)
{
	return value < 128 ? 1 : MOST_LENGTH_BYTES;
}

/* Bytes from @at on that are equal. */
static int equal_run(const uint8_t *before, const uint8_t *now, int at)
{
	int end = at;

	while (end + (int)sizeof(uint64_t) <= PAGE &&
	       !memcmp(before + end, now + end, sizeof(uint64_t)))
		end += (int)sizeof(uint64_t);
	while (end < PAGE && before[end] == now[end])
		end++;
	return end - at;
}

static int changed_run(const uint8_t *before, const uint8_t *now, int at)
{
	int end = at;

	while (end < PAGE && before[end] != now[end])
		end++;
	return end - at;
}

int xbzrle_encoded_bytes(const uint8_t *before, const uint8_t *now)
{
	int at = 0, length = 0;

	for (;;) {
		int equal = equal_run(before, now, at);
		int changed;

		at += equal;
		if (at == PAGE)
			return length;
		/* QEMU asks for room for the longest length beforehand */
		length += uleb128_bytes(equal);
		if (length + MOST_LENGTH_BYTES > PAGE)
			return -1;
		changed = changed_run(before, now, at);
		at += changed;
		length += uleb128_bytes(changed) + changed;
		if (length > PAGE ||
		    (at < PAGE && length + MOST_LENGTH_BYTES > PAGE))
			return -1;
	}
}

/* --- counting ------------------------------------------------------------ */

static bool is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

void xbzrle_tally_pair(struct xbzrle_tally *t, const uint8_t *before,
		       const uint8_t *now)
{
	int length;

	if (!memcmp(before, now, PAGE) || is_zero(now))
		return;
	length = xbzrle_encoded_bytes(before, now);
	t->pages++;
	t->wire_bytes += length < 0 ? HEADER_BYTES + PAGE
				    : ENCODED_HEADER_BYTES + (unsigned)length;
}

/* --- the verdict --------------------------------------------------------- */

void xbzrle_judge(const struct xbzrle_tally *t, double changed_share,
		  struct xbzrle_verdict *out)
{
	*out = (struct xbzrle_verdict){
		.shrink = 1,
		.pages = t->pages,
		.changed_share = changed_share,
	};
	if (t->pages < XBZRLE_FEWEST_PAGES) {
		snprintf(out->why, sizeof(out->why),
			 "only %zu pages were seen changing: too few to tell",
			 t->pages);
		return;
	}
	out->shrink = (double)t->wire_bytes / ((double)t->pages * PAGE);
	out->pays = out->shrink <= XBZRLE_WORST_SHRINK;
	snprintf(out->why, sizeof(out->why),
		 "%zu pages seen changing would take %.1f %% of their size%s",
		 t->pages, out->shrink * 100,
		 out->pays ? "" : ": not worth it");
}

double xbzrle_likely_share(struct xbzrle_share first,
			   struct xbzrle_share second)
{
	double power = 1;

	if (first.share > 0 && second.seconds > first.seconds)
		power = log(second.share / first.share) /
			log(second.seconds / first.seconds);
	power = fmin(fmax(power, 0), 1);
	return fmin(second.share *
			    pow(XBZRLE_HORIZON_S / second.seconds, power),
		    1);
}

static uint64_t cache_for(uint64_t ram_bytes, uint64_t available_bytes)
{
	uint64_t cache = PAGE;

	while (cache < ram_bytes && cache < most_cache_bytes)
		cache *= 2;
	while (cache > available_bytes / 4)
		cache /= 2;
	return cache < PAGE ? 0 : cache;
}

/*
 * A page has one place in the cache, by its address, and a fresh one there is
 * not displaced. With @rivals pages to a place, each of which changes with
 * probability @share, this part of those that change has a place.
 */
static double part_held(double share, double rivals)
{
	if (rivals <= 1 || share <= 0)
		return 1;
	return (1 - pow(1 - share, rivals)) / (share * rivals);
}

void xbzrle_fit_cache(struct xbzrle_verdict *v, uint64_t ram_bytes,
		      uint64_t available_bytes)
{
	double held = 0;

	if (!v->pays)
		return;
	v->cache_bytes = cache_for(ram_bytes, available_bytes);
	if (v->cache_bytes)
		held = part_held(v->changed_share,
				 (double)ram_bytes / (double)v->cache_bytes);
	v->shrink = held * v->shrink + (1 - held);
	if (v->shrink <= XBZRLE_WORST_SHRINK)
		return;
	v->pays = false;
	if (!v->cache_bytes) {
		snprintf(v->why, sizeof(v->why), "%s",
			 available_bytes
				 ? "the source's host has no memory for its "
				   "cache"
				 : "how much memory the source's host has for "
				   "its cache is not known");
		return;
	}
	snprintf(v->why, sizeof(v->why),
		 "a cache of %.0f MiB, for which the source's host has room, "
		 "holds too little of %.0f MiB that change",
		 (double)v->cache_bytes / MIB,
		 v->changed_share * (double)ram_bytes / MIB);
	v->cache_bytes = 0;
}
