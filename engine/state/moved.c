/* SPDX-License-Identifier: MIT */
/* moved: the durable mark on a source that a guest has moved away. */
#include "engine/state/moved.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/answer.h"
#include "engine/state/moved_mark.h"
#include "engine/state/state_dir.h"
#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"

void moved_free(struct moved *m)
{
	free(m->run);
	/* NOLINTNEXTLINE(*-unix.Malloc): all are NULL once they are free */
	free(m->guest);
	free(m->key);
	free(m->uuid);
	free(m->there_key);
	free(m->there_uuid);
	free(m->user);
	free(m->source);
	free(m->destination);
	free(m->machine);
	*m = (struct moved){ .run = NULL };
}

/* --- writing -------------------------------------------------------------- */

static int sync_directory(const char *path, struct err *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && fsync(fd) == 0)
		return 0;
	return err_sys(err, errno, "cannot sync %s", path);
}

static int write_synced(char *path, mode_t mode, const char *text,
			struct err *err)
{
	AUTO_FD int fd = mkostemp(path, O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return err_sys(err, errno, "cannot make %s", path);
	if (fchmod(fd, mode) == 0 && write(fd, text, len) == (ssize_t)len &&
	    fsync(fd) == 0)
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

static bool is_trusted(uid_t owner)
{
	return !owner || owner == geteuid();
}

/* One that another user has made may be about any guest: ERR_SYSTEM. */
static int read_mark(const char *path, struct moved *m, struct err *err)
{
	uid_t owner;

	if (moved_mark_read(AT_FDCWD, path, path, m, &owner, err) < 0)
		return -1;
	if (is_trusted(owner))
		return 0;
	moved_free(m);
	return err_set(err, ERR_SYSTEM, "%s belongs to user %u", path,
		       (unsigned int)owner);
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

struct guest_id moved_guest(const struct moved *m)
{
	return (struct guest_id){
		.uid = m->uid,
		.user = m->user,
		.name = m->guest,
		.uuid = m->uuid,
	};
}

static bool is_same_guest(const struct moved *a, const struct moved *b)
{
	AUTO_FREE char *key_a = moved_mark_key(a);
	AUTO_FREE char *key_b = moved_mark_key(b);
	struct guest_id x = moved_guest(a), y = moved_guest(b);

	x.name = key_a;
	y.name = key_b;
	return guest_id_same(&x, &y);
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

static int forget(const char *dir, const struct moved *m, const char *keep,
		  struct err *err)
{
	AUTO_FREE char *uuid = answer_safe_value(m->uuid);
	const struct moved plain = {
		.guest = m->guest,
		.key = m->key,
		.uuid = uuid,
		.uid = m->uid,
	};
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

int moved_forget_published(const char *state, const struct moved *m,
			   struct err *err)
{
	AUTO_FREE char *dir = state_dir_away(state);

	return forget(dir, m, NULL, err);
}

static int put_file(const char *dir, const char *path, mode_t mode,
		    const char *text, struct err *err)
{
	AUTO_FREE char *fresh = xasprintf("%s/.new-XXXXXX", dir);

	if (write_synced(fresh, mode, text, err) < 0)
		return -1;
	if (rename(fresh, path) < 0) {
		err_sys(err, errno, "cannot make %s", path);
		(void)unlink(fresh);
		return -1;
	}
	return sync_directory(dir, err);
}

int moved_write(const char *state, const struct moved *m, struct err *err)
{
	AUTO_FREE char *dir = state_dir_moved(state);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, m->run);
	AUTO_FREE char *text = moved_mark_text(m);

	if (make_directory(state, dir, err) < 0 ||
	    put_file(dir, path, 0600, text, err) < 0)
		return -1;
	return forget(dir, m, m->run, err);
}

int moved_publish(const char *state, const struct moved *m, struct err *err)
{
	AUTO_FREE char *dir = state_dir_away(state);
	AUTO_FREE char *path = state_dir_away_mark(state, m->run);
	AUTO_FREE char *text = moved_mark_public_text(m);

	if (state_dir_make_away(state, err) < 0 ||
	    sync_directory(state, err) < 0 ||
	    put_file(dir, path, 0644, text, err) < 0)
		return -1;
	return forget(dir, m, m->run, err);
}

int moved_retract(const char *state, const char *run, struct err *err)
{
	AUTO_FREE char *dir = state_dir_away(state);
	AUTO_FREE char *path = state_dir_away_mark(state, run);
	struct moved m;
	bool leaving;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (read_mark(path, &m, err) < 0)
		return -1;
	leaving = m.leaving;
	moved_free(&m);
	if (!leaving)
		return 0;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove %s", path);
	return sync_directory(dir, err);
}

/* Whether @word means the guest @m by its name, which is compared by key. */
static enum guest_meant meant_by_name(const struct moved *m, const char *word)
{
	const char *slash = strchr(word, '/');
	AUTO_FREE char *key = moved_mark_key(m);
	AUTO_FREE char *part = path_part(word);
	AUTO_FREE char *of_user = NULL;
	struct guest_id g = moved_guest(m);

	g.name = key;
	g.uuid = NULL;
	if (!*word || guest_id_meant(&g, part, m->uid) == GUEST_NOT_MEANT) {
		free(STEAL(part));
		if (!slash || !slash[1])
			return GUEST_NOT_MEANT;
		part = path_part(slash + 1);
		of_user = xasprintf("%.*s/%s", (int)(slash - word), word, part);
		return guest_id_meant(&g, of_user, geteuid());
	}
	/* a guest that is called like the other form of another's name */
	if (slash && m->uid != geteuid())
		return GUEST_NOT_MEANT;
	return guest_id_meant(&g, part, geteuid());
}

enum guest_meant moved_meant(const struct moved *m, const char *word)
{
	enum guest_meant by_name = meant_by_name(m, word);
	struct guest_id g = moved_guest(m);
	enum guest_meant by_uuid;

	g.name = NULL;
	by_uuid = guest_id_meant(&g, word, geteuid());
	return by_uuid > by_name ? by_uuid : by_name;
}

void moved_finding_add(struct moved_finding *f, struct moved *m)
{
	enum guest_meant how = moved_meant(m, f->word);
	bool again = how == f->found && f->out->run;
	bool several = again &&
		       (f->out->is_one_of_several || f->out->uid != m->uid);

	if (how == GUEST_NOT_MEANT || how < f->found)
		return;
	if (!again || f->out->moved_s <= m->moved_s) {
		moved_free(f->out);
		*f->out = *m;
		*m = (struct moved){ .run = NULL };
		f->found = how;
	}
	f->out->is_one_of_several = several;
}

static int find_one(void *arg, const char *path, struct moved *m,
		    struct err *err)
{
	(void)path;
	(void)err;
	moved_finding_add(arg, m);
	return 0;
}

static int find(const char *dir, const char *word, struct moved *out,
		struct err *err)
{
	struct moved_finding f = { .word = word, .out = out };

	*out = (struct moved){ .run = NULL };
	if (walk(dir, find_one, &f, err) == 0)
		return f.found != GUEST_NOT_MEANT;
	moved_free(out);
	return -1;
}

int moved_find(const char *state, const char *word, struct moved *out,
	       struct err *err)
{
	AUTO_FREE char *dir = state_dir_moved(state);

	return find(dir, word, out, err);
}

int moved_find_published(const char *state, const char *word, struct moved *out,
			 struct err *err)
{
	AUTO_FREE char *dir = state_dir_away(state);

	return find(dir, word, out, err);
}

bool moved_is_marked(const char *state, const char *run)
{
	AUTO_FREE char *dir = state_dir_moved(state);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, run);

	return access(path, F_OK) == 0;
}

/* --- of another host ------------------------------------------------------ */

void moved_each(const char *text, bool (*see)(void *arg, const struct moved *m),
		void *arg)
{
	static const char head[] = "mark=\n" MOVED_FIRST_LINE;
	const char *p = strstr(text, head);
	bool done = false;

	while (p && !done) {
		const char *begin = p + strlen(head);
		const char *next = strstr(begin, head);
		AUTO_FREE char *one =
			next ? xstrndup(begin, (size_t)(next - begin))
			     : xstrdup(begin);
		struct moved m = moved_mark_parse(one, (uid_t)-1);

		done = see(arg, &m);
		moved_free(&m);
		p = next;
	}
}
