/* SPDX-License-Identifier: MIT */
/* preflight_memory: huge pages and locked memory. */
#include "engine/run/preflight_memory.h"

#include <string.h>

#include "engine/run/preflight_add.h"
#include "transport/base/xalloc.h"

int preflight_memory_ask(void *arg, struct err *err)
{
	struct preflight *p = arg;

	return memory_kinds_ask(p->r->dst.host, &p->kinds,
				mono_in_ms(2 * (int64_t)RUN_SCRIPT_MS), err);
}

static void check_size(struct preflight *p,
		       const struct qmp_ramblocks_pages *pages)
{
	unsigned long long needs = pages->bytes / pages->page_bytes;
	unsigned long long kib = pages->page_bytes >> 10;
	unsigned long long spare =
		memory_kinds_spare(&p->kinds, pages->page_bytes);
	char *found = xasprintf("the guest's RAM is in huge pages of %llu KiB: "
				"%llu needed, %llu to be had on %s",
				kib, needs, spare, dst_name(p));

	if (spare < needs)
		ADD(p, "hugepages", DESTINATION, FAIL, found,
		    xasprintf("make %llu more there: add them to /sys/kernel/"
			      "mm/hugepages/hugepages-%llukB/nr_hugepages",
			      needs - spare, kib));
	else
		ADD(p, "hugepages", DESTINATION, PASS, found, NULL);
}

void preflight_memory_check_pages(struct preflight *p)
{
	const struct qmp_ramblocks *huge = &p->r->source.facts.huge;

	for (size_t i = 0; i < huge->n; i++)
		check_size(p, &huge->v[i]);
}

/* Why QEMU locks all of the guest's RAM, or NULL. */
static const char *why_locked(const struct preflight *p)
{
	const struct strv *argv = &p->r->source.guest.argv;

	for (size_t i = 0; i < argv->n; i++) {
		if (strstr(argv->v[i], "mem-lock=on"))
			return "-overcommit mem-lock=on";
	}
	for (size_t i = 0; i < p->devices.n; i++) {
		if (!strncmp(p->devices.v[i], "vfio-", strlen("vfio-")))
			return "VFIO";
	}
	return NULL;
}

/* Root gives QEMU the source's limits, whatever its own are. */
void preflight_memory_check_lock(struct preflight *p)
{
	const struct run *r = p->r;
	const char *why = why_locked(p);

	if (!why || !r->dst.facts.uid ||
	    p->kinds.lock_bytes >= r->source.facts.ram_bytes)
		return;
	ADD(p, "memlock", DESTINATION, FAIL,
	    xasprintf("QEMU locks the guest's RAM (%s), %llu KiB, and a login "
		      "of %s on %s may lock %llu KiB",
		      why, (unsigned long long)r->source.facts.ram_bytes >> 10,
		      r->source.guest.user, dst_name(p),
		      (unsigned long long)p->kinds.lock_bytes >> 10),
	    xasprintf("raise memlock for %s there (limits.conf), or migrate "
		      "as root",
		      r->source.guest.user));
}
