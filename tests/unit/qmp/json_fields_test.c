/* SPDX-License-Identifier: MIT */
/* Tests of qmp/json_fields.c. */
#include "qmp/json_fields.h"
#include "qmp/json.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define BAD "\uFFFD"

static void expect_text(const char *value, const char *expected)
{
	AUTO_JSON struct json_object *o = json_new();
	const char *got = NULL;

	json_fields_text(o, "k", value);
	got = json_object_get_string(json_object_object_get(o, "k"));
	assert_string_equal(got, expected);
}

TEST(utf8_of_every_length_passes)
{
	expect_text("", "");
	expect_text("a\x7f", "a\x7f");
	/* the first and the last of two, three and four bytes */
	expect_text("\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf");
	expect_text("\xe0\xa0\x80\xef\xbf\xbf", "\xe0\xa0\x80\xef\xbf\xbf");
	expect_text("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
		    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
	/* beside the surrogates */
	expect_text("\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80");
}

TEST(each_byte_of_a_broken_sequence_is_replaced)
{
	expect_text("a\x80z", "a" BAD "z");
	expect_text("\xff\xf8", BAD BAD);
	expect_text("\xc3z", BAD "z");
	expect_text("\xe2\x82", BAD BAD);
	expect_text("\xe2\x82z", BAD BAD "z");
}

TEST(overlong_forms_are_no_utf8)
{
	expect_text("\xc1\xbf", BAD BAD);
	expect_text("\xe0\x9f\xbf", BAD BAD BAD);
	expect_text("\xf0\x8f\xbf\xbf", BAD BAD BAD BAD);
}

TEST(surrogates_and_what_is_past_unicode_are_no_utf8)
{
	expect_text("\xed\xa0\x80", BAD BAD BAD);
	expect_text("\xed\xbf\xbf", BAD BAD BAD);
	expect_text("\xf4\x90\x80\x80", BAD BAD BAD BAD);
}

TEST(what_is_missing_is_null)
{
	AUTO_JSON struct json_object *o = json_new();
	AUTO_FREE char *line = NULL;

	json_fields_text(o, "text", NULL);
	json_fields_count(o, "count", -1);
	json_fields_strv(o, "list", NULL);
	line = json_line(o);
	assert_string_equal(line,
			    "{\"text\":null,\"count\":null,\"list\":null}");
}

TEST(a_count_of_zero_is_a_number)
{
	AUTO_JSON struct json_object *o = json_new();
	AUTO_FREE char *line = NULL;

	json_fields_count(o, "none", 0);
	json_fields_count(o, "many", INT64_MAX);
	line = json_line(o);
	assert_string_equal(line, "{\"none\":0,\"many\":9223372036854775807}");
}

TEST(a_list_keeps_its_order_and_an_empty_one_is_no_null)
{
	AUTO_JSON struct json_object *o = json_new();
	AUTO_STRV struct strv list = { .v = NULL };
	AUTO_FREE char *line = NULL;

	json_fields_strv(o, "none", &list);
	strv_push(&list, "b");
	strv_push(&list, "\xff");
	json_fields_strv(o, "two", &list);
	line = json_line(o);
	assert_string_equal(line, "{\"none\":[],\"two\":[\"b\",\"" BAD "\"]}");
}
