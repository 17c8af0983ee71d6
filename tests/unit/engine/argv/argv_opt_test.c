/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_opt.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_opt.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_text(const struct argv_opt *o, const char *expected)
{
	AUTO_FREE char *text = argv_opt_text(o);

	assert_string_equal(text, expected);
}

TEST(values_are_read_by_key)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "user,id=n0,hostfwd=tcp::1-:2", "type");
	assert_string_equal(argv_opt_get(&o, "type"), "user");
	assert_string_equal(argv_opt_get(&o, "id"), "n0");
	assert_null(argv_opt_get(&o, "nothing"));
	assert_int_equal(o.n, 3);
}

TEST(a_doubled_comma_is_one)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "file=/a,,b,,,if=none", NULL);
	assert_string_equal(argv_opt_get(&o, "file"), "/a,b,");
	assert_string_equal(argv_opt_get(&o, "if"), "none");
}

TEST(the_implied_value_may_hold_commas)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "/run/a,,b,server=on", "path");
	assert_string_equal(argv_opt_get(&o, "path"), "/run/a,b");
}

TEST(without_an_implied_key_a_first_word_is_a_flag)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "strict,menu=on", NULL);
	assert_true(argv_opt_bool(&o, "strict", false));
}

TEST(the_last_of_a_repeated_key_counts)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "a=1,a=2", NULL);
	assert_string_equal(argv_opt_get(&o, "a"), "2");
	argv_opt_set(&o, "a", "3");
	expect_text(&o, "a=1,a=3");
}

TEST(flags_have_all_their_old_spellings)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "p,server,nowait,mux=off,telnet=yes,x=junk", "path");
	assert_true(argv_opt_bool(&o, "server", false));
	assert_false(argv_opt_bool(&o, "wait", true));
	assert_false(argv_opt_bool(&o, "mux", true));
	assert_true(argv_opt_bool(&o, "telnet", false));
	assert_true(argv_opt_bool(&o, "x", true));
	assert_false(argv_opt_bool(&o, "absent", false));
}

TEST(what_is_not_changed_stays_byte_for_byte)
{
	static const char *const texts[] = {
		"",	    ",",	   "a,",
		"a,,",	    "a=,b",	   "=x",
		"a=b=c,d",  "virtio,,x=1", "{\"a\" : 1 , \"b\":[ ]}",
		"{ broken", "a={},b",	   "a,=,,=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO_OPT struct argv_opt o;

		argv_opt_init(&o, texts[i], "first");
		expect_text(&o, texts[i]);
	}
}

/* Letters that mean something, in any order. */
static char *any_text(unsigned int *seed)
{
	static const char letters[] = "ab=,,{}\"x.0[]:on";
	size_t len = (size_t)rand_r(seed) % 24;
	char *text = xcalloc(len + 1, 1);

	for (size_t i = 0; i < len; i++)
		text[i] = letters[(size_t)rand_r(seed) % (sizeof(letters) - 1)];
	return text;
}

TEST(so_does_any_text_at_all)
{
	unsigned int seed = 1;

	for (int i = 0; i < 20000; i++) {
		AUTO_FREE char *text = any_text(&seed);
		AUTO_OPT struct argv_opt o = { .v = NULL };

		argv_opt_init(&o, text, i % 2 ? "first" : NULL);
		expect_text(&o, text);
	}
}

TEST(a_value_that_was_set_is_read_again)
{
	unsigned int seed = 2;

	for (int i = 0; i < 20000; i++) {
		AUTO_FREE char *text = any_text(&seed);
		AUTO_FREE char *value = any_text(&seed);
		AUTO_FREE char *written = NULL;
		AUTO_OPT struct argv_opt o = { .v = NULL };
		AUTO_OPT struct argv_opt again = { .v = NULL };

		if (*text == '{')
			continue;
		argv_opt_init(&o, text, "first");
		argv_opt_set(&o, "key", value);
		written = argv_opt_text(&o);
		argv_opt_init(&again, written, "first");
		assert_string_equal(argv_opt_get(&again, "key"), value);
	}
}

TEST(setting_the_same_value_changes_nothing)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "{ \"a\" : \"1\" }", NULL);
	argv_opt_set(&o, "a", "1");
	expect_text(&o, "{ \"a\" : \"1\" }");
}

TEST(only_the_changed_entry_is_written_anew)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "file=a,,b,readonly,if=none", NULL);
	argv_opt_set(&o, "if", "x,y");
	expect_text(&o, "file=a,,b,readonly,if=x,,y");
}

TEST(an_implied_value_stays_implied)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "/a,server", "path");
	argv_opt_set(&o, "path", "/b");
	expect_text(&o, "/b,server");
}

TEST(an_implied_value_with_an_equals_sign_gets_its_key)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "/a,server", "path");
	argv_opt_set(&o, "path", "/b=c");
	expect_text(&o, "path=/b=c,server");
}

TEST(switching_off_replaces_the_old_spelling)
{
	AUTO_OPT struct argv_opt o, p;

	argv_opt_init(&o, "/a,server,wait", "path");
	argv_opt_set_bool(&o, "wait", false);
	expect_text(&o, "/a,server,wait=off");
	argv_opt_init(&p, "/a,server,nowait", "path");
	argv_opt_set_bool(&p, "wait", true);
	expect_text(&p, "/a,server,wait=on");
}

TEST(removing_takes_every_spelling)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "a=1,signal=off,b,nosignal,signal", NULL);
	argv_opt_remove(&o, "signal");
	expect_text(&o, "a=1,b");
}

TEST(json_members_have_dotted_keys)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o,
		      "{\"driver\":\"raw\",\"file\":{\"filename\":\"/a\"},"
		      "\"l\":[{\"str\":\"x\"},2],\"ro\":true,\"z\":null}",
		      "driver");
	assert_string_equal(argv_opt_get(&o, "file.filename"), "/a");
	assert_string_equal(argv_opt_get(&o, "l.0.str"), "x");
	assert_string_equal(argv_opt_get(&o, "l.1"), "2");
	assert_true(argv_opt_bool(&o, "ro", false));
}

TEST(a_json_member_can_be_changed)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o,
		      "{\"file\":{\"filename\":\"/a\"},\"l\":[\"x\"],"
		      "\"on\":false,\"n\":18446744073709551615}",
		      NULL);
	argv_opt_set(&o, "file.filename", "/b,\"c\"");
	argv_opt_set(&o, "l.0", "y");
	argv_opt_set(&o, "on", "on");
	argv_opt_set(&o, "new", "z");
	expect_text(&o, "{\"file\":{\"filename\":\"/b,\\\"c\\\"\"},"
			"\"l\":[\"y\"],\"on\":true,"
			"\"n\":18446744073709551615,\"new\":\"z\"}");
}

TEST(a_json_member_can_be_removed)
{
	AUTO_OPT struct argv_opt o;

	argv_opt_init(&o, "{\"a\":1,\"b\":{\"c\":2}}", NULL);
	argv_opt_remove(&o, "a");
	argv_opt_remove(&o, "b.c");
	expect_text(&o, "{\"b\":{}}");
}

TEST(a_value_is_escaped_by_doubling_its_commas)
{
	AUTO_FREE char *escaped = argv_opt_escape("a,b,,c");

	assert_string_equal(escaped, "a,,b,,,,c");
}
