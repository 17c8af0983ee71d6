/* SPDX-License-Identifier: MIT */
/* feed: the three streams of a command that runs. */
#include "transport/feed.h"

#include <stdlib.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

enum { READ_BYTES = 16384, LANES = 3 };

struct lane {
	struct feed *feed;
	struct stream *stream;
	struct buf *into; /* NULL: it is written to */
	struct task *task;
};

struct feed {
	struct feed_spec spec;
	struct lane lanes[LANES];
	bool too_much;
};

static void write_input(void *arg)
{
	struct lane *l = arg;
	const struct feed_spec *spec = &l->feed->spec;

	/* a command that does not want its input is no failure of ours */
	(void)stream_write(l->stream, spec->input, spec->input_len, MONO_NEVER,
			   NULL);
	stream_close(STEAL(l->stream));
}

/*
 * The next bytes. A cancel may end the wait for bytes that have come meanwhile:
 * stream_read() reads first and waits then, so that once more finds them.
 */
static ssize_t read_more(struct lane *l, void *to)
{
	ssize_t n = stream_read(l->stream, to, READ_BYTES, MONO_NEVER, NULL);

	if (n < 0 && task_cancel_asked())
		n = stream_read(l->stream, to, READ_BYTES, MONO_NEVER, NULL);
	return n;
}

/* Reads to the end of the stream; after a cancel, what is there already. */
static void collect_output(void *arg)
{
	struct lane *l = arg;
	const struct feed_spec *spec = &l->feed->spec;
	ssize_t n;

	for (;;) {
		void *to = buf_reserve(l->into, READ_BYTES);

		n = read_more(l, to);
		if (n <= 0)
			break;
		buf_commit(l->into, (size_t)n);
		if (buf_len(l->into) > spec->max_output) {
			l->feed->too_much = true;
			if (spec->overrun)
				spec->overrun(spec->arg);
			break;
		}
	}
	stream_close(STEAL(l->stream));
}

static void start(struct feed *f, struct lane *l, int fd, struct buf *into)
{
	if (fd < 0)
		return;
	l->feed = f;
	l->into = into;
	l->stream = stream_fd_new(into ? fd : -1, into ? -1 : fd);
	l->task = task_start(task_loop(), "feed",
			     into ? collect_output : write_input, l);
}

struct feed *feed_start(const struct feed_spec *spec)
{
	struct feed *f = XNEW(struct feed);

	f->spec = *spec;
	start(f, &f->lanes[0], spec->in, NULL);
	start(f, &f->lanes[1], spec->out, spec->output);
	start(f, &f->lanes[2], spec->err, spec->errors);
	return f;
}

bool feed_stop(struct feed *f)
{
	bool too_much;

	for (size_t i = 0; i < LANES; i++) {
		if (!f->lanes[i].task)
			continue;
		task_cancel(f->lanes[i].task);
		task_join(f->lanes[i].task);
	}
	too_much = f->too_much;
	free(f);
	return too_much;
}
