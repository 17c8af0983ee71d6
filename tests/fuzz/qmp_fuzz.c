/* SPDX-License-Identifier: MIT */
/*
 * What QEMU says, from bytes to values: framing, JSON, the typed getters, and
 * every reader of a reply and an event.
 *
 * Input: a byte that cuts the rest into pieces, then what QEMU sent. A document
 * answers the command `c` with its member "c", else with "return", else with
 * itself; qmp_call() is replaced by just that.
 */
#include <string.h>

#include "qmp/frame.h"
#include "qmp/json.h"
#include "qmp/qmp_machine.h"
#include "qmp/qmp_blocks.h"
#include "qmp/qmp_migrate.h"
#include "qmp/qmp_plug.h"
#include "qmp/qmp_private.h"
#include "qmp/qmp_status.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"

static struct json_object *answer; /* borrowed */

/* --- in the place of a session ------------------------------------------- */

int __wrap_qmp_call(struct qmp *q, const char *command,
		    struct json_object *args, struct json_object **reply,
		    struct mono deadline, struct err *err);

int __wrap_qmp_call(struct qmp *q, const char *command,
		    struct json_object *args, struct json_object **reply,
		    struct mono deadline, struct err *err)
{
	struct json_object *value = answer;

	(void)q;
	(void)deadline;
	(void)err;
	json_object_put(args);
	if (!json_object_object_get_ex(answer, command, &value) &&
	    !json_object_object_get_ex(answer, "return", &value))
		value = answer;
	if (reply)
		*reply = json_object_get(value);
	return 0;
}

/* --- replies ------------------------------------------------------------- */

static void read_status(void)
{
	struct qmp_status status;
	char uuid[37];

	if (qmp_query_status(NULL, &status, MONO_NEVER, NULL) == 0)
		fuzz_claim(strlen(status.raw) < sizeof(status.raw) &&
				   status.state < RUN_STATES,
			   "a state is a known one");
	if (qmp_query_uuid(NULL, uuid, MONO_NEVER, NULL) == 0)
		fuzz_claim(strlen(uuid) == 36, "a UUID has 36 characters");
	(void)qmp_stop(NULL, MONO_NEVER, NULL);
}

static void read_migration(void)
{
	AUTO_JSON struct json_object *caps = NULL;
	AUTO_JSON struct json_object *params = NULL;
	AUTO_ERR struct err err = { 0 };
	struct qmp_migrate_info info;
	bool on;

	if (qmp_query_migrate(NULL, &info, MONO_NEVER, &err) == 0)
		fuzz_claim(migration_status_name(info.status) &&
				   info.throttle_percent >= 0 &&
				   info.throttle_percent <= 100,
			   "a migration's numbers are possible ones");
	qmp_migrate_info_free(&info);
	(void)qmp_query_capabilities(NULL, &caps, MONO_NEVER, &err);
	(void)qmp_capability_known(caps, "xbzrle", &on);
	(void)qmp_query_migrate_parameters(NULL, &params, MONO_NEVER, &err);
}

static void read_plugs(void)
{
	AUTO_STRV struct strv objects = { 0 };
	struct qmp_block_edges edges;
	struct qmp_plugs plugs;

	if (qmp_block_edges_query(NULL, &edges, MONO_NEVER, NULL) == 0)
		qmp_block_edges_free(&edges);
	json_object_put(qmp_plug_object(NULL, "o", MONO_NEVER, NULL));
	if (qmp_plugs_query(NULL, &plugs, MONO_NEVER, NULL) < 0)
		return;
	for (size_t i = 0; i < plugs.n; i++) {
		AUTO_FREE char *bus = NULL;

		json_object_put(qmp_plug_device(NULL, &plugs.v[i], &objects,
						&bus, MONO_NEVER, NULL));
	}
	qmp_plugs_free(&plugs);
}

