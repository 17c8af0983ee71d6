/* SPDX-License-Identifier: MIT */
/*
 * An ssh-agent that says anything. Input: a byte that cuts into pieces, then
 * what the agent says, to a list, a signature and a list again.
 */
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_peer.h"
#include "transport/ssh_agent.h"
#include "transport/stream_fd.h"

static struct stream *agent; /* who answers at any path */

struct stream *__wrap_stream_fd_connect_unix(const char *path,
					     struct mono deadline,
					     struct err *err);

struct stream *__wrap_stream_fd_connect_unix(const char *path,
					     struct mono deadline,
					     struct err *err)
{
	(void)path;
	(void)deadline;
	(void)err;
	return agent;
}

static void list_and_sign(struct ssh_agent *a)
{
	static const unsigned char text[] = "to be signed";
	AUTO_BUF struct buf signature = { 0 };
	AUTO_ERR struct err err = { 0 };
	struct ssh_agent_key *keys;
	struct ssh_bytes blob = { text, 2 };
	size_t n;

	if (ssh_agent_list(a, &keys, &n, MONO_NEVER, &err) == 0 && n)
		blob = (struct ssh_bytes){ (const unsigned char *)buf_data(
						   &keys[n - 1].blob),
					   buf_len(&keys[n - 1].blob) };
	(void)ssh_agent_sign(a, blob, "ssh-ed25519",
			     (struct ssh_bytes){ text, sizeof(text) },
			     &signature, MONO_NEVER, &err);
	(void)ssh_agent_list(a, &keys, &n, MONO_NEVER, &err);
}

static void talk(void *arg)
{
	struct fuzz_input in = *(const struct fuzz_input *)arg;
	uint32_t seed = fuzz_take(&in);
	struct ssh_agent *a;

	agent = fuzz_peer_new(in, seed, false);
	a = ssh_agent_open("/agent", MONO_NEVER, NULL);
	list_and_sign(a);
	ssh_agent_close(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	fuzz_in_task(talk, &in);
	return 0;
}
