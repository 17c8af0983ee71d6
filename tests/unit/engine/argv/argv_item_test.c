/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_item.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_item.h"
#include "engine/argv/argv_table.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(words_become_options_and_values)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	argv_case_split("qemu --m 1G disk.img -S -append '-x y'", &argv);
	argv_items_read(&items, &argv, argv_table_find);
	assert_int_equal(items.n, 4);
	assert_string_equal(items.v[0].def->name, "m");
	assert_string_equal(items.v[0].value, "1G");
	assert_null(items.v[1].word);
	assert_string_equal(items.v[1].value, "disk.img");
	assert_null(items.v[2].value);
	assert_string_equal(items.v[3].value, "-x y");
}

TEST(an_unknown_option_takes_what_looks_like_a_value)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	argv_case_split("qemu -foo bar -baz -S", &argv);
	argv_items_read(&items, &argv, argv_table_find);
	assert_int_equal(items.n, 3);
	assert_string_equal(items.v[0].value, "bar");
	assert_null(items.v[1].value);
}

TEST(reading_and_pushing_is_the_identity)
{
	AUTO_STRV struct strv argv = { .v = NULL }, again = { .v = NULL };
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	argv_case_split("qemu --m 1G d.img -S -foo bar -name", &argv);
	argv_items_read(&items, &argv, argv_table_find);
	strv_push(&again, "qemu");
	for (size_t i = 0; i < items.n; i++)
		argv_item_push(&again, &items.v[i]);
	assert_true(strv_equal(&argv, &again));
}

TEST(keys_are_found_in_the_last_option_that_has_them)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	AUTO_FREE char *type = NULL;
	AUTO_FREE char *size = NULL;

	argv_case_split("qemu -m 1G -M pc -M accel=tcg -m slots=2", &argv);
	argv_items_read(&items, &argv, argv_table_find);
	type = argv_items_machine(&items, "type");
	size = argv_items_key(&items, "m", "size");
	assert_string_equal(type, "pc");
	assert_string_equal(size, "1G");
	assert_string_equal(argv_items_last(&items, "m")->value, "slots=2");
	assert_null(argv_items_last(&items, "smp"));
}

TEST(an_option_string_is_read_from_that_option_alone)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_case_split("qemu -name guest=a -foo bar -m", &argv);
	argv_items_read(&items, &argv, argv_table_find);
	assert_false(argv_item_opt(&items.v[0], "m", &o));
	assert_false(argv_item_opt(&items.v[1], "foo", &o));
	assert_false(argv_item_opt(&items.v[2], "m", &o)); /* no value */
	assert_true(argv_item_opt(&items.v[0], "name", &o));
	assert_string_equal(argv_opt_get(&o, "guest"), "a");
}
