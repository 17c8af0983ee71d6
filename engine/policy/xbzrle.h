/* SPDX-License-Identifier: MIT */
/*
 * xbzrle: what QEMU's delta compression makes of a guest's rewritten pages,
 * and whether it is worth having. Pure.
 *
 * QEMU keeps what it last sent of a page and sends the difference: in turn the
 * length of a run of equal bytes, the length of a run of changed ones, and
 * these; lengths in ULEB128, the equal run at the end left out. A page whose
 * difference would be longer than itself goes out whole. A first copy always
 * does and so does a second, which fills the cache: it pays from the third
 * pass on.
 */
#ifndef ENGINE_POLICY_XBZRLE_H
#define ENGINE_POLICY_XBZRLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/policy/policy_constants.h"

/*
 * Length of the difference between two versions of a page; 0 when they are
 * equal, -1 when the page goes out whole.
 */
int xbzrle_encoded_bytes(const uint8_t *before, const uint8_t *now);

/* Pages that changed between two looks, and what they cost with xbzrle. */
struct xbzrle_tally {
	size_t pages;
	uint64_t wire_bytes;
};
/*
 * Counts one pair, if it differs. A page that became all zeroes does not
 * count: QEMU sends it in a few bytes with xbzrle or without.
 */
void xbzrle_tally_pair(struct xbzrle_tally *t, const uint8_t *before,
		       const uint8_t *now);

enum { XBZRLE_FEWEST_PAGES = 16 };
#define XBZRLE_WORST_SHRINK 0.5

struct xbzrle_verdict {
	bool pays;
	double shrink;	      /* bytes on the wire a byte of changed page */
	size_t pages;	      /* changed ones that it rests on */
	size_t looked_at;     /* pages at random, changed or not; 0: none */
	double changed_share; /* of all memory, in XBZRLE_HORIZON_S; 0 to 1 */
	uint64_t cache_bytes; /* for xbzrle-cache-size; 0: not chosen */
	char why[160];	      /* one sentence, for people */
};

/*
 * Judges pages with a cache that holds them all. Too few pages: does not pay,
 * shrink 1. @changed_share is passed on.
 */
void xbzrle_judge(const struct xbzrle_tally *t, double changed_share,
		  struct xbzrle_verdict *out);

/* About a pass: what changes within one competes for the cache. */
#define XBZRLE_HORIZON_S 4.0
/* What share of memory had changed after so long. */
struct xbzrle_share {
	double seconds, share;
};
/*
 * The share that will have changed after XBZRLE_HORIZON_S. It grows on by the
 * power of time by which it grew from @first to @second, none to 1; by 1 where
 * there was no growth to see (nothing yet at @first, or no time between).
 */
double xbzrle_likely_share(struct xbzrle_share first,
			   struct xbzrle_share second);

/*
 * Chooses cache_bytes: the power of two that holds @ram_bytes, but no more than
 * 1 GiB, nor than a quarter of @available_bytes, the memory that the source's
 * host can spare (0: not known, and then there is none). That is a bound, not a
 * price: QEMU takes cache memory page by page, for those sent again, while a
 * cache less than the working set throws out what it would need next. Pages
 * that it cannot hold go out whole: shrink is raised by these, and the verdict
 * falls where that is too much.
 */
void xbzrle_fit_cache(struct xbzrle_verdict *v, uint64_t ram_bytes,
		      uint64_t available_bytes);

#endif
