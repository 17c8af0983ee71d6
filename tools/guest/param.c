/* SPDX-License-Identifier: MIT */
/*
 * The guest's parameters: words key=value of the multiboot command line, whose
 * first word is the path of the image. testguest.c's head lists them.
 */
#include "testguest.h"

struct choice {
	const char *word;
	uint32_t value;
};

struct key {
	const char *name;
	size_t offset;
	uint32_t max;
	const struct choice *choices; /* NULL: a number up to max */
};

static const struct choice touches[] = {
	{ "full", TOUCH_FULL },
	{ "line", TOUCH_LINE },
	{ NULL, 0 },
};

static const struct choice patterns[] = {
	{ "linear", PATTERN_LINEAR },
	{ "uniform", PATTERN_UNIFORM },
	{ "hotcold", PATTERN_HOTCOLD },
	{ NULL, 0 },
};

#define KEY(name, field, max, choices)                            \
	{                                                         \
		name, offsetof(struct param, field), max, choices \
	}

static const struct key keys[] = {
	KEY("fill", fill_mib, 4095, NULL),
	KEY("ws", ws_mib, 4095, NULL),
	KEY("wspages", ws_pages, 4095 * PAGES_PER_MIB, NULL),
	KEY("rate", rate_mibps, 65535, NULL),
	KEY("touch", touch, 0, touches),
	KEY("pattern", pattern, 0, patterns),
	KEY("busy", busy_ms, 3600000, NULL),
	KEY("idle", idle_ms, 3600000, NULL),
	KEY("hb", hb_ms, 60000, NULL),
	KEY("burst", burst_ms, 1000, NULL),
};

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

bool param_number(const char *text, uint32_t max, uint32_t *value)
{
	uint32_t n = 0, digit;

	if (!*text)
		return false;
	for (; *text; text++) {
		digit = (uint32_t)*text - '0';
		if (digit > 9 || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n > max)
		return false;
	*value = n;
	return true;
}

static bool choose(const struct choice *choice, const char *text,
		   uint32_t *value)
{
	for (; choice->word; choice++)
		if (same(choice->word, text)) {
			*value = choice->value;
			return true;
		}
	return false;
}

/* NULL, or what is wrong with this word; puts the '=' back that it cuts at. */
static const char *parse_word(struct param *p, char *word)
{
	const char *wrong = "no such key";
	char *equals = word;
	uint32_t *value;
	size_t i;

	while (*equals && *equals != '=')
		equals++;
	if (!*equals)
		return "not of the form key=value";
	*equals = '\0';
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!same(keys[i].name, word))
			continue;
		value = (uint32_t *)((char *)p + keys[i].offset);
		if (keys[i].choices)
			wrong = choose(keys[i].choices, equals + 1, value)
					? NULL
					: "no such choice";
		else
			wrong = param_number(equals + 1, keys[i].max, value)
					? NULL
					: "not a number in range";
		break;
	}
	*equals = '=';
	return wrong;
}

/* Ends the word at p; returns where the next one starts. */
static char *cut_word(char *p)
{
	while (*p && *p != ' ')
		p++;
	while (*p == ' ')
		*p++ = '\0';
	return p;
}

static const char *check_all(struct param *p, const char **reason)
{
	if (!p->ws_pages)
		p->ws_pages = p->ws_mib * PAGES_PER_MIB;
	*reason = "larger than fill";
	if (p->ws_pages > p->fill_mib * PAGES_PER_MIB)
		return "ws";
	*reason = "idle needs busy, and the other way round";
	if (!p->busy_ms != !p->idle_ms)
		return "busy";
	*reason = "0";
	if (!p->hb_ms)
		return "hb";
	if (!p->burst_ms)
		return "burst";
	return NULL;
}

const char *param_parse(struct param *p, char *cmdline, const char **reason)
{
	const uint32_t unset = UINT32_MAX;
	char *word, *next;

	*p = (struct param){
		.fill_mib = 16,
		.ws_mib = unset,
		.hb_ms = 10,
		.burst_ms = 10,
	};
	for (word = cut_word(cmdline); *word; word = next) {
		next = cut_word(word);
		*reason = parse_word(p, word);
		if (*reason)
			return word;
	}
	if (p->ws_mib == unset)
		p->ws_mib = p->fill_mib;
	return check_all(p, reason);
}
