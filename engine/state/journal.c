/* SPDX-License-Identifier: MIT */
/*
 * journal: what a run is about to do, on disk before it does it. Reading is in
 * journal_read.c, the form of a record in journal_line.c.
 */
#include "engine/state/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/journal_line.h"
#include "engine/state/journal_read.h"
#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "transport/base/lockfile.h"
#include "transport/base/xalloc.h"

/* --- the file ------------------------------------------------------------ */

/*
 * Invariant unless broken: on disk, the bytes up to `end` are whole records,
 * and those from there up to `size` are zeros.
 */
struct journal {
	int fd;
	char *path;
	uint64_t seq; /* of the last record */
	size_t end, size;
	bool broken;
};

/* errno is set when it fails. */
static int write_all(int fd, const char *data, size_t len, size_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : EIO;
			return -1;
		}
		data += n;
		at += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int sync_data(int fd)
{
	int rc;

	do
		rc = fdatasync(fd);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/*
 * Makes @len bytes after the last record zeros again and cuts off what is
 * beyond the size. Zeros are written, not cut out, so that the space stays
 * allocated. Keeps errno.
 */
static int erase(struct journal *j, size_t len)
{
	static const char zeros[4096];
	size_t at = j->end, stop = j->end + len;
	int errnum = errno, rc = 0;

	if (stop > j->size)
		stop = j->size;
	while (rc == 0 && at < stop) {
		size_t n = stop - at;

		n = n < sizeof(zeros) ? n : sizeof(zeros);
		rc = write_all(j->fd, zeros, n, at);
		at += n;
	}
	if (ftruncate(j->fd, (off_t)j->size) < 0 || sync_data(j->fd) < 0)
		rc = -1;
	if (rc == 0)
		errno = errnum;
	return rc;
}

static int begin_file(int fd, const char *path)
{
	static const char first[] = JOURNAL_FIRST_LINE;
	int rc = posix_fallocate(fd, 0, JOURNAL_FILE_BYTES);

	if (rc) {
		errno = rc;
		return -1;
	}
	if (fchmod(fd, 0600) < 0 || /* whatever the umask was */
	    write_all(fd, first, sizeof(first) - 1, 0) < 0 || fsync(fd) < 0)
		return -1;
	return state_dir_sync_entry(path);
}

enum { LOCK_MS = 50 };

/*
 * The lock shows that the writer lives. What removes finished journals keeps
 * it from others for a moment.
 */
static int lock_file(int fd, const char *path, struct err *err)
{
	if (lockfile_wait(fd, path, mono_in_ms(LOCK_MS), err) == 0)
		return 0;
	if (err_has(err, ERR_BUSY))
		err_set(err, ERR_BUSY, "another process writes journal %s",
			path);
	return -1;
}

static struct journal *new_journal(int *fd, const char *path, size_t end,
				   size_t size)
{
	struct journal *j = XNEW(struct journal);

	j->fd = steal_fd(fd);
	j->path = xstrdup(path);
	j->end = end;
	j->size = size;
	return j;
}

struct journal *journal_create(const char *path, struct err *err)
{
	AUTO_FD int fd = open(
		path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		err_sys(err, errno, "cannot make journal %s", path);
		return NULL;
	}
	if (lock_file(fd, path, err) < 0)
		return NULL;
	if (begin_file(fd, path) < 0) {
		err_sys(err, errno, "cannot begin journal %s", path);
		(void)unlink(path);
		return NULL;
	}
	return new_journal(&fd, path, strlen(JOURNAL_FIRST_LINE),
			   JOURNAL_FILE_BYTES);
}

/* A maker that died early left no first line, or a part of it. */
static int mend(struct journal *j)
{
	static const char first[] = JOURNAL_FIRST_LINE;

	if (j->end == 0) {
		if (write_all(j->fd, first, sizeof(first) - 1, 0) < 0)
			return -1;
		j->end = sizeof(first) - 1;
		if (j->size < j->end)
			j->size = j->end;
	}
	return erase(j, j->size - j->end);
}

/* What is appended may be of a kind that the version before has not. */
static int renew(struct journal *j)
{
	static const char first[] = JOURNAL_FIRST_LINE;

	if (write_all(j->fd, first + JOURNAL_VERSION_BYTE, 1,
		      JOURNAL_VERSION_BYTE) < 0)
		return -1;
	return sync_data(j->fd);
}

struct journal *journal_reopen(const char *path, struct err *err)
{
	AUTO_FD int fd =
		open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct journal_view view;
	struct journal *j;
	size_t size;

	if (fd < 0) {
		err_sys(err, errno, "cannot open journal %s", path);
		return NULL;
	}
	if (lock_file(fd, path, err) < 0)
		return NULL;
	if (journal_read_fd(fd, path, &view, &size, err) < 0)
		return NULL;
	j = new_journal(&fd, path, view.whole_bytes, size);
	j->seq = view.n;
	if (view.n && journal_record_is_final(journal_state(&view))) {
		err_set(err, ERR_INTERNAL, "journal %s is finished (%s)", path,
			journal_record_name(journal_state(&view)));
	} else if (view.torn && mend(j) < 0) {
		err_sys(err, errno, "cannot mend the torn end of journal %s",
			path);
	} else if (view.version == 1 && renew(j) < 0) {
		err_sys(err, errno, "cannot renew the version of journal %s",
			path);
	} else {
		journal_view_free(&view);
		return j;
	}
	journal_view_free(&view);
	journal_close(j);
	return NULL;
}

bool journal_in_doubt(const struct journal *j)
{
	return j->broken;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	close_fd(j->fd);
	free(j->path);
	free(j);
}

/* --- appending ----------------------------------------------------------- */

/*
 * The line of @e. It is read back first: what is written must be readable,
 * whatever bytes came in with a path or a name.
 */
static int make_line(const struct journal *j, const struct journal_entry *e,
		     struct buf *line, struct err *err)
{
	AUTO_FREE char *text = journal_line_text(e);
	struct journal_entry back;
	size_t len = strlen(text);

	if (len > JOURNAL_TEXT_MAX)
		return err_set(err, ERR_INTERNAL,
			       "a record of %zu bytes is too long", len);
	if (journal_line_parse(text, len, e->seq, &back, err) < 0)
		return -1;
	json_object_put(back.data);
	journal_line_put(line, text, len);
	if (j->end + buf_len(line) > JOURNAL_FILE_MAX)
		return err_set(err, ERR_INTERNAL, "the journal is full");
	return 0;
}

/*
 * A record that failed is taken out again, so that neither recovery nor the
 * next record meets it. After a failed sync nobody knows what is on disk, even
 * if a later one succeeds: then nothing is appended any more.
 */
static int write_line(struct journal *j, const char *line, size_t len,
		      struct err *err)
{
	if (write_all(j->fd, line, len, j->end) < 0) {
		err_sys(err, errno, "the write failed");
		j->broken = erase(j, len) < 0;
		return -1;
	}
	if (sync_data(j->fd) < 0) {
		err_sys(err, errno, "fdatasync failed");
		j->broken = true;
		(void)erase(j, len);
		return -1;
	}
	j->end += len;
	if (j->end > j->size)
		j->size = j->end;
	return 0;
}

static int append(struct journal *j, struct journal_entry *e, struct err *err)
{
	AUTO_BUF struct buf line = { 0 };

	if (j->broken)
		return err_set(err, ERR_SYSTEM,
			       "an earlier write failed, so nothing more is "
			       "written");
	e->seq = j->seq + 1;
	if (make_line(j, e, &line, err) < 0 ||
	    write_line(j, buf_data(&line), buf_len(&line), err) < 0)
		return -1;
	j->seq++;
	return 0;
}

int journal_append(struct journal *j, enum journal_record r,
		   struct json_object *data, struct err *err)
{
	AUTO_JSON struct json_object *owned = data;
	struct journal_entry e = {
		.record = r,
		.t = wall_now(),
		.data = owned,
	};

	assert(!data || json_object_is_type(data, json_type_object));
	if (append(j, &e, err) < 0)
		return err_wrap(err, ERR_NONE,
				"cannot put record %s into journal %s",
				journal_record_name(r), j->path);
	return 0;
}
