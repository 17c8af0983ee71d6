/* SPDX-License-Identifier: MIT */
/*
 * switchover: the hand-over against two scripted QEMUs, for what a real one
 * cannot be made to do at will. The order of commands is the claim: a script
 * fails on any command that it does not expect.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/hosts/proc_stat.h"
#include "engine/policy/policy.h"
#include "engine/policy/policy_auto.h"
#include "engine/run/gate.h"
#include "engine/run/migrate_options.h"
#include "engine/run/pulse.h"
#include "engine/run/round_trip.h"
#include "engine/run/run.h"
#include "engine/run/switchover.h"
#include "engine/state/journal.h"
#include "qmp/json.h"
#include "qmp/qmp.h"
#include "transport/host.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/run_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

#define STATUS(state, running)                           \
	"{\"status\":\"" state "\",\"running\":" running \
	",\"singlestep\":false}"
#define DONE "{\"status\":\"completed\"}"

/* What a case plays, and what must come of it. */
struct play {
	const struct fake_step *src, *dst, *dst_again;
	size_t n_src, n_dst, n_dst_again;
	const char *version; /* of both; NULL: the oldest */
	void (*body)(struct run *r);
};

/* --- a script for each side -------------------------------------------- */

static void played(struct fake_qemu *f)
{
	AUTO_FREE char *problem = f ? fake_qemu_end(f) : NULL;

	if (problem)
		fail_msg("%s", problem);
}

static void act(void *arg)
{
	const struct play *p = arg;
	const struct fake_options as = { .version = p->version };
	struct fake_options listening = { .path = NULL };
	struct run r = { .opt = NULL };
	struct fake_qemu *src, *dst, *again = NULL;
	char dir[] = "/tmp/switchover-XXXXXX";
	AUTO_FREE char *path = NULL;

	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/monitor", dir);
	listening.path = path;
	src = fake_qemu_start(&as, p->src, p->n_src);
	dst = fake_qemu_start(&as, p->dst, p->n_dst);
	if (p->dst_again)
		again = fake_qemu_start(&listening, p->dst_again,
					p->n_dst_again);
	run_fixture_init(&r, src, dst);
	r.dest.plan.monitor0 = xstrdup(path);
	p->body(&r);
	run_fixture_fini(&r);
	played(src);
	played(dst);
	played(again);
	(void)unlink(path);
	(void)rmdir(dir);
}

#define PLAY(src_steps, dst_steps, fn) PLAY_AS(NULL, src_steps, dst_steps, fn)
#define PLAY_AS(qemu, src_steps, dst_steps, fn)              \
	in_task(act, &(struct play){                         \
			     .src = src_steps,               \
			     .n_src = ARRAY_SIZE(src_steps), \
			     .dst = dst_steps,               \
			     .n_dst = ARRAY_SIZE(dst_steps), \
			     .version = qemu,                \
			     .body = fn,                     \
		     })
/* The destination is connected to a second time. */
#define PLAY_AGAIN(src_steps, dst_steps, again_steps, fn)            \
	in_task(act, &(struct play){                                 \
			     .src = src_steps,                       \
			     .n_src = ARRAY_SIZE(src_steps),         \
			     .dst = dst_steps,                       \
			     .n_dst = ARRAY_SIZE(dst_steps),         \
			     .dst_again = again_steps,               \
			     .n_dst_again = ARRAY_SIZE(again_steps), \
			     .body = fn,                             \
		     })

/* --- the gate ------------------------------------------------------------ */

static void set_gates(struct run *r, const char *params, bool given)
{
	AUTO_JSON struct json_object *known =
		json_parse(params, strlen(params), NULL);
	AUTO_ERR struct err e = { 0 };

	r->attempt.src.params = known;
	r->attempt.downtime_limit_ms = r->attempt.gate_limit_ms = 1;
	expect_ok(gate_set(r, 1, given ? 0 : 1e8, 1, &e), &e);
	expect_ok(gate_set(r, 100, 2e8, 50, &e), &e);
	/* as good as the same */
	expect_ok(gate_set(r, 100, 2.1e8, 49, &e), &e);
	expect_ok(gate_set(r, 100, 1e8, 2, &e), &e);
	r->attempt.src.params = NULL;
}

