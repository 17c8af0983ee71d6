/* SPDX-License-Identifier: MIT */
/* strv: a growable list of strings that ends in NULL. */
#include "transport/base/strv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "transport/base/xalloc.h"

static void the_empty_list_is_an_argv(void **state)
{
	AUTO_STRV struct strv l = { 0 };

	(void)state;
	assert_non_null(strv_argv(&l));
	assert_null(strv_argv(&l)[0]);
}

static void a_list_ends_in_null_at_every_length(void **state)
{
	AUTO_STRV struct strv l = { 0 };

	(void)state;
	for (size_t i = 1; i < 100; i++) {
		strv_pushf(&l, "%zu", i);
		assert_int_equal(l.n, i);
		assert_null(strv_argv(&l)[i]);
	}
	assert_string_equal(l.v[41], "42");
}

static void push_copies(void **state)
{
	AUTO_STRV struct strv l = { 0 };
	char word[] = "one";

	(void)state;
	strv_push(&l, word);
	word[0] = 'X';
	assert_string_equal(l.v[0], "one");
}

static void take_owns(void **state)
{
	AUTO_STRV struct strv l = { 0 };
	char *word = xstrdup("one");

	(void)state;
	strv_take(&l, word);
	assert_ptr_equal(l.v[0], word);
}

static void push_all_copies_each(void **state)
{
	AUTO_STRV struct strv a = { 0 }, b = { 0 };

	(void)state;
	strv_push(&a, "1");
	strv_push(&a, "2");
	strv_push(&b, "0");
	strv_push_all(&b, &a);
	assert_int_equal(b.n, 3);
	assert_string_equal(b.v[2], "2");
	assert_ptr_not_equal(b.v[2], a.v[1]);
}

static void lists_are_equal_word_by_word(void **state)
{
	AUTO_STRV struct strv a = { 0 }, b = { 0 };

	(void)state;
	assert_true(strv_equal(&a, &b));
	strv_push(&a, "x");
	assert_false(strv_equal(&a, &b));
	strv_push(&b, "x");
	assert_true(strv_equal(&a, &b));
	strv_push(&a, "y");
	strv_push(&b, "z");
	assert_false(strv_equal(&a, &b));
}

static void has_finds_whole_words(void **state)
{
	AUTO_STRV struct strv l = { 0 };

	(void)state;
	assert_false(strv_has(&l, "ab"));
	strv_push(&l, "abc");
	strv_push(&l, "ab");
	assert_true(strv_has(&l, "ab"));
	assert_false(strv_has(&l, "a"));
}

static void join_puts_the_separator_between(void **state)
{
	AUTO_STRV struct strv l = { 0 };
	AUTO_FREE char *none = strv_join(&l, ", ");
	AUTO_FREE char *two = NULL;

	(void)state;
	assert_string_equal(none, "");
	strv_push(&l, "%s");
	strv_push(&l, "");
	two = strv_join(&l, ", ");
	assert_string_equal(two, "%s, ");
}

static void freeing_leaves_an_empty_list(void **state)
{
	struct strv l = { 0 };

	(void)state;
	strv_push(&l, "x");
	strv_free(&l);
	assert_int_equal(l.n, 0);
	assert_null(strv_argv(&l)[0]);
	strv_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_empty_list_is_an_argv),
		cmocka_unit_test(a_list_ends_in_null_at_every_length),
		cmocka_unit_test(push_copies),
		cmocka_unit_test(take_owns),
		cmocka_unit_test(push_all_copies_each),
		cmocka_unit_test(lists_are_equal_word_by_word),
		cmocka_unit_test(has_finds_whole_words),
		cmocka_unit_test(join_puts_the_separator_between),
		cmocka_unit_test(freeing_leaves_an_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
