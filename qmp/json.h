/* SPDX-License-Identifier: MIT */
/*
 * json: typed getters over json-c that refuse what json-c lets through.
 *
 * json-c turns "12abc" into 12, clamps integers and accepts NaN and duplicate
 * keys. QMP comes from processes that may be broken or hostile, so every value
 * is read by one of these: a missing or mistyped member is ERR_PROTOCOL with
 * its path ("query-migrate.ram.remaining: expected an unsigned integer, got
 * "x""). Objects are borrowed unless it says otherwise.
 */
#ifndef QMP_JSON_H
#define QMP_JSON_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/err.h"

enum { JSON_MAX_DEPTH = 256 };

/* A value and where it came from, for messages. Plain, borrowed. */
struct json_at {
	struct json_object *value;
	const char *path; /* "query-migrate" */
};

/*
 * Parses exactly one document of @len bytes: strict (no NaN, no comments, no
 * trailing commas, no trailing text, no duplicate keys, depth JSON_MAX_DEPTH,
 * integers within -2^63 … 2^64-1). NULL with ERR_PROTOCOL that quotes the
 * offending bytes. The result is owned (json_object_put).
 */
struct json_object *json_parse(const char *text, size_t len, struct err *err);
/* Also *@bytes, about how much memory the result takes: often far over @len. */
struct json_object *json_parse_sized(const char *text, size_t len,
				     size_t *bytes, struct err *err);

/*
 * Required members of the object @at: 0, or -1 with ERR_PROTOCOL. Strings are
 * borrowed from the object.
 */
int json_get_str(struct json_at at, const char *key, const char **out,
		 struct err *err);
int json_get_u64(struct json_at at, const char *key, uint64_t *out,
		 struct err *err);
int json_get_i64(struct json_at at, const char *key, int64_t *out,
		 struct err *err);
int json_get_bool(struct json_at at, const char *key, bool *out,
		  struct err *err);
/* Integers are accepted where a number is asked for. */
int json_get_double(struct json_at at, const char *key, double *out,
		    struct err *err);
/* @out->path is @at.path: messages name the outer path and the key. */
int json_get_object(struct json_at at, const char *key, struct json_at *out,
		    struct err *err);
int json_get_array(struct json_at at, const char *key, struct json_at *out,
		   struct err *err);

/* Members that may be absent: *out keeps its value then, and 0 comes back. */
int json_opt_str(struct json_at at, const char *key, const char **out,
		 struct err *err);
int json_opt_u64(struct json_at at, const char *key, uint64_t *out,
		 struct err *err);
int json_opt_bool(struct json_at at, const char *key, bool *out,
		  struct err *err);
int json_opt_double(struct json_at at, const char *key, double *out,
		    struct err *err);
/* *out is {NULL} when absent. */
int json_opt_object(struct json_at at, const char *key, struct json_at *out,
		    struct err *err);
int json_opt_array(struct json_at at, const char *key, struct json_at *out,
		   struct err *err);

/* True when @at is an object that has @key (null counts as absent). */
bool json_has(struct json_at at, const char *key);
/* Number of elements; 0 when it is not an array. */
size_t json_length(struct json_at at);
/* The element @i, as an object; -1 with ERR_PROTOCOL if it is none. */
int json_index(struct json_at at, size_t i, struct json_at *out,
	       struct err *err);

/* --- building: each takes the object over and returns it, for chaining --- */

struct json_object *json_new(void);
struct json_object *json_add_str(struct json_object *o, const char *key,
				 const char *value); /* NULL: null */
struct json_object *json_add_u64(struct json_object *o, const char *key,
				 uint64_t value);
struct json_object *json_add_i64(struct json_object *o, const char *key,
				 int64_t value);
struct json_object *json_add_bool(struct json_object *o, const char *key,
				  bool value);
/* NaN becomes null. Printed with at most @digits decimals. */
struct json_object *json_add_num(struct json_object *o, const char *key,
				 double value, int digits);
struct json_object *json_add_sub(struct json_object *o, const char *key,
				 struct json_object *value); /* takes @value */
/* One line, without spaces; to be freed. */
char *json_line(struct json_object *o);

void json_cleanup(struct json_object **o);
#define AUTO_JSON __attribute__((cleanup(json_cleanup)))

#endif
