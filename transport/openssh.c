/* SPDX-License-Identifier: MIT */
/*
 * openssh: one login by a child ssh(1). The theory of operation is in
 * openssh.h.
 */
#include "transport/openssh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/host_options.h"
#include "transport/host_shells.h"
#include "transport/host_target.h"
#include "transport/openssh_dir.h"
#include "transport/quote.h"
#include "transport/said.h"
#include "transport/ssh_argv.h"
#include "transport/stream_fd.h"

enum {
	WORDS_BYTES = 4096,	    /* of ssh's stderr that are kept */
	STOP_MS = 500,		    /* for ssh to end by itself */
	ASK_EVERY_MS = 500,	    /* heartbeats */
	GREETING_BYTES = 64 * 1024, /* what a login shell may say first */
	FORWARD_OUTPUT_BYTES = 16 * 1024,
	PROBE_BYTES = 64 * 1024,
	SSH_FAILED = 255, /* ssh's status of a failure of its own */
};

#define READY "vmferry-ready"

struct openssh {
	char *destination;
	char *name;
	char *dir;
	int dir_lock_fd;
	char *control; /* path of the control socket */
	struct child *child;
	int fd;		  /* to and from the host's cat */
	bool session_end; /* cat is no more */
	int stderr_fd;	  /* non-blocking */
	struct buf words;
	struct host_shells *shells; /* NULL: none was needed yet */
	unsigned int n_forwards;

	/* heartbeat: a byte there, a byte back */
	uint64_t asked, answered;
	struct mono asked_at; /* the oldest without an answer */
	struct mono heard_at;
	struct waitq heard;
};

/* --- ssh's own words ----------------------------------------------------- */

/* Takes what ssh has said; of much of it, the end. */
static void hear_words(struct openssh *o)
{
	char piece[512];
	ssize_t n;

	while ((n = read(o->stderr_fd, piece, sizeof(piece))) > 0) {
		buf_append(&o->words, piece, (size_t)n);
		if (buf_len(&o->words) > WORDS_BYTES)
			buf_consume(&o->words,
				    buf_len(&o->words) - WORDS_BYTES);
	}
}

struct saying {
	const char *words;
	enum err_kind kind;
};

/* What ssh says, in the order in which one outweighs the other. */
static const struct saying sayings[] = {
	{ "Host key verification failed", ERR_HOSTKEY },
	{ "HOST IDENTIFICATION HAS CHANGED", ERR_HOSTKEY },
	{ "REVOKED HOST KEY", ERR_HOSTKEY },
	{ "no matching ", ERR_CRYPTO },
	{ "Permission denied", ERR_AUTH },
	{ "Too many authentication failures", ERR_AUTH },
};

static enum err_kind kind_of_words(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
		if (strstr(text, sayings[i].words))
			return sayings[i].kind;
	}
	return ERR_NETWORK;
}

static void hint_for(struct err *err, enum err_kind kind, const char *dest)
{
	AUTO_FREE char *words = host_target_words(dest);

	if (kind == ERR_HOSTKEY)
		err_hint(err,
			 "check the key of %s, then put it into "
			 "known_hosts (an unknown one: "
			 "--accept-new-host-key)",
			 dest);
	else if (kind == ERR_AUTH)
		err_hint(err,
			 "try `ssh %s true`; name a key with "
			 "--identity, or load it into ssh-agent",
			 words);
	else if (kind == ERR_CRYPTO)
		err_hint(err, "allow an algorithm that both sides know");
}

/* The child has ended: why. */
static int set_ended(struct openssh *o, const char *what, struct err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *line = NULL;
	enum err_kind kind;

	hear_words(o);
	text = xstrdup(buf_data(&o->words));
	kind = kind_of_words(text);
	line = said_in_one_line(text);
	err_set(err, kind, "%s", *line ? line : "ssh ended without a word");
	err_wrap(err, kind, "%s %s", what, o->name);
	hint_for(err, kind, o->name);
	return err_at_host(err, o->name);
}

