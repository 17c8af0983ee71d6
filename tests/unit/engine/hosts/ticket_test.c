/* SPDX-License-Identifier: MIT */
/* ticket: whose turn it is, and the line on disk. */
#include "engine/hosts/ticket.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/clock.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* --- judging ------------------------------------------------------------- */

#define NOW INT64_C(1000000000)

static struct ticket_facts one(const char *key, const char *to,
			       enum ticket_state state)
{
	return (struct ticket_facts){ (char *)key, (char *)to, 10, state, NOW };
}

static struct ticket_turn judge(const struct ticket_facts *line, size_t n,
				unsigned int limit)
{
	const struct strv nobody = { 0 };

	return ticket_judge(line, n, n - 1, &nobody, limit, NOW);
}

TEST(alone_it_goes)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_QUEUED) };

	assert_int_equal(judge(line, 1, 1).turn, TURN_GO);
}

TEST(the_earlier_one_takes_the_place)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_QUEUED),
					     one("b", "y", TICKET_QUEUED) };
	struct ticket_turn t = judge(line, 2, 9);

	assert_int_equal(t.turn, TURN_PLACE);
	assert_int_equal(t.ahead, 1);
}

TEST(those_that_go_fill_the_places)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_GOING),
					     one("b", "y", TICKET_GOING),
					     one("c", "z", TICKET_QUEUED) };

	assert_int_equal(judge(line, 3, 2).turn, TURN_PLACE);
	assert_int_equal(judge(line, 3, 3).turn, TURN_GO);
}

TEST(runs_under_way_fill_the_places)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_GOING),
					     one("b", "y", TICKET_QUEUED) };
	AUTO_STRV struct strv locks = { 0 };
	struct ticket_turn t;

	strv_push(&locks, "a"); /* the same that goes: one place */
	strv_push(&locks, "other");
	t = ticket_judge(line, 2, 1, &locks, 2, NOW);
	assert_int_equal(t.turn, TURN_PLACE);
	assert_int_equal(t.leaving, 2);
	assert_int_equal(ticket_judge(line, 2, 1, &locks, 3, NOW).turn,
			 TURN_GO);
}

TEST(the_lock_of_its_guest_comes_first)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_QUEUED) };
	AUTO_STRV struct strv locks = { 0 };

	strv_push(&locks, "a");
	assert_int_equal(ticket_judge(line, 1, 0, &locks, 9, NOW).turn,
			 TURN_GUEST);
}

TEST(an_earlier_ticket_of_its_guest_comes_first)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_GUEST),
					     one("a", "y", TICKET_QUEUED) };

	assert_int_equal(judge(line, 2, 9).turn, TURN_GUEST);
}

TEST(one_that_waits_for_its_guest_is_passed)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_GUEST),
					     one("b", "x", TICKET_QUEUED) };

	assert_int_equal(judge(line, 2, 1).turn, TURN_GO);
}

TEST(nobody_passes_on_the_way_to_the_same_host)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_THERE),
					     one("b", "x", TICKET_QUEUED) };

	assert_int_equal(judge(line, 2, 9).turn, TURN_BEHIND);
}

TEST(to_another_host_one_passes)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_THERE),
					     one("b", "x", TICKET_QUEUED),
					     one("c", "y", TICKET_QUEUED) };

	assert_int_equal(judge(line, 3, 1).turn, TURN_GO);
}

TEST(one_that_does_not_look_any_more_is_passed)
{
	struct ticket_facts line[] = { one("a", "x", TICKET_QUEUED),
				       one("b", "x", TICKET_THERE),
				       one("c", "x", TICKET_QUEUED) };

	line[0].seen_us -= TICKET_STALE_US;
	line[1].seen_us -= TICKET_STALE_US;
	assert_int_equal(judge(line, 3, 1).turn, TURN_GO);
}

TEST(one_that_goes_keeps_its_place_without_looking)
{
	struct ticket_facts line[] = { one("a", "x", TICKET_GOING),
				       one("b", "y", TICKET_QUEUED) };

	line[0].seen_us = 0;
	assert_int_equal(judge(line, 2, 1).turn, TURN_PLACE);
}

TEST(memory_of_those_that_go_to_the_same_host_is_counted)
{
	const struct ticket_facts line[] = { one("a", "x", TICKET_GOING),
					     one("b", "y", TICKET_GOING),
					     one("c", "x", TICKET_QUEUED) };

	assert_int_equal(judge(line, 3, 9).ahead_bytes, 10);
}

/* However many wait, the first of them is never passed: nobody starves. */
TEST(the_first_in_line_always_goes_next)
{
	struct ticket_facts line[32];
	char keys[32][16];

	for (int i = 0; i < 32; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%d", i);
		line[i] = one(keys[i], "x", TICKET_QUEUED);
	}
	for (size_t first = 0; first < 32; first++) {
		const struct strv none = { 0 };

		for (size_t i = first; i < 32; i++)
			assert_int_equal(
				ticket_judge(line, 32, i, &none, 2, NOW).turn,
				i == first ? TURN_GO : TURN_PLACE);
		/* it has gone; its ticket is no more */
		line[first] = one("gone", "nowhere", TICKET_GUEST);
	}
}

