/* SPDX-License-Identifier: MIT */
/* preflight_host: what the destination is, has, and has room for. */
#include "engine/run/preflight.h"
#include "engine/run/preflight_add.h"
#include "engine/run/queue.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

static double gib(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024 * 1024);
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024);
}

/* "local" says it; by another name it may be a mistake. */
void preflight_check_same_host(struct preflight *p)
{
	const struct run *r = p->r;

	if (host_is_local(r->dst.host) ||
	    !probe_same_host(&r->src.facts, &r->dst.facts))
		return;
	ADD(p, "same-host", DESTINATION, WARN,
	    xasprintf("%s is this host, where the guest runs already: it "
		      "would get another QEMU here",
		      dst_name(p)),
	    xstrdup("name another host, or \"local\" if that is meant"));
}

/* A library that a hostile peer can lead astray; it runs without rights. */
void preflight_check_library(struct preflight *p)
{
	if (!p->faults)
		return;
	ADD(p, "ssh-library", SOURCE, WARN,
	    xasprintf("%s has known faults: %s", p->library, p->faults),
	    xstrdup("keep the package up to date; where the network or the "
		    "host is not to be trusted, use --ssh openssh"));
}

/* Runs under way to the same host have been promised memory, too. */
void preflight_check_memory(struct preflight *p)
{
	const struct run *r = p->r;
	struct admit_wish wish = queue_wish(r);
	enum admit answer;
	double needed;
	char *found;

	/* who may come first, and what is skipped, is not asked here */
	wish.limit = 0;
	wish.ram_bytes = queue_ram_bytes(r);
	needed = wish.ram_bytes ? gib(wish.ram_bytes - ADMIT_QEMU_BYTES) : 0;
	answer = admit_judge(&p->room, &wish);
	found = p->room.promised_bytes
			? xasprintf("RAM %.1f GiB needed, %.1f GiB available "
				    "on %s, of which %.1f GiB are promised to "
				    "guests that arrive there",
				    needed, gib(p->room.available_bytes),
				    dst_name(p), gib(p->room.promised_bytes))
			: xasprintf("RAM %.1f GiB needed, %.1f GiB available "
				    "on %s",
				    needed, gib(p->room.available_bytes),
				    dst_name(p));
	if (answer == ADMIT_NEVER)
		ADD(p, "memory", DESTINATION, FAIL, found,
		    xstrdup("free memory there"));
	else if (answer == ADMIT_MEMORY && !r->attempt.may_wait)
		ADD(p, "memory", DESTINATION, FAIL, found,
		    xstrdup("wait for the others with --wait, or free memory "
			    "there"));
	else if (answer == ADMIT_MEMORY)
		ADD(p, "memory", DESTINATION, WARN, found,
		    xstrdup("it waits for its turn"));
	else
		ADD(p, "memory", DESTINATION, PASS, found, NULL);
}

/*
 * What a run makes there: QEMU's standard output and standard error, of which
 * 1 MiB each is kept (launch_script.h), and small files and sockets.
 */
enum { ROOM_BYTES = (2 << 20) + (512 << 10), ROOM_INODES = 32 };

void preflight_check_room(struct preflight *p)
{
	const struct run *r = p->r;
	const struct probe_room *room = &r->dst.facts.room;
	size_t inodes = ROOM_INODES + r->dest.plan.moves.n;
	AUTO_FREE char *free_inodes = NULL;
	char *found;

	if (!room->known)
		return;
	free_inodes = room->inodes_known
			      ? xasprintf(" and %llu inodes",
					  (unsigned long long)room->free_inodes)
			      : xstrdup("");
	found = xasprintf("%.1f MiB and %zu inodes needed for the guest's run "
			  "directory, %.1f MiB%s free in %s on %s",
			  mib(ROOM_BYTES), inodes, mib(room->free_bytes),
			  free_inodes, r->dst.facts.run_root, dst_name(p));
	if (room->free_bytes < ROOM_BYTES ||
	    (room->inodes_known && room->free_inodes < inodes))
		ADD(p, "room", DESTINATION, FAIL, found,
		    xasprintf("remove what fills it there (df -h %s, df -i "
			      "%s), or make that file system larger",
			      r->dst.facts.run_root, r->dst.facts.run_root));
	else
		ADD(p, "room", DESTINATION, PASS, found, NULL);
}

void preflight_check_forwarding(struct preflight *p)
{
	const char *host = dst_name(p);

	if (p->forwarding != FORWARDING_REFUSED)
		return;
	ADD(p, "forwarding", DESTINATION, FAIL,
	    xasprintf("the SSH server on %s connects to no UNIX socket", host),
	    xasprintf("set AllowStreamLocalForwarding yes in sshd_config on "
		      "%s, and no DisableForwarding yes; the key must not be "
		      "restricted in authorized_keys (restrict, "
		      "no-port-forwarding)",
		      host));
}

void preflight_check_tools(struct preflight *p)
{
	if (p->tools.lacks && *p->tools.lacks)
		ADD(p, "tools", DESTINATION, FAIL,
		    xasprintf("%s lacks programs that a guest is started "
			      "with, or has them with fewer options: %s",
			      dst_name(p), p->tools.lacks),
		    xstrdup("install util-linux (flock, setsid, setpriv) and "
			    "coreutils (mktemp, readlink, sleep, stat) there"));
	if (p->tools.limits_lack && !p->r->dst.facts.uid)
		ADD(p, "tools", DESTINATION, WARN,
		    xasprintf("%s has no prlimit: of the source's resource "
			      "limits only nofile and memlock are taken over",
			      dst_name(p)),
		    xstrdup("install util-linux there"));
}
