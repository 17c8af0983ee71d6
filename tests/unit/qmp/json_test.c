/* SPDX-License-Identifier: MIT */
/* json: the typed getters and the builders. */
#include <math.h>
#include <string.h>

#include "qmp/json.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* Members of every type, at their limits. */
static const char sample[] =
	"{\"s\":\"12abc\",\"n\":5,\"neg\":-5,\"max\":18446744073709551615,"
	"\"min\":-9223372036854775808,\"r\":1.5,\"t\":true,\"nul\":null,"
	"\"o\":{\"x\":1},\"a\":[{\"y\":2},3]}";

static struct json_object *object;

static int read_sample(void **state)
{
	(void)state;
	object = json_parse(sample, strlen(sample), NULL);
	return object ? 0 : -1;
}

static int free_sample(void **state)
{
	(void)state;
	json_object_put(object);
	return 0;
}

TEST_GROUP_FIXTURE(read_sample, free_sample);

static struct json_at at(void)
{
	return (struct json_at){ object, "reply" };
}

TEST(a_missing_member_is_named_with_its_path)
{
	AUTO_ERR struct err err = { 0 };
	uint64_t u;

	assert_int_equal(json_get_u64(at(), "none", &u, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "reply.none: missing");
}

TEST(null_counts_as_missing)
{
	AUTO_ERR struct err err = { 0 };
	const char *s;

	assert_int_equal(json_get_str(at(), "nul", &s, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "reply.nul: missing");
	assert_false(json_has(at(), "nul"));
	assert_true(json_has(at(), "n"));
}

TEST(a_string_never_becomes_a_number)
{
	AUTO_ERR struct err err = { 0 };
	uint64_t u;
	double d;

	assert_int_equal(json_get_u64(at(), "s", &u, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL,
			"reply.s: expected an unsigned integer, got "
			"\"\\\"12abc\\\"\"");
	assert_int_equal(json_get_double(at(), "s", &d, NULL), -1);
}

TEST(a_number_never_becomes_a_string)
{
	const char *s;

	assert_int_equal(json_get_str(at(), "n", &s, NULL), -1);
}

TEST(unsigned_keeps_every_bit_and_refuses_negative)
{
	uint64_t u = 0;

	assert_int_equal(json_get_u64(at(), "max", &u, NULL), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(json_get_u64(at(), "neg", &u, NULL), -1);
	assert_int_equal(json_get_u64(at(), "min", &u, NULL), -1);
	assert_int_equal(json_get_u64(at(), "r", &u, NULL), -1);
}

TEST(signed_keeps_every_bit_and_is_never_clamped)
{
	int64_t i = 0;

	assert_int_equal(json_get_i64(at(), "min", &i, NULL), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(json_get_i64(at(), "max", &i, NULL), -1);
	assert_int_equal(json_get_i64(at(), "r", &i, NULL), -1);
}

TEST(a_real_may_be_written_as_an_integer)
{
	double d = 0;

	assert_int_equal(json_get_double(at(), "r", &d, NULL), 0);
	assert_true(d > 1.49 && d < 1.51);
	assert_int_equal(json_get_double(at(), "max", &d, NULL), 0);
	assert_true(d > 1.8e19);
}

TEST(only_true_and_false_are_boolean)
{
	bool b = false;

	assert_int_equal(json_get_bool(at(), "t", &b, NULL), 0);
	assert_true(b);
	assert_int_equal(json_get_bool(at(), "n", &b, NULL), -1);
	assert_int_equal(json_get_bool(at(), "s", &b, NULL), -1);
}

TEST(objects_and_arrays_are_distinguished)
{
	struct json_at out;
	uint64_t u = 0;

	assert_int_equal(json_get_object(at(), "o", &out, NULL), 0);
	assert_int_equal(json_get_u64(out, "x", &u, NULL), 0);
	assert_int_equal(u, 1);
	assert_int_equal(json_get_object(at(), "a", &out, NULL), -1);
	assert_int_equal(json_get_array(at(), "o", &out, NULL), -1);
}

TEST(an_array_gives_its_objects_by_index)
{
	AUTO_ERR struct err err = { 0 };
	struct json_at list, out;
	uint64_t u = 0;

	assert_int_equal(json_get_array(at(), "a", &list, NULL), 0);
	assert_int_equal(json_length(list), 2);
	assert_int_equal(json_index(list, 0, &out, NULL), 0);
	assert_int_equal(json_get_u64(out, "y", &u, NULL), 0);
	assert_int_equal(json_index(list, 1, &out, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL,
			"reply.[1]: expected an object, got");
	assert_int_equal(json_index(list, 2, &out, NULL), -1);
	assert_int_equal(json_length(at()), 0);
}

TEST(an_absent_option_keeps_its_value)
{
	const char *s = "kept";
	uint64_t u = 7;
	bool b = true;
	double d = 2;

	assert_int_equal(json_opt_str(at(), "none", &s, NULL), 0);
	assert_int_equal(json_opt_u64(at(), "nul", &u, NULL), 0);
	assert_int_equal(json_opt_bool(at(), "none", &b, NULL), 0);
	assert_int_equal(json_opt_double(at(), "none", &d, NULL), 0);
	assert_string_equal(s, "kept");
	assert_int_equal(u, 7);
	assert_true(b);
	assert_true(d > 1.9);
}

TEST(a_mistyped_option_is_an_error)
{
	struct json_at out;
	uint64_t u = 7;

	assert_int_equal(json_opt_u64(at(), "s", &u, NULL), -1);
	assert_int_equal(json_opt_array(at(), "o", &out, NULL), -1);
	assert_int_equal(json_opt_object(at(), "a", &out, NULL), -1);
}

TEST(an_absent_object_comes_back_as_none)
{
	struct json_at out = at();

	assert_int_equal(json_opt_object(at(), "none", &out, NULL), 0);
	assert_null(out.value);
	assert_int_equal(json_opt_array(at(), "nul", &out, NULL), 0);
	assert_null(out.value);
}

TEST(members_of_what_is_no_object_are_an_error)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_JSON struct json_object *five = json_object_new_int64(5);
	struct json_at number = { five, "query-x" };
	struct json_at none = { NULL, "query-y" };
	uint64_t u;

	assert_int_equal(json_get_u64(number, "k", &u, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "query-x: expected an object, got");
	assert_int_equal(json_opt_u64(none, "k", &u, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "query-y: expected an object, got");
}

TEST(built_objects_print_on_one_line)
{
	AUTO_JSON struct json_object *o = json_new();
	AUTO_FREE char *line = NULL;

	json_add_str(json_add_str(o, "s", "/a \"b\"\n"), "null", NULL);
	json_add_u64(json_add_i64(o, "i", -1), "u", UINT64_MAX);
	json_add_sub(json_add_bool(o, "b", true), "o", json_new());
	line = json_line(o);
	assert_string_equal(line,
			    "{\"s\":\"/a \\\"b\\\"\\n\",\"null\":null,\"i\":-1,"
			    "\"u\":18446744073709551615,\"b\":true,\"o\":{}}");
}

TEST(reals_print_with_no_more_digits_than_asked_for)
{
	AUTO_JSON struct json_object *o = json_new();
	AUTO_FREE char *line = NULL;

	json_add_num(o, "a", 12.5, 3);
	json_add_num(o, "b", 2.0 / 3, 2);
	json_add_num(o, "c", 3, 2);
	json_add_num(o, "d", 100, 0);
	json_add_num(o, "e", -0.001, 2);
	line = json_line(o);
	assert_string_equal(
		line, "{\"a\":12.5,\"b\":0.67,\"c\":3,\"d\":100,\"e\":0}");
}

TEST(what_is_no_number_prints_as_null)
{
	AUTO_JSON struct json_object *o = json_new();
	AUTO_FREE char *line = NULL;

	json_add_num(json_add_num(o, "n", NAN, 2), "i", INFINITY, 2);
	line = json_line(o);
	assert_string_equal(line, "{\"n\":null,\"i\":null}");
}
