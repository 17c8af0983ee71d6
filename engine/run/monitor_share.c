/* SPDX-License-Identifier: MIT */
/* monitor_share: one session with the source's monitor for several runs. */
#include "engine/run/monitor_share.h"

#include <stdlib.h>

#include "engine/run/connect.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "qmp/qmp.h"
#include "transport/base/xalloc.h"

/* A cancel is about one run, and leaves the question to the next. */
static int open_first(struct monitor_share *s, struct run *r, struct err *err)
{
	err_reset(&s->failure);
	if (connect_open_source(r, &s->failure) < 0) {
		s->asked = !err_has(&s->failure, ERR_CANCELLED);
		err_copy(err, &s->failure);
		return -1;
	}
	s->asked = true;
	s->pid = r->source.guest.pid;
	s->qmp = qmp_share(r->src.qmp);
	s->path = xstrdup(r->source.monitor);
	return 0;
}

static int open_next(struct monitor_share *s, struct run *r, struct err *err)
{
	if (!s->qmp) {
		err_copy(err, &s->failure);
		return -1;
	}
	if (s->pid != r->source.guest.pid)
		return connect_open_source(r, err);
	r->src.qmp = qmp_share(s->qmp);
	free(r->source.monitor);
	r->source.monitor = xstrdup(s->path);
	return 0;
}

int monitor_share_open(struct run *r, struct err *err)
{
	struct monitor_share *s = r->opt->share;
	int rc;

	if (!s)
		return connect_open_source(r, err);
	if (task_lock(&s->lock, MONO_NEVER, err) < 0)
		return -1;
	rc = s->asked ? open_next(s, r, err) : open_first(s, r, err);
	task_unlock(&s->lock);
	return rc;
}

void monitor_share_close(struct monitor_share *s)
{
	qmp_close(s->qmp);
	free(s->path);
	err_reset(&s->failure);
	*s = (struct monitor_share){ .asked = false };
}