static void sets_gates_of_old(struct run *r)
{
	set_gates(r, "{\"downtime-limit\":300}", false);
}

TEST(a_gate_of_old_is_scaled_and_follows)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-set-parameters",
		  .args = "{\"downtime-limit\":800}" },
		{ .expect = "migrate-set-parameters",
		  .args = "{\"downtime-limit\":200}" },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = { { .leaves = true } };

	PLAY(src, dst, sets_gates_of_old);
}

static void sets_gates_with_a_bandwidth(struct run *r)
{
	set_gates(r, "{\"avail-switchover-bandwidth\":0}", true);
}

TEST(a_gate_is_given_the_bandwidth_and_follows)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-set-parameters",
		  .args = "{\"downtime-limit\":100,"
			  "\"avail-switchover-bandwidth\":200000000}" },
		{ .expect = "migrate-set-parameters",
		  .args = "{\"downtime-limit\":100,"
			  "\"avail-switchover-bandwidth\":100000000}" },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = { { .leaves = true } };

	PLAY_AS("10.0.2", src, dst, sets_gates_with_a_bandwidth);
}

/* --- before the point of no return --------------------------------------- */

static void switches(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	expect_ok(switchover_run(r, &e), &e);
	assert_false(r->course.committed);
}

TEST(both_ends_are_asked_before_the_commit)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue",
		  .args = "{\"state\":\"pre-switchover\"}" },
		{ .event = "MIGRATION {\"status\":\"device\"}" },
		{ .event = "MIGRATION {\"status\":\"completed\"}" },
		{ .expect = "query-status",
		  .reply = STATUS("postmigrate", "false") },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate", .reply = DONE },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, switches);
}

TEST(completed_is_not_believed_before_postmigrate)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue" },
		{ .event = "MIGRATION {\"status\":\"completed\"}" },
		{ .expect = "query-status",
		  .reply = STATUS("finish-migrate", "false") },
		{ .expect = "query-status",
		  .reply = STATUS("postmigrate", "false") },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"active\"}" },
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate", .reply = DONE },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, switches);
}

/* --- how often the destination is waited for ----------------------------- */

static void switches_in_four(struct run *r)
{
	switches(r);
	assert_int_equal(round_trip_count(r), 4);
}

#define SOURCE_COMPLETES                                             \
	{ .expect = "migrate-continue" },                            \
		{ .event = "MIGRATION {\"status\":\"completed\"}" }, \
		{ .expect = "query-status",                          \
		  .reply = STATUS("postmigrate", "false") },         \
	{                                                            \
		.leaves = true                                       \
	}

TEST(each_question_to_the_destination_is_a_round_trip)
{
	static const struct fake_step src[] = { SOURCE_COMPLETES };
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate", .reply = DONE },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, switches_in_four);
}

/* A second session with the destination, as after a launch. */
static void with_second_session(struct run *r, void (*body)(struct run *r))
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};
	const struct fake_options as = { .version = NULL };
	struct fake_qemu *f = fake_qemu_start(&as, steps, ARRAY_SIZE(steps));
	AUTO_ERR struct err e = { 0 };
	int fd = fake_qemu_take_fd(f);

	r->dst.rescue =
		qmp_open(stream_fd_new(fd, fd), "destination", SOON, &e);
	assert_non_null(r->dst.rescue);
	body(r);
	qmp_close(STEAL(r->dst.rescue));
	played(f);
}

static void switches_in_two(struct run *r)
{
	struct qmp_status st;

	pulse_begin(r);
	while (!pulse_is_fresh(r, &st))
		task_yield();
	switches(r);
	/* the copy, and whether it has all; `cont` is the third */
	assert_int_equal(round_trip_count(r), 2);
	assert_null(r->attempt.pulse);
}

static void switches_with_pulse(struct run *r)
{
	with_second_session(r, switches_in_two);
}

TEST(a_destination_that_answered_before_the_stop_is_asked_once)
{
	static const struct fake_step src[] = { SOURCE_COMPLETES };
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate", .reply = DONE },
		{ .leaves = true },
	};

	PLAY(src, dst, switches_with_pulse);
}

