/* SPDX-License-Identifier: MIT */
/*
 * json: typed getters over json-c that refuse what json-c lets through, and
 * builders. Reading text is in json_parse.c.
 */
#include "qmp/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "qmp/excerpt.h"
#include "transport/base/xalloc.h"

/* --- getters ------------------------------------------------------------- */

/* Reads @value into @out; false when it is of another type. */
typedef bool json_reader(struct json_object *value, void *out);

static bool read_str(struct json_object *value, void *out)
{
	if (!json_object_is_type(value, json_type_string))
		return false;
	*(const char **)out = json_object_get_string(value);
	return true;
}

/* json-c gives INT64_MAX for what is larger, and 0 for unsigned of negative. */
static bool read_u64(struct json_object *value, void *out)
{
	if (!json_object_is_type(value, json_type_int) ||
	    json_object_get_int64(value) < 0)
		return false;
	*(uint64_t *)out = json_object_get_uint64(value);
	return true;
}

static bool read_i64(struct json_object *value, void *out)
{
	int64_t i;

	if (!json_object_is_type(value, json_type_int))
		return false;
	i = json_object_get_int64(value);
	if (i >= 0 && json_object_get_uint64(value) > INT64_MAX)
		return false;
	*(int64_t *)out = i;
	return true;
}

static bool read_bool(struct json_object *value, void *out)
{
	if (!json_object_is_type(value, json_type_boolean))
		return false;
	*(bool *)out = json_object_get_boolean(value);
	return true;
}

static bool read_double(struct json_object *value, void *out)
{
	if (!json_object_is_type(value, json_type_double) &&
	    !json_object_is_type(value, json_type_int))
		return false;
	*(double *)out = json_object_get_double(value);
	return true;
}

static bool read_object(struct json_object *value, void *out)
{
	*(struct json_object **)out = value;
	return json_object_is_type(value, json_type_object);
}

static bool read_array(struct json_object *value, void *out)
{
	*(struct json_object **)out = value;
	return json_object_is_type(value, json_type_array);
}

static const struct json_type_info {
	json_reader *read;
	const char *expected;
} type_str = { read_str, "a string" },
  type_u64 = { read_u64, "an unsigned integer" },
  type_i64 = { read_i64, "an integer" },
  type_bool = { read_bool, "true or false" },
  type_double = { read_double, "a number" },
  type_object = { read_object, "an object" },
  type_array = { read_array, "an array" };

static int mismatch(const char *path, const char *key, const char *expected,
		    struct json_object *value, struct err *err)
{
	const char *text = json_object_to_json_string_ext(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	AUTO_FREE char *cut = excerpt(text, strlen(text));

	return err_set(err, ERR_PROTOCOL, "%s%s%s: expected %s, got %s", path,
		       key ? "." : "", key ? key : "", expected, cut);
}

/* 1 when @key was there and read, 0 when it is absent. */
static int lookup(struct json_at at, const char *key,
		  const struct json_type_info *type, void *out, struct err *err)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(at.value, json_type_object))
		return mismatch(at.path, NULL, "an object", at.value, err);
	if (!json_object_object_get_ex(at.value, key, &value) || !value)
		return 0;
	if (!type->read(value, out))
		return mismatch(at.path, key, type->expected, value, err);
	return 1;
}

static int require(struct json_at at, const char *key,
		   const struct json_type_info *type, void *out,
		   struct err *err)
{
	int found = lookup(at, key, type, out, err);

	if (found == 0)
		return err_set(err, ERR_PROTOCOL, "%s.%s: missing", at.path,
			       key);
	return found < 0 ? -1 : 0;
}

static int optional(struct json_at at, const char *key,
		    const struct json_type_info *type, void *out,
		    struct err *err)
{
	return lookup(at, key, type, out, err) < 0 ? -1 : 0;
}

int json_get_str(struct json_at at, const char *key, const char **out,
		 struct err *err)
{
	return require(at, key, &type_str, out, err);
}

int json_get_u64(struct json_at at, const char *key, uint64_t *out,
		 struct err *err)
{
	return require(at, key, &type_u64, out, err);
}

int json_get_i64(struct json_at at, const char *key, int64_t *out,
		 struct err *err)
{
	return require(at, key, &type_i64, out, err);
}

int json_get_bool(struct json_at at, const char *key, bool *out,
		  struct err *err)
{
	return require(at, key, &type_bool, out, err);
}

