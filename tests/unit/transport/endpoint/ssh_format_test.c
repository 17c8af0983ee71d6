/* SPDX-License-Identifier: MIT */
/* ssh_format: numbers, strings, base64. */
#include "transport/endpoint/ssh_format.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static struct ssh_bytes bytes(struct buf *b)
{
	return (struct ssh_bytes){ (const unsigned char *)buf_data(b),
				   buf_len(b) };
}

TEST(what_was_put_is_taken)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct ssh_bytes from, s;
	uint32_t u32;
	uint8_t u8;

	ssh_put_u8(&b, 0xfe);
	ssh_put_u32(&b, 0x01020304);
	ssh_put_string(&b, "a\0b", 3);
	ssh_put_string(&b, "", 0);
	from = bytes(&b);
	assert_int_equal(ssh_take_u8(&from, &u8), 0);
	assert_int_equal(u8, 0xfe);
	assert_int_equal(ssh_take_u32(&from, &u32), 0);
	assert_int_equal(u32, 0x01020304);
	assert_int_equal(ssh_take_string(&from, &s), 0);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.data, "a\0b", 3);
	assert_int_equal(ssh_take_string(&from, &s), 0);
	assert_int_equal(s.len, 0);
	assert_int_equal(from.len, 0);
}

TEST(equal_bytes_have_one_length_and_content)
{
	static const unsigned char abc[] = "abc", abd[] = "abd";
	const struct ssh_bytes three = { abc, 3 }, none = { NULL, 0 };

	assert_true(ssh_bytes_equal(three, (struct ssh_bytes){ abc, 3 }));
	assert_false(ssh_bytes_equal(three, (struct ssh_bytes){ abd, 3 }));
	assert_false(ssh_bytes_equal(three, (struct ssh_bytes){ abc, 2 }));
	assert_false(ssh_bytes_equal(three, none));
	assert_false(ssh_bytes_equal(none, three));
	assert_true(ssh_bytes_equal(none, none));
}

TEST(nothing_is_taken_past_the_end)
{
	static const unsigned char data[] = { 0, 0, 0, 4, 'a', 'b', 'c' };
	static const unsigned char huge[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	struct ssh_bytes from = { data, sizeof(data) }, s;
	uint32_t v;
	uint8_t u8;

	assert_int_equal(ssh_take_string(&from, &s), -1);
	from = (struct ssh_bytes){ data, 3 };
	assert_int_equal(ssh_take_u32(&from, &v), -1);
	from = (struct ssh_bytes){ huge, sizeof(huge) };
	assert_int_equal(ssh_take_string(&from, &s), -1);
	from.len = 0;
	assert_int_equal(ssh_take_u8(&from, &u8), -1);
}

TEST(base64_goes_both_ways)
{
	for (size_t len = 0; len < 70; len++) {
		AUTO_BUF struct buf back = { .base = NULL };
		AUTO_FREE char *text = NULL;
		unsigned char data[70];

		for (size_t i = 0; i < len; i++)
			data[i] = (unsigned char)(i * 37 + len);
		text = ssh_base64_encode((struct ssh_bytes){ data, len });
		if (!len) {
			assert_string_equal(text, "");
			continue;
		}
		assert_int_equal(ssh_base64_decode(&back, text, strlen(text)),
				 0);
		assert_int_equal(buf_len(&back), len);
		assert_memory_equal(buf_data(&back), data, len);
	}
}

TEST(what_is_no_base64_is_refused)
{
	static const char *const bad[] = { "",	   "A",	   "AAA",  "AA=A",
					   "A===", "====", "!AAA", "AA==AAAA" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO_BUF struct buf b = { .base = NULL };

		assert_int_equal(ssh_base64_decode(&b, bad[i], strlen(bad[i])),
				 -1);
	}
}

TEST(a_blob_begins_with_its_type)
{
	AUTO_BUF struct buf b = { .base = NULL };
	AUTO_FREE char *type = NULL;

	ssh_put_string(&b, "ssh-ed25519", 11);
	type = ssh_blob_type(bytes(&b));
	assert_string_equal(type, "ssh-ed25519");
	assert_null(ssh_blob_type((struct ssh_bytes){ NULL, 0 }));
	assert_null(ssh_blob_type(
		(struct ssh_bytes){ (const unsigned char *)"\0\0\0\2a\n", 6 }));
	assert_null(ssh_blob_type(
		(struct ssh_bytes){ (const unsigned char *)"\0\0\0\0", 4 }));
}

/* As ssh-keygen -l shows it. */
TEST(the_fingerprint_is_the_one_of_ssh_keygen)
{
	static const char key[] = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAA"
				  "AAAAAAAAAAAAAAAAAAAAAAAA";
	AUTO_BUF struct buf b = { .base = NULL };
	AUTO_FREE char *fingerprint = NULL;

	assert_int_equal(ssh_base64_decode(&b, key, strlen(key)), 0);
	fingerprint = ssh_fingerprint(bytes(&b));
	assert_string_equal(
		fingerprint,
		"SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk");
}
