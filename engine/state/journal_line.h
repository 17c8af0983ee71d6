/* SPDX-License-Identifier: MIT */
/*
 * journal_line: one record as one line with length and checksum, and back; no
 * I/O. journal-format.md is normative.
 */
#ifndef ENGINE_STATE_JOURNAL_LINE_H
#define ENGINE_STATE_JOURNAL_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/state/journal_record.h"
#include "transport/base/buf.h"
#include "transport/base/err.h"

/* The digit is the version; one before is read, and made this when reopened. */
#define JOURNAL_FIRST_LINE "VMFERRY-JOURNAL 2\n"

enum {
	JOURNAL_VERSION = 2,
	JOURNAL_VERSION_BYTE = 16, /* where its digit is */
	JOURNAL_FIRST_BYTES = sizeof(JOURNAL_FIRST_LINE) - 1,
	JOURNAL_LINE_HEAD = 18, /* "0000002b 9ae0daaf " */
	JOURNAL_TEXT_MAX = 64 * 1024,
	JOURNAL_FILE_BYTES = 64 * 1024, /* pre-allocated */
	JOURNAL_FILE_MAX = 1024 * 1024,
};

/* The version that the first line at @data says; 0: there is no such line. */
int journal_line_version(const char *data, size_t len);

/* CRC-32C (Castagnoli). */
uint32_t journal_line_crc(const void *data, size_t len);

/* Appends the line of a record's JSON text. */
void journal_line_put(struct buf *b, const char *text, size_t len);
/*
 * Bytes of the line at @data, its line feed included, or 0 when no whole one
 * is there. Its JSON text begins after JOURNAL_LINE_HEAD bytes.
 */
size_t journal_line_whole(const char *data, size_t len);

/* The JSON text of a record; to be freed. */
char *journal_line_text(const struct journal_entry *e);
/*
 * Reads a record's JSON text. ERR_PROTOCOL; @out holds nothing then. The
 * number must be @seq.
 */
int journal_line_parse(const char *text, size_t len, uint64_t seq,
		       struct journal_entry *out, struct err *err);

#endif
