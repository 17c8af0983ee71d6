/* SPDX-License-Identifier: MIT */
/* schema: feature probes and validation on three stored versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "qmp/json.h"
#include "qmp/schema.h"
#include "tests/unit/qmp_fixture.h"
#include "transport/base/xalloc.h"

enum { V7, V10, V11, VERSIONS };
static struct schema *versions[VERSIONS];

static int load(void **state)
{
	(void)state;
	for (int v = 0; v < VERSIONS; v++) {
		AUTO_JSON struct json_object *entries =
			fake_qemu_schema(fake_qemu_versions[v]);

		versions[v] = schema_new(entries, NULL);
		if (!versions[v])
			return -1;
	}
	return 0;
}

static int unload(void **state)
{
	(void)state;
	for (int v = 0; v < VERSIONS; v++)
		schema_free(versions[v]);
	return 0;
}

static int validate(int v, const char *command, const char *args,
		    struct err *err)
{
	AUTO_JSON struct json_object *o =
		args ? json_parse(args, strlen(args), err) : NULL;

	if (args && !o)
		fail_msg("bad arguments in the test: %s", args);
	return schema_validate(versions[v], command, o, err);
}

static void valid(int v, const char *command, const char *args)
{
	AUTO_ERR struct err err = { 0 };

	expect_ok(validate(v, command, args, &err), &err);
}

static void invalid(int v, const char *command, const char *args,
		    const char *words)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(validate(v, command, args, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, words);
}

/* --- what exists --------------------------------------------------------- */

static void commands_and_events_are_told_from_types(void **state)
{
	(void)state;
	for (int v = 0; v < VERSIONS; v++) {
		assert_true(schema_has_command(versions[v], "migrate"));
		assert_false(schema_has_command(versions[v], "STOP"));
		assert_false(schema_has_command(versions[v], "str"));
		assert_true(schema_has_event(versions[v], "STOP"));
		assert_false(schema_has_event(versions[v], "migrate"));
	}
}

static void migrate_has_channels_only_since_8_2(void **state)
{
	(void)state;
	assert_false(schema_has_argument(versions[V7], "migrate", "channels"));
	assert_true(schema_has_argument(versions[V10], "migrate", "channels"));
	assert_true(schema_has_argument(versions[V11], "migrate", "channels"));
}

static void arguments_are_found_inside_lists_and_variants(void **state)
{
	(void)state;
	assert_true(schema_has_argument(versions[V10], "migrate-incoming",
					"channels.addr"));
	assert_true(schema_has_argument(versions[V10], "migrate",
					"channels.addr.path"));
	assert_false(schema_has_argument(versions[V10], "migrate",
					 "channels.nowhere"));
	assert_false(schema_has_argument(versions[V10], "migrate", "uri.addr"));
	assert_false(schema_has_argument(versions[V10], "migrate", ""));
	assert_false(schema_has_argument(versions[V10], "no-such", "uri"));
}

static void parameters_differ_between_versions(void **state)
{
	static const char set[] = "migrate-set-parameters";
	static const char knob[] = "avail-switchover-bandwidth";

	(void)state;
	assert_false(schema_has_argument(versions[V7], set, knob));
	assert_true(schema_has_argument(versions[V10], set, knob));
	assert_true(schema_has_argument(versions[V11], set, knob));
	assert_true(schema_has_argument(versions[V7], set, "downtime-limit"));
	assert_true(schema_has_argument(versions[V7], set, "compress-level"));
	assert_false(schema_has_argument(versions[V11], set, "compress-level"));
}

static void capabilities_are_values_of_an_enum(void **state)
{
	static const char set[] = "migrate-set-capabilities";
	static const char at[] = "capabilities.capability";

	(void)state;
	assert_true(schema_enum_has(versions[V7], set, at, "return-path"));
	assert_false(schema_enum_has(versions[V7], set, at, "mapped-ram"));
	assert_true(schema_enum_has(versions[V10], set, at, "mapped-ram"));
	assert_true(schema_enum_has(versions[V7], set, at, "block"));
	assert_false(schema_enum_has(versions[V11], set, at, "block"));
	assert_false(schema_enum_has(versions[V11], "migrate", "uri", "x"));
}

