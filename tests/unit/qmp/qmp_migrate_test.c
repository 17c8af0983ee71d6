/* SPDX-License-Identifier: MIT */
/* qmp_migrate: each command against all schemas, and a real QEMU. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qmp/json.h"
#include "qmp/qmp_migrate.h"
#include "qmp/qmp_status.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

static const struct qmp_capability capabilities[] = {
	{ "return-path", true },	 { "events", true },
	{ "late-block-activate", true }, { "pause-before-switchover", true },
	{ "auto-converge", false },	 { "validate-uuid", true },
};

static void set_everything(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_JSON struct json_object *caps = NULL;
	AUTO_JSON struct json_object *params = NULL;
	struct json_object *limits = json_new();
	bool on = false;

	expect_ok(qmp_query_capabilities(q, &caps, SOON, &err), &err);
	assert_true(qmp_capability_known(caps, "events", &on));
	assert_true(on);
	assert_false(qmp_capability_known(caps, "warp", NULL));
	expect_ok(qmp_migrate_set_capabilities(q, capabilities,
					       ARRAY_SIZE(capabilities), SOON,
					       &err),
		  &err);
	json_add_u64(limits, "max-bandwidth", UINT64_MAX);
	json_add_u64(limits, "downtime-limit", 1);
	expect_ok(qmp_migrate_set_parameters(q, limits, SOON, &err), &err);
	expect_ok(qmp_query_migrate_parameters(q, &params, SOON, &err), &err);
	assert_true(json_has((struct json_at){ params, "" }, "downtime-limit"));
}

static void run_everything(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	expect_ok(qmp_getfd(q, "wire", fd, SOON, &err), &err);
	expect_ok(qmp_migrate(q, "fd:wire", SOON, &err), &err);
	expect_ok(qmp_migrate_incoming(q, "unix:/x", SOON, &err), &err);
	expect_ok(qmp_migrate_continue(q, SOON, &err), &err);
	expect_ok(qmp_migrate_cancel(q, SOON, &err), &err);
	expect_ok(qmp_yank_migration(q, SOON, &err), &err);
	expect_ok(qmp_closefd(q, "wire", SOON, &err), &err);
	expect_ok(qmp_announce_self(q, SOON, &err), &err);
}

static void every_command_body(struct qmp *q)
{
	set_everything(q);
	run_everything(q);
}

TEST(every_command_suits_all_versions)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate-capabilities",
		  .reply = "[{\"capability\":\"xbzrle\",\"state\":false},"
			   "{\"capability\":\"events\",\"state\":true}]" },
		{ .expect = "migrate-set-capabilities" },
		{ .expect = "migrate-set-parameters",
		  .args = "{\"max-bandwidth\":18446744073709551615,"
			  "\"downtime-limit\":1}" },
		{ .expect = "query-migrate-parameters",
		  .reply = "{\"downtime-limit\":1}" },
		{ .expect = "getfd", .fd = true },
		{ .expect = "migrate", .args = "{\"uri\":\"fd:wire\"}" },
		{ .expect = "migrate-incoming",
		  .args = "{\"uri\":\"unix:/x\"}" },
		{ .expect = "migrate-continue",
		  .args = "{\"state\":\"pre-switchover\"}" },
		{ .expect = "migrate_cancel" },
		{ .expect = "yank",
		  .oob = true,
		  .args = "{\"instances\":[{\"type\":\"migration\"}]}" },
		{ .expect = "closefd", .args = "{\"fdname\":\"wire\"}" },
		{ .expect = "announce-self",
		  .args = "{\"initial\":50,\"max\":550,\"rounds\":5,"
			  "\"step\":100}" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps),
			    every_command_body);
	}
}

TEST(statuses_are_read_back_from_their_names)
{
	for (int i = 0; i < MIGRATION_UNKNOWN; i++) {
		enum migration_status s = (enum migration_status)i;

		assert_int_equal(
			migration_status_parse(migration_status_name(s)), s);
	}
	assert_int_equal(migration_status_parse("postcopy-recover-setup"),
			 MIGRATION_UNKNOWN);
	assert_int_equal(migration_status_parse(""), MIGRATION_UNKNOWN);
}

/* --- query-migrate ------------------------------------------------------- */

#define RAM(transferred)                                                     \
	"\"ram\":{\"total\":137445376,\"postcopy-requests\":0,"              \
	"\"dirty-sync-count\":3,\"multifd-bytes\":0,\"pages-per-second\":9," \
	"\"page-size\":4096,\"remaining\":4096,\"mbps\":268.5,"              \
	"\"transferred\":" transferred ",\"duplicate\":7,"                   \
	"\"dirty-pages-rate\":11,\"skipped\":0,\"normal-bytes\":8192,"       \
	"\"normal\":2}"

