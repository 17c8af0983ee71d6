/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/unfinished.c. */
#include "engine/state/unfinished.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/proc_stat.h"
#include "engine/state/journal.h"
#include "engine/state/journal_identity.h"
#include "qmp/json.h"
#include "tests/unit/identity_spaces.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"

#define KEY "11111111-2222-3333-4444-555555555555"
#define TOKEN "0123456789abcdef0123456789abcdef"
#define OTHER "99999999-2222-3333-4444-555555555555"

static char state_dir[64], runs[80];
/* Of the source, as BEGIN says; that of this process: its QEMU lives. */
static struct identity_space source;
static pid_t source_pid;   /* unless it is another process */
static int64_t source_uid; /* -1: BEGIN does not say */
static uid_t asking_uid;
static const char *token_file, *token_there;

static const struct identity_space another = { .machine = "another" };

static int make_dir(void **state)
{
	(void)state;
	source = here;
	source_pid = getpid();
	token_file = token_there = NULL;
	source_uid = -1;
	asking_uid = 0;
	snprintf(state_dir, sizeof(state_dir), "/tmp/unfinished-test.XXXXXX");
	if (!mkdtemp(state_dir))
		return -1;
	snprintf(runs, sizeof(runs), "%s/runs", state_dir);
	return mkdir(runs, 0700);
}

static int remove_dir(void **state)
{
	(void)state;
	return remove_tree(state_dir);
}

TEST_FIXTURE(make_dir, remove_dir);

static void start_anew(void)
{
	assert_int_equal(remove_dir(NULL), 0);
	assert_int_equal(make_dir(NULL), 0);
}

static char *journal_path(const char *run)
{
	return xasprintf("%s/%s/journal", runs, run);
}

/* Of this process, which takes the place of a QEMU that lives. */
static uint64_t own_ticks(void)
{
	struct proc_stat stat = { 0 };
	FILE *f = fopen("/proc/self/stat", "r");
	char line[512];

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(proc_stat_read(line, &stat), 0);
	return stat.start_ticks;
}

/* A journal of the guest @key that ends with @last; RECORDS: without any. */
static struct journal *begin(const char *run, const char *key,
			     const char *machine, enum journal_record last)
{
	AUTO_FREE char *dir = xasprintf("%s/%s", runs, run);
	AUTO_FREE char *path = journal_path(run);
	struct json_object *o = json_add_str(json_new(), "key", key);
	struct journal *j;

	o = json_add_str(o, "guest", "web1");
	strcpy(source.machine, machine);
	o = json_add_str(o, "destination", "hostb");
	o = journal_identity_put(o, JOURNAL_SOURCE, &source, token_file);
	o = journal_identity_put(o, JOURNAL_DESTINATION, &there, token_there);
	o = json_add_str(o, "token", TOKEN);
	if (source_uid >= 0)
		o = json_add_u64(o, "uid", (uint64_t)source_uid);
	o = json_add_u64(o, "source_pid", (uint64_t)source_pid);
	o = json_add_u64(o, "source_ticks", own_ticks());
	assert_int_equal(mkdir(dir, 0700), 0);
	j = journal_create(path, NULL);
	assert_non_null(j);
	if (last == JOURNAL_RECORDS) {
		json_object_put(o);
		return j;
	}
	assert_int_equal(journal_append(j, JOURNAL_BEGIN, o, NULL), 0);
	if (last != JOURNAL_BEGIN)
		assert_int_equal(journal_append(j, last, NULL, NULL), 0);
	return j;
}

static void leave(const char *run, const char *key, const char *machine,
		  enum journal_record last)
{
	journal_close(begin(run, key, machine, last));
}

