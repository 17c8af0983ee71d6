/* SPDX-License-Identifier: MIT */
/* json_fields: members of the objects that we write for programs. */
#include "qmp/json_fields.h"

#include <string.h>

#include "qmp/json.h"
#include "transport/base/buf.h"

/*
 * Length of the UTF-8 sequence at @s, 0 when it is none: overlong forms,
 * surrogates and what lies past U+10FFFF included.
 */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead;
		unsigned int least;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};

	for (size_t n = 0; n < 4; n++) {
		unsigned int c = s[0] & (unsigned char)~forms[n].mask;

		if ((s[0] & forms[n].mask) != forms[n].lead)
			continue;
		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		if (c < forms[n].least || c > 0x10ffff ||
		    (c >= 0xd800 && c < 0xe000))
			return 0;
		return n + 1;
	}
	return 0;
}

static struct json_object *text_to_json(const char *value)
{
	AUTO_BUF struct buf b = { 0 };

	while (*value) {
		size_t n = utf8_length((const unsigned char *)value);

		if (n)
			buf_append(&b, value, n);
		else
			buf_append(&b, "\xef\xbf\xbd", 3);
		value += n ? n : 1;
	}
	return json_object_new_string(buf_data(&b));
}

void json_fields_text(struct json_object *o, const char *key, const char *value)
{
	json_add_sub(o, key, value ? text_to_json(value) : NULL);
}

void json_fields_count(struct json_object *o, const char *key, int64_t value)
{
	if (value < 0)
		json_add_sub(o, key, NULL);
	else
		json_add_i64(o, key, value);
}

void json_fields_strv(struct json_object *o, const char *key,
		      const struct strv *list)
{
	struct json_object *a = NULL;

	if (list) {
		a = json_object_new_array();
		for (size_t i = 0; i < list->n; i++)
			json_object_array_add(a, text_to_json(list->v[i]));
	}
	json_add_sub(o, key, a);
}
