/* SPDX-License-Identifier: MIT */
/*
 * json_fields: members of the objects that we write for programs.
 *
 * Text from outside (names, paths, messages of others) may be any bytes, but
 * JSON is UTF-8: what is not becomes U+FFFD.
 */
#ifndef QMP_JSON_FIELDS_H
#define QMP_JSON_FIELDS_H

#include <json.h>
#include <stdint.h>

#include "transport/base/strv.h"

/* NULL: null. */
void json_fields_text(struct json_object *o, const char *key,
		      const char *value);
/* Negative: null. */
void json_fields_count(struct json_object *o, const char *key, int64_t value);
/* An array; NULL: null. */
void json_fields_strv(struct json_object *o, const char *key,
		      const struct strv *list);

#endif
