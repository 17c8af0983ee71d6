/* SPDX-License-Identifier: MIT */
/* help: help texts from the command table. */
#include "tools/cli/help.h"

#include <string.h>

#include "transport/base/xalloc.h"

enum { WIDTH = 78, INDENT = 6 };

/* Words of @text within WIDTH, each line after @indent blanks. */
static void wrap(FILE *out, const char *text, int indent)
{
	int column = 0;

	while (*text) {
		size_t n = strcspn(text, " \n");

		if (column && column + 1 + (int)n > WIDTH - indent) {
			fputc('\n', out);
			column = 0;
		}
		if (!column)
			fprintf(out, "%*s", indent, "");
		else
			fputc(' ', out), column++;
		fwrite(text, 1, n, out);
		column += (int)n;
		text += n;
		if (!strncmp(text, "\n\n", 2)) {
			fputs("\n\n", out);
			column = 0;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

static void help_option(const struct option *o, FILE *out)
{
	if (o->hidden)
		return;
	fputs("  ", out);
	if (o->letter)
		fprintf(out, "-%c, ", o->letter);
	fprintf(out, "--%s%s%s\n", o->name, o->arg ? " " : "",
		o->arg ? o->arg : "");
	wrap(out, o->help, INDENT);
}

void help_command(const struct command *c, FILE *out)
{
	fprintf(out, "usage: vmferry %s [options]%s%s\n\n", c->name,
		*c->args ? " " : "", c->args);
	wrap(out, c->description, 0);
	for (size_t g = 0; c->groups[g]; g++) {
		fprintf(out, "\n%s:\n", c->groups[g]->title);
		for (size_t i = 0; i < c->groups[g]->n; i++)
			help_option(&c->groups[g]->v[i], out);
	}
	if (c->examples) {
		const char *line = c->examples;

		fputs("\nExamples:\n", out);
		while (*line) {
			size_t n = strcspn(line, "\n");

			fprintf(out, "  %.*s\n", (int)n, line);
			line += n + (line[n] == '\n');
		}
	}
}

void help_all(const struct command *const *table, FILE *out)
{
	fputs("usage: vmferry COMMAND [options] ...\n\n"
	      "Moves running QEMU guests from host to host over SSH, without "
	      "libvirt.\n\nCommands:\n",
	      out);
	for (size_t i = 0; table[i]; i++)
		fprintf(out, "  %-9s %s\n", table[i]->name, table[i]->summary);
	fputs("\n\"vmferry help COMMAND\" tells more, \"man vmferry\" all.\n",
	      out);
}
