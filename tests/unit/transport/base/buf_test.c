/* SPDX-License-Identifier: MIT */
/* buf: a growable run of bytes, consumed from the front. */
#include "transport/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/base/xalloc.h"

static void a_zeroed_buffer_is_the_empty_string(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_len(&b), 0);
	assert_string_equal(buf_data(&b), "");
}

static void bytes_are_always_followed_by_a_nul(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		buf_append(&b, "x", 1);
		assert_int_equal(buf_data(&b)[i + 1], '\0');
	}
	assert_int_equal(strlen(buf_data(&b)), 3000);
}

static void room_that_is_not_committed_is_no_text(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	memset(buf_reserve(&b, 8), 'x', 8);
	assert_string_equal(buf_data(&b), "");
	buf_append(&b, "ab", 2);
	memset(buf_reserve(&b, 8), 'x', 8);
	assert_string_equal(buf_data(&b), "ab");
}

static void nul_bytes_are_bytes(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	buf_append(&b, "a\0b", 3);
	assert_int_equal(buf_len(&b), 3);
	assert_memory_equal(buf_data(&b), "a\0b", 4);
}

static void nothing_can_be_appended(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	buf_append(&b, NULL, 0);
	assert_string_equal(buf_data(&b), "");
}

static void printf_appends(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	buf_printf(&b, "%d-", 1);
	buf_printf(&b, "%s", "two");
	assert_string_equal(buf_data(&b), "1-two");
}

static void consuming_drops_from_the_front(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	buf_append(&b, "abcdef", 6);
	buf_consume(&b, 2);
	assert_string_equal(buf_data(&b), "cdef");
	buf_append(&b, "gh", 2);
	assert_string_equal(buf_data(&b), "cdefgh");
	buf_consume(&b, 6);
	assert_string_equal(buf_data(&b), "");
}

static void truncating_drops_from_the_end(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	buf_append(&b, "abcdef", 6);
	buf_consume(&b, 1);
	buf_truncate(&b, 2);
	assert_string_equal(buf_data(&b), "bc");
	buf_append(&b, "!", 1);
	assert_string_equal(buf_data(&b), "bc!");
	buf_truncate(&b, 0);
	assert_string_equal(buf_data(&b), "");
}

/* A queue: whatever goes in comes out, whatever the pieces. */
static void a_queue_keeps_order_and_bytes(void **state)
{
	AUTO_BUF struct buf b = { 0 };
	unsigned char in = 0, out = 0;
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)rand_r(&seed) % 700;
		unsigned char *to = buf_reserve(&b, n);

		for (size_t i = 0; i < n; i++)
			to[i] = in++;
		buf_commit(&b, n);
		n = (size_t)rand_r(&seed) % (buf_len(&b) + 1);
		for (size_t i = 0; i < n; i++)
			assert_int_equal((unsigned char)buf_data(&b)[i], out++);
		buf_consume(&b, n);
	}
}

static void a_queue_of_bounded_length_stays_bounded(void **state)
{
	AUTO_BUF struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++) {
		buf_append(&b, "0123456789", 10);
		if (i)
			buf_consume(&b, 10);
	}
	assert_true(b.size <= 1024);
}

static void growth_is_geometric(void **state)
{
	AUTO_BUF struct buf b = { 0 };
	size_t size = 0;
	int grown = 0;

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		buf_append(&b, "x", 1);
		grown += b.size != size;
		size = b.size;
	}
	assert_true(grown < 32);
}

static void stealing_hands_the_bytes_over(void **state)
{
	AUTO_BUF struct buf b = { 0 };
	AUTO_FREE char *s = NULL;

	(void)state;
	buf_append(&b, "xyz", 3);
	buf_consume(&b, 1);
	s = buf_steal(&b);
	assert_string_equal(s, "yz");
	assert_int_equal(buf_len(&b), 0);
	assert_null(b.base);
}

static void stealing_nothing_gives_the_empty_string(void **state)
{
	struct buf b = { 0 };
	AUTO_FREE char *s = buf_steal(&b);

	(void)state;
	assert_string_equal(s, "");
}

static void wiping_leaves_an_empty_buffer(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_append(&b, "secret", 6);
	buf_wipe(&b);
	assert_null(b.base);
	assert_int_equal(buf_len(&b), 0);
	buf_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zeroed_buffer_is_the_empty_string),
		cmocka_unit_test(bytes_are_always_followed_by_a_nul),
		cmocka_unit_test(room_that_is_not_committed_is_no_text),
		cmocka_unit_test(nul_bytes_are_bytes),
		cmocka_unit_test(nothing_can_be_appended),
		cmocka_unit_test(printf_appends),
		cmocka_unit_test(consuming_drops_from_the_front),
		cmocka_unit_test(truncating_drops_from_the_end),
		cmocka_unit_test(a_queue_keeps_order_and_bytes),
		cmocka_unit_test(a_queue_of_bounded_length_stays_bounded),
		cmocka_unit_test(growth_is_geometric),
		cmocka_unit_test(stealing_hands_the_bytes_over),
		cmocka_unit_test(stealing_nothing_gives_the_empty_string),
		cmocka_unit_test(wiping_leaves_an_empty_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