/* --- on disk ------------------------------------------------------------- */

static char queue[64], locks[64], root[40];

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/ticket-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(queue, sizeof(queue), "%s/queue", root);
	snprintf(locks, sizeof(locks), "%s/locks", root);
	return mkdir(queue, 0700);
}

static int teardown(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -rf %s", root);

	(void)state;
	return system(command);
}

TEST_FIXTURE(setup, teardown);

static size_t tickets(void)
{
	DIR *d = opendir(queue);
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static struct ticket *take(const char *id, const char *key)
{
	AUTO_ERR struct err e = { 0 };
	struct ticket *t = ticket_take(queue, locks, id, key, "hostb", 5, &e);

	if (!t)
		fail_with_err(&e);
	return t;
}

static struct ticket_turn look(struct ticket *t, unsigned int limit)
{
	AUTO_ERR struct err e = { 0 };
	struct ticket_turn turn = { 0 };

	expect_ok(ticket_look(t, limit, &turn, &e), &e);
	return turn;
}

static void put_aside(struct ticket *t, enum ticket_state state)
{
	AUTO_ERR struct err e = { 0 };

	expect_ok(ticket_wait(t, state, &e), &e);
}

IN_TASK(the_order_of_taking_is_the_order_of_going)
{
	struct ticket *b = take("run-b", "k1"), *a = take("run-a", "k2");

	assert_int_equal(look(a, 1).turn, TURN_PLACE);
	assert_int_equal(look(b, 1).turn, TURN_GO);
	assert_int_equal(look(a, 1).turn, TURN_PLACE);
	ticket_drop(b);
	assert_int_equal(look(a, 1).turn, TURN_GO);
	ticket_drop(a);
	assert_int_equal(tickets(), 0);
}

IN_TASK(who_steps_aside_gives_its_place_up)
{
	struct ticket *a = take("run-a", "k1"), *b = take("run-b", "k2");

	assert_int_equal(look(a, 1).turn, TURN_GO);
	put_aside(a, TICKET_GUEST);
	assert_int_equal(look(b, 1).turn, TURN_GO);
	assert_int_equal(look(a, 1).turn, TURN_PLACE);
	assert_int_equal(ticket_state(a), TICKET_QUEUED);
	ticket_drop(a);
	ticket_drop(b);
}

IN_TASK(one_that_waits_over_there_goes_on_waiting_for_that)
{
	struct ticket *a = take("run-a", "k1"), *b = take("run-b", "k2");

	put_aside(a, TICKET_THERE);
	put_aside(b, TICKET_GOING);
	assert_int_equal(look(a, 1).turn, TURN_PLACE);
	assert_int_equal(ticket_state(a), TICKET_THERE);
	ticket_drop(a);
	ticket_drop(b);
}

/* A process that takes a ticket and dies. */
static void leave_a_dead_ticket(void *arg)
{
	(void)arg;
	if (!ticket_take(queue, locks, "run-dead", "k1", "hostb", 5, NULL))
		_exit(1);
	_exit(0);
}

static void pass_a_dead_one(void *arg)
{
	struct ticket *a = take("run-a", "k2");

	(void)arg;
	assert_int_equal(tickets(), 2);
	assert_int_equal(look(a, 1).turn, TURN_GO);
	assert_int_equal(tickets(), 1);
	ticket_drop(a);
}

TEST(a_dead_one_holds_up_nobody)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		in_task(leave_a_dead_ticket, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	in_task(pass_a_dead_one, NULL);
}

static int hold_lock(const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", locks, name);
	int fd;

	(void)mkdir(locks, 0700);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

IN_TASK(a_held_lock_is_a_run_and_a_free_one_is_none)
{
	struct ticket *a = take("run-a", "k1");
	int other = hold_lock("other");

	assert_int_equal(look(a, 1).leaving, 1);
	close_fd(other);
	assert_int_equal(look(a, 1).leaving, 0);
	ticket_drop(a);
}

IN_TASK(looking_never_takes_a_lock_away_from_an_engine)
{
	struct ticket *a = take("run-a", "k1");
	AUTO_FREE char *path = xasprintf("%s/k1", locks);
	AUTO_FD int fd = -1;

	close_fd(hold_lock("k1"));
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 100; i++) {
		(void)look(a, 1);
		assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
		assert_int_equal(look(a, 1).turn, TURN_GUEST);
		assert_int_equal(flock(fd, LOCK_UN), 0);
	}
	ticket_drop(a);
}

static int hold_line(void)
{
	int fd = open(queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static void cancel(void *arg)
{
	task_cancel(arg);
}

IN_TASK(a_cancel_ends_the_wait_for_the_line)
{
	struct ticket *a = take("run-a", "k1");
	AUTO_FD int fd = hold_line();
	AUTO_ERR struct err e = { 0 };
	struct ticket_turn turn;
	struct task *t = task_start(task_loop(), "cancel", cancel, task_self());

	assert_true(fd >= 0);
	assert_int_equal(ticket_look(a, 1, &turn, &e), -1);
	expect_err_kind(&e, ERR_CANCELLED, "");
	task_join(t);
	ticket_drop(a);
	assert_int_equal(tickets(), 0);
}
