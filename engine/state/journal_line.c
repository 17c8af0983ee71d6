/* SPDX-License-Identifier: MIT */
/*
 * journal_line: one record as one line with length and checksum, and back; no
 * I/O.
 */
#include "engine/state/journal_line.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

int journal_line_version(const char *data, size_t len)
{
	static const char first[] = JOURNAL_FIRST_LINE;
	char digit;

	if (len < JOURNAL_FIRST_BYTES ||
	    memcmp(data, first, JOURNAL_VERSION_BYTE) != 0 ||
	    data[JOURNAL_VERSION_BYTE + 1] != '\n')
		return 0;
	digit = data[JOURNAL_VERSION_BYTE];
	return digit >= '1' && digit <= '9' ? digit - '0' : 0;
}

/* --- the frame ----------------------------------------------------------- */

/* Bit by bit: a journal has some ten short records. */
uint32_t journal_line_crc(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

void journal_line_put(struct buf *b, const char *text, size_t len)
{
	buf_printf(b, "%08zx %08" PRIx32 " ", len, journal_line_crc(text, len));
	buf_append(b, text, len);
	buf_append(b, "\n", 1);
}

/* Eight digits and a blank. One spelling only, so that no flip of a bit keeps
 * the value. */
static bool read_hex(const char *p, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef";

	*out = 0;
	for (int i = 0; i < 8; i++) {
		const char *d = p[i] ? strchr(digits, p[i]) : NULL;

		if (!d)
			return false;
		*out = *out << 4 | (uint32_t)(d - digits);
	}
	return p[8] == ' ';
}

size_t journal_line_whole(const char *data, size_t len)
{
	uint32_t text_len, crc;
	const char *text;

	if (len <= JOURNAL_LINE_HEAD || !read_hex(data, &text_len) ||
	    !read_hex(data + 9, &crc) || text_len > JOURNAL_TEXT_MAX ||
	    text_len >= len - JOURNAL_LINE_HEAD)
		return 0;
	text = data + JOURNAL_LINE_HEAD;
	if (text[text_len] != '\n' || memchr(text, '\n', text_len) ||
	    journal_line_crc(text, text_len) != crc)
		return 0;
	return JOURNAL_LINE_HEAD + text_len + 1;
}

/* --- the text ------------------------------------------------------------ */

char *journal_line_text(const struct journal_entry *e)
{
	AUTO_JSON struct json_object *o = json_new();

	json_add_u64(o, "seq", e->seq);
	json_add_num(o, "t", (double)e->t.us / 1e6, 6);
	json_add_str(o, "record", journal_record_name(e->record));
	if (e->data)
		json_add_sub(o, "data", json_object_get(e->data));
	return json_line(o);
}

static int read_members(struct json_at at, uint64_t seq,
			struct journal_entry *out, struct json_at *data,
			struct err *err)
{
	const char *word;
	double t;

	if (json_get_u64(at, "seq", &out->seq, err) < 0 ||
	    json_get_double(at, "t", &t, err) < 0 ||
	    json_get_str(at, "record", &word, err) < 0 ||
	    json_opt_object(at, "data", data, err) < 0)
		return -1;
	out->record = journal_record_parse(word);
	if (out->record == JOURNAL_RECORDS)
		return err_set(err, ERR_PROTOCOL, "there is no record \"%s\"",
			       word);
	if (out->seq != seq)
		return err_set(err, ERR_PROTOCOL,
			       "expected number %" PRIu64 ", got %" PRIu64, seq,
			       out->seq);
	if (!(fabs(t) < 1e12))
		return err_set(err, ERR_PROTOCOL, "no moment: %g", t);
	out->t.us = llround(t * 1e6);
	return 0;
}

int journal_line_parse(const char *text, size_t len, uint64_t seq,
		       struct journal_entry *out, struct err *err)
{
	AUTO_JSON struct json_object *o = json_parse(text, len, err);
	struct json_at data = { 0 };

	*out = (struct journal_entry){ .record = JOURNAL_RECORDS };
	if (!o || read_members((struct json_at){ o, "record" }, seq, out, &data,
			       err) < 0)
		return -1;
	out->data = data.value ? json_object_get(data.value) : NULL;
	return 0;
}