static const char *query_words;

static void refused_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_migrate_info info;

	assert_int_equal(qmp_query_migrate(q, &info, SOON, &err), -1);
	assert_null(info.error_desc);
	expect_err_kind(&err, ERR_PROTOCOL, query_words);
}

static void refused(const char *reply, const char *words)
{
	const struct fake_step steps[] = {
		{ .expect = "query-migrate", .reply = reply },
	};

	query_words = words;
	WITH_SCRIPT(steps, refused_body);
}

static void untouched_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_migrate_info info;

	expect_ok(qmp_query_migrate(q, &info, SOON, &err), &err);
	assert_int_equal(info.status, MIGRATION_NONE);
	assert_string_equal(info.raw, "none");
	assert_false(info.has_ram);
	assert_int_equal(info.total_time_ms, -1);
	assert_int_equal(info.downtime_ms, -1);
	assert_null(info.blocked);
	assert_null(info.error_desc);
	qmp_migrate_info_free(&info);
}

TEST(an_empty_answer_means_never_started)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate" },
	};

	WITH_SCRIPT(steps, untouched_body);
}

static void full_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_migrate_info i;

	expect_ok(qmp_query_migrate(q, &i, SOON, &err), &err);
	assert_int_equal(i.status, MIGRATION_ACTIVE);
	assert_true(i.has_ram);
	assert_true(i.transferred_bytes == 5000000000);
	assert_int_equal(i.remaining_bytes, 4096);
	assert_int_equal(i.total_bytes, 137445376);
	assert_int_equal(i.normal_pages, 2);
	assert_int_equal(i.duplicate_pages, 7);
	assert_int_equal(i.dirty_pages_per_s, 11);
	assert_int_equal(i.dirty_sync_count, 3);
	assert_int_equal(i.page_bytes, 4096);
	assert_true(i.mbps > 268.4 && i.mbps < 268.6);
	assert_int_equal(i.throttle_percent, 20);
	assert_int_equal(i.total_time_ms, 900);
	assert_int_equal(i.setup_time_ms, 2);
	assert_int_equal(i.expected_downtime_ms, 300);
	assert_int_equal(i.downtime_ms, -1);
	qmp_migrate_info_free(&i);
}

TEST(all_figures_are_read)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"active\",\"total-time\":900,"
			   "\"setup-time\":2,\"expected-downtime\":300,"
			   "\"cpu-throttle-percentage\":20," RAM(
				   "5000000000") "}" },
	};

	WITH_SCRIPT(steps, full_body);
}

static void failed_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_migrate_info info;

	expect_ok(qmp_query_migrate(q, &info, SOON, &err), &err);
	assert_int_equal(info.status, MIGRATION_FAILED);
	assert_string_equal(info.error_desc, "Sibling indicated error 1");
	qmp_migrate_info_free(&info);
	expect_ok(qmp_query_migrate(q, &info, SOON, &err), &err);
	assert_string_equal(info.blocked, "one; two");
	qmp_migrate_info_free(&info);
}

TEST(reasons_for_failure_and_blocking_are_kept)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"failed\",\"error-desc\":"
			   "\"Sibling indicated error 1\"}" },
		{ .expect = "query-migrate",
		  .reply = "{\"blocked-reasons\":[\"one\",\"two\"]}" },
	};

	WITH_SCRIPT(steps, failed_body);
}

static void new_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_migrate_info info;

	expect_ok(qmp_query_migrate(q, &info, SOON, &err), &err);
	assert_int_equal(info.status, MIGRATION_UNKNOWN);
	assert_string_equal(info.raw, "teleporting");
	qmp_migrate_info_free(&info);
}

TEST(a_new_status_keeps_its_word)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"teleporting\"}" },
	};

	WITH_SCRIPT(steps, new_body);
}

TEST(figures_that_are_none_are_refused)
{
	refused("{\"status\":5}", "query-migrate.status: expected a string");
	refused("{\"status\":\"active\"," RAM("\"12abc\"") "}",
		"query-migrate.ram.transferred: expected an unsigned integer");
	refused("{\"status\":\"active\"," RAM("-1") "}",
		"query-migrate.ram.transferred");
	refused("{\"ram\":{}}", "query-migrate.ram.transferred: missing");
	refused("{\"error-desc\":\"x\",\"cpu-throttle-percentage\":101}",
		"cpu-throttle-percentage");
	refused("{\"blocked-reasons\":[5]}", "blocked-reasons[0]");
	refused("{\"total-time\":1.5}", "query-migrate.total-time");
}

/* --- where a destination waits -------------------------------------------- */

static void port_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	uint16_t port = 0;

	expect_ok(qmp_query_incoming_port(q, &port, SOON, &err), &err);
	assert_int_equal(port, 49153);
}

