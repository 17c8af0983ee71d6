/* SPDX-License-Identifier: MIT */
/* qmp_migrate: QEMU's migration commands, one function each. */
#include "qmp/qmp_migrate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/json.h"
#include "transport/base/strv.h"
#include "transport/base/xalloc.h"

static const char *const status_names[] = {
	[MIGRATION_NONE] = "none",
	[MIGRATION_SETUP] = "setup",
	[MIGRATION_ACTIVE] = "active",
	[MIGRATION_PRE_SWITCHOVER] = "pre-switchover",
	[MIGRATION_DEVICE] = "device",
	[MIGRATION_COMPLETED] = "completed",
	[MIGRATION_FAILING] = "failing",
	[MIGRATION_FAILED] = "failed",
	[MIGRATION_CANCELLING] = "cancelling",
	[MIGRATION_CANCELLED] = "cancelled",
	[MIGRATION_WAIT_UNPLUG] = "wait-unplug",
	[MIGRATION_COLO] = "colo",
	[MIGRATION_POSTCOPY_DEVICE] = "postcopy-device",
	[MIGRATION_POSTCOPY_ACTIVE] = "postcopy-active",
	[MIGRATION_POSTCOPY_PAUSED] = "postcopy-paused",
	[MIGRATION_POSTCOPY_RECOVER] = "postcopy-recover",
	[MIGRATION_UNKNOWN] = "unknown",
};
static_assert(ARRAY_SIZE(status_names) == MIGRATION_STATUSES,
	      "a name for each status");

const char *migration_status_name(enum migration_status s)
{
	assert(s < MIGRATION_STATUSES);
	return status_names[s];
}

enum migration_status migration_status_parse(const char *word)
{
	for (int i = 0; i < MIGRATION_UNKNOWN; i++) {
		if (strcmp(word, status_names[i]) == 0)
			return (enum migration_status)i;
	}
	return MIGRATION_UNKNOWN;
}

/* --- query-migrate ------------------------------------------------------- */

static int read_ms(struct json_at at, const char *key, int64_t *ms,
		   struct err *err)
{
	*ms = -1;
	return json_has(at, key) ? json_get_i64(at, key, ms, err) : 0;
}

static int read_times(struct json_at at, struct qmp_migrate_info *info,
		      struct err *err)
{
	if (read_ms(at, "total-time", &info->total_time_ms, err) < 0 ||
	    read_ms(at, "setup-time", &info->setup_time_ms, err) < 0 ||
	    read_ms(at, "downtime", &info->downtime_ms, err) < 0 ||
	    read_ms(at, "expected-downtime", &info->expected_downtime_ms, err) <
		    0)
		return -1;
	return 0;
}

static int read_ram(struct json_at at, struct qmp_migrate_info *info,
		    struct err *err)
{
	struct json_at ram;
	const struct {
		const char *key;
		uint64_t *to;
	} members[] = {
		{ "transferred", &info->transferred_bytes },
		{ "remaining", &info->remaining_bytes },
		{ "total", &info->total_bytes },
		{ "normal", &info->normal_pages },
		{ "duplicate", &info->duplicate_pages },
		{ "dirty-pages-rate", &info->dirty_pages_per_s },
		{ "dirty-sync-count", &info->dirty_sync_count },
		{ "page-size", &info->page_bytes },
	};

	if (json_opt_object(at, "ram", &ram, err) < 0)
		return -1;
	if (!ram.value)
		return 0;
	ram.path = "query-migrate.ram";
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (json_get_u64(ram, members[i].key, members[i].to, err) < 0)
			return -1;
	}
	info->has_ram = true;
	if (json_opt_u64(ram, "downtime-bytes", &info->downtime_bytes, err) < 0)
		return -1;
	return json_get_double(ram, "mbps", &info->mbps, err);
}

static int read_blocked(struct json_at at, struct qmp_migrate_info *info,
			struct err *err)
{
	AUTO_STRV struct strv reasons = { 0 };
	struct json_at list;

	if (json_opt_array(at, "blocked-reasons", &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_length(list); i++) {
		struct json_object *o =
			json_object_array_get_idx(list.value, i);

		if (!json_object_is_type(o, json_type_string))
			return err_set(err, ERR_PROTOCOL,
				       "%s.blocked-reasons[%zu]: expected a "
				       "string",
				       at.path, i);
		strv_push(&reasons, json_object_get_string(o));
	}
	if (reasons.n)
		info->blocked = strv_join(&reasons, "; ");
	return 0;
}

static int read_info(struct json_at at, struct qmp_migrate_info *info,
		     struct err *err)
{
	const char *status = "none";
	const char *desc = NULL;
	uint64_t throttle = 0;

