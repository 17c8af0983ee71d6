/* SPDX-License-Identifier: MIT */
/*
 * A QMP session with a peer that says anything at any time.
 *
 * Input: a byte that cuts into pieces, a number of commands, as many bytes that
 * choose them, then what the peer says, greeting included (fuzz_peer.h has two
 * directions for it). The upper half of a command's byte has it asked by
 * another task, cancelled half-way, or given no time.
 */
#include "qmp/json.h"
#include "qmp/qmp_machine.h"
#include "qmp/qmp_migrate.h"
#include "qmp/qmp_plug.h"
#include "qmp/qmp_status.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_peer.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum { COMMANDS_MAX = 8, LONG_MS = 60000 };
enum { HOW_BESIDE = 0x80, HOW_CANCELLED = 0x40, HOW_HURRIED = 0x20 };

struct command {
	struct qmp *q;
	unsigned int what;
	struct task *task; /* NULL: it was run in place */
};

static void look_at(struct qmp *q, const struct qmp_plug *d, struct mono until,
		    struct err *err)
{
	AUTO_STRV struct strv objects = { 0 };
	AUTO_FREE char *bus = NULL;

	json_object_put(qmp_plug_device(q, d, &objects, &bus, until, err));
	for (size_t i = 0; i < objects.n; i++)
		json_object_put(qmp_plug_object(q, objects.v[i], until, err));
}

static void run_query(struct qmp *q, unsigned int what, struct mono until,
		      struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	AUTO_STRV struct strv words = { 0 };
	AUTO_FREE char *word = NULL;
	struct qmp_migrate_info info;
	struct qmp_status status;
	struct qmp_disks disks;
	struct qmp_plugs plugs;
	char uuid[37];

	switch (what % 8) {
	case 0:
		(void)qmp_query_status(q, &status, until, err);
		break;
	case 1:
		(void)qmp_machine_type(q, &word, until, err);
		break;
	case 2:
		(void)qmp_query_uuid(q, uuid, until, err);
		break;
	case 3:
		(void)qmp_query_migrate(q, &info, until, err);
		qmp_migrate_info_free(&info);
		break;
	case 4:
		(void)qmp_query_capabilities(q, &reply, until, err);
		break;
	case 5:
		if (qmp_query_disks(q, &disks, until, err) == 0)
			qmp_disks_free(&disks);
		break;
	case 6:
		if (qmp_plugs_query(q, &plugs, until, err) < 0)
			break;
		for (size_t i = 0; i < plugs.n; i++)
			look_at(q, &plugs.v[i], until, err);
		qmp_plugs_free(&plugs);
		break;
	default:
		(void)qmp_query_jobs(q, &words, until, err);
	}
}

static void run_command(void *arg)
{
	const struct command *c = arg;
	struct mono until = mono_in_ms(c->what & HOW_HURRIED ? 0 : LONG_MS);
	AUTO_ERR struct err err = { 0 };

	switch (c->what % 16) {
	case 8:
		(void)qmp_yank_migration(c->q, until, &err);
		break;
	case 9:
		(void)qmp_cont(c->q, until, &err);
		break;
	case 10:
		(void)qmp_quit(c->q, until, &err);
		break;
	case 11:
		(void)qmp_getfd(c->q, "f", 0, until, &err);
		break;
	default:
		run_query(c->q, c->what, until, &err);
	}
}

static void start_command(struct command *c)
{
	if (!(c->what & (HOW_BESIDE | HOW_CANCELLED))) {
		run_command(c);
		return;
	}
	c->task = task_start(task_loop(), "beside", run_command, c);
	if (c->what & HOW_CANCELLED) {
		task_yield();
		task_yield();
		task_cancel(c->task);
	}
}

static void drain(struct qmp_listener *l)
{
	struct qmp_event *e;

	while ((e = qmp_listener_take(l)))
		qmp_event_free(e);
}

static void session(struct qmp *q, const uint8_t *what, size_t n)
{
	struct qmp_listener *l = qmp_listen(q, NULL);
	struct command commands[COMMANDS_MAX];

	for (size_t i = 0; i < n; i++) {
		commands[i] = (struct command){ .q = q, .what = what[i] };
		start_command(&commands[i]);
		drain(l);
	}
	for (size_t i = 0; i < n; i++)
		task_join(commands[i].task);
	drain(l);
	qmp_listener_free(l);
}

static void talk(void *arg)
{
	struct fuzz_input in = *(const struct fuzz_input *)arg;
	uint32_t seed = fuzz_take(&in);
	size_t n = fuzz_take(&in) % (COMMANDS_MAX + 1);
	uint8_t what[COMMANDS_MAX];
	AUTO_ERR struct err err = { 0 };
	struct qmp *q;

	for (size_t i = 0; i < n; i++)
		what[i] = (uint8_t)fuzz_take(&in);
	q = qmp_open(fuzz_peer_new(in, seed, true), "source",
		     mono_in_ms(LONG_MS), &err);
	if (q)
		session(q, what, n);
	else
		fuzz_claim(err.kind != ERR_NONE && err.message,
			   "a session that fails says why");
	qmp_close(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	fuzz_in_task(talk, &in);
	return 0;
}
