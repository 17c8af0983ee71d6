/* SPDX-License-Identifier: MIT */
/* vmferry list: the guests of one or more hosts. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qmp/json_fields.h"
#include "transport/base/task_pool.h"
#include "engine/guest/inventory.h"
#include "engine/run/departed_names.h"
#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

enum {
	CONNECT_MS = 10000,
	READ_MS = 20000,
	HOSTS_AT_ONCE = 8,
};

/* --- the table ----------------------------------------------------------- */

enum column {
	COLUMN_NAME,
	COLUMN_USER,
	COLUMN_HOST,
	COLUMN_PID,
	COLUMN_STATE,
	COLUMN_RAM,
	COLUMN_CPU,
	COLUMN_ACCEL,
	COLUMN_DISKS,
	COLUMN_MONITOR,
	COLUMN_STARTED_BY,
	COLUMNS
};
static const struct {
	const char *head;
	bool right;
} columns[COLUMNS] = {
	[COLUMN_NAME] = { "NAME", false },
	[COLUMN_USER] = { "USER", false },
	[COLUMN_HOST] = { "HOST", false },
	[COLUMN_PID] = { "PID", true },
	[COLUMN_STATE] = { "STATE", false },
	[COLUMN_RAM] = { "RAM", true },
	[COLUMN_CPU] = { "CPU", true },
	[COLUMN_ACCEL] = { "ACCEL", false },
	[COLUMN_DISKS] = { "DISKS", false },
	[COLUMN_MONITOR] = { "MONITOR", false },
	[COLUMN_STARTED_BY] = { "STARTED BY", false },
};

/* As people write it for -m and for qemu-img: powers of 1024. */
static char *size_text(uint64_t bytes)
{
	double mib = (double)bytes / (1024 * 1024);

	if (!bytes)
		return xstrdup("-");
	if (bytes % (1U << 30) == 0 || mib >= 100 * 1024)
		return xasprintf("%.0fG", mib / 1024);
	if (mib >= 1024)
		return xasprintf("%.1fG", mib / 1024);
	return xasprintf("%.0fM", mib);
}

/* "2 (local 80G)", "1 (shared)", "-" for a guest that was not asked. */
static char *disks_text(const struct guest_view *g)
{
	AUTO_FREE char *size = NULL;
	enum disk_place place = DISK_SHARED;
	uint64_t bytes = 0;

	if (!g->disks_known)
		return xstrdup("-");
	if (!g->disks.n)
		return xstrdup("0");
	for (size_t i = 0; i < g->disks.n; i++) {
		bytes += g->disks.v[i].virtual_bytes;
		if (g->places[i] < place)
			place = g->places[i];
	}
	size = size_text(bytes);
	if (place == DISK_SHARED)
		return xasprintf("%zu (shared)", g->disks.n);
	return xasprintf("%zu (%s%s)", g->disks.n,
			 place == DISK_LOCAL ? "local " : "", size);
}

static char *monitor_text(const struct guest_view *g)
{
	static const char *const said[LOOKS] = {
		[LOOK_FREE] = "qmp free", [LOOK_BUSY] = "qmp BUSY",
		[LOOK_FAILED] = "qmp ?",  [LOOK_HMP] = "hmp only",
		[LOOK_NONE] = "none",	  [LOOK_MANAGED] = "-",
	};

	return xasprintf("%s%s%s", said[g->look], g->holder ? " " : "",
			 g->holder ? g->holder : "");
}

static char *owner_text(const struct guest *g)
{
	if (g->manager)
		return xasprintf("%s: use its own tools", g->manager);
	return xstrdup(g->started_by ? g->started_by : "-");
}

static void add_text(struct strv *cells, const char *s)
{
	AUTO_BUF struct buf b = { 0 };

	text_put(&b, text_locale_is_utf8(), s);
	strv_take(cells, buf_steal(&b));
}

static void add_row(struct strv *cells, const struct guest_view *g)
{
	AUTO_FREE char *monitor = monitor_text(g), *owner = NULL;

	owner = owner_text(&g->guest);
	add_text(cells, guest_label(&g->guest));
	add_text(cells, g->guest.user ? g->guest.user : "-");
	add_text(cells, g->host);
	strv_pushf(cells, "%ld", (long)g->guest.pid);
	add_text(cells, *g->state ? g->state : "-");
	strv_take(cells, size_text(g->ram_bytes));
	strv_pushf(cells, "%u", g->vcpus);
	strv_push(cells, g->kvm < 0 ? "-" : g->kvm ? "kvm" : "tcg");
	strv_take(cells, disks_text(g));
	add_text(cells, monitor);
	add_text(cells, owner);
}

/* Columns that say the same of every guest are left out. */
struct shown {
	bool user, host;
};

static void put_row(struct buf *b, char *const *row, const int *width,
		    const struct shown *with)
{
	for (int c = 0; c < COLUMNS - 1; c++) {
		if ((c == COLUMN_HOST && !with->host) ||
		    (c == COLUMN_USER && !with->user))
			continue;
		text_cell(b, row[c], width[c], columns[c].right);
		buf_printf(b, "  ");
	}
	buf_printf(b, "%s\n", row[COLUMNS - 1]);
}

/* Nothing is cut off: a wide cell widens its column. */
static void print_table(const struct strv *cells, const struct shown *with)
{
	AUTO_BUF struct buf b = { 0 };
	int width[COLUMNS] = { 0 };

	for (size_t i = 0; i < cells->n; i++) {
		int w = text_width(cells->v[i]);

		if (w > width[i % COLUMNS])
			width[i % COLUMNS] = w;
	}
	for (size_t i = 0; i < cells->n; i += COLUMNS)
		put_row(&b, &cells->v[i], width, with);
	fputs(buf_data(&b), stdout);
}