	if (json_opt_str(at, "status", &status, err) < 0 ||
	    json_opt_str(at, "error-desc", &desc, err) < 0 ||
	    json_opt_u64(at, "cpu-throttle-percentage", &throttle, err) < 0 ||
	    read_times(at, info, err) < 0 || read_ram(at, info, err) < 0 ||
	    read_blocked(at, info, err) < 0)
		return -1;
	if (throttle > 100)
		return err_set(err, ERR_PROTOCOL,
			       "%s.cpu-throttle-percentage: impossible",
			       at.path);
	info->status = migration_status_parse(status);
	snprintf(info->raw, sizeof(info->raw), "%s", status);
	info->error_desc = xstrdup(desc);
	info->throttle_percent = (int)throttle;
	return 0;
}

int qmp_query_migrate(struct qmp *q, struct qmp_migrate_info *info,
		      struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-migrate" };

	*info = (struct qmp_migrate_info){ .status = MIGRATION_UNKNOWN };
	if (qmp_call(q, at.path, NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	if (read_info(at, info, err) < 0) {
		qmp_migrate_info_free(info);
		return -1;
	}
	return 0;
}

void qmp_migrate_info_free(struct qmp_migrate_info *info)
{
	free(info->error_desc);
	free(info->blocked);
	*info = (struct qmp_migrate_info){ .status = MIGRATION_UNKNOWN };
}

/* Decimal digits, as QEMU has it: a string. */
static bool read_port(const char *text, uint16_t *port)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	*port = (uint16_t)n;
	return !*end && n && n <= UINT16_MAX;
}

int qmp_query_incoming_port(struct qmp *q, uint16_t *port, struct mono deadline,
			    struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-migrate" };
	struct json_at list, address;
	const char *type, *text;

	if (qmp_call(q, at.path, NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	if (json_get_array(at, "socket-address", &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_length(list); i++) {
		if (json_index(list, i, &address, err) < 0 ||
		    json_get_str(address, "type", &type, err) < 0)
			return -1;
		if (strcmp(type, "inet") != 0)
			continue;
		if (json_get_str(address, "port", &text, err) < 0)
			return -1;
		if (read_port(text, port))
			return 0;
		return err_set(err, ERR_PROTOCOL,
			       "%s.socket-address: \"%s\" is no port", at.path,
			       text);
	}
	return err_set(err, ERR_PROTOCOL,
		       "%s.socket-address: there is no TCP address", at.path);
}

/* --- capabilities and parameters ----------------------------------------- */

int qmp_query_capabilities(struct qmp *q, struct json_object **reply,
			   struct mono deadline, struct err *err)
{
	return qmp_call(q, "query-migrate-capabilities", NULL, reply, deadline,
			err);
}

bool qmp_capability_known(struct json_object *reply, const char *name,
			  bool *state)
{
	struct json_at list = { reply, "query-migrate-capabilities" };
	struct json_at entry;
	const char *known;
	bool on;

	for (size_t i = 0; i < json_length(list); i++) {
		if (json_index(list, i, &entry, NULL) < 0 ||
		    json_get_str(entry, "capability", &known, NULL) < 0 ||
		    json_get_bool(entry, "state", &on, NULL) < 0 ||
		    strcmp(known, name) != 0)
			continue;
		if (state)
			*state = on;
		return true;
	}
	return false;
}

int qmp_migrate_set_capabilities(struct qmp *q,
				 const struct qmp_capability *caps, size_t n,
				 struct mono deadline, struct err *err)
{
	struct json_object *list = json_object_new_array();
	struct json_object *args =
		json_add_sub(json_new(), "capabilities", list);

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_new();

		json_add_str(o, "capability", caps[i].name);
		json_add_bool(o, "state", caps[i].state);
		json_object_array_add(list, o);
	}
	return qmp_call(q, "migrate-set-capabilities", args, NULL, deadline,
			err);
}

int qmp_query_migrate_parameters(struct qmp *q, struct json_object **reply,
				 struct mono deadline, struct err *err)
{
	return qmp_call(q, "query-migrate-parameters", NULL, reply, deadline,
			err);
}

int qmp_migrate_set_parameters(struct qmp *q, struct json_object *params,
			       struct mono deadline, struct err *err)
{
	return qmp_call(q, "migrate-set-parameters", params, NULL, deadline,
			err);
}

/* --- the migration itself ------------------------------------------------ */

int qmp_migrate(struct qmp *q, const char *uri, struct mono deadline,
		struct err *err)
{
	return qmp_call(q, "migrate", json_add_str(json_new(), "uri", uri),
			NULL, deadline, err);
}

int qmp_migrate_incoming(struct qmp *q, const char *uri, struct mono deadline,
			 struct err *err)
{
	return qmp_call(q, "migrate-incoming",
			json_add_str(json_new(), "uri", uri), NULL, deadline,
			err);
}

int qmp_migrate_continue(struct qmp *q, struct mono deadline, struct err *err)
{
	return qmp_call(q, "migrate-continue",
			json_add_str(json_new(), "state", "pre-switchover"),
			NULL, deadline, err);
}

int qmp_migrate_cancel(struct qmp *q, struct mono deadline, struct err *err)
{
	return qmp_call(q, "migrate_cancel", NULL, NULL, deadline, err);
}

int qmp_yank_migration(struct qmp *q, struct mono deadline, struct err *err)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list,
			      json_add_str(json_new(), "type", "migration"));
	return qmp_call_oob(q, "yank",
			    json_add_sub(json_new(), "instances", list), NULL,
			    deadline, err);
}

int qmp_getfd(struct qmp *q, const char *name, int fd, struct mono deadline,
	      struct err *err)
{
	return qmp_call_fd(q, "getfd", json_add_str(json_new(), "fdname", name),
			   fd, NULL, deadline, err);
}

int qmp_closefd(struct qmp *q, const char *name, struct mono deadline,
		struct err *err)
{
	return qmp_call(q, "closefd", json_add_str(json_new(), "fdname", name),
			NULL, deadline, err);
}

int qmp_announce_self(struct qmp *q, struct mono deadline, struct err *err)
{
	struct json_object *args = json_new();

	json_add_i64(args, "initial", 50);
	json_add_i64(args, "max", 550);
	json_add_i64(args, "rounds", 5);
	json_add_i64(args, "step", 100);
	return qmp_call(q, "announce-self", args, NULL, deadline, err);
}
