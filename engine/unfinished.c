/* SPDX-License-Identifier: MIT */
/* unfinished: runs that a recovery has yet to finish or undo. */
#include "engine/unfinished.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/journal.h"
#include "transport/base/xalloc.h"

/* Without a record nothing was begun. */
static bool is_open(const struct journal_view *v)
{
	return v->n && !journal_is_final(journal_state(v));
}

bool unfinished_is(const char *path)
{
	struct journal_view v;
	bool open = journal_read(path, &v, NULL) == 0 ? is_open(&v)
						      : access(path, F_OK) == 0;

	journal_view_free(&v);
	return open;
}

static const char *text_of(const struct journal_view *v, const char *key)
{
	struct json_object *o = journal_value(v, key);

	return json_object_is_type(o, json_type_string)
		       ? json_object_get_string(o)
		       : "?";
}

static int refuse_unreadable(const char *run, struct err *err)
{
	err_wrap(err, ERR_REFUSED,
		 "the journal of %s cannot be trusted, and may be about this "
		 "guest",
		 run);
	return err_hint(err, "vmferry recover %s says what to do", run);
}

static int refuse(const char *run, const struct journal_view *v,
		  struct err *err)
{
	const char *guest = text_of(v, "guest");

	err_set(err, ERR_REFUSED,
		"an earlier run of %s, %s to %s, is unfinished: its journal "
		"says %s last, and nobody drives it now",
		guest, run, text_of(v, "destination"),
		journal_record_name(journal_state(v)));
	return err_hint(err,
			"vmferry recover %s finishes or undoes it; then "
			"migrate again",
			guest);
}

static int look_at(const char *runs, const char *run, const char *machine,
		   const char *key, struct err *err)
{
	AUTO_FREE char *path = xasprintf("%s/%s/journal", runs, run);
	AUTO_ERR struct err e = { 0 };
	struct journal_view v;
	int rc = 0;

	if (journal_read(path, &v, &e) == 0) {
		if (is_open(&v) && !strcmp(text_of(&v, "key"), key) &&
		    !strcmp(text_of(&v, "source_machine"), machine))
			rc = refuse(run, &v, err);
	} else if (access(path, F_OK) == 0) {
		err_move(err, &e);
		rc = refuse_unreadable(run, err);
	}
	journal_view_free(&v);
	return rc;
}

int unfinished_refuse(const char *runs, const char *machine, const char *key,
		      struct err *err)
{
	DIR *d = opendir(runs);
	const struct dirent *e;
	int rc = 0;

	if (!d && errno == ENOENT)
		return 0;
	if (!d) {
		err_sys(err, errno, "cannot read %s", runs);
		err_wrap(err, ERR_REFUSED,
			 "it cannot be told whether an earlier run is "
			 "unfinished");
		return err_hint(err, "make it readable, or name another place "
				     "with --state-dir");
	}
	while (rc == 0 && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			rc = look_at(runs, e->d_name, machine, key, err);
	}
	closedir(d);
	return rc;
}
