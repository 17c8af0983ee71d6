/* SPDX-License-Identifier: MIT */
/* disk_facts: what the scripts find on this machine, and what they leave. */
#include "engine/hosts/disk_facts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/admit.h"
#include "engine/hosts/hand_over.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/probe.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_open.h"
#include "transport/quote.h"

struct place {
	char root[40], state[56], file[80];
	struct host *h;
	struct strv paths;
};

static int setup(void **state)
{
	struct place *p = XNEW(struct place);

	strcpy(p->root, "/tmp/disk-facts-XXXXXX");
	assert_non_null(mkdtemp(p->root));
	snprintf(p->state, sizeof(p->state), "%s/state", p->root);
	snprintf(p->file, sizeof(p->file), "%s/it's a [disk] $HOME", p->root);
	close(open(p->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(truncate(p->file, 5), 0);
	strv_push(&p->paths, p->file);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	strv_free(&p->paths);
	assert_int_equal(remove_tree(p->root), 0);
	free(p);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* The host is one of the task's. */
#define CASE(claim)                                \
	static void claim##_body(struct place *p); \
	static void claim##_task(void *arg)        \
	{                                          \
		struct place *p = arg;             \
                                                   \
		p->h = host_local_new();           \
		claim##_body(p);                   \
		host_close(p->h);                  \
	}                                          \
	TEST(claim)                                \
	{                                          \
		in_task(claim##_task, *state);     \
	}                                          \
	static void claim##_body(struct place *p)

static const char word[] = "00112233445566778899aabbccddeeff";

static struct disk_asker asker(const struct place *p, enum disk_nonce_job job)
{
	return (struct disk_asker){ .state = p->state,
				    .job = job,
				    .nonce = word };
}

static void ask(const struct place *p, enum disk_nonce_job job,
		struct disk_facts *out, struct disk_mounts *mounts)
{
	struct disk_asker a = asker(p, job);
	AUTO_ERR struct err e = { 0 };

	if (disk_facts_ask(p->h, &a, &p->paths, out, mounts, IN_TASK_SOON, &e) <
	    0)
		fail_with_err(&e);
}

/* How many entries @dir has; -1: there is no such directory. */
static int count(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void nonce_path(const struct place *p, char path[100])
{
	snprintf(path, 100, "%s/.vmferry-%s", p->root, word);
}

CASE(a_file_has_its_numbers_and_its_mount)
{
	struct disk_mounts mounts = { .n = 0 };
	struct disk_facts f[3];
	struct stat st;

	strv_push(&p->paths, p->root);
	strv_push(&p->paths, "/nonexistent/disk");
	ask(p, DISK_NONCE_LOOK, f, &mounts);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(f[0].type, 'f');
	assert_true(f[0].device == st.st_dev && f[0].inode == st.st_ino);
	assert_true(f[0].bytes == 5);
	assert_int_equal(f[0].nonce, DISK_NONCE_NONE);
	assert_false(f[0].is_mount);
	assert_int_equal(f[0].mount.point[0], '/');
	assert_int_equal(f[1].type, 'd');
	assert_int_equal(f[2].type, '-');
	for (int i = 0; i < 3; i++)
		disk_facts_free(&f[i]);
	disk_mounts_free(&mounts);
	assert_int_equal(count(p->state), -1);
}

CASE(a_nonce_is_seen_where_it_was_made_until_it_is_removed)
{
	struct disk_asker a = asker(p, DISK_NONCE_LOOK);
	AUTO_ERR struct err e = { 0 };
	struct disk_facts f;
	char path[100];
	struct stat st;

	nonce_path(p, path);
	ask(p, DISK_NONCE_SEE, &f, NULL);
	assert_int_equal(f.nonce, DISK_NONCE_UNSEEN);
	disk_facts_free(&f);
	ask(p, DISK_NONCE_MAKE, &f, NULL);
	assert_int_equal(f.nonce, DISK_NONCE_MADE);
	disk_facts_free(&f);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	ask(p, DISK_NONCE_SEE, &f, NULL);
	assert_int_equal(f.nonce, DISK_NONCE_SEEN);
	disk_facts_free(&f);
	if (disk_facts_remove_nonce(p->h, &a, IN_TASK_SOON, &e) < 0)
		fail_with_err(&e);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(count(p->state), 0);
}

CASE(one_that_is_there_already_is_not_taken)
{
	struct disk_facts f;
	char path[100];

	nonce_path(p, path);
	assert_int_equal(symlink("/nonexistent", path), 0);
	ask(p, DISK_NONCE_MAKE, &f, NULL);
	assert_int_equal(f.nonce, DISK_NONCE_REFUSED);
	disk_facts_free(&f);
}

/* Two files in one directory have one nonce. */
CASE(a_directory_gets_one)
{
	struct disk_facts f[2];

	strv_push(&p->paths, p->root);
	ask(p, DISK_NONCE_MAKE, f, NULL);
	assert_int_equal(f[0].nonce, DISK_NONCE_MADE);
	assert_int_equal(f[1].nonce, DISK_NONCE_MADE);
	disk_facts_free(&f[0]);
	disk_facts_free(&f[1]);
	assert_int_equal(count(p->root), 3);
}

static void sweep(const struct place *p)
{
	AUTO_FREE char *records = disk_facts_records(p->state);
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf out = { 0 };
	AUTO_ERR struct err e = { 0 };

	as_user_assign(&script, NULL);
	buf_printf(&script, "%s%s%s%s%s%s%snonce_sweep ", admit_sh,
		   identity_match_sh, as_user_sh, run_dir_remove_sh,
		   file_mark_sh, hand_over_sh, disk_nonce_sh);
	quote_word(&script, records);
	buf_printf(&script, "\nexit 0\n");
	if (probe_script(p->h, "sweep", buf_data(&script), &out, IN_TASK_SOON,
			 &e) < 0)
		fail_with_err(&e);
}

/* Its parent is the shell that the host's commands run in. */
CASE(what_somebody_waits_for_is_not_swept)
{
	struct disk_facts f;
	char path[100];

	nonce_path(p, path);
	ask(p, DISK_NONCE_MAKE, &f, NULL);
	disk_facts_free(&f);
	sweep(p);
	assert_int_equal(access(path, F_OK), 0);
}

/* As if another process had made the nonce: none started at that moment. */
static void be_gone(const struct place *p)
{
	AUTO_FREE char *path = xasprintf("%s/nonces/%s", p->state, word);
	char text[1024], *process, *rest;
	FILE *f = fopen(path, "r+");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	process = strchr(text, '\n');
	assert_non_null(process);
	rest = strchr(process + 1, '\n');
	assert_non_null(rest);
	rewind(f);
	fprintf(f, "%.*s1 1%s", (int)(process + 1 - text), text, rest);
	assert_int_equal(ftruncate(fileno(f), ftell(f)), 0);
	fclose(f);
}

CASE(what_nobody_waits_for_is_swept)
{
	struct disk_facts f;
	char path[100];

	nonce_path(p, path);
	ask(p, DISK_NONCE_MAKE, &f, NULL);
	disk_facts_free(&f);
	be_gone(p);
	sweep(p);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(count(p->state), 0);
}

CASE(contents_are_hashed)
{
	AUTO_FREE char *none =
		disk_facts_hash(p->h, NULL, "/nonexistent", 5, IN_TASK_SOON);
	AUTO_FREE char *hash = NULL;
	int fd = open(p->file, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, "abc", 3), 3);
	close(fd);
	hash = disk_facts_hash(p->h, NULL, p->file, 5, IN_TASK_SOON);
	assert_null(none);
	assert_non_null(hash);
	assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223"
				  "b00361a396177a9cb410ff61f20015ad");
}

/* --- answers -------------------------------------------------------------- */

TEST(an_answer_is_read_whole_or_not_at_all)
{
	static const char good[] = "b 9 12 4096 8:10 0 ef53 - 1:2 over wwid:x "
				   "aa,bb nfs4 nas:/x / /srv rw,ro";
	static const char *const bad[] = {
		"",
		"f",
		"x 9 12 4096 8:10 0 ef53 - 1:2 - - - a b c d e",
		"f -9 12 4096 8:10 0 ef53 - 1:2 - - - a b c d e",
		"f 9 12 4096x 8:10 0 ef53 - 1:2 - - - a b c d e",
		"f 9 12 4096 8 0 ef53 - 1:2 - - - a b c d e",
		"f 9 12 4096 8:10 0 ef53 perhaps 1:2 - - - a b c d e",
		"f 9 12 4096 8:10 0 ef53 - 1:2 - - - a b c d",
		"f 9 12 4096 8:10 0 ef53 - 1:2 - - - a b c d e f",
	};
	AUTO_FREE char *line = xstrdup(good);
	struct disk_facts f;

	assert_int_equal(disk_facts_parse(line, &f), 0);
	assert_int_equal(f.type, 'b');
	assert_int_equal(f.major, 8);
	assert_int_equal(f.minor, 16);
	assert_true(f.is_mount);
	assert_string_equal(f.id, "wwid:x");
	assert_string_equal(f.samples, "aa,bb");
	assert_string_equal(f.mount.source, "nas:/x");
	disk_facts_free(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO_FREE char *text = xstrdup(bad[i]);

		assert_int_equal(disk_facts_parse(text, &f), -1);
		assert_int_equal(f.type, '-');
	}
}
