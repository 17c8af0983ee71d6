/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_moves.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_moves.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(a_move_is_found_by_its_present_path)
{
	struct argv_moves m = { .v = NULL };

	argv_moves_add(&m, "/r/a", "/run/a");
	argv_moves_add(&m, "/r/b", "/run/b");
	assert_string_equal(argv_moves_public(&m, "/r/b"), "/run/b");
	assert_null(argv_moves_public(&m, "/run/b"));
	argv_moves_free(&m);
	assert_int_equal(m.n, 0);
}

TEST(the_log_is_found_among_the_moves)
{
	struct argv_moves m = { .v = NULL };

	argv_moves_add(&m, "/r/" ARGV_MOVE_PIDFILE, "/run/q.pid");
	assert_null(argv_moves_log(&m));
	argv_moves_add(&m, "/r/" ARGV_MOVE_LOG, "/var/log/q.log");
	assert_string_equal(argv_moves_log(&m), "/var/log/q.log");
	argv_moves_free(&m);
}

TEST(the_mapping_survives_the_environment)
{
	struct argv_moves m = { .v = NULL }, again = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *text = NULL;

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

TEST(an_empty_mapping_is_an_empty_text)
{
	struct argv_moves m = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *text = argv_moves_encode(&m);

	assert_string_equal(text, "");
	assert_int_equal(argv_moves_decode(text, &m, &err), 0);
	assert_int_equal(m.n, 0);
}

TEST(a_mangled_mapping_is_refused_as_a_whole)
{
	static const char *const texts[] = { "/a\t/b\njunk\n", "/a\t\n",
					     "rel\t/b\n", "/a\\x\t/b\n",
					     "/a\t/b\\" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct argv_moves m = { .v = NULL };
		AUTO_ERR struct err err = { .kind = ERR_NONE };

		assert_int_equal(argv_moves_decode(texts[i], &m, &err), -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_int_equal(m.n, 0);
	}
}
