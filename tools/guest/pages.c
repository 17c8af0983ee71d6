/* SPDX-License-Identifier: MIT */
/*
 * The filled memory and its proof.
 *
 * Page i in generation g holds a fixed random page XORed with a 128-bit seed
 * made from (i, g). The seed is a bijection of the pair, so no two contents
 * are equal, none is zero, and none compresses; any of them can be recomputed.
 * With touch=line only one cache line of the page moves on with g.
 *
 * The generations are kept in a table in guest memory, which a migration could
 * lose just like the pages that it describes: both stale together would agree
 * with each other. Hence the digest, the sum of mix(i, g) over the table,
 * which is kept in CPU registers (root.h). A stale page disagrees with the
 * table, a stale table disagrees with the digest.
 *
 * A rewrite would hide the loss of the page that it overwrites, so each one
 * first compares a line of the old content, and counts what it finds.
 */
#include "testguest.h"
#include "root.h"

#define LINE_BYTES 64u
#define LINES (PAGE_BYTES / LINE_BYTES)
#define SLICE_PAGES 32u
#define CLOCK_PAGES 4096u /* filled well before the clock wraps */

struct seed {
	uint64_t low, high;
};

static uint8_t random_page[PAGE_BYTES] __attribute__((aligned(4096)));

/* Written at boot only. */
static uint8_t *base;
static uint32_t *generations;
static uint32_t page_count, ws_count;