int json_get_double(struct json_at at, const char *key, double *out,
		    struct err *err)
{
	return require(at, key, &type_double, out, err);
}

int json_get_object(struct json_at at, const char *key, struct json_at *out,
		    struct err *err)
{
	out->path = at.path;
	return require(at, key, &type_object, &out->value, err);
}

int json_get_array(struct json_at at, const char *key, struct json_at *out,
		   struct err *err)
{
	out->path = at.path;
	return require(at, key, &type_array, &out->value, err);
}

int json_opt_str(struct json_at at, const char *key, const char **out,
		 struct err *err)
{
	return optional(at, key, &type_str, out, err);
}

int json_opt_u64(struct json_at at, const char *key, uint64_t *out,
		 struct err *err)
{
	return optional(at, key, &type_u64, out, err);
}

int json_opt_bool(struct json_at at, const char *key, bool *out,
		  struct err *err)
{
	return optional(at, key, &type_bool, out, err);
}

int json_opt_double(struct json_at at, const char *key, double *out,
		    struct err *err)
{
	return optional(at, key, &type_double, out, err);
}

int json_opt_object(struct json_at at, const char *key, struct json_at *out,
		    struct err *err)
{
	*out = (struct json_at){ NULL, at.path };
	return optional(at, key, &type_object, &out->value, err);
}

int json_opt_array(struct json_at at, const char *key, struct json_at *out,
		   struct err *err)
{
	*out = (struct json_at){ NULL, at.path };
	return optional(at, key, &type_array, &out->value, err);
}

bool json_has(struct json_at at, const char *key)
{
	struct json_object *value = NULL;

	return json_object_is_type(at.value, json_type_object) &&
	       json_object_object_get_ex(at.value, key, &value) && value;
}

size_t json_length(struct json_at at)
{
	if (!json_object_is_type(at.value, json_type_array))
		return 0;
	return json_object_array_length(at.value);
}

int json_index(struct json_at at, size_t i, struct json_at *out,
	       struct err *err)
{
	struct json_object *value = NULL;

	if (i < json_length(at))
		value = json_object_array_get_idx(at.value, i);
	*out = (struct json_at){ value, at.path };
	if (!json_object_is_type(value, json_type_object)) {
		AUTO_FREE char *key = xasprintf("[%zu]", i);

		return mismatch(at.path, key, "an object", value, err);
	}
	return 0;
}

/* --- building ------------------------------------------------------------ */

struct json_object *json_new(void)
{
	return json_object_new_object();
}

struct json_object *json_add_sub(struct json_object *o, const char *key,
				 struct json_object *value)
{
	json_object_object_add(o, key, value);
	return o;
}

struct json_object *json_add_str(struct json_object *o, const char *key,
				 const char *value)
{
	return json_add_sub(o, key,
			    value ? json_object_new_string(value) : NULL);
}

struct json_object *json_add_u64(struct json_object *o, const char *key,
				 uint64_t value)
{
	return json_add_sub(o, key, json_object_new_uint64(value));
}

struct json_object *json_add_i64(struct json_object *o, const char *key,
				 int64_t value)
{
	return json_add_sub(o, key, json_object_new_int64(value));
}

struct json_object *json_add_bool(struct json_object *o, const char *key,
				  bool value)
{
	return json_add_sub(o, key, json_object_new_boolean(value));
}

/* "12.50" → "12.5", "3.00" → "3"; a comma of the locale becomes a point. */
static void tidy_decimal(char *text)
{
	char *point = text + strspn(text, "-0123456789");
	size_t n;

	if (!*point)
		return;
	*point = '.';
	n = strlen(text);
	while (text[n - 1] == '0')
		text[--n] = '\0';
	if (text[n - 1] == '.')
		text[--n] = '\0';
}

struct json_object *json_add_num(struct json_object *o, const char *key,
				 double value, int digits)
{
	AUTO_FREE char *text = NULL;

	if (!isfinite(value))
		return json_add_sub(o, key, NULL);
	text = xasprintf("%.*f", digits, value);
	tidy_decimal(text);
	if (strcmp(text, "-0") == 0)
		text[0] = '0', text[1] = '\0';
	return json_add_sub(o, key, json_object_new_double_s(value, text));
}

char *json_line(struct json_object *o)
{
	return xstrdup(json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

void json_cleanup(struct json_object **o)
{
	json_object_put(*o);
}
