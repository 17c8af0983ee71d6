/* SPDX-License-Identifier: MIT */
/* check_hosts: where a guest could go. */
#include "engine/run/check_hosts.h"

#include "engine/run/migrate.h"
#include "engine/run/monitor_share.h"
#include "transport/base/task_pool.h"
#include "transport/base/xalloc.h"

struct round {
	const struct migrate_options *opt;
	const struct check_host *v;
	struct monitor_share share;
	bool *begun;
};

static void check_one(void *arg, size_t i)
{
	struct round *c = arg;
	const struct check_host *h = &c->v[i];
	struct migrate_options opt = *c->opt;

	c->begun[i] = true;
	opt.destination = h->destination;
	opt.sink = h->sink;
	opt.sink_arg = h->sink_arg;
	opt.share = &c->share;
	opt.connect_ms = CHECK_HOSTS_CONNECT_MS;
	migrate_check(&opt, h->list, h->result);
}

void check_hosts_run(const struct migrate_options *opt,
		     const struct check_host *v, size_t n)
{
	AUTO_FREE bool *begun = xcalloc(n, sizeof(*begun));
	struct round c = { .opt = opt, .v = v, .begun = begun };

	(void)task_pool_run(n, n, check_one, &c, NULL);
	monitor_share_close(&c.share);
	for (size_t i = 0; i < n; i++) {
		if (begun[i])
			continue;
		v[i].result->outcome = OUTCOME_CANCELLED;
		v[i].result->guest = xstrdup(opt->guest);
		v[i].result->destination = xstrdup(v[i].destination);
		err_set(&v[i].result->error, ERR_CANCELLED,
			"cancelled on request");
	}
}

/* Less is better known. */
static int rank(const struct result *r)
{
	switch (r->outcome) {
	case OUTCOME_USAGE:
		return 0;
	case OUTCOME_CANCELLED:
		return 1;
	case OUTCOME_READY:
		return 2;
	case OUTCOME_REFUSED:
		return 3;
	case OUTCOME_UNREACHABLE:
		return 4;
	default:
		return 5;
	}
}

size_t check_hosts_best(const struct check_host *v, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++) {
		if (rank(v[i].result) < rank(v[best].result))
			best = i;
	}
	return best;
}
