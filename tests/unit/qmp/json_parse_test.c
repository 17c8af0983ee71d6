/* SPDX-License-Identifier: MIT */
/* json_parse: what the strict reader takes and, mostly, what it refuses. */
#include <string.h>

#include "qmp/json.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static struct json_object *parse(const char *text)
{
	AUTO_ERR struct err err = { 0 };
	struct json_object *o = json_parse(text, strlen(text), &err);

	expect_ok(o ? 0 : -1, &err);
	return o;
}

static void refused(const char *text, size_t len, const char *words)
{
	AUTO_ERR struct err err = { 0 };

	if (json_parse(text, len, &err))
		fail_msg("accepted: %s", text);
	expect_err_kind(&err, ERR_PROTOCOL, words);
}

#define REFUSED(text, words) refused(text, sizeof(text) - 1, words)

/* What is read and printed again is the same. */
static void same(const char *text)
{
	AUTO_JSON struct json_object *o = parse(text);
	AUTO_FREE char *line = json_line(o);

	assert_string_equal(line, text);
}

TEST(documents_survive_a_round_trip)
{
	same("{}");
	same("[]");
	same("{\"a\":[1,-2,true,false,null,\"x\",{\"b\":{}}],\"c\":1.5}");
	same("\"/a/b\"");
}

TEST(space_between_tokens_means_nothing)
{
	AUTO_JSON struct json_object *o =
		parse(" {\r\n\t\"a\" : [ 1 , 2 ] ,\n\"b\" : { } } \n");
	AUTO_FREE char *line = json_line(o);

	assert_string_equal(line, "{\"a\":[1,2],\"b\":{}}");
}

TEST(integers_keep_every_bit)
{
	same("[18446744073709551615,9223372036854775808]");
	same("[9223372036854775807,-9223372036854775808,0]");
}

TEST(integers_out_of_range_are_refused)
{
	REFUSED("[18446744073709551616]", "out of range");
	REFUSED("[-9223372036854775809]", "out of range");
	REFUSED("[99999999999999999999999999]", "out of range");
}

TEST(reals_beyond_double_are_refused)
{
	REFUSED("[1e999]", "out of range");
	REFUSED("[-1e999]", "out of range");
}

TEST(numbers_follow_the_grammar)
{
	same("[0.5,-0.25,1e3]");
	REFUSED("[01]", "unexpected");
	REFUSED("[-]", "unexpected");
	REFUSED("[+1]", "unexpected");
	REFUSED("[.5]", "unexpected");
	REFUSED("[1.]", "unexpected");
	REFUSED("[1e]", "unexpected");
	REFUSED("[0x10]", "comma");
	REFUSED("[12abc]", "comma");
}

TEST(words_that_json_does_not_have_are_refused)
{
	REFUSED("[NaN]", "\"NaN]\"");
	REFUSED("[nan]", "unexpected");
	REFUSED("[Infinity]", "unexpected");
	REFUSED("[-Infinity]", "unexpected");
	REFUSED("[True]", "unexpected");
	REFUSED("[nul]", "unexpected");
}

TEST(comments_are_refused)
{
	REFUSED("[1 /* one */]", "comma");
	REFUSED("// one\n[1]", "unexpected");
}

TEST(single_quotes_and_bare_keys_are_refused)
{
	REFUSED("{'a':1}", "expected a string");
	REFUSED("['a']", "unexpected");
	REFUSED("{a:1}", "expected a string");
}

TEST(trailing_commas_are_refused)
{
	REFUSED("[1,]", "unexpected");
	REFUSED("{\"a\":1,}", "expected a string");
	REFUSED("[,1]", "unexpected");
}

TEST(text_after_the_document_is_refused)
{
	REFUSED("{} {}", "after the document");
	REFUSED("{}x", "after the document");
	REFUSED("{}\0", "after the document");
}

TEST(duplicate_keys_are_refused_however_they_are_spelt)
{
	REFUSED("{\"a\":1,\"a\":1}", "duplicate");
	REFUSED("{\"a\":1,\"b\":2,\"\\u0061\":3}", "duplicate");
	same("{\"a\":{\"a\":1},\"b\":{\"a\":1}}");
}

TEST(every_cut_of_a_document_is_refused)
{
	static const char text[] =
		"{\"a\":[1.5e1,true,null,\"x\\u00e9\\n\"],\"b\":{\"c\":-1}}";

	for (size_t n = 0; n < strlen(text); n++)
		refused(text, n, "bad JSON");
}

TEST(mismatched_brackets_are_refused)
{
	REFUSED("{\"a\":[1}", "comma or the end");
	REFUSED("[1}", "comma or the end");
	REFUSED("]", "unexpected");
}

TEST(escapes_are_decoded)
{
	AUTO_JSON struct json_object *o =
		parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00E9\\u20ac"
		      "\\ud83d\\ude00\"");

	assert_string_equal(json_object_get_string(o),
			    "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac"
			    "\xf0\x9f\x98\x80");
}

TEST(bad_escapes_are_refused)
{
	REFUSED("\"\\x41\"", "bad escape");
	REFUSED("\"\\u12\"", "bad \\u escape");
	REFUSED("\"\\u12g4\"", "bad \\u escape");
	REFUSED("\"\\u0000\"", "bad \\u escape");
	REFUSED("\"\\ud83d\"", "surrogate");
	REFUSED("\"\\ud83d\\u0041\"", "surrogate");
	REFUSED("\"\\ude00\"", "bad \\u escape");
}

TEST(raw_control_characters_in_strings_are_refused)
{
	REFUSED("\"a\nb\"", "control character");
	REFUSED("\"a\0b\"", "control character");
}

TEST(strings_must_be_utf8)
{
	same("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	REFUSED("\"\xff\"", "UTF-8");
	REFUSED("\"\x80\"", "UTF-8");
	REFUSED("\"\xc0\xaf\"", "UTF-8");	  /* overlong */
	REFUSED("\"\xe0\x80\xaf\"", "UTF-8");	  /* overlong */
	REFUSED("\"\xed\xa0\x80\"", "UTF-8");	  /* surrogate */
	REFUSED("\"\xf4\x90\x80\x80\"", "UTF-8"); /* beyond Unicode */
	REFUSED("\"\xc3\"", "UTF-8");
}

TEST(nesting_at_the_limit_passes_and_beyond_it_is_refused)
{
	char text[2 * JSON_MAX_DEPTH + 3] = "";
	AUTO_JSON struct json_object *o = NULL;

	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	o = parse(text);
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	refused(text, sizeof(text) - 1, "too deep");
}

TEST(a_small_text_cannot_make_a_huge_object)
{
	AUTO_BUF struct buf b = { 0 };

	buf_append(&b, "[{}", 3);
	while (buf_len(&b) < 4u * 1024 * 1024)
		buf_append(&b, ",{}", 3);
	buf_append(&b, "]", 1);
	refused(buf_data(&b), buf_len(&b), "too many values");
}

TEST(null_alone_is_no_document)
{
	REFUSED("null", "nothing but null");
}

TEST(the_message_says_where_and_quotes_the_bytes)
{
	REFUSED("{\"a\": what}", "at byte 6: unexpected: \"what}\"");
}
