/* SPDX-License-Identifier: MIT */
/*
 * argv_json: QEMU's JSON options as flat lists of dotted keys.
 *
 * {"driver":"raw","file":{"filename":"/a"}} has "driver" and "file.filename";
 * members of a list are numbered from 0.
 */
#ifndef ENGINE_ARGV_ARGV_JSON_H
#define ENGINE_ARGV_ARGV_JSON_H

#include <json.h>

/*
 * NULL unless @text is one JSON object, of a size that an option can have.
 * Owned (json_object_put).
 */
struct json_object *argv_json_parse(const char *text);

/* Calls @each for every leaf, in order. */
typedef void argv_json_leaf(void *arg, const char *key, const char *value);
void argv_json_walk(struct json_object *root, argv_json_leaf *each, void *arg);

/*
 * Sets the member at a dotted @key, which need not exist but whose parent
 * must. "on" and "off" become true and false where a boolean was or where
 * nothing did; everything else is a string.
 */
void argv_json_set(struct json_object *root, const char *key,
		   const char *value);
void argv_json_delete(struct json_object *root, const char *key);

/* On one line, without spaces; to be freed. */
char *argv_json_text(struct json_object *root);

#endif