/* A bijection of the pair: the finaliser of MurmurHash3 for 64 bits. */
static uint64_t mix(uint32_t page, uint32_t generation)
{
	uint64_t x = (uint64_t)page << 32 | generation;

	x ^= 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

static struct seed seed_of(uint64_t mixed)
{
	return (struct seed){
		.low = mixed,
		.high = (mixed << 32 | mixed >> 32) * 0x9e3779b97f4a7c15u,
	};
}

static uint8_t *page_at(uint32_t page)
{
	return base + page * PAGE_BYTES;
}

/* The one line of a page that touch=line rewrites. */
static uint32_t line_of(uint32_t page)
{
	return page * 37u % LINES;
}

static void lines_write(uint32_t page, uint32_t line, uint32_t count,
			struct seed seed)
{
	uint8_t *to = page_at(page) + line * LINE_BYTES;
	const uint8_t *from = random_page + line * LINE_BYTES;

	asm volatile("movdqu (%3), %%xmm0\n"
		     "1:\tmovdqa (%1), %%xmm1\n\t"
		     "movdqa 16(%1), %%xmm2\n\t"
		     "pxor %%xmm0, %%xmm1\n\t"
		     "pxor %%xmm0, %%xmm2\n\t"
		     "movdqa %%xmm1, (%0)\n\t"
		     "movdqa %%xmm2, 16(%0)\n\t"
		     "movdqa 32(%1), %%xmm1\n\t"
		     "movdqa 48(%1), %%xmm2\n\t"
		     "pxor %%xmm0, %%xmm1\n\t"
		     "pxor %%xmm0, %%xmm2\n\t"
		     "movdqa %%xmm1, 32(%0)\n\t"
		     "movdqa %%xmm2, 48(%0)\n\t"
		     "addl $64, %0\n\t"
		     "addl $64, %1\n\t"
		     "decl %2\n\t"
		     "jnz 1b"
		     : "+r"(to), "+r"(from), "+r"(count)
		     : "r"(&seed)
		     : "memory", "cc");
}

static bool lines_equal(uint32_t page, uint32_t line, uint32_t count,
			struct seed seed)
{
	const uint8_t *to = page_at(page) + line * LINE_BYTES;
	const uint8_t *from = random_page + line * LINE_BYTES;
	uint32_t equal;

	if (!count)
		return true;
	asm volatile("movdqu (%4), %%xmm0\n\t"
		     "pcmpeqd %%xmm3, %%xmm3\n"
		     "1:\tmovdqa (%1), %%xmm1\n\t"
		     "movdqa 16(%1), %%xmm2\n\t"
		     "pxor (%0), %%xmm1\n\t"
		     "pxor 16(%0), %%xmm2\n\t"
		     "pcmpeqd %%xmm0, %%xmm1\n\t"
		     "pcmpeqd %%xmm0, %%xmm2\n\t"
		     "pand %%xmm1, %%xmm3\n\t"
		     "pand %%xmm2, %%xmm3\n\t"
		     "movdqa 32(%1), %%xmm1\n\t"
		     "movdqa 48(%1), %%xmm2\n\t"
		     "pxor 32(%0), %%xmm1\n\t"
		     "pxor 48(%0), %%xmm2\n\t"
		     "pcmpeqd %%xmm0, %%xmm1\n\t"
		     "pcmpeqd %%xmm0, %%xmm2\n\t"
		     "pand %%xmm1, %%xmm3\n\t"
		     "pand %%xmm2, %%xmm3\n\t"
		     "addl $64, %0\n\t"
		     "addl $64, %1\n\t"
		     "decl %2\n\t"
		     "jnz 1b\n\t"
		     "pmovmskb %%xmm3, %3"
		     : "+r"(to), "+r"(from), "+r"(count), "=r"(equal)
		     : "r"(&seed)
		     : "memory", "cc");
	return equal == 0xffff;
}

static void random_page_init(void)
{
	uint32_t *word = (uint32_t *)random_page;
	uint32_t i, x = 2463534242u;

	for (i = 0; i < PAGE_BYTES / sizeof(*word); i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		word[i] = x * 0x9e3779b1u;
	}
}

static uint32_t table_bytes(uint32_t pages)
{
	uint32_t bytes = pages * sizeof(uint32_t);

	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

uint32_t pages_needed_bytes(uint32_t pages, uint32_t ws_pages)
{
	return table_bytes(ws_pages) + pages * PAGE_BYTES;
}

void pages_init(uint32_t address, uint32_t pages, uint32_t ws_pages)
{
	struct root root;
	uint32_t i;

	generations = (uint32_t *)(uintptr_t)address;
	base = (uint8_t *)(uintptr_t)(address + table_bytes(ws_pages));
	page_count = pages;
	ws_count = ws_pages;
	random_page_init();
	root_get(&root);
	for (i = 0; i < pages; i++) {
		if (i % CLOCK_PAGES == 0)
			hw_clock_update(&st.clock);
		lines_write(i, 0, LINES, seed_of(mix(i, 0)));
		if (i < ws_pages) {
			generations[i] = 0;
			root.digest += mix(i, 0);
		}
	}
	root_put(&root);
}

static bool page_is(uint32_t page, uint64_t mixed)
{
	uint32_t line = line_of(page);
	struct seed seed, still;

	seed = seed_of(mixed);
	if (st.param.touch == TOUCH_FULL)
		return lines_equal(page, 0, LINES, seed);
	still = seed_of(mix(page, 0));
	return lines_equal(page, 0, line, still) &&
	       lines_equal(page, line, 1, seed) &&
	       lines_equal(page, line + 1, LINES - line - 1, still);
}

void pages_touch(uint32_t page)
{
	bool full = st.param.touch == TOUCH_FULL;
	uint32_t generation = generations[page];
	uint64_t old = mix(page, generation);
	uint64_t new = mix(page, generation + 1);
	uint32_t checked = full ? generation % LINES : line_of(page);
	struct root root;

	root_get(&root);
	if (!lines_equal(page, checked, 1, seed_of(old)) && !root.bad++)
		root.first_bad = (uint32_t)(uintptr_t)page_at(page);
	lines_write(page, full ? 0 : checked, full ? LINES : 1, seed_of(new));
	generations[page] = generation + 1;
	root.digest += new - old;
	root.work++;
	root_put(&root);
	if (st.verify.active && page < st.verify.next)
		st.verify.digest += new - old;
}

void pages_corrupt(void)
{
	page_at(page_count - 1)[PAGE_BYTES / 2] ^= 0x10;
}

void pages_verify_start(void)
{
	st.verify = (struct verify){
		.active = true,
		.begun_us = st.clock.now_us,
	};
}

static void verify_report(void)
{
	const struct verify *v = &st.verify;
	struct root root;
	uint32_t first;
	uint64_t bad;
	bool table_ok;

	root_get(&root);
	table_ok = v->digest == root.digest;
	bad = v->bad + root.bad + !table_ok;
	first = v->bad	   ? v->first_bad
		: root.bad ? root.first_bad
			   : (uint32_t)(uintptr_t)generations;
	if (!bad)
		uart_line("V ok pages=%u bad=0 work=%U seq=%U us=%U",
			  page_count, root.work, root.seq,
			  st.clock.now_us - v->begun_us);
	else
		uart_line("V BAD pages=%u bad=%U first=0x%x now=%u "
			  "touched=%U table=%s work=%U seq=%U us=%U",
			  page_count, bad, first, v->bad, root.bad,
			  table_ok ? "ok" : "BAD", root.work, root.seq,
			  st.clock.now_us - v->begun_us);
}

bool pages_verify_slice(void)
{
	struct verify *v = &st.verify;
	uint32_t n;
	uint64_t mixed;

	if (!v->active)
		return false;
	for (n = 0; n < SLICE_PAGES && v->next < page_count; n++, v->next++) {
		mixed = mix(v->next,
			    v->next < ws_count ? generations[v->next] : 0);
		if (v->next < ws_count)
			v->digest += mixed;
		if (!page_is(v->next, mixed) && !v->bad++)
			v->first_bad = (uint32_t)(uintptr_t)page_at(v->next);
	}
	if (v->next == page_count) {
		v->active = false;
		verify_report();
	}
	return v->active;
}
