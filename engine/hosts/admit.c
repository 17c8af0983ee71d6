/* SPDX-License-Identifier: MIT */
/* admit: whether a host can take one more guest; theory in admit.h. */
#include "engine/hosts/admit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/probe.h"
#include "transport/base/log.h"
#include "transport/base/strv.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

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

static bool parse(const char *text, struct admit_view *out)
{
	static const char arrival[] = "arrival=";
	AUTO_FREE char *available = answer_value(text, "available");
	AUTO_FREE char *busy = answer_value(text, "busy");
	AUTO_FREE char *elsewhere = answer_value(text, "busy_elsewhere");

	*out = (struct admit_view){ 0 };
	out->busy = answer_pid(busy);
	out->busy_elsewhere = elsewhere != NULL;
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
	return busy ? out->busy > 0 : available != NULL;
}

bool admit_parse(const char *text, struct admit_view *out)
{
	if (parse(text, out))
		return true;
	admit_view_free(out);
	return false;
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
	buf_printf(&script, "%s%s", identity_match_sh, admit_sh);
	buf_printf(&script, "! lives \"$lock\" || say_busy\ntally\n");
	if (probe_script(h, "admission", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	if (admit_parse(buf_data(&text), out))
		return 0;
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
		   admit_sh,
		   (unsigned long long)(available_bytes + 1023) / 1024,
		   (unsigned long long)ram_bytes / 1024, (int)pid, (int)pid,
		   (int)pid);
	if (probe_script(h, "spare memory", buf_data(&script), &out, deadline,
			 &e) < 0) {
		log_info(host_name(h), "%s", e.message);
		return available_bytes;
	}
	spare = answer_value(buf_data(&out), "spare");
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
		return xasprintf("this guest's own way to %s: process %d %s "
				 "answers for it",
				 host, (int)v->busy,
				 v->busy_elsewhere
					 ? "of another PID namespace or machine"
					 : "over there");
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
