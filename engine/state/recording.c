/* SPDX-License-Identifier: MIT */
/* recording: the events of each migration; the theory is in recording.h. */
#include "engine/state/recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/recording_file.h"
#include "engine/state/state_dir.h"
#include "engine/state/unfinished.h"
#include "transport/base/buf.h"
#include "transport/base/lockfile.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum {
	CLOSE_MS = 1000,
	HELD_MS = 1000, /* an engine that was killed, until it is gone */
	TAIL_BYTES = 64 * 1024,
};

struct recording {
	char *run;
	char *path;
	bool begun, broken, warned;
	bool detached; /* the thread writes */
	pthread_t thread;
	int end_fd; /* readable once the thread has ended */

	/* the writer's own */
	int fd;
	struct buf writing;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news;
	struct buf pending;
	size_t kept;  /* bytes of `writing` that the disk did not take */
	size_t bytes; /* put so far */
	bool put, closing;
	bool orphaned, ended; /* the last of the two sides frees */
	int failed;	      /* errno, 0 */
	bool lost;	      /* lines, for want of room */
};

struct recording *recording_new(const char *run)
{
	struct recording *r = XNEW(struct recording);

	r->run = xstrdup(run);
	r->fd = -1;
	r->end_fd = -1;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->news, NULL);
	return r;
}

struct recording *recording_new_addition(const char *run)
{
	struct recording *r = recording_new(run);

	/* so that the file of that name is not made */
	r->begun = true;
	return r;
}

static void recording_free(struct recording *r)
{
	close_fd(r->fd);
	close_fd(r->end_fd);
	buf_free(&r->writing);
	buf_free(&r->pending);
	pthread_cond_destroy(&r->news);
	pthread_mutex_destroy(&r->lock);
	free(r->run);
	free(r->path);
	free(r);
}

/* --- writing ------------------------------------------------------------- */

/* The errno of what stopped it, 0 when all is out. */
static int write_out(struct recording *r)
{
	while (buf_len(&r->writing)) {
		ssize_t n = write(r->fd, buf_data(&r->writing),
				  buf_len(&r->writing));

		if (n >= 0)
			buf_consume(&r->writing, (size_t)n);
		else if (errno != EINTR)
			return errno;
	}
	return 0;
}

/* Under the lock, which is let go while the disk works. */
static void flush(struct recording *r)
{
	int failed;

	r->put = false;
	buf_append(&r->writing, buf_data(&r->pending), buf_len(&r->pending));
	buf_truncate(&r->pending, 0);
	pthread_mutex_unlock(&r->lock);
	failed = write_out(r);
	pthread_mutex_lock(&r->lock);
	r->kept = buf_len(&r->writing);
	if (failed)
		r->failed = failed;
}

static void *write_lines(void *arg)
{
	struct recording *r = arg;
	bool closing, orphaned;

	pthread_mutex_lock(&r->lock);
	do {
		while (!r->put && !r->closing)
			pthread_cond_wait(&r->news, &r->lock);
		closing = r->closing;
		flush(r);
	} while (!closing);
	r->ended = true;
	orphaned = r->orphaned;
	if (!orphaned)
		(void)eventfd_write(r->end_fd, 1);
	pthread_mutex_unlock(&r->lock);
	if (orphaned)
		recording_free(r);
	return NULL;
}

void recording_put(struct recording *r, const char *line, bool dispensable)
{
	size_t len = strlen(line);

	if (r->broken)
		return;
	pthread_mutex_lock(&r->lock);
	if (dispensable && r->bytes > RECORDING_FILE_BYTES) {
		/* no loss: the passes have the rest */
	} else if (r->kept + buf_len(&r->pending) + len >
		   RECORDING_PENDING_BYTES) {
		r->lost = true;
	} else {
		r->bytes += len + 1;
		buf_append(&r->pending, line, len);
		buf_append(&r->pending, "\n", 1);
		r->put = true;
	}
	if (r->detached)
		pthread_cond_signal(&r->news);
	else if (r->fd >= 0)
		flush(r);
	pthread_mutex_unlock(&r->lock);
}

