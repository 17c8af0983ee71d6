/* SPDX-License-Identifier: MIT */
/* ancestors: the processes above a guest's QEMU. */
#include "engine/guest/ancestors.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/xalloc.h"

/* ancestors.sh */
extern const char ancestors_sh[];

/* --- values --------------------------------------------------------------- */

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void decode(const char *hex, struct buf *out)
{
	for (; digit(hex[0]) >= 0 && digit(hex[1]) >= 0; hex += 2) {
		char byte = (char)(digit(hex[0]) << 4 | digit(hex[1]));

		buf_append(out, &byte, 1);
	}
}

/* One line of text, as comm and readlink(1) print it. */
static char *first_line(struct buf *b)
{
	const char *text = buf_data(b);

	return xstrndup(text, strcspn(text, "\n"));
}

/* A NUL ends no script, but hides what is behind it from strlen(). */
static char *take_text(struct ancestor *a, struct buf *b)
{
	size_t len = buf_len(b);

	a->cut |= len > ANCESTORS_TEXT_BYTES || memchr(buf_data(b), '\0', len);
	return xstrndup(buf_data(b), len);
}

static void take(struct ancestor *a, const char *key, const char *value)
{
	AUTO_BUF struct buf b = { 0 };

	decode(value, &b);
	if (!strcmp(key, "comm") && !a->comm)
		a->comm = first_line(&b);
	else if (!strcmp(key, "exe") && !a->exe)
		a->exe = first_line(&b);
	else if (!strcmp(key, "cmdline") && !a->argv.n)
		strv_push_nul(&a->argv, buf_data(&b), buf_len(&b));
	else if (!strcmp(key, "text") && !a->script)
		a->script = take_text(a, &b);
	else if (!strcmp(key, "input") && !a->input)
		a->input = take_text(a, &b);
	else if (!strcmp(key, "state"))
		a->state = *value;
	else if (!strcmp(key, "session"))
		a->leads_tty = strtol(value, NULL, 10) == a->pid;
	else if (!strcmp(key, "tty"))
		a->leads_tty &= strtol(value, NULL, 10) != 0;
	else if (!strcmp(key, "stdin"))
		a->on_tty = !strcmp(value, "tty");
}

/* --- lines ---------------------------------------------------------------- */

static void ancestor_free(struct ancestor *a)
{
	free(a->comm);
	free(a->exe);
	strv_free(&a->argv);
	free(a->script);
	free(a->input);
}

static void begin(struct ancestors *list, const char *pid)
{
	list->v = xrealloc(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = (struct ancestor){
		.pid = answer_pid(pid),
	};
}

static void take_line(struct ancestors *list, const char *line)
{
	size_t len = strcspn(line, " ");
	AUTO_FREE char *key = xstrndup(line, len);
	const char *value = line + len + (line[len] == ' ');

	if (!strcmp(key, "process"))
		begin(list, value);
	else if (!strcmp(key, "above"))
		list->hidden = strcmp(value, "0") != 0;
	else if (list->n)
		take(&list->v[list->n - 1], key, value);
}

void ancestors_parse(const char *text, struct ancestors *out)
{
	*out = (struct ancestors){ .hidden = true };
	while (*text) {
		size_t len = strcspn(text, "\n");
		AUTO_FREE char *line = xstrndup(text, len);

		take_line(out, line);
		text += len + (text[len] == '\n');
	}
}

void ancestors_free(struct ancestors *list)
{
	for (size_t i = 0; i < list->n; i++)
		ancestor_free(&list->v[i]);
	free(list->v);
	*list = (struct ancestors){ .v = NULL };
}

int ancestors_read(struct host *h, pid_t pid, struct ancestors *out,
		   struct mono deadline, struct err *err)
{
	AUTO_FREE char *script =
		xasprintf("%sancestors %d\n", ancestors_sh, (int)pid);
	AUTO_BUF struct buf text = { 0 };

	*out = (struct ancestors){ .hidden = true };
	if (probe_script(h, "ancestors", script, &text, deadline, err) < 0)
		return -1;
	ancestors_parse(buf_data(&text), out);
	return 0;
}