int openssh_end_fd(const struct openssh *o)
{
	return child_end_fd(o->child);
}

int openssh_check(struct openssh *o, struct err *err)
{
	hear_words(o);
	if (!child_ended(o->child))
		return 0;
	set_ended(o, "lost the connection to", err);
	if (err)
		err->kind = ERR_NETWORK;
	return -1;
}

/* --- logging in ---------------------------------------------------------- */

/* What the user's configuration must not change, and what we need. */
static const char *const master_options[] = {
	"-M", "-T",
	"-a", "-x",
	"-o", "ControlPersist=no",
	"-o", "ClearAllForwardings=yes",
	"-o", "RemoteCommand=none",
	"-o", "PermitLocalCommand=no",
	"-o", "UpdateHostKeys=no",
	"-o", "VisualHostKey=no",
	"-o", "LogLevel=INFO", /* less, and it dies without a word */
	"-o", "Compression=no",
	"-o", "ServerAliveInterval=5",
	"-o", "ServerAliveCountMax=6",
	"-o", "StreamLocalBindMask=0177",
	"-o", "Tunnel=no",
};

/*
 * The same, of options that not every ssh(1) has: each line came with one
 * version, and an older one would refuse it.
 */
static const char *const newer_options[][4] = {
	/* 8.7 */
	{ "SessionType=default", "StdinNull=no", "ForkAfterAuthentication=no" },
	/* 9.7 */
	{ "ChannelTimeout=none" },
};

static void push_words(struct strv *argv, const char *const *options)
{
	for (; *options; options++) {
		strv_push(argv, "-o");
		strv_push(argv, *options);
	}
}

static bool knows(const char *const *options, struct mono deadline)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	int status = -1;

	strv_push(&argv, "ssh");
	strv_push(&argv, "-G");
	strv_push(&argv, "-F");
	strv_push(&argv, "none");
	push_words(&argv, options);
	strv_push(&argv, "--");
	strv_push(&argv, "host");
	return child_run((const char *const *)strv_argv(&argv), NULL, 0,
			 PROBE_BYTES, deadline, &status, NULL, NULL,
			 NULL) == 0 &&
	       status == 0;
}

static void push_newer_options(struct strv *argv, struct mono deadline)
{
	for (size_t i = 0; i < ARRAY_SIZE(newer_options); i++) {
		if (knows(newer_options[i], deadline))
			push_words(argv, newer_options[i]);
	}
}

/* The person at the terminal means us by Ctrl-C, and we decide. */
static const char *const deaf[] = {
	"sh",
	"-c",
	"trap '' INT QUIT HUP TSTP; exec \"$0\" \"$@\"",
};

static void master_argv(struct strv *argv, const struct openssh *o,
			const struct openssh_login *login, struct mono deadline)
{
	for (size_t i = 0; login->ask && i < ARRAY_SIZE(deaf); i++)
		strv_push(argv, deaf[i]);
	strv_push(argv, "ssh");
	for (size_t i = 0; i < ARRAY_SIZE(master_options); i++)
		strv_push(argv, master_options[i]);
	push_newer_options(argv, deadline);
	strv_push(argv, "-S");
	strv_push(argv, o->control);
	if (!login->ask) {
		strv_push(argv, "-o");
		strv_push(argv, "BatchMode=yes");
	}
	strv_push_all(argv, login->options);
	strv_push(argv, "--");
	strv_push(argv, o->destination);
	strv_push(argv, "echo && echo " READY " && exec cat");
}

static int start_master(struct openssh *o, const struct openssh_login *login,
			struct mono deadline, struct err *err)
{
	AUTO_STRV struct strv argv = { .v = NULL }, env = { .v = NULL };
	struct child_spec spec = {
		.in = CHILD_FD_SOCKET,
		.out = CHILD_FD_SOCKET,
		.err = CHILD_FD_PIPE,
		.new_session = !login->ask,
	};

