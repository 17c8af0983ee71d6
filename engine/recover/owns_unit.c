/* SPDX-License-Identifier: MIT */
/* owns_unit: whose guest a unit starts, when the unit is what asks. */
#include "engine/recover/owns_unit.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "engine/run/run.h"
#include "transport/base/strv.h"
#include "transport/base/xalloc.h"
#include "transport/host_local.h"

static bool is_root(const char *user)
{
	return !*user || !strcmp(user, "root") || !strcmp(user, "0");
}

/* --- ExecStart= ----------------------------------------------------------- */

static bool is_qemu(const char *path)
{
	static const char *const names[] = { "*/qemu-system-*", "*/qemu-kvm",
					     "*/kvm" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (fnmatch(names[i], path, 0) == 0)
			return true;
	}
	return false;
}

/* The words of "{ path=P ; argv[]=WORD... ; ...}", P first; quotes are lost. */
static void split(const char *exec, struct strv *words)
{
	static const char path[] = "{ path=", argv[] = " ; argv[]=";
	const char *next = strstr(exec, argv);

	/* of several commands none is the one that counts */
	if (strncmp(exec, path, strlen(path)) != 0 || !next ||
	    strstr(next, path))
		return;
	strv_take(words, xstrndup(exec + strlen(path),
				  (size_t)(next - exec) - strlen(path)));
	for (next += strlen(argv); *next && *next != ';';
	     next += strspn(next, " ")) {
		size_t len = strcspn(next, " ");

		strv_take(words, xstrndup(next, len));
		next += len;
	}
}

/* The value of `user` among options with commas, to be freed; NULL: none. */
static char *user_in(const char *options)
{
	static const char key[] = "user=";

	for (const char *p = options; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, key, strlen(key)))
			return xstrndup(p + strlen(key),
					strcspn(p + strlen(key), ",:"));
	}
	return NULL;
}

static bool is_option(const char *word, const char *name)
{
	word += *word == '-';
	word += *word == '-';
	return !strcmp(word, name);
}

/* Whom QEMU becomes; NULL: it remains what it is. */
static char *becomes(const struct strv *words)
{
	char *user = NULL;

	for (size_t i = 2; i + 1 < words->n; i++) {
		const char *value = words->v[i + 1];
		char *one = NULL;

		if (words->v[i][0] != '-')
			continue;
		if (is_option(words->v[i], "runas"))
			one = xstrndup(value, strcspn(value, ":"));
		else if (is_option(words->v[i], "run-with"))
			one = user_in(value);
		if (!one)
			continue;
		free(user);
		user = one;
	}
	return user;
}

static enum owns_unit judge_command(const char *exec, char **user)
{
	AUTO_STRV struct strv words = { .v = NULL };
	AUTO_FREE char *other = NULL;

	split(exec, &words);
	if (!words.n || !is_qemu(words.v[0]))
		return OWNS_UNIT_UNKNOWN;
	other = becomes(&words);
	if (!other || is_root(other))
		return OWNS_UNIT_ROOT;
	*user = STEAL(other);
	return OWNS_UNIT_USER;
}

/* --- the unit ------------------------------------------------------------- */

enum owns_unit owns_unit_judge(const char *text, char **user)
{
	AUTO_FREE char *name = answer_value(text, "User");
	AUTO_FREE char *exec = answer_value(text, "ExecStart");

	*user = NULL;
	if (name && !is_root(name)) {
		*user = STEAL(name);
		return OWNS_UNIT_USER;
	}
	return name && exec ? judge_command(exec, user) : OWNS_UNIT_UNKNOWN;
}

enum owns_unit owns_unit_ask(char **user)
{
	struct host *h = host_local_new();
	AUTO_BUF struct buf text = { 0 };

	(void)probe_script(h, "unit", owns_unit_sh, &text,
			   mono_in_ms(RUN_SCRIPT_MS), NULL);
	host_close(h);
	return owns_unit_judge(buf_data(&text), user);
}
