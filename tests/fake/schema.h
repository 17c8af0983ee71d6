/* SPDX-License-Identifier: MIT */
/*
 * schema: what a QEMU understands, from its query-qmp-schema.
 *
 * Features decide, not version numbers. The same code answers for a live QEMU
 * and validates the commands that tests send to a scripted one.
 */
#ifndef TESTS_FAKE_SCHEMA_H
#define TESTS_FAKE_SCHEMA_H

#include <json.h>
#include <stdbool.h>

#include "qmp/qmp.h"

struct schema;

/* Asks a live QEMU (about 250 kB of reply). */
struct schema *schema_query(struct qmp *q, struct mono deadline,
			    struct err *err);
/* From the array that query-qmp-schema returns; takes its own reference. */
struct schema *schema_new(struct json_object *array, struct err *err);
void schema_free(struct schema *s);

bool schema_has_command(const struct schema *s, const char *command);
/* Whether @command may be sent out of band. */
bool schema_allows_oob(const struct schema *s, const char *command);
/* "migrate", "channels"; nested: "migrate-incoming", "channels.addr". */
bool schema_has_argument(const struct schema *s, const char *command,
			 const char *argument);
bool schema_has_event(const struct schema *s, const char *event);
/* Whether enum argument @argument of @command admits @value. */
bool schema_enum_has(const struct schema *s, const char *command,
		     const char *argument, const char *value);
/*
 * Whether @args (NULL: none) is acceptable for @command: known and complete
 * members, right types, enum values, variants and alternates. -1 with
 * ERR_PROTOCOL that says which member is wrong.
 */
int schema_validate(const struct schema *s, const char *command,
		    struct json_object *args, struct err *err);

#endif
