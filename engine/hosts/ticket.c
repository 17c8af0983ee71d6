/* SPDX-License-Identifier: MIT */
/* ticket: the line of those who wait to leave; theory in ticket.h. */
#include "engine/hosts/ticket.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/clock.h"
#include "transport/base/lockfile.h"
#include "transport/base/xalloc.h"

enum { TICKET_MAX = 4096 };

static const char *const state_names[] = {
	[TICKET_QUEUED] = "queued",
	[TICKET_GUEST] = "guest",
	[TICKET_THERE] = "there",
	[TICKET_GOING] = "going",
};
static_assert(ARRAY_SIZE(state_names) == TICKET_STATES, "a name for each");

struct ticket {
	char *directory, *locks;
	char *name; /* of its file */
	int fd;	    /* the file, locked */
	struct ticket_facts facts;
};

/* --- judging ------------------------------------------------------------- */

static bool waits(const struct ticket_facts *f, int64_t now_us)
{
	return f->state != TICKET_GOING &&
	       now_us - f->seen_us < TICKET_STALE_US;
}

/* An earlier one waits for the same destination: it is not its turn either. */
static bool is_behind(const struct ticket_facts *line, size_t i, int64_t now_us)
{
	for (size_t j = 0; j < i; j++) {
		if (line[j].state == TICKET_THERE && waits(&line[j], now_us) &&
		    !strcmp(line[j].to, line[i].to))
			return true;
	}
	return false;
}

struct ticket_turn ticket_judge(const struct ticket_facts *line, size_t n,
				size_t mine, const struct strv *locks,
				unsigned int limit, int64_t now_us)
{
	const struct ticket_facts *me = &line[mine];
	struct ticket_turn t = { .leaving = locks->n };
	bool guest = strv_has(locks, me->key);

	for (size_t i = 0; i < n; i++) {
		const struct ticket_facts *f = &line[i];
		bool going = f->state == TICKET_GOING;
		bool earlier = i < mine && waits(f, now_us);

		if (i == mine || (!going && !earlier))
			continue;
		if (!strcmp(f->key, me->key))
			guest = true;
		if (going && !strv_has(locks, f->key))
			t.leaving++;
		if (going && !strcmp(f->to, me->to))
			t.ahead_bytes += f->ram_bytes;
		if (f->state == TICKET_QUEUED && !is_behind(line, i, now_us))
			t.ahead++;
	}
	if (guest)
		t.turn = TURN_GUEST;
	else if (is_behind(line, mine, now_us))
		t.turn = TURN_BEHIND;
	else if (t.ahead || t.leaving >= limit)
		t.turn = TURN_PLACE;
	return t;
}

/* --- the directory ------------------------------------------------------- */

/* The descriptor that holds the line's lock, or -1. */
static int lock_line(const struct ticket *t, struct err *err)
{
	AUTO_FD int fd = open(t->directory,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", t->directory);
	if (lockfile_wait(fd, t->directory, MONO_NEVER, err) < 0)
		return -1;
	return steal_fd(&fd);
}

static int write_ticket(struct ticket *t, struct err *err)
{
	AUTO_FREE char *text = NULL;

	t->facts.seen_us = mono_now().us;
	text = xasprintf("state=%s\nseen_us=%lld\nkey=%s\nto=%s\n"
			 "ram_bytes=%llu\npid=%d\n",
			 state_names[t->facts.state],
			 (long long)t->facts.seen_us, t->facts.key, t->facts.to,
			 (unsigned long long)t->facts.ram_bytes, (int)getpid());
	if (ftruncate(t->fd, 0) == 0 &&
	    pwrite(t->fd, text, strlen(text), 0) == (ssize_t)strlen(text))
		return 0;
	return err_sys(err, errno, "cannot write %s/%s", t->directory, t->name);
}

/* --- everybody's tickets ------------------------------------------------- */

static enum ticket_state parse_state(const char *word)
{
	for (int i = 0; word && i < TICKET_STATES; i++) {
		if (!strcmp(state_names[i], word))
			return (enum ticket_state)i;
	}
	return TICKET_QUEUED;
}

static char *text_or_empty(const char *text, const char *key)
{
	char *value = answer_value(text, key);

	return value ? value : xstrdup("");
}

static void parse_ticket(const char *text, struct ticket_facts *out)
{
	AUTO_FREE char *state = answer_value(text, "state");
	AUTO_FREE char *seen = text_or_empty(text, "seen_us");
	AUTO_FREE char *ram = text_or_empty(text, "ram_bytes");

	*out = (struct ticket_facts){
		.key = text_or_empty(text, "key"),
		.to = text_or_empty(text, "to"),
		.ram_bytes = strtoull(ram, NULL, 10),
		.state = parse_state(state),
		.seen_us = strtoll(seen, NULL, 10),
	};
}

static void facts_free(struct ticket_facts *f)
{
	free(f->key);
	free(f->to);
}

/* False for a dead one's, which is dropped. */
static bool read_ticket(int directory, const char *name,
			struct ticket_facts *out)
{
	AUTO_FD int fd =
		openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[TICKET_MAX];
	ssize_t n;

	if (fd < 0)
		return false;
	if (!lockfile_is_held(fd)) {
		(void)unlinkat(directory, name, 0);
		return false;
	}
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return false;
	text[n] = '\0';
	parse_ticket(text, out);
	return true;
}

struct line {
	struct ticket_facts *v;
	size_t n, mine;
};

static void line_free(struct line *l)
{
	for (size_t i = 0; i < l->n; i++)
		facts_free(&l->v[i]);
	free(l->v);
}

/* In the order of their names. */
static int read_line(const struct ticket *t, int fd, struct line *l,
		     struct err *err)
{
	struct dirent **names = NULL;
	bool found = false;
	int n = scandir(t->directory, &names, NULL, alphasort);

	if (n < 0) {
		err_sys(err, errno, "cannot read %s", t->directory);
		return -1;
	}
	l->v = xcalloc((size_t)n, sizeof(*l->v));
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (name[0] != '.' && read_ticket(fd, name, &l->v[l->n])) {
			if (!strcmp(name, t->name)) {
				found = true;
				l->mine = l->n;
			}
			l->n++;
		}
		free(names[i]);
	}
	free(names);
	return found ? 0
		     : err_set(err, ERR_SYSTEM,
			       "somebody removed the ticket %s/%s",
			       t->directory, t->name);
}

