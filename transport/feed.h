/* SPDX-License-Identifier: MIT */
/*
 * feed: the three streams of a command that runs: its input is written, its
 * outputs are collected, each by a task, while somebody waits for its end.
 */
#ifndef TRANSPORT_FEED_H
#define TRANSPORT_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/buf.h"

struct feed;

struct feed_spec {
	int in, out, err; /* owned from here on; -1: none */
	const void *input;
	size_t input_len;
	size_t max_output;	     /* of each output */
	struct buf *output, *errors; /* appended to */
	/* An output is longer than that: it is not read on. May be NULL. */
	void (*overrun)(void *arg);
	void *arg;
};

/* What the spec points at must stay. From a task. */
struct feed *feed_start(const struct feed_spec *spec);
/*
 * The command has ended: takes what its outputs hold and frees. A process that
 * keeps one open is not waited for. True when an output was too long.
 */
bool feed_stop(struct feed *f);

#endif
