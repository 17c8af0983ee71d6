/* SPDX-License-Identifier: MIT */
/* buf: a growable run of bytes, consumed from the front. */
#include "transport/base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(a_zeroed_buffer_is_the_empty_string)
{
	AUTO_BUF struct buf b = { 0 };

	assert_int_equal(buf_len(&b), 0);
	assert_string_equal(buf_data(&b), "");
}

TEST(bytes_are_always_followed_by_a_nul)
{
	AUTO_BUF struct buf b = { 0 };

	for (size_t i = 0; i < 3000; i++) {
		buf_append(&b, "x", 1);
		assert_int_equal(buf_data(&b)[i + 1], '\0');
	}
	assert_int_equal(strlen(buf_data(&b)), 3000);
}

TEST(room_that_is_not_committed_is_no_text)
{
	AUTO_BUF struct buf b = { 0 };

	memset(buf_reserve(&b, 8), 'x', 8);
	assert_string_equal(buf_data(&b), "");
	buf_append(&b, "ab", 2);
	memset(buf_reserve(&b, 8), 'x', 8);
	assert_string_equal(buf_data(&b), "ab");
}

TEST(nul_bytes_are_bytes)
{
	AUTO_BUF struct buf b = { 0 };

	buf_append(&b, "a\0b", 3);
	assert_int_equal(buf_len(&b), 3);
	assert_memory_equal(buf_data(&b), "a\0b", 4);
}

TEST(nothing_can_be_appended)
{
	AUTO_BUF struct buf b = { 0 };

	buf_append(&b, NULL, 0);
	assert_string_equal(buf_data(&b), "");
}

TEST(printf_appends)
{
	AUTO_BUF struct buf b = { 0 };

	buf_printf(&b, "%d-", 1);
	buf_printf(&b, "%s", "two");
	assert_string_equal(buf_data(&b), "1-two");
}

TEST(consuming_drops_from_the_front)
{
	AUTO_BUF struct buf b = { 0 };

	buf_append(&b, "abcdef", 6);
	buf_consume(&b, 2);
	assert_string_equal(buf_data(&b), "cdef");
	buf_append(&b, "gh", 2);
	assert_string_equal(buf_data(&b), "cdefgh");
	buf_consume(&b, 6);
	assert_string_equal(buf_data(&b), "");
}

TEST(truncating_drops_from_the_end)
{
	AUTO_BUF struct buf b = { 0 };

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
TEST(a_queue_keeps_order_and_bytes)
{
	AUTO_BUF struct buf b = { 0 };
	unsigned char in = 0, out = 0;
	unsigned int seed = 1;

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

TEST(a_queue_of_bounded_length_stays_bounded)
{
	AUTO_BUF struct buf b = { 0 };

	for (int i = 0; i < 100000; i++) {
		buf_append(&b, "0123456789", 10);
		if (i)
			buf_consume(&b, 10);
	}
	assert_true(b.size <= 1024);
}

TEST(growth_is_geometric)
{
	AUTO_BUF struct buf b = { 0 };
	size_t size = 0;
	int grown = 0;

	for (int i = 0; i < 1000000; i++) {
		buf_append(&b, "x", 1);
		grown += b.size != size;
		size = b.size;
	}
	assert_true(grown < 32);
}

TEST(stealing_hands_the_bytes_over)
{
	AUTO_BUF struct buf b = { 0 };
	AUTO_FREE char *s = NULL;

	buf_append(&b, "xyz", 3);
	buf_consume(&b, 1);
	s = buf_steal(&b);
	assert_string_equal(s, "yz");
	assert_int_equal(buf_len(&b), 0);
	assert_null(b.base);
}

TEST(stealing_nothing_gives_the_empty_string)
{
	struct buf b = { 0 };
	AUTO_FREE char *s = buf_steal(&b);

	assert_string_equal(s, "");
}

TEST(wiping_leaves_an_empty_buffer)
{
	struct buf b = { 0 };

	buf_append(&b, "secret", 6);
	buf_wipe(&b);
	assert_null(b.base);
	assert_int_equal(buf_len(&b), 0);
	buf_wipe(&b);
}
