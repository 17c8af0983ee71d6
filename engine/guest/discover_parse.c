/* SPDX-License-Identifier: MIT */
/* discover_parse: from the script's output to guests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_moves.h"
#include "engine/guest/discover.h"
#include "engine/guest/discover_owner.h"
#include "engine/guest/discover_script.h"
#include "engine/guest/guest_describe.h"
#include "engine/hosts/answer.h"
#include "engine/hosts/proc_stat.h"
#include "transport/base/xalloc.h"

/* What the script printed of one process, not yet interpreted. */
struct record {
	struct guest g;
	struct proc_stat stat;
	bool have_stat, complete, is_qemu;
	bool cut;	    /* its command line was not read to its end */
	char *pwd;	    /* PWD of its environment, NULL */
	struct buf group;   /* lines of /proc/PID/cgroup */
	struct strv parent; /* command line */
	char *moves;	    /* text of ARGV_ENV_SOCKETS */
};

struct parser {
	struct record *v;
	size_t n;
	size_t left_out; /* processes that were not read */
	/* A hex value that may go on in the next line. */
	char *key;
	struct buf value;
};

static void record_fini(struct record *r)
{
	guest_free(&r->g);
	free(r->pwd);
	buf_free(&r->group);
	strv_free(&r->parent);
	free(r->moves);
}

static void parser_fini(struct parser *p)
{
	for (size_t i = 0; i < p->n; i++)
		record_fini(&p->v[i]);
	free(p->v);
	free(p->key);
	buf_free(&p->value);
}

/* --- values in hex ------------------------------------------------------- */

static void replace(char **to, char *with)
{
	free(*to);
	*to = with;
}

static void take_path(char **to, char *path)
{
	size_t len = strlen(path);

	/* readlink ends it with a newline. */
	if (len && path[len - 1] == '\n')
		path[len - 1] = '\0';
	replace(to, path);
}

static void take_exe(struct record *r, char *path)
{
	static const char gone[] = " (deleted)";
	const char *base;
	size_t len;

	take_path(&r->g.exe, path);
	len = strlen(r->g.exe);
	if (len > strlen(gone) &&
	    !strcmp(r->g.exe + len - strlen(gone), gone)) {
		r->g.exe[len - strlen(gone)] = '\0';
		r->g.exe_replaced = true;
	}
	base = strrchr(r->g.exe, '/');
	r->is_qemu = base && (!strncmp(base, "/qemu-system-", 13) ||
			      !strcmp(base, "/qemu-kvm"));
}

static void take_argv(struct strv *to, const char *text, size_t len)
{
	strv_free(to);
	strv_push_nul(to, text, len);
}

static void take_variable(struct record *r, const char *text)
{
	static const char run_dir[] = ARGV_ENV_RUN_DIR "=";
	static const char sockets[] = ARGV_ENV_SOCKETS "=";
	static const char key[] = ARGV_ENV_KEY "=";

	if (!strncmp(text, "PWD=", 4))
		replace(&r->pwd, xstrdup(text + 4));
	else if (!strncmp(text, run_dir, strlen(run_dir)))
		replace(&r->g.run_dir, xstrdup(text + strlen(run_dir)));
	else if (!strncmp(text, key, strlen(key)))
		replace(&r->g.run_key, xstrdup(text + strlen(key)));
	else if (!strncmp(text, sockets, strlen(sockets)))
		replace(&r->moves, xstrdup(text + strlen(sockets)));
}

static void take_value(struct record *r, const char *key, struct buf *value)
{
	const char *text = buf_data(value);
	size_t len = buf_len(value);

	if (!strcmp(key, "cmdline")) {
		r->cut = len >= DISCOVER_MOST_BYTES;
		take_argv(&r->g.argv, text, len);
	} else if (!strcmp(key, "parent"))
		take_argv(&r->parent, text, len);
	else if (!strcmp(key, "exe"))
		take_exe(r, xstrndup(text, len));
	else if (!strcmp(key, "cwd"))
		take_path(&r->g.cwd, xstrndup(text, len));
	else if (!strcmp(key, "env"))
		take_variable(r, text);
}

