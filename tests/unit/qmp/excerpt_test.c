/* SPDX-License-Identifier: MIT */
/* excerpt: escaping and cutting of a peer's bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "qmp/excerpt.h"
#include "transport/base/xalloc.h"

static void unprintable_bytes_are_escaped(void **state)
{
	AUTO_FREE char *text = excerpt("a\n\t\r\"\\\0\x1b\xff", 9);

	(void)state;
	assert_string_equal(text, "\"a\\n\\t\\r\\\"\\\\\\x00\\x1b\\xff\"");
}

static void a_long_text_is_cut_and_says_so(void **state)
{
	char bytes[EXCERPT_MAX_BYTES + 1];
	AUTO_FREE char *whole = NULL;
	AUTO_FREE char *cut = NULL;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	whole = excerpt(bytes, sizeof(bytes) - 1);
	cut = excerpt(bytes, sizeof(bytes));
	assert_null(strstr(whole, "..."));
	assert_string_equal(cut + EXCERPT_MAX_BYTES, "x\"...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unprintable_bytes_are_escaped),
		cmocka_unit_test(a_long_text_is_cut_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
