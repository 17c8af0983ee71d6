/* SPDX-License-Identifier: MIT */
/* completion: bash and zsh completions from the command table. */
#include "tools/cli/completion.h"

#include <string.h>

#include "tools/cli/group.h"
#include "transport/base/xalloc.h"

/*
 * Names of the guests here. Shells expand the words that they are given, so a
 * name of anything but plain letters is not offered: it is somebody else's.
 */
#define GUESTS                        \
	"vmferry list 2>/dev/null | " \
	"sed -n '2,$s/^\\([A-Za-z0-9._:+-]*\\) .*/\\1/p'"

/* --- bash ---------------------------------------------------------------- */

static void command_names(const struct command *const *table, FILE *out)
{
	for (size_t i = 0; table[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", table[i]->name);
}

static void option_names(const struct command *c, FILE *out)
{
	for (size_t g = 0; c->groups[g]; g++) {
		for (size_t i = 0; i < c->groups[g]->n; i++) {
			const struct option *o = &c->groups[g]->v[i];

			if (!o->hidden)
				fprintf(out, " --%s", o->name);
		}
	}
}

/* Cases for the word before: what its value may be. */
static void bash_values(FILE *out)
{
	for (size_t g = 0; group_all[g]; g++) {
		for (size_t i = 0; i < group_all[g]->n; i++) {
			const struct option *o = &group_all[g]->v[i];

			if (o->completion == COMPLETE_FILE) {
				fprintf(out,
					"\t--%s) COMPREPLY=($(compgen -f "
					"-- \"$cur\")); return;;\n",
					o->name);
			} else if (o->words) {
				fprintf(out,
					"\t--%s) COMPREPLY=($(compgen -W "
					"\"",
					o->name);
				for (size_t w = 0; o->words[w]; w++)
					fprintf(out, "%s%s", w ? " " : "",
						o->words[w]);
				fputs("\" -- \"$cur\")); return;;\n", out);
			} else if (o->arg) {
				fprintf(out, "\t--%s) return;;\n", o->name);
			}
		}
	}
}

static void bash(const struct command *const *table, FILE *out)
{
	fputs("# bash completion for vmferry\n_vmferry() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
	      "prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
	      out);
	command_names(table, out);
	fputs("\" -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase $prev in\n", out);
	bash_values(out);
	fputs("\tesac\n\tcase ${COMP_WORDS[1]} in\n", out);
	for (size_t i = 0; table[i]; i++) {
		fprintf(out, "\t%s) words=\"", table[i]->name);
		option_names(table[i], out);
		if (table[i]->operands == OPERANDS_COMMAND) {
			fputc(' ', out);
			command_names(table, out);
		}
		fputs("\";;\n", out);
	}
	fputs("\tesac\n\tif [ \"${cur#-}\" = \"$cur\" ]; then\n"
	      "\t\tcase ${COMP_WORDS[1]}$COMP_CWORD in\n"
	      "\t\tmigrate2|check2) words=$(" GUESTS ");;\n"
	      "\t\tmigrate*|check*|list*) COMPREPLY=($(compgen -A hostname "
	      "-- \"$cur\")); return;;\n"
	      "\t\tesac\n\tfi\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	      "complete -F _vmferry vmferry\n",
	      out);
}

/* --- zsh ----------------------------------------------------------------- */

/* @s up to its first full stop, without what _arguments would take apart. */
static void zsh_text(const char *s, FILE *out)
{
	for (; *s && strncmp(s, ". ", 2) != 0; s++) {
		if (!strchr("[]:'\\`$\"", *s))
			fputc(*s, out);
	}
}

static void zsh_value(const struct option *o, FILE *out)
{
	fputc(':', out);
	zsh_text(o->arg, out);
	fputc(':', out);
	if (o->completion == COMPLETE_FILE) {
		fputs("_files", out);
	} else if (o->words) {
		fputc('(', out);
		for (size_t w = 0; o->words[w]; w++)
			fprintf(out, "%s%s", w ? " " : "", o->words[w]);
		fputc(')', out);
	}
}

static void zsh_option(const struct option *o, FILE *out)
{
	if (o->hidden)
		return;
	fprintf(out, " \\\n\t\t\t'*--%s[", o->name);
	zsh_text(o->help, out);
	fputc(']', out);
	if (o->arg)
		zsh_value(o, out);
	fputc('\'', out);
}

static void zsh_operands(const struct command *c, FILE *out)
{
	if (c->operands == OPERANDS_COMMAND)
		fputs(" \\\n\t\t\t'1:command:->commands'", out);
	else if (c->operands == OPERANDS_HOSTS)
		fputs(" \\\n\t\t\t'*:host:_hosts'", out);
	else if (c->operands == OPERANDS_GUEST_HOSTS)
		fputs(" \\\n\t\t\t'1:guest:->guests' "
		      "'*:destination:_hosts'",
		      out);
	else if (c->max_operands == 2)
		fputs(" \\\n\t\t\t'1:guest:->guests' "
		      "'2:destination:_hosts'",
		      out);
}

static void zsh_command(const struct command *c, FILE *out)
{
	fprintf(out, "\t%s)\n\t\t_arguments", c->name);
	for (size_t g = 0; c->groups[g]; g++) {
		for (size_t i = 0; i < c->groups[g]->n; i++)
			zsh_option(&c->groups[g]->v[i], out);
	}
	zsh_operands(c, out);
	fputs(" && return 0\n\t\t;;\n", out);
}

static void zsh(const struct command *const *table, FILE *out)
{
	fputs("#compdef vmferry\n_vmferry() {\n"
	      "\tlocal state curcontext=$curcontext\n"
	      "\tlocal -a commands guests\n\tcommands=(\n",
	      out);
	for (size_t i = 0; table[i]; i++) {
		fprintf(out, "\t\t'%s:", table[i]->name);
		zsh_text(table[i]->summary, out);
		fputs("'\n", out);
	}
	fputs("\t)\n\tif (( CURRENT == 2 )); then\n"
	      "\t\t_describe command commands\n\t\treturn\n\tfi\n"
	      "\tshift words\n\t(( CURRENT-- ))\n\tcase $words[1] in\n",
	      out);
	for (size_t i = 0; table[i]; i++)
		zsh_command(table[i], out);
	fputs("\tesac\n\tcase $state in\n"
	      "\tcommands) _describe command commands;;\n"
	      "\tguests)\n\t\tguests=(${(f)\"$(" GUESTS ")\"})\n"
	      "\t\t_describe guest guests;;\n"
	      "\tesac\n}\n_vmferry \"$@\"\n",
	      out);
}

int completion_print(const struct command *const *table, const char *shell,
		     FILE *out)
{
	if (!strcmp(shell, "bash"))
		bash(table, out);
	else if (!strcmp(shell, "zsh"))
		zsh(table, out);
	else
		return -1;
	return 0;
}