static void finish_value(struct parser *p)
{
	if (p->key && p->n)
		take_value(&p->v[p->n - 1], p->key, &p->value);
	buf_consume(&p->value, buf_len(&p->value));
	free(p->key);
	p->key = NULL;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int add_hex(struct parser *p, const char *text)
{
	while (*(text += strspn(text, " "))) {
		int high = digit(text[0]);
		int low = high < 0 ? -1 : digit(text[1]);
		char byte;

		if (low < 0)
			return -1;
		byte = (char)(high << 4 | low);
		buf_append(&p->value, &byte, 1);
		text += 2;
	}
	return 0;
}

/* --- lines of text ------------------------------------------------------- */

/* The second of "REAL EFFECTIVE SAVED FS". */
static unsigned int effective_id(const char *ids)
{
	char *behind;

	(void)strtoul(ids, &behind, 10);
	return (unsigned int)strtoul(behind, NULL, 10);
}

static void take_groups(struct record *r, const char *ids)
{
	static const char blanks[] = " \t";

	while (*(ids += strspn(ids, blanks))) {
		size_t len = strcspn(ids, blanks);

		strv_take(&r->g.groups, xstrndup(ids, len));
		ids += len;
	}
}

static void take_status(struct record *r, const char *line)
{
	if (!strncmp(line, "Uid:", 4))
		r->g.uid = effective_id(line + 4);
	else if (!strncmp(line, "Gid:", 4))
		r->g.gid = effective_id(line + 4);
	else if (!strncmp(line, "Groups:", 7))
		take_groups(r, line + 7);
	else if (!strncmp(line, "Umask:", 6))
		r->g.umask = (unsigned int)strtoul(line + 6, NULL, 8);
}

static const struct {
	const char *title; /* of /proc/PID/limits, without "Max " */
	const char *name;  /* of prlimit(1) */
} limit_names[] = {
	{ "cpu time", "cpu" },
	{ "file size", "fsize" },
	{ "data size", "data" },
	{ "stack size", "stack" },
	{ "core file size", "core" },
	{ "resident set", "rss" },
	{ "processes", "nproc" },
	{ "open files", "nofile" },
	{ "locked memory", "memlock" },
	{ "address space", "as" },
	{ "file locks", "locks" },
	{ "pending signals", "sigpending" },
	{ "msgqueue size", "msgqueue" },
	{ "nice priority", "nice" },
	{ "realtime priority", "rtprio" },
	{ "realtime timeout", "rttime" },
};

static void take_limit(struct record *r, const char *line)
{
	char soft[32], hard[32];

	if (strncmp(line, "Max ", 4) != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(limit_names); i++) {
		size_t len = strlen(limit_names[i].title);

		if (strncmp(line + 4, limit_names[i].title, len) != 0 ||
		    sscanf(line + 4 + len, " %31s %31s", soft, hard) != 2)
			continue;
		strv_pushf(&r->g.limits, "%s %s %s", limit_names[i].name, soft,
			   hard);
		return;
	}
}

static void take_text(struct record *r, const char *key, const char *text)
{
	if (!strcmp(key, "status"))
		take_status(r, text);
	else if (!strcmp(key, "limits"))
		take_limit(r, text);
	else if (!strcmp(key, "cgroup"))
		buf_printf(&r->group, "%s\n", text);
	else if (!strcmp(key, "user"))
		replace(&r->g.user, xstrdup(text));
	else if (!strcmp(key, "group"))
		replace(&r->g.group, xstrdup(text));
	else if (!strcmp(key, "stat"))
		r->have_stat = !proc_stat_read(text, &r->stat);
}

/* --- the document -------------------------------------------------------- */

static bool is_hex_key(const char *key)
{
	static const char *const keys[] = { "exe", "cmdline", "cwd", "env",
					    "parent" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(key, keys[i]))
			return true;
	}
	return false;
}

static int add_record(struct parser *p, const char *text)
{
	pid_t pid = answer_pid(text);

	if (!pid)
		return -1;
	p->v = xrealloc(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n] = (struct record){ .complete = false };
	p->v[p->n++].g.pid = pid;
	return 0;
}

static int take_line(struct parser *p, const char *line)
{
	size_t len = strcspn(line, " ");
	const char *text = line + len + (line[len] == ' ');
	AUTO_FREE char *key = xstrndup(line, len);

	if (!len)
		return add_hex(p, line);
	finish_value(p);
	if (!strcmp(key, "process"))
		return add_record(p, text);
	if (!strcmp(key, "left-out")) {
		p->left_out++;
		return 0;
	}
	if (!p->n)
		return -1;
	if (is_hex_key(key)) {
		p->key = STEAL(key);
		return add_hex(p, text);
	}
	if (!strcmp(key, "end"))
		p->v[p->n - 1].complete = true;
	else
		take_text(&p->v[p->n - 1], key, text);
	return 0;
}

