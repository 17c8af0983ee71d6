/* SPDX-License-Identifier: MIT */
/* argv_rebuild: from the source's command line to the destination's. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv.h"
#include "engine/argv/argv_do.h"
#include "engine/argv/argv_table.h"
#include "transport/base/xalloc.h"

/* --- one option ---------------------------------------------------------- */

static void unknown(struct argv_work *w, const struct argv_item *it)
{
	argv_work_refuse(w, it,
			 "an option that this vmferry does not know; "
			 "give the destination's command line with "
			 "--dest-args");
}

static int rebuild_item(struct argv_work *w, const struct argv_item *it,
			struct err *err)
{
	if (!it->def) {
		unknown(w, it);
		return 0;
	}
	if (it->def->has_arg && !it->value)
		return err_set(err, ERR_REFUSED,
			       "the guest's command line ends in %s, which "
			       "needs a value",
			       it->word);
	if (it->value && strchr(it->value, '\n')) {
		argv_work_refuse(w, it, "its value has a line break");
		return 0;
	}
	it->def->handle(w, it);
	return 0;
}

/* --- what is added ------------------------------------------------------- */

static void add_monitor(struct argv_work *w, unsigned int n, char **path)
{
	struct strv *argv = &w->out->argv;
	AUTO_FREE char *escaped = NULL;

	*path = xasprintf("%s/qmp%u.sock", w->in->run_dir, n);
	escaped = argv_opt_escape(*path);
	strv_push(argv, "-chardev");
	strv_pushf(argv,
		   "socket,id=" ARGV_MONITOR_ID "%u,path=%s,server=on,wait=off",
		   n, escaped);
	strv_push(argv, "-mon");
	strv_pushf(argv, "chardev=" ARGV_MONITOR_ID "%u,mode=control", n);
}

static void add_own(struct argv_work *w)
{
	struct argv_plan *out = w->out;

	argv_do_defaults(w);
	strv_push(&out->argv, "-S");
	strv_push(&out->argv, "-incoming");
	strv_push(&out->argv, "defer");
	add_monitor(w, 0, &out->monitor0);
	add_monitor(w, 1, &out->monitor1);
}

/* --- the whole ----------------------------------------------------------- */

static bool is_machine_name(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i]))
			return false;
	}
	return len > 0;
}

static int check_input(const struct argv_input *in, struct err *err)
{
	if (!in->argv->n)
		return err_set(err, ERR_REFUSED,
			       "the guest's command line is empty");
	if (!is_machine_name(in->machine))
		return err_set(err, ERR_REFUSED,
			       "\"%s\" is no name of a machine type",
			       in->machine ? in->machine : "");
	if (*in->run_dir != '/' || strchr(in->run_dir, '\n'))
		return err_set(err, ERR_REFUSED,
			       "the run directory \"%s\" is not absolute",
			       in->run_dir);
	return 0;
}

static int check_length(struct argv_work *w, struct err *err)
{
	enum { SUN_PATH_MAX = 107 };

	if (!w->too_long && strlen(w->out->monitor0) <= SUN_PATH_MAX)
		return 0;
	err_set(err, ERR_REFUSED,
		"socket paths in the run directory %s would be longer than "
		"%d bytes, which UNIX sockets do not take",
		w->in->run_dir, SUN_PATH_MAX);
	return err_hint(err, "use a state directory with a shorter path");
}

static int rebuild_items(struct argv_work *w, struct err *err)
{
	AUTO_FREE char *type = argv_items_machine(w->items, "type");

	strv_push(&w->out->argv, w->in->binary);
	if (!type) {
		strv_push(&w->out->argv, "-machine");
		strv_push(&w->out->argv, w->in->machine);
	}
	for (size_t i = 0; i < w->items->n; i++) {
		if (rebuild_item(w, &w->items->v[i], err))
			return -1;
	}
	add_own(w);
	if (w->relative)
		w->out->cwd = argv_work_absolute(w, w->in->cwd);
	return check_length(w, err);
}

int argv_rebuild(const struct argv_input *in, struct argv_plan *out,
		 struct err *err)
{
	AUTO_STRV struct strv public = { .v = NULL };
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	struct argv_work w = { .in = in, .out = out, .items = &items };
	int rc;

	*out = (struct argv_plan){ .cwd = NULL };
	if (check_input(in, err))
		return -1;
	out->remapped = xcalloc(in->n_remaps + 1, sizeof(*out->remapped));
	argv_restore(in->argv, in->moves, &public);
	argv_items_read(&items, &public, argv_table_find);
	rc = rebuild_items(&w, err);
	for (size_t i = 0; i < ARRAY_SIZE(w.handed); i++)
		free(w.handed[i]);
	if (rc)
		argv_plan_free(out);
	return rc;
}
