/* SPDX-License-Identifier: MIT */
/* argv_case: rebuilds command lines that tests write as one text. */
#include "tests/unit/argv_case.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static const char head[] = "qemu-system-x86_64 -M q35 -display none ";

void argv_case_split(const char *text, struct strv *out)
{
	while (*(text += strspn(text, " \n"))) {
		AUTO_BUF struct buf word = { .base = NULL };
		bool quoted = false;

		for (; *text && (quoted || !strchr(" \n", *text)); text++) {
			if (*text == '\'')
				quoted = !quoted;
			else
				buf_append(&word, text, 1);
		}
		strv_push(out, buf_data(&word));
	}
}

/* Without what every case begins and ends with. */
static char *middle(const struct argv_plan *plan)
{
	static const char *const first[] = { "qemu", "-M", CASE_MACHINE,
					     "-display", "none" };
	struct strv words = { .v = NULL };
	char *text;

	assert_true(plan->argv.n >= ARRAY_SIZE(first));
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		assert_string_equal(plan->argv.v[i], first[i]);
	for (size_t i = ARRAY_SIZE(first); i < plan->argv.n; i++) {
		if (!strcmp(plan->argv.v[i], "-S"))
			break;
		strv_push(&words, plan->argv.v[i]);
	}
	text = strv_join(&words, " ");
	strv_free(&words);
	return text ? text : xstrdup("");
}

static char *rebuild(const char *words, struct argv_input in,
		     struct argv_plan *plan)
{
	AUTO_FREE char *text = xasprintf("%s%s", head, words);
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };

	argv_case_split(text, &argv);
	in.argv = &argv;
	in.cwd = CASE_CWD;
	in.machine = CASE_MACHINE;
	in.run_dir = CASE_RUN_DIR;
	in.binary = "qemu";
	if (argv_rebuild(&in, plan, &err))
		fail_msg("%s: %s", words, err.message);
	return middle(plan);
}

char *argv_case_other(const char *words, struct argv_plan *plan)
{
	return rebuild(words, (struct argv_input){ .same_host = false }, plan);
}

char *argv_case_same(const char *words, struct argv_plan *plan)
{
	return rebuild(words, (struct argv_input){ .same_host = true }, plan);
}

char *argv_case_remap(const char *words, const char *old_prefix,
		      const char *new_prefix, struct argv_plan *plan)
{
	struct argv_remap remap = { old_prefix, new_prefix };

	return rebuild(words,
		       (struct argv_input){ .remaps = &remap, .n_remaps = 1 },
		       plan);
}

char *argv_case_hand(const char *words, const char *path, bool block,
		     struct argv_plan *plan)
{
	const struct argv_hand hand = { .path = path, .block = block };

	return rebuild(words,
		       (struct argv_input){ .hands = &hand, .n_hands = 1 },
		       plan);
}

bool argv_case_noted(const struct argv_plan *plan, enum argv_note_kind kind,
		     const char *text)
{
	for (size_t i = 0; i < plan->n_notes; i++) {
		if (plan->notes[i].kind == kind &&
		    strstr(plan->notes[i].text, text))
			return true;
	}
	return false;
}

const struct argv_file *argv_case_file(const struct argv_plan *plan,
				       const char *path)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		if (!strcmp(plan->files[i].path, path))
			return &plan->files[i];
	}
	return NULL;
}

static void expect(const char *words, const char *expected, bool same_host)
{
	struct argv_plan plan;
	AUTO_FREE char *got = same_host ? argv_case_same(words, &plan)
					: argv_case_other(words, &plan);

	for (size_t i = 0; i < plan.n_notes; i++) {
		if (plan.notes[i].kind == ARGV_REFUSED)
			fail_msg("%s: %s", words, plan.notes[i].text);
	}
	assert_string_equal(got, expected);
	argv_plan_free(&plan);
}

void expect_other(const char *words, const char *expected)
{
	expect(words, expected, false);
}

void expect_same(const char *words, const char *expected)
{
	expect(words, expected, true);
}

void expect_kept(const char *words)
{
	AUTO_STRV struct strv split = { .v = NULL };
	AUTO_FREE char *plain = NULL;

	argv_case_split(words, &split);
	plain = strv_join(&split, " ");
	expect(words, plain, false);
}

static void refused(const char *words, const char *why, bool same_host)
{
	struct argv_plan plan;
	AUTO_FREE char *got = same_host ? argv_case_same(words, &plan)
					: argv_case_other(words, &plan);

	if (!argv_case_noted(&plan, ARGV_REFUSED, why))
		fail_msg("not refused (%s): %s -> %s", why, words, got);
	assert_true(argv_case_noted(&plan, ARGV_REFUSED, ""));
	argv_plan_free(&plan);
}

void expect_refused(const char *words, const char *why)
{
	refused(words, why, false);
}

void expect_refused_same(const char *words, const char *why)
{
	refused(words, why, true);
}
