/* SPDX-License-Identifier: MIT */
/* err: what went wrong, as a value. */
#include "transport/base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "transport/base/xalloc.h"

static void a_zeroed_err_is_no_error(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(e.kind, ERR_NONE);
	err_reset(&e);
	assert_int_equal(e.kind, ERR_NONE);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < ERR_KINDS; a++) {
		assert_non_null(err_kind_name((enum err_kind)a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
				err_kind_name((enum err_kind)a),
				err_kind_name((enum err_kind)b));
	}
}

static void setting_returns_failure_and_keeps_the_words(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, ERR_BUSY, "held by %d", 7), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_string_equal(e.message, "held by 7");
}

static void nobody_has_to_want_the_error(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_BUSY, "x"), -1);
	assert_int_equal(err_sys(NULL, EIO, "x"), -1);
	assert_int_equal(err_wrap(NULL, ERR_NONE, "x"), -1);
	assert_int_equal(err_at_host(NULL, "h"), -1);
	assert_int_equal(err_hint(NULL, "x"), -1);
	assert_null(err_host_of(NULL));
	assert_null(err_hint_of(NULL));
	assert_false(err_has(NULL, ERR_BUSY));
}

static void a_second_error_drops_the_first(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_BUSY, "first");
	err_at_host(&e, "hosta");
	err_set(&e, ERR_QMP, "second");
	assert_string_equal(e.message, "second");
	assert_null(err_host_of(&e));
}

static void its_own_words_can_be_set_again(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_QMP, "inner");
	err_hint(&e, "do this");
	err_set(&e, ERR_BUSY, "was: %s", e.message);
	assert_string_equal(e.message, "was: inner");
	err_sys(&e, EIO, "at %s", e.message);
	assert_string_equal(e.message, "at was: inner");
	err_hint(&e, "a");
	err_hint(&e, "%s or b", e.hint);
	assert_string_equal(e.hint, "a or b");
}

static void a_system_error_has_the_systems_words_as_cause(void **state)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	(void)state;
	err_sys(&e, ENOENT, "cannot open %s", "/x");
	assert_int_equal(e.kind, ERR_SYSTEM);
	text = err_text(&e);
	assert_string_equal(text, "cannot open /x: No such file or directory");
}

static void a_wrap_keeps_the_inner_words_verbatim(void **state)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	(void)state;
	err_set(&e, ERR_QMP, "%s", "100%s odd");
	err_wrap(&e, ERR_FAILED, "cannot migrate %s", "web1");
	assert_int_equal(e.kind, ERR_FAILED);
	assert_int_equal(e.cause->kind, ERR_QMP);
	text = err_text(&e);
	assert_string_equal(text, "cannot migrate web1: 100%s odd");
}

static void a_wrap_of_kind_none_keeps_the_kind(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_AUTH, "no");
	err_wrap(&e, ERR_NONE, "login");
	assert_int_equal(e.kind, ERR_AUTH);
}

static void a_wrap_may_quote_what_it_wraps(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_AUTH, "no");
	err_wrap(&e, ERR_NONE, "it said %s", e.message);
	assert_string_equal(e.message, "it said no");
}

static void a_wrapped_nothing_adds_no_words(void **state)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	(void)state;
	err_wrap(&e, ERR_INTERNAL, "outer");
	text = err_text(&e);
	assert_string_equal(text, "outer");
}

static void host_and_hint_are_seen_through_a_wrap(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_NETWORK, "gone");
	err_at_host(&e, "hostb");
	err_hint(&e, "look at %s", "it");
	err_wrap(&e, ERR_FAILED, "outer");
	assert_string_equal(err_host_of(&e), "hostb");
	assert_string_equal(err_hint_of(&e), "look at it");
}

static void the_outermost_hint_wins(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_NETWORK, "gone");
	err_hint(&e, "inner");
	err_wrap(&e, ERR_NONE, "outer");
	err_hint(&e, "outer");
	assert_string_equal(err_hint_of(&e), "outer");
}

static void the_first_host_named_stays(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_NETWORK, "gone");
	err_at_host(&e, "hosta");
	err_at_host(&e, "hostb");
	assert_string_equal(err_host_of(&e), "hosta");
}

static void a_kind_is_found_anywhere_in_the_chain(void **state)
{
	AUTO_ERR struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_TIMEOUT, "late");
	err_wrap(&e, ERR_QMP, "mid");
	err_wrap(&e, ERR_FAILED, "outer");
	assert_true(err_has(&e, ERR_TIMEOUT));
	assert_true(err_has(&e, ERR_FAILED));
	assert_false(err_has(&e, ERR_AUTH));
}

static void a_move_leaves_nothing_behind(void **state)
{
	AUTO_ERR struct err from = { 0 }, to = { 0 };

	(void)state;
	err_set(&from, ERR_QMP, "inner");
	err_wrap(&from, ERR_FAILED, "outer");
	err_set(&to, ERR_BUSY, "old");
	err_move(&to, &from);
	assert_int_equal(from.kind, ERR_NONE);
	assert_null(from.message);
	assert_null(from.cause);
	assert_string_equal(to.cause->message, "inner");
}

static void a_move_to_nobody_frees(void **state)
{
	struct err from = { 0 };

	(void)state;
	err_set(&from, ERR_QMP, "x");
	err_move(NULL, &from);
	assert_null(from.message);
}

static void a_copy_is_whole_and_outlives_what_it_is_of(void **state)
{
	AUTO_ERR struct err from = { 0 };
	AUTO_ERR struct err to = { 0 };
	AUTO_FREE char *text = NULL;

	(void)state;
	err_set(&from, ERR_TIMEOUT, "inner");
	err_hint(&from, "wait");
	err_wrap(&from, ERR_NETWORK, "outer");
	err_at_host(&from, "hostb");
	err_copy(&to, &from);
	err_reset(&from);
	text = err_text(&to);
	assert_string_equal(text, "outer: inner");
	assert_int_equal(to.kind, ERR_NETWORK);
	assert_true(err_has(&to, ERR_TIMEOUT));
	assert_string_equal(err_host_of(&to), "hostb");
	assert_string_equal(err_hint_of(&to), "wait");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_whole_and_outlives_what_it_is_of),
		cmocka_unit_test(a_zeroed_err_is_no_error),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
		cmocka_unit_test(setting_returns_failure_and_keeps_the_words),
		cmocka_unit_test(nobody_has_to_want_the_error),
		cmocka_unit_test(a_second_error_drops_the_first),
		cmocka_unit_test(its_own_words_can_be_set_again),
		cmocka_unit_test(a_system_error_has_the_systems_words_as_cause),
		cmocka_unit_test(a_wrap_keeps_the_inner_words_verbatim),
		cmocka_unit_test(a_wrap_of_kind_none_keeps_the_kind),
		cmocka_unit_test(a_wrap_may_quote_what_it_wraps),
		cmocka_unit_test(a_wrapped_nothing_adds_no_words),
		cmocka_unit_test(host_and_hint_are_seen_through_a_wrap),
		cmocka_unit_test(the_outermost_hint_wins),
		cmocka_unit_test(the_first_host_named_stays),
		cmocka_unit_test(a_kind_is_found_anywhere_in_the_chain),
		cmocka_unit_test(a_move_leaves_nothing_behind),
		cmocka_unit_test(a_move_to_nobody_frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
