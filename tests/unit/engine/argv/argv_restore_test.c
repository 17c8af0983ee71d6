/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_restore.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/argv/argv_own.h"
#include "tests/unit/argv_case.h"
#include "transport/base/xalloc.h"
static void expect_restored(const char *words, const struct socket_moves *m,
			    const char *expected)
{
	AUTO_STRV struct strv argv = { .v = NULL }, out = { .v = NULL };
	AUTO_FREE char *text = NULL;

	argv_case_split(words, &argv);
	argv_restore(&argv, m, &out);
	text = strv_join(&out, " ");
	assert_string_equal(text, expected);
}

static void our_monitors_and_the_waiting_state_go(void **state)
{
	(void)state;
	expect_restored("q -m 1 -S -incoming defer "
			"-chardev socket,id=vmferry0,path=/r/q,server=on "
			"-mon chardev=vmferry0,mode=control -usb",
			NULL, "q -m 1 -usb");
}

static void things_of_others_with_a_similar_name_stay(void **state)
{
	static const char words[] =
		"q -chardev null,id=vmferry -chardev null,id=vmferry10 "
		"-mon chardev=vmferry-file0";

	(void)state;
	expect_restored(words, NULL, words);
}

static void moved_sockets_get_their_public_names(void **state)
{
	struct socket_moves m = { .v = NULL };

	(void)state;
	socket_moves_add(&m, "/r/s0", "/run/a,b");
	socket_moves_add(&m, "/r/pid", "/run/p");
	expect_restored("q -qmp unix:/r/s0,server,nowait -pidfile /r/pid "
			"-serial unix:/r/s1,server -append /r/s0",
			&m,
			"q -qmp unix:/run/a,,b,server,nowait -pidfile /run/p "
			"-serial unix:/r/s1,server -append /r/s0");
	socket_moves_free(&m);
}

static void the_mapping_survives_the_environment(void **state)
{
	struct socket_moves m = { .v = NULL }, again = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *text = NULL;

	(void)state;
	socket_moves_add(&m, "/r/a\tb", "/x\\y\n");
	socket_moves_add(&m, "/r/c", "/z");
	text = argv_encode_moves(&m);
	assert_string_equal(text, "/r/a\\tb\t/x\\\\y\\n\n/r/c\t/z\n");
	assert_int_equal(argv_decode_moves(text, &again, &err), 0);
	assert_int_equal(again.n, 2);
	assert_string_equal(again.v[0].now, "/r/a\tb");
	assert_string_equal(again.v[0].public, "/x\\y\n");
	socket_moves_free(&m);
	socket_moves_free(&again);
}

static void an_empty_mapping_is_an_empty_text(void **state)
{
	struct socket_moves m = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *text = argv_encode_moves(&m);

	(void)state;
	assert_string_equal(text, "");
	assert_int_equal(argv_decode_moves(text, &m, &err), 0);
	assert_int_equal(m.n, 0);
}

static void a_mangled_mapping_is_refused_as_a_whole(void **state)
{
	static const char *const texts[] = { "/a\t/b\njunk\n", "/a\t\n",
					     "rel\t/b\n", "/a\\x\t/b\n",
					     "/a\t/b\\" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct socket_moves m = { .v = NULL };
		AUTO_ERR struct err err = { .kind = ERR_NONE };

		assert_int_equal(argv_decode_moves(texts[i], &m, &err), -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_int_equal(m.n, 0);
	}
}

static void our_ids_have_one_digit(void **state)
{
	(void)state;
	assert_true(argv_own_id("vmferry0"));
	assert_true(argv_own_id("vmferry1"));
	assert_false(argv_own_id("vmferry"));
	assert_false(argv_own_id("vmferry00"));
	assert_false(argv_own_id("xvmferry0"));
	assert_false(argv_own_id(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_monitors_and_the_waiting_state_go),
		cmocka_unit_test(things_of_others_with_a_similar_name_stay),
		cmocka_unit_test(moved_sockets_get_their_public_names),
		cmocka_unit_test(the_mapping_survives_the_environment),
		cmocka_unit_test(an_empty_mapping_is_an_empty_text),
		cmocka_unit_test(a_mangled_mapping_is_refused_as_a_whole),
		cmocka_unit_test(our_ids_have_one_digit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