/* Has the script give the answer that it keeps back. */
static void let_go(void *arg)
{
	struct run *r = arg;
	AUTO_ERR struct err e = { 0 };

	expect_ok(qmp_call_oob(r->dst.qmp, "query-yank", NULL, NULL, SOON, &e),
		  &e);
}

static void switches_in_three(struct run *r)
{
	struct task *t;

	pulse_begin(r);
	/* its question is sent first */
	task_yield();
	t = task_start(task_loop(), "let go", let_go, r);
	switches(r);
	task_join(t);
	/* the pulse's, the copy, and whether it has all */
	assert_int_equal(round_trip_count(r), 3);
}

static void switches_with_late_pulse(struct run *r)
{
	with_second_session(r, switches_in_three);
}

TEST(an_answer_that_is_late_is_one_round_trip_more)
{
	static const struct fake_step src[] = { SOURCE_COMPLETES };
	static const struct fake_step dst[] = {
		{ .expect = "query-status", .hold = true },
		{ .expect = "query-yank", .oob = true, .reply = "[]" },
		{ .release = true, .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate", .reply = DONE },
		{ .leaves = true },
	};

	PLAY(src, dst, switches_with_late_pulse);
}

static void fails(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	assert_int_equal(switchover_run(r, &e), -1);
	assert_int_equal(e.kind, ERR_FAILED);
	assert_false(r->course.committed);
}

TEST(a_dead_destination_is_noticed_before_migrate_continue)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "query-status", .close = true },
	};

	PLAY(src, dst, fails);
}

TEST(a_source_that_fails_in_device_is_a_failure)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue" },
		{ .event = "MIGRATION {\"status\":\"device\"}" },
		{ .event = "MIGRATION {\"status\":\"failed\"}" },
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"failed\","
			   "\"error-desc\":\"no such device\"}" },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, fails);
}

static void stalls(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	assert_int_equal(switchover_run(r, &e), -1);
	expect_err_kind(&e, ERR_FAILED, "no byte moved");
	assert_false(r->course.committed);
}

TEST(a_stream_that_stalls_is_cut)
{
	/* in `device` the monitor may hang: it is not asked anything */
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue" },
		{ .event = "MIGRATION {\"status\":\"device\"}" },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, stalls);
}

static void is_cut_by_the_tunnel(struct run *r)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FD int fd = -1;
	char byte;

	tunnel_free(r->attempt.tunnel);
	r->attempt.tunnel = run_fixture_stuck_tunnel();
	fd = tunnel_start_pair(r->attempt.tunnel, RUN_STALL_MS, &e);
	assert_int_equal(write(fd, "x", 1), 1);
	stalls(r);
	assert_int_equal(read(fd, &byte, 1), 0);
	assert_int_equal(tunnel_verdict(r->attempt.tunnel, &e), -1);
	expect_err_kind(&e, ERR_TIMEOUT, "took no byte for 4500 ms");
}

/* Before the engine does, whose limit is the 5 s that a guest may freeze. */
TEST(a_tunnel_whose_far_side_takes_nothing_cuts_itself)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue" },
		{ .event = "MIGRATION {\"status\":\"device\"}" },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, is_cut_by_the_tunnel);
}

static void over_budget(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	r->attempt.clock.stop_at = mono_add_ms(r->attempt.clock.stop_at, -301);
	assert_int_equal(switchover_run(r, &e), -1);
	assert_int_equal(e.kind, ERR_BUDGET);
}

TEST(a_broken_budget_ends_it_while_going_back_is_cheap)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, over_budget);
}

static void over_a_budget_that_is_lifted(struct run *r)
{
	r->attempt.clock.stop_at = mono_add_ms(r->attempt.clock.stop_at, -301);
	r->attempt.budget_lifted = true;
	switches(r);
}

TEST(a_budget_that_was_lifted_does_not_end_it)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue" },
		{ .event = "MIGRATION {\"status\":\"completed\"}" },
		{ .expect = "query-status",
		  .reply = STATUS("postmigrate", "false") },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate", .reply = DONE },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, over_a_budget_that_is_lifted);
}

