/* SPDX-License-Identifier: MIT */
/* unfinished: runs that a recovery has yet to finish or undo. */
#include "engine/state/unfinished.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/hosts/guest_id.h"
#include "engine/hosts/proc_stat.h"
#include "engine/state/journal_identity.h"
#include "engine/state/journal_line.h"
#include "engine/state/recording_read.h"
#include "engine/state/state_dir.h"
#include "engine/state/verdict.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

/* Without a record nothing was begun. */
static bool is_open(const struct journal_view *v)
{
	return v->n && !journal_record_is_final(journal_state(v));
}

bool unfinished_is(const char *state, const char *run)
{
	AUTO_FREE char *path = state_dir_journal(state, run);
	struct journal_view v;
	bool open = journal_read(path, &v, NULL) == 0 ? is_open(&v)
						      : errno != ENOENT;

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

static bool is_true(const struct journal_view *v, const char *key)
{
	return json_object_get_boolean(journal_value(v, key));
}

static uint64_t number_of(const struct journal_view *v, const char *key)
{
	return json_object_get_uint64(journal_value(v, key));
}

/* --- is the owner decided? ----------------------------------------------- */

static bool is_alive(const struct identity *id)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/stat", (int)id->pid);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct proc_stat stat;
	char line[512];
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	/* it may be hidden from us (hidepid=) */
	if (n <= 0)
		return kill(id->pid, 0) == 0 || errno != ESRCH;
	line[n] = '\0';
	/* one that cannot be read may be any */
	return proc_stat_read(line, &stat) < 0 ||
	       (stat.start_ticks == id->start_ticks && stat.state != 'Z');
}

static bool is_source_back(const struct journal_view *v)
{
	return journal_state(v) == JOURNAL_ABORTING &&
	       is_true(v, "source_back");
}

/* The token of the run, read back on this host. */
static void read_token(const char *path, struct identity_space *now)
{
	AUTO_FD int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[IDENTITY_WORD] = "";

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		text[strcspn(text, "\n")] = '\0';
	memcpy(now->token, text, sizeof(text));
}

/* As far as it is known without its monitor. */
static enum side_state source_of(const struct journal_view *v,
				 const struct identity_space *here)
{
	const struct identity id = journal_identity(v, JOURNAL_SOURCE);
	struct identity_space now = *here;
	enum identity_match where;

	if (id.token_file)
		read_token(id.token_file, &now);
	where = identity_compare(&id.space, &now);
	if (where == IDENTITY_ELSEWHERE)
		return SIDE_UNKNOWN;
	if (where == IDENTITY_REBOOTED || !is_alive(&id))
		return SIDE_GONE;
	/* as it was seen when that was written; nobody else stops it */
	return is_source_back(v) ? SIDE_RUNS : SIDE_UNKNOWN;
}

bool unfinished_is_rest(const struct journal_view *v,
			const struct identity_space *here)
{
	const struct verdict_input in = {
		.journal = journal_state(v),
		.source = source_of(v, here),
		.destination = SIDE_UNKNOWN,
		.disks_moved = journal_value(v, "disks") != NULL,
		.source_unwatched = true,
		.source_ran = is_true(v, "source_ran"),
		.destination_ran = is_true(v, "destination_ran"),
	};

	switch (verdict_decide(&in).verdict) {
	case VERDICT_ABORT:
		return is_source_back(v);
	case VERDICT_FINISH:
	case VERDICT_LOST:
		return in.source == SIDE_GONE;
	default:
		return false;
	}
}

/* --- whose are they? ------------------------------------------------------ */

static bool same_key(const char *key, const struct unfinished_asker *a)
{
	AUTO_FREE char *x = guest_id_early_key(key, a->uid);
	AUTO_FREE char *y = guest_id_early_key(a->key, a->uid);

	return !strcasecmp(x, y);
}

/* Every BEGIN names the user; without that it may be any user's. */
static bool is_of_user(const struct journal_view *v, uid_t uid)
{
	return !json_object_is_type(journal_value(v, "uid"), json_type_int) ||
	       number_of(v, "uid") == uid;
}

