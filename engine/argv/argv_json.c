/* SPDX-License-Identifier: MIT */
/* argv_json: QEMU's JSON options as flat lists of dotted keys. */
#include "engine/argv/argv_json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* Real ones have a few thousand. */
enum { KEYS_MAX_BYTES = 1024 * 1024, INDEX_BYTES = 6 };

/*
 * Bytes of the dotted keys of all leaves: a long key above a long list would
 * make gigabytes of them, out of one argument that anybody may have written.
 */
static size_t keys_bytes(struct json_object *node, size_t above)
{
	size_t sum = 0;

	if (json_object_is_type(node, json_type_object)) {
		json_object_object_foreach(node, key, value)
			sum += keys_bytes(value, above + 1 + strlen(key));
	} else if (json_object_is_type(node, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(node); i++)
			sum += keys_bytes(json_object_array_get_idx(node, i),
					  above + INDEX_BYTES);
	} else {
		sum = above;
	}
	return sum;
}

struct json_object *argv_json_parse(const char *text)
{
	AUTO_ERR struct err ignored = { .kind = ERR_NONE };
	struct json_object *root = json_parse(text, strlen(text), &ignored);

	if (root && (!json_object_is_type(root, json_type_object) ||
		     keys_bytes(root, 0) > KEYS_MAX_BYTES)) {
		json_object_put(root);
		return NULL;
	}
	return root;
}

static const char *leaf_text(struct json_object *leaf)
{
	if (json_object_is_type(leaf, json_type_boolean))
		return json_object_get_boolean(leaf) ? "on" : "off";
	if (!leaf)
		return "";
	return json_object_get_string(leaf);
}

static void walk(struct json_object *node, const char *at, argv_json_leaf *each,
		 void *arg);

static void walk_member(struct json_object *node, const char *at,
			const char *key, argv_json_leaf *each, void *arg)
{
	AUTO_FREE char *below = xasprintf("%s%s%s", at, *at ? "." : "", key);

	walk(node, below, each, arg);
}

static void walk(struct json_object *node, const char *at, argv_json_leaf *each,
		 void *arg)
{
	if (json_object_is_type(node, json_type_object)) {
		json_object_object_foreach(node, key, value)
			walk_member(value, at, key, each, arg);
	} else if (json_object_is_type(node, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(node); i++) {
			AUTO_FREE char *key = xasprintf("%zu", i);

			walk_member(json_object_array_get_idx(node, i), at, key,
				    each, arg);
		}
	} else {
		each(arg, at, leaf_text(node));
	}
}

void argv_json_walk(struct json_object *root, argv_json_leaf *each, void *arg)
{
	walk(root, "", each, arg);
}

static struct json_object *child(struct json_object *node, const char *key)
{
	if (json_object_is_type(node, json_type_array))
		return json_object_array_get_idx(node, strtoul(key, NULL, 10));
	return json_object_object_get(node, key);
}

/*
 * The container that holds @key; *last is its own name in there. Keys may hold
 * dots themselves, so a member that exists under the whole rest wins.
 */
static struct json_object *parent(struct json_object *node, const char *key,
				  const char **last)
{
	while (node) {
		const char *dot = strchr(key, '.');
		AUTO_FREE char *head = NULL;
		struct json_object *below = NULL;

		*last = key;
		if (!dot || (json_object_is_type(node, json_type_object) &&
			     json_object_object_get_ex(node, key, &below)))
			return node;
		head = xstrndup(key, (size_t)(dot - key));
		node = child(node, head);
		key = dot + 1;
	}
	return NULL;
}

static struct json_object *leaf_new(struct json_object *was, const char *value)
{
	bool yes = !strcmp(value, "on");

	if ((yes || !strcmp(value, "off")) &&
	    (!was || json_object_is_type(was, json_type_boolean)))
		return json_object_new_boolean(yes);
	return json_object_new_string(value);
}

void argv_json_set(struct json_object *root, const char *key, const char *value)
{
	const char *last = key;
	struct json_object *in = parent(root, key, &last);

	if (json_object_is_type(in, json_type_object))
		json_object_object_add(in, last,
				       leaf_new(child(in, last), value));
	/* a key with dots in it may look like a place far behind the end */
	else if (child(in, last))
		json_object_array_put_idx(in, strtoul(last, NULL, 10),
					  leaf_new(child(in, last), value));
}

void argv_json_delete(struct json_object *root, const char *key)
{
	const char *last = key;
	struct json_object *in = parent(root, key, &last);

	if (json_object_is_type(in, json_type_object))
		json_object_object_del(in, last);
}

char *argv_json_text(struct json_object *root)
{
	return xstrdup(json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