TEST(the_port_of_a_destination_is_read)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate",
		  .reply = "{\"socket-address\":[{\"type\":\"unix\","
			   "\"path\":\"/x\"},{\"type\":\"inet\",\"host\":"
			   "\"::1\",\"port\":\"49153\"}]}" },
	};

	WITH_SCRIPT(steps, port_body);
}

static void no_port_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	uint16_t port;

	assert_int_equal(qmp_query_incoming_port(q, &port, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, query_words);
}

TEST(a_port_that_is_none_is_refused)
{
	static const struct {
		const char *reply, *words;
	} cases[] = {
		{ "{}", "socket-address: missing" },
		{ "{\"socket-address\":[]}", "no TCP address" },
		{ "{\"socket-address\":[{\"type\":\"inet\"}]}",
		  "port: missing" },
		{ "{\"socket-address\":[{\"type\":\"inet\",\"port\":7}]}",
		  "port: expected a string" },
		{ "{\"socket-address\":[{\"type\":\"inet\",\"port\":\"0\"}]}",
		  "\"0\" is no port" },
		{ "{\"socket-address\":[{\"type\":\"inet\",\"port\":\"65536\"}"
		  "]}",
		  "\"65536\" is no port" },
		{ "{\"socket-address\":[{\"type\":\"inet\",\"port\":\"8x\"}]}",
		  "\"8x\" is no port" },
		{ "{\"socket-address\":[{\"type\":\"inet\",\"port\":\" 8\"}]}",
		  "\" 8\" is no port" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct fake_step steps[] = {
			{ .expect = "query-migrate", .reply = cases[i].reply },
		};

		query_words = cases[i].words;
		WITH_SCRIPT(steps, no_port_body);
	}
}

/* --- a real migration ---------------------------------------------------- */

static enum migration_status wait_status(struct qmp *q, struct qmp_listener *l)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_migrate_info info;
	enum migration_status s;

	for (;;) {
		struct qmp_event *e;

		expect_ok(qmp_query_migrate(q, &info, SOON, &err), &err);
		s = info.status;
		qmp_migrate_info_free(&info);
		if (s == MIGRATION_COMPLETED || s == MIGRATION_FAILED ||
		    s == MIGRATION_PRE_SWITCHOVER)
			return s;
		e = next_event(q, l, SOON, &err);
		expect_ok(e ? 0 : -1, &err);
		qmp_event_free(e);
	}
}

/* Reads and forgets what QEMU sends, to the end. */
static void drain(void *arg)
{
	struct stream *s = arg;
	char data[4096];

	while (stream_read(s, data, sizeof(data), SOON, NULL) > 0)
		;
	stream_close(s);
}

static void migrate_away(struct qmp *q, struct real_qemu *r)
{
	static const struct qmp_capability caps[] = {
		{ "events", true },
		{ "pause-before-switchover", true },
	};
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);
	struct qmp_status status;
	struct task *reader;
	int pair[2];

	(void)r;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	reader = task_start(task_loop(), "drain", drain,
			    stream_fd_new(pair[0], pair[0]));
	expect_ok(qmp_migrate_set_capabilities(q, caps, ARRAY_SIZE(caps), SOON,
					       &err),
		  &err);
	expect_ok(qmp_getfd(q, "wire", pair[1], SOON, &err), &err);
	close(pair[1]);
	expect_ok(qmp_migrate(q, "fd:wire", SOON, &err), &err);
	assert_int_equal(wait_status(q, l), MIGRATION_PRE_SWITCHOVER);
	expect_ok(qmp_migrate_continue(q, SOON, &err), &err);
	while (wait_status(q, l) != MIGRATION_COMPLETED)
		;
	expect_ok(qmp_query_status(q, &status, SOON, &err), &err);
	assert_false(status.running);
	qmp_listener_free(l);
	task_join(reader);
}

TEST(a_real_qemu_migrates_through_a_descriptor)
{
	with_real(NULL, migrate_away);
}

static void real_set_body(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_JSON struct json_object *caps = NULL;
	bool on = true;

	(void)r;
	expect_ok(qmp_migrate_set_capabilities(q, capabilities,
					       ARRAY_SIZE(capabilities), SOON,
					       &err),
		  &err);
	expect_ok(qmp_query_capabilities(q, &caps, SOON, &err), &err);
	assert_true(qmp_capability_known(caps, "return-path", &on));
	assert_true(on);
	assert_true(qmp_capability_known(caps, "auto-converge", &on));
	assert_false(on);
	expect_ok(qmp_announce_self(q, SOON, &err), &err);
	expect_ok(qmp_migrate_cancel(q, SOON, &err), &err);
}

TEST(a_real_qemu_takes_our_capabilities)
{
	with_real(NULL, real_set_body);
}
