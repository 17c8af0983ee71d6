/* SPDX-License-Identifier: MIT */
/* shell_text: whether a text for a shell can start its commands again. */
#include "engine/guest/shell_text.h"

#include <stddef.h>
#include <string.h>

#include "engine/guest/shell_commands.h"
#include "engine/guest/shell_words.h"
#include "transport/base/xalloc.h"

static bool is_loop(const char *word, size_t len)
{
	static const char *const words[] = { "while",  "until",	  "for",
					     "select", "repeat",  "foreach",
					     "loop",   "forever", NULL };

	return shell_words_has(words, word, len);
}

static bool is_itself(const char *word, size_t len)
{
	static const char *const words[] = {
		"$0",		"\"$0\"",	    "${0}", "\"${0}\"",
		"$BASH_SOURCE", "\"$BASH_SOURCE\"", NULL,
	};

	return shell_words_has(words, word, len);
}

/* Behind which the next word is a command as well. */
static bool leads_on(const char *word, size_t len)
{
	static const char *const words[] = {
		"!",	   "do",    "then", "else", "elif", "if",     "time",
		"exec",	   "eval",  "sh",   "bash", ".",    "source", "nohup",
		"command", "begin", "and",  "or",   "not",  NULL,
	};

	return shell_words_has(words, word, len);
}

/* Behind what separates words; *first: a command may begin there. */
static const char *skip_between(const char *p, bool *first)
{
	for (;;) {
		p += strspn(p, SHELL_WORDS_BLANKS);
		if (*p == '\\' && p[1] == '\n')
			p += 2;
		else if (*p == '#')
			p += strcspn(p, "\n");
		else if (*p && strchr("\n;&|({`", *p)) {
			*first = true;
			p++;
		} else if (*p && strchr(")}<>", *p)) {
			/* behind `case` patterns commands begin, too */
			*first = *p == ')' ? true : *first && *p == '}';
			p++;
		} else {
			return p;
		}
	}
}

/* Whether a line begins with a loop, whatever quotes it may be in. */
static bool has_loop_line(const char *p)
{
	while (*p) {
		size_t len;

		p += strspn(p, " \t\n");
		len = strcspn(p, SHELL_WORDS_ENDS);
		if (is_loop(p, len))
			return true;
		p += strcspn(p, "\n");
	}
	return false;
}

bool shell_text_repeats(const char *text)
{
	bool first = true;
	const char *p = text;

	/* an apostrophe in a here-document opens no quotes */
	if (has_loop_line(text))
		return true;
	while (*(p = skip_between(p, &first))) {
		const char *word = p;
		size_t len;

		p = shell_words_skip(p);
		if (!p)
			return true;
		len = (size_t)(p - word);
		if (first && (is_loop(word, len) || is_itself(word, len)))
			return true;
		first = first && (leads_on(word, len) ||
				  shell_words_is_assignment(word, len));
	}
	return false;
}

/* --- what comes after the guest ------------------------------------------- */

enum effect {
	EFFECT_NONE,   /* it starts no QEMU */
	EFFECT_ANY,    /* not known */
	EFFECT_STARTS, /* it starts QEMU */
};

/* What marks a start, from the surest to the last. */
enum sign { SIGN_QEMU, SIGN_ARGUMENTS, SIGN_ANY };

/* Commands that start no QEMU, a blank around each. */
static const char harmless[] =
	/* of the shell */
	" : [ [[ bg break cd continue declare disown echo exit export false "
	"getopts hash jobs kill let local printf pwd read readonly return set "
	"shift test trap true type typeset ulimit umask unset wait "
	/* files and text */
	"basename cat chgrp chmod chown cp cut date df dirname grep head "
	"hostname id ln logger ls mkdir mktemp mv readlink realpath rm rmdir "
	"seq sleep sort stat stty sync tail tee touch tr uname wc which whoami "
	/* networks, disks, processes */
	"brctl bridge dmsetup ethtool fuser ifconfig ip ip6tables iptables "
	"killall losetup modprobe mount nft ovs-vsctl pgrep pkill qemu-img "
	"qemu-nbd swtpm sysctl tc tunctl umount virtiofsd vmferry ";