/* A login shell may have said something first; our document starts here. */
static const char *skip_greeting(const char *text, const char *end)
{
	static const char first[] = "vmferry-proc 1\n";
	size_t len = strlen(first);

	while ((size_t)(end - text) >= len) {
		const char *newline;

		if (!memcmp(text, first, len))
			return text + len;
		newline = memchr(text, '\n', (size_t)(end - text));
		text = newline ? newline + 1 : end;
	}
	return NULL;
}

static int read_lines(struct parser *p, const char *text, const char *end,
		      struct err *err)
{
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		AUTO_FREE char *line = xstrndup(text, (size_t)(stop - text));

		if (take_line(p, line))
			return err_set(err, ERR_PROTOCOL,
				       "the list of processes has a line that "
				       "makes no sense: \"%.80s\"",
				       line);
		text = newline ? newline + 1 : end;
	}
	finish_value(p);
	return 0;
}

/* --- guests -------------------------------------------------------------- */

/* -daemonize goes to "/"; the shell's PWD says where it came from. */
static void fix_cwd(struct record *r)
{
	bool daemonized = strv_has(&r->g.argv, "-daemonize") ||
			  strv_has(&r->g.argv, "--daemonize");

	if (daemonized && r->pwd && *r->pwd == '/' && r->g.cwd &&
	    !strcmp(r->g.cwd, "/"))
		replace(&r->g.cwd, STEAL(r->pwd));
}

/*
 * The mapping comes from a process that anybody may have started: what cannot
 * be read makes it an ordinary guest, no more.
 */
static void read_moves(struct record *r)
{
	AUTO_ERR struct err ignored = { .kind = ERR_NONE };

	if (r->g.run_dir && *r->g.run_dir != '/')
		replace(&r->g.run_dir, NULL);
	if (!r->g.run_dir || !r->moves ||
	    argv_moves_decode(r->moves, &r->g.moves, &ignored))
		argv_moves_free(&r->g.moves);
}

static void finish_guest(struct record *r)
{
	struct guest *g = &r->g;

	g->start_ticks = r->stat.start_ticks;
	g->label = xasprintf("pid:%d", (int)g->pid);
	if (!g->user)
		g->user = xasprintf("%u", (unsigned int)g->uid);
	if (!g->group)
		g->group = xasprintf("%u", (unsigned int)g->gid);
	fix_cwd(r);
	read_moves(r);
	discover_owner(g, buf_data(&r->group), &r->parent);
	guest_describe(g);
}

static bool is_running(const struct record *r)
{
	return r->complete && r->have_stat && r->is_qemu && r->g.argv.n &&
	       !r->cut && r->stat.state != 'Z' && r->stat.state != 'X';
}

/* A helper that QEMU forked (-async-teardown) has its parent's argv. */
static bool is_helper(const struct parser *p, const struct record *r)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].g.pid == r->stat.parent && is_running(&p->v[i]) &&
		    strv_equal(&p->v[i].g.argv, &r->g.argv))
			return true;
	}
	return false;
}

static int by_age(const void *left, const void *right)
{
	const struct guest *a = left, *b = right;

	if (a->start_ticks != b->start_ticks)
		return a->start_ticks < b->start_ticks ? -1 : 1;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static void move_guests(struct parser *p, struct guests *out)
{
	bool *keep = xcalloc(p->n + 1, sizeof(*keep));

	for (size_t i = 0; i < p->n; i++)
		keep[i] = is_running(&p->v[i]) && !is_helper(p, &p->v[i]);
	out->v = xcalloc(p->n + 1, sizeof(*out->v));
	out->left_out = p->left_out;
	for (size_t i = 0; i < p->n; i++)
		out->left_out += p->v[i].is_qemu && p->v[i].cut;
	for (size_t i = 0; i < p->n; i++) {
		if (!keep[i])
			continue;
		finish_guest(&p->v[i]);
		out->v[out->n++] = p->v[i].g;
		p->v[i].g = (struct guest){ .pid = 0 };
	}
	free(keep);
	qsort(out->v, out->n, sizeof(*out->v), by_age);
}

int discover_parse(const char *text, size_t len, struct guests *out,
		   struct err *err)
{
	const char *end = text + len;
	struct parser p = { .v = NULL };
	const char *start = skip_greeting(text, end);
	int rc;

	*out = (struct guests){ .v = NULL };
	if (!start)
		return err_set(err, ERR_PROTOCOL,
			       "the list of processes did not come: \"%.*s\"",
			       (int)(len < 80 ? len : 80), text);
	rc = read_lines(&p, start, end, err);
	if (!rc)
		move_guests(&p, out);
	parser_fini(&p);
	return rc;
}