static void too_much_is_left(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	r->attempt.link.rest_ms = 305;
	lessons_learn(&r->lessons, &(struct lesson){ 15, 0, 0 });
	assert_int_equal(switchover_run(r, &e), -1);
	expect_err_kind(&e, ERR_BUDGET, "what is left");
}

TEST(what_will_break_the_budget_ends_it_before_it_does)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, too_much_is_left);
}

static void source_is_gone(struct run *r)
{
	/* above the highest pid that Linux gives */
	r->source.guest.pid = 4194305;
}

static void goes_on_alone(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	source_is_gone(r);
	expect_ok(switchover_run(r, &e), &e);
	assert_true(r->course.shielded);
	/* and no cancel takes it away again */
	task_cancel(task_self());
	expect_ok(switchover_commit(r, &e), &e);
}

static void dies_half_way(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	source_is_gone(r);
	assert_int_equal(switchover_run(r, &e), -1);
	assert_false(r->course.shielded);
	assert_false(r->course.committed);
}

TEST(a_source_that_dies_after_the_last_byte_is_not_needed)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue" },
		{ .event = "MIGRATION {\"status\":\"completed\"}" },
		{ .expect = "query-status", .close = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate", .reply = DONE },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, goes_on_alone);
}

TEST(a_source_that_dies_before_it_takes_the_guest_along)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue", .reply = "{}", .close = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"failed\"}" },
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, dies_half_way);
}

static void switches_before_its_first_start(struct run *r)
{
	r->source.facts.first_status = (struct qmp_status){
		.state = RUN_PRELAUNCH,
	};
	switches(r);
}

TEST(a_guest_that_never_ran_arrives_as_it_was)
{
	static const struct fake_step src[] = {
		{ .expect = "migrate-continue" },
		{ .event = "MIGRATION {\"status\":\"completed\"}" },
		{ .expect = "query-status",
		  .reply = STATUS("postmigrate", "false") },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "query-status",
		  .reply = STATUS("inmigrate", "false") },
		{ .expect = "query-migrate", .reply = DONE },
		{ .expect = "query-status",
		  .reply = STATUS("prelaunch", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, switches_before_its_first_start);
}

/* --- a COMMIT in doubt ---------------------------------------------------- */

static bool disk_fails;
static pid_t far_qemu; /* what takes the place of QEMU on the destination */

/* In place of the C library's. */
int fdatasync(int fd)
{
	if (disk_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* With its start time. */
static pid_t start_process(uint64_t *ticks)
{
	struct proc_stat stat = { 0 };
	AUTO_FREE char *path = NULL;
	char line[512] = "";
	pid_t pid = fork();
	FILE *f;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("sleep", "sleep", "600", NULL);
		_exit(1);
	}
	path = xasprintf("/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
	assert_int_equal(proc_stat_read(line, &stat), 0);
	*ticks = stat.start_ticks;
	return pid;
}

/* Commits a run with a journal in @dir on a disk that fails. */
static int commit_in(struct run *r, const char *dir, struct err *err)
{
	AUTO_FREE char *path = xasprintf("%s/journal", dir);
	int rc;

	strcpy(r->id.name, "run-1");
	free(r->dest.dir);
	r->dest.dir = xasprintf("%s/run", dir);
	r->dest.lock = xasprintf("%s/lock", dir);
	r->dest.pid = far_qemu = start_process(&r->dest.ticks);
	r->dest.made = true;
	r->held.journal = journal_create(path, NULL);
	assert_non_null(r->held.journal);
	disk_fails = true;
	rc = switchover_commit(r, err);
	disk_fails = false;
	journal_close(STEAL(r->held.journal));
	free(r->dest.lock);
	return rc;
}

static void doubts(struct run *r)
{
	char dir[] = "/tmp/switchover-XXXXXX";
	AUTO_ERR struct err e = { 0 };

	assert_non_null(mkdtemp(dir));
	assert_int_equal(commit_in(r, dir, &e), -1);
	/* of its parent it is a zombie now */
	assert_int_equal(waitpid(far_qemu, NULL, WNOHANG), far_qemu);
	expect_err_kind(&e, ERR_FAILED,
			"the journal of run-1 cannot be trusted");
	assert_false(r->course.committed);
	assert_int_equal(remove_tree(dir), 0);
}

TEST(a_commit_in_doubt_ends_the_destination_before_the_source_goes_on)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = { { .leaves = true } };

	PLAY(src, dst, doubts);
}

static void cannot_see_it_gone(struct run *r)
{
	char dir[] = "/tmp/switchover-XXXXXX";
	AUTO_ERR struct err e = { 0 };

	assert_non_null(mkdtemp(dir));
	/* the name leads elsewhere now */
	host_close(STEAL(r->dst.host));
	strcpy(r->dest.space.machine, "another");
	assert_int_equal(commit_in(r, dir, &e), -1);
	assert_int_equal(waitpid(far_qemu, NULL, WNOHANG), 0);
	kill(far_qemu, SIGKILL);
	assert_int_equal(waitpid(far_qemu, NULL, 0), far_qemu);
	expect_err_kind(&e, ERR_UNDECIDED, "was not seen gone");
	/* nothing is undone */
	assert_true(r->course.committed);
	assert_int_equal(remove_tree(dir), 0);
}

TEST(a_commit_in_doubt_is_held_for_a_destination_that_is_not_seen_gone)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = { { .leaves = true } };

	PLAY(src, dst, cannot_see_it_gone);
}

/* --- after it ------------------------------------------------------------ */

static void arrives(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	r->course.committed = true;
	expect_ok(switchover_resume(r, &e), &e);
	assert_true(r->course.committed);
	assert_int_equal(r->result->owner, OWNER_DESTINATION);
	assert_string_equal(r->result->state, "RUNNING");
}

static void arrives_with_a_blackout(struct run *r)
{
	arrives(r);
	assert_false(isnan(r->result->blackout_ms));
	assert_true(r->result->blackout_ms >=
		    r->result->blackout_uncertainty_ms);
}

TEST(blackout_is_from_stop_to_resume)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .event = "RESUME" },
		{ .leaves = true },
	};

	PLAY(src, dst, arrives_with_a_blackout);
}

