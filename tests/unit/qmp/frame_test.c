/* SPDX-License-Identifier: MIT */
/* frame: documents out of bytes however they are split, and its limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/frame.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* The next document must be @want; NULL: there must be none yet. */
static void expect_next(struct frame *f, const char *want)
{
	AUTO_ERR struct err err = { 0 };
	const char *text = NULL;
	size_t len = 0;
	int got = frame_next(f, &text, &len, &err);

	if (!want) {
		assert_int_equal(got, 0);
		return;
	}
	assert_int_equal(got, 1);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(text, want, len);
}

static void expect_refused(const char *data, const char *words)
{
	struct frame f = { 0 };
	AUTO_ERR struct err err = { 0 };
	const char *text;
	size_t len;

	frame_push(&f, data, strlen(data));
	assert_int_equal(frame_next(&f, &text, &len, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, words);
	frame_free(&f);
}

TEST(split_anywhere_the_documents_stay_whole)
{
	static const char first[] = "{\"a\": \"}\\\"{\", \"b\": [{}]}";
	static const char second[] = "{\n  \"pretty\": {\n    }\n}";
	AUTO_FREE char *both = xasprintf("%s\r\n%s\r\n", first, second);
	size_t len = strlen(both);

	for (size_t cut = 0; cut <= len; cut++) {
		struct frame f = { 0 };
		const char *text;
		size_t n;
		int seen = 0;

		frame_push(&f, both, cut);
		while (frame_next(&f, &text, &n, NULL) == 1)
			assert_memory_equal(text, seen++ ? second : first, n);
		frame_push(&f, both + cut, len - cut);
		while (frame_next(&f, &text, &n, NULL) == 1)
			assert_memory_equal(text, seen++ ? second : first, n);
		assert_int_equal(seen, 2);
		frame_free(&f);
	}
}

TEST(byte_by_byte_a_document_ends_at_its_last_brace)
{
	static const char text[] = "{\"s\":\"\\\\\",\"o\":{\"p\":[1,2]}}";
	struct frame f = { 0 };

	for (size_t i = 0; i < strlen(text); i++) {
		expect_next(&f, NULL);
		frame_push(&f, &text[i], 1);
	}
	expect_next(&f, text);
	expect_next(&f, NULL);
	frame_free(&f);
}

TEST(braces_and_quotes_inside_strings_do_not_count)
{
	static const char text[] =
		"{\"}{][\":\"\\\"}\\\\\",\"x\":\"{\\\\\\\"[\"}";
	struct frame f = { 0 };

	frame_push(&f, text, strlen(text));
	expect_next(&f, text);
	frame_free(&f);
}

TEST(several_documents_in_one_push_come_one_by_one)
{
	static const char text[] = "{}{\"a\":1} \r\n\t{}";
	struct frame f = { 0 };

	frame_push(&f, text, strlen(text));
	expect_next(&f, "{}");
	expect_next(&f, "{\"a\":1}");
	expect_next(&f, "{}");
	expect_next(&f, NULL);
	frame_free(&f);
}

TEST(what_is_no_object_is_refused_and_quoted)
{
	expect_refused("QEMU 7.2.22 monitor", "\"QEMU 7.2.22 monitor\"");
	expect_refused("[1]", "\"[1]\"");
	expect_refused("}", "\"}\"");
	expect_refused("\n \xff", "\"\\xff\"");
}

TEST(nesting_at_the_limit_passes_and_beyond_it_is_refused)
{
	char text[2 * FRAME_MAX_DEPTH + 8] = "{\"a\":";
	size_t n = strlen(text);
	struct frame f = { 0 };

	memset(text + n, '[', FRAME_MAX_DEPTH - 1);
	memset(text + n + FRAME_MAX_DEPTH - 1, ']', FRAME_MAX_DEPTH - 1);
	strcat(text, "}");
	frame_push(&f, text, strlen(text));
	expect_next(&f, text);
	frame_free(&f);
	text[n + FRAME_MAX_DEPTH - 1] = '[';
	expect_refused(text, "nested too deep");
}

TEST(a_document_may_have_the_limit_and_no_byte_more)
{
	AUTO_FREE char *text = xmalloc(FRAME_MAX_BYTES + 1);
	AUTO_ERR struct err err = { 0 };
	struct frame f = { 0 };
	const char *got;
	size_t len;

	memset(text, 'x', FRAME_MAX_BYTES);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + FRAME_MAX_BYTES - 2, "\"}", 2);
	frame_push(&f, text, FRAME_MAX_BYTES);
	assert_int_equal(frame_next(&f, &got, &len, NULL), 1);
	assert_int_equal(len, FRAME_MAX_BYTES);
	frame_push(&f, text, FRAME_MAX_BYTES - 2);
	assert_int_equal(frame_next(&f, &got, &len, NULL), 0);
	frame_push(&f, "xxx", 3);
	assert_int_equal(frame_next(&f, &got, &len, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "too long");
	frame_free(&f);
}
