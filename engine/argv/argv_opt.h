/* SPDX-License-Identifier: MIT */
/*
 * argv_opt: reads and edits one option string of QEMU.
 *
 * Both notations, seen as one list of keys and values: "a,b=c,,d" (a comma in
 * a value is doubled, the first key may be implied) and JSON, whose nested
 * members get dotted keys ("file.filename", "list.0"). What is not changed
 * comes out byte for byte as it went in.
 */
#ifndef ENGINE_ARGV_ARGV_OPT_H
#define ENGINE_ARGV_ARGV_OPT_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * @key: NULL for a first value whose key is implied. @value: unescaped; NULL
 * for a bare flag. JSON's true and false read "on" and "off".
 */
struct argv_kv {
	char *key;
	char *value;
	char *raw; /* as written, without the separating comma; not JSON */
};

struct argv_opt {
	struct argv_kv *v;
	size_t n;
	char *implied;		  /* key of the first value, or NULL */
	char *text;		  /* as it was read */
	struct json_object *json; /* NULL: key=value notation */
	bool changed;
};

/*
 * @implied: the key that a first word without "=" belongs to, or NULL. Text
 * that starts with '{' and is no JSON object becomes one single value.
 */
void argv_opt_init(struct argv_opt *o, const char *text, const char *implied);
void argv_opt_fini(struct argv_opt *o);
#define AUTO_OPT __attribute__((cleanup(argv_opt_fini)))

/* The key of entry @i: the implied one where none is written; never NULL. */
const char *argv_opt_key(const struct argv_opt *o, size_t i);
/* The last value of @key, as QEMU takes it. NULL: absent, or a bare flag. */
const char *argv_opt_get(const struct argv_opt *o, const char *key);
bool argv_opt_is(const struct argv_opt *o, const char *key, const char *value);
/* on/yes/true/1 and off/no/false/0, a bare "key" and a bare "nokey". */
bool argv_opt_bool(const struct argv_opt *o, const char *key, bool missing);

/* Changes the value of entry @i; nothing happens if it is the same. */
void argv_opt_set_at(struct argv_opt *o, size_t i, const char *value);
/* Changes the last @key, or appends it. */
void argv_opt_set(struct argv_opt *o, const char *key, const char *value);
void argv_opt_set_bool(struct argv_opt *o, const char *key, bool value);
/* Takes every @key away, and the flags "key" and "nokey". */
void argv_opt_remove(struct argv_opt *o, const char *key);

/* The option string, to be freed. */
char *argv_opt_text(const struct argv_opt *o);
/* @value with its commas doubled, to be freed. */
char *argv_opt_escape(const char *value);

#endif
