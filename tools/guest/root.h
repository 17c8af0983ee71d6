/* SPDX-License-Identifier: MIT */
/*
 * The root of trust of the guest's self-check. It lives in xmm4..xmm7 and
 * nowhere in memory: CPU registers travel with the device state, so no lost
 * dirty bit can make it stale together with what it vouches for. The compiler
 * must not use these registers (-mgeneral-regs-only).
 */
#ifndef GUEST_ROOT_H
#define GUEST_ROOT_H

#include <stdint.h>

struct root {
	uint64_t digest;    /* sum of pages_mix(i, generation of i) */
	uint64_t work;	    /* pages rewritten since boot */
	uint64_t seq;	    /* number of the next heartbeat */
	uint64_t bad;	    /* stale pages caught outside of a verify */
	uint64_t lap;	    /* turns of the main loop, see check_small_pages */
	uint32_t first_bad; /* address of the first of them */
	uint32_t unused[5];
} __attribute__((aligned(16)));

static inline void root_get(struct root *r)
{
	asm volatile("movdqa %%xmm4, (%0)\n\t"
		     "movdqa %%xmm5, 16(%0)\n\t"
		     "movdqa %%xmm6, 32(%0)\n\t"
		     "movdqa %%xmm7, 48(%0)"
		     :
		     : "r"(r)
		     : "memory");
}

static inline void root_put(const struct root *r)
{
	asm volatile("movdqa (%0), %%xmm4\n\t"
		     "movdqa 16(%0), %%xmm5\n\t"
		     "movdqa 32(%0), %%xmm6\n\t"
		     "movdqa 48(%0), %%xmm7"
		     :
		     : "r"(r)
		     : "memory");
}

#endif
