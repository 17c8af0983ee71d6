/* SPDX-License-Identifier: MIT */
/* moved: the durable mark on a source that a guest has moved away. */
#include "engine/state/moved.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "engine/state/state_dir.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

enum { MOST_BYTES = 16 << 10 };

void moved_free(struct moved *m)
{
	free(m->run);
	/* NOLINTNEXTLINE(*-unix.Malloc): all are NULL once they are free */
	free(m->guest);
	free(m->uuid);
	free(m->source);
	free(m->destination);
	free(m->machine);
	*m = (struct moved){ .run = NULL };
}

/* --- writing -------------------------------------------------------------- */

static void put(struct buf *b, const char *key, const char *value)
{
	AUTO_FREE char *safe = answer_safe_value(value);

	buf_printf(b, "%s=%s\n", key, safe);
}

static char *text_of(const struct moved *m)
{
	struct buf b = { 0 };

	buf_printf(&b, MOVED_FIRST_LINE);
	put(&b, "run", m->run);
	put(&b, "guest", m->guest);
	put(&b, "uuid", m->uuid);
	put(&b, "source", m->source);
	put(&b, "destination", m->destination);
	put(&b, "machine", m->machine);
	buf_printf(&b, "pid=%d\nticks=%llu\nmoved=%.0f\n", (int)m->pid,
		   (unsigned long long)m->ticks, m->moved_s);
	return buf_steal(&b);
}

static int sync_directory(const char *path, struct err *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && fsync(fd) == 0)
		return 0;
	return err_sys(err, errno, "cannot sync %s", path);
}

static int write_synced(char *path, const char *text, struct err *err)
{
	AUTO_FD int fd = mkostemp(path, O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return err_sys(err, errno, "cannot make %s", path);
	if (write(fd, text, len) == (ssize_t)len && fsync(fd) == 0)
		return 0;
	err_sys(err, errno, "cannot write %s", path);
	(void)unlink(path);
	return -1;
}

/* It may be there already, and yet be lost with the power. */
static int make_directory(const char *state, const char *dir, struct err *err)
{
	if (state_dir_make(dir, err) < 0 || state_dir_trust(dir, err) < 0)
		return -1;
	return sync_directory(state, err);
}

/* --- reading -------------------------------------------------------------- */

/* As it is written: a damaged mark, too, is found by what it says. */
static char *value_or_empty(const char *text, const char *key)
{
	AUTO_FREE char *v = answer_value(text, key);

	return answer_safe_value(v);
}

static uint64_t number(const char *text, const char *key)
{
	AUTO_FREE char *v = answer_value(text, key);

	return v ? strtoull(v, NULL, 10) : 0;
}

/* ERR_PROTOCOL for what is no mark: it may be about any guest. */
static int read_mark(const char *path, struct moved *m, struct err *err)
{
	AUTO_FD int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[MOST_BYTES];
	struct stat st;
	ssize_t n;

	*m = (struct moved){ .run = NULL };
	n = fd < 0 || fstat(fd, &st) < 0 ? -1
	    : S_ISREG(st.st_mode)	 ? read(fd, text, sizeof(text) - 1)
					 : 0;
	if (n < 0) {
		err_sys(err, errno, "cannot read %s", path);
		return -1;
	}
	text[n] = '\0';
	if (strncmp(text, MOVED_FIRST_LINE, strlen(MOVED_FIRST_LINE)) != 0) {
		err_set(err, ERR_PROTOCOL, "%s is no mark of a move", path);
		return -1;
	}
	*m = (struct moved){
		.run = value_or_empty(text, "run"),
		.guest = value_or_empty(text, "guest"),
		.uuid = value_or_empty(text, "uuid"),
		.source = value_or_empty(text, "source"),
		.destination = value_or_empty(text, "destination"),
		.machine = value_or_empty(text, "machine"),
		.pid = (pid_t)number(text, "pid"),
		.ticks = number(text, "ticks"),
		.moved_s = (double)number(text, "moved"),
	};
	return 0;
}

/* Called for each mark; 0: go on, else walk() ends with it. */
typedef int visitor(void *arg, const char *path, struct moved *m,
		    struct err *err);

static int visit(const char *dir, const char *name, visitor *see, void *arg,
		 struct err *err)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	struct moved m;
	int rc = read_mark(path, &m, err);

	if (rc == 0)
		rc = see(arg, path, &m, err);
	moved_free(&m);
	return rc;
}

