/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_rebuild.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/argv_corpus.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* --- the whole command line ---------------------------------------------- */

static int rebuild(const char *text, const char *run_dir,
		   struct argv_plan *plan, struct err *err)
{
	AUTO_STRV struct strv argv = { .v = NULL };

	argv_case_split(text, &argv);
	return argv_rebuild(&(struct argv_input){ .argv = &argv,
						  .cwd = CASE_CWD,
						  .machine = CASE_MACHINE,
						  .run_dir = run_dir,
						  .binary = "/opt/qemu" },
			    plan, err);
}

TEST(our_own_things_come_last)
{
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *text = NULL;
	struct argv_plan plan;

	assert_int_equal(rebuild("qemu -m 1G -display none", "/r", &plan, &err),
			 0);
	text = strv_join(&plan.argv, " ");
	assert_string_equal(
		text, "/opt/qemu -machine " CASE_MACHINE " -m 1G -display none "
		      "-S -incoming defer "
		      "-chardev socket,id=vmferry0,path=/r/qmp0.sock,server=on,"
		      "wait=off -mon chardev=vmferry0,mode=control "
		      "-chardev socket,id=vmferry1,path=/r/qmp1.sock,server=on,"
		      "wait=off -mon chardev=vmferry1,mode=control");
	assert_string_equal(plan.monitor0, "/r/qmp0.sock");
	assert_string_equal(plan.monitor1, "/r/qmp1.sock");
	assert_null(plan.cwd);
	argv_plan_free(&plan);
}

TEST(a_machine_without_a_type_gets_one)
{
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	struct argv_plan plan;

	rebuild("qemu -machine accel=tcg -display none", "/r", &plan, &err);
	assert_string_equal(plan.argv.v[2], CASE_MACHINE);
	assert_string_equal(plan.argv.v[4], "accel=tcg");
	argv_plan_free(&plan);
}

TEST(an_unknown_option_is_refused_by_name)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-teleport now", &plan);
	assert_true(argv_case_noted(&plan, ARGV_REFUSED, ""));
	assert_string_equal(plan.notes[0].option, "-teleport now");
	argv_plan_free(&plan);
}

TEST(a_line_break_in_a_value_is_refused)
{
	expect_refused("-append 'a\nb'", "line break");
}

TEST(all_refusals_are_reported_at_once)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-snapshot -device vfio-pci,host=01:00.0", &plan);
	assert_true(argv_case_noted(&plan, ARGV_REFUSED, "temporary"));
	assert_true(argv_case_noted(&plan, ARGV_REFUSED, "hardware"));
	argv_plan_free(&plan);
}

TEST(a_missing_value_cannot_be_read)
{
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	struct argv_plan plan;

	assert_int_equal(rebuild("qemu -m", "/r", &plan, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.message, "-m"));
	assert_null(plan.argv.v);
}

TEST(a_run_directory_too_deep_for_sockets_is_refused)
{
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *deep = xasprintf("/%0100d", 0);
	struct argv_plan plan;

	assert_int_equal(rebuild("qemu -m 1G", deep, &plan, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(err.hint);
}

TEST(a_strange_machine_name_is_refused)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	struct argv_plan plan;

	strv_push(&argv, "qemu");
	assert_int_equal(
		argv_rebuild(&(struct argv_input){ .argv = &argv,
						   .machine = "pc,accel=tcg",
						   .run_dir = "/r",
						   .binary = "qemu" },
			     &plan, &err),
		-1);
	assert_int_equal(err.kind, ERR_REFUSED);
}

TEST(a_missing_machine_name_is_refused)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	struct argv_plan plan;

	strv_push(&argv, "qemu");
	assert_int_equal(argv_rebuild(&(struct argv_input){ .argv = &argv,
							    .run_dir = "/r",
							    .binary = "qemu" },
				      &plan, &err),
			 -1);
	assert_non_null(strstr(err.message, "\"\" is no name"));
}

