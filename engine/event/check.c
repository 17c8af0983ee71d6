/* SPDX-License-Identifier: MIT */
/* check: one finding of preflight, and a list of them. */
#include "engine/event/check.h"

#include <assert.h>
#include <stdlib.h>

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
	}
	free(list->v);
	*list = (struct checks){ 0 };
}

struct json_object *check_to_json(const struct check *c)
{
	struct json_object *o = json_new();

	json_fields_text(o, "name", c->name);
	json_fields_text(o, "side", check_side_name(c->side));
	json_fields_text(o, "verdict", check_verdict_name(c->verdict));
	json_fields_text(o, "found", c->found);
	json_fields_text(o, "remedy", c->remedy);
	return o;
}