	if (!login->ask) {
		ssh_argv_silent_env(&env);
		spec.env = strv_argv(&env);
	}
	master_argv(&argv, o, login, deadline);
	spec.argv = (const char *const *)strv_argv(&argv);
	o->child = child_start(&spec, err);
	if (!o->child)
		return err_hint(err, "install an OpenSSH client");
	o->fd = child_take_stdout(o->child);
	o->stderr_fd = child_take_stderr(o->child);
	(void)fcntl(o->stderr_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Bytes from the host's cat; 0: none now. -1: it has ended. */
static ssize_t hear(struct openssh *o, void *data, size_t len)
{
	ssize_t n = recv(o->fd, data, len, MSG_DONTWAIT);

	if (n > 0) {
		o->heard_at = mono_now();
		waitq_wake_all(&o->heard);
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	o->session_end |= n <= 0;
	return n > 0 ? n : -1;
}

/* A login shell may have said something before, and not ended its line. */
static bool is_ready(struct buf *said)
{
	static const char mark[] = "\n" READY "\n";

	return memmem(buf_data(said), buf_len(said), mark, strlen(mark));
}

/* ssh has ended, or what it talks to is no login shell. */
static int login_failed(struct openssh *o, struct buf *said, struct err *err)
{
	AUTO_FREE char *all = NULL;
	AUTO_FREE char *words = NULL;
	int status = SSH_FAILED;

	(void)child_wait(o->child, mono_in_ms(STOP_MS), &status, NULL);
	if (status == SSH_FAILED)
		return set_ended(o, "cannot log in to", err);
	hear_words(o);
	all = xasprintf("%s\n%s", buf_data(said), buf_data(&o->words));
	words = said_in_one_line(all);
	return host_shell_refused(o->name, words, status, err);
}

/* Where ssh may ask, it is not known whether it does. */
static struct mono login_deadline(const struct openssh_login *login,
				  struct mono deadline)
{
	return login->ask ? mono_add_ms(deadline, HOST_PERSON_MS) : deadline;
}

static int wait_login(struct openssh *o, struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf said = { .base = NULL };

	for (;;) {
		char piece[1024];
		ssize_t n = hear(o, piece, sizeof(piece));

		if (n < 0 || buf_len(&said) > GREETING_BYTES)
			return login_failed(o, &said, err);
		buf_append(&said, piece, (size_t)n);
		if (is_ready(&said)) {
			hear_words(o);
			buf_truncate(&o->words, 0);
			return 0;
		}
		if (!n && task_wait_fd(o->fd, EPOLLIN, deadline, err) < 0)
			return err_wrap(err, ERR_NONE, "cannot log in to %s",
					o->name);
	}
}

struct openssh *openssh_new(const struct openssh_login *login,
			    struct mono deadline, struct err *err)
{
	struct openssh *o = XNEW(struct openssh);

	o->destination = xstrdup(login->destination);
	o->name = xstrdup(login->name);
	o->fd = -1;
	o->stderr_fd = -1;
	o->dir_lock_fd = -1;
	o->dir = openssh_dir_make(&o->dir_lock_fd, err);
	if (o->dir) {
		o->control = xasprintf("%s/ctl", o->dir);
		if (start_master(o, login, deadline, err) == 0 &&
		    wait_login(o, login_deadline(login, deadline), err) == 0)
			return o;
	}
	openssh_free(o);
	return NULL;
}

void openssh_free(struct openssh *o)
{
	if (!o)
		return;
	host_shells_free(o->shells);
	close_fd(o->fd);
	if (o->child)
		child_stop(o->child, STOP_MS);
	child_free(o->child);
	close_fd(o->stderr_fd);
	if (o->dir)
		openssh_dir_remove(o->dir_lock_fd, o->dir);
	close_fd(o->dir_lock_fd);
	buf_free(&o->words);
	free(o->control);
	free(o->dir);
	free(o->destination);
	free(o->name);
	free(o);
}

/* --- commands ------------------------------------------------------------ */

/*
 * Talks to the master and to nobody else: where the master cannot be reached,
 * ssh would go and log in by itself, which ProxyCommand forbids it.
 */
static void client_argv(struct strv *argv, const struct openssh *o)
{
	static const char *const words[] = {
		"ssh",	     "-F",
		"/dev/null", "-T",
		"-o",	     "BatchMode=yes",
		"-o",	     "ProxyCommand=false",
		"-o",	     "LogLevel=ERROR",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		strv_push(argv, words[i]);
	strv_push(argv, "-S");
	strv_push(argv, o->control);
}

/* Its own words, and nothing else, come after READY. */
static const char announced[] = "echo; echo " READY "; exec \"$@\" 2>/dev/null";

static char *announced_line(const char *const *argv)
{
	AUTO_STRV struct strv words = { .v = NULL };

	strv_push(&words, "sh");
	strv_push(&words, "-c");
	strv_push(&words, announced);
	strv_push(&words, "sh");
	for (size_t i = 0; argv[i]; i++)
		strv_push(&words, argv[i]);
	return quote_login((const char *const *)strv_argv(&words));
}

/* A client failed: because the connection is gone, or by what it says. */
static int client_failed(struct openssh *o, struct buf *errout, struct err *err)
{
	AUTO_FREE char *line = NULL;

	(void)child_wait(o->child, mono_in_ms(STOP_MS), NULL, NULL);
	if (openssh_check(o, err) < 0)
		return -1;
	line = said_in_one_line(buf_data(errout));
	return err_set(err, ERR_REMOTE, "%s",
		       *line ? line : "it ended without a word");
}

/* A client of the master that runs @line. */
struct remote {
	struct openssh *openssh;
	struct child *client;
};

static struct child *start_client(struct openssh *o, const char *line,
				  struct err *err)
{
	AUTO_STRV struct strv words = { .v = NULL };
	struct child_spec spec = {
		.in = CHILD_FD_SOCKET,
		.out = CHILD_FD_SOCKET,
		.err = CHILD_FD_PIPE,
		.new_session = true,
	};

	client_argv(&words, o);
	strv_push(&words, "--");
	strv_push(&words, o->destination);
	strv_push(&words, line);
	spec.argv = (const char *const *)strv_argv(&words);
	return child_start(&spec, err);
}

static void stop_shell(void *started)
{
	struct remote *r = started;

	child_free(r->client);
	free(r);
}

static void *start_shell(void *arg, const char *line, int fds[3],
			 struct mono deadline, struct err *err)
{
	struct remote *r = XNEW(struct remote);

	(void)deadline;
	r->openssh = arg;
	if (openssh_check(r->openssh, err) == 0)
		r->client = start_client(r->openssh, line, err);
	if (!r->client) {
		free(r);
		return NULL;
	}
	fds[1] = child_take_stdout(r->client);
	fds[2] = child_take_stderr(r->client);
	fds[0] = fcntl(fds[1], F_DUPFD_CLOEXEC, 0);
	if (fds[0] >= 0)
		return r;
	err_sys(err, errno, "cannot copy a descriptor");
	stop_shell(r);
	return NULL;
}

static int await_shell_end(void *started, struct mono deadline, int *status,
			   struct err *err)
{
	const struct remote *r = started;

	if (child_wait(r->client, deadline, status, err) < 0)
		return -1;
	if (*status != SSH_FAILED)
		return 0;
	(void)child_wait(r->openssh->child, mono_in_ms(STOP_MS), NULL, NULL);
	if (openssh_check(r->openssh, err) < 0)
		return -1;
	err_set(err, ERR_REMOTE, "ssh started no further command");
	return err_hint(err, "too many commands may be running over there "
			     "(MaxSessions in sshd_config)");
}

static const struct host_shell_ops shell_ops = {
	.start = start_shell,
	.await_end = await_shell_end,
	.stop = stop_shell,
};

static struct host_shells *shells_of(struct openssh *o)
{
	if (!o->shells)
		o->shells = host_shells_new(&shell_ops, o, o->name);
	return o->shells;
}

int openssh_become(struct openssh *o, const struct host_options *opt,
		   struct host *host, struct mono deadline, struct err *err)
{
	return host_shells_become(shells_of(o), opt, host, deadline, err);
}

int openssh_run(struct openssh *o, const struct host_command *cmd,
		struct host_result *result, struct err *err)
{
	if (openssh_check(o, err) < 0)
		return -1;
	if (host_shells_run(shells_of(o), cmd, result, err) == 0)
		return 0;
	return err_wrap(err, ERR_NONE, "cannot run %s", cmd->argv[0]);
}

/* --- connections --------------------------------------------------------- */

/* -O forward and -O cancel of "LOCAL:REMOTE". */
static int control(struct openssh *o, const char *order, const char *spec,
		   struct mono deadline, struct err *err)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_BUF struct buf errout = { .base = NULL };
	int status;

	client_argv(&argv, o);
	strv_push(&argv, "-O");
	strv_push(&argv, order);
	strv_push(&argv, "-L");
	strv_push(&argv, spec);
	strv_push(&argv, "--");
	strv_push(&argv, o->destination);
	if (child_run((const char *const *)strv_argv(&argv), NULL, 0,
		      FORWARD_OUTPUT_BYTES, deadline, &status, NULL, &errout,
		      err) < 0)
		return -1;
	return status ? client_failed(o, &errout, err) : 0;
}

static void append_escaped(struct buf *b, const char *path)
{
	for (; *path; path++) {
		if (*path == ':' || *path == '\\')
			buf_append(b, "\\", 1);
		buf_append(b, path, 1);
	}
}

static bool ended_at_once(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * The connection is made while the master's listener exists, and a heartbeat
 * goes there and back: by then the master has accepted it and the host has
 * said no if it will. After that the listener is of no more use.
 */
static int connect_through(struct openssh *o, const char *local,
			   const char *spec, struct mono deadline,
			   struct err *err)
{
	AUTO_FD int fd = stream_fd_dial_unix(local, deadline, err);

	if (fd < 0)
		return -1;
	if (openssh_ping(o, deadline, err) < 0 ||
	    control(o, "cancel", spec, deadline, err) < 0)
		return -1;
	if (ended_at_once(fd))
		return err_set(err, ERR_REMOTE, "nobody accepts connections");
	return steal_fd(&fd);
}

int openssh_connect(struct openssh *o, const char *path, struct mono deadline,
		    struct err *err)
{
	AUTO_FREE char *local = xasprintf("%s/f%u", o->dir, ++o->n_forwards);
	AUTO_BUF struct buf spec = { .base = NULL };
	int fd = -1;

	append_escaped(&spec, local);
	buf_append(&spec, ":", 1);
	append_escaped(&spec, path);
	if (openssh_check(o, err) == 0 &&
	    control(o, "forward", buf_data(&spec), deadline, err) == 0)
		fd = connect_through(o, local, buf_data(&spec), deadline, err);
	(void)unlink(local);
	return fd < 0 ? err_wrap(err, ERR_NONE, "cannot connect to %s", path)
		      : fd;
}

/* Byte by byte, since what follows is the command's. */
static int wait_announced(int fd, struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf said = { .base = NULL };

	while (!is_ready(&said)) {
		char byte;
		ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

		if (n == 0 || buf_len(&said) > GREETING_BYTES)
			return err_set(err, ERR_CLOSED, "it did not start");
		if (n > 0)
			buf_append(&said, &byte, 1);
		else if (errno != EAGAIN && errno != EINTR)
			return err_sys(err, errno, "it did not start");
		else if (task_wait_fd(fd, EPOLLIN, deadline, err) < 0)
			return -1;
	}
	return 0;
}

/* The client has ended or is about to: in its words, if it has any. */
static int command_failed(struct openssh *o, struct child *client,
			  struct err *err)
{
	AUTO_FD int fd = child_take_stderr(client);
	AUTO_BUF struct buf words = { .base = NULL };
	ssize_t n;

	if (child_wait(client, mono_in_ms(STOP_MS), NULL, NULL) < 0)
		return err_set(err, ERR_REMOTE, "it did not start");
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	n = read(fd, buf_reserve(&words, WORDS_BYTES), WORDS_BYTES);
	buf_commit(&words, n > 0 ? (size_t)n : 0);
	return client_failed(o, &words, err);
}

int openssh_command(struct openssh *o, const char *const *argv,
		    struct child **client, struct mono deadline,
		    struct err *err)
{
	AUTO_FREE char *line = announced_line(argv);
	AUTO_ERR struct err e = { 0 };
	AUTO_FD int fd = -1;
	struct child *c;

	if (openssh_check(o, err) < 0)
		return -1;
	c = start_client(o, line, err);
	if (!c)
		return -1;
	fd = child_take_stdout(c);
	if (wait_announced(fd, deadline, &e) == 0) {
		/* nobody reads it from here on; ssh ignores SIGPIPE */
		close_fd(child_take_stderr(c));
		*client = c;
		return steal_fd(&fd);
	}
	if (e.kind == ERR_CLOSED)
		command_failed(o, c, &e);
	err_move(err, &e);
	child_free(c);
	return err_wrap(err, ERR_NONE, "cannot run %s", argv[0]);
}

/* --- heartbeat ----------------------------------------------------------- */

static void count_answers(struct openssh *o)
{
	char bytes[64];
	ssize_t n;

	while ((n = hear(o, bytes, sizeof(bytes))) > 0)
		o->answered += (uint64_t)n;
}

/* The master may outlive its session for a while; it is of no use then. */
static int check_session(struct openssh *o, struct err *err)
{
	if (openssh_check(o, err) < 0)
		return -1;
	if (!o->session_end)
		return 0;
	err_set(err, ERR_NETWORK, "the session on %s has ended", o->name);
	return err_at_host(err, o->name);
}

/* As above, but gives the master the time to say why. */
static int session_lost(struct openssh *o, struct err *err)
{
	(void)child_wait(o->child, mono_in_ms(STOP_MS), NULL, NULL);
	return check_session(o, err);
}

/* With the socket full there are answers due already. */
static void ask(struct openssh *o, struct mono now)
{
	if (send(o->fd, ".", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1) {
		o->session_end |= errno != EAGAIN && errno != EINTR;
		return;
	}
	if (o->asked++ == o->answered)
		o->asked_at = now;
}

int openssh_alive(struct openssh *o, int silence_ms, struct err *err)
{
	struct mono now = mono_now();
	struct mono since;

	count_answers(o);
	if (check_session(o, err) < 0)
		return -1;
	if (o->answered == o->asked) {
		if (!mono_before(now, mono_add_ms(o->asked_at, ASK_EVERY_MS)))
			ask(o, now);
		return 0;
	}
	since = mono_before(o->heard_at, o->asked_at) ? o->asked_at
						      : o->heard_at;
	if (mono_before(now, mono_add_ms(since, silence_ms)))
		return 0;
	err_set(err, ERR_NETWORK, "%s has not answered for %.1f s", o->name,
		mono_diff_ms(now, since) / 1000);
	return err_at_host(err, o->name);
}

int openssh_ping(struct openssh *o, struct mono deadline, struct err *err)
{
	struct task_wait w = {
		.fd = o->fd,
		.events = EPOLLIN,
		.queue = &o->heard,
		.deadline = deadline,
	};
	uint64_t mine;

	count_answers(o);
	ask(o, mono_now());
	mine = o->asked;
	for (;;) {
		count_answers(o);
		if (o->session_end)
			return session_lost(o, err);
		if (o->answered >= mine)
			return 0;
		if (task_wait(&w, err) < 0)
			break;
	}
	if (err && err->kind == ERR_TIMEOUT)
		err_set(err, ERR_TIMEOUT, "%s did not answer in time", o->name);
	return err_at_host(err, o->name);
}