/* --- the hosts ----------------------------------------------------------- */

struct listing {
	struct cli *cli;
	struct inventory *found; /* one a host */
	struct err *failed;
};

static void read_host(void *arg, size_t i)
{
	struct listing *l = arg;
	struct host_options opt;
	struct host *h;

	cli_host_options(l->cli, &opt);
	h = host_open(l->cli->operands.v[i], &opt, mono_in_ms(CONNECT_MS),
		      &l->failed[i]);
	if (h && inventory_read(h, &l->found[i], mono_in_ms(READ_MS),
				&l->failed[i]) == 0)
		departed_names_sweep_host(h);
	host_close(h);
}

/* Whether one is another user's than the one who asks. */
static bool has_others(const struct listing *l, size_t n_hosts)
{
	for (size_t i = 0; i < n_hosts; i++) {
		for (size_t k = 0; k < l->found[i].n; k++) {
			if (l->found[i].v[k].guest.uid != geteuid())
				return true;
		}
	}
	return false;
}

static void print_people(const struct listing *l, size_t n_hosts)
{
	const struct shown with = {
		.user = has_others(l, n_hosts),
		.host = n_hosts > 1 ||
			strcmp(l->cli->operands.v[0], "local") != 0,
	};
	AUTO_STRV struct strv cells = { 0 };

	for (int c = 0; c < COLUMNS; c++)
		strv_push(&cells, columns[c].head);
	for (size_t i = 0; i < n_hosts; i++) {
		for (size_t k = 0; k < l->found[i].n; k++)
			add_row(&cells, &l->found[i].v[k]);
	}
	if (cells.n > COLUMNS)
		print_table(&cells, &with);
	else if (!l->cli->settings.quiet)
		fprintf(stderr, "no guests\n");
}

static struct json_object *to_json(const struct listing *l, size_t n_hosts,
				   int code)
{
	struct json_object *guests = json_object_new_array();
	struct json_object *errors = json_object_new_array();
	struct json_object *o = json_new();

	for (size_t i = 0; i < n_hosts; i++) {
		for (size_t k = 0; k < l->found[i].n; k++)
			json_object_array_add(
				guests,
				inventory_guest_to_json(&l->found[i].v[k]));
		if (l->failed[i].kind != ERR_NONE)
			json_object_array_add(
				errors, result_error_to_json(&l->failed[i]));
	}
	json_add_sub(o, "guests", guests);
	json_add_sub(o, "errors", errors);
	return json_add_i64(o, "exit_code", code);
}

static void warn_left_out(const struct listing *l, size_t n_hosts)
{
	for (size_t i = 0; i < n_hosts; i++) {
		if (l->found[i].left_out)
			fprintf(stderr,
				"warning: on %s %zu processes were not looked "
				"at: their command lines are too long, or "
				"their user has too many of them\n",
				l->cli->operands.v[i], l->found[i].left_out);
	}
}

/* A wrong word is a wrong use; else a host that fails is "unreachable". */
static int judge(const struct listing *l, size_t n_hosts)
{
	int code = 0;

	for (size_t i = 0; i < n_hosts; i++) {
		if (l->failed[i].kind == ERR_NONE)
			continue;
		cli_print_error(l->cli, &l->failed[i]);
		if (l->failed[i].kind == ERR_USAGE)
			code = EXIT_CODE_USAGE;
		else if (l->failed[i].kind == ERR_CANCELLED)
			code = EXIT_CODE_CANCELLED;
		else if (!code)
			code = EXIT_CODE_UNREACHABLE;
	}
	return code;
}

static int run(struct cli *cli)
{
	struct listing l = { .cli = cli };
	size_t n;
	int code;

	if (!cli->operands.n)
		strv_push(&cli->operands, "local");
	n = cli->operands.n;
	l.found = xcalloc(n, sizeof(*l.found));
	l.failed = xcalloc(n, sizeof(*l.failed));
	code = task_pool_run(n, HOSTS_AT_ONCE, read_host, &l, NULL) < 0 ? 6 : 0;
	code = code ? code : judge(&l, n);
	warn_left_out(&l, n);
	if (cli->settings.json)
		code = cli_print_json(to_json(&l, n, code), code);
	else
		print_people(&l, n);
	for (size_t i = 0; i < n; i++) {
		inventory_free(&l.found[i]);
		err_reset(&l.failed[i]);
	}
	free(l.found);
	free(l.failed);
	return cli_end(code);
}

static const struct option_group *const groups[] = {
	&group_login,
	&group_speech,
	&group_general,
	NULL,
};

const struct command cmd_list = {
	.name = "list",
	.args = "[HOST ...]",
	.max_operands = 256,
	.operands = OPERANDS_HOSTS,
	.summary = "lists the guests of this host, or of others",
	.description =
		"Lists the QEMU processes of this host, or of each HOST, that "
		"the login may look at, whoever started them; USER says whose "
		"they are when one is not yours. MONITOR says "
		"whether vmferry could talk to the guest: \"qmp free\"; \"qmp "
		"BUSY\", when another program holds its only monitor; \"hmp "
		"only\", when it was started without -qmp. A guest that "
		"another program manages is listed but not asked. What a guest "
		"that vmferry brought there, and that has ended, left behind "
		"in a power cut is removed.\n\n"
		"A host that cannot be reached is reported, the others are "
		"listed, and the exit code is 10. Reading the processes of one "
		"user may take 6 s, and a command line may have 64 KiB; a "
		"warning counts what was left out.",
	.examples = "vmferry list\nvmferry list local hostb hostc --json",
	.groups = groups,
	.run = run,
};
