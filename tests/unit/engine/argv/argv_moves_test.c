/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_moves.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/argv/argv_moves.h"
#include "transport/base/xalloc.h"

static void a_move_is_found_by_its_present_path(void **state)
{
	struct argv_moves m = { .v = NULL };

	(void)state;
	argv_moves_add(&m, "/r/a", "/run/a");
	argv_moves_add(&m, "/r/b", "/run/b");
	assert_string_equal(argv_moves_public(&m, "/r/b"), "/run/b");
	assert_null(argv_moves_public(&m, "/run/b"));
	argv_moves_free(&m);
	assert_int_equal(m.n, 0);
}

static void the_mapping_survives_the_environment(void **state)
{
	struct argv_moves m = { .v = NULL }, again = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *text = NULL;

	(void)state;
	argv_moves_add(&m, "/r/a\tb", "/x\\y\n");
	argv_moves_add(&m, "/r/c", "/z");
	text = argv_moves_encode(&m);
	assert_string_equal(text, "/r/a\\tb\t/x\\\\y\\n\n/r/c\t/z\n");
	assert_int_equal(argv_moves_decode(text, &again, &err), 0);
	assert_int_equal(again.n, 2);
	assert_string_equal(again.v[0].now, "/r/a\tb");
	assert_string_equal(again.v[0].public, "/x\\y\n");
	argv_moves_free(&m);
	argv_moves_free(&again);
}

static void an_empty_mapping_is_an_empty_text(void **state)
{
	struct argv_moves m = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *text = argv_moves_encode(&m);

	(void)state;
	assert_string_equal(text, "");
	assert_int_equal(argv_moves_decode(text, &m, &err), 0);
	assert_int_equal(m.n, 0);
}

static void a_mangled_mapping_is_refused_as_a_whole(void **state)
{
	static const char *const texts[] = { "/a\t/b\njunk\n", "/a\t\n",
					     "rel\t/b\n", "/a\\x\t/b\n",
					     "/a\t/b\\" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct argv_moves m = { .v = NULL };
		AUTO_ERR struct err err = { .kind = ERR_NONE };

		assert_int_equal(argv_moves_decode(texts[i], &m, &err), -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_int_equal(m.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_move_is_found_by_its_present_path),
		cmocka_unit_test(the_mapping_survives_the_environment),
		cmocka_unit_test(an_empty_mapping_is_an_empty_text),
		cmocka_unit_test(a_mangled_mapping_is_refused_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
