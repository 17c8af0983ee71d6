/* SPDX-License-Identifier: MIT */
/*
 * A recording of a run, as a crash, a full disk or a stranger left it: what
 * `status`, `forecast` and `replay` make of it. The whole input is the file.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/estimate/replay.h"
#include "engine/state/recording_file.h"
#include "engine/state/recording_read.h"
#include "engine/state/run_status.h"
#include "engine/state/state_dir.h"
#include "tests/fuzz/fuzz_files.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"

static const char run_name[] = "20261130-1-fuzz";

/* --- what replay learns -------------------------------------------------- */

static void check_guest(const struct replay *r)
{
	const struct simulate_guest g = replay_guest(r);
	const struct policy_facts f = replay_facts(r);
	double end = r->n_spans ? r->spans[r->n_spans - 1].to_s : 0;

	for (double from = 0; from < 4; from++) {
		double d = g.dirtied(g.arg, end * from / 3, end + from, 0);

		fuzz_claim(isfinite(d) && d >= 0, "a guest dirties bytes");
	}
	fuzz_claim(replay_limit_s(r, &f) > 0, "a simulation ends");
}

static void check_spans(const struct replay *r)
{
	for (size_t i = 0; i < r->n_spans; i++) {
		const struct replay_span *s = &r->spans[i];

		fuzz_claim(s->to_s > s->from_s && isfinite(s->to_s),
			   "spans are times");
		fuzz_claim(i == 0 || s->from_s == s[-1].to_s,
			   "spans follow each other");
		fuzz_claim(isfinite(s->activity) && isfinite(s->factor) &&
				   s->activity >= 0 && s->factor >= 0,
			   "spans say how active a guest is");
	}
}

static void learn(const uint8_t *data, size_t size)
{
	AUTO_ERR struct err err = { 0 };
	struct replay r;

	if (replay_parse((const char *)data, size, "file", &r, &err) == 0) {
		fuzz_claim(r.history.view.n_passes == r.n_spans && r.n_spans,
			   "a span for each pass");
		fuzz_claim(isfinite(r.link.bandwidth_bps) &&
				   r.link.bandwidth_bps > 0 &&
				   isfinite(r.link.final_bps) &&
				   r.link.final_bps > 0 && r.budget_ms > 0,
			   "what is replayed has a link and a budget");
		check_spans(&r);
		check_guest(&r);
	} else {
		fuzz_claim(err.kind == ERR_PROTOCOL, "a refusal says why");
	}
	replay_free(&r);
}

/* --- what status shows --------------------------------------------------- */

static void check_view(const struct recording_view *v)
{
	fuzz_claim(!strcmp(v->run, run_name), "it is named by its file");
	fuzz_claim(v->state < RECORDING_STATES &&
			   (v->state == RECORDING_ENDED) ==
				   (v->last[EVENT_RESULT] != NULL),
		   "one with a result has ended");
	fuzz_claim(v->last[EVENT_RUN_START] != NULL, "it has a start");
	fuzz_claim(recording_guest(v) != NULL, "there is a word for its guest");
	(void)recording_uuid(v);
	(void)recording_is_recovered(v);
	fuzz_claim(recording_is_of(v, run_name) && recording_same_guest(v, v),
		   "it is of its own run");
}

static void show(const char *state)
{
	struct recordings all;
	struct run_status *status;

	fuzz_claim(recordings_read(state, &all, NULL) == 0 && all.n <= 1,
		   "the directory can be read");
	for (size_t i = 0; i < all.n; i++)
		check_view(&all.v[i]);
	status = run_status_all(state, &all, 1.8e9);
	for (size_t i = 0; i < all.n; i++) {
		(void)run_status_is_open(&status[i]);
		fuzz_claim(run_status_is_shown(status, all.n, i, NULL),
			   "the only run is shown");
	}
	(void)recordings_to_replay(&all, run_name);
	free(status);
	recordings_free(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *state = fuzz_files_dir();
	AUTO_FREE char *dir = state_dir_recordings(state);
	AUTO_FREE char *name = recording_file_name(run_name);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	struct recording_view v;

	fuzz_claim(state_dir_make(dir, NULL) == 0, "there is a directory");
	fuzz_files_put(path, data, size);
	if (recording_view_read(state, run_name, &v))
		check_view(&v);
	recording_view_free(&v);
	show(state);
	learn(data, size);
	return 0;
}