TEST(relative_paths_ask_for_the_directory)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-hda disk.img", &plan);
	assert_string_equal(got, "-hda disk.img");
	assert_string_equal(plan.cwd, CASE_CWD);
	assert_non_null(argv_case_file(&plan, CASE_CWD "/disk.img"));
	argv_plan_free(&plan);
}

TEST(the_directory_is_remapped_along)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_remap("-hda disk.img", "/srv", "/mnt", &plan);
	assert_string_equal(got, "-hda disk.img");
	assert_string_equal(plan.cwd, "/mnt/vm");
	assert_non_null(argv_case_file(&plan, "/mnt/vm/disk.img"));
	argv_plan_free(&plan);
}

TEST(a_relative_path_that_goes_elsewhere_becomes_absolute)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_remap("-hda images/a.img", CASE_CWD "/images", "/pool",
			      &plan);
	assert_string_equal(got, "-hda /pool/a.img");
	assert_null(plan.cwd);
	argv_plan_free(&plan);
}

/* --- hops ---------------------------------------------------------------- */

/* A guest as it is on some host. */
struct hop {
	struct strv argv;
	struct argv_moves moves;
	char *cwd;
};

static void hop_fini(struct hop *h)
{
	strv_free(&h->argv);
	argv_moves_free(&h->moves);
	free(h->cwd);
}

static void hop_on(struct hop *h, const char *run_dir, bool same_host)
{
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *text = NULL;
	struct hop next = { .cwd = NULL };
	struct argv_plan plan;

	if (argv_rebuild(&(struct argv_input){ .argv = &h->argv,
					       .cwd = h->cwd,
					       .moves = &h->moves,
					       .machine = CASE_MACHINE,
					       .run_dir = run_dir,
					       .binary = "qemu",
					       .same_host = same_host },
			 &plan, &err))
		fail_msg("%s", err.message);
	strv_push_all(&next.argv, &plan.argv);
	/* The mapping goes through the environment. */
	text = argv_moves_encode(&plan.moves);
	assert_int_equal(argv_moves_decode(text, &next.moves, &err), 0);
	next.cwd = xstrdup(plan.cwd ? plan.cwd : h->cwd);
	argv_plan_free(&plan);
	hop_fini(h);
	*h = next;
}

static void hops_lead_back(const struct argv_corpus *c, bool same_host)
{
	struct hop h = { .cwd = xstrdup(CASE_CWD) };
	struct strv first = { .v = NULL };

	argv_case_split(c->text, &h.argv);
	for (int i = 0; i < 5; i++) {
		AUTO_FREE char *run_dir = xasprintf("/run/r%d", i);
		AUTO_STRV struct strv public = { .v = NULL };
		AUTO_FREE char *text = NULL;

		hop_on(&h, run_dir, same_host);
		argv_restore(&h.argv, &h.moves, &public);
		text = strv_join(&public, " ");
		if (strstr(text, "/run/r") || strstr(text, "vmferry0"))
			fail_msg("%s: ours is left: %s", c->name, text);
		if (!i)
			strv_push_all(&first, &public);
		if (!strv_equal(&first, &public))
			fail_msg("%s: hop %d gives %s", c->name, i, text);
	}
	strv_free(&first);
	hop_fini(&h);
}

TEST(every_hop_gives_the_same_public_command_line)
{
	for (size_t i = 0; i < argv_corpus_n; i++)
		hops_lead_back(&argv_corpus[i], false);
}

TEST(so_does_every_hop_within_one_host)
{
	for (size_t i = 0; i < argv_corpus_n; i++) {
		if (argv_corpus[i].one_host)
			hops_lead_back(&argv_corpus[i], true);
	}
}

