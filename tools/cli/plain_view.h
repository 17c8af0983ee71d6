/* SPDX-License-Identifier: MIT */
/*
 * plain_view: the voice where there is no terminal. One line an event, with
 * its time and key=value pairs; progress at most every ten seconds; never a
 * carriage return.
 */
#ifndef TOOLS_CLI_PLAIN_VIEW_H
#define TOOLS_CLI_PLAIN_VIEW_H

#include "engine/event/event.h"
#include "tools/cli/outlet.h"

enum { PLAIN_VIEW_PROGRESS_MS = 10000 };

/* Zeroed but for `out`, `utf8` and `verbose` to begin with. */
struct plain_view {
	struct outlet *out;
	bool utf8;
	int verbose;
	bool sampled, passed;
	struct mono sample_at, pass_at; /* of the last line of that kind */
};

void plain_view_event(struct plain_view *v, const struct event *ev);
/* "TIME event=note text=…" */
void plain_view_note(struct plain_view *v, struct wall t, const char *text);

#endif