static bool is_its(const struct journal_view *v,
		   const struct unfinished_asker *a)
{
	return is_of_user(v, a->uid) && same_key(text_of(v, "key"), a);
}

/* --- those that can be read ----------------------------------------------- */

static void add_rest(const char *run, const struct journal_view *v,
		     struct strv *rests)
{
	const char *host = text_of(v, "destination");
	const char *token = journal_identity(v, JOURNAL_DESTINATION).token_file;
	AUTO_FREE char *file = token ? xasprintf(", file %s", token) : NULL;

	if (journal_state(v) == JOURNAL_DESTRUN)
		strv_pushf(rests,
			   "what %s left on %s waits to be cleaned up: names "
			   "of sockets, directory %s%s",
			   run, host, text_of(v, "lock"), file ? file : "");
	else
		strv_pushf(rests,
			   "what %s left on %s waits to be cleaned up: QEMU "
			   "pid %llu, directories %s and %s%s",
			   run, host,
			   (unsigned long long)number_of(v, "destination_pid"),
			   text_of(v, "directory"), text_of(v, "lock"),
			   file ? file : "");
}

static enum unfinished refuse(const char *run, const struct journal_view *v,
			      struct err *err)
{
	const char *guest = text_of(v, "guest");
	AUTO_FREE char *word = quote_text(guest);

	err_set(err, ERR_REFUSED,
		"an earlier run of %s, %s to %s, is unfinished: its journal "
		"says %s last",
		guest, run, text_of(v, "destination"),
		journal_record_name(journal_state(v)));
	err_hint(err,
		 "vmferry recover %s finishes or undoes it, if its guardian "
		 "does not do so before; then migrate again",
		 word);
	return UNFINISHED_OPEN;
}

static enum unfinished judge(const char *run, const struct journal_view *v,
			     const struct unfinished_asker *a,
			     struct strv *rests, struct err *err)
{
	const struct identity from = journal_identity(v, JOURNAL_SOURCE);
	const struct identity to = journal_identity(v, JOURNAL_DESTINATION);

	if (!is_open(v) || !is_its(v, a) ||
	    identity_other_machine(&from.space, a->here))
		return UNFINISHED_NONE;
	/* a host that answers can be cleaned up first */
	if (!unfinished_is_rest(v, a->here) ||
	    (a->destination &&
	     identity_same_machine(&to.space, a->destination)))
		return refuse(run, v, err);
	add_rest(run, v, rests);
	return UNFINISHED_NONE;
}

/* --- those that are damaged ----------------------------------------------- */

enum whose { WHOSE_UNKNOWN, WHOSE_ANOTHERS, WHOSE_ITS };

/* By BEGIN, which has a checksum of its own. */
static enum whose whose_by_journal(const char *path,
				   const struct unfinished_asker *a)
{
	enum {
		FIRST = JOURNAL_FIRST_BYTES,
		HEAD = FIRST + JOURNAL_LINE_HEAD + JOURNAL_TEXT_MAX + 1,
	};
	AUTO_FD int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	AUTO_BUF struct buf b = { 0 };
	struct journal_entry e;
	struct journal_view v = { .v = &e, .n = 1 };
	enum whose whose = WHOSE_UNKNOWN;
	const char *line;
	size_t len;
	ssize_t n = fd < 0 ? -1 : read(fd, buf_reserve(&b, HEAD), HEAD);

	if (n <= FIRST)
		return WHOSE_UNKNOWN;
	buf_commit(&b, (size_t)n);
	line = buf_data(&b) + FIRST;
	len = journal_line_version(buf_data(&b), (size_t)n)
		      ? journal_line_whole(line, (size_t)n - FIRST)
		      : 0;
	if (!len ||
	    journal_line_parse(line + JOURNAL_LINE_HEAD,
			       len - JOURNAL_LINE_HEAD - 1, 1, &e, NULL) < 0)
		return WHOSE_UNKNOWN;
	if (strcmp(text_of(&v, "key"), "?") != 0)
		whose = is_its(&v, a) ? WHOSE_ITS : WHOSE_ANOTHERS;
	json_object_put(e.data);
	return whose;
}

