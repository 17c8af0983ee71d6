/* SPDX-License-Identifier: MIT */
/* admit: whether a host can take one more guest; theory in admit.h. */
#include "engine/hosts/admit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/probe.h"
#include "transport/base/log.h"
#include "transport/base/strv.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

/*
 * The lock is on the directory itself, so that no file of it stays behind.
 * flock(1) comes with setsid(1), without which nothing is launched; the loop
 * is because not every flock(1) has a timeout.
 *
 * Resident memory is read before what is available: a page that is taken in
 * between counts twice, never not at all. Pages of files do not count, they
 * are given up when memory runs short. $cgroups is where a limit may be that
 * is lower than what the host has; page cache within it can be given up, too.
 * Version 1 of cgroups has other names for the same, and for none a number of
 * nineteen digits.
 */
const char admit_functions[] =
	"stat_of() { sed 's/.*) //' \"/proc/$1/stat\" 2>/dev/null; }\n"
	/* a zombie does not live */
	"ticks_of() { set -- $(stat_of \"$1\"); "
	"[ \"${1:-Z}\" != Z ] && echo \"${20}\"; }\n"
	"locked() {\n"
	"	exec 7<\"$root\"\n"
	"	tries=0\n"
	"	until flock -n 7; do\n"
	"		tries=$((tries + 1))\n"
	"		[ $tries -lt 250 ] || return 1\n"
	"		sleep 0.02\n"
	"	done\n"
	"}\n"
	"lives() {\n"
	"	p=; t=\n"
	"	read -r p t <\"$1/pid\"\n"
	"	[ -n \"$p\" ] && [ \"$(ticks_of \"$p\")\" = \"$t\" ]\n"
	"}\n"
	"resident_of() {\n"
	"	taken=0\n"
	"	while read -r key n rest; do\n"
	"		case $key in\n"
	"		RssAnon: | RssShmem:) taken=$((taken + n)) ;;\n"
	"		esac\n"
	"	done <\"/proc/$1/status\"\n"
	"}\n"
	"arrival() {\n"
	"	ram=0; guest=; id=\n"
	"	read -r ram guest <\"$1/ram\"\n"
	"	read -r id <\"$1/run\"\n"
	"	case $ram in '' | *[!0-9]*) ram=0 ;; esac\n"
	"	ram=$((ram / 1024))\n"
	"	resident_of \"$p\"\n"
	"	[ $taken -le $ram ] || taken=$ram\n"
	"	promised=$((promised + ram - taken))\n"
	"	arriving=$((arriving + 1))\n"
	"	printf 'arrival=%s %s %s %s\\n' "
	"$((ram - taken)) $taken \"${id:-?}\" \"${guest:-?}\"\n"
	"}\n"
	/* DIRECTORY, and in it: LIMIT USED, and before a name in STAT */
	"below() {\n"
	"	max=max; now=0; cache=0\n"
	"	read -r max <\"$1/$2\"\n"
	"	case $max in\n"
	"	'' | *[!0-9]* | ???????????????????*) return ;;\n"
	"	esac\n"
	"	read -r now <\"$1/$3\"\n"
	"	while read -r key n; do\n"
	"		case $key in\n"
	"		\"$4active_file\" | \"$4inactive_file\")\n"
	"			cache=$((cache + n)) ;;\n"
	"		esac\n"
	"	done <\"$1/memory.stat\"\n"
	"	n=$(((max - now + cache) / 1024))\n"
	"	[ $n -gt 0 ] || n=1\n"
	"	[ $n -ge $available ] || available=$n\n"
	"}\n"
	/* ROOT GROUP, and what below() takes */
	"upwards() {\n"
	"	c=$1${2%/}; top=$1; shift 2\n"
	"	while [ $available -gt 0 ]; do\n"
	"		below \"$c\" \"$@\"\n"
	"		[ \"$c\" != \"$top\" ] && [ -n \"$c\" ] || break\n"
	"		c=${c%/*}\n"
	"	done 2>/dev/null\n"
	"}\n"
	"group_of() { sed -n \"s/^$2//p\" \"/proc/$1/cgroup\" 2>/dev/null; "
	"}\n"
	"limited() {\n"
	"	[ -n \"$cgroups\" ] || return 0\n"
	"	upwards \"$cgroups\" \"$(group_of \"$1\" 0::)\" "
	"memory.max memory.current ''\n"
	"	upwards \"$cgroups/memory\" \"$(group_of \"$1\" "
	"'[0-9]*:memory:')\" memory.limit_in_bytes memory.usage_in_bytes "
	"total_\n"
	"}\n"
	"tally() {\n"
	"	promised=0; arriving=0\n"
	"	for l in \"$root\"/in-*; do\n"
	"		[ \"$l\" = \"$lock\" ] || ! lives \"$l\" || arrival "
	"\"$l\"\n"
	"	done 2>/dev/null\n"
	"	available=$(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' "
	"/proc/meminfo)\n"
	"	[ -n \"$available\" ] || available=0\n"
	"	limited self\n"
	"	echo available=$available\n"
	"}\n"
	"may_come() {\n"
	"	[ $limit = 0 ] || [ $arriving -lt $limit ] || return 1\n"
	"	[ $need = 0 ] || [ $available = 0 ] ||\n"
	"		[ $((promised + need)) -le $available ]\n"
	"}\n";

