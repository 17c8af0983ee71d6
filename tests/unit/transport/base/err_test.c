/* SPDX-License-Identifier: MIT */
/* err: what went wrong, as a value. */
#include "transport/base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(a_zeroed_err_is_no_error)
{
	struct err e = { 0 };

	assert_int_equal(e.kind, ERR_NONE);
	err_reset(&e);
	assert_int_equal(e.kind, ERR_NONE);
}

TEST(every_kind_has_a_name_of_its_own)
{
	for (int a = 0; a < ERR_KINDS; a++) {
		assert_non_null(err_kind_name((enum err_kind)a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
				err_kind_name((enum err_kind)a),
				err_kind_name((enum err_kind)b));
	}
}

TEST(setting_returns_failure_and_keeps_the_words)
{
	AUTO_ERR struct err e = { 0 };

	assert_int_equal(err_set(&e, ERR_BUSY, "held by %d", 7), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_string_equal(e.message, "held by 7");
}

TEST(nobody_has_to_want_the_error)
{
	assert_int_equal(err_set(NULL, ERR_BUSY, "x"), -1);
	assert_int_equal(err_sys(NULL, EIO, "x"), -1);
	assert_int_equal(err_wrap(NULL, ERR_NONE, "x"), -1);
	assert_int_equal(err_at_host(NULL, "h"), -1);
	assert_int_equal(err_hint(NULL, "x"), -1);
	assert_null(err_host_of(NULL));
	assert_null(err_hint_of(NULL));
	assert_false(err_has(NULL, ERR_BUSY));
}

TEST(a_second_error_drops_the_first)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_BUSY, "first");
	err_at_host(&e, "hosta");
	err_set(&e, ERR_QMP, "second");
	assert_string_equal(e.message, "second");
	assert_null(err_host_of(&e));
}

TEST(its_own_words_can_be_set_again)
{
	AUTO_ERR struct err e = { 0 };

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

TEST(a_system_error_has_the_systems_words_as_cause)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	err_sys(&e, ENOENT, "cannot open %s", "/x");
	assert_int_equal(e.kind, ERR_SYSTEM);
	text = err_text(&e);
	assert_string_equal(text, "cannot open /x: No such file or directory");
}

TEST(a_wrap_keeps_the_inner_words_verbatim)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	err_set(&e, ERR_QMP, "%s", "100%s odd");
	err_wrap(&e, ERR_FAILED, "cannot migrate %s", "web1");
	assert_int_equal(e.kind, ERR_FAILED);
	assert_int_equal(e.cause->kind, ERR_QMP);
	text = err_text(&e);
	assert_string_equal(text, "cannot migrate web1: 100%s odd");
}

TEST(a_wrap_of_kind_none_keeps_the_kind)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_AUTH, "no");
	err_wrap(&e, ERR_NONE, "login");
	assert_int_equal(e.kind, ERR_AUTH);
}

TEST(a_wrap_may_quote_what_it_wraps)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_AUTH, "no");
	err_wrap(&e, ERR_NONE, "it said %s", e.message);
	assert_string_equal(e.message, "it said no");
}

TEST(a_wrapped_nothing_adds_no_words)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	err_wrap(&e, ERR_INTERNAL, "outer");
	text = err_text(&e);
	assert_string_equal(text, "outer");
}

TEST(host_and_hint_are_seen_through_a_wrap)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_NETWORK, "gone");
	err_at_host(&e, "hostb");
	err_hint(&e, "look at %s", "it");
	err_wrap(&e, ERR_FAILED, "outer");
	assert_string_equal(err_host_of(&e), "hostb");
	assert_string_equal(err_hint_of(&e), "look at it");
}

TEST(the_outermost_hint_wins)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_NETWORK, "gone");
	err_hint(&e, "inner");
	err_wrap(&e, ERR_NONE, "outer");
	err_hint(&e, "outer");
	assert_string_equal(err_hint_of(&e), "outer");
}

TEST(the_first_host_named_stays)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_NETWORK, "gone");
	err_at_host(&e, "hosta");
	err_at_host(&e, "hostb");
	assert_string_equal(err_host_of(&e), "hosta");
}

TEST(a_kind_is_found_anywhere_in_the_chain)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_TIMEOUT, "late");
	err_wrap(&e, ERR_QMP, "mid");
	err_wrap(&e, ERR_FAILED, "outer");
	assert_true(err_has(&e, ERR_TIMEOUT));
	assert_true(err_has(&e, ERR_FAILED));
	assert_false(err_has(&e, ERR_AUTH));
}

TEST(a_move_leaves_nothing_behind)
{
	AUTO_ERR struct err from = { 0 }, to = { 0 };

	err_set(&from, ERR_QMP, "inner");
	err_wrap(&from, ERR_FAILED, "outer");
	err_set(&to, ERR_BUSY, "old");
	err_move(&to, &from);
	assert_int_equal(from.kind, ERR_NONE);
	assert_null(from.message);
	assert_null(from.cause);
	assert_string_equal(to.cause->message, "inner");
}

TEST(a_move_to_nobody_frees)
{
	struct err from = { 0 };

	err_set(&from, ERR_QMP, "x");
	err_move(NULL, &from);
	assert_null(from.message);
}

TEST(a_copy_is_whole_and_outlives_what_it_is_of)
{
	AUTO_ERR struct err from = { 0 };
	AUTO_ERR struct err to = { 0 };
	AUTO_FREE char *text = NULL;

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

TEST(whatever_is_wrapped_the_answer_is_minus_one)
{
	struct err err = { 0 };

	assert_int_equal(err_wrap(NULL, ERR_NONE, "no one asked"), -1);
	err_set(&err, ERR_SYSTEM, "inside");
	assert_int_equal(err_wrap(&err, ERR_NONE, "around"), -1);
	err_reset(&err);
}

TEST(a_text_is_replaced_in_every_message_of_the_chain)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_CLOSED, "x/1 and x/1");
	err_wrap(&e, ERR_SYSTEM, "no use of %s", "x/1");
	err_replace(&e, "x/1", "/run/long");
	assert_string_equal(e.message, "no use of /run/long");
	assert_string_equal(e.cause->message, "/run/long and /run/long");
	err_replace(&e, "absent", "y");
	assert_string_equal(e.message, "no use of /run/long");
	err_replace(NULL, "a", "b");
}
