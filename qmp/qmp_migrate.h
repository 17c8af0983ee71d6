/* SPDX-License-Identifier: MIT */
/*
 * qmp_migrate: QEMU's migration commands, one function each.
 */
#ifndef QMP_QMP_MIGRATE_H
#define QMP_QMP_MIGRATE_H

#include <stdint.h>

#include "qmp/qmp.h"

/* QEMU's MigrationStatus; unknown ones count as in progress. */
enum migration_status {
	MIGRATION_NONE, /* never started: no status member */
	MIGRATION_SETUP,
	MIGRATION_ACTIVE,
	MIGRATION_PRE_SWITCHOVER,
	MIGRATION_DEVICE,
	MIGRATION_COMPLETED,
	MIGRATION_FAILING,
	MIGRATION_FAILED,
	MIGRATION_CANCELLING,
	MIGRATION_CANCELLED,
	MIGRATION_WAIT_UNPLUG,
	MIGRATION_COLO,
	MIGRATION_POSTCOPY_DEVICE,
	MIGRATION_POSTCOPY_ACTIVE,
	MIGRATION_POSTCOPY_PAUSED,
	MIGRATION_POSTCOPY_RECOVER,
	MIGRATION_UNKNOWN,
	MIGRATION_STATUSES
};
const char *migration_status_name(enum migration_status s);
/* MIGRATION_UNKNOWN for a word that is not in the table. */
enum migration_status migration_status_parse(const char *word);

/*
 * query-migrate. Numbers QEMU did not give are 0 with has_ram false (for the
 * ram group) or -1 for the times.
 */
struct qmp_migrate_info {
	enum migration_status status;
	char raw[32];
	char *error_desc; /* NULL when absent */
	char *blocked;	  /* blocked-reasons joined by "; ", NULL when none */
	int64_t total_time_ms;
	int64_t setup_time_ms;
	int64_t downtime_ms;
	int64_t expected_downtime_ms;
	bool has_ram;
	uint64_t transferred_bytes;
	uint64_t remaining_bytes;
	uint64_t total_bytes;
	uint64_t normal_pages;
	uint64_t duplicate_pages; /* zero pages */
	uint64_t dirty_pages_per_s;
	uint64_t dirty_sync_count;
	uint64_t page_bytes;
	uint64_t downtime_bytes; /* sent while the guest was stopped */
	double mbps; /* QEMU's own throughput, megabits per second */
	int throttle_percent;
};
/* *info is overwritten; free with qmp_migrate_info_free(). */
int qmp_query_migrate(struct qmp *q, struct qmp_migrate_info *info,
		      struct mono deadline, struct err *err);
void qmp_migrate_info_free(struct qmp_migrate_info *info);
/*
 * The TCP port at which a QEMU waits for a migration, after
 * qmp_migrate_incoming() of a "tcp:" URI. ERR_PROTOCOL when it names none.
 */
int qmp_query_incoming_port(struct qmp *q, uint16_t *port, struct mono deadline,
			    struct err *err);

/*
 * Capabilities as name/state pairs. Setting is all-or-nothing in QEMU, so ask
 * first what exists.
 */
struct qmp_capability {
	const char *name;
	bool state;
};
/* Whether this QEMU knows capability @name, and its present *state. */
int qmp_query_capabilities(struct qmp *q, struct json_object **reply,
			   struct mono deadline, struct err *err);
bool qmp_capability_known(struct json_object *reply, const char *name,
			  bool *state);
int qmp_migrate_set_capabilities(struct qmp *q,
				 const struct qmp_capability *caps, size_t n,
				 struct mono deadline, struct err *err);

/* The whole reply of query-migrate-parameters, owned by the caller. */
int qmp_query_migrate_parameters(struct qmp *q, struct json_object **reply,
				 struct mono deadline, struct err *err);
/* @params is an object {"downtime-limit": …} and is taken over. */
int qmp_migrate_set_parameters(struct qmp *q, struct json_object *params,
			       struct mono deadline, struct err *err);

int qmp_migrate(struct qmp *q, const char *uri, struct mono deadline,
		struct err *err);
int qmp_migrate_incoming(struct qmp *q, const char *uri, struct mono deadline,
			 struct err *err);
/* Leaves pre-switchover. */
int qmp_migrate_continue(struct qmp *q, struct mono deadline, struct err *err);
int qmp_migrate_cancel(struct qmp *q, struct mono deadline, struct err *err);
/* Out of band: tears the migration's own connections down. */
int qmp_yank_migration(struct qmp *q, struct mono deadline, struct err *err);

/* Hands @fd to QEMU as @name, for `migrate "fd:NAME"`. */
int qmp_getfd(struct qmp *q, const char *name, int fd, struct mono deadline,
	      struct err *err);
int qmp_closefd(struct qmp *q, const char *name, struct mono deadline,
		struct err *err);
/* Five RARP rounds with QEMU's default spacing. */
int qmp_announce_self(struct qmp *q, struct mono deadline, struct err *err);

#endif