#define REFUSAL "Could not reopen file: Permission denied"
#define LOCKED "Failed to get \"write\" lock"

static void is_taken_back(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	r->course.committed = true;
	assert_int_equal(switchover_resume(r, &e), -1);
	expect_err_kind(&e, ERR_FAILED, "Permission denied");
	assert_false(r->course.committed);
}

TEST(a_refused_cont_allows_the_way_back)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .error = REFUSAL },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, is_taken_back);
}

TEST(a_lock_that_is_released_is_outlasted)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .error = LOCKED },
		{ .expect = "cont", .error = LOCKED },
		{ .expect = "cont", .event = "RESUME" },
		{ .leaves = true },
	};

	PLAY(src, dst, arrives_with_a_blackout);
}

/* The guest was stopped for as long as it may be. */
static void is_taken_back_for_a_lock(struct run *r)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	r->attempt.clock.stop_at.us -= 400 * 1000;
	r->course.committed = true;
	assert_int_equal(switchover_resume(r, &e), -1);
	text = err_text(&e);
	assert_non_null(strstr(text, LOCKED));
	assert_non_null(strstr(err_hint_of(&e), "has the image open"));
	expect_err_kind(&e, ERR_FAILED, "an image of it stayed locked");
	assert_false(r->course.committed);
}

TEST(a_lock_is_not_waited_for_beyond_the_budget)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .error = LOCKED },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, is_taken_back_for_a_lock);
}

static void arrives_without_a_budget(struct run *r)
{
	r->attempt.clock.stop_at.us -= 400 * 1000;
	r->attempt.budget_lifted = true;
	arrives(r);
}

TEST(it_is_when_the_budget_was_lifted)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .error = LOCKED },
		{ .expect = "cont", .event = "RESUME" },
		{ .leaves = true },
	};

	PLAY(src, dst, arrives_without_a_budget);
}

/* The answer to a later `cont` is lost: it may have run since. */
TEST(a_lock_that_is_asked_for_again_may_cost_the_answer)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .error = LOCKED },
		{ .expect = "cont", .close = true },
	};
	static const struct fake_step again[] = {
		{ .expect = "query-status",
		  .reply = STATUS("running", "true") },
		{ .expect = "query-status",
		  .reply = STATUS("running", "true") },
		{ .leaves = true },
	};

	PLAY_AGAIN(src, dst, again, arrives);
}

