/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/option.c, over the tables of tools/cli/command.c. */
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/migrate.h"
#include "engine/run/migrate_options.h"
#include "tests/unit/test.h"
#include <cmocka.h>
#include "tools/cli/command_table.h"

struct parse {
	struct settings s;
	struct strv operands;
	struct err err;
	int rc;
};

/* The words of @line, split at blanks, as the arguments of migrate. */
static void parse(struct parse *p, const char *line)
{
	char *words[32], *copy = strdup(line), *save = NULL;
	size_t n = 0;

	memset(p, 0, sizeof(*p));
	settings_init(&p->s);
	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	words[n] = NULL;
	p->rc = option_parse(cmd_migrate.groups, words, &p->s, &p->operands,
			     &p->err);
	free(copy);
}

static void release(struct parse *p)
{
	settings_free(&p->s);
	strv_free(&p->operands);
	err_reset(&p->err);
}

static void assert_refused(const char *line, const char *words)
{
	struct parse p;
	char *text;

	parse(&p, line);
	assert_int_equal(p.rc, -1);
	assert_int_equal(p.err.kind, ERR_USAGE);
	text = err_text(&p.err);
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, text);
	free(text);
	release(&p);
}

TEST(options_may_be_among_operands)
{
	struct parse p;

	parse(&p, "web1 --max-blackout 50 hostb --paused");
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.operands.n, 2);
	assert_string_equal(p.operands.v[0], "web1");
	assert_string_equal(p.operands.v[1], "hostb");
	assert_true(p.s.max_blackout_ms == 50);
	assert_true(p.s.paused);
	release(&p);
}

TEST(a_value_may_follow_an_equals_sign)
{
	struct parse p;

	parse(&p, "--max-blackout=0.5 --remap=/a=/b");
	assert_int_equal(p.rc, 0);
	assert_true(p.s.max_blackout_ms == 0.5);
	assert_string_equal(p.s.remaps.v[0], "/a=/b");
	release(&p);
}

TEST(short_options_can_be_bundled)
{
	struct parse p;

	parse(&p, "-qvvi key -F/etc/other");
	assert_int_equal(p.rc, 0);
	assert_true(p.s.quiet);
	assert_int_equal(p.s.verbose, 2);
	assert_string_equal(p.s.identity, "key");
	assert_string_equal(p.s.ssh_config, "/etc/other");
	release(&p);
}

TEST(after_two_dashes_all_are_operands)
{
	struct parse p;

	parse(&p, "-- --json -q");
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.operands.n, 2);
	assert_false(p.s.json);
	release(&p);
}

TEST(a_single_dash_is_an_operand)
{
	struct parse p;

	parse(&p, "-");
	assert_int_equal(p.rc, 0);
	assert_string_equal(p.operands.v[0], "-");
	release(&p);
}

TEST(the_last_of_two_values_wins)
{
	struct parse p;

	parse(&p, "--color always --color never -i one -i two");
	assert_int_equal(p.s.color, COLOR_NEVER);
	assert_string_equal(p.s.identity, "two");
	release(&p);
}

TEST(repeatable_options_add_up)
{
	struct parse p;

	parse(&p, "--skip-check ram --skip-check cpu");
	assert_int_equal(p.s.skip_checks.n, 2);
	release(&p);
}

TEST(who_speaks_ssh_and_what_carries_the_memory_are_two_choices)
{
	struct parse p;

	parse(&p, "");
	assert_int_equal(p.s.ssh, HOST_SSH_AUTO);
	assert_int_equal(p.s.transport, LANE_SSH);
	assert_false(p.s.insecure);
	release(&p);
	parse(&p, "--transport openssh");
	assert_int_equal(p.s.ssh, HOST_SSH_AUTO);
	assert_int_equal(p.s.transport, LANE_OPENSSH);
	release(&p);
	parse(&p, "--transport tcp --insecure --ssh libssh2");
	assert_int_equal(p.s.ssh, HOST_SSH_LIBSSH2);
	assert_int_equal(p.s.transport, LANE_TCP);
	assert_true(p.s.insecure);
	release(&p);
	parse(&p, "--transport auto");
	assert_int_equal(p.s.transport, LANE_AUTO);
	release(&p);
}

