/* SPDX-License-Identifier: MIT */
/* fuzz_peer: a stream whose other end says what the input says. */
#include "tests/fuzz/fuzz_peer.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/buf.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* So often may others run before the peer goes on unasked. */
enum { PATIENCE = 6 };

struct peer {
	struct stream stream;
	struct fuzz_input in;
	uint32_t seed;
	bool directed;
	unsigned int asked, seen; /* writes to the peer, and of these noted */
	struct buf heard;	  /* the last write */
	struct buf id;		  /* what is left to say of an id */
};

/* The text behind the last "id":" that was heard. */
static void recall_id(struct peer *p)
{
	static const char key[] = "\"id\":\"";
	const char *at = NULL;

	for (const char *next = buf_data(&p->heard); (next = strstr(next, key));
	     next++)
		at = next + strlen(key);
	if (at)
		buf_append(&p->id, at, strcspn(at, "\""));
}

static void await_question(struct peer *p)
{
	for (int i = 0; i < PATIENCE && p->asked == p->seen; i++)
		task_yield();
	p->seen = p->asked;
}

/* Follows directions; true when bytes of an id are to be said. */
static bool directions(struct peer *p)
{
	while (p->directed && !buf_len(&p->id) && p->in.len &&
	       (*p->in.data == FUZZ_PEER_ID || *p->in.data == FUZZ_PEER_WAIT)) {
		if (fuzz_take(&p->in) == FUZZ_PEER_ID)
			recall_id(p);
		else
			await_question(p);
	}
	return buf_len(&p->id) > 0;
}

/* Bytes up to the next direction. */
static size_t plain_bytes(const struct peer *p, size_t len)
{
	for (size_t i = 0; p->directed && i < len; i++) {
		if (p->in.data[i] == FUZZ_PEER_ID ||
		    p->in.data[i] == FUZZ_PEER_WAIT)
			return i;
	}
	return len;
}

/* As a real read this one is a place where a cancel is learnt of. */
static bool cancelled(struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	struct waitq nobody = { 0 };

	if (!task_cancel_asked() ||
	    task_wait_queue(&nobody, mono_now(), &e) == 0 ||
	    e.kind != ERR_CANCELLED)
		return false;
	err_move(err, &e);
	return true;
}

static ssize_t peer_read(struct stream *s, void *data, size_t len,
			 struct mono deadline, struct err *err)
{
	struct peer *p = (struct peer *)s;
	size_t n;

	(void)deadline;
	if (cancelled(err))
		return -1;
	task_yield();
	if (directions(p)) {
		n = buf_len(&p->id) < len ? buf_len(&p->id) : len;
		memcpy(data, buf_data(&p->id), n);
		buf_consume(&p->id, n);
		return (ssize_t)n;
	}
	if (!p->in.len) {
		await_question(p);
		return 0;
	}
	n = fuzz_piece(&p->seed, p->in.len < len ? p->in.len : len);
	n = plain_bytes(p, n);
	memcpy(data, p->in.data, n);
	p->in.data += n;
	p->in.len -= n;
	return (ssize_t)n;
}

static ssize_t peer_write(struct stream *s, const void *data, size_t len,
			  struct mono deadline, struct err *err)
{
	struct peer *p = (struct peer *)s;

	(void)deadline;
	(void)err;
	buf_consume(&p->heard, buf_len(&p->heard));
	buf_append(&p->heard, data, len);
	p->asked++;
	return (ssize_t)len;
}

static void peer_close(struct stream *s)
{
	struct peer *p = (struct peer *)s;

	buf_free(&p->heard);
	buf_free(&p->id);
	free(p);
}

struct stream *fuzz_peer_new(struct fuzz_input in, uint32_t seed, bool directed)
{
	static const struct stream_ops ops = {
		.read = peer_read,
		.write = peer_write,
		.close = peer_close,
	};
	struct peer *p = XNEW(struct peer);

	*p = (struct peer){
		.stream = { .ops = &ops },
		.in = in,
		.seed = seed,
		.directed = directed,
	};
	return &p->stream;
}
