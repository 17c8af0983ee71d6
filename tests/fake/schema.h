/* SPDX-License-Identifier: MIT */
/*
 * schema: what a QEMU understands, from its query-qmp-schema. Validates the
 * commands that a scripted QEMU receives.
 */
#ifndef TESTS_FAKE_SCHEMA_H
#define TESTS_FAKE_SCHEMA_H

#include <json.h>
#include <stdbool.h>

#include "transport/base/err.h"

struct schema;

/* From the array that query-qmp-schema returns; takes its own reference. */
struct schema *schema_new(struct json_object *array, struct err *err);
void schema_free(struct schema *s);

/* Whether @command may be sent out of band. */
bool schema_allows_oob(const struct schema *s, const char *command);
bool schema_has_event(const struct schema *s, const char *event);
/*
 * Whether @args (NULL: none) is acceptable for @command: known and complete
 * members, right types, enum values, variants and alternates. -1 with
 * ERR_PROTOCOL that says which member is wrong.
 */
int schema_validate(const struct schema *s, const char *command,
		    struct json_object *args, struct err *err);

#endif