static void write_at(const char *run, long at, const char *bytes)
{
	AUTO_FREE char *path = journal_path(run);
	FILE *f = fopen(path, "r+");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_equal(fputs(bytes, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

static void spoil(const char *run)
{
	write_at(run, 0, "what is this?");
}

/* BEGIN is whole, and so is the last record; what is between them is not. */
static void leave_spoilt_in_the_middle(const char *run, const char *key)
{
	struct journal *j = begin(run, key, "here", JOURNAL_BEGIN);
	AUTO_FREE char *path = journal_path(run);
	struct journal_view v;

	assert_int_equal(journal_read(path, &v, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(journal_append(j, JOURNAL_PREP, NULL, NULL),
				 0);
	journal_close(j);
	write_at(run, (long)v.whole_bytes, "?");
	journal_view_free(&v);
	assert_int_equal(journal_read(path, &v, NULL), -1);
}

/* What the recording of @run says of its guest; "": it has no UUID. */
static void record_guest(const char *run, const char *guest, const char *uuid)
{
	AUTO_FREE char *dir = xasprintf("%s/recordings", state_dir);
	AUTO_FREE char *path = xasprintf("%s/%s.jsonl", dir, run);
	FILE *f;

	assert_int_equal(mkdir(dir, 0700), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fprintf(f,
		      "{\"event\":\"run-start\",\"t\":1}\n"
		      "{\"event\":\"facts\",\"t\":1,\"guest\":\"%s\"%s%s%s}\n",
		      guest, *uuid ? ",\"uuid\":\"" : "", uuid,
		      *uuid ? "\"" : "");
	assert_int_equal(fclose(f), 0);
}

static enum unfinished look_for(const char *dir, const char *key,
				const struct identity_space *destination,
				size_t *rests, struct err *err)
{
	const struct unfinished_asker asker = {
		.uid = asking_uid,
		.key = key,
		.guest = "web1",
		.here = &here,
		.destination = destination,
	};
	AUTO_STRV struct strv found = { .v = NULL };
	enum unfinished worst = unfinished_look(dir, &asker, &found, err);

	*rests = found.n;
	for (size_t i = 0; i < found.n; i++)
		assert_non_null(strstr(found.v[i], "run-1 left on hostb"));
	return worst;
}

static enum unfinished look(const char *dir,
			    const struct identity_space *destination,
			    size_t *rests, struct err *err)
{
	return look_for(dir, KEY, destination, rests, err);
}

static void assert_found(enum unfinished worst, const char *words)
{
	struct err err = { 0 };
	size_t rests;

	assert_int_equal(look(state_dir, &another, &rests, &err), worst);
	expect_err_kind(&err, ERR_REFUSED, words);
}

static void assert_refused(const char *words)
{
	assert_found(UNFINISHED_OPEN, words);
}

static void assert_passed(void)
{
	struct err err = { 0 };
	size_t rests;

	if (look(state_dir, &another, &rests, &err) != UNFINISHED_NONE)
		fail_with_err(&err);
	assert_int_equal(rests, 0);
}

TEST(a_guest_without_journals_may_go)
{
	assert_passed();
}

TEST(no_directory_holds_no_journal)
{
	size_t rests;

	assert_int_equal(look("/nonexistent", &another, &rests, NULL),
			 UNFINISHED_NONE);
}

TEST(every_record_but_the_final_refuses_and_is_named)
{
	for (int i = 0; i < JOURNAL_RECORDS; i++) {
		enum journal_record last = (enum journal_record)i;
		AUTO_FREE char *words = xasprintf("its journal says %s last",
						  journal_record_name(last));

		if (journal_record_is_note(last))
			continue;
		leave("run-1", KEY, "here", last);
		if (journal_record_is_final(last))
			assert_passed();
		else
			assert_refused(words);
		start_anew();
	}
}

TEST(the_refusal_names_run_guest_and_what_to_do)
{
	struct err err = { 0 };
	size_t rests;

	leave("run-1", KEY, "here", JOURNAL_PREP);
	assert_refused("run-1 to hostb");
	assert_refused("of web1");
	assert_int_equal(look(state_dir, &another, &rests, &err),
			 UNFINISHED_OPEN);
	assert_non_null(strstr(err_hint_of(&err), "vmferry recover web1 "));
	err_reset(&err);
}

TEST(a_journal_without_a_record_says_that_nothing_was_begun)
{
	leave("run-1", KEY, "here", JOURNAL_RECORDS);
	assert_passed();
}

TEST(that_of_another_guest_does_not_matter)
{
	leave("run-1", "another", "here", JOURNAL_COMMIT);
	assert_passed();
}

static void expect_of_user(int64_t user, uid_t asking, const char *key,
			   enum unfinished worst)
{
	size_t rests;

	source_uid = user;
	asking_uid = asking;
	leave("run-1", KEY, "here", JOURNAL_COMMIT);
	assert_int_equal(look_for(state_dir, key, &another, &rests, NULL),
			 worst);
	/* a damaged one is not taken for another user's guest's either */
	leave_spoilt_in_the_middle("run-2", KEY);
	assert_int_equal(look_for(state_dir, key, &another, &rests, NULL),
			 worst);
	start_anew();
}

TEST(that_of_another_users_guest_does_not_matter)
{
	expect_of_user(0, 0, KEY, UNFINISHED_OPEN);
	expect_of_user(4242, 0, KEY, UNFINISHED_NONE);
	expect_of_user(0, 4242, KEY "-u4242", UNFINISHED_NONE);
	expect_of_user(4243, 4242, KEY "-u4242", UNFINISHED_NONE);
}

/* Its key is the guest's UUID, also of another user. */
TEST(that_of_an_earlier_version_is_known_by_its_user)
{
	expect_of_user(4242, 4242, KEY "-u4242", UNFINISHED_OPEN);
}

TEST(that_of_another_machine_does_not_matter)
{
	leave("run-1", KEY, "elsewhere", JOURNAL_COMMIT);
	assert_passed();
}

TEST(one_among_others_is_found)
{
	leave("run-1", "another", "here", JOURNAL_COMMIT);
	leave("run-2", KEY, "here", JOURNAL_DONE);
	leave("run-3", KEY, "here", JOURNAL_ABORTING);
	leave("run-4", "third", "here", JOURNAL_COMMIT);
	assert_refused("run-3");
}

TEST(one_that_cannot_be_read_may_be_about_any_guest)
{
	leave("run-1", "another", "here", JOURNAL_COMMIT);
	spoil("run-1");
	assert_found(UNFINISHED_UNREAD,
		     "the journal of run-1 cannot be trusted");
}

/* It went back; only what is on the destination waits. */
static void leave_a_rest(const char *run)
{
	struct journal *j = begin(run, KEY, "here", JOURNAL_ABORTING);
	struct json_object *back =
		json_add_bool(json_new(), "source_back", true);

	assert_int_equal(journal_append(j, JOURNAL_ABORTING, back, NULL), 0);
	journal_close(j);
}

TEST(a_rest_on_another_host_lets_the_guest_go)
{
	struct err err = { 0 };
	size_t rests;

	leave_a_rest("run-1");
	assert_int_equal(look(state_dir, &another, &rests, &err),
			 UNFINISHED_NONE);
	assert_int_equal(rests, 1);
}

TEST(a_rest_on_the_same_host_is_cleaned_up_first)
{
	struct err err = { 0 };
	size_t rests;

	leave_a_rest("run-1");
	assert_int_equal(look(state_dir, &there, &rests, &err),
			 UNFINISHED_OPEN);
	err_reset(&err);
}

TEST(a_guest_that_goes_nowhere_is_not_held_by_a_rest)
{
	size_t rests;

	leave_a_rest("run-1");
	assert_int_equal(look(state_dir, NULL, &rests, NULL), UNFINISHED_NONE);
	assert_int_equal(rests, 1);
}

TEST(a_source_that_is_to_be_ended_refuses)
{
	leave("run-1", KEY, "here", JOURNAL_DESTRUN);
	assert_refused("DESTRUN");
}

/* The guest came back, or was started anew, as another process. */
TEST(with_the_source_gone_what_was_not_started_there_is_a_rest)
{
	static const enum journal_record rest[] = {
		JOURNAL_BEGIN,	 JOURNAL_PREP,	   JOURNAL_DEST,
		JOURNAL_MIGRATE, JOURNAL_ABORTING, JOURNAL_DESTRUN,
	};

	for (size_t i = 0; i < ARRAY_SIZE(rest); i++) {
		size_t rests;

		strcpy(source.boot, "an earlier one");
		leave("run-1", KEY, "here", rest[i]);
		assert_int_equal(look(state_dir, &another, &rests, NULL),
				 UNFINISHED_NONE);
		assert_int_equal(rests, 1);
		start_anew();
	}
}

/* No process has the number. */
TEST(a_source_that_is_no_process_any_more_is_gone)
{
	size_t rests;

	source_pid = 1 << 23;
	leave("run-1", KEY, "here", JOURNAL_DEST);
	assert_int_equal(look(state_dir, &another, &rests, NULL),
			 UNFINISHED_NONE);
	assert_int_equal(rests, 1);
}

static void put_token(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fprintf(f, "%s\n", text) > 0, 1);
	assert_int_equal(fclose(f), 0);
}

/* Only where the run has left its token a process is not there any more. */
TEST(without_the_token_of_the_run_the_source_is_not_gone)
{
	AUTO_FREE char *path = xasprintf("%s/token", state_dir);
	size_t rests;

	source_pid = 1 << 23;
	token_file = path;
	leave("run-1", KEY, "here", JOURNAL_DEST);
	assert_refused("DEST");
	put_token(path, "fedcba9876543210fedcba9876543210");
	assert_refused("DEST");
	put_token(path, TOKEN);
	assert_int_equal(look(state_dir, &another, &rests, NULL),
			 UNFINISHED_NONE);
	assert_int_equal(rests, 1);
}

/* Process 1 is older than any test. */
TEST(another_process_of_its_number_is_not_the_source)
{
	size_t rests;

	source_pid = 1;
	leave("run-1", KEY, "here", JOURNAL_DEST);
	assert_int_equal(look(state_dir, &another, &rests, NULL),
			 UNFINISHED_NONE);
	assert_int_equal(rests, 1);
}

static void expect_rest(enum journal_record last, const char *words)
{
	const struct unfinished_asker asker = {
		.key = KEY,
		.guest = "web1",
		.here = &here,
		.destination = &another,
	};
	AUTO_STRV struct strv found = { .v = NULL };

	strcpy(source.boot, "an earlier one");
	leave("run-1", KEY, "here", last);
	unfinished_look(state_dir, &asker, &found, NULL);
	assert_int_equal(found.n, 1);
	assert_non_null(strstr(found.v[0], words));
	start_anew();
}

TEST(a_rest_without_a_guest_names_qemu_as_well)
{
	expect_rest(JOURNAL_DEST, "QEMU pid ");
	expect_rest(JOURNAL_ABORTING, "QEMU pid ");
}

TEST(a_rest_beside_a_running_guest_names_no_qemu)
{
	expect_rest(JOURNAL_DESTRUN, "names of sockets, directory ");
}

TEST(a_rest_names_the_token_over_there)
{
	token_there = "/r/tokens/run-1-destination";
	expect_rest(JOURNAL_ABORTING, ", file /r/tokens/run-1-destination");
	token_there = "/r/tokens/run-1-destination";
	expect_rest(JOURNAL_DESTRUN, ", file /r/tokens/run-1-destination");
}

TEST(with_the_source_gone_what_may_run_over_there_refuses)
{
	static const enum journal_record open[] = {
		JOURNAL_SWITCH,	  JOURNAL_DISKS_SYNCED, JOURNAL_COMMIT,
		JOURNAL_ROLLBACK, JOURNAL_POSTCOPY,
	};

	for (size_t i = 0; i < ARRAY_SIZE(open); i++) {
		strcpy(source.boot, "an earlier one");
		leave("run-1", KEY, "here", open[i]);
		assert_refused(journal_record_name(open[i]));
		start_anew();
	}
}

TEST(a_destination_that_was_seen_to_run_is_no_rest)
{
	struct journal *j;

	strcpy(source.boot, "an earlier one");
	j = begin("run-1", KEY, "here", JOURNAL_DEST);
	assert_int_equal(journal_append(j, JOURNAL_SEEN,
					json_add_bool(json_new(),
						      "destination_ran", true),
					NULL),
			 0);
	journal_close(j);
	assert_refused("DEST");
}

TEST(only_the_machine_that_drove_it_can_call_it_a_rest)
{
	AUTO_FREE char *path = journal_path("run-1");
	struct journal_view v;

	leave_a_rest("run-1");
	assert_int_equal(journal_read(path, &v, NULL), 0);
	assert_true(unfinished_is_rest(&v, &here));
	assert_false(unfinished_is_rest(&v, &another));
	journal_view_free(&v);
}

/* A source that is not found there has not ended. */
static void assert_open_elsewhere(enum journal_record last)
{
	source_pid = 1 << 23;
	leave("run-1", KEY, "here", last);
	assert_refused(journal_record_name(last));
	start_anew();
}

TEST(in_another_pid_namespace_no_source_is_gone)
{
	source.pid_namespace = 2;
	assert_open_elsewhere(JOURNAL_DEST);
}

TEST(without_a_pid_namespace_no_source_is_gone)
{
	source.pid_namespace = 0;
	assert_open_elsewhere(JOURNAL_DEST);
}

TEST(a_source_on_a_machine_of_the_same_id_is_not_gone)
{
	strcpy(source.host, "clone");
	strcpy(source.boot, "its own");
	assert_open_elsewhere(JOURNAL_DEST);
}

TEST(without_any_machine_id_a_later_boot_proves_nothing)
{
	strcpy(source.boot, "its own");
	source_pid = 1 << 23;
	leave("run-1", KEY, "", JOURNAL_DEST);
	assert_refused("DEST");
}

TEST(an_open_one_outweighs_a_damaged_one)
{
	leave("run-1", KEY, "here", JOURNAL_COMMIT);
	leave("run-2", OTHER, "here", JOURNAL_COMMIT);
	spoil("run-2");
	assert_refused("run-1");
}

TEST(the_beginning_of_a_damaged_one_says_whose_it_is)
{
	leave_spoilt_in_the_middle("run-1", OTHER);
	assert_passed();
	leave_spoilt_in_the_middle("run-2", KEY);
	assert_refused("the journal of run-2 cannot be trusted, and it is");
}

TEST(the_recording_of_a_damaged_one_says_whose_it_is)
{
	leave("run-1", OTHER, "here", JOURNAL_COMMIT);
	spoil("run-1");
	record_guest("run-1", "web1", OTHER);
	assert_passed();
	start_anew();
	leave("run-1", KEY, "here", JOURNAL_COMMIT);
	spoil("run-1");
	record_guest("run-1", "web1", KEY);
	assert_refused("it is about this guest");
}

/* By web1, known as @key, beside the damaged journal of @guest without UUID. */
static enum unfinished look_beside_damaged(const char *key, const char *guest)
{
	struct err err = { 0 };
	enum unfinished found;
	size_t rests;

	start_anew();
	leave("run-1", "guest-1", "here", JOURNAL_COMMIT);
	spoil("run-1");
	record_guest("run-1", guest, "");
	found = look_for(state_dir, key, &another, &rests, &err);
	err_reset(&err);
	return found;
}

TEST(without_a_uuid_the_name_can_exclude)
{
	assert_int_equal(look_beside_damaged("guest-2", "web1"),
			 UNFINISHED_UNREAD);
	assert_int_equal(look_beside_damaged("guest-2", "web2"),
			 UNFINISHED_NONE);
	assert_int_equal(look_beside_damaged(KEY, "web1"), UNFINISHED_NONE);
}

TEST(a_directory_without_a_journal_is_passed_over)
{
	AUTO_FREE char *dir = xasprintf("%s/run-1", runs);

	assert_int_equal(mkdir(dir, 0700), 0);
	assert_passed();
}

static bool is(const char *run)
{
	return unfinished_is(state_dir, run);
}

TEST(only_what_recovery_has_to_do_with_is_unfinished)
{
	leave("run-1", KEY, "here", JOURNAL_SWITCH);
	leave("run-2", KEY, "here", JOURNAL_ABORTED);
	leave("run-3", KEY, "here", JOURNAL_RECORDS);
	leave("run-4", KEY, "here", JOURNAL_DONE);
	spoil("run-4");
	assert_true(is("run-1"));
	assert_false(is("run-2"));
	assert_false(is("run-3"));
	assert_true(is("run-4"));
	assert_false(is("run-5"));
}
