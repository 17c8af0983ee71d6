/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_json.c. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_json.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

TEST(only_objects_are_taken)
{
	static const char *const texts[] = {
		"", "{", "[]", "1", "{} x", "{'a':1}", "{\"a\":1,\"a\":2}"
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_null(argv_json_parse(texts[i]));
}

/* A member with a name of @len bytes. */
static bool takes_name_of(size_t len)
{
	AUTO_FREE char *name = xmalloc(len + 1);
	AUTO_FREE char *text = NULL;
	struct json_object *root;

	memset(name, 'n', len);
	name[len] = '\0';
	text = xasprintf("{\"%s\":1}", name);
	root = argv_json_parse(text);
	json_object_put(root);
	return root != NULL;
}

/* A dot before each counts. */
TEST(all_names_together_are_a_mebibyte_at_most)
{
	assert_true(takes_name_of(1024 * 1024 - 1));
	assert_false(takes_name_of(1024 * 1024));
}

static void note_leaf(void *arg, const char *key, const char *value)
{
	buf_printf(arg, "%s=%s;", key, value);
}

TEST(leaves_come_in_order)
{
	struct json_object *root = argv_json_parse(
		"{\"b\":{\"d\":1,\"c\":[true,null,\"x\"]},\"a\":-2,\"e\":{}}");
	AUTO_BUF struct buf b = { .base = NULL };

	argv_json_walk(root, note_leaf, &b);
	json_object_put(root);
	assert_string_equal(buf_data(&b),
			    "b.d=1;b.c.0=on;b.c.1=;b.c.2=x;a=-2;");
}

static void expect_set(const char *text, const char *key, const char *value,
		       const char *expected)
{
	struct json_object *root = argv_json_parse(text);
	AUTO_FREE char *got = NULL;

	argv_json_set(root, key, value);
	got = argv_json_text(root);
	json_object_put(root);
	assert_string_equal(got, expected);
}

TEST(booleans_stay_booleans_and_strings_strings)
{
	expect_set("{\"a\":true}", "a", "off", "{\"a\":false}");
	expect_set("{\"a\":\"on\"}", "a", "off", "{\"a\":\"off\"}");
	expect_set("{}", "a", "on", "{\"a\":true}");
	expect_set("{}", "a", "/x", "{\"a\":\"/x\"}");
	expect_set("{\"a\":{\"b\":[0]}}", "a.b.0", "1",
		   "{\"a\":{\"b\":[\"1\"]}}");
}

TEST(a_place_that_does_not_exist_is_left_alone)
{
	expect_set("{\"a\":1}", "b.c", "x", "{\"a\":1}");
	expect_set("{\"a\":1}", "a.b", "x", "{\"a\":1}");
}

TEST(members_can_be_deleted)
{
	struct json_object *root = argv_json_parse("{\"a\":{\"b\":1,\"c\":2}}");
	AUTO_FREE char *got = NULL;

	argv_json_delete(root, "a.b");
	argv_json_delete(root, "x.y");
	got = argv_json_text(root);
	json_object_put(root);
	assert_string_equal(got, "{\"a\":{\"c\":2}}");
}