static void is_kept(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	source_is_gone(r);
	r->source.ended = true;
	r->course.committed = true;
	assert_int_equal(switchover_resume(r, &e), -1);
	assert_int_equal(e.kind, ERR_UNDECIDED);
	assert_true(r->course.committed);
}

TEST(a_refused_cont_without_a_source_removes_nothing)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .error = REFUSAL },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY(src, dst, is_kept);
}

TEST(a_repeated_cont_that_is_refused_allows_the_way_back)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .close = true },
	};
	static const struct fake_step again[] = {
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .expect = "cont", .error = REFUSAL },
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY_AGAIN(src, dst, again, is_taken_back);
}

TEST(a_lost_answer_is_asked_for_not_repeated)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .close = true },
	};
	/* it runs: no second cont */
	static const struct fake_step again[] = {
		{ .expect = "query-status",
		  .reply = STATUS("running", "true") },
		{ .expect = "query-status",
		  .reply = STATUS("running", "true") },
		{ .leaves = true },
	};

	PLAY_AGAIN(src, dst, again, arrives);
}

static void is_left_to_a_person(struct run *r)
{
	AUTO_ERR struct err e = { 0 };
	struct qmp_status st;

	r->course.committed = true;
	expect_ok(qmp_query_status(r->src.qmp, &st, SOON, &e), &e);
	assert_int_equal(switchover_resume(r, &e), -1);
	assert_int_equal(e.kind, ERR_UNDECIDED);
	assert_true(r->course.committed);
	assert_true(r->source.ran_on);
}

TEST(no_second_cont_once_the_source_ran_on)
{
	static const struct fake_step src[] = {
		{ .expect = "query-status",
		  .reply = STATUS("running", "true"),
		  .event = "RESUME" },
		{ .leaves = true },
	};
	static const struct fake_step dst[] = {
		{ .expect = "cont", .close = true },
	};
	static const struct fake_step again[] = {
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .leaves = true },
	};

	PLAY_AGAIN(src, dst, again, is_left_to_a_person);
}

TEST(a_lost_cont_is_sent_again_to_a_paused_guest)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "cont", .close = true },
	};
	static const struct fake_step again[] = {
		{ .expect = "query-status",
		  .reply = STATUS("paused", "false") },
		{ .expect = "cont", .event = "RESUME" },
		{ .leaves = true },
	};

	PLAY_AGAIN(src, dst, again, arrives);
}

static void stays_paused(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	r->course.committed = true;
	r->source.facts.first_status.running = false;
	expect_ok(switchover_resume(r, &e), &e);
	assert_string_equal(r->result->state, "PAUSED");
	assert_true(isnan(r->result->blackout_ms));
}

TEST(a_guest_that_was_paused_takes_its_images_and_is_not_started)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "query-commands",
		  .reply = "[{\"name\":\"blockdev-set-active\"}]" },
		{ .expect = "blockdev-set-active" },
		{ .leaves = true },
	};

	PLAY_AS("10.0.2", src, dst, stays_paused);
}

TEST(it_waits_for_its_images)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "query-commands",
		  .reply = "[{\"name\":\"blockdev-set-active\"}]" },
		{ .expect = "blockdev-set-active", .error = LOCKED },
		{ .expect = "query-commands",
		  .reply = "[{\"name\":\"blockdev-set-active\"}]" },
		{ .expect = "blockdev-set-active" },
		{ .leaves = true },
	};

	PLAY_AS("10.0.2", src, dst, stays_paused);
}

TEST(a_guest_that_was_paused_has_arrived_without_its_images_too)
{
	static const struct fake_step src[] = { { .leaves = true } };
	static const struct fake_step dst[] = {
		{ .expect = "query-commands",
		  .reply = "[{\"name\":\"blockdev-set-active\"}]" },
		{ .expect = "blockdev-set-active", .error = "no lock" },
		{ .leaves = true },
	};

	PLAY_AS("10.0.2", src, dst, stays_paused);
}
