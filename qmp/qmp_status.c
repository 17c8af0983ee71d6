/* SPDX-License-Identifier: MIT */
/*
 * qmp_status: commands about the machine as a whole: who it is, whether it
 * runs, stop, cont, quit.
 */
#include "qmp/qmp_status.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

static const char *const state_names[] = {
	[RUN_OTHER] = "other",
	[RUN_RUNNING] = "running",
	[RUN_PAUSED] = "paused",
	[RUN_PRELAUNCH] = "prelaunch",
	[RUN_INMIGRATE] = "inmigrate",
	[RUN_FINISH_MIGRATE] = "finish-migrate",
	[RUN_POSTMIGRATE] = "postmigrate",
	[RUN_SHUTDOWN] = "shutdown",
	[RUN_GUEST_PANICKED] = "guest-panicked",
	[RUN_IO_ERROR] = "io-error",
	[RUN_INTERNAL_ERROR] = "internal-error",
};
static_assert(ARRAY_SIZE(state_names) == RUN_STATES, "a name for each state");

static enum run_state parse_state(const char *word)
{
	for (int i = RUN_OTHER + 1; i < RUN_STATES; i++) {
		if (strcmp(word, state_names[i]) == 0)
			return (enum run_state)i;
	}
	return RUN_OTHER;
}

int qmp_query_status(struct qmp *q, struct qmp_status *out,
		     struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-status" };
	const char *word;

	if (qmp_call(q, at.path, NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	if (json_get_bool(at, "running", &out->running, err) < 0 ||
	    json_get_str(at, "status", &word, err) < 0)
		return -1;
	out->state = parse_state(word);
	snprintf(out->raw, sizeof(out->raw), "%s", word);
	return 0;
}

static bool is_uuid(const char *s)
{
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return s[36] == '\0';
}

int qmp_query_uuid(struct qmp *q, char uuid[37], struct mono deadline,
		   struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-uuid" };
	const char *word;

	if (qmp_call(q, at.path, NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	if (json_get_str(at, "UUID", &word, err) < 0)
		return -1;
	if (!is_uuid(word))
		return err_set(err, ERR_PROTOCOL, "%s.UUID: not a UUID: %.40s",
			       at.path, word);
	for (int i = 0; i < 37; i++)
		uuid[i] = (char)tolower((unsigned char)word[i]);
	return 0;
}

int qmp_stop(struct qmp *q, struct mono deadline, struct err *err)
{
	return qmp_call(q, "stop", NULL, NULL, deadline, err);
}

int qmp_cont(struct qmp *q, struct mono deadline, struct err *err)
{
	return qmp_call(q, "cont", NULL, NULL, deadline, err);
}

int qmp_quit(struct qmp *q, struct mono deadline, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	/* a session that was lost before proves nothing about the process */
	if (qmp_check(q, err) < 0)
		return -1;
	if (qmp_call(q, "quit", NULL, NULL, deadline, &e) == 0 ||
	    e.kind == ERR_CLOSED)
		return 0;
	err_move(err, &e);
	return -1;
}
