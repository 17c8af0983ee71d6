/* SPDX-License-Identifier: MIT */
/* check: one finding of preflight, and a list of them. */
#include "engine/event/check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/event/check_family.h"
#include "qmp/json_fields.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

static const char *const verdict_names[] = {
	[CHECK_PASS] = "pass",
	[CHECK_WARN] = "warn",
	[CHECK_FAIL] = "fail",
};
static_assert(ARRAY_SIZE(verdict_names) == CHECK_VERDICTS,
	      "a name for each verdict");

static const char *const side_names[] = {
	[CHECK_SOURCE] = "source",
	[CHECK_DESTINATION] = "destination",
	[CHECK_BOTH] = "both",
};
static_assert(ARRAY_SIZE(side_names) == CHECK_SIDES, "a name for each side");

const char *check_verdict_name(enum check_verdict v)
{
	assert(v < CHECK_VERDICTS);
	return verdict_names[v];
}

const char *check_side_name(enum check_side s)
{
	assert(s < CHECK_SIDES);
	return side_names[s];
}

void checks_add(struct checks *list, const char *name, enum check_side side,
		enum check_verdict verdict, char *found, char *remedy)
{
	list->v = xrealloc(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = (struct check){
		.name = name,
		.side = side,
		.verdict = verdict,
		.found = found,
		.remedy = remedy,
	};
}

void checks_lacks(struct checks *list, const char *path)
{
	struct check *c = &list->v[list->n - 1];

	assert(list->n);
	free(c->path);
	c->path = xstrdup(path);
}

size_t checks_count(const struct checks *list, enum check_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->v[i].verdict == verdict;
	return n;
}

enum check_verdict checks_worst(const struct checks *list)
{
	enum check_verdict worst = CHECK_PASS;

	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].verdict > worst)
			worst = list->v[i].verdict;
	}
	return worst;
}

void checks_free(struct checks *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].found);
		free(list->v[i].remedy);
		free(list->v[i].path);
		free(list->v[i].cause);
	}
	free(list->v);
	*list = (struct checks){ 0 };
}

static bool is_one_problem(const struct check *a, const struct check *b)
{
	return a == b || (a->cause && b->cause && a->verdict == b->verdict &&
			  !strcmp(a->cause, b->cause));
}

size_t checks_problem(const struct checks *list, size_t i)
{
	size_t first = 0;

	while (!is_one_problem(&list->v[first], &list->v[i]))
		first++;
	return first;
}

size_t checks_problems(const struct checks *list, enum check_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->v[i].verdict == verdict &&
		     checks_problem(list, i) == i;
	return n;
}

const char *checks_remedy(const struct checks *list, size_t i)
{
	const char *remedy = list->v[i].remedy;

	for (size_t k = i; k < list->n; k++) {
		const struct check *c = &list->v[k];

		if (is_one_problem(&list->v[i], c) && c->remedy &&
		    !strcmp(c->name, "file"))
			remedy = c->remedy;
	}
	return remedy;
}

struct json_object *check_to_json(const struct check *c)
{
	struct json_object *o = json_new();

	json_fields_text(o, "name", c->name);
	json_fields_text(o, "side", check_side_name(c->side));
	json_fields_text(o, "verdict", check_verdict_name(c->verdict));
	json_fields_text(o, "found", c->found);
	json_fields_text(o, "remedy", c->remedy);
	json_fields_text(o, "family",
			 check_family_name(check_family_of(c->name)));
	json_fields_text(o, "cause", c->cause);
	return o;
}
