/* SPDX-License-Identifier: MIT */
/*
 * schema: what a QEMU understands, from its query-qmp-schema.
 *
 * The reply is a flat list of entries that name each other: a command names
 * the type of its arguments, an object type those of its members, and so on
 * down to built-in types. Names of types are arbitrary ("143"); all names
 * live in one name space.
 */
#include "tests/fake/schema.h"

#include <stdlib.h>
#include <string.h>

#include "qmp/excerpt.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

/*
 * Types may lead back to themselves if their sender is out to harm us;
 * every walk ends after so many steps. Real ones take 60 at most.
 */
enum { MAX_STEPS = 500 };

struct schema {
	struct json_object *entries; /* the list; keeps the index alive */
	struct json_object *index;   /* name → entry */
};

static int add_entry(struct schema *s, struct json_at entry, struct err *err)
{
	const char *name, *meta;

	if (json_get_str(entry, "name", &name, err) < 0 ||
	    json_get_str(entry, "meta-type", &meta, err) < 0)
		return -1;
	if (json_object_object_get_ex(s->index, name, NULL))
		return err_set(err, ERR_PROTOCOL, "%s: two entries named %s",
			       entry.path, name);
	json_object_object_add(s->index, name, json_object_get(entry.value));
	return 0;
}

struct schema *schema_new(struct json_object *array, struct err *err)
{
	struct json_at list = { array, "query-qmp-schema" };
	struct schema *s = XNEW(struct schema);
	struct json_at entry;

	s->entries = json_object_get(array);
	s->index = json_new();
	for (size_t i = 0; i < json_length(list); i++) {
		if (json_index(list, i, &entry, err) < 0 ||
		    add_entry(s, entry, err) < 0)
			goto free;
	}
	if (json_length(list))
		return s;
	err_set(err, ERR_PROTOCOL, "%s: expected a list with entries",
		list.path);
free:
	schema_free(s);
	return NULL;
}

void schema_free(struct schema *s)
{
	if (!s)
		return;
	json_object_put(s->index);
	json_object_put(s->entries);
	free(s);
}

/* --- reading entries ----------------------------------------------------- */

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, key, &value);
	return value;
}

/* "" when there is no such string. */
static const char *word(struct json_object *o, const char *key)
{
	struct json_object *value = member(o, key);

	return json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : "";
}

static struct json_object *find(const struct schema *s, const char *name)
{
	return member(s->index, name);
}

static bool is_meta(struct json_object *entry, const char *meta)
{
	return strcmp(word(entry, "meta-type"), meta) == 0;
}

static struct json_object *find_meta(const struct schema *s, const char *name,
				     const char *meta)
{
	struct json_object *entry = find(s, name);

	return is_meta(entry, meta) ? entry : NULL;
}

static size_t count(struct json_object *o, const char *key)
{
	return json_length((struct json_at){ member(o, key), "" });
}

static struct json_object *item(struct json_object *o, const char *key,
				size_t i)
{
	return json_object_array_get_idx(member(o, key), i);
}

/* The entry of list @list of @o whose @key is @value. */
static struct json_object *item_where(struct json_object *o, const char *list,
				      const char *key, const char *value)
{
	for (size_t i = 0; i < count(o, list); i++) {
		if (strcmp(word(item(o, list, i), key), value) == 0)
			return item(o, list, i);
	}
	return NULL;
}

/* Since 6.2 an enum lists `members`; `values` is for older clients. */
static bool enum_has(struct json_object *type, const char *value)
{
	if (item_where(type, "members", "name", value))
		return true;
	for (size_t i = 0; i < count(type, "values"); i++) {
		const char *known =
			json_object_get_string(item(type, "values", i));

		if (known && strcmp(known, value) == 0)
			return true;
	}
	return false;
}

/* --- what exists --------------------------------------------------------- */

bool schema_allows_oob(const struct schema *s, const char *command)
{
	struct json_object *entry = find_meta(s, command, "command");

	return json_object_get_boolean(member(entry, "allow-oob"));
}

bool schema_has_event(const struct schema *s, const char *event)
{
	return find_meta(s, event, "event") != NULL;
}

/* --- validation ---------------------------------------------------------- */

static int check_type(const struct schema *s, struct json_object *type,
		      struct json_object *value, const char *path,
		      struct err *err);

/* Whether @value has the kind of JSON value that @type calls for. */
static bool fits(struct json_object *type, struct json_object *value)
{
	static const struct {
		const char *name;
		enum json_type type;
	} kinds[] = {
		{ "string", json_type_string },
		{ "int", json_type_int },
		{ "number", json_type_double },
		{ "number", json_type_int },
		{ "boolean", json_type_boolean },
		{ "null", json_type_null },
		{ "array", json_type_array },
		{ "object", json_type_object },
		{ "enum", json_type_string },
	};
	const char *kind = is_meta(type, "builtin") ? word(type, "json-type")
						    : word(type, "meta-type");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, kind) == 0 &&
		    json_object_is_type(value, kinds[i].type))
			return true;
	}
	return strcmp(kind, "value") == 0;
}