TEST(a_plain_guest_comes_back_as_it_was)
{
	static const char text[] =
		"qemu -M " CASE_MACHINE " -m 1G -display none "
		"-drive file=/a,,b.img,format=raw "
		"-qmp unix:/run/q,server,nowait "
		"-chardev socket,path=/run/c,id=c,server=on,wait=off "
		"-serial chardev:c -vnc unix:/run/v,share=ignore "
		"-pidfile /run/p -netdev stream,id=n,server=on,addr.type=unix,"
		"addr.path=/run/n -nic none";
	struct hop h = { .cwd = xstrdup("/") };
	struct strv original = { .v = NULL }, public = { .v = NULL };
	AUTO_FREE char *joined = NULL;

	argv_case_split(text, &h.argv);
	strv_push_all(&original, &h.argv);
	hop_on(&h, "/run/r1", true);
	hop_on(&h, "/run/r2", false);
	assert_int_equal(h.moves.n, 5);
	argv_restore(&h.argv, &h.moves, &public);
	joined = strv_join(&public, " ");
	assert_string_equal(joined, text);
	strv_free(&original);
	strv_free(&public);
	hop_fini(&h);
}

TEST(a_remap_that_a_path_needs_is_noted)
{
	struct argv_plan plan;
	AUTO_FREE char *needed =
		argv_case_remap("-hda /srv/a.img", "/srv", "/mnt", &plan);

	assert_true(plan.remapped[0]);
	argv_plan_free(&plan);
}

TEST(one_that_no_path_needs_is_not)
{
	struct argv_plan plan;
	AUTO_FREE char *as_is =
		argv_case_remap("-hda /srv/a.img", "/srv2", "/mnt", &plan);

	assert_false(plan.remapped[0]);
	argv_plan_free(&plan);
}

TEST(remapping_there_and_back_changes_nothing)
{
	static const char words[] = "-drive file=/srv/a.img,if=virtio "
				    "-qmp unix:/srv/q,server,nowait";
	struct argv_remap back = { "/mnt", "/srv" };
	AUTO_STRV struct strv public = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *there = NULL;
	AUTO_FREE char *here = NULL;
	struct argv_plan plan, plan2;

	there = argv_case_remap(words, "/srv", "/mnt", &plan);
	assert_string_equal(there, "-drive file=/mnt/a.img,if=virtio "
				   "-qmp unix:" CASE_RUN_DIR "/s0.sock,server,"
				   "nowait");
	assert_string_equal(plan.moves.v[0].public, "/mnt/q");
	assert_int_equal(
		argv_rebuild(&(struct argv_input){ .argv = &plan.argv,
						   .cwd = "/",
						   .moves = &plan.moves,
						   .machine = CASE_MACHINE,
						   .run_dir = "/run/r2",
						   .binary = "qemu",
						   .remaps = &back,
						   .n_remaps = 1 },
			     &plan2, &err),
		0);
	argv_restore(&plan2.argv, &plan2.moves, &public);
	here = strv_join(&public, " ");
	assert_non_null(strstr(here, words));
	argv_plan_free(&plan);
	argv_plan_free(&plan2);
}

/* --- anything ------------------------------------------------------------ */

/* A word of the corpus, sometimes with a byte changed. */
static void any_word(struct strv *out, unsigned int *seed)
{
	static const char bytes[] = ",=:-/{}\"0n";
	AUTO_STRV struct strv words = { .v = NULL };
	char *word;

	argv_case_split(argv_corpus[(size_t)rand_r(seed) % argv_corpus_n].text,
			&words);
	word = words.v[(size_t)rand_r(seed) % words.n];
	if (*word && rand_r(seed) % 2)
		word[(size_t)rand_r(seed) % strlen(word)] =
			bytes[(size_t)rand_r(seed) % (sizeof(bytes) - 1)];
	strv_push(out, word);
}

/* Whatever the words: no crash, and what is rebuilt can be rebuilt again. */
TEST(any_words_can_be_rebuilt_twice)
{
	unsigned int seed = 3;

	for (int i = 0; i < 5000; i++) {
		struct hop h = { .cwd = xstrdup(CASE_CWD) };
		bool same_host = i % 2;

		strv_push(&h.argv, "qemu");
		for (int n = rand_r(&seed) % 12; n >= 0; n--)
			any_word(&h.argv, &seed);
		/* So that the last option has a value if it needs one. */
		strv_push(&h.argv, "x");
		hop_on(&h, "/run/r1", same_host);
		hop_on(&h, "/run/r2", same_host);
		hop_fini(&h);
	}
}
