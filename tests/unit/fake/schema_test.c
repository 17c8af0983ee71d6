/* SPDX-License-Identifier: MIT */
/* schema: validation by three stored versions. */
#include <string.h>

#include "qmp/json.h"
#include "tests/fake/schema.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
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

TEST_GROUP_FIXTURE(load, unload);

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

TEST(events_are_known)
{
	for (int v = 0; v < VERSIONS; v++) {
		assert_true(schema_has_event(versions[v], "STOP"));
		assert_false(schema_has_event(versions[v], "migrate"));
	}
}

TEST(only_a_few_commands_go_out_of_band)
{
	for (int v = 0; v < VERSIONS; v++) {
		assert_true(schema_allows_oob(versions[v], "yank"));
		assert_true(schema_allows_oob(versions[v], "migrate-recover"));
		assert_false(schema_allows_oob(versions[v], "query-migrate"));
	}
}

/* --- validation ---------------------------------------------------------- */

TEST(unknown_commands_are_refused)
{
	invalid(V7, "no-such", NULL, "no-such: unknown command");
	invalid(V7, "STOP", NULL, "unknown command");
}

TEST(unknown_arguments_are_refused_by_name)
{
	invalid(V7, "migrate", "{\"uri\":\"x\",\"channels\":[]}",
		"migrate.channels: unknown");
	invalid(V7, "query-status", "{\"x\":1}", "query-status.x: unknown");
	valid(V7, "migrate", "{\"uri\":\"x\",\"detach\":true}");
}

TEST(missing_arguments_are_refused_by_name)
{
	invalid(V7, "getfd", NULL, "getfd.fdname: missing");
	invalid(V7, "migrate-set-capabilities",
		"{\"capabilities\":[{\"state\":true}]}",
		"migrate-set-capabilities.capabilities[0].capability: missing");
}

TEST(wrong_types_are_refused)
{
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

TEST(enum_values_are_checked)
{
	valid(V7, "migrate-continue", "{\"state\":\"pre-switchover\"}");
	invalid(V7, "migrate-continue", "{\"state\":\"soon\"}",
		"migrate-continue.state: not one of its values: \"\\\"soon");
}

TEST(variants_are_chosen_by_their_tag)
{
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

TEST(alternates_are_chosen_by_the_kind_of_value)
{
	/* a string names a node where an object would describe one */
	valid(V7, "blockdev-add",
	      "{\"driver\":\"qcow2\",\"node-name\":\"n\",\"file\":\"f\"}");
	invalid(V7, "blockdev-add",
		"{\"driver\":\"qcow2\",\"node-name\":\"n\",\"file\":5}",
		"blockdev-add.file: fits no alternative");
	valid(V7, "migrate-set-parameters", "{\"tls-creds\":null}");
}

TEST(device_add_takes_properties_of_any_device)
{
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

TEST(a_reply_that_is_no_schema_is_refused)
{
	AUTO_ERR struct err err = { 0 };

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

TEST(types_that_lead_back_to_themselves_end_the_search)
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

	assert_non_null(s);
	assert_int_equal(schema_validate(s, "c", args, NULL), -1);
	schema_free(s);
}
