/* SPDX-License-Identifier: MIT */
/*
 * page_sample: looks at some of a running guest's pages more than once, to
 * measure before a migration how little of a page its rewriting changes.
 */
#ifndef ENGINE_RUN_PAGE_SAMPLE_H
#define ENGINE_RUN_PAGE_SAMPLE_H

#include "engine/policy/xbzrle.h"
#include "qmp/qmp.h"
#include "transport/base/task.h"

/*
 * How long a look may go on beside other work. Once it is in somebody's way
 * (page_sample_hurry()), one that has seen too few pages change for a verdict
 * ends @quiet_ms after its beginning, but not before it has compared 256 pages.
 */
struct page_sample_pace {
	double quiet_ms;
	bool in_the_way;
	struct waitq changed;
};
void page_sample_hurry(struct page_sample_pace *pace);

/*
 * Judges by 1024 pages of memory that is RAM beyond doubt, in chunks of 64 KiB
 * each, looked at twice 250 ms apart. Where few of them change it looks on, at
 * more, for 1 s; what seems to pay is looked at once more after that time,
 * since some pages fill up slowly. @machine is the machine type; no byte
 * beyond @ram_bytes is read. @pace may be NULL: nobody waits. 0 with @out
 * filled, also when there is no sample (another architecture, a monitor that
 * takes no descriptors, a paused guest, a QEMU that cannot open one, or takes
 * longer than 2 s for a command but answers the next), which out->why and the
 * log say: pays is false then. -1: cancelled, or the monitor is lost or hangs
 * for 5 s. Guest memory is kept in memory of ours alone, and wiped. A task; not
 * during a migration.
 */
int page_sample_judge(struct qmp *q, const char *machine, uint64_t ram_bytes,
		      struct page_sample_pace *pace, struct xbzrle_verdict *out,
		      struct err *err);

/* --- pure, for tests ----------------------------------------------------- */

enum {
	PAGE_SAMPLE_CHUNKS = 64,
	PAGE_SAMPLE_CHUNK_BYTES = 64 * 1024,
	PAGE_SAMPLE_CHUNK_PAGES = PAGE_SAMPLE_CHUNK_BYTES / POLICY_PAGE_BYTES,
};

/* Addresses from, up to but not including to; whole chunks. */
struct page_sample_span {
	uint64_t from, to;
};
/*
 * Where @machine has RAM and nothing else, given the memory that it started
 * with and its max-ram-below-4g (0: not set). 0, or -1 with the reason in
 * *why, static.
 */
int page_sample_find_span(const char *machine, uint64_t base_bytes,
			  uint64_t below_4g_bytes,
			  struct page_sample_span *span, const char **why);
/*
 * Chooses up to PAGE_SAMPLE_CHUNKS addresses, one at random in each of as many
 * equal parts of @span, in random order. Returns how many. @random is the
 * state of the generator, not 0.
 */
size_t page_sample_spread(const struct page_sample_span *span, uint64_t *random,
			  uint64_t *at);
/*
 * An address close to @near (@step: 1 the next ones, 2 those after …) or, when
 * that is outside of @span, anywhere in it.
 */
uint64_t page_sample_near(const struct page_sample_span *span, uint64_t *random,
			  uint64_t near, unsigned int step);

#endif
