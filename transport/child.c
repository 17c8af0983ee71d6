/* SPDX-License-Identifier: MIT */
/*
 * child: processes of our own on this machine, run from tasks.
 *
 * posix_spawn() starts them: it is safe in a process with threads, reports a
 * failed exec to us, and does not copy page tables. A pidfd becomes readable at
 * the end.
 */
#include "transport/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/feed.h"

/* How long a killed process may take to be gone before we leave it. */
enum { REAP_MS = 2000 };

/* What a status says when somebody else took it from us. */
enum { STATUS_LOST = 255 };

struct child {
	pid_t pid;
	int pidfd;
	bool group; /* leads a process group of its own */
	bool ended; /* and reaped */
	int status;
	int in, out, err; /* our ends */
};

/* --- starting ------------------------------------------------------------ */

/* Both sides of the three descriptors; -1 where there is none. */
struct wiring {
	int ours[3];
	int theirs[3];
	int more[CHILD_MORE_MAX]; /* copies, out of each other's way */
};

/*
 * The child's ends must not be 0, 1 or 2, or moving one into place would
 * overwrite another (when we ourselves were started without some of them).
 */
static int above_stdio(int *fd)
{
	int moved;

	if (*fd > STDERR_FILENO)
		return 0;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (moved < 0)
		return -1;
	close_fd(*fd);
	*fd = moved;
	return 0;
}

static int wire_pipe(struct wiring *w, int which)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	w->ours[which] = which == STDIN_FILENO ? p[1] : p[0];
	w->theirs[which] = which == STDIN_FILENO ? p[0] : p[1];
	return above_stdio(&w->theirs[which]);
}

/* One socket for stdin and stdout; our end goes by the name of stdout. */
static int wire_socket(struct wiring *w)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
		return -1;
	w->ours[STDOUT_FILENO] = p[0];
	w->theirs[STDIN_FILENO] = p[1];
	if (above_stdio(&w->theirs[STDIN_FILENO]) < 0)
		return -1;
	w->theirs[STDOUT_FILENO] =
		fcntl(w->theirs[STDIN_FILENO], F_DUPFD_CLOEXEC, 3);
	return w->theirs[STDOUT_FILENO] < 0 ? -1 : 0;
}

static int wire(struct wiring *w, const enum child_fd kind[3])
{
	if (kind[STDIN_FILENO] == CHILD_FD_SOCKET) {
		assert(kind[STDOUT_FILENO] == CHILD_FD_SOCKET);
		if (wire_socket(w) < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++) {
		if (kind[i] == CHILD_FD_PIPE && wire_pipe(w, i) < 0)
			return -1;
	}
	return 0;
}

/* Copies above all numbers that they are moved to. */
static int wire_more(struct wiring *w, const struct child_spec *spec)
{
	assert(spec->n_more <= CHILD_MORE_MAX);
	for (size_t i = 0; i < spec->n_more; i++) {
		w->more[i] = fcntl(spec->more[i], F_DUPFD_CLOEXEC,
				   STDERR_FILENO + 1 + CHILD_MORE_MAX);
		if (w->more[i] < 0)
			return -1;
	}
	return 0;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close_fd(steal_fd(&fds[i]));
}

static int add_actions(posix_spawn_file_actions_t *actions,
		       const struct wiring *w, const enum child_fd kind[3],
		       size_t n_more)
{
	int next = STDERR_FILENO + 1;
	int rc = 0;

	for (int i = 0; i < 3 && !rc; i++) {
		if (kind[i] == CHILD_FD_NULL)
			rc = posix_spawn_file_actions_addopen(
				actions, i, "/dev/null", O_RDWR, 0);
		else if (kind[i] != CHILD_FD_INHERIT)
			rc = posix_spawn_file_actions_adddup2(actions,
							      w->theirs[i], i);
	}
	for (size_t i = 0; i < n_more && !rc; i++)
		rc = posix_spawn_file_actions_adddup2(actions, w->more[i],
						      next++);
	if (!rc)
		rc = posix_spawn_file_actions_addclosefrom_np(actions, next);
	return rc;
}

static int set_attributes(posix_spawnattr_t *attr, bool new_session)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t set;
	int rc;

	sigemptyset(&set);
	rc = posix_spawnattr_setsigmask(attr, &set);
	if (rc)
		return rc;
	sigfillset(&set);
	rc = posix_spawnattr_setsigdefault(attr, &set);
	if (rc)
		return rc;
	if (new_session)
		flags |= POSIX_SPAWN_SETSID;
	return posix_spawnattr_setflags(attr, flags);
}