int recording_check(struct recording *r, struct err *err)
{
	bool lost;
	int failed;

	/* before it has a file there is time for a warning */
	if (r->warned || r->broken || !r->path)
		return 0;
	pthread_mutex_lock(&r->lock);
	failed = r->failed;
	lost = r->lost;
	pthread_mutex_unlock(&r->lock);
	r->warned = failed || lost;
	if (!r->warned)
		return 0;
	if (!failed)
		return err_set(err, ERR_SYSTEM,
			       "not all events of this run are recorded: the "
			       "disk of %s is too slow",
			       r->path);
	return err_sys(err, failed,
		       "not all events of this run are recorded: cannot write "
		       "%s",
		       r->path);
}

/* --- room for the new one ------------------------------------------------ */

struct old {
	char *name;
	struct timespec changed;
	size_t bytes;
};

static int newest_first(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? 1 : -1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? 1 : -1;
	return strcmp(x->name, y->name);
}

static struct old *find_old(int dir, size_t *n)
{
	int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = again >= 0 ? fdopendir(again) : NULL;
	struct old *all = NULL;
	struct dirent *e;
	struct stat st;

	*n = 0;
	if (!d)
		close_fd(again);
	while (d && (e = readdir(d))) {
		if (!recording_file_is_name(e->d_name) ||
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		all = xrealloc(all, *n + 1, sizeof(*all));
		all[(*n)++] = (struct old){ xstrdup(e->d_name), st.st_mtim,
					    (size_t)st.st_size };
	}
	if (d)
		closedir(d);
	if (all)
		qsort(all, *n, sizeof(*all), newest_first);
	return all;
}

/* Its engine writes it, or a recovery has yet to add the end to it. */
static bool is_needed(int dir, const char *state, const char *name)
{
	AUTO_FD int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_FREE char *run = recording_file_run(name);

	return (fd >= 0 && lockfile_is_held(fd)) || unfinished_is(state, run);
}

/* One that cannot be removed is the next one's to remove. */
static void make_room(int dir, const char *state)
{
	size_t n, bytes = RECORDING_FILE_BYTES;
	struct old *all = find_old(dir, &n);

	for (size_t i = 0; i < n; i++) {
		bytes += all[i].bytes;
		if ((i >= RECORDING_FILES - 1 ||
		     bytes > RECORDING_TOTAL_BYTES) &&
		    !is_needed(dir, state, all[i].name))
			(void)unlinkat(dir, all[i].name, 0);
		free(all[i].name);
	}
	free(all);
}

/* --- beginning ----------------------------------------------------------- */

static char *file_path(const struct recording *r, const char *state)
{
	AUTO_FREE char *dir = state_dir_recordings(state);
	AUTO_FREE char *name = recording_file_name(r->run);

	return xasprintf("%s/%s", dir, name);
}

static int open_file(struct recording *r, int dir, struct err *err)
{
	AUTO_FREE char *name = recording_file_name(r->run);

	r->fd = openat(dir, name,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND |
			       O_CLOEXEC,
		       0600);
	if (r->fd < 0)
		return err_sys(err, errno, "cannot make %s", r->path);
	if (lockfile_take(r->fd) == 0)
		return 0;
	err_sys(err, errno, "cannot lock %s", r->path);
	close_fd(steal_fd(&r->fd));
	(void)unlinkat(dir, name, 0);
	return -1;
}

static int open_in(struct recording *r, const char *state, struct err *err)
{
	AUTO_FREE char *path = state_dir_recordings(state);
	AUTO_FD int dir = -1;

	if (state_dir_make(path, err) < 0 || state_dir_trust(path, err) < 0)
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, errno, "cannot open %s", path);
	make_room(dir, state);
	return open_file(r, dir, err);
}

