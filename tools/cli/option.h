/* SPDX-License-Identifier: MIT */
/*
 * option: one row an option; help, man page, completion, parser, environment
 * and configuration file all read the same row.
 */
#ifndef TOOLS_CLI_OPTION_H
#define TOOLS_CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/cli/settings.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

enum option_completion { COMPLETE_NOTHING, COMPLETE_FILE };

struct option {
	const char *name; /* without the dashes; also the configuration key */
	char letter;	  /* 0: none */
	const char *arg;  /* what the value is called; NULL: a flag */
	const char *section; /* of the configuration file; NULL: not there */
	/*
	 * Puts @value into the member at @offset. NULL (a flag on the command
	 * line) means yes. ERR_USAGE says what a value should look like.
	 */
	int (*set)(const struct option *o, struct settings *s,
		   const char *value, struct err *err);
	size_t offset;
	const char *const *words; /* admitted values, NULL-terminated */
	enum option_completion completion;
	bool hidden;
	const char *help; /* sentences for help and man page */
};

struct option_group {
	const char *title; /* "Login" */
	const struct option *v;
	size_t n;
};

/* The setters, by type of the member. */
int option_set_flag(const struct option *o, struct settings *s,
		    const char *value, struct err *err);
int option_set_count(const struct option *o, struct settings *s,
		     const char *value, struct err *err);
int option_set_text(const struct option *o, struct settings *s,
		    const char *value, struct err *err);
int option_set_list(const struct option *o, struct settings *s,
		    const char *value, struct err *err);
int option_set_choice(const struct option *o, struct settings *s,
		      const char *value, struct err *err);
int option_set_blackout(const struct option *o, struct settings *s,
			const char *value, struct err *err);
int option_set_seconds(const struct option *o, struct settings *s,
		       const char *value, struct err *err);
int option_set_parallel(const struct option *o, struct settings *s,
			const char *value, struct err *err);
int option_set_rate(const struct option *o, struct settings *s,
		    const char *value, struct err *err);
/* auto, off, or a percentage, see migrate.h. */
int option_set_throttle(const struct option *o, struct settings *s,
			const char *value, struct err *err);
int option_set_remap(const struct option *o, struct settings *s,
		     const char *value, struct err *err);
int option_set_events(const struct option *o, struct settings *s,
		      const char *value, struct err *err);

/*
 * "100M", "1.5G", "64Ki", "100MB/s" → bytes. K, M, G, T are powers of 1000,
 * Ki, Mi, Gi, Ti of 1024. False when it is not that.
 */
bool option_parse_rate(const char *text, uint64_t *bytes);

/* The row called @name in @groups (NULL-terminated), or NULL. */
const struct option *option_find(const struct option_group *const *groups,
				 const char *name);

/*
 * Reads @argv (without the program and the command): options into @s, the
 * rest, in order, into @operands. Options may be anywhere before "--".
 * ERR_USAGE names the word that is off.
 */
int option_parse(const struct option_group *const *groups, char *const *argv,
		 struct settings *s, struct strv *operands, struct err *err);

#endif