/* --- runs under way ------------------------------------------------------ */

/* The keys of the guests that are being migrated from this host. */
static void read_locks(const struct ticket *t, struct strv *keys)
{
	DIR *d = opendir(t->locks);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		AUTO_FREE char *path = xasprintf("%s/%s", t->locks, e->d_name);

		if (e->d_name[0] != '.' && lockfile_is_held_at(path))
			strv_push(keys, e->d_name);
	}
	if (d)
		(void)closedir(d);
}

/* --- one's own ----------------------------------------------------------- */

static int create(struct ticket *t, const char *id, struct err *err)
{
	AUTO_FD int line = lock_line(t, err);

	if (line < 0)
		return -1;
	/* named under the lock: names are in the order of arrival */
	t->name = xasprintf("%020lld-%s", (long long)mono_now().us, id);
	t->fd = openat(line, t->name,
		       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		       0600);
	if (t->fd < 0 || lockfile_take(t->fd) < 0)
		return err_sys(err, errno, "cannot make %s/%s", t->directory,
			       t->name);
	return write_ticket(t, err);
}

struct ticket *ticket_take(const char *directory, const char *locks,
			   const char *id, const char *key, const char *to,
			   uint64_t ram_bytes, struct err *err)
{
	struct ticket *t = XNEW(struct ticket);

	*t = (struct ticket){
		.directory = xstrdup(directory),
		.locks = xstrdup(locks),
		.fd = -1,
		.facts = { .key = xstrdup(key),
			   .to = xstrdup(to),
			   .ram_bytes = ram_bytes },
	};
	if (create(t, id, err) == 0)
		return t;
	ticket_drop(t);
	return NULL;
}

static enum ticket_state next_state(enum ticket_state now, enum turn turn)
{
	if (turn == TURN_GO)
		return TICKET_GOING;
	if (turn == TURN_GUEST)
		return TICKET_GUEST;
	return now == TICKET_GUEST ? TICKET_QUEUED : now;
}

int ticket_look(struct ticket *t, unsigned int limit, struct ticket_turn *out,
		struct err *err)
{
	AUTO_FD int fd = lock_line(t, err);
	AUTO_STRV struct strv locks = { 0 };
	struct line line = { .v = NULL };
	int rc = -1;

	if (fd >= 0 && read_line(t, fd, &line, err) == 0) {
		read_locks(t, &locks);
		*out = ticket_judge(line.v, line.n, line.mine, &locks, limit,
				    mono_now().us);
		t->facts.state = next_state(t->facts.state, out->turn);
		rc = write_ticket(t, err);
	}
	line_free(&line);
	return rc;
}

int ticket_wait(struct ticket *t, enum ticket_state state, struct err *err)
{
	AUTO_FD int fd = lock_line(t, err);

	if (fd < 0)
		return -1;
	t->facts.state = state;
	return write_ticket(t, err);
}

enum ticket_state ticket_state(const struct ticket *t)
{
	return t->facts.state;
}

void ticket_drop(struct ticket *t)
{
	if (!t)
		return;
	if (t->fd >= 0) {
		AUTO_FREE char *path =
			xasprintf("%s/%s", t->directory, t->name);

		(void)unlink(path);
	}
	close_fd(t->fd);
	free(t->directory);
	free(t->locks);
	free(t->name);
	facts_free(&t->facts);
	free(t);
}
