/* SPDX-License-Identifier: MIT */
/* memory_kinds: huge pages and locked memory of a host. */
#include "engine/hosts/memory_kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/xalloc.h"

/* What is free and not promised, and what the kernel would make. */
static uint64_t spare_of(uint64_t free_pages, uint64_t reserved,
			 uint64_t overcommit, uint64_t surplus)
{
	uint64_t spare = free_pages > reserved ? free_pages - reserved : 0;

	return overcommit > surplus ? spare + overcommit - surplus : spare;
}

static void read_pages(const char *line, struct memory_kinds *out)
{
	uint64_t kib, n[4];

	if (sscanf(line,
		   "pages=%12" SCNu64 " %12" SCNu64 " %12" SCNu64 " %12" SCNu64
		   " %12" SCNu64,
		   &kib, &n[0], &n[1], &n[2], &n[3]) != 5)
		return;
	out->v = xrealloc(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n++] = (struct memory_kinds_pages){
		.page_bytes = kib << 10,
		.spare = spare_of(n[0], n[1], n[2], n[3]),
	};
}

void memory_kinds_read(const char *text, struct memory_kinds *out)
{
	AUTO_FREE char *lock = answer_value(text, "memlock");
	uint64_t kib;

	*out = (struct memory_kinds){ .lock_bytes = UINT64_MAX };
	if (lock && sscanf(lock, "%12" SCNu64, &kib) == 1)
		out->lock_bytes = kib << 10;
	for (const char *line = text; *line;) {
		read_pages(line, out);
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
}

int memory_kinds_ask(struct host *h, struct memory_kinds *out,
		     struct mono deadline, struct err *err)
{
	AUTO_FREE char *script = xasprintf("root=\n%s", memory_kinds_sh);
	AUTO_BUF struct buf text = { 0 };

	*out = (struct memory_kinds){ .lock_bytes = UINT64_MAX };
	if (probe_script(h, "kinds of memory", script, &text, deadline, err) <
	    0)
		return -1;
	memory_kinds_read(buf_data(&text), out);
	return 0;
}

uint64_t memory_kinds_spare(const struct memory_kinds *k, uint64_t page_bytes)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->v[i].page_bytes == page_bytes)
			return k->v[i].spare;
	}
	return 0;
}

void memory_kinds_free(struct memory_kinds *k)
{
	free(k->v);
	*k = (struct memory_kinds){ .n = 0 };
}
