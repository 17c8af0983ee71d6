/* SPDX-License-Identifier: MIT */
/* recording_read: what recordings say of their runs. */
#include "engine/state/recording_read.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/recording_file.h"
#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "transport/base/buf.h"
#include "transport/base/lockfile.h"
#include "transport/base/xalloc.h"

enum {
	CHUNK = 256 * 1024,
	LINE_MAX_BYTES = 16 << 20,
	HEAD_BYTES = 256, /* of a line: its kind is in them */
};

static const char *const state_names[] = {
	[RECORDING_RUNNING] = "running",
	[RECORDING_ENDED] = "ended",
	[RECORDING_BROKEN] = "broken",
};
static_assert(ARRAY_SIZE(state_names) == RECORDING_STATES,
	      "a name for each state");

const char *recording_state_name(enum recording_state s)
{
	assert(s < RECORDING_STATES);
	return state_names[s];
}

/* --- members ------------------------------------------------------------- */

static struct json_at last_of(const struct recording_view *v,
			      enum event_kind kind)
{
	return (struct json_at){ v->last[kind], event_kind_name(kind) };
}

double recording_number(const struct recording_view *v, enum event_kind kind,
			const char *key)
{
	double x = NAN;

	if (json_has(last_of(v, kind), key))
		(void)json_opt_double(last_of(v, kind), key, &x, NULL);
	return x;
}

const char *recording_text(const struct recording_view *v, enum event_kind kind,
			   const char *key)
{
	const char *s = NULL;

	if (json_has(last_of(v, kind), key))
		(void)json_opt_str(last_of(v, kind), key, &s, NULL);
	return s;
}

/* Before the guest is found there is but the word that was given for it. */
const char *recording_guest(const struct recording_view *v)
{
	const char *s = recording_text(v, EVENT_RESULT, "guest");

	s = s ? s : recording_text(v, EVENT_FACTS, "guest");
	s = s ? s : recording_text(v, EVENT_RUN_START, "guest");
	return s ? s : "?";
}

const char *recording_uuid(const struct recording_view *v)
{
	return recording_text(v, EVENT_FACTS, "uuid");
}

bool recording_is_of(const struct recording_view *v, const char *word)
{
	const char *given = recording_text(v, EVENT_RUN_START, "guest");
	const char *uuid = recording_uuid(v);

	return !strcmp(v->run, word) || !strcmp(recording_guest(v), word) ||
	       (given && !strcmp(given, word)) ||
	       (uuid && !strcasecmp(uuid, word));
}

bool recording_is_recovered(const struct recording_view *v)
{
	bool is = false;

	if (json_has(last_of(v, EVENT_RESULT), "recovered"))
		(void)json_opt_bool(last_of(v, EVENT_RESULT), "recovered", &is,
				    NULL);
	return is;
}

bool recording_may_be_of_user(const struct recording_view *v, uid_t uid)
{
	double user = recording_number(v, EVENT_FACTS, "uid");

	return isnan(user) || user == uid;
}

bool recording_is_of_user(const struct recording_view *v, uid_t uid)
{
	return recording_number(v, EVENT_FACTS, "uid") == uid;
}

bool recording_same_guest(const struct recording_view *a,
			  const struct recording_view *b)
{
	const char *x = recording_uuid(a), *y = recording_uuid(b);
	double user = recording_number(a, EVENT_FACTS, "uid");

	if (!isnan(user) && !recording_may_be_of_user(b, (uid_t)user))
		return false;
	if (x && y)
		return !strcasecmp(x, y);
	return !strcmp(recording_guest(a), recording_guest(b));
}

/* --- one file ------------------------------------------------------------ */

/*
 * Most lines are never parsed: the kind is among the first members, which hold
 * no words of others.
 */
static int kind_of(const char *line, size_t len)
{
	static const char member[] = "\"event\":\"";
	size_t head = len < HEAD_BYTES ? len : HEAD_BYTES;
	const char *at = memmem(line, head, member, strlen(member));

	for (int k = 0; at && k < EVENT_KINDS; k++) {
		const char *name = event_kind_name((enum event_kind)k);
		size_t n = strlen(name), left;

		left = (size_t)(line + len - at) - strlen(member);
		if (left > n && !memcmp(at + strlen(member), name, n) &&
		    at[strlen(member) + n] == '"')
			return k;
	}
	return -1;
}

static void take_lines(struct buf *b, struct buf *last)
{
	const char *nl;

	while ((nl = memchr(buf_data(b), '\n', buf_len(b)))) {
		size_t len = (size_t)(nl - buf_data(b));
		int k = kind_of(buf_data(b), len);

		if (k >= 0) {
			buf_truncate(&last[k], 0);
			buf_append(&last[k], buf_data(b), len);
		}
		buf_consume(b, len + 1);
	}
}

