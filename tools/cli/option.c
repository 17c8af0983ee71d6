/* SPDX-License-Identifier: MIT */
/* option: the parser behind the option tables, and the setters of values. */
#include "tools/cli/option.h"

#include "engine/run/migrate_options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/suggest.h"
#include "transport/base/xalloc.h"

/* QEMU takes no higher downtime-limit than 2000 s. */
#define MAX_BLACKOUT_MS 2000000.0
#define MAX_SECONDS 1e9
enum { MAX_PARALLEL = 1000 };

static void *member(const struct option *o, struct settings *s)
{
	return (char *)s + o->offset;
}

static void set_string(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
}

/* --- values -------------------------------------------------------------- */

static int parse_bool(const char *value)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	if (!value)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcasecmp(value, yes[i]))
			return 1;
		if (!strcasecmp(value, no[i]))
			return 0;
	}
	return -1;
}

int option_set_flag(const struct option *o, struct settings *s,
		    const char *value, struct err *err)
{
	bool *flag = member(o, s);
	int yes = parse_bool(value);

	if (yes < 0)
		return err_set(err, ERR_USAGE,
			       "--%s: expected yes or no, got \"%s\"", o->name,
			       value);
	*flag = yes;
	return 0;
}

/*
 * A plain decimal number: no sign, no exponent, no hexadecimal, which is what
 * the comparison with strspn() refuses. *end: what follows.
 */
static bool parse_number(const char *text, double *out, const char **end)
{
	size_t n = strspn(text, "0123456789.");
	char *after;

	*out = strtod(text, &after);
	*end = after;
	return n && after == text + n;
}

int option_set_count(const struct option *o, struct settings *s,
		     const char *value, struct err *err)
{
	int *count = member(o, s);
	const char *end;
	double number;

	if (!value) {
		++*count;
		return 0;
	}
	if (!parse_number(value, &number, &end) || *end || number > 9)
		return err_set(err, ERR_USAGE,
			       "--%s: expected a small number, got \"%s\"",
			       o->name, value);
	*count = (int)number;
	return 0;
}

int option_set_text(const struct option *o, struct settings *s,
		    const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_USAGE, "--%s: the %s is empty", o->name,
			       o->arg);
	set_string(member(o, s), value);
	return 0;
}

int option_set_list(const struct option *o, struct settings *s,
		    const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_USAGE, "--%s: the %s is empty", o->name,
			       o->arg);
	strv_push(member(o, s), value);
	return 0;
}

int option_set_choice(const struct option *o, struct settings *s,
		      const char *value, struct err *err)
{
	AUTO_STRV struct strv all = { 0 };
	AUTO_FREE char *list = NULL;
	int *choice = member(o, s);

	for (int i = 0; o->words[i]; i++) {
		if (!strcmp(value, o->words[i])) {
			*choice = i;
			return 0;
		}
		strv_push(&all, o->words[i]);
	}
	list = strv_join(&all, ", ");
	return err_set(err, ERR_USAGE, "--%s: \"%s\" is none of %s", o->name,
		       value, list);
}

int option_set_blackout(const struct option *o, struct settings *s,
			const char *value, struct err *err)
{
	const char *end;
	double ms;

	if (!parse_number(value, &ms, &end) || *end || ms <= 0 ||
	    ms > MAX_BLACKOUT_MS)
		return err_set(err, ERR_USAGE,
			       "--%s: expected milliseconds above 0 and up to "
			       "%.0f, got \"%s\"",
			       o->name, MAX_BLACKOUT_MS, value);
	*(double *)member(o, s) = ms;
	return 0;
}

int option_set_seconds(const struct option *o, struct settings *s,
		       const char *value, struct err *err)
{
	const char *end;
	double seconds;

	if (!parse_number(value, &seconds, &end) || *end ||
	    seconds > MAX_SECONDS)
		return err_set(err, ERR_USAGE,
			       "--%s: expected seconds, got \"%s\"", o->name,
			       value);
	*(double *)member(o, s) = seconds;
	return 0;
}

int option_set_parallel(const struct option *o, struct settings *s,
			const char *value, struct err *err)
{
	const char *end;
	double number;

	if (!parse_number(value, &number, &end) || *end || number < 1 ||
	    number > MAX_PARALLEL || number != (int)number)
		return err_set(err, ERR_USAGE,
			       "--%s: expected a number from 1 to %d, got "
			       "\"%s\"",
			       o->name, MAX_PARALLEL, value);
	*(int *)member(o, s) = (int)number;
	return 0;
}

bool option_parse_rate(const char *text, uint64_t *bytes)
{
	static const char prefixes[] = "kmgt";
	const char *end, *prefix;
	double value, unit = 1;

	if (!parse_number(text, &value, &end))
		return false;
	prefix = *end ? strchr(prefixes, tolower((unsigned char)*end)) : NULL;
	if (prefix) {
		bool binary = end[1] == 'i';

		for (long i = 0; i <= prefix - prefixes; i++)
			unit *= binary ? 1024 : 1000;
		end += binary ? 2 : 1;
	}
	if (*end == 'B')
		end++;
	if (!strcmp(end, "/s"))
		end += 2;
	value *= unit;
	if (*end || value >= (double)INT64_MAX)
		return false;
	*bytes = (uint64_t)value;
	return true;
}

int option_set_rate(const struct option *o, struct settings *s,
		    const char *value, struct err *err)
{
	uint64_t *rate = member(o, s);

	if (option_parse_rate(value, rate))
		return 0;
	return err_set(err, ERR_USAGE,
		       "--%s: expected bytes per second such as 100M, 1G or "
		       "64Mi (0: no limit), got \"%s\"",
		       o->name, value);
}

