/* SPDX-License-Identifier: MIT */
/* takeover: which locks keep whom out; one claim a test. */
#include "engine/recover/takeover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/lock.h"
#include "engine/run/migrate_options.h"
#include "engine/state/journal.h"
#include "qmp/json.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

static char root[40], path[80];
static const struct migrate_options options = { .destination = "hostb" };

static struct run open_run(bool recovering)
{
	struct run r = {
		.opt = &options,
		.id = { "run-1", xstrdup("guest-web1") },
		.held.lock_fd = -1,
		.recovering = recovering,
		.source.guest = { .name = xstrdup("web1") },
		.src.facts = { .run_root = root,
			       .state_root = root,
			       .space = { .machine = "here",
					  .boot = "now",
					  .pid_namespace = 1 } },
	};

	return r;
}

static void close_run(struct run *r)
{
	journal_close(STEAL(r->held.journal));
	(void)lock_release(r, NULL);
	guest_free(&r->source.guest);
	free(r->id.key);
	free(r->dest.dir);
	free(r->dest.lock);
	free(r->dest.session);
}

/* Of a source that is gone with another boot of this machine. */
static struct journal *begin(enum journal_record last)
{
	struct json_object *o = json_add_str(json_new(), "key", "guest-web1");
	struct journal *j = journal_create(path, NULL);

	assert_non_null(j);
	o = json_add_str(o, "run", "run-1");
	o = json_add_str(o, "guest", "web1");
	o = json_add_str(o, "user", "root");
	o = json_add_str(o, "group", "root");
	o = json_add_u64(o, "uid", 0);
	o = json_add_u64(o, "source_pid", 1);
	o = json_add_str(o, "source_machine", "here");
	o = json_add_str(o, "source_boot", "before");
	assert_int_equal(journal_append(j, JOURNAL_BEGIN, o, NULL), 0);
	assert_int_equal(journal_append(j, last, NULL, NULL), 0);
	return j;
}

static int setup(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/takeover-test-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/journal", root);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(root);
}

TEST_FIXTURE(setup, teardown);

static struct takeover read_journal(void)
{
	struct takeover t = { .path = path };

	assert_int_equal(journal_read(path, &t.view, NULL), 0);
	return t;
}

/* What takeover() says of the run at @path, and how it is afterwards. */
static int take(struct takeover *t, struct run *r, enum err_kind *kind)
{
	AUTO_ERR struct err closed = { 0 };
	AUTO_ERR struct err err = { 0 };
	int rc = takeover(t, r, &closed, &err);

	*kind = err.kind;
	return rc;
}

IN_TASK(what_is_undecided_takes_both_locks)
{
	struct run r = open_run(true);
	struct takeover t;
	enum err_kind kind;

	/* the destination may hold all of the guest */
	journal_close(begin(JOURNAL_SWITCH));
	t = read_journal();
	assert_int_equal(take(&t, &r, &kind), 0);
	assert_false(t.rest);
	assert_non_null(r.held.journal);
	assert_true(lock_is_held(&r, r.id.key));
	close_run(&r);
	journal_view_free(&t.view);
}

IN_TASK(a_rest_leaves_the_guest_to_others)
{
	struct run r = open_run(true), other = open_run(true);
	struct takeover t;
	enum err_kind kind;

	strcpy(other.id.name, "run-2");
	assert_int_equal(lock_take(&other, NULL), 0);
	journal_close(begin(JOURNAL_DESTRUN));
	t = read_journal();
	assert_int_equal(take(&t, &r, &kind), 0);
	assert_true(t.rest);
	assert_non_null(r.held.journal);
	assert_int_equal(r.held.lock_fd, -1);
	close_run(&r);
	assert_true(lock_is_held(&other, other.id.key));
	close_run(&other);
	journal_view_free(&t.view);
}

IN_TASK(a_living_engine_is_not_waited_for)
{
	struct run r = open_run(true), engine = open_run(true);
	struct journal *j = begin(JOURNAL_DESTRUN);
	struct takeover t = read_journal();
	enum err_kind kind;

	engine.recovering = false;
	engine.held.journal = j;
	assert_int_equal(lock_take(&engine, NULL), 0);
	assert_true(lock_is_driven(&r));
	assert_int_equal(take(&t, &r, &kind), -1);
	assert_int_equal(kind, ERR_BUSY);
	assert_false(t.finished);
	close_run(&engine);
	assert_false(lock_is_driven(&r));
	close_run(&r);
	journal_view_free(&t.view);
}

/* Another recovery that ends when it is waited for. */
static void finish(void *arg)
{
	struct journal *j = arg;

	assert_int_equal(unlink(path), 0);
	journal_close(j);
}

static void expect_finished(void (*by)(void *journal))
{
	struct run r = open_run(true);
	struct journal *j = begin(JOURNAL_DESTRUN);
	struct takeover t = read_journal();
	struct task *other = task_start(task_loop(), "other", by, j);
	enum err_kind kind;

	assert_int_equal(take(&t, &r, &kind), -1);
	assert_true(t.finished);
	task_join(other);
	close_run(&r);
	journal_view_free(&t.view);
}

IN_TASK(what_another_recovery_finishes_meanwhile_is_finished)
{
	expect_finished(finish);
}

/* It lets go of its journal first, then removes it. */
static void finish_but_for_its_removal(void *arg)
{
	struct journal *j = arg;

	assert_int_equal(journal_append(j, JOURNAL_ABORTED, NULL, NULL), 0);
	journal_close(j);
}

IN_TASK(so_it_is_before_its_journal_is_removed)
{
	expect_finished(finish_but_for_its_removal);
}

/* Another recovery that goes on and then cannot. */
static void go_on(void *arg)
{
	struct journal *j = arg;

	assert_int_equal(journal_append(j, JOURNAL_ABORTING, NULL, NULL), 0);
	journal_close(j);
}

IN_TASK(how_far_another_recovery_came_is_not_overlooked)
{
	struct run r = open_run(true);
	struct journal *j = begin(JOURNAL_MIGRATE);
	struct takeover t = read_journal();
	struct task *other = task_start(task_loop(), "other", go_on, j);
	enum err_kind kind;

	assert_int_equal(take(&t, &r, &kind), 0);
	assert_int_equal(journal_state(&t.view), JOURNAL_ABORTING);
	task_join(other);
	close_run(&r);
	journal_view_free(&t.view);
}
