/* SPDX-License-Identifier: MIT */
/* ssh_kexinit: what a server says it can do. */
#include "transport/endpoint/ssh_kexinit.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define VERSION "SSH-2.0-x\r\n"
#define LIST "ssh-ed25519,rsa-sha2-512"

static void put_packet(struct buf *b, uint8_t type, const void *rest,
		       size_t len)
{
	static const char padding[8];

	ssh_put_u32(b, (uint32_t)(1 + 1 + len + sizeof(padding)));
	ssh_put_u8(b, sizeof(padding));
	ssh_put_u8(b, type);
	buf_append(b, rest, len);
	buf_append(b, padding, sizeof(padding));
}

static void put_kexinit(struct buf *b, const char *list, size_t len)
{
	AUTO_BUF struct buf body = { .base = NULL };

	buf_append(&body, "0123456789abcdef", 16);
	ssh_put_string(&body, "kex", 3);
	ssh_put_string(&body, list, len);
	ssh_put_string(&body, "cipher", 6);
	put_packet(b, 20, buf_data(&body), buf_len(&body));
}

static char *read_first(struct buf *b, size_t len)
{
	return ssh_kexinit_hostkeys(
		(struct ssh_bytes){ (const unsigned char *)buf_data(b), len });
}

TEST(the_list_is_found_behind_banner_and_debug)
{
	AUTO_BUF struct buf b = { .base = NULL };
	AUTO_FREE char *list = NULL;

	buf_printf(&b, "hello\nSSH is here\n%s", VERSION);
	put_packet(&b, 2, "ignored", 7);
	put_packet(&b, 4, "debug", 5);
	put_kexinit(&b, LIST, strlen(LIST));
	list = read_first(&b, buf_len(&b));
	assert_string_equal(list, LIST);
}

/* Until all of the list is there: the rest of the packet does not matter. */
TEST(less_is_nothing)
{
	AUTO_BUF struct buf b = { .base = NULL };

	buf_printf(&b, "%s", VERSION);
	put_kexinit(&b, LIST, strlen(LIST));
	for (size_t len = 0; len < buf_len(&b); len++)
		assert_null(read_first(&b, len));
}

TEST(nonsense_is_nothing)
{
	AUTO_BUF struct buf other = { .base = NULL }, nul = { .base = NULL };
	AUTO_BUF struct buf padded = { .base = NULL }, brief = { .base = NULL };

	buf_printf(&other, "%s", VERSION);
	put_packet(&other, 1, "bye", 3);
	put_kexinit(&other, LIST, strlen(LIST));
	assert_null(read_first(&other, buf_len(&other)));

	buf_printf(&nul, "%s", VERSION);
	put_kexinit(&nul, "a\0b", 3);
	assert_null(read_first(&nul, buf_len(&nul)));

	buf_printf(&padded, "%s", VERSION);
	ssh_put_u32(&padded, 4);
	buf_append(&padded, "\377\24xx", 4);
	assert_null(read_first(&padded, buf_len(&padded)));

	buf_printf(&brief, "%s", VERSION);
	put_packet(&brief, 20, "cookie", 6);
	assert_null(read_first(&brief, buf_len(&brief)));
}
