/* SPDX-License-Identifier: MIT */
/* socket_names: who keeps a name and who loses it; one claim a test. */
#include "engine/run/socket_names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* A run directory's socket and where users know it; files will do. */
struct place {
	char root[40], now[80], public[80], gone[96];
	struct argv_moves moves;
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static bool holds(const char *path, const char *text)
{
	char have[16] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	(void)!fgets(have, sizeof(have), f);
	(void)fclose(f);
	return !strcmp(have, text);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int setup(void **state)
{
	struct place *p = XNEW(struct place);

	snprintf(p->root, sizeof(p->root), "/tmp/names-test-XXXXXX");
	assert_non_null(mkdtemp(p->root));
	snprintf(p->now, sizeof(p->now), "%s/run-1/s0.sock", p->root);
	snprintf(p->public, sizeof(p->public), "%s/it's a guest.qmp", p->root);
	snprintf(p->gone, sizeof(p->gone), "%s.gone", p->public);
	p->now[strlen(p->root) + strlen("/run-1")] = '\0';
	assert_int_equal(mkdir(p->now, 0700), 0);
	p->now[strlen(p->root) + strlen("/run-1")] = '/';
	argv_moves_add(&p->moves, p->now, p->public);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	argv_moves_free(&p->moves);
	assert_int_equal(remove_tree(p->root), 0);
	free(p);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* Runs @words with @before in front, which may put programs in the way. */
static int run_after(const char *before, struct buf *words)
{
	AUTO_FREE char *script = xasprintf("%s%s", before, buf_data(words));
	char path[] = "/tmp/names-script-XXXXXX";
	AUTO_FREE char *command = NULL;
	AUTO_FD int fd = mkstemp(path);
	int rc;

	assert_true(fd >= 0);
	write_file(path, script);
	command = xasprintf("sh %s", path);
	rc = system(command);
	unlink(path);
	return rc;
}

static int give(struct place *p)
{
	AUTO_BUF struct buf words = { 0 };

	socket_names_give(&words, &p->moves);
	return run_after("", &words);
}

static int take(struct place *p, const char *before)
{
	AUTO_BUF struct buf words = { 0 };

	socket_names_take(&words, &p->moves);
	return run_after(before, &words);
}

TEST(a_file_gets_its_public_name)
{
	struct place *p = *state;

	write_file(p->now, "ours");
	assert_int_equal(give(p), 0);
	assert_true(holds(p->public, "ours"));
	assert_false(exists(p->now));
}

TEST(giving_again_takes_nothing_away)
{
	struct place *p = *state;

	write_file(p->public, "ours");
	assert_int_equal(give(p), 0);
	assert_true(holds(p->public, "ours"));
}

TEST(the_name_of_the_old_file_goes)
{
	struct place *p = *state;

	write_file(p->public, "old");
	socket_names_mark(&p->moves);
	assert_int_equal(take(p, ""), 0);
	assert_false(exists(p->public));
	assert_false(exists(p->gone));
}

TEST(so_does_one_that_was_given_after_the_mark)
{
	struct place *p = *state;

	write_file(p->now, "old");
	socket_names_mark(&p->moves);
	assert_int_equal(give(p), 0);
	assert_int_equal(take(p, ""), 0);
	assert_false(exists(p->public));
}

TEST(a_link_to_where_it_was_goes)
{
	struct place *p = *state;

	assert_int_equal(symlink(p->now, p->public), 0);
	assert_int_equal(take(p, ""), 0);
	assert_false(exists(p->public));
}

TEST(a_link_to_elsewhere_stays)
{
	struct place *p = *state;

	write_file(p->now, "old");
	socket_names_mark(&p->moves);
	assert_int_equal(symlink("run-2/s0.sock", p->public), 0);
	assert_int_equal(take(p, ""), 0);
	assert_true(exists(p->public));
}

TEST(a_guest_that_is_back_keeps_its_name)
{
	struct place *p = *state;

	write_file(p->public, "old");
	socket_names_mark(&p->moves);
	write_file(p->now, "new");
	assert_int_equal(give(p), 0);
	assert_int_equal(take(p, ""), 0);
	assert_true(holds(p->public, "new"));
}

TEST(an_inode_that_is_used_again_is_another_file)
{
	struct place *p = *state;
	const struct timespec then[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	write_file(p->public, "new");
	assert_int_equal(utimensat(AT_FDCWD, p->public, then, 0), 0);
	socket_names_mark(&p->moves);
	write_file(p->public, "new");
	assert_int_equal(take(p, ""), 0);
	assert_true(holds(p->public, "new"));
}

TEST(a_name_that_was_not_seen_stays)
{
	struct place *p = *state;

	socket_names_mark(&p->moves);
	assert_null(p->moves.v[0].id);
	write_file(p->public, "new");
	assert_int_equal(take(p, ""), 0);
	assert_true(holds(p->public, "new"));
}

/* Comes back at the worst moment: right before the name is moved away. */
static char *returning(const struct place *p, const char *after)
{
	return xasprintf("mv() { echo new >'%s/new'; command mv -f '%s/new' "
			 "\"$4\"; command mv \"$@\"; %s\n}\n",
			 p->root, p->root, after);
}

TEST(a_guest_that_comes_back_meanwhile_keeps_its_name)
{
	struct place *p = *state;
	AUTO_FREE char *before = returning(p, "");

	write_file(p->public, "old");
	socket_names_mark(&p->moves);
	assert_int_equal(take(p, before), 0);
	assert_true(holds(p->public, "new\n"));
	assert_false(exists(p->gone));
}

TEST(of_two_that_come_back_the_last_keeps_its_name)
{
	struct place *p = *state;
	AUTO_FREE char *before = returning(p, "echo newer >\"$4\"");

	write_file(p->public, "old");
	socket_names_mark(&p->moves);
	assert_int_equal(take(p, before), 0);
	assert_true(holds(p->public, "newer\n"));
	assert_false(exists(p->gone));
}

/* --- a pid file ---------------------------------------------------------- */

/* The public name is on another file system; false where there is none. */
static bool move_to_other_device(struct place *p, char *dir)
{
	struct stat a, b;

	if (!mkdtemp(dir))
		return false;
	assert_int_equal(stat(p->root, &a), 0);
	assert_int_equal(stat(dir, &b), 0);
	snprintf(p->now, sizeof(p->now), "%s/run-1/pid", p->root);
	snprintf(p->public, sizeof(p->public), "%s/web1.pid", dir);
	argv_moves_free(&p->moves);
	argv_moves_add(&p->moves, p->now, p->public);
	return a.st_dev != b.st_dev;
}

TEST(a_pid_file_on_another_file_system_is_a_file_and_no_link)
{
	struct place *p = *state;
	char dir[] = "/dev/shm/names-test-XXXXXX";
	struct stat st;

	if (!move_to_other_device(p, dir)) {
		(void)rmdir(dir);
		skip();
	}
	write_file(p->now, "123");
	write_file(p->public, "99");
	assert_int_equal(give(p), 0);
	assert_int_equal(lstat(p->public, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_true(holds(p->public, "123"));
	socket_names_mark(&p->moves);
	assert_int_equal(take(p, ""), 0);
	assert_false(exists(p->public));
	assert_int_equal(remove_tree(dir), 0);
}
