/* SPDX-License-Identifier: MIT */
/*
 * check: one finding of preflight, and a list of them.
 */
#ifndef ENGINE_EVENT_CHECK_H
#define ENGINE_EVENT_CHECK_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>

enum check_verdict { CHECK_PASS, CHECK_WARN, CHECK_FAIL, CHECK_VERDICTS };
const char *check_verdict_name(enum check_verdict v); /* "pass", … */

enum check_side { CHECK_SOURCE, CHECK_DESTINATION, CHECK_BOTH, CHECK_SIDES };
const char *check_side_name(enum check_side s); /* "source", … */

struct check {
	const char *name; /* stable, for --skip-check; a literal */
	enum check_side side;
	enum check_verdict verdict;
	char *found;  /* one sentence; owned */
	char *remedy; /* NULL when it passed; owned */
};

struct checks {
	struct check *v;
	size_t n;
};

/* Appends; @remedy may be NULL. The strings are taken over. */
void checks_add(struct checks *list, const char *name, enum check_side side,
		enum check_verdict verdict, char *found, char *remedy);
size_t checks_count(const struct checks *list, enum check_verdict verdict);
enum check_verdict checks_worst(const struct checks *list);
void checks_free(struct checks *list);
/* {"name", "side", "verdict", "found", "remedy"}; owned. */
struct json_object *check_to_json(const struct check *c);

#endif
