/* SPDX-License-Identifier: MIT */
/* observe: what QEMU on one side of a run says of the guest. */
#include "engine/recover/observe.h"

#include "engine/run/run.h"
#include "qmp/qmp_migrate.h"
#include "qmp/qmp_status.h"
#include "transport/base/task.h"

enum { LOADING_POLL_MS = 100 };

static int ask(struct qmp *q, enum migration_status *m, struct qmp_status *st)
{
	struct qmp_migrate_info info = { 0 };

	if (qmp_query_migrate(q, &info, run_qmp_deadline(), NULL) < 0)
		return -1;
	*m = info.status;
	qmp_migrate_info_free(&info);
	return qmp_query_status(q, st, run_qmp_deadline(), NULL);
}

enum side_state observe_source(struct qmp *q, enum migration_status *m)
{
	struct qmp_status st;

	if (ask(q, m, &st) < 0)
		return SIDE_UNKNOWN;
	if (*m == MIGRATION_DEVICE)
		return SIDE_DEVICE;
	if (*m == MIGRATION_SETUP || *m == MIGRATION_ACTIVE ||
	    *m == MIGRATION_PRE_SWITCHOVER || *m == MIGRATION_CANCELLING ||
	    st.state == RUN_FINISH_MIGRATE)
		return SIDE_MOVING;
	if (st.running)
		return SIDE_RUNS;
	if (st.state == RUN_POSTMIGRATE)
		return SIDE_POSTMIGRATE;
	if (st.state == RUN_SHUTDOWN || st.state == RUN_GUEST_PANICKED)
		return SIDE_ENDED;
	return SIDE_PAUSED;
}

enum side_state observe_destination(struct qmp *q)
{
	struct qmp_status st;
	enum migration_status m;

	if (ask(q, &m, &st) < 0)
		return SIDE_UNKNOWN;
	if (st.running)
		return SIDE_RUNS;
	if (st.state == RUN_SHUTDOWN || st.state == RUN_GUEST_PANICKED)
		return SIDE_ENDED;
	if (m != MIGRATION_COMPLETED || st.state == RUN_INMIGRATE)
		return SIDE_MOVING;
	/* after a run that was once continued and stopped, too */
	if (st.state == RUN_PAUSED || st.state == RUN_PRELAUNCH)
		return SIDE_PAUSED;
	if (st.state == RUN_POSTMIGRATE || st.state == RUN_FINISH_MIGRATE)
		return SIDE_POSTMIGRATE;
	/* stopped by an error of its own, suspended: it has run */
	return SIDE_RUNS;
}

enum side_state observe_loading(struct qmp *q, struct mono deadline)
{
	enum side_state s = observe_destination(q);

	while (s == SIDE_MOVING && mono_before(mono_now(), deadline)) {
		(void)task_sleep_until(mono_in_ms(LOADING_POLL_MS), NULL);
		s = observe_destination(q);
	}
	return s;
}