static int walk(const char *dir, visitor *see, void *arg, struct err *err)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int rc = 0;

	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_sys(err, errno, "cannot read %s", dir);
	while (rc == 0 && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			rc = visit(dir, e->d_name, see, arg, err);
	}
	closedir(d);
	return rc;
}

/* --- whose ---------------------------------------------------------------- */

static bool is_same_guest(const struct moved *a, const struct moved *b)
{
	if (*a->uuid || *b->uuid)
		return !strcasecmp(a->uuid, b->uuid);
	return !strcmp(a->guest, b->guest);
}

struct forgetting {
	const struct moved *guest;
	const char *keep; /* a run, or NULL */
	bool any;
};

static int forget_one(void *arg, const char *path, struct moved *m,
		      struct err *err)
{
	struct forgetting *f = arg;

	if (!is_same_guest(f->guest, m) ||
	    (f->keep && !strcmp(f->keep, m->run)))
		return 0;
	f->any = true;
	return unlink(path) == 0 || errno == ENOENT
		       ? 0
		       : err_sys(err, errno, "cannot remove %s", path);
}

/* @m with values as they are in the files. */
static int forget(const char *dir, const struct moved *m, const char *keep,
		  struct err *err)
{
	AUTO_FREE char *guest = answer_safe_value(m->guest);
	AUTO_FREE char *uuid = answer_safe_value(m->uuid);
	const struct moved plain = { .guest = guest, .uuid = uuid };
	struct forgetting f = { .guest = &plain, .keep = keep };

	if (walk(dir, forget_one, &f, err) < 0)
		return -1;
	return f.any ? sync_directory(dir, err) : 0;
}

int moved_forget(const char *state, const struct moved *m, struct err *err)
{
	AUTO_FREE char *dir = state_dir_moved(state);

	return forget(dir, m, NULL, err);
}

int moved_write(const char *state, const struct moved *m, struct err *err)
{
	AUTO_FREE char *dir = state_dir_moved(state);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, m->run);
	AUTO_FREE char *fresh = xasprintf("%s/.new-XXXXXX", dir);
	AUTO_FREE char *text = text_of(m);

	if (make_directory(state, dir, err) < 0 ||
	    write_synced(fresh, text, err) < 0)
		return -1;
	if (rename(fresh, path) < 0) {
		err_sys(err, errno, "cannot make %s", path);
		(void)unlink(fresh);
		return -1;
	}
	if (sync_directory(dir, err) < 0)
		return -1;
	return forget(dir, m, m->run, err);
}

struct finding {
	const char *word;
	struct moved *out;
	bool found;
};

static int find_one(void *arg, const char *path, struct moved *m,
		    struct err *err)
{
	struct finding *f = arg;

	(void)path;
	(void)err;
	if (strcmp(m->guest, f->word) != 0 &&
	    (!*m->uuid || strcasecmp(m->uuid, f->word) != 0))
		return 0;
	if (f->found && f->out->moved_s > m->moved_s)
		return 0;
	moved_free(f->out);
	*f->out = *m;
	*m = (struct moved){ .run = NULL };
	f->found = true;
	return 0;
}

int moved_find(const char *state, const char *word, struct moved *out,
	       struct err *err)
{
	AUTO_FREE char *dir = state_dir_moved(state);
	struct finding f = { .word = word, .out = out };

	*out = (struct moved){ .run = NULL };
	if (walk(dir, find_one, &f, err) == 0)
		return f.found;
	moved_free(out);
	return -1;
}

bool moved_is_marked(const char *state, const char *run)
{
	AUTO_FREE char *dir = state_dir_moved(state);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, run);

	return access(path, F_OK) == 0;
}
