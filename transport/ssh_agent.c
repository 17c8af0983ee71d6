/* SPDX-License-Identifier: MIT */
/* ssh_agent: asks the user's ssh-agent. */
#include "transport/ssh_agent.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

enum {
	AGENT_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENT_SIGN_REQUEST = 13,
	AGENT_SIGN_RESPONSE = 14,
};
/* Flags of a SIGN_REQUEST. */
enum { AGENT_RSA_SHA2_256 = 2, AGENT_RSA_SHA2_512 = 4 };
enum { AGENT_ANSWER_MAX = 256 * 1024, AGENT_KEYS_MAX = 2048 };

struct ssh_agent {
	struct stream *stream;
	struct buf in;
	struct ssh_agent_key *keys;
	size_t n;
};

struct ssh_agent *ssh_agent_open(const char *path, struct mono deadline,
				 struct err *err)
{
	struct stream *stream = stream_fd_connect_unix(path, deadline, err);
	struct ssh_agent *a;

	if (!stream)
		return NULL;
	a = XNEW(struct ssh_agent);
	a->stream = stream;
	return a;
}

static void forget_keys(struct ssh_agent *a)
{
	for (size_t i = 0; i < a->n; i++) {
		buf_free(&a->keys[i].blob);
		free(a->keys[i].comment);
	}
	free(STEAL(a->keys));
	a->n = 0;
}

void ssh_agent_close(struct ssh_agent *a)
{
	if (!a)
		return;
	forget_keys(a);
	stream_close(a->stream);
	buf_free(&a->in);
	free(a);
}

/* --- one question, one answer -------------------------------------------- */

static int read_exactly(struct ssh_agent *a, size_t len, struct mono deadline,
			struct err *err)
{
	buf_consume(&a->in, buf_len(&a->in));
	while (len) {
		ssize_t n = stream_read(a->stream, buf_reserve(&a->in, len),
					len, deadline, err);

		if (n == 0)
			return err_set(err, ERR_CLOSED, "the agent left");
		if (n < 0)
			return -1;
		buf_commit(&a->in, (size_t)n);
		len -= (size_t)n;
	}
	return 0;
}

static struct ssh_bytes in_bytes(struct ssh_agent *a)
{
	return (struct ssh_bytes){ (const unsigned char *)buf_data(&a->in),
				   buf_len(&a->in) };
}

/* Sends @question; *answer is what follows the type @want. */
static int agent_ask(struct ssh_agent *a, struct buf *question, uint8_t want,
		     struct ssh_bytes *answer, struct mono deadline,
		     struct err *err)
{
	AUTO_BUF struct buf packet = { .base = NULL };
	uint32_t len = 0;
	uint8_t type = 0;

	ssh_put_string(&packet, buf_data(question), buf_len(question));
	if (stream_write(a->stream, buf_data(&packet), buf_len(&packet),
			 deadline, err) < 0 ||
	    read_exactly(a, sizeof(len), deadline, err) < 0)
		return -1;
	*answer = in_bytes(a);
	(void)ssh_take_u32(answer, &len);
	if (!len || len > AGENT_ANSWER_MAX)
		return err_set(err, ERR_PROTOCOL, "the agent spoke nonsense");
	if (read_exactly(a, len, deadline, err) < 0)
		return -1;
	*answer = in_bytes(a);
	(void)ssh_take_u8(answer, &type);
	if (type != want)
		return err_set(err, ERR_REMOTE, "the agent refused");
	return 0;
}

/* --- the two questions --------------------------------------------------- */

static int take_key(struct ssh_bytes *answer, struct ssh_agent_key *key)
{
	struct ssh_bytes blob, comment;

	if (ssh_take_string(answer, &blob) < 0 ||
	    ssh_take_string(answer, &comment) < 0)
		return -1;
	buf_append(&key->blob, blob.data, blob.len);
	key->comment = xstrndup((const char *)comment.data, comment.len);
	return 0;
}

int ssh_agent_list(struct ssh_agent *a, struct ssh_agent_key **keys, size_t *n,
		   struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf question = { .base = NULL };
	struct ssh_bytes answer;
	uint32_t count;

	forget_keys(a);
	ssh_put_u8(&question, AGENT_REQUEST_IDENTITIES);
	if (agent_ask(a, &question, AGENT_IDENTITIES_ANSWER, &answer, deadline,
		      err) < 0)
		return -1;
	if (ssh_take_u32(&answer, &count) < 0 || count > AGENT_KEYS_MAX)
		return err_set(err, ERR_PROTOCOL, "the agent spoke nonsense");
	a->keys = xcalloc(count, sizeof(*a->keys));
	while (a->n < count) {
		if (take_key(&answer, &a->keys[a->n]) < 0)
			return err_set(err, ERR_PROTOCOL,
				       "the agent spoke nonsense");
		a->n++;
	}
	*keys = a->keys;
	*n = a->n;
	return 0;
}

static uint32_t sign_flags(const char *algorithm)
{
	if (!strcmp(algorithm, "rsa-sha2-512"))
		return AGENT_RSA_SHA2_512;
	return strcmp(algorithm, "rsa-sha2-256") ? 0 : AGENT_RSA_SHA2_256;
}

int ssh_agent_sign(struct ssh_agent *a, struct ssh_bytes blob,
		   const char *algorithm, struct ssh_bytes data,
		   struct buf *signature, struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf question = { .base = NULL };
	struct ssh_bytes answer, whole, type, proper;

	ssh_put_u8(&question, AGENT_SIGN_REQUEST);
	ssh_put_string(&question, blob.data, blob.len);
	ssh_put_string(&question, data.data, data.len);
	ssh_put_u32(&question, sign_flags(algorithm));
	if (agent_ask(a, &question, AGENT_SIGN_RESPONSE, &answer, deadline,
		      err) < 0)
		return -1;
	if (ssh_take_string(&answer, &whole) < 0 ||
	    ssh_take_string(&whole, &type) < 0 ||
	    ssh_take_string(&whole, &proper) < 0)
		return err_set(err, ERR_PROTOCOL, "the agent spoke nonsense");
	if (!ssh_bytes_are(type, algorithm))
		return err_set(err, ERR_REMOTE,
			       "the agent signed by another algorithm");
	buf_append(signature, proper.data, proper.len);
	return 0;
}