TEST(force_is_what_it_says)
{
	struct parse p;

	parse(&p, "--on-deadline force --deadline 1.5");
	assert_int_equal(p.s.on_deadline, ON_DEADLINE_FORCE);
	assert_true(p.s.deadline_s == 1.5);
	release(&p);
}

TEST(waiting_is_off_and_two_at_once_by_default)
{
	struct parse p;

	parse(&p, "");
	assert_false(p.s.wait);
	assert_int_equal(p.s.parallel, 2);
	release(&p);
	parse(&p, "--wait --parallel 8");
	assert_true(p.s.wait);
	assert_int_equal(p.s.parallel, 8);
	release(&p);
}

TEST(parallel_is_a_whole_number_from_one)
{
	assert_refused("--parallel 0", "from 1 to 1000");
	assert_refused("--parallel 1.5", "from 1 to 1000");
	assert_refused("--parallel 1001", "from 1 to 1000");
	assert_refused("--parallel 1e99", "from 1 to 1000");
	assert_refused("--parallel -1", "from 1 to 1000");
	assert_refused("--parallel two", "from 1 to 1000");
}

TEST(an_unknown_option_is_named_with_a_guess)
{
	struct parse p;

	assert_refused("--frobnicate", "--frobnicate");
	parse(&p, "--max-blakout=3");
	assert_string_equal(err_hint_of(&p.err),
			    "did you mean --max-blackout?");
	release(&p);
}

TEST(an_abbreviation_is_not_an_option)
{
	assert_refused("--js", "unknown option --js");
}

TEST(an_unknown_letter_is_named)
{
	assert_refused("-qz", "-z");
}

TEST(a_missing_value_is_said)
{
	assert_refused("web1 --deadline", "--deadline SEC");
	assert_refused("-i", "--identity FILE");
}

TEST(a_flag_takes_no_value)
{
	assert_refused("--json=yes", "takes no value");
}

TEST(what_is_not_built_is_unknown)
{
	assert_refused("--on-deadline postcopy", "abort, force");
	assert_refused("--transport tls", "ssh, openssh, tcp, auto");
	assert_refused("--streams 4", "unknown option --streams");
	assert_refused("--from hosta", "unknown option --from");
}

TEST(a_blackout_must_be_positive_and_finite)
{
	static const char *const off[] = {
		"0",   "-1",	"1e3", "0x10",	  "nan",
		"inf", "1.2.3", "5ms", "2000001", ".",
	};

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "--max-blackout=%s", off[i]);
		assert_refused(line, off[i]);
	}
}

TEST(a_remap_needs_two_absolute_paths)
{
	assert_refused("--remap /a", "/old/path=/new/path");
	assert_refused("--remap a=/b", "/old/path=/new/path");
	assert_refused("--remap /a=b", "/old/path=/new/path");
}

TEST(events_go_to_a_file_or_a_descriptor)
{
	struct parse p;

	parse(&p, "--events fd:3");
	assert_string_equal(p.s.events, "fd:3");
	release(&p);
	assert_refused("--events fd:x", "fd:N");
	assert_refused("--events fd:", "fd:N");
	assert_refused("--events=", "fd:N");
}

TEST(rates_know_both_kinds_of_prefixes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "12345", 12345 },
		{ "100M", 100000000 },
		{ "1G", 1000000000 },
		{ "1.5g", 1500000000 },
		{ "64Ki", 65536 },
		{ "1Mi", 1048576 },
		{ "2GiB/s", 2147483648 },
		{ "10kB/s", 10000 },
		{ "1T", 1000000000000 },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t bytes = 1;

		assert_true(option_parse_rate(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
}

TEST(other_words_are_no_rates)
{
	static const char *const bad[] = {
		"",	"M",	  "10X",
		"10Mb", "10Mbit", "-5M",
		"1e9",	"10 M",	  "99999999999999999999T",
		"0x10", "nan",	  "10M/h",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bytes;

		if (option_parse_rate(bad[i], &bytes))
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

TEST(no_two_options_share_name_or_letter)
{
	for (size_t i = 0; command_table[i]; i++) {
		const struct option_group *const *g = command_table[i]->groups;

		for (; g && *g; g++) {
			for (size_t k = 0; k < (*g)->n; k++) {
				const struct option *o = &(*g)->v[k];

				assert_ptr_equal(
					option_find(command_table[i]->groups,
						    o->name),
					o);
				assert_non_null(o->set);
				assert_non_null(o->help);
			}
		}
	}
}
