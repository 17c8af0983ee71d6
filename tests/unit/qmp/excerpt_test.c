/* SPDX-License-Identifier: MIT */
/* excerpt: escaping and cutting of a peer's bytes. */
#include <string.h>

#include "qmp/excerpt.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(unprintable_bytes_are_escaped)
{
	AUTO_FREE char *text = excerpt("a\n\t\r\"\\\0\x1b\xff", 9);

	assert_string_equal(text, "\"a\\n\\t\\r\\\"\\\\\\x00\\x1b\\xff\"");
}

TEST(a_long_text_is_cut_and_says_so)
{
	char bytes[EXCERPT_MAX_BYTES + 1];
	AUTO_FREE char *whole = NULL;
	AUTO_FREE char *cut = NULL;

	memset(bytes, 'x', sizeof(bytes));
	whole = excerpt(bytes, sizeof(bytes) - 1);
	cut = excerpt(bytes, sizeof(bytes));
	assert_null(strstr(whole, "..."));
	assert_string_equal(cut + EXCERPT_MAX_BYTES, "x\"...");
}
