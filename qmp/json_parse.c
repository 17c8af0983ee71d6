/* SPDX-License-Identifier: MIT */
/*
 * json_parse: a strict reader of JSON text that builds json-c values.
 *
 * json-c's own tokener clamps integers and lets duplicate keys, NUL and broken
 * UTF-8 through, and a small text of empty containers makes it allocate
 * hundreds of times its size. This one refuses all of that and stops at a
 * budget of memory.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/excerpt.h"
#include "qmp/json.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

/* About what json-c 0.16 allocates for a container and for any other value. */
enum { COST_CONTAINER = 800, COST_VALUE = 96, COST_MAX = 64 * 1024 * 1024 };

struct reader {
	const char *begin;
	const char *p;
	const char *end;
	int depth;
	long budget_bytes;
	struct err *err;
};

static int refuse(const struct reader *r, const char *what)
{
	AUTO_FREE char *bytes = excerpt(r->p, (size_t)(r->end - r->p));

	return err_set(r->err, ERR_PROTOCOL, "bad JSON at byte %zu: %s: %s",
		       (size_t)(r->p - r->begin), what, bytes);
}

static int peek(const struct reader *r)
{
	return r->p < r->end ? (unsigned char)*r->p : -1;
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && strchr(" \t\r\n", *r->p) && *r->p)
		r->p++;
}

static bool accept(struct reader *r, char c)
{
	skip_space(r);
	if (peek(r) != c)
		return false;
	r->p++;
	return true;
}

static int spend(struct reader *r, long bytes)
{
	r->budget_bytes -= bytes;
	if (r->budget_bytes < 0)
		return refuse(r, "too many values");
	return 0;
}

/* --- strings ------------------------------------------------------------- */

/* Length of the UTF-8 sequence at @p, 0 if it is malformed. */
static size_t utf8_length(const char *p, const char *end)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int c;

	if (n == 1)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || (size_t)(end - p) < n)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

static void utf8_append(struct buf *b, unsigned int c)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3f));
	s[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
	buf_append(b, s, n);
}

/* The four digits of \uXXXX; -1 when they are none. */
static int read_hex4(struct reader *r)
{
	int value = 0;

	if (r->end - r->p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		int c = r->p[i] >= 'A' && r->p[i] <= 'F' ? r->p[i] | 0x20
							 : r->p[i];
		const char *at = c ? strchr(digits, c) : NULL;

		if (!at)
			return -1;
		value = value << 4 | (int)(at - digits);
	}
	r->p += 4;
	return value;
}

static int read_unicode(struct reader *r, struct buf *out)
{
	int c = read_hex4(r);
	int low;

	if (c >= 0xd800 && c < 0xdc00) {
		if (r->end - r->p < 2 || memcmp(r->p, "\\u", 2) != 0)
			return refuse(r, "half a surrogate pair");
		r->p += 2;
		low = read_hex4(r);
		if (low < 0xdc00 || low > 0xdfff)
			return refuse(r, "half a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c <= 0 || (c >= 0xdc00 && c < 0xe000)) {
		return refuse(r, "bad \\u escape");
	}
	utf8_append(out, (unsigned int)c);
	return 0;
}

static int read_escape(struct reader *r, struct buf *out)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meaning[] = "\"\\/\b\f\n\r\t";
	int c = peek(r);
	const char *at = c > 0 ? strchr(letters, c) : NULL;

	if (c == 'u') {
		r->p++;
		return read_unicode(r, out);
	}
	if (!at)
		return refuse(r, "bad escape");
	r->p++;
	buf_append(out, &meaning[at - letters], 1);
	return 0;
}

/* Appends the text between the quotes, decoded. */
static int read_string(struct reader *r, struct buf *out)
{
	if (!accept(r, '"'))
		return refuse(r, "expected a string");
	for (;;) {
		int c = peek(r);
		size_t n;

		if (c < 0)
			return refuse(r, "string without end");
		if (c == '"')
			break;
		if (c < 0x20)
			return refuse(r, "control character in a string");
		if (c == '\\') {
			r->p++;
			if (read_escape(r, out) < 0)
				return -1;
			continue;
		}
		n = utf8_length(r->p, r->end);
		if (!n)
			return refuse(r, "not UTF-8");
		buf_append(out, r->p, n);
		r->p += n;
	}
	r->p++;
	return 0;
}

static int read_string_value(struct reader *r, struct json_object **out)
{
	AUTO_BUF struct buf b = { 0 };

	if (read_string(r, &b) < 0)
		return -1;
	*out = json_object_new_string_len(buf_data(&b), (int)buf_len(&b));
	return 0;
}

/* --- numbers and words --------------------------------------------------- */

static size_t count_digits(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && p[n] >= '0' && p[n] <= '9')
		n++;
	return n;
}

/*
 * Length of the number at @r by JSON's grammar, 0 when it is none. *whole:
 * neither fraction nor exponent.
 */