static void read_machine(void)
{
	AUTO_STRV struct strv words = { 0 };
	AUTO_FREE char *type = NULL;
	struct qmp_disks disks;
	unsigned int vcpus;
	uint64_t bytes;
	bool kvm;

	(void)qmp_machine_type(NULL, &type, MONO_NEVER, NULL);
	(void)qmp_memory_bytes(NULL, &bytes, MONO_NEVER, NULL);
	(void)qmp_vcpu_count(NULL, &vcpus, MONO_NEVER, NULL);
	(void)qmp_kvm_enabled(NULL, &kvm, MONO_NEVER, NULL);
	read_plugs();
	if (qmp_query_disks(NULL, &disks, MONO_NEVER, NULL) == 0)
		qmp_disks_free(&disks);
	(void)qmp_query_jobs(NULL, &words, MONO_NEVER, NULL);
}

/* --- events -------------------------------------------------------------- */

static void read_event(struct json_object *document, size_t len)
{
	static struct qmp q;
	struct qmp_listener *l = qmp_listen(&q, NULL);
	AUTO_ERR struct err err = { 0 };
	struct qmp_event *e;

	if (qmp_events_deliver(&q, document, len, &err) == 0) {
		e = qmp_listener_take(l);
		fuzz_claim(e && e->name && e->stamp.us >= 0,
			   "an event is delivered");
		qmp_event_free(e);
	}
	qmp_listener_free(l);
}

/* --- values -------------------------------------------------------------- */

static void get_each(struct json_at at, const char *key)
{
	AUTO_ERR struct err err = { 0 };
	struct json_at sub;
	const char *word;
	uint64_t u;
	int64_t i;
	double d;
	bool b;

	(void)json_get_str(at, key, &word, &err);
	(void)json_get_u64(at, key, &u, &err);
	(void)json_get_bool(at, key, &b, &err);
	(void)json_get_double(at, key, &d, &err);
	(void)json_get_object(at, key, &sub, &err);
	if (json_get_i64(at, key, &i, NULL) == 0 && i >= 0)
		fuzz_claim(json_get_u64(at, key, &u, NULL) == 0 &&
				   u == (uint64_t)i,
			   "a number is the same, signed or not");
	if (json_opt_array(at, key, &sub, &err) < 0)
		return;
	for (size_t n = 0; n < json_length(sub); n++) {
		struct json_at element;

		(void)json_index(sub, n, &element, &err);
	}
}

static void get_all(struct json_object *document)
{
	struct json_at at = { document, "document" };

	if (!json_object_is_type(document, json_type_object)) {
		get_each(at, "return");
		return;
	}
	json_object_object_foreach(document, key, value)
	{
		(void)value;
		get_each(at, key);
	}
}

static void survives_the_way_back(struct json_object *document)
{
	AUTO_FREE char *line = json_line(document);
	AUTO_JSON struct json_object *again =
		json_parse(line, strlen(line), NULL);

	fuzz_claim(!strchr(line, '\n'), "a document is one line");
	/* json-c writes more than it was given where a number is long */
	fuzz_claim(again != NULL, "what was written can be read");
}

static void read_document(const char *text, size_t len)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_JSON struct json_object *document = json_parse(text, len, &err);

	if (!document) {
		fuzz_claim(err.kind == ERR_PROTOCOL && err.message,
			   "a refusal says why");
		return;
	}
	survives_the_way_back(document);
	get_all(document);
	answer = document;
	read_status();
	read_migration();
	read_machine();
	read_event(document, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint32_t seed = fuzz_take(&in);
	struct frame frame = { .depth = 0 };
	AUTO_ERR struct err err = { 0 };
	const char *text;
	size_t len;
	int got = 0;

	read_document((const char *)in.data, in.len);
	while (got >= 0 && in.len) {
		size_t n = fuzz_piece(&seed, in.len);

		frame_push(&frame, in.data, n);
		in.data += n;
		in.len -= n;
		while ((got = frame_next(&frame, &text, &len, &err)) > 0)
			read_document(text, len);
	}
	frame_free(&frame);
	return 0;
}
