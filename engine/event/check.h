/* SPDX-License-Identifier: MIT */
/*
 * check: one finding of preflight, and a list of them.
 *
 * Findings of one cause are one problem: a disk, the image below it and a pid
 * file that all lack one directory on the destination.
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
	char *path;   /* that is missing; NULL: it is not about one; owned */
	char *cause;  /* one sentence; NULL: its own; owned */
};

struct checks {
	struct check *v;
	size_t n;
};

/* Appends; @remedy may be NULL. The strings are taken over. */
void checks_add(struct checks *list, const char *name, enum check_side side,
		enum check_verdict verdict, char *found, char *remedy);
/* The last one added is about @path, which is missing on the destination. */
void checks_lacks(struct checks *list, const char *path);
size_t checks_count(const struct checks *list, enum check_verdict verdict);
enum check_verdict checks_worst(const struct checks *list);
void checks_free(struct checks *list);
/*
 * The first one of the problem that @i belongs to, the same verdict and cause;
 * often @i itself.
 */
size_t checks_problem(const struct checks *list, size_t i);
/* How many problems have @verdict. */
size_t checks_problems(const struct checks *list, enum check_verdict verdict);
/*
 * What to do about the problem that begins with @i, borrowed. What brings a
 * file that is missing brings its directory: a file's remedy comes first.
 */
const char *checks_remedy(const struct checks *list, size_t i);
/*
 * {"name", "side", "verdict", "found", "remedy", "family", "cause"}; owned.
 */
struct json_object *check_to_json(const struct check *c);

#endif