int option_set_throttle(const struct option *o, struct settings *s,
			const char *value, struct err *err)
{
	int *throttle = member(o, s);
	const char *end;
	double percent;

	if (!strcmp(value, "auto")) {
		*throttle = MIGRATE_THROTTLE_AUTO;
	} else if (!strcmp(value, "off")) {
		*throttle = MIGRATE_THROTTLE_OFF;
	} else if (parse_number(value, &percent, &end) && !*end &&
		   percent >= 1 && percent <= 99) {
		*throttle = (int)percent;
	} else {
		return err_set(err, ERR_USAGE,
			       "--%s: \"%s\" is not auto, off, or a percentage "
			       "from 1 to 99",
			       o->name, value);
	}
	return 0;
}

int option_set_remap(const struct option *o, struct settings *s,
		     const char *value, struct err *err)
{
	const char *equals = strchr(value, '=');

	if (value[0] != '/' || !equals || equals[1] != '/')
		return err_set(err, ERR_USAGE,
			       "--%s: expected /old/path=/new/path, got \"%s\"",
			       o->name, value);
	strv_push(member(o, s), value);
	return 0;
}

int option_set_events(const struct option *o, struct settings *s,
		      const char *value, struct err *err)
{
	bool is_fd = !strncmp(value, "fd:", 3);
	size_t digits = is_fd ? strspn(value + 3, "0123456789") : 0;

	if (!*value || (is_fd && (!digits || digits > 6 || value[3 + digits])))
		return err_set(err, ERR_USAGE,
			       "--%s: expected a file or fd:N, got \"%s\"",
			       o->name, value);
	set_string(member(o, s), value);
	return 0;
}

/* --- finding ------------------------------------------------------------- */

static const struct option *find(const struct option_group *const *groups,
				 const char *name, size_t len)
{
	for (; *groups; groups++) {
		for (size_t i = 0; i < (*groups)->n; i++) {
			const struct option *o = &(*groups)->v[i];

			if (!strncmp(o->name, name, len) && !o->name[len])
				return o;
		}
	}
	return NULL;
}

static const struct option *
find_letter(const struct option_group *const *groups, char letter)
{
	for (; *groups; groups++) {
		for (size_t i = 0; i < (*groups)->n; i++) {
			if ((*groups)->v[i].letter == letter)
				return &(*groups)->v[i];
		}
	}
	return NULL;
}

const struct option *option_find(const struct option_group *const *groups,
				 const char *name)
{
	return find(groups, name, strlen(name));
}

static int unknown_option(const struct option_group *const *groups,
			  const char *word, size_t len, struct err *err)
{
	AUTO_FREE char *name = xstrndup(word, len);
	struct suggestion best = { 0 };

	for (; *groups; groups++) {
		for (size_t i = 0; i < (*groups)->n; i++) {
			if (!(*groups)->v[i].hidden)
				suggest(&best, name, (*groups)->v[i].name);
		}
	}
	err_set(err, ERR_USAGE, "unknown option --%s", name);
	if (best.word)
		err_hint(err, "did you mean --%s?", best.word);
	return -1;
}

/* --- parsing ------------------------------------------------------------- */

struct parser {
	const struct option_group *const *groups;
	char *const *next; /* the word after the present one */
	struct settings *s;
};

static int apply(struct parser *p, const struct option *o, const char *value,
		 struct err *err)
{
	if (o->arg && !value) {
		value = *p->next;
		if (!value)
			return err_set(err, ERR_USAGE,
				       "option --%s needs a value: --%s %s",
				       o->name, o->name, o->arg);
		p->next++;
	}
	if (o->set(o, p->s, value, err) < 0)
		return -1;
	settings_note(p->s, o->offset);
	return 0;
}

static int parse_long(struct parser *p, const char *word, struct err *err)
{
	size_t len = strcspn(word, "=");
	const struct option *o = find(p->groups, word, len);

	if (!o)
		return unknown_option(p->groups, word, len, err);
	if (!o->arg && word[len])
		return err_set(err, ERR_USAGE, "option --%s takes no value",
			       o->name);
	return apply(p, o, word[len] ? word + len + 1 : NULL, err);
}

/* "-qv", "-i FILE", "-iFILE". */
static int parse_short(struct parser *p, const char *word, struct err *err)
{
	for (; *word; word++) {
		const struct option *o = find_letter(p->groups, *word);
		bool rest = o && o->arg && word[1];

		if (!o)
			return err_set(err, ERR_USAGE, "unknown option -%c",
				       *word);
		if (apply(p, o, rest ? word + 1 : NULL, err) < 0)
			return -1;
		if (rest)
			return 0;
	}
	return 0;
}

int option_parse(const struct option_group *const *groups, char *const *argv,
		 struct settings *s, struct strv *operands, struct err *err)
{
	struct parser p = { .groups = groups, .next = argv, .s = s };
	const char *word;

	while ((word = *p.next)) {
		int rc = 0;

		p.next++;
		if (!strcmp(word, "--"))
			break;
		if (!strncmp(word, "--", 2))
			rc = parse_long(&p, word + 2, err);
		else if (word[0] == '-' && word[1])
			rc = parse_short(&p, word + 1, err);
		else
			strv_push(operands, word);
		if (rc < 0)
			return -1;
	}
	while (*p.next)
		strv_push(operands, *p.next++);
	return 0;
}
