/* SPDX-License-Identifier: MIT */
/*
 * SFTP with a server that says anything. Input: a byte that cuts into pieces, a
 * byte whose bits choose what is asked, then what the server says.
 */
#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_peer.h"
#include "transport/sftp.h"

enum { GET_MAX_BYTES = 64 * 1024, PUT_BYTES = 40 * 1024 };
enum { ASK_GET = 1, ASK_PUT = 2, ASK_REMOVE = 4, ASK_SMALL_GET = 8 };

static void get(struct sftp *s, size_t max)
{
	AUTO_BUF struct buf out = { 0 };
	AUTO_ERR struct err err = { 0 };

	if (sftp_get(s, "/f", &out, max, MONO_NEVER, &err) == 0)
		fuzz_claim(buf_len(&out) <= max, "no more than was asked for");
}

static void ask(struct sftp *s, unsigned int what)
{
	static const char data[PUT_BYTES];
	AUTO_ERR struct err err = { 0 };
	bool created;

	if ((what & ASK_GET) && !sftp_broken(s))
		get(s, GET_MAX_BYTES);
	if ((what & ASK_PUT) && !sftp_broken(s))
		(void)sftp_put(s, "/f", 0600, data, sizeof(data), &created,
			       MONO_NEVER, &err);
	if ((what & ASK_REMOVE) && !sftp_broken(s))
		(void)sftp_remove(s, "/f", MONO_NEVER, &err);
	if ((what & ASK_SMALL_GET) && !sftp_broken(s))
		get(s, 3);
}

static void transfer(void *arg)
{
	struct fuzz_input in = *(const struct fuzz_input *)arg;
	uint32_t seed = fuzz_take(&in);
	unsigned int what = fuzz_take(&in);
	AUTO_ERR struct err err = { 0 };
	struct sftp *s;

	s = sftp_new(fuzz_peer_new(in, seed, false), MONO_NEVER, &err);
	if (s)
		ask(s, what);
	else
		fuzz_claim(err.kind != ERR_NONE, "a refusal says why");
	sftp_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	fuzz_in_task(transfer, &in);
	return 0;
}
