/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/journal.c, journal_read.c and journal_line.c. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/state/journal.h"
#include "engine/state/journal_identity.h"
#include "engine/state/journal_line.h"
#include "engine/state/journal_read.h"
#include "qmp/json.h"
#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"

/* --- the system calls, as a bad disk would have them --------------------- */

static struct {
	int data_syncs, file_syncs, directory_syncs;
	int write_errno;   /* of every pwrite, 0: none */
	int sync_errno;	   /* of every fdatasync, 0: none */
	int file_errno;	   /* of every fsync of a file, 0: none */
	int dir_errno;	   /* of every fsync of a directory, 0: none */
	size_t write_most; /* bytes that one pwrite takes, 0: all */
} disk;

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (disk.write_errno) {
		errno = disk.write_errno;
		return -1;
	}
	if (disk.write_most && len > disk.write_most)
		len = disk.write_most;
	return syscall(SYS_pwrite64, fd, data, len, at);
}

int fdatasync(int fd)
{
	disk.data_syncs++;
	if (disk.sync_errno) {
		errno = disk.sync_errno;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	if (S_ISDIR(st.st_mode))
		disk.directory_syncs++;
	else
		disk.file_syncs++;
	errno = S_ISDIR(st.st_mode) ? disk.dir_errno : disk.file_errno;
	return errno ? -1 : (int)syscall(SYS_fsync, fd);
}

/* --- helpers ------------------------------------------------------------- */

static char dir[64], path[96];

static int make_dir(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	snprintf(dir, sizeof(dir), "/tmp/journal-test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/journal", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

TEST_FIXTURE(make_dir, remove_dir);

static struct json_object *number(const char *key, int value)
{
	return json_add_i64(json_new(), key, value);
}

static void add(struct journal *j, enum journal_record r,
		struct json_object *data)
{
	struct err err = { 0 };

	if (journal_append(j, r, data, &err) < 0)
		fail_with_err(&err);
}

static struct journal *create(void)
{
	struct err err = { 0 };
	struct journal *j = journal_create(path, &err);

	if (!j)
		fail_with_err(&err);
	return j;
}

static struct journal *reopen(void)
{
	struct err err = { 0 };
	struct journal *j = journal_reopen(path, &err);

	if (!j)
		fail_with_err(&err);
	return j;
}

static void refuse(struct journal *j, enum journal_record r,
		   struct json_object *data, const char *words)
{
	struct err err = { 0 };

	assert_int_equal(journal_append(j, r, data, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, words);
}

/* A journal of three records, closed. */
static void make_three(void)
{
	struct journal *j = create();

	add(j, JOURNAL_BEGIN, number("a", 1));
	add(j, JOURNAL_PREP, NULL);
	add(j, JOURNAL_DEST, number("pid", 4711));
	journal_close(j);
}

static struct journal_view read_view(void)
{
	struct err err = { 0 };
	struct journal_view v;

	if (journal_read(path, &v, &err) < 0)
		fail_with_err(&err);
	return v;
}

static void expect_state(size_t n, bool torn)
{
	struct journal_view v = read_view();

	assert_int_equal(v.n, n);
	assert_int_equal(v.torn, torn);
	journal_view_free(&v);
}

static void expect_corrupt(const char *words)
{
	struct err err = { 0 };
	struct journal_view v;

	assert_int_equal(journal_read(path, &v, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, words);
	assert_null(v.v);
}

static size_t slurp(const char *file, struct buf *b)
{
	FILE *f = fopen(file, "re");
	size_t n;

	if (!f)
		fail_msg("cannot open %s: %s", file, strerror(errno));
	while ((n = fread(buf_reserve(b, 65536), 1, 65536, f)))
		buf_commit(b, n);
	fclose(f);
	return buf_len(b);
}

static void spit(const void *data, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void put_line(struct buf *b, const char *text)
{
	journal_line_put(b, text, strlen(text));
}

/* The bytes of make_three() without the zeros, and where its lines end. */
struct three {
	struct buf b;
	size_t ends[4]; /* of the first line and of each record */
};

static void read_three(struct three *t)
{
	const char *data;

	make_three();
	memset(t, 0, sizeof(*t));
	assert_int_equal(slurp(path, &t->b), JOURNAL_FILE_BYTES);
	buf_truncate(&t->b, strlen(buf_data(&t->b)));
	data = buf_data(&t->b);
	for (size_t i = 0, at = 0; i < ARRAY_SIZE(t->ends); i++) {
		at = (size_t)(strchr(data + at, '\n') + 1 - data);
		t->ends[i] = at;
	}
	assert_int_equal(t->ends[3], buf_len(&t->b));
}

TEST(the_checksum_is_crc_32c)
{
	assert_int_equal(journal_line_crc("123456789", 9), 0xe3069283);
	assert_int_equal(journal_line_crc("", 0), 0);
}

/* --- writing and reading ------------------------------------------------- */

TEST(what_is_appended_is_read_back)
{
	int64_t before = wall_now().us, after;
	struct journal *j = create();
	struct journal_view v;

	for (unsigned int r = 0; r < JOURNAL_RECORDS; r++)
		add(j, r, r % 2 ? NULL : number("n", (int)r));
	journal_close(j);
	after = wall_now().us;
	v = read_view();
	assert_int_equal(v.n, JOURNAL_RECORDS);
	assert_false(v.torn);
	for (unsigned int r = 0; r < JOURNAL_RECORDS; r++) {
		assert_int_equal(v.v[r].record, r);
		assert_int_equal(v.v[r].seq, r + 1);
		assert_true(v.v[r].t.us >= before && v.v[r].t.us <= after);
		if (r % 2)
			assert_null(v.v[r].data);
		else
			assert_non_null(v.v[r].data);
	}
	assert_int_equal(journal_state(&v), JOURNAL_DONE);
	journal_view_free(&v);
}

TEST(strings_of_any_letters_survive)
{
	static const char odd[] = "/srv/\"b\\c\"\n\t\x01 ü €";
	struct journal *j = create();
	struct journal_view v;

	add(j, JOURNAL_BEGIN, json_add_str(json_new(), "p", odd));
	journal_close(j);
	v = read_view();
	assert_string_equal(json_object_get_string(journal_value(&v, "p")),
			    odd);
	journal_view_free(&v);
}

TEST(what_could_not_be_read_is_not_written)
{
	struct journal *j = create();
	struct err err = { 0 };

	assert_int_equal(journal_append(j, JOURNAL_BEGIN,
					json_add_str(json_new(), "p", "\xff"),
					&err),
			 -1);
	expect_err_kind(&err, ERR_PROTOCOL, "not UTF-8");
	add(j, JOURNAL_BEGIN, NULL);
	journal_close(j);
	expect_state(1, false);
}

TEST(a_new_journal_is_whole_and_empty)
{
	struct journal_view v;

	journal_close(create());
	v = read_view();
	assert_int_equal(v.n, 0);
	assert_false(v.torn);
	assert_int_equal(v.whole_bytes, strlen(JOURNAL_FIRST_LINE));
	assert_int_equal(v.version, JOURNAL_VERSION);
	assert_int_equal(journal_state(&v), JOURNAL_RECORDS);
	assert_null(journal_value(&v, "a"));
	journal_view_free(&v);
}

TEST(a_new_journal_is_private_and_allocated)
{
	mode_t old = umask(0277);
	struct stat st;

	journal_close(create());
	umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, JOURNAL_FILE_BYTES);
	assert_true(st.st_blocks * 512 >= JOURNAL_FILE_BYTES);
}

TEST(a_new_journal_is_synced_with_its_directory)
{
	journal_close(create());
	assert_int_equal(disk.file_syncs, 1);
	assert_int_equal(disk.directory_syncs, 1);
}

TEST(every_append_is_synced)
{
	struct journal *j = create();

	for (int i = 0; i < 5; i++) {
		disk.data_syncs = 0;
		add(j, JOURNAL_PREP, NULL);
		assert_int_equal(disk.data_syncs, 1);
	}
	journal_close(j);
}

TEST(a_journal_that_exists_is_not_made_again)
{
	struct err err = { 0 };

	make_three();
	assert_null(journal_create(path, &err));
	expect_err_kind(&err, ERR_SYSTEM, "File exists");
	expect_state(3, false);
}

TEST(a_symbolic_link_is_not_followed)
{
	char target[128];
	struct err err = { 0 };
	struct journal_view v;

	make_three();
	snprintf(target, sizeof(target), "%s.real", path);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(journal_read(path, &v, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "cannot open journal");
	assert_null(journal_reopen(path, &err));
	expect_err_kind(&err, ERR_SYSTEM, "cannot open journal");
	assert_int_equal(unlink(target), 0);
}

TEST(a_fifo_is_refused_at_once)
{
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_corrupt("not a regular file");
}

TEST(the_newest_value_wins)
{
	struct journal *j = create();
	struct journal_view v;

	add(j, JOURNAL_BEGIN, json_add_i64(number("a", 1), "b", 2));
	add(j, JOURNAL_PREP, number("a", 3));
	add(j, JOURNAL_DEST, NULL);
	journal_close(j);
	v = read_view();
	assert_int_equal(json_object_get_int(journal_value(&v, "a")), 3);
	assert_int_equal(json_object_get_int(journal_value(&v, "b")), 2);
	assert_null(journal_value(&v, "c"));
	journal_view_free(&v);
}

TEST(null_takes_a_value_back)
{
	struct journal *j = create();
	struct journal_view v;

	add(j, JOURNAL_BEGIN, number("a", 1));
	add(j, JOURNAL_PREP, json_add_str(json_new(), "a", NULL));
	journal_close(j);
	v = read_view();
	assert_null(journal_value(&v, "a"));
	journal_view_free(&v);
}

TEST(a_journal_grows_past_its_allocation)
{
	AUTO_FREE char *big = xcalloc(1, 20001);
	struct journal *j = create();

	memset(big, 'x', 20000);
	for (int i = 0; i < 8; i++)
		add(j, JOURNAL_PREP, json_add_str(json_new(), "x", big));
	journal_close(j);
	expect_state(8, false);
	j = reopen();
	add(j, JOURNAL_DEST, NULL);
	journal_close(j);
	expect_state(9, false);
}

TEST(a_record_or_journal_out_of_bounds_is_refused)
{
	AUTO_FREE char *big = xcalloc(1, JOURNAL_TEXT_MAX + 1);
	struct journal *j = create();
	struct err err = { 0 };
	size_t n = 0;

	memset(big, 'x', JOURNAL_TEXT_MAX);
	assert_int_equal(journal_append(j, JOURNAL_PREP,
					json_add_str(json_new(), "x", big),
					&err),
			 -1);
	expect_err_kind(&err, ERR_INTERNAL, "too long");
	big[60000] = '\0';
	while (journal_append(j, JOURNAL_PREP,
			      json_add_str(json_new(), "x", big), &err) == 0)
		n++;
	expect_err_kind(&err, ERR_INTERNAL, "full");
	journal_close(j);
	assert_true(n > 10);
	expect_state(n, false);
}

TEST(a_file_too_large_is_refused)
{
	make_three();
	assert_int_equal(truncate(path, JOURNAL_FILE_MAX), 0);
	expect_state(3, false);
	assert_int_equal(truncate(path, JOURNAL_FILE_MAX + 1), 0);
	expect_corrupt("larger");
}

/* --- damage -------------------------------------------------------------- */

/* With @zeros behind it, as in an allocated file. */
static void cut_everywhere(size_t zeros)
{
	struct three t;
	AUTO_FREE char *file = NULL;

	read_three(&t);
	file = xcalloc(1, buf_len(&t.b) + zeros);
	for (size_t cut = 0; cut <= buf_len(&t.b); cut++) {
		size_t n = 0;
		bool at_end = cut == t.ends[0];

		for (size_t i = 1; i < ARRAY_SIZE(t.ends); i++) {
			n += t.ends[i] <= cut;
			at_end |= t.ends[i] == cut;
		}
		memset(file, 0, buf_len(&t.b) + zeros);
		memcpy(file, buf_data(&t.b), cut);
		spit(file, cut + zeros);
		expect_state(n, !at_end);
	}
	buf_free(&t.b);
}

TEST(every_cut_leaves_the_whole_records_before_it)
{
	cut_everywhere(0);
}

TEST(every_cut_before_zeros_leaves_the_whole_records)
{
	cut_everywhere(300);
}

/* Whichever bit is wrong, no record is that was not written. */
static void expect_flip_noticed(const struct three *t, size_t byte)
{
	struct err err = { 0 };
	struct journal_view v;
	size_t line = 0;

	while (line < ARRAY_SIZE(t->ends) && t->ends[line] <= byte)
		line++;
	if (journal_read(path, &v, &err) < 0) {
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_true(line < 3);
		err_reset(&err);
		return;
	}
	assert_true(v.torn);
	assert_int_equal(v.n, line >= 3 ? line - 1 : 99);
	journal_view_free(&v);
}

TEST(every_flipped_bit_is_noticed)
{
	struct three t;
	char *data;
	size_t len;

	read_three(&t);
	len = buf_len(&t.b) + 40; /* some of the zeros, too */
	memset(buf_reserve(&t.b, 40), 0, 40);
	data = buf_data(&t.b);
	for (size_t bit = 0; bit < len * 8; bit++) {
		data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
		spit(data, len);
		expect_flip_noticed(&t, bit / 8);
		data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
	}
	spit(data, len);
	expect_state(3, false);
	buf_free(&t.b);
}

TEST(a_damaged_middle_is_named_with_its_offset)
{
	AUTO_FREE char *words = NULL;
	struct three t;

	read_three(&t);
	buf_data(&t.b)[t.ends[1] + 30] ^= 1;
	spit(buf_data(&t.b), buf_len(&t.b));
	words = xasprintf("record 2, at byte %zu, is damaged, yet a whole one "
			  "follows at byte %zu",
			  t.ends[1], t.ends[2]);
	expect_corrupt(words);
	buf_free(&t.b);
}

TEST(a_middle_of_zeros_is_damage)
{
	struct three t;

	read_three(&t);
	memset(buf_data(&t.b) + t.ends[1], 0, t.ends[2] - t.ends[1]);
	spit(buf_data(&t.b), buf_len(&t.b));
	expect_corrupt("record 2");
	buf_free(&t.b);
}

TEST(a_missing_record_is_noticed)
{
	struct three t;
	char *data;

	read_three(&t);
	data = buf_data(&t.b);
	memmove(data + t.ends[1], data + t.ends[2], t.ends[3] - t.ends[2]);
	spit(data, t.ends[3] - (t.ends[2] - t.ends[1]));
	expect_corrupt("expected number 2, got 3");
	buf_free(&t.b);
}

TEST(other_files_are_no_journals)
{
	spit("root:x:0:0\n", 11);
	expect_corrupt("not a journal of version 1 or 2");
	spit("VMFERRY-JOURNAL 0\n", 18);
	expect_corrupt("not a journal of version 1 or 2");
	spit("VMFERRY-JOURNAL 2 ", 18);
	expect_corrupt("not a journal of version 1 or 2");
}

TEST(a_later_version_is_refused_by_name)
{
	spit("VMFERRY-JOURNAL 3\n", 18);
	expect_corrupt("is a journal of version 3");
}

TEST(notes_do_not_say_how_far_a_run_has_come)
{
	struct journal *j = create();
	struct journal_view v;

	add(j, JOURNAL_BEGIN, number("a", 1));
	add(j, JOURNAL_SWITCH, NULL);
	add(j, JOURNAL_WISH, number("a", 2));
	add(j, JOURNAL_SEEN, number("b", 3));
	journal_close(j);
	v = read_view();
	assert_int_equal(journal_state(&v), JOURNAL_SWITCH);
	assert_int_equal(json_object_get_int(journal_value(&v, "a")), 2);
	assert_int_equal(json_object_get_int(journal_value(&v, "b")), 3);
	journal_view_free(&v);
}

TEST(a_journal_that_begins_with_a_note_is_corrupt)
{
	struct journal *j = create();

	add(j, JOURNAL_SEEN, NULL);
	journal_close(j);
	expect_corrupt("nothing comes before SEEN");
}

TEST(a_text_against_the_rules_is_corrupt)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "{\"t\":1,\"record\":\"BEGIN\"}", "seq: missing" },
		{ "{\"seq\":1,\"record\":\"BEGIN\"}", "t: missing" },
		{ "{\"seq\":1,\"t\":1}", "record: missing" },
		{ "{\"seq\":1,\"t\":1,\"record\":\"X\"}", "no record \"X\"" },
		{ "{\"seq\":\"1\",\"t\":1,\"record\":\"BEGIN\"}", "integer" },
		{ "{\"seq\":1,\"t\":1e300,\"record\":\"BEGIN\"}", "moment" },
		{ "{\"seq\":1,\"t\":1,\"record\":\"BEGIN\",\"data\":[]}",
		  "an object" },
		{ "{\"seq\":1,\"t\":1,\"record\":\"BEGIN\"} x", "" },
		{ "[]", "an object" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO_BUF struct buf b = { 0 };

		buf_printf(&b, "%s", JOURNAL_FIRST_LINE);
		put_line(&b, bad[i].text);
		spit(buf_data(&b), buf_len(&b));
		expect_corrupt(bad[i].words);
	}
}

/* --- version 1 ------------------------------------------------------------ */

/* As the version before left it, after its DEST. */
static void make_version_1(void)
{
	static const char *const texts[] = {
		"{\"seq\":1,\"t\":1764000000.25,\"record\":\"BEGIN\"}",
		"{\"seq\":2,\"t\":1764000001.0,\"record\":\"PREP\"}",
		"{\"seq\":3,\"t\":1764000001.75,\"record\":\"DEST\"}",
	};
	static const char zeros[4096];
	AUTO_BUF struct buf b = { 0 };

	buf_printf(&b, "VMFERRY-JOURNAL 1\n");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		put_line(&b, texts[i]);
	buf_append(&b, zeros, sizeof(zeros));
	spit(buf_data(&b), buf_len(&b));
}

TEST(a_journal_of_version_1_is_read)
{
	struct journal_view v;

	make_version_1();
	v = read_view();
	assert_int_equal(v.version, 1);
	assert_int_equal(v.n, 3);
	assert_false(v.torn);
	assert_int_equal(journal_state(&v), JOURNAL_DEST);
	journal_view_free(&v);
}

/* Of a real run, which was killed at its COMMIT. */
TEST(a_recorded_journal_of_version_1_says_what_it_said)
{
	AUTO_BUF struct buf b = { 0 };
	struct journal_view v;
	struct identity id;

	slurp("tests/data/journals/version-1", &b);
	spit(buf_data(&b), buf_len(&b));
	v = read_view();
	assert_int_equal(v.version, 1);
	assert_int_equal(v.n, 7);
	assert_int_equal(journal_state(&v), JOURNAL_COMMIT);
	assert_true(json_object_get_boolean(journal_value(&v, "was_running")));
	id = journal_identity(&v, JOURNAL_SOURCE);
	assert_int_equal(id.pid, 20712);
	assert_true(id.start_ticks == 1610571);
	assert_true(id.space.pid_namespace == IDENTITY_FIRST_NAMESPACE);
	assert_false(id.space.id_is_shared);
	id = journal_identity(&v, JOURNAL_DESTINATION);
	assert_int_equal(id.pid, 21181);
	assert_string_equal(id.space.host, "");
	journal_view_free(&v);
}

/* Whether @side may lack its token after @last; @pid: of QEMU there. */
static bool may_go(enum journal_side side, enum journal_record last,
		   const char *pid)
{
	static const struct identity_space space = { .host = "h" };
	struct json_object *o = json_add_str(json_new(), "token", "t");
	struct journal *j = journal_create(path, NULL);
	struct journal_view v;
	struct identity id;

	o = journal_identity_put(o, JOURNAL_SOURCE, &space, "/r/s");
	o = journal_identity_put(o, JOURNAL_DESTINATION, &space, "/r/d");
	if (pid)
		o = json_add_i64(o, "destination_pid", atoi(pid));
	add(j, JOURNAL_BEGIN, o);
	if (last != JOURNAL_BEGIN)
		add(j, last, NULL);
	journal_close(j);
	v = read_view();
	id = journal_identity(&v, side);
	assert_string_equal(id.token_file,
			    side == JOURNAL_SOURCE ? "/r/s" : "/r/d");
	assert_string_equal(id.space.token, "t");
	journal_view_free(&v);
	assert_int_equal(unlink(path), 0);
	return id.space.token_may_go;
}

TEST(a_token_is_expected_from_when_it_was_left_until_it_is_removed)
{
	for (int i = 0; i < JOURNAL_RECORDS; i++) {
		enum journal_record last = (enum journal_record)i;
		bool over = last == JOURNAL_ABORTING ||
			    last == JOURNAL_DESTRUN ||
			    journal_record_is_final(last);

		if (journal_record_is_note(last))
			continue;
		assert_int_equal(may_go(JOURNAL_SOURCE, last, "7"),
				 over || last == JOURNAL_BEGIN);
		assert_int_equal(may_go(JOURNAL_DESTINATION, last, "7"), over);
		assert_true(may_go(JOURNAL_DESTINATION, last, NULL));
	}
}

TEST(a_journal_of_version_1_goes_on_as_version_2)
{
	struct journal_view v;
	struct journal *j;

	make_version_1();
	j = journal_reopen(path, NULL);
	assert_non_null(j);
	add(j, JOURNAL_SEEN, NULL);
	journal_close(j);
	v = read_view();
	assert_int_equal(v.version, 2);
	assert_int_equal(v.n, 4);
	assert_int_equal(journal_state(&v), JOURNAL_DEST);
	journal_view_free(&v);
}

/* --- reopening ----------------------------------------------------------- */

TEST(a_reopened_journal_goes_on)
{
	struct journal *j;

	make_three();
	j = reopen();
	add(j, JOURNAL_ABORTING, NULL);
	journal_close(j);
	expect_state(4, false);
}

/* Every length of the torn part, shorter and longer than what follows. */
TEST(a_torn_end_is_mended_before_the_next_append)
{
	AUTO_FREE char *file = xcalloc(1, 4096);
	struct three t;

	read_three(&t);
	for (size_t cut = 0; cut < t.ends[3]; cut++) {
		size_t n = (t.ends[1] <= cut) + (size_t)(t.ends[2] <= cut);
		struct journal *j;

		memset(file, 0, 4096);
		memcpy(file, buf_data(&t.b), cut);
		spit(file, cut % 2 ? 4096 : cut);
		j = reopen();
		expect_state(n, false);
		add(j, JOURNAL_ABORTING, NULL);
		journal_close(j);
		expect_state(n + 1, false);
	}
	buf_free(&t.b);
}

TEST(a_finished_journal_is_not_reopened)
{
	struct journal *j = create();
	struct err err = { 0 };

	add(j, JOURNAL_BEGIN, NULL);
	add(j, JOURNAL_DONE, NULL);
	journal_close(j);
	assert_null(journal_reopen(path, &err));
	expect_err_kind(&err, ERR_INTERNAL, "is finished (DONE)");
}

TEST(a_damaged_journal_is_not_reopened)
{
	struct err err = { 0 };
	struct three t;

	read_three(&t);
	buf_data(&t.b)[t.ends[0]] = 'z';
	spit(buf_data(&t.b), buf_len(&t.b));
	assert_null(journal_reopen(path, &err));
	expect_err_kind(&err, ERR_PROTOCOL, "is damaged");
	buf_free(&t.b);
}

/* --- a bad disk ---------------------------------------------------------- */

TEST(short_writes_are_carried_on)
{
	disk.write_most = 7;
	make_three();
	expect_state(3, false);
}

static void expect_not_made(void)
{
	struct err err = { 0 };

	assert_null(journal_create(path, &err));
	expect_err_kind(&err, ERR_SYSTEM, "cannot begin journal");
	assert_int_equal(access(path, F_OK), -1);
}

TEST(a_journal_that_does_not_reach_the_disk_is_not_made)
{
	disk.file_errno = EIO;
	expect_not_made();
	disk.file_errno = 0;
	disk.dir_errno = EIO;
	expect_not_made();
	disk.dir_errno = 0;
	disk.write_errno = EIO;
	expect_not_made();
}

TEST(a_directory_that_has_nothing_to_sync_is_no_failure)
{
	disk.dir_errno = EINVAL;
	journal_close(create());
}

TEST(a_failed_sync_breaks_the_journal)
{
	struct journal *j = create();

	add(j, JOURNAL_BEGIN, NULL);
	disk.sync_errno = EIO;
	refuse(j, JOURNAL_COMMIT, NULL, "cannot put record COMMIT");
	disk.sync_errno = 0;
	refuse(j, JOURNAL_ABORTING, NULL, "an earlier write failed");
	journal_close(j);
}

TEST(a_record_whose_sync_failed_is_taken_out)
{
	struct journal *j = create();

	add(j, JOURNAL_BEGIN, NULL);
	disk.sync_errno = EIO;
	refuse(j, JOURNAL_COMMIT, NULL, "fdatasync failed");
	disk.sync_errno = 0;
	journal_close(j);
	expect_state(1, false);
}

TEST(a_write_that_cannot_be_taken_back_breaks_it)
{
	struct journal *j = create();

	disk.write_errno = EIO;
	refuse(j, JOURNAL_BEGIN, NULL, "Input/output error");
	disk.write_errno = 0;
	refuse(j, JOURNAL_BEGIN, NULL, "an earlier write failed");
	journal_close(j);
	expect_state(0, false);
}

/* Fills @j until it refuses, and returns how many records went in. */
static size_t fill(struct journal *j, const char *words)
{
	AUTO_FREE char *big = xcalloc(1, 5001);
	struct err err = { 0 };
	size_t n = 0;

	memset(big, 'x', 5000);
	while (journal_append(j, JOURNAL_PREP,
			      json_add_str(json_new(), "x", big), &err) == 0)
		n++;
	expect_err_kind(&err, ERR_SYSTEM, words);
	return n;
}

TEST(a_write_cut_off_by_a_limit_leaves_nothing)
{
	struct rlimit old, limit;
	struct journal *j = create();
	struct stat st;
	size_t n;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = JOURNAL_FILE_BYTES + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	n = fill(j, "File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(n, 12);
	expect_state(n, false);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, JOURNAL_FILE_BYTES);
	add(j, JOURNAL_ABORTING, NULL);
	journal_close(j);
	expect_state(n + 1, false);
}

/* A tmpfs of @option at `dir`, seen by this process only; skips without. */
static void mount_small(const char *option)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", dir, "tmpfs", 0, option) < 0) {
		print_message("cannot mount a tmpfs: %s\n", strerror(errno));
		skip();
	}
}

TEST(a_full_disk_leaves_no_half_made_journal)
{
	struct err err = { 0 };
	int made;

	mount_small("size=32k");
	made = journal_create(path, &err) != NULL;
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(umount(dir), 0);
	assert_false(made);
	expect_err_kind(&err, ERR_SYSTEM, "No space left");
}

TEST(a_full_disk_leaves_the_records_before_it)
{
	struct journal *j;
	size_t n;

	mount_small("size=96k");
	j = create();
	n = fill(j, "No space left");
	expect_state(n, false);
	add(j, JOURNAL_ABORTING, NULL);
	journal_close(j);
	expect_state(n + 1, false);
	assert_int_equal(umount(dir), 0);
	assert_true(n > 12);
}

/* --- the document -------------------------------------------------------- */

TEST(the_examples_of_the_format_are_whole_journals)
{
	static const char fence[] = "\n```journal\n";
	static const enum journal_record last[] = {
		JOURNAL_DONE,
		JOURNAL_ABORTED,
		JOURNAL_DONE,
		JOURNAL_COMMIT,
	};
	AUTO_BUF struct buf b = { 0 };
	const char *p;
	size_t n = 0;

	slurp("engine/state/journal-format.md", &b);
	for (p = buf_data(&b); (p = strstr(p, fence)); n++) {
		struct journal_view v;

		p += sizeof(fence) - 1;
		spit(p, (size_t)(strstr(p, "\n```") + 1 - p));
		v = read_view();
		assert_false(v.torn);
		assert_true(n < ARRAY_SIZE(last));
		assert_int_equal(journal_state(&v), last[n]);
		journal_view_free(&v);
	}
	assert_int_equal(n, ARRAY_SIZE(last));
}

TEST(the_format_describes_every_record)
{
	AUTO_BUF struct buf b = { 0 };

	slurp("engine/state/journal-format.md", &b);
	for (unsigned int r = 0; r < JOURNAL_RECORDS; r++) {
		AUTO_FREE char *row =
			xasprintf("\n| `%s` | ", journal_record_name(r));

		if (!strstr(buf_data(&b), row))
			fail_msg("no row for %s", journal_record_name(r));
	}
}
