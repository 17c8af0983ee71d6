/* SPDX-License-Identifier: MIT */
/* moved_user: what ordinary users have published of their guests. */
#include "engine/state/moved_user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/moved_mark.h"
#include "transport/base/xalloc.h"

const char moved_user_away[] = ".local/state/vmferry/away";

enum { MARKS_MAX = 4096 };

/* --- what its user may have mounted there --------------------------------- */

/* The kernel's "\\040" are blanks again, in place. */
static void unescape(char *text)
{
	char *to = text;
	unsigned int c;
	int len;

	for (; *text; text += len) {
		len = 1;
		if (sscanf(text, "\\%3o%n", &c, &len) != 1 || len != 4) {
			c = (unsigned char)*text;
			len = 1;
		}
		*to++ = (char)c;
	}
	*to = '\0';
}

/* Whether @path is @dir, or below it. */
static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/* "ID PARENT DEVICE ROOT POINT … - TYPE SOURCE OPTIONS", as FUSE says whose. */
static bool is_by_user(const char *line, const char *home, const char *away)
{
	const char *rest = strstr(line, " - ");
	const char *user = rest ? strstr(rest, "user_id=") : NULL;
	AUTO_FREE char *point = NULL;

	if (!user || !strtoul(user + strlen("user_id="), NULL, 10) ||
	    sscanf(line, "%*s %*s %*s %*s %ms", &point) != 1)
		return false;
	unescape(point);
	return is_below(point, home) &&
	       (is_below(away, point) || is_below(point, away));
}

/* Who opens what is on such a mount may wait for ever, and not be ended. */
static int refuse_mounts(const char *home, const char *away, struct err *err)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	bool found = false;

	if (!f)
		return err_sys(err, errno, "cannot read mountinfo");
	while (!found && getline(&line, &size, f) > 0)
		found = is_by_user(line, home, away);
	(void)fclose(f);
	return found ? err_set(err, ERR_SYSTEM,
			       "a user has mounted a file system on the way "
			       "to %s",
			       away)
		     : 0;
}

/* --- the directory -------------------------------------------------------- */

static int judge(int fd, uid_t uid, const char *path, bool alone,
		 struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at %s", path);
	if (st.st_uid != uid)
		return err_set(err, ERR_SYSTEM, "%s belongs to user %u", path,
			       (unsigned int)st.st_uid);
	if (alone && (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(err, ERR_SYSTEM, "others may write to %s", path);
	return 0;
}

/*
 * The next part @name of a path, which must be the user's; closes *dir. @alone:
 * nobody else may write there.
 */
static int descend(int *dir, const char *name, const struct local_user *u,
		   const char *path, bool alone, struct err *err)
{
	AUTO_FD int fd = openat(*dir, name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (judge(fd, u->uid, path, alone, err) < 0)
		return -1;
	close_fd(*dir);
	*dir = steal_fd(&fd);
	return 1;
}

/*
 * 1 with *out, 0 when there is none. The home is where the account says. What a
 * group may write to of .local is nothing that vmferry made.
 */
static int open_away(const struct local_user *u, int *out, struct err *err)
{
	static const struct {
		const char *name;
		bool alone;
	} parts[] = {
		{ ".local", false },
		{ "state", false },
		{ "vmferry", true },
		{ "away", true },
	};
	AUTO_FD int dir =
		open(u->home, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *path = xstrdup(u->home);
	int rc = 1;

	if (dir < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (dir < 0)
		return err_sys(err, errno, "cannot open %s", u->home);
	for (size_t i = 0; i < ARRAY_SIZE(parts) && rc == 1; i++) {
		char *longer = xasprintf("%s/%s", path, parts[i].name);

		free(path);
		path = longer;
		rc = descend(&dir, parts[i].name, u, path, parts[i].alone, err);
	}
	if (rc == 1)
		*out = steal_fd(&dir);
	return rc;
}

/* --- the marks ------------------------------------------------------------ */

/* Whose a mark is, is not for its text to say. */
static bool is_own_guest(struct moved *m, const struct local_user *u)
{
	free(STEAL(m->user));
	m->user = xstrdup(u->name);
	return m->uid == u->uid;
}

static int look_at(int dir, const char *name, const char *path,
		   const struct local_user *u, struct moved_finding *f,
		   struct err *err)
{
	AUTO_FREE char *file = xasprintf("%s/%s", path, name);
	struct moved m;
	uid_t owner;

	if (moved_mark_read(dir, name, file, &m, &owner, err) < 0)
		return -1;
	if (owner != u->uid)
		err_set(err, ERR_SYSTEM, "%s belongs to user %u", file,
			(unsigned int)owner);
	else if (is_own_guest(&m, u))
		moved_finding_add(f, &m);
	moved_free(&m);
	return owner == u->uid ? 0 : -1;
}

static int look_at_all(DIR *d, const char *path, const struct local_user *u,
		       struct moved_finding *f, struct err *err)
{
	const struct dirent *e;
	size_t n = 0;
	int rc = 0;

	while (rc == 0 && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (++n > MARKS_MAX)
			return err_set(err, ERR_SYSTEM,
				       "%s has more than %d marks", path,
				       MARKS_MAX);
		rc = look_at(dirfd(d), e->d_name, path, u, f, err);
	}
	return rc;
}

int moved_user_find(const struct local_user *u, const char *word,
		    struct moved *out, struct err *err)
{
	AUTO_FREE char *path = xasprintf("%s/%s", u->home, moved_user_away);
	struct moved_finding f = { .word = word, .out = out };
	int fd = -1;
	int rc;
	DIR *d;

	*out = (struct moved){ .run = NULL };
	if (refuse_mounts(u->home, path, err) < 0)
		return -1;
	rc = open_away(u, &fd, err);
	if (rc <= 0)
		return rc;
	d = fdopendir(fd);
	if (!d) {
		close_fd(fd);
		return err_sys(err, ENOMEM, "cannot read %s", path);
	}
	rc = look_at_all(d, path, u, &f, err);
	closedir(d);
	if (rc == 0)
		return f.found != GUEST_NOT_MEANT;
	moved_free(out);
	return -1;
}