/* Returns 0 or an errno. */
static int spawn(pid_t *pid, const struct child_spec *spec,
		 const struct wiring *w)
{
	const enum child_fd kind[3] = { spec->in, spec->out, spec->err };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	rc = add_actions(&actions, w, kind, spec->n_more);
	if (!rc)
		rc = set_attributes(&attr, spec->new_session);
	if (!rc)
		rc = posix_spawnp(pid, spec->file ? spec->file : spec->argv[0],
				  &actions, &attr, (char *const *)spec->argv,
				  spec->env ? spec->env : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

struct child *child_start(const struct child_spec *spec, struct err *err)
{
	const enum child_fd kind[3] = { spec->in, spec->out, spec->err };
	struct wiring w = {
		.ours = { -1, -1, -1 },
		.theirs = { -1, -1, -1 },
		.more = { -1, -1, -1, -1 },
	};
	struct child *c;
	pid_t pid = -1;
	int rc;

	rc = wire(&w, kind) < 0 || wire_more(&w, spec) < 0
		     ? errno
		     : spawn(&pid, spec, &w);
	close_all(w.theirs, ARRAY_SIZE(w.theirs));
	close_all(w.more, ARRAY_SIZE(w.more));
	if (rc) {
		close_all(w.ours, ARRAY_SIZE(w.ours));
		err_sys(err, rc, "cannot run %s", spec->argv[0]);
		return NULL;
	}
	c = XNEW(struct child);
	*c = (struct child){
		.pid = pid,
		.pidfd = pidfd_open(pid, 0),
		.group = spec->new_session,
		.in = w.ours[STDIN_FILENO],
		.out = w.ours[STDOUT_FILENO],
		.err = w.ours[STDERR_FILENO],
	};
	if (c->pidfd < 0) {
		err_sys(err, errno, "cannot watch %s", spec->argv[0]);
		child_free(c);
		return NULL;
	}
	return c;
}

int child_take_stdin(struct child *c)
{
	return steal_fd(&c->in);
}

int child_take_stdout(struct child *c)
{
	return steal_fd(&c->out);
}

int child_take_stderr(struct child *c)
{
	return steal_fd(&c->err);
}

/* --- ending -------------------------------------------------------------- */

bool child_ended(struct child *c)
{
	siginfo_t info = { .si_pid = 0 };

	if (c->ended)
		return true;
	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG) < 0) {
		if (errno != ECHILD)
			return false;
		/* SIGCHLD is ignored, or a stranger waits for everything */
		c->ended = true;
		c->status = STATUS_LOST;
	} else if (info.si_pid) {
		c->ended = true;
		c->status = info.si_code == CLD_EXITED ? info.si_status
						       : 128 + info.si_status;
	}
	return c->ended;
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

int child_end_fd(const struct child *c)
{
	return c->pidfd;
}

/* The pid is ours as long as it was not reaped, so no stranger is hit. */
static void send_signal(struct child *c, int signum)
{
	if (!child_ended(c))
		(void)kill(c->group ? -c->pid : c->pid, signum);
}

void child_kill(struct child *c)
{
	send_signal(c, SIGKILL);
}

int child_wait(struct child *c, struct mono deadline, int *status,
	       struct err *err)
{
	while (!child_ended(c)) {
		if (task_wait_fd(c->pidfd, EPOLLIN, deadline, err) < 0)
			return -1;
	}
	if (status)
		*status = c->status;
	return 0;
}

/* Waits for the end for so long, in a task or out of one. */
static void wait_end(struct child *c, int ms)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	struct mono deadline = mono_in_ms(ms);

	if (task_self()) {
		task_shield();
		(void)child_wait(c, deadline, NULL, NULL);
		task_unshield();
		return;
	}
	while (!child_ended(c) && mono_before(mono_now(), deadline))
		(void)poll(&p, 1, mono_poll_ms(mono_now(), deadline));
}

void child_stop(struct child *c, int grace_ms)
{
	send_signal(c, SIGTERM);
	wait_end(c, grace_ms);
	send_signal(c, SIGKILL);
	wait_end(c, REAP_MS);
}

void child_leave(struct child *c)
{
	if (!c)
		return;
	close_fd(c->in);
	close_fd(c->out);
	close_fd(c->err);
	close_fd(c->pidfd);
	free(c);
}

void child_free(struct child *c)
{
	if (!c)
		return;
	send_signal(c, SIGKILL);
	wait_end(c, REAP_MS);
	child_leave(c);
}

/* --- a whole command ----------------------------------------------------- */

static void end_child(void *arg)
{
	child_kill(arg);
}

int child_run(const char *const *argv, const void *input, size_t input_len,
	      size_t max_output, struct mono deadline, int *status,
	      struct buf *out, struct buf *errout, struct err *err)
{
	const struct child_spec spec = {
		.argv = argv,
		.in = input_len ? CHILD_FD_PIPE : CHILD_FD_NULL,
		.out = out ? CHILD_FD_PIPE : CHILD_FD_NULL,
		.err = errout ? CHILD_FD_PIPE : CHILD_FD_NULL,
		.new_session = true,
	};

	return child_run_spec(&spec, input, input_len, max_output, deadline,
			      status, out, errout, err);
}

int child_run_spec(const struct child_spec *spec, const void *input,
		   size_t input_len, size_t max_output, struct mono deadline,
		   int *status, struct buf *out, struct buf *errout,
		   struct err *err)
{
	struct child *c = child_start(spec, err);
	struct feed *feed;
	bool too_much;
	int rc;

	if (!c)
		return -1;
	feed = feed_start(&(struct feed_spec){
		.in = child_take_stdin(c),
		.out = child_take_stdout(c),
		.err = child_take_stderr(c),
		.input = input,
		.input_len = input_len,
		.max_output = max_output,
		.output = out,
		.errors = errout,
		.overrun = end_child,
		.arg = c,
	});
	rc = child_wait(c, deadline, status, err);
	if (rc < 0)
		child_kill(c);
	too_much = feed_stop(feed);
	child_free(c);
	if (rc < 0)
		return err_wrap(err, ERR_NONE, "%s did not end", spec->argv[0]);
	if (too_much)
		return err_set(err, ERR_REMOTE, "%s wrote more than %zu bytes",
			       spec->argv[0], max_output);
	return 0;
}
