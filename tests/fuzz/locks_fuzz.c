/* SPDX-License-Identifier: MIT */
/*
 * What other processes have left in the run root and the state directory:
 * tickets, locks, marks and lessons, torn, forged or damaged.
 *
 * Input: a byte with the HOW_ bits, then the text of each of the files.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/event/result.h"
#include "engine/hosts/arrival.h"
#include "engine/hosts/ticket.h"
#include "engine/run/lock.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/state/lessons.h"
#include "engine/state/moved.h"
#include "engine/state/stale.h"
#include "engine/state/state_dir.h"
#include "tests/fuzz/fuzz_files.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/base/lockfile.h"
#include "transport/base/xalloc.h"

enum {
	HOW_HELD = 1,	  /* the files are locked by somebody else */
	HOW_LOCKED = 2,	  /* so is the guest's own lock */
	HOW_LATER = 4,	  /* the other ticket comes behind ours */
	HOW_LIMITS = 0x18 /* so many may leave at once */
};

static const char run_name[] = "20261130-1-fuzz";

static char *in_dir(const char *dir, const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* A file with @text; its lock as another process has it, or -1. */
static int leave(const char *path, const char *text, bool held)
{
	int fd;

	fuzz_files_put(path, text, strlen(text));
	if (!held)
		return -1;
	fd = open(path, O_RDWR | O_CLOEXEC);
	fuzz_claim(fd >= 0 && lockfile_take(fd) == 0, "a lock can be taken");
	return fd;
}

/* --- tickets ------------------------------------------------------------- */

static void check_turn(struct ticket *t, unsigned int limit, bool held)
{
	AUTO_ERR struct err err = { 0 };
	struct ticket_turn turn;

	fuzz_claim(ticket_look(t, limit, &turn, &err) == 0,
		   "no file of others keeps one from looking");
	fuzz_claim((turn.turn == TURN_GO) == (ticket_state(t) == TICKET_GOING),
		   "who may go has a place");
	fuzz_claim(turn.turn != TURN_GO || turn.leaving < limit,
		   "no more leave than may");
	fuzz_claim(held || turn.ahead == 0, "the dead wait for nothing");
	fuzz_claim(ticket_wait(t, TICKET_THERE, NULL) == 0,
		   "a place can be given up");
}

static void join_queue(const char *root, const char *text, unsigned int how)
{
	const bool held = how & HOW_HELD;
	const unsigned int limit = 1 + ((how & HOW_LIMITS) >> 3);
	AUTO_FREE char *line = state_dir_queue(root);
	AUTO_FREE char *locks = state_dir_locks(root);
	AUTO_FREE char *other =
		in_dir(line, how & HOW_LATER ? "9-other" : "0-other");
	AUTO_FD int fd = leave(other, text, held);
	struct ticket *t =
		ticket_take(line, locks, run_name, "key", "hostb", 1, NULL);

	(void)fd;
	fuzz_claim(t != NULL, "there is room in the line");
	check_turn(t, limit, held);
	fuzz_claim(is_there(other) == held,
		   "the tickets of the dead are dropped");
	ticket_drop(t);
	(void)unlink(other);
}

/* --- locks --------------------------------------------------------------- */

static void look_at_lock(const char *root, const char *text, unsigned int how)
{
	const struct migrate_options opt = { .guest = "g", .destination = "d" };
	const bool held = how & HOW_LOCKED;
	AUTO_FREE char *path = state_dir_lock(root, "key");
	AUTO_FD int fd = leave(path, text, held);
	struct result result;
	struct run run;

	(void)fd;
	result_init(&result);
	run_open(&run, &opt, &result);
	strcpy(run.id.name, run_name);
	run.id.key = xstrdup("key");
	run.src.facts.run_root = xstrdup(root);
	fuzz_claim(lock_is_held(&run, "key") == held, "a lock is held or not");
	fuzz_claim(held || !lock_is_driven(&run), "the dead drive nothing");
	fuzz_claim(stale_is_busy(root) == held, "a held lock is busy");
	stale_locks(root);
	fuzz_claim(is_there(path) == held, "only a dead one's lock goes");
	run_close(&run);
	result_free(&result);
	(void)unlink(path);
}

/* --- marks and lessons --------------------------------------------------- */

static void read_arrivals(const char *root, const char *text)
{
	AUTO_FREE char *dir = state_dir_arrival(root, "key");
	AUTO_FREE char *path = in_dir(dir, "marker");
	AUTO_FREE char *all = state_dir_arrivals(root);
	struct arrivals a;

	fuzz_claim(state_dir_make(dir, NULL) == 0, "there is a directory");
	fuzz_files_put(path, text, strlen(text));
	arrivals_read(all, &a);
	fuzz_claim(a.n <= 1, "a mark is one arrival");
	for (size_t i = 0; i < a.n; i++)
		fuzz_claim(a.v[i].run && a.v[i].guest && a.v[i].source &&
				   !strchr(a.v[i].source, '\n'),
			   "an arrival is whole");
	arrivals_free(&a);
}

static void read_marks(const char *state, const char *text)
{
	static const char *const words[] = { "g", "web1", "" };
	AUTO_FREE char *dir = state_dir_moved(state);
	AUTO_FREE char *path = in_dir(dir, run_name);

	fuzz_claim(state_dir_make(dir, NULL) == 0, "there is a directory");
	fuzz_files_put(path, text, strlen(text));
	(void)moved_is_marked(state, run_name);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct moved m = { .run = NULL };

		if (moved_find(state, words[i], &m, NULL) != 1)
			continue;
		fuzz_claim(!strcmp(m.key, words[i]) ||
				   !strcasecmp(m.uuid, words[i]),
			   "a mark is about the guest asked for");
		fuzz_claim(moved_forget(state, &m, NULL) == 0 &&
				   !is_there(path),
			   "a mark can be removed");
		moved_free(&m);
	}
	(void)unlink(path);
}

static void read_lessons(const char *state, const char *text)
{
	AUTO_FREE char *dir = state_dir_lessons(state);
	AUTO_FREE char *path = in_dir(dir, "machine");
	struct lessons p;

	fuzz_claim(state_dir_make(dir, NULL) == 0, "there is a directory");
	fuzz_files_put(path, text, strlen(text));
	lessons_load(&p, state, "machine");
	fuzz_claim(p.n <= LESSONS_KEPT, "no more lessons than are kept");
	fuzz_claim(lessons_fixed_ms(&p) >= 0 && lessons_overhead_ms(&p) >= 0 &&
			   lessons_link_bps(&p) >= 0 &&
			   lessons_worst_fixed_ms(&p) >= 0,
		   "what was learnt is a cost");
}

static void run_all(void *arg)
{
	struct fuzz_input in = *(struct fuzz_input *)arg;
	unsigned int how = fuzz_take(&in);
	AUTO_FREE char *text = fuzz_text(&in);
	AUTO_FREE char *root = in_dir(fuzz_files_dir(), "root");
	AUTO_FREE char *state = in_dir(fuzz_files_dir(), "state");
	AUTO_FREE char *locks = state_dir_locks(root);
	AUTO_FREE char *line = state_dir_queue(root);

	fuzz_claim(state_dir_make_in_root(root, locks, NULL) == 0 &&
			   state_dir_make_in_root(root, line, NULL) == 0,
		   "there are directories");
	join_queue(root, text, how);
	look_at_lock(root, text, how);
	read_arrivals(root, text);
	read_marks(state, text);
	read_lessons(state, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	fuzz_in_task(run_all, &in);
	return 0;
}
