/* SPDX-License-Identifier: MIT */
/* ssh_request: what is signed, and what is not. */
#include "transport/ssh_request.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static const struct ssh_bytes blob = { (const unsigned char *)"BLOB", 4 };

/* The fields of a request, each of which a test can spoil. */
struct request {
	size_t id_len;
	unsigned int type;
	const char *user, *service, *method;
	unsigned int signature_follows;
	const char *algorithm, *blob, *rest;
};

static const struct request good = {
	.id_len = 32,
	.type = 50,
	.user = "root",
	.service = "ssh-connection",
	.method = "publickey",
	.signature_follows = 1,
	.algorithm = "ssh-ed25519",
	.blob = "BLOB",
	.rest = "",
};

static void put(struct buf *b, const char *text)
{
	ssh_put_string(b, text, strlen(text));
}

static void build(struct buf *b, const struct request *r)
{
	static const char id[100];

	ssh_put_string(b, id, r->id_len);
	ssh_put_u8(b, (uint8_t)r->type);
	put(b, r->user);
	put(b, r->service);
	put(b, r->method);
	ssh_put_u8(b, (uint8_t)r->signature_follows);
	put(b, r->algorithm);
	put(b, r->blob);
	buf_append(b, r->rest, strlen(r->rest));
}

static char *algorithm_of(struct buf *b, size_t len)
{
	return ssh_request_algorithm(
		(struct ssh_bytes){ (const unsigned char *)buf_data(b), len },
		"root", blob);
}

TEST(a_login_shows_its_algorithm)
{
	AUTO_BUF struct buf b = { .base = NULL };
	AUTO_FREE char *algorithm = NULL;

	build(&b, &good);
	algorithm = algorithm_of(&b, buf_len(&b));
	assert_string_equal(algorithm, "ssh-ed25519");
}

TEST(one_field_that_differs_is_enough)
{
	struct request bad[10];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].id_len = 19;
	bad[1].id_len = 65;
	bad[2].type = 51;
	bad[3].user = "roo";
	bad[4].user = "root2";
	bad[5].service = "ssh-userauth";
	bad[6].method = "hostbased";
	bad[7].signature_follows = 0;
	bad[8].blob = "BLOC";
	bad[9].rest = "x";
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO_BUF struct buf b = { .base = NULL };

		build(&b, &bad[i]);
		assert_null(algorithm_of(&b, buf_len(&b)));
	}
}

TEST(a_request_that_is_cut_anywhere_is_none)
{
	AUTO_BUF struct buf b = { .base = NULL };

	build(&b, &good);
	for (size_t len = 0; len < buf_len(&b); len++)
		assert_null(algorithm_of(&b, len));
}
