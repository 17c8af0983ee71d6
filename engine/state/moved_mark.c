/* SPDX-License-Identifier: MIT */
/* moved_mark: the file of a mark: its text, written and read. */
#include "engine/state/moved_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/answer.h"
#include "transport/base/buf.h"
#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"

enum { MOST_BYTES = 16 << 10 };

/* --- writing -------------------------------------------------------------- */

static void put(struct buf *b, const char *key, const char *value)
{
	AUTO_FREE char *safe = answer_safe_value(value);

	buf_printf(b, "%s=%s\n", key, safe);
}

char *moved_mark_key(const struct moved *m)
{
	if (m->key && *m->key)
		return xstrdup(m->key);
	return m->guest && *m->guest ? path_part(m->guest) : xstrdup("");
}

static void put_ids(struct buf *b, const struct moved *m)
{
	AUTO_FREE char *key = moved_mark_key(m);

	put(b, "run", m->run);
	put(b, "guest", m->guest);
	put(b, "key", key);
	put(b, "uuid", m->uuid);
	put(b, "user", m->user);
	put(b, "source", m->source);
	put(b, "destination", m->destination);
	put(b, "there_key", m->there_key);
	put(b, "there_uuid", m->there_uuid);
}

static void put_numbers(struct buf *b, const struct moved *m)
{
	buf_printf(b, "uid=%u\npid=%d\nticks=%llu\nmoved=%.0f\n",
		   (unsigned int)m->uid, (int)m->pid,
		   (unsigned long long)m->ticks, m->moved_s);
}

char *moved_mark_public_text(const struct moved *m)
{
	struct buf b = { 0 };

	buf_printf(&b, MOVED_FIRST_LINE);
	put_ids(&b, m);
	buf_printf(&b, "leaving=%d\n", m->leaving);
	put_numbers(&b, m);
	return buf_steal(&b);
}

char *moved_mark_text(const struct moved *m)
{
	struct buf b = { 0 };

	buf_printf(&b, MOVED_FIRST_LINE);
	put_ids(&b, m);
	put(&b, "machine", m->machine);
	put_numbers(&b, m);
	return buf_steal(&b);
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

static uid_t user_of(const char *text, uid_t owner)
{
	AUTO_FREE char *v = answer_value(text, "uid");

	return v ? (uid_t)number(text, "uid") : owner;
}

struct moved moved_mark_parse(const char *text, uid_t owner)
{
	struct moved m = {
		.run = value_or_empty(text, "run"),
		.guest = value_or_empty(text, "guest"),
		.key = answer_value(text, "key"),
		.uuid = value_or_empty(text, "uuid"),
		.there_key = value_or_empty(text, "there_key"),
		.there_uuid = value_or_empty(text, "there_uuid"),
		.leaving = number(text, "leaving") != 0,
		.uid = user_of(text, owner),
		.user = value_or_empty(text, "user"),
		.source = value_or_empty(text, "source"),
		.destination = value_or_empty(text, "destination"),
		.machine = value_or_empty(text, "machine"),
		.pid = (pid_t)number(text, "pid"),
		.ticks = number(text, "ticks"),
		.moved_s = (double)number(text, "moved"),
	};

	/* an earlier version wrote none */
	if (!m.key)
		m.key = moved_mark_key(&m);
	return m;
}

int moved_mark_read(int dir, const char *name, const char *path,
		    struct moved *out, uid_t *owner, struct err *err)
{
	AUTO_FD int fd = openat(dir, name,
				O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[MOST_BYTES];
	struct stat st;
	ssize_t n;

	*out = (struct moved){ .run = NULL };
	n = fd < 0 || fstat(fd, &st) < 0 ? -1
	    : S_ISREG(st.st_mode)	 ? read(fd, text, sizeof(text) - 1)
					 : 0;
	if (n < 0)
		return err_sys(err, errno, "cannot read %s", path);
	text[n] = '\0';
	if (strncmp(text, MOVED_FIRST_LINE, strlen(MOVED_FIRST_LINE)) != 0)
		return err_set(err, ERR_PROTOCOL, "%s is no mark of a move",
			       path);
	*owner = st.st_uid;
	*out = moved_mark_parse(text, st.st_uid);
	return 0;
}
