/* SPDX-License-Identifier: MIT */
/*
 * qmp_status: commands about the machine as a whole: who it is, whether it
 * runs, stop, cont, quit.
 */
#ifndef QMP_QMP_STATUS_H
#define QMP_QMP_STATUS_H

#include "qmp/qmp.h"

/* QEMU's RunState, as far as a migration cares; others are RUN_OTHER. */
enum run_state {
	RUN_OTHER,
	RUN_RUNNING,
	RUN_PAUSED,
	RUN_PRELAUNCH,
	RUN_INMIGRATE,
	RUN_FINISH_MIGRATE,
	RUN_POSTMIGRATE,
	RUN_SHUTDOWN,
	RUN_GUEST_PANICKED,
	RUN_IO_ERROR,
	RUN_INTERNAL_ERROR,
	RUN_STATES
};

struct qmp_status {
	bool running;
	enum run_state state;
	char raw[32]; /* QEMU's word, also for RUN_OTHER */
};
int qmp_query_status(struct qmp *q, struct qmp_status *out,
		     struct mono deadline, struct err *err);
/* Lower case, 36 characters; all zero when the guest has none. */
int qmp_query_uuid(struct qmp *q, char uuid[37], struct mono deadline,
		   struct err *err);
int qmp_stop(struct qmp *q, struct mono deadline, struct err *err);
int qmp_cont(struct qmp *q, struct mono deadline, struct err *err);
/* A connection that QEMU closes instead of answering counts as success. */
int qmp_quit(struct qmp *q, struct mono deadline, struct err *err);

#endif
