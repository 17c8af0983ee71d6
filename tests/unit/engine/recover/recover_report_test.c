/* SPDX-License-Identifier: MIT */
/* Tests of engine/recover/recover_report.c. */
#include "engine/recover/recover_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/migrate_options.h"
#include "engine/state/recording.h"
#include "engine/state/recording_read.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"

#define START "{\"event\":\"run-start\",\"t\":1,\"guest\":\"web1\"}\n"

static char state_dir[64], dir[96], path[128];
static struct migrate_options opt;
static int warnings;

static int make_dir(void **state)
{
	FILE *f;

	(void)state;
	snprintf(state_dir, sizeof(state_dir), "/tmp/aftermath-test.XXXXXX");
	if (!mkdtemp(state_dir))
		return -1;
	snprintf(dir, sizeof(dir), "%s/recordings", state_dir);
	snprintf(path, sizeof(path), "%s/run-1.jsonl", dir);
	if (mkdir(dir, 0700) < 0)
		return -1;
	f = fopen(path, "w");
	return f && fputs(START, f) >= 0 && fclose(f) == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return remove_tree(state_dir);
}

TEST_FIXTURE(make_dir, remove_dir);

static void count_warnings(void *arg, const struct event *ev)
{
	(void)arg;
	warnings += ev->kind == EVENT_WARNING;
}

static void fill(struct recovery *done, enum verdict v, enum owner owner)
{
	*done = (struct recovery){ .verdict = v };
	result_init(&done->result);
	done->result.run = xstrdup("run-1");
	done->result.guest = xstrdup("web1");
	done->result.owner = owner;
	strv_push(&done->did, "this and that");
}

static void drop(struct recovery *done)
{
	strv_free(&done->did);
	result_free(&done->result);
}

static void record(struct recovery *done)
{
	struct run *r = XNEW(struct run);

	warnings = 0;
	migrate_options_init(&opt);
	opt.state_dir = state_dir;
	opt.sink = count_warnings;
	*r = (struct run){ .opt = &opt, .result = &done->result };
	snprintf(r->id.name, sizeof(r->id.name), "run-1");
	r->held.recording = recording_new_addition(r->id.name);
	recover_report_write(r, done, "as it was seen");
	recording_close(r->held.recording);
	free(r);
}

static long size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (long)st.st_size;
}

static enum outcome outcome_of(enum verdict v, enum owner owner)
{
	struct recovery done;
	enum outcome o;

	fill(&done, v, owner);
	o = recover_report_outcome(&done);
	drop(&done);
	return o;
}

TEST(only_what_decides_on_the_guest_is_an_outcome)
{
	assert_int_equal(outcome_of(VERDICT_ABORT, OWNER_SOURCE),
			 OUTCOME_FAILED);
	assert_int_equal(outcome_of(VERDICT_TAKE_BACK, OWNER_SOURCE),
			 OUTCOME_FAILED);
	assert_int_equal(outcome_of(VERDICT_FINISH, OWNER_DESTINATION),
			 OUTCOME_MIGRATED);
	assert_int_equal(outcome_of(VERDICT_FORWARD, OWNER_DESTINATION),
			 OUTCOME_MIGRATED);
	assert_int_equal(outcome_of(VERDICT_LOST, OWNER_NONE), OUTCOME_ENDED);
	assert_int_equal(outcome_of(VERDICT_HOLD, OWNER_UNKNOWN),
			 OUTCOME_INTERNAL);
	assert_int_equal(outcome_of(VERDICT_PERSON, OWNER_UNKNOWN),
			 OUTCOME_INTERNAL);
	assert_int_equal(outcome_of(VERDICT_NOTHING, OWNER_SOURCE),
			 OUTCOME_INTERNAL);
}

TEST(one_that_the_destination_refused_has_not_moved)
{
	assert_int_equal(outcome_of(VERDICT_FORWARD, OWNER_SOURCE),
			 OUTCOME_FAILED);
}

IN_TASK(what_was_done_is_a_result_unlike_an_engines)
{
	struct recording_view v;
	struct recovery done;

	fill(&done, VERDICT_FINISH, OWNER_DESTINATION);
	record(&done);
	assert_true(recording_view_read(state_dir, "run-1", &v));
	assert_int_equal(v.state, RECORDING_ENDED);
	assert_true(recording_is_recovered(&v));
	assert_string_equal(recording_text(&v, EVENT_RESULT, "outcome"),
			    "migrated");
	assert_string_equal(recording_text(&v, EVENT_RESULT, "verdict"),
			    "finish");
	assert_string_equal(recording_text(&v, EVENT_RESULT, "decision"),
			    "as it was seen");
	assert_int_equal(done.result.outcome, OUTCOME_INTERNAL);
	assert_null(done.result.decision);
	recording_view_free(&v);
	drop(&done);
}

IN_TASK(what_is_held_or_failed_is_not_reported)
{
	struct recovery done;

	fill(&done, VERDICT_HOLD, OWNER_UNKNOWN);
	record(&done);
	drop(&done);
	fill(&done, VERDICT_FINISH, OWNER_DESTINATION);
	err_set(&done.result.error, ERR_BUSY, "somebody has it");
	record(&done);
	drop(&done);
	assert_int_equal(size(), strlen(START));
	assert_int_equal(warnings, 0);
}

IN_TASK(the_same_left_over_is_reported_once)
{
	struct recovery done;
	long once;

	fill(&done, VERDICT_ABORT, OWNER_SOURCE);
	strv_push(&done.result.leftovers, "hostb cannot be reached");
	record(&done);
	once = size();
	assert_true(once > (long)strlen(START));
	record(&done);
	assert_int_equal(size(), once);
	strv_push(&done.result.leftovers, "one more");
	record(&done);
	assert_true(size() > once);
	once = size();
	strv_free(&done.result.leftovers);
	record(&done);
	assert_true(size() > once);
	drop(&done);
}

IN_TASK(a_missing_recording_is_no_failure)
{
	struct recovery done;

	assert_int_equal(unlink(path), 0);
	fill(&done, VERDICT_ABORT, OWNER_SOURCE);
	record(&done);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(warnings, 0);
	drop(&done);
}

IN_TASK(one_that_cannot_be_written_is_a_warning)
{
	struct recovery done;

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	fill(&done, VERDICT_ABORT, OWNER_SOURCE);
	record(&done);
	assert_int_equal(warnings, 1);
	assert_int_equal(done.result.error.kind, ERR_NONE);
	drop(&done);
}