/* --- reading ------------------------------------------------------------- */

void admit_view_free(struct admit_view *v)
{
	for (size_t i = 0; i < v->n_arrivals; i++) {
		free(v->arrivals[i].run);
		free(v->arrivals[i].guest);
	}
	free(v->arrivals);
	*v = (struct admit_view){ 0 };
}

/* "UNTAKEN TAKEN RUN GUEST", both in KiB. */
static bool add_arrival(struct admit_view *v, const char *line)
{
	unsigned long long promised, taken;
	char run[64];
	int at = 0;

	if (sscanf(line, "%llu %llu %63s %n", &promised, &taken, run, &at) < 3)
		return false;
	v->arrivals =
		xrealloc(v->arrivals, v->n_arrivals + 1, sizeof(*v->arrivals));
	v->arrivals[v->n_arrivals++] = (struct admit_arrival){
		.run = xstrdup(run),
		.guest = xstrdup(line + at),
		.promised_bytes = promised * 1024,
	};
	v->promised_bytes += promised * 1024;
	v->taken_bytes += taken * 1024;
	return true;
}

bool admit_parse(const char *text, struct admit_view *out)
{
	static const char arrival[] = "arrival=";
	AUTO_FREE char *available = probe_value(text, "available");
	AUTO_FREE char *busy = probe_value(text, "busy");

	*out = (struct admit_view){ 0 };
	if (busy)
		out->busy = (pid_t)strtol(busy, NULL, 10);
	if (available)
		out->available_bytes = strtoull(available, NULL, 10) * 1024;
	while (*text) {
		const char *end = strchrnul(text, '\n');
		AUTO_FREE char *line = xstrndup(text, (size_t)(end - text));
		size_t n = strlen(arrival);

		if (!strncmp(line, arrival, n) && !add_arrival(out, line + n))
			return false;
		text = *end ? end + 1 : end;
	}
	return available || busy;
}