static size_t number_length(const struct reader *r, bool *whole)
{
	const char *p = r->p;
	size_t n;

	*whole = true;
	if (p < r->end && *p == '-')
		p++;
	n = count_digits(p, r->end);
	if (n == 0 || (n > 1 && *p == '0'))
		return 0;
	p += n;
	if (p < r->end && *p == '.') {
		*whole = false;
		n = count_digits(++p, r->end);
		if (!n)
			return 0;
		p += n;
	}
	if (p < r->end && (*p == 'e' || *p == 'E')) {
		*whole = false;
		p++;
		if (p < r->end && (*p == '+' || *p == '-'))
			p++;
		n = count_digits(p, r->end);
		if (!n)
			return 0;
		p += n;
	}
	return (size_t)(p - r->p);
}

static struct json_object *make_integer(const char *text)
{
	unsigned long long u;
	long long i;

	errno = 0;
	if (text[0] == '-') {
		i = strtoll(text, NULL, 10);
		return errno ? NULL : json_object_new_int64(i);
	}
	u = strtoull(text, NULL, 10);
	if (errno)
		return NULL;
	return u > INT64_MAX ? json_object_new_uint64(u)
			     : json_object_new_int64((int64_t)u);
}

/* By json-c: it knows how to be independent of the locale. */
static struct json_object *make_double(const char *text)
{
	struct json_object *o = json_tokener_parse(text);

	if (o && isfinite(json_object_get_double(o)))
		return o;
	json_object_put(o);
	return NULL;
}

static int read_number(struct reader *r, struct json_object **out)
{
	bool whole;
	size_t n = number_length(r, &whole);
	AUTO_FREE char *text = xstrndup(r->p, n);

	if (!n)
		return refuse(r, "unexpected");
	*out = whole ? make_integer(text) : make_double(text);
	if (!*out)
		return refuse(r, "number out of range");
	r->p += n;
	return 0;
}

static bool accept_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* --- values -------------------------------------------------------------- */

static int read_value(struct reader *r, struct json_object **out);

static int read_member(struct reader *r, struct json_object *object)
{
	AUTO_BUF struct buf key = { 0 };
	struct json_object *value = NULL;

	if (read_string(r, &key) < 0)
		return -1;
	if (json_object_object_get_ex(object, buf_data(&key), NULL))
		return refuse(r, "duplicate key before");
	if (!accept(r, ':'))
		return refuse(r, "expected a colon");
	if (read_value(r, &value) < 0)
		return -1;
	json_object_object_add(object, buf_data(&key), value);
	return 0;
}

static int read_element(struct reader *r, struct json_object *array)
{
	struct json_object *value = NULL;

	if (read_value(r, &value) < 0)
		return -1;
	json_object_array_add(array, value);
	return 0;
}

static int read_container(struct reader *r, struct json_object **out)
{
	bool object = *r->p++ == '{';
	char end = object ? '}' : ']';
	AUTO_JSON struct json_object *o = NULL;

	if (++r->depth > JSON_MAX_DEPTH)
		return refuse(r, "nested too deep");
	if (spend(r, COST_CONTAINER) < 0)
		return -1;
	o = object ? json_object_new_object() : json_object_new_array();
	if (!accept(r, end)) {
		do {
			if (object ? read_member(r, o) : read_element(r, o))
				return -1;
		} while (accept(r, ','));
		if (!accept(r, end))
			return refuse(r, "expected a comma or the end");
	}
	r->depth--;
	*out = STEAL(o);
	return 0;
}

static int read_value(struct reader *r, struct json_object **out)
{
	int c;

	skip_space(r);
	if (spend(r, COST_VALUE) < 0)
		return -1;
	c = peek(r);
	if (c == '{' || c == '[')
		return read_container(r, out);
	if (c == '"')
		return read_string_value(r, out);
	if (accept_word(r, "null")) {
		*out = NULL;
		return 0;
	}
	if (accept_word(r, "true")) {
		*out = json_object_new_boolean(true);
		return 0;
	}
	if (accept_word(r, "false")) {
		*out = json_object_new_boolean(false);
		return 0;
	}
	return read_number(r, out);
}

struct json_object *json_parse(const char *text, size_t len, struct err *err)
{
	size_t ignored;

	return json_parse_sized(text, len, &ignored, err);
}

struct json_object *json_parse_sized(const char *text, size_t len,
				     size_t *bytes, struct err *err)
{
	struct reader r = {
		.begin = text,
		.p = text,
		.end = text + len,
		.budget_bytes = COST_MAX,
		.err = err,
	};
	AUTO_JSON struct json_object *o = NULL;

	*bytes = 0;
	if (read_value(&r, &o) < 0)
		return NULL;
	skip_space(&r);
	if (r.p < r.end) {
		refuse(&r, "text after the document");
		return NULL;
	}
	if (!o)
		err_set(err, ERR_PROTOCOL, "bad JSON: nothing but null");
	/* strings take what their text does */
	*bytes = (size_t)(COST_MAX - r.budget_bytes) + len;
	return STEAL(o);
}