static int wrong(const char *path, const char *why, struct json_object *value,
		 struct err *err)
{
	const char *text =
		json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
	AUTO_FREE char *bytes = excerpt(text, strlen(text));

	return err_set(err, ERR_PROTOCOL, "%s: %s: %s", path, why, bytes);
}

/* The object type that the tag in @value adds to @type; NULL: none. */
static struct json_object *variant(const struct schema *s,
				   struct json_object *type,
				   struct json_object *value)
{
	const char *tag = word(value, word(type, "tag"));

	return find(s, word(item_where(type, "variants", "case", tag), "type"));
}

static int check_complete(const struct schema *s, struct json_object *type,
			  struct json_object *value, const char *path,
			  struct err *err)
{
	for (int steps = 0; type && steps < MAX_STEPS; steps++) {
		for (size_t i = 0; i < count(type, "members"); i++) {
			struct json_object *m = item(type, "members", i);
			const char *name = word(m, "name");

			if (!json_object_object_get_ex(m, "default", NULL) &&
			    !json_object_object_get_ex(value, name, NULL))
				return err_set(err, ERR_PROTOCOL,
					       "%s.%s: missing", path, name);
		}
		type = variant(s, type, value);
	}
	return 0;
}

static struct json_object *known_member(const struct schema *s,
					struct json_object *type,
					struct json_object *value,
					const char *key)
{
	struct json_object *m = NULL;

	for (int i = 0; i < MAX_STEPS && type && !m; i++) {
		m = item_where(type, "members", "name", key);
		type = variant(s, type, value);
	}
	return m;
}

/* @open: members that the schema does not list are fine. */
static int check_object(const struct schema *s, struct json_object *type,
			struct json_object *value, bool open, const char *path,
			struct err *err)
{
	json_object_object_foreach(value, key, inner)
	{
		struct json_object *m = known_member(s, type, value, key);
		AUTO_FREE char *sub = xasprintf("%s.%s", path, key);

		if (!m && open)
			continue;
		if (!m)
			return wrong(sub, "unknown", inner, err);
		if (check_type(s, find(s, word(m, "type")), inner, sub, err) <
		    0)
			return -1;
	}
	return check_complete(s, type, value, path, err);
}

static int check_array(const struct schema *s, struct json_object *type,
		       struct json_object *value, const char *path,
		       struct err *err)
{
	struct json_object *element = find(s, word(type, "element-type"));

	for (size_t i = 0; i < json_object_array_length(value); i++) {
		AUTO_FREE char *sub = xasprintf("%s[%zu]", path, i);

		if (check_type(s, element, json_object_array_get_idx(value, i),
			       sub, err) < 0)
			return -1;
	}
	return 0;
}

/* Alternatives differ in the kind of JSON value. */
static int check_alternate(const struct schema *s, struct json_object *type,
			   struct json_object *value, const char *path,
			   struct err *err)
{
	for (size_t i = 0; i < count(type, "members"); i++) {
		struct json_object *t =
			find(s, word(item(type, "members", i), "type"));

		if (fits(t, value))
			return check_type(s, t, value, path, err);
	}
	return wrong(path, "fits no alternative", value, err);
}

static int check_type(const struct schema *s, struct json_object *type,
		      struct json_object *value, const char *path,
		      struct err *err)
{
	if (is_meta(type, "alternate"))
		return check_alternate(s, type, value, path, err);
	if (!fits(type, value))
		return wrong(path, "wrong type", value, err);
	if (is_meta(type, "object"))
		return check_object(s, type, value, false, path, err);
	if (is_meta(type, "array"))
		return check_array(s, type, value, path, err);
	if (is_meta(type, "enum") &&
	    !enum_has(type, json_object_get_string(value)))
		return wrong(path, "not one of its values", value, err);
	return 0;
}

int schema_validate(const struct schema *s, const char *command,
		    struct json_object *args, struct err *err)
{
	struct json_object *entry = find_meta(s, command, "command");
	struct json_object *type = find(s, word(entry, "arg-type"));
	AUTO_JSON struct json_object *none = json_new();

	if (!type)
		return err_set(err, ERR_PROTOCOL, "%s: unknown command",
			       command);
	if (args && !json_object_is_type(args, json_type_object))
		return wrong(command, "arguments are no object", args, err);
	/* device_add takes every property of the device, unlisted */
	return check_object(s, type, args ? args : none,
			    strcmp(command, "device_add") == 0, command, err);
}