static void parse_last(struct recording_view *v, struct buf *last)
{
	for (int k = 0; k < EVENT_KINDS; k++) {
		double t;

		if (buf_len(&last[k]))
			v->last[k] = json_parse(buf_data(&last[k]),
						buf_len(&last[k]), NULL);
		buf_free(&last[k]);
		t = recording_number(v, (enum event_kind)k, "t");
		v->updated_s = fmax(v->updated_s, t);
	}
	v->started_s = recording_number(v, EVENT_RUN_START, "t");
}

static void read_events(struct recording_view *v, int fd)
{
	struct buf last[EVENT_KINDS] = { 0 };
	AUTO_BUF struct buf b = { 0 };
	ssize_t n;

	do {
		n = read(fd, buf_reserve(&b, CHUNK), CHUNK);
		if (n > 0) {
			buf_commit(&b, (size_t)n);
			take_lines(&b, last);
		}
	} while ((n > 0 && buf_len(&b) < LINE_MAX_BYTES) ||
		 (n < 0 && errno == EINTR));
	parse_last(v, last);
}

void recording_view_free(struct recording_view *v)
{
	for (int k = 0; k < EVENT_KINDS; k++)
		json_object_put(v->last[k]);
	free(v->run);
	free(v->path);
}

/* False when it is no recording. */
static bool view_read(int dir, const char *path, const char *name,
		      struct recording_view *v)
{
	/* NOLINTNEXTLINE(*-unix.StdC*): dirfd() cannot fail here */
	AUTO_FD int fd = openat(dir, name,
				O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	bool held;

	*v = (struct recording_view){ .updated_s = NAN };
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	/* first: an engine that ends meanwhile has written its result */
	held = lockfile_is_held(fd);
	read_events(v, fd);
	v->state = v->last[EVENT_RESULT] ? RECORDING_ENDED
		   : held		 ? RECORDING_RUNNING
					 : RECORDING_BROKEN;
	v->run = recording_file_run(name);
	v->path = xasprintf("%s/%s", path, name);
	return v->last[EVENT_RUN_START];
}

bool recording_view_read(const char *state, const char *run,
			 struct recording_view *v)
{
	AUTO_FREE char *dir = state_dir_recordings(state);
	AUTO_FREE char *name = recording_file_name(run);
	AUTO_FD int fd =
		open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*v = (struct recording_view){ .updated_s = NAN };
	return fd >= 0 && view_read(fd, dir, name, v);
}

/* --- all ----------------------------------------------------------------- */

static int latest_first(const void *a, const void *b)
{
	const struct recording_view *x = a, *y = b;

	if (x->started_s != y->started_s)
		return x->started_s < y->started_s ? 1 : -1;
	return strcmp(x->run, y->run);
}

static void read_files(DIR *d, struct recordings *out)
{
	struct recording_view v;
	struct dirent *e;

	while ((e = readdir(d))) {
		if (!recording_file_is_name(e->d_name))
			continue;
		if (!view_read(dirfd(d), out->dir, e->d_name, &v)) {
			recording_view_free(&v);
			continue;
		}
		out->v = xrealloc(out->v, out->n + 1, sizeof(*out->v));
		out->v[out->n++] = v;
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), latest_first);
}

int recordings_read(const char *state, struct recordings *out, struct err *err)
{
	char *dir = state_dir_recordings(state);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d;
	int rc;

	*out = (struct recordings){ .dir = dir };
	if (fd < 0 && errno == ENOENT)
		return 0;
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		err_sys(err, errno, "cannot read the recordings in %s", dir);
		close_fd(fd);
		return -1;
	}
	rc = state_dir_trust(dir, err);
	if (rc == 0)
		read_files(d, out);
	closedir(d);
	return rc;
}

void recordings_free(struct recordings *list)
{
	for (size_t i = 0; i < list->n; i++)
		recording_view_free(&list->v[i]);
	free(list->v);
	free(list->dir);
	*list = (struct recordings){ .v = NULL };
}

const struct recording_view *recordings_to_replay(const struct recordings *list,
						  const char *word)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->v[i].run, word))
			return &list->v[i];
	}
	for (size_t i = 0; i < list->n; i++) {
		const struct recording_view *v = &list->v[i];

		if (v->state == RECORDING_ENDED && recording_is_of(v, word) &&
		    (v->last[EVENT_PASS] || v->last[EVENT_SWITCHOVER]))
			return v;
	}
	return NULL;
}
