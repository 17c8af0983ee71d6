/* SPDX-License-Identifier: MIT */
/*
 * plain_view: the voice where there is no terminal. The pairs are the members
 * of the event's JSON object, so that both voices use the same words.
 */
#include "tools/cli/plain_view.h"

#include <string.h>
#include <time.h>

#include "qmp/json.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

static void put_time(struct buf *b, struct wall t)
{
	time_t seconds = (time_t)(t.us / 1000000);
	char stamp[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(b, "%s.%03dZ", stamp, (int)(t.us / 1000 % 1000));
}

static bool is_bare(const char *s)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_./:@%+,-";

	return *s && strspn(s, letters) == strlen(s);
}

/* Quoted when it is more than a word; a quote inside becomes \". */
static void put_text(struct buf *b, bool utf8, const char *s)
{
	AUTO_BUF struct buf escaped = { 0 };

	if (is_bare(s)) {
		buf_printf(b, "%s", s);
		return;
	}
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_append(&escaped, "\\", 1);
		buf_append(&escaped, s, 1);
	}
	buf_append(b, "\"", 1);
	text_put(b, utf8, buf_data(&escaped));
	buf_append(b, "\"", 1);
}

static void put_pair(struct buf *b, bool utf8, const char *key,
		     struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_string:
		buf_printf(b, " %s=", key);
		put_text(b, utf8, json_object_get_string(value));
		break;
	case json_type_int:
	case json_type_double:
	case json_type_boolean:
		buf_printf(b, " %s=%s", key, json_object_to_json_string(value));
		break;
	default:
		break; /* unknown, or for programs only */
	}
}

static void put_event(struct buf *b, bool utf8, const struct event *ev)
{
	AUTO_JSON struct json_object *o = event_to_json(ev);

	put_time(b, ev->t);
	json_object_object_foreach(o, key, value)
	{
		if (strcmp(key, "v") && strcmp(key, "t") &&
		    strcmp(key, "mono_ms"))
			put_pair(b, utf8, key, value);
	}
	buf_append(b, "\n", 1);
}

/* At most one line in PLAIN_VIEW_PROGRESS_MS. */
static bool is_due(bool *said, struct mono *at, struct mono now)
{
	if (*said && mono_diff_ms(now, *at) < PLAIN_VIEW_PROGRESS_MS)
		return false;
	*said = true;
	*at = now;
	return true;
}

static bool wants(struct plain_view *v, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_SAMPLE:
		return is_due(&v->sampled, &v->sample_at, ev->mono);
	case EVENT_PASS:
		return is_due(&v->passed, &v->pass_at, ev->mono);
	case EVENT_CHECK:
		return v->verbose || ev->check->verdict != CHECK_PASS;
	default:
		return true;
	}
}

void plain_view_event(struct plain_view *v, const struct event *ev)
{
	AUTO_BUF struct buf b = { 0 };

	if (!wants(v, ev))
		return;
	put_event(&b, v->utf8, ev);
	outlet_put(v->out, buf_data(&b), buf_len(&b));
}

void plain_view_note(struct plain_view *v, struct wall t, const char *text)
{
	AUTO_BUF struct buf b = { 0 };

	put_time(&b, t);
	buf_printf(&b, " event=note text=");
	put_text(&b, v->utf8, text);
	buf_append(&b, "\n", 1);
	outlet_put(v->out, buf_data(&b), buf_len(&b));
}
