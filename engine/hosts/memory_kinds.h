/* SPDX-License-Identifier: MIT */
/*
 * memory_kinds: memory of a host that is not simply available: huge pages, and
 * how much of it a login may lock.
 */
#ifndef ENGINE_HOSTS_MEMORY_KINDS_H
#define ENGINE_HOSTS_MEMORY_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/host.h"

struct memory_kinds_pages {
	uint64_t page_bytes;
	uint64_t spare; /* pages that a new process can have */
};
struct memory_kinds {
	struct memory_kinds_pages *v;
	size_t n;
	uint64_t lock_bytes; /* the login's hard limit; UINT64_MAX: none, or
			      * not known */
};

int memory_kinds_ask(struct host *h, struct memory_kinds *out,
		     struct mono deadline, struct err *err);
/* The script's lines; pure. */
void memory_kinds_read(const char *text, struct memory_kinds *out);
/* Of that size on the host; 0 if it has none. */
uint64_t memory_kinds_spare(const struct memory_kinds *k, uint64_t page_bytes);
void memory_kinds_free(struct memory_kinds *k);

/*
 * For scripts: prints a line "pages=KiB FREE RESERVED OVERCOMMIT SURPLUS" for
 * each size, and "memlock=KiB"; the files are below $root/sys.
 */
extern const char memory_kinds_sh[];

#endif
