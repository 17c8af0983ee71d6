/* SPDX-License-Identifier: MIT */
/*
 * What people type: options with their sizes, rates, times and paths, host
 * names, configuration files; and what is made of words for a shell and for a
 * terminal. Input: words that end in NUL.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_input.h"
#include "tools/cli/command_table.h"
#include "tools/cli/human.h"
#include "tools/cli/layers.h"
#include "tools/cli/text.h"
#include "transport/base/clock.h"
#include "transport/base/xalloc.h"
#include "transport/host_target.h"
#include "transport/quote.h"

/* --- options and files --------------------------------------------------- */

static void check_settings(const struct settings *s)
{
	fuzz_claim(s->max_blackout_ms > 0 && s->max_blackout_ms <= 2e6 &&
			   s->deadline_s >= 0 && s->deadline_s <= 1e9 &&
			   s->bandwidth_bps <= INT64_MAX && s->verbose >= 0,
		   "numbers are within their bounds");
	for (size_t i = 0; i < s->remaps.n; i++)
		fuzz_claim(s->remaps.v[i][0] == '/' &&
				   strchr(s->remaps.v[i], '='),
			   "a remap has two paths");
}

static void read_options(const struct command *c, struct strv *words)
{
	AUTO_STRV struct strv operands = { 0 };
	AUTO_ERR struct err err = { 0 };
	struct settings s;

	settings_init(&s);
	if (option_parse(c->groups, strv_argv(words), &s, &operands, &err) < 0)
		fuzz_claim(err.kind == ERR_USAGE && err.message,
			   "a refusal says why");
	check_settings(&s);
	settings_free(&s);
}

static void read_configuration(const char *text)
{
	AUTO_FREE char *copy = xstrdup(text);
	AUTO_ERR struct err err = { 0 };
	struct settings s;

	settings_init(&s);
	(void)layers_read_text(&cmd_migrate, &s, "file", copy, &err);
	check_settings(&s);
	settings_free(&s);
}

/* --- one word ------------------------------------------------------------ */

static void read_rate(const char *word)
{
	uint64_t bytes;
	struct human h;

	if (!option_parse_rate(word, &bytes))
		return;
	fuzz_claim(bytes < INT64_MAX, "a rate is within its bounds");
	h = human_rate((double)bytes);
	fuzz_claim(strlen(h.text) > 3, "a rate can be shown");
	(void)human_ms((double)bytes);
	(void)human_clock((double)bytes);
	(void)mono_add_ms(mono_now(), (int64_t)bytes);
}

static void read_target(const char *word)
{
	AUTO_ERR struct err err = { 0 };
	struct host_target t;

	if (host_target_parse(&t, word, &err) < 0) {
		fuzz_claim(err.kind == ERR_USAGE && err_hint_of(&err),
			   "a refusal says why and what to write");
		return;
	}
	fuzz_claim(*t.host && *t.host != '-' && !strpbrk(t.host, " \n'\"`$"),
		   "a host is fit for an argument of ssh");
	fuzz_claim(!t.user || (*t.user && *t.user != '-'),
		   "a user is fit for an argument of ssh");
	fuzz_claim(!t.port || (atoi(t.port) > 0 && atoi(t.port) < 65536),
		   "a port is a port");
	host_target_free(&t);
}

static void show(const char *word)
{
	for (int utf8 = 0; utf8 < 2; utf8++) {
		AUTO_BUF struct buf b = { 0 };
		const char *text;

		text_put(&b, utf8, word);
		text = buf_data(&b);
		for (size_t i = 0; i < buf_len(&b); i++)
			fuzz_claim((unsigned char)text[i] >= 0x20 &&
					   text[i] != 0x7f &&
					   (utf8 ||
					    (unsigned char)text[i] < 0x80),
				   "a terminal obeys nothing of it");
		text_fit(&b, 0, text_width(buf_data(&b)) / 2);
		text_cell(&b, buf_data(&b), 10, utf8);
	}
}

/* --- a shell ------------------------------------------------------------- */

/* One word off the front of *@line, as POSIX reads it; NULL: it is off. */
static char *shell_word(const char **line)
{
	AUTO_BUF struct buf b = { 0 };
	const char *p = *line;

	for (; *p && *p != ' '; p++) {
		if (*p == '\'') {
			size_t len = strcspn(++p, "'");

			buf_append(&b, p, len);
			p += len;
			if (!*p)
				return NULL;
		} else if (*p == '\\' && p[1]) {
			buf_append(&b, ++p, 1);
		} else if (strchr("|&;<>()$`\"*?[#~{}!\t\n\\", *p)) {
			return NULL;
		} else {
			buf_append(&b, p, 1);
		}
	}
	*line = *p ? p + 1 : p;
	return buf_steal(&b);
}

static void quote_and_back(struct strv *words)
{
	AUTO_FREE char *line =
		quote_argv((const char *const *)strv_argv(words));
	const char *left = line;

	for (size_t i = 0; i < words->n; i++) {
		AUTO_FREE char *word = shell_word(&left);

		fuzz_claim(word && !strcmp(word, words->v[i]),
			   "a shell reads back the words it was given");
	}
	fuzz_claim(!*left, "and nothing more");
}

/* --- all of it ----------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	AUTO_FREE char *text = fuzz_text(&in);
	AUTO_STRV struct strv words = { 0 };

	fuzz_words(&in, &words);
	for (size_t i = 0; command_table[i]; i++)
		read_options(command_table[i], &words);
	read_configuration(text);
	for (size_t i = 0; i < words.n; i++) {
		read_rate(words.v[i]);
		read_target(words.v[i]);
		show(words.v[i]);
	}
	quote_and_back(&words);
	return 0;
}