/* By what the run's recording beside it says of its guest. */
static enum whose whose_by_recording(const char *state, const char *run,
				     const struct unfinished_asker *a)
{
	bool has_uuid = strncmp(a->key, "guest-", 6) != 0;
	enum whose whose = WHOSE_UNKNOWN;
	struct recording_view v;
	const char *uuid;

	if (recording_view_read(state, run, &v) && v.last[EVENT_FACTS]) {
		uuid = recording_uuid(&v);
		if (uuid && recording_may_be_of_user(&v, a->uid))
			whose = same_key(uuid, a) ? WHOSE_ITS : WHOSE_ANOTHERS;
		else if (uuid || has_uuid ||
			 !recording_may_be_of_user(&v, a->uid) ||
			 strcmp(recording_guest(&v), a->guest) != 0)
			whose = WHOSE_ANOTHERS;
	}
	recording_view_free(&v);
	return whose;
}

static enum unfinished judge_damaged(const char *state, const char *run,
				     const char *path,
				     const struct unfinished_asker *a,
				     struct err *err)
{
	enum whose whose = whose_by_journal(path, a);

	if (whose == WHOSE_UNKNOWN)
		whose = whose_by_recording(state, run, a);
	if (whose == WHOSE_ANOTHERS)
		return UNFINISHED_NONE;
	err_wrap(err, ERR_REFUSED,
		 "the journal of %s cannot be trusted, and %s", run,
		 whose == WHOSE_ITS ? "it is about this guest"
				    : "may be about this guest");
	if (whose == WHOSE_ITS)
		err_hint(err, "vmferry recover %s says what to do", run);
	else
		err_hint(err,
			 "vmferry recover %s says what to do; --skip-check "
			 "unfinished goes on if it is about another guest",
			 run);
	return whose == WHOSE_ITS ? UNFINISHED_OPEN : UNFINISHED_UNREAD;
}

/* --- all of them ---------------------------------------------------------- */

static enum unfinished look_at(const char *state, const char *run,
			       const struct unfinished_asker *a,
			       struct strv *rests, struct err *err)
{
	AUTO_FREE char *path = state_dir_journal(state, run);
	enum unfinished found = UNFINISHED_NONE;
	struct journal_view v;

	if (journal_read(path, &v, err) == 0)
		found = judge(run, &v, a, rests, err);
	else if (errno != ENOENT)
		found = judge_damaged(state, run, path, a, err);
	journal_view_free(&v);
	return found;
}

static enum unfinished refuse_unseen(const char *runs, int errnum,
				     struct err *err)
{
	err_sys(err, errnum, "cannot read %s", runs);
	err_wrap(err, ERR_REFUSED,
		 "it cannot be told whether an earlier run is unfinished");
	err_hint(err, "make it readable, or name another place with "
		      "--state-dir");
	return UNFINISHED_OPEN;
}

enum unfinished unfinished_look(const char *state,
				const struct unfinished_asker *asker,
				struct strv *rests, struct err *err)
{
	AUTO_FREE char *runs = state_dir_runs(state);
	DIR *d = opendir(runs);
	enum unfinished worst = UNFINISHED_NONE;
	const struct dirent *e;

	if (!d)
		return errno == ENOENT ? worst
				       : refuse_unseen(runs, errno, err);
	while (worst < UNFINISHED_OPEN && (e = readdir(d))) {
		AUTO_ERR struct err one = { 0 };
		enum unfinished found;

		if (e->d_name[0] == '.')
			continue;
		found = look_at(state, e->d_name, asker, rests, &one);
		if (found <= worst)
			continue;
		worst = found;
		err_move(err, &one);
	}
	closedir(d);
	return worst;
}