static void only_a_few_commands_go_out_of_band(void **state)
{
	(void)state;
	for (int v = 0; v < VERSIONS; v++) {
		assert_true(schema_allows_oob(versions[v], "yank"));
		assert_true(schema_allows_oob(versions[v], "migrate-recover"));
		assert_false(schema_allows_oob(versions[v], "query-migrate"));
	}
}

/* --- validation ---------------------------------------------------------- */

static void unknown_commands_are_refused(void **state)
{
	(void)state;
	invalid(V7, "no-such", NULL, "no-such: unknown command");
	invalid(V7, "STOP", NULL, "unknown command");
}

static void unknown_arguments_are_refused_by_name(void **state)
{
	(void)state;
	invalid(V7, "migrate", "{\"uri\":\"x\",\"channels\":[]}",
		"migrate.channels: unknown");
	invalid(V7, "query-status", "{\"x\":1}", "query-status.x: unknown");
	valid(V7, "migrate", "{\"uri\":\"x\",\"detach\":true}");
}

static void missing_arguments_are_refused_by_name(void **state)
{
	(void)state;
	invalid(V7, "getfd", NULL, "getfd.fdname: missing");
	invalid(V7, "migrate-set-capabilities",
		"{\"capabilities\":[{\"state\":true}]}",
		"migrate-set-capabilities.capabilities[0].capability: missing");
}

static void wrong_types_are_refused(void **state)
{
	(void)state;
	invalid(V7, "getfd", "{\"fdname\":5}",
		"getfd.fdname: wrong type: \"5\"");
	invalid(V7, "migrate-set-parameters", "{\"max-bandwidth\":\"100\"}",
		"wrong type");
	invalid(V7, "migrate-set-parameters", "{\"max-bandwidth\":1.5}",
		"wrong type");
	invalid(V7, "migrate-set-capabilities", "{\"capabilities\":{}}",
		"wrong type");
	invalid(V7, "getfd", "{\"fdname\":null}", "wrong type");
	invalid(V7, "getfd", "[]", "no object");
	valid(V7, "migrate-set-parameters",
	      "{\"max-bandwidth\":18446744073709551615}");
}

static void enum_values_are_checked(void **state)
{
	(void)state;
	valid(V7, "migrate-continue", "{\"state\":\"pre-switchover\"}");
	invalid(V7, "migrate-continue", "{\"state\":\"soon\"}",
		"migrate-continue.state: not one of its values: \"\\\"soon");
}

static void variants_are_chosen_by_their_tag(void **state)
{
	(void)state;
	valid(V10, "migrate",
	      "{\"channels\":[{\"channel-type\":\"main\",\"addr\":"
	      "{\"transport\":\"socket\",\"type\":\"unix\",\"path\":\"/"
	      "x\"}}]}");
	invalid(V10, "migrate",
		"{\"channels\":[{\"channel-type\":\"main\",\"addr\":"
		"{\"transport\":\"socket\",\"type\":\"unix\"}}]}",
		"migrate.channels[0].addr.path: missing");
	invalid(V10, "migrate",
		"{\"channels\":[{\"channel-type\":\"main\",\"addr\":"
		"{\"transport\":\"socket\",\"type\":\"unix\",\"path\":\"/x\","
		"\"port\":\"1\"}}]}",
		"migrate.channels[0].addr.port: unknown");
	valid(V7, "blockdev-add",
	      "{\"driver\":\"qcow2\",\"node-name\":\"n\",\"file\":"
	      "{\"driver\":\"file\",\"filename\":\"/x\"}}");
	invalid(V7, "blockdev-add",
		"{\"driver\":\"qcow2\",\"node-name\":\"n\",\"file\":"
		"{\"driver\":\"file\"}}",
		"blockdev-add.file.filename: missing");
}

static void alternates_are_chosen_by_the_kind_of_value(void **state)
{
	(void)state;
	/* a string names a node where an object would describe one */
	valid(V7, "blockdev-add",
	      "{\"driver\":\"qcow2\",\"node-name\":\"n\",\"file\":\"f\"}");
	invalid(V7, "blockdev-add",
		"{\"driver\":\"qcow2\",\"node-name\":\"n\",\"file\":5}",
		"blockdev-add.file: fits no alternative");
	valid(V7, "migrate-set-parameters", "{\"tls-creds\":null}");
}

