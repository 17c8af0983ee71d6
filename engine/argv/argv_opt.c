/* SPDX-License-Identifier: MIT */
/* argv_opt: reads and edits one option string of QEMU. */
#include "engine/argv/argv_opt.h"

#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_json.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

char *argv_opt_escape(const char *value)
{
	struct buf b = { .base = NULL };

	buf_data(&b);
	for (; *value; value++) {
		if (*value == ',')
			buf_append(&b, ",", 1);
		buf_append(&b, value, 1);
	}
	return buf_steal(&b);
}

/* Reads up to a single comma or the end, where *end points then. */
static char *read_value(const char *text, const char **end)
{
	struct buf b = { .base = NULL };

	buf_data(&b);
	for (; *text; text++) {
		if (*text == ',') {
			if (text[1] != ',')
				break;
			text++;
		}
		buf_append(&b, text, 1);
	}
	*end = text;
	return buf_steal(&b);
}

/* What follows the comma at @end; one at the very end separates nothing. */
static const char *behind(const char *end)
{
	return *end && end[1] ? end + 1 : NULL;
}

static struct argv_kv *append(struct argv_opt *o)
{
	o->v = xrealloc(o->v, o->n + 1, sizeof(*o->v));
	o->v[o->n] = (struct argv_kv){ .key = NULL };
	return &o->v[o->n++];
}

static void kv_free(struct argv_kv *kv)
{
	free(kv->key);
	free(kv->value);
	free(kv->raw);
}

static void read_words(struct argv_opt *o, const char *text)
{
	const char *end;

	for (; text && *text; text = behind(end)) {
		size_t len = strcspn(text, "=,");
		struct argv_kv *kv = append(o);

		if (text[len] == '=') {
			kv->key = xstrndup(text, len);
			kv->value = read_value(text + len + 1, &end);
		} else if (o->n == 1 && o->implied) {
			kv->value = read_value(text, &end);
		} else {
			kv->key = read_value(text, &end);
		}
		kv->raw = xstrndup(text, (size_t)(end - text));
	}
}

static void add_member(void *arg, const char *key, const char *value)
{
	struct argv_kv *kv = append(arg);

	kv->key = xstrdup(key);
	kv->value = xstrdup(value);
}

void argv_opt_init(struct argv_opt *o, const char *text, const char *implied)
{
	*o = (struct argv_opt){ .text = xstrdup(text),
				.implied = xstrdup(implied) };
	if (*text == '{') {
		o->json = argv_json_parse(text);
		if (o->json)
			argv_json_walk(o->json, add_member, o);
		else
			append(o)->value = xstrdup(text);
		return;
	}
	read_words(o, text);
}

void argv_opt_fini(struct argv_opt *o)
{
	for (size_t i = 0; i < o->n; i++)
		kv_free(&o->v[i]);
	free(o->v);
	free(o->implied);
	free(o->text);
	json_object_put(o->json);
	*o = (struct argv_opt){ .v = NULL };
}

const char *argv_opt_key(const struct argv_opt *o, size_t i)
{
	if (o->v[i].key)
		return o->v[i].key;
	return o->implied ? o->implied : "";
}

static bool find(const struct argv_opt *o, const char *key, size_t *i)
{
	for (*i = o->n; (*i)--;) {
		if (!strcmp(argv_opt_key(o, *i), key))
			return true;
	}
	return false;
}

const char *argv_opt_get(const struct argv_opt *o, const char *key)
{
	size_t i;

	return find(o, key, &i) ? o->v[i].value : NULL;
}

bool argv_opt_is(const struct argv_opt *o, const char *key, const char *value)
{
	const char *got = argv_opt_get(o, key);

	return got && !strcmp(got, value);
}

static bool is_negated(const struct argv_kv *kv, const char *key)
{
	return kv->key && !kv->value && !strncmp(kv->key, "no", 2) &&
	       !strcmp(kv->key + 2, key);
}

static bool truth(const char *value, bool missing)
{
	static const char *const yes[] = { "on", "yes", "true", "y", "1" };
	static const char *const no[] = { "off", "no", "false", "n", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(value, yes[i]))
			return true;
		if (!strcmp(value, no[i]))
			return false;
	}
	return missing;
}

bool argv_opt_bool(const struct argv_opt *o, const char *key, bool missing)
{
	for (size_t i = o->n; i--;) {
		if (is_negated(&o->v[i], key))
			return false;
		if (strcmp(argv_opt_key(o, i), key) != 0)
			continue;
		return o->v[i].value ? truth(o->v[i].value, missing) : true;
	}
	return missing;
}

static void write_raw(const struct argv_opt *o, struct argv_kv *kv)
{
	AUTO_FREE char *escaped = argv_opt_escape(kv->value);

	free(kv->raw);
	/* Behind an implied key, "a=b" would be read as a key of its own. */
	if (!kv->key && strcspn(escaped, "=") < strcspn(escaped, ","))
		kv->key = xstrdup(o->implied);
	if (kv->key)
		kv->raw = xasprintf("%s=%s", kv->key, escaped);
	else
		kv->raw = STEAL(escaped);
}

void argv_opt_set_at(struct argv_opt *o, size_t i, const char *value)
{
	struct argv_kv *kv = &o->v[i];
	char *copy;

	if (kv->value && !strcmp(kv->value, value))
		return;
	copy = xstrdup(value);
	free(kv->value);
	kv->value = copy;
	o->changed = true;
	if (o->json)
		argv_json_set(o->json, kv->key, value);
	else
		write_raw(o, kv);
}

void argv_opt_set(struct argv_opt *o, const char *key, const char *value)
{
	struct argv_kv *kv;
	size_t i;

	if (!find(o, key, &i)) {
		i = o->n;
		kv = append(o);
		kv->key = xstrdup(key);
	}
	argv_opt_set_at(o, i, value);
}

void argv_opt_set_bool(struct argv_opt *o, const char *key, bool value)
{
	size_t last = o->n;

	for (size_t i = 0; i < o->n; i++) {
		if (!strcmp(argv_opt_key(o, i), key) ||
		    is_negated(&o->v[i], key))
			last = i;
	}
	if (last < o->n && is_negated(&o->v[last], key)) {
		free(o->v[last].key);
		o->v[last].key = xstrdup(key);
	}
	argv_opt_set(o, key, value ? "on" : "off");
}

void argv_opt_remove(struct argv_opt *o, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->n; i++) {
		struct argv_kv *kv = &o->v[i];

		if (strcmp(argv_opt_key(o, i), key) != 0 &&
		    !is_negated(kv, key)) {
			o->v[kept++] = *kv;
			continue;
		}
		if (o->json)
			argv_json_delete(o->json, key);
		kv_free(kv);
		o->changed = true;
	}
	o->n = kept;
}

char *argv_opt_text(const struct argv_opt *o)
{
	struct buf b = { .base = NULL };

	if (!o->changed)
		return xstrdup(o->text);
	if (o->json)
		return argv_json_text(o->json);
	buf_data(&b);
	for (size_t i = 0; i < o->n; i++)
		buf_printf(&b, "%s%s", i ? "," : "", o->v[i].raw);
	return buf_steal(&b);
}