int recording_begin(struct recording *r, const char *state, struct err *err)
{
	if (r->begun)
		return 0;
	r->begun = true;
	r->path = file_path(r, state);
	if (open_in(r, state, err) < 0) {
		r->broken = true;
		return err_wrap(err, ERR_NONE, "this run is not recorded");
	}
	pthread_mutex_lock(&r->lock);
	flush(r);
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* --- adding to one -------------------------------------------------------- */

static int hold(const struct recording *r, int fd, struct err *err)
{
	if (lockfile_wait(fd, r->path, mono_in_ms(HELD_MS), err) == 0)
		return 0;
	if (err_has(err, ERR_BUSY))
		err_set(err, ERR_BUSY, "%s is still written to", r->path);
	return -1;
}

/* Where the last whole line ends; 0: there is none. -1: errno says why. */
static off_t find_end(int fd, off_t size)
{
	AUTO_FREE char *tail = xmalloc(TAIL_BYTES);

	while (size > 0) {
		off_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
		ssize_t n = pread(fd, tail, (size_t)(size - from), from);
		const char *nl;

		if (n < 0)
			return -1;
		nl = memrchr(tail, '\n', (size_t)n);
		if (nl)
			return from + (nl - tail) + 1;
		size = from;
	}
	return 0;
}

/* 1: it can be added to; 0: it is no recording; -1. */
static int make_whole(const struct recording *r, int fd, struct err *err)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at %s", r->path);
	if (!S_ISREG(st.st_mode))
		return 0;
	end = find_end(fd, st.st_size);
	if (end < 0 || (end && end < st.st_size && ftruncate(fd, end) < 0))
		return err_sys(err, errno, "cannot mend the end of %s",
			       r->path);
	return end > 0;
}

static int open_again(struct recording *r, const char *state, struct err *err)
{
	AUTO_FREE char *path = state_dir_recordings(state);
	AUTO_FREE char *name = recording_file_name(r->run);
	AUTO_FD int dir = -1, fd = -1;
	int rc;

	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (state_dir_trust(path, err) < 0)
		return -1;
	fd = openat(dir, name,
		    O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", r->path);
	rc = hold(r, fd, err);
	if (rc == 0)
		rc = make_whole(r, fd, err);
	if (rc > 0)
		r->fd = steal_fd(&fd);
	return rc;
}

int recording_append(struct recording *r, const char *state, struct err *err)
{
	int rc;

	free(r->path);
	r->path = file_path(r, state);
	rc = open_again(r, state, err);
	if (rc > 0) {
		pthread_mutex_lock(&r->lock);
		flush(r);
		pthread_mutex_unlock(&r->lock);
		return recording_check(r, err);
	}
	r->broken = true;
	return rc;
}

/* --- the thread ---------------------------------------------------------- */

/* Signals are for the embedder's threads, not for this one. */
static int start_thread(struct recording *r)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&r->thread, NULL, write_lines, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int recording_detach(struct recording *r, struct err *err)
{
	int rc;

	if (r->detached || r->broken || r->fd < 0)
		return 0;
	r->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = r->end_fd < 0 ? errno : start_thread(r);
	r->detached = rc == 0;
	r->broken = rc != 0;
	if (rc)
		return err_sys(err, rc,
			       "this run is recorded no further: no thread can "
			       "be started");
	return 0;
}

/* True when the thread has ended; else it frees by itself, later. */
static bool end_thread(struct recording *r)
{
	bool ended;

	pthread_mutex_lock(&r->lock);
	r->closing = true;
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
	task_shield();
	(void)task_wait_fd(r->end_fd, EPOLLIN, mono_in_ms(CLOSE_MS), NULL);
	task_unshield();
	pthread_mutex_lock(&r->lock);
	ended = r->ended;
	r->orphaned = !ended;
	if (!ended)
		pthread_detach(r->thread);
	pthread_mutex_unlock(&r->lock);
	if (ended)
		pthread_join(r->thread, NULL);
	return ended;
}

void recording_close(struct recording *r)
{
	if (r && (!r->detached || end_thread(r)))
		recording_free(r);
}
