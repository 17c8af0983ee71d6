/* SPDX-License-Identifier: MIT */
/* completion: bash and zsh completions from the command table. */
#include <string.h>

#include "tools/cli/help.h"
#include "transport/base/xalloc.h"

static void command_names(FILE *out)
{
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
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
	for (size_t g = 0; all_groups[g]; g++) {
		for (size_t i = 0; i < all_groups[g]->n; i++) {
			const struct option *o = &all_groups[g]->v[i];

			if (o->completion == COMPLETE_FILE) {
				fprintf(out, "\t--%s) COMPREPLY=($(compgen -f "
					"-- \"$cur\")); return;;\n", o->name);
			} else if (o->words) {
				fprintf(out, "\t--%s) COMPREPLY=($(compgen -W "
					"\"", o->name);
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

static void bash(FILE *out)
{
	fputs("# bash completion for vmferry\n_vmferry() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
	      "prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"", out);
	command_names(out);
	fputs("\" -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase $prev in\n", out);
	bash_values(out);
	fputs("\tesac\n\tcase ${COMP_WORDS[1]} in\n", out);
	for (size_t i = 0; commands[i]; i++) {
		fprintf(out, "\t%s) words=\"", commands[i]->name);
		option_names(commands[i], out);
		if (commands[i] == &cmd_help) {
			fputc(' ', out);
			command_names(out);
		}
		fputs("\";;\n", out);
	}
	fputs("\tesac\n\tif [ \"${cur#-}\" = \"$cur\" ]; then\n"
	      "\t\tcase ${COMP_WORDS[1]}$COMP_CWORD in\n"
	      "\t\tmigrate2|check2) words=$(vmferry list 2>/dev/null | "
	      "sed 1d | cut -d\" \" -f1);;\n"
	      "\t\tmigrate*|check*|list*) COMPREPLY=($(compgen -A hostname "
	      "-- \"$cur\")); return;;\n"
	      "\t\tesac\n\tfi\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	      "complete -F _vmferry vmferry\n", out);
}

/* zsh reads bash's own through its compatibility layer. */
static void zsh(FILE *out)
{
	fputs("#compdef vmferry\nautoload -U +X bashcompinit && "
	      "bashcompinit\n", out);
	bash(out);
}

int help_completion(const char *shell, FILE *out)
{
	if (!strcmp(shell, "bash"))
		bash(out);
	else if (!strcmp(shell, "zsh"))
		zsh(out);
	else
		return -1;
	return 0;
}