int admit_look(struct host *h, const char *run_root, const char *lock,
	       const char *cgroups, struct admit_view *out,
	       struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	quote_assign(&script, "root", run_root);
	quote_assign(&script, "lock", lock);
	quote_assign(&script, "cgroups", cgroups);
	buf_printf(&script, "%s", admit_functions);
	buf_printf(&script, "! lives \"$lock\" 2>/dev/null || echo busy=$p\n"
			    "tally\n");
	if (probe_script(h, "admission", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	if (admit_parse(buf_data(&text), out))
		return 0;
	admit_view_free(out);
	return err_set(err, ERR_REMOTE,
		       "the admission script on %s told too little",
		       host_name(h));
}

uint64_t admit_spare(struct host *h, pid_t pid, uint64_t ram_bytes,
		     const char *cgroups, uint64_t available_bytes,
		     struct mono deadline)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf out = { 0 };
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *spare = NULL;

	if (!available_bytes)
		return 0;
	quote_assign(&script, "cgroups", cgroups);
	buf_printf(&script,
		   "%savailable=%llu; ram=%llu; limited %d; taken=0\n"
		   "resident_of %d 2>/dev/null\n"
		   /* those of a pool are in no limit; they count as taken */
		   "n=$(sed -n 's/^HugetlbPages:[^0-9]*\\([0-9]*\\).*/\\1/p' "
		   "/proc/%d/status 2>/dev/null)\n"
		   "n=$((ram - taken - ${n:-0})); [ $n -gt 0 ] || n=0\n"
		   "n=$((available - n)); [ $n -gt 0 ] || n=1\n"
		   "echo spare=$n\n",
		   admit_functions,
		   (unsigned long long)(available_bytes + 1023) / 1024,
		   (unsigned long long)ram_bytes / 1024, (int)pid, (int)pid,
		   (int)pid);
	if (probe_script(h, "spare memory", buf_data(&script), &out, deadline,
			 &e) < 0) {
		log_info(host_name(h), "%s", e.message);
		return available_bytes;
	}
	spare = probe_value(buf_data(&out), "spare");
	return spare ? strtoull(spare, NULL, 10) * 1024 : available_bytes;
}

/* --- judging ------------------------------------------------------------- */

enum admit admit_judge(const struct admit_view *v,
		       const struct admit_wish *wish)
{
	uint64_t all = v->available_bytes + v->taken_bytes;
	bool judged = wish->ram_bytes && v->available_bytes;

	if (judged && wish->ram_bytes > all)
		return ADMIT_NEVER;
	if (v->busy)
		return ADMIT_BUSY;
	if (wish->limit && v->n_arrivals >= wish->limit)
		return ADMIT_CROWDED;
	if (judged && wish->ram_bytes + wish->ahead_bytes + v->promised_bytes >
			      v->available_bytes)
		return ADMIT_MEMORY;
	return ADMIT_YES;
}

static char *names(const struct admit_view *v, const struct admit_wish *wish)
{
	AUTO_STRV struct strv list = { 0 };

	for (size_t i = 0; i < v->n_arrivals; i++)
		strv_pushf(&list, "%s (%s)", v->arrivals[i].guest,
			   v->arrivals[i].run);
	if (wish->ahead_bytes)
		strv_push(&list, "runs that start just now");
	return strv_join(&list, ", ");
}

static double gib(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024 * 1024);
}

char *admit_reason(const struct admit_view *v, const struct admit_wish *wish,
		   enum admit answer, const char *host)
{
	AUTO_FREE char *who = names(v, wish);

	switch (answer) {
	case ADMIT_BUSY:
		return xasprintf("this guest's own way to %s: process %d over "
				 "there answers for it",
				 host, (int)v->busy);
	case ADMIT_CROWDED:
		return xasprintf("a place on %s, where %zu at once arrive: %s",
				 host, v->n_arrivals, who);
	case ADMIT_MEMORY:
		return xasprintf("memory on %s: %.2f GiB needed, %.2f GiB "
				 "available, of which %.2f GiB are promised to "
				 "%s",
				 host, gib(wish->ram_bytes),
				 gib(v->available_bytes),
				 gib(v->promised_bytes + wish->ahead_bytes),
				 who);
	default:
		return xasprintf("memory on %s: %.2f GiB needed, %.2f GiB "
				 "available",
				 host, gib(wish->ram_bytes),
				 gib(v->available_bytes));
	}
}
