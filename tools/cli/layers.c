/* SPDX-License-Identifier: MIT */
/* layers: environment and configuration files below the command line. */
#include "tools/cli/layers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/group.h"
#include "transport/base/xalloc.h"

/* A stronger layer has spoken when the member was noted before. */
static int set_weakly(const struct option *o, struct settings *s,
		      size_t n_stronger, const char *value, struct err *err)
{
	if (settings_given(s, n_stronger, o->offset))
		return 0;
	if (o->set(o, s, value, err) < 0)
		return -1;
	settings_note(s, o->offset);
	return 0;
}

/* --- environment --------------------------------------------------------- */

static char *variable_name(const struct option *o)
{
	char *name = xasprintf("VMFERRY_%s", o->name);

	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return name;
}

static int read_environment(const struct command *c, struct settings *s,
			    struct err *err)
{
	size_t stronger = s->n_given;

	for (size_t g = 0; c->groups[g]; g++) {
		for (size_t i = 0; i < c->groups[g]->n; i++) {
			const struct option *o = &c->groups[g]->v[i];
			AUTO_FREE char *name = variable_name(o);
			const char *value = o->section ? getenv(name) : NULL;

			if (!value)
				continue;
			if (set_weakly(o, s, stronger, value, err) < 0)
				return err_wrap(err, ERR_USAGE,
						"environment variable %s",
						name);
		}
	}
	return 0;
}

/* --- files --------------------------------------------------------------- */

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* A section and key of any command may be in a file; others are typos. */
static int set_key(const struct command *c, struct settings *s, size_t stronger,
		   const char *section, const char *key, const char *value,
		   struct err *err)
{
	const struct option *any = group_any_option(key);
	const struct option *o = option_find(c->groups, key);

	if (!any || !any->section || strcmp(any->section, section) != 0)
		return err_set(err, ERR_USAGE,
			       "there is no key \"%s\" in section [%s]", key,
			       section);
	return o ? set_weakly(o, s, stronger, value, err) : 0;
}

static int read_line(const struct command *c, struct settings *s,
		     size_t stronger, char *line, char section[32],
		     struct err *err)
{
	char *equals;
	size_t n;

	line = trim(line);
	n = strlen(line);
	if (!n || *line == '#' || *line == ';')
		return 0;
	if (*line == '[' && line[n - 1] == ']') {
		line[n - 1] = '\0';
		snprintf(section, 32, "%s", line + 1);
		return 0;
	}
	equals = strchr(line, '=');
	if (!equals)
		return err_set(err, ERR_USAGE,
			       "expected KEY = VALUE, got "
			       "\"%s\"",
			       line);
	*equals = '\0';
	return set_key(c, s, stronger, section, trim(line), trim(equals + 1),
		       err);
}

int layers_read_text(const struct command *c, struct settings *s,
		     const char *name, char *text, struct err *err)
{
	size_t stronger = s->n_given;
	char section[32] = "";
	int number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		number++;
		if (read_line(c, s, stronger, line, section, err) < 0)
			return err_wrap(err, ERR_USAGE, "%s, line %d", name,
					number);
	}
	return 0;
}

static int read_file(const struct command *c, struct settings *s,
		     const char *path, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "re");
	ssize_t n;

	if (!f)
		return 0;
	n = getdelim(&text, &size, '\0', f);
	(void)fclose(f);
	/* NOLINTNEXTLINE(*-unix.Malloc): AUTO_FREE frees it */
	return n > 0 ? layers_read_text(c, s, path, text, err) : 0;
}

int layers_read(const struct command *c, struct settings *s, struct err *err)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	AUTO_FREE char *mine = NULL;

	if (config && *config)
		mine = xasprintf("%s/vmferry/vmferry.conf", config);
	else if (home && *home)
		mine = xasprintf("%s/.config/vmferry/vmferry.conf", home);
	if (read_environment(c, s, err) < 0 ||
	    (mine && read_file(c, s, mine, err) < 0))
		return -1;
	return read_file(c, s, "/etc/vmferry/vmferry.conf", err);
}