static bool is_harmless(const struct shell_command *c)
{
	static const char *const places[] = { "/bin/", "/sbin/", "/usr/bin/",
					      "/usr/sbin/" };
	AUTO_FREE char *blanks_around = NULL;
	const char *name = c->word;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t len = strlen(places[i]);

		if (!strncmp(c->word, places[i], len))
			name = c->word + len;
	}
	if (c->carries || strpbrk(name, SHELL_WORDS_ENDS))
		return false;
	blanks_around = xasprintf(" %s ", name);
	return strstr(harmless, blanks_around) != NULL;
}

static bool is_arguments(const char *word)
{
	return strstr(word, "$@") || strstr(word, "$*");
}

enum look { LOOK_NEW, LOOK_BEGUN, LOOK_DONE };

struct judging {
	const struct shell_commands *all;
	enum sign sign;
	/* of functions, once it is known */
	enum effect effects[SHELL_COMMANDS_FUNCTIONS];
	enum look looks[SHELL_COMMANDS_FUNCTIONS];
	bool recursive;
};

static enum effect effect_of_function(struct judging *j, int function);

static int function_of(const struct judging *j, const char *word)
{
	const struct strv *f = &j->all->functions;

	for (size_t i = 0; i < f->n; i++) {
		if (!strcmp(f->v[i], word))
			return (int)i;
	}
	return -1;
}

static enum effect effect_of(struct judging *j, const struct shell_command *c)
{
	int function = function_of(j, c->word);

	if (function >= 0)
		return effect_of_function(j, function);
	if (is_harmless(c))
		return EFFECT_NONE;
	if ((j->sign == SIGN_QEMU && c->names_qemu) ||
	    (j->sign == SIGN_ARGUMENTS && is_arguments(c->word)) ||
	    j->sign == SIGN_ANY)
		return EFFECT_STARTS;
	return EFFECT_ANY;
}

/* The worst of its commands. */
static enum effect effect_of_scope(struct judging *j, int scope)
{
	enum effect worst = EFFECT_NONE;

	for (size_t i = 0; i < j->all->n; i++) {
		const struct shell_command *c = &j->all->v[i];
		enum effect e = c->scope == scope ? effect_of(j, c)
						  : EFFECT_NONE;

		if (e > worst)
			worst = e;
	}
	return worst;
}

static enum effect effect_of_function(struct judging *j, int function)
{
	if (j->looks[function] == LOOK_BEGUN) {
		j->recursive = true;
		return EFFECT_STARTS;
	}
	if (j->looks[function] == LOOK_NEW) {
		j->looks[function] = LOOK_BEGUN;
		j->effects[function] = effect_of_scope(j, function);
		j->looks[function] = LOOK_DONE;
	}
	return j->effects[function];
}

/* By the surest sign that there is. */
static void choose_sign(struct judging *j)
{
	while (effect_of_scope(j, SHELL_COMMANDS_MAIN) != EFFECT_STARTS &&
	       j->sign < SIGN_ANY) {
		j->sign++;
		memset(j->looks, 0, sizeof(j->looks));
	}
}

/* Whether nothing in @scope follows a start, but what starts nothing. */
static bool ends_after_start(struct judging *j, int scope)
{
	bool started = scope == SHELL_COMMANDS_TRAP;

	for (size_t i = 0; i < j->all->n; i++) {
		const struct shell_command *c = &j->all->v[i];
		enum effect e;

		if (c->scope != scope)
			continue;
		e = effect_of(j, c);
		if (started && e != EFFECT_NONE)
			return false;
		started |= e == EFFECT_STARTS;
	}
	return true;
}

static bool all_end(struct judging *j)
{
	for (int scope = SHELL_COMMANDS_TRAP; scope < (int)j->all->functions.n;
	     scope++) {
		if (!ends_after_start(j, scope))
			return false;
	}
	return !j->recursive;
}

bool shell_text_goes_on(const char *text)
{
	struct shell_commands all;
	struct judging j = { .all = &all };
	bool ends = false;

	if (shell_commands_read(text, &all) == 0) {
		choose_sign(&j);
		ends = all_end(&j);
	}
	shell_commands_free(&all);
	return !ends;
}