static void device_add_takes_properties_of_any_device(void **state)
{
	(void)state;
	valid(V7, "device_add",
	      "{\"driver\":\"virtio-blk-pci\",\"drive\":\"d\",\"x\":1}");
	invalid(V7, "device_add", "{\"id\":\"x\"}", "device_add.driver");
}

/* --- schemas that are not what they should be ---------------------------- */

static struct schema *from(const char *text, struct err *err)
{
	AUTO_JSON struct json_object *o = json_parse(text, strlen(text), err);

	return schema_new(o, err);
}

static void a_reply_that_is_no_schema_is_refused(void **state)
{
	AUTO_ERR struct err err = { 0 };

	(void)state;
	assert_null(from("{}", &err));
	expect_err_kind(&err, ERR_PROTOCOL,
			"query-qmp-schema: expected a list");
	assert_null(from("[1]", &err));
	expect_err_kind(&err, ERR_PROTOCOL, "query-qmp-schema.[0]");
	assert_null(from("[{\"name\":\"a\"}]", &err));
	expect_err_kind(&err, ERR_PROTOCOL, "meta-type: missing");
	assert_null(from("[{\"name\":\"a\",\"meta-type\":\"x\"},"
			 "{\"name\":\"a\",\"meta-type\":\"y\"}]",
			 &err));
	expect_err_kind(&err, ERR_PROTOCOL, "two entries named a");
}

static void types_that_lead_back_to_themselves_end_the_search(void **state)
{
	struct schema *s =
		from("[{\"name\":\"c\",\"meta-type\":\"command\",\"arg-type\":"
		     "\"o\"},{\"name\":\"o\",\"meta-type\":\"object\","
		     "\"members\":[{\"name\":\"t\",\"type\":\"l\"}],\"tag\":"
		     "\"t\",\"variants\":[{\"case\":\"x\",\"type\":\"o\"},"
		     "{\"case\":\"y\",\"type\":\"o\"}]},{\"name\":\"l\","
		     "\"meta-type\":\"array\",\"element-type\":\"l\"}]",
		     NULL);
	AUTO_JSON struct json_object *args = json_add_str(json_new(), "t", "x");

	(void)state;
	assert_non_null(s);
	assert_false(schema_has_argument(s, "c", "none"));
	assert_false(schema_has_argument(s, "c", "t.none"));
	assert_int_equal(schema_validate(s, "c", args, NULL), -1);
	schema_free(s);
}

static void live_body(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	struct schema *s = schema_query(q, SOON, &err);

	(void)r;
	expect_ok(s ? 0 : -1, &err);
	assert_true(schema_has_command(s, "migrate"));
	assert_true(schema_has_argument(s, "migrate", "uri"));
	assert_true(schema_has_event(s, "MIGRATION"));
	schema_free(s);
}

static void a_real_qemu_tells_its_schema(void **state)
{
	(void)state;
	with_real(NULL, live_body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_and_events_are_told_from_types),
		cmocka_unit_test(migrate_has_channels_only_since_8_2),
		cmocka_unit_test(arguments_are_found_inside_lists_and_variants),
		cmocka_unit_test(parameters_differ_between_versions),
		cmocka_unit_test(capabilities_are_values_of_an_enum),
		cmocka_unit_test(only_a_few_commands_go_out_of_band),
		cmocka_unit_test(unknown_commands_are_refused),
		cmocka_unit_test(unknown_arguments_are_refused_by_name),
		cmocka_unit_test(missing_arguments_are_refused_by_name),
		cmocka_unit_test(wrong_types_are_refused),
		cmocka_unit_test(enum_values_are_checked),
		cmocka_unit_test(variants_are_chosen_by_their_tag),
		cmocka_unit_test(alternates_are_chosen_by_the_kind_of_value),
		cmocka_unit_test(device_add_takes_properties_of_any_device),
		cmocka_unit_test(a_reply_that_is_no_schema_is_refused),
		cmocka_unit_test(
			types_that_lead_back_to_themselves_end_the_search),
		cmocka_unit_test(a_real_qemu_tells_its_schema),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
