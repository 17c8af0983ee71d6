/* SPDX-License-Identifier: MIT */
/*
 * host_shell: a shell on a host that stays. The theory of operation is in
 * host_shell.h.
 */
#include "transport/host_shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_become.h"
#include "transport/quote.h"
#include "transport/said.h"

extern const char host_shell_loop_sh[];

enum {
	READ_BYTES = 16384,
	READS = 16,	   /* in a row */
	STATUS_BYTES = 16, /* of a mark's line, behind the mark */
	STATUS_MAX = 999,  /* ksh and yash add 256 or 384 to a signal */
	END_MS = 2000,	   /* for the end of a shell whose output ended */
	GREETING_BYTES = 1 << 20, /* that a login may print before the shell */
};

/* One of its outputs, as far as it was read and is not the caller's. */
struct output {
	int fd;
	bool ended;
	struct buf text;
	size_t looked_at; /* no mark begins before that */
};

struct host_shell {
	const struct host_shell_ops *ops;
	void *started;
	char *host;
	char *mark; /* with the newline before it and the blank after */
	int in;
	struct output out, err;
	int epoll_fd; /* readable when one of the three is ready */
	bool usable;
};

/* --- its descriptors ------------------------------------------------------ */

static int watch(const struct host_shell *s, int op, int fd, uint32_t events,
		 struct err *err)
{
	struct epoll_event ev = { .events = events };

	if (epoll_ctl(s->epoll_fd, op, fd, &ev) < 0)
		return err_sys(err, errno, "cannot watch a shell");
	return 0;
}

/* Its input is watched only while there is something to write. */
static int watch_all(struct host_shell *s, struct err *err)
{
	const int fds[] = { s->in, s->out.fd, s->err.fd };

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		return err_sys(err, errno, "cannot watch a shell");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		(void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
		if (i && watch(s, EPOLL_CTL_ADD, fds[i], EPOLLIN, err) < 0)
			return -1;
	}
	return 0;
}

/* Takes what is there now; of much of it, a part. */
static void take_output(const struct host_shell *s, struct output *o)
{
	for (int i = 0; i < READS && !o->ended; i++) {
		ssize_t n = read(o->fd, buf_reserve(&o->text, READ_BYTES),
				 READ_BYTES);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			o->ended = true;
			(void)watch(s, EPOLL_CTL_DEL, o->fd, 0, NULL);
			return;
		}
		buf_commit(&o->text, (size_t)n);
		if (n < READ_BYTES)
			return;
	}
}

/* What the loop prints behind a mark, in decimal digits; -1: it did not. */
static int read_status(const char *text, const char *end)
{
	int status = 0;

	if (text == end)
		return -1;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		status = status * 10 + (*text - '0');
		if (status > STATUS_MAX)
			return -1;
	}
	return status;
}

/*
 * A whole mark: its text begins at *at, and at *after what follows it; *status
 * as read_status(). What is not one now never becomes one, but for the last
 * bytes.
 */
static bool find_mark(const struct host_shell *s, struct output *o, size_t *at,
		      size_t *after, int *status)
{
	const char *data = buf_data(&o->text);
	size_t len = buf_len(&o->text), mark_len = strlen(s->mark);
	const char *mark = memmem(data + o->looked_at, len - o->looked_at,
				  s->mark, mark_len);
	const char *end;

	if (!mark) {
		o->looked_at = len > mark_len ? len - mark_len : 0;
		return false;
	}
	o->looked_at = (size_t)(mark - data);
	end = memchr(mark + mark_len, '\n', len - o->looked_at - mark_len);
	if (!end)
		return false;
	*at = o->looked_at;
	*after = (size_t)(end + 1 - data);
	*status = read_status(mark + mark_len, end);
	return true;
}

/* --- one command ---------------------------------------------------------- */

/* What is under way between us and the shell. */
struct turn {
	const void *input[2]; /* to be written, one after the other */
	size_t len[2];
	size_t at;	   /* which of them */
	size_t max_output; /* of each, before the mark */
};

static bool writes(const struct turn *t)
{
	return t->at < 2;
}

/* One that reads no more is about to end, and may have said why. */
static void write_some(struct host_shell *s, struct turn *t)
{
	while (writes(t)) {
		size_t *len = &t->len[t->at];
		ssize_t n;

		if (!*len) {
			t->at++;
			continue;
		}
		n = send(s->in, t->input[t->at], *len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			t->at = 2;
			return;
		}
		t->input[t->at] = (const char *)t->input[t->at] + n;
		*len -= (size_t)n;
	}
}

enum judgement {
	UNMARKED, /* not yet */
	MARKED,
	TOO_LONG, /* without a mark */
	BROKEN,	  /* a mark without a status, which the loop never prints */
};

static enum judgement judge_output(const struct host_shell *s, struct output *o,
				   size_t most)
{
	size_t at, after;
	int status;

	if (find_mark(s, o, &at, &after, &status))
		return at > most ? TOO_LONG : status < 0 ? BROKEN : MARKED;
	return buf_len(&o->text) > most + strlen(s->mark) + STATUS_BYTES
		       ? TOO_LONG
		       : UNMARKED;
}

enum turn_end {
	TURN_FAILED = -1,
	TURN_MARKED,
	TURN_ENDED,
	TURN_OVERRUN,
	TURN_BROKEN,
	TURN_GOES_ON,
};

static enum turn_end judge_outputs(struct host_shell *s, size_t most)
{
	enum judgement out = judge_output(s, &s->out, most);
	enum judgement errors = judge_output(s, &s->err, most);

	if (out == TOO_LONG || errors == TOO_LONG)
		return TURN_OVERRUN;
	if (out == BROKEN || errors == BROKEN)
		return TURN_BROKEN;
	if (out == MARKED && errors == MARKED)
		return TURN_MARKED;
	return s->out.ended && s->err.ended ? TURN_ENDED : TURN_GOES_ON;
}

/* Until both marks are there. */
static enum turn_end take_turn(struct host_shell *s, struct turn *t,
			       struct mono deadline, struct err *err)
{
	bool awaits_room = false;

	for (;;) {
		enum turn_end end;

		take_output(s, &s->out);
		take_output(s, &s->err);
		end = judge_outputs(s, t->max_output);
		if (end != TURN_GOES_ON)
			return end;
		write_some(s, t);
		if (writes(t) != awaits_room) {
			awaits_room = writes(t);
			if (watch(s,
				  awaits_room ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
				  s->in, EPOLLOUT, err) < 0)
				return TURN_FAILED;
		}
		if (task_wait_fd(s->epoll_fd, EPOLLIN, deadline, err) < 0)
			return TURN_FAILED;
	}
}

/* Moves what is before the mark to @to; NULL: drops it. */
static int take_text(const struct host_shell *s, struct output *o,
		     struct buf *to)
{
	size_t at = 0, after = 0;
	int status = 0;

	(void)find_mark(s, o, &at, &after, &status);
	if (to)
		buf_append(to, buf_data(&o->text), at);
	buf_consume(&o->text, after);
	o->looked_at = 0;
	return status;
}

/* --- opening and closing -------------------------------------------------- */

static char *make_mark(void)
{
	uint64_t r[2];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		abort();
	return xasprintf("\nvmferry-%016llx%016llx ", (unsigned long long)r[0],
			 (unsigned long long)r[1]);
}

/* What the login has printed, in one line; to be freed. */
static char *words_of(struct host_shell *s)
{
	AUTO_FREE char *all = xasprintf("%s\n%s", buf_data(&s->out.text),
					buf_data(&s->err.text));

	return said_in_one_line(all);
}

static void hint_at_login(struct err *err)
{
	err_hint(err, "that user needs a login shell there (chsh -s), and no "
		      "ForceCommand in sshd_config, command= in "
		      "authorized_keys, or exit in what its shell reads "
		      "first; or log in as another user");
}

int host_shell_refused(const char *host, const char *words, int status,
		       struct err *err)
{
	AUTO_FREE char *how = status < 0 ? xstrdup("")
					 : xasprintf(" with status %d", status);

	err_set(err, ERR_AUTH, "%s", *words ? words : "it said nothing");
	err_wrap(err, ERR_AUTH,
		 "the login on %s ended%s instead of running a command", host,
		 how);
	hint_at_login(err);
	return err_at_host(err, host);
}

static struct mono end_by(struct mono deadline)
{
	return mono_min(deadline, mono_in_ms(END_MS));
}

static int no_shell(struct host_shell *s, const struct host_become *become,
		    struct mono deadline, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *words = words_of(s);
	int status = -1;

	if (s->ops->await_end(s->started, end_by(deadline), &status, &e) < 0 &&
	    e.kind != ERR_TIMEOUT) {
		err_move(err, &e);
		return -1;
	}
	if (become && host_become_refused(become, words, status, err) < 0)
		return -1;
	return host_shell_refused(s->host, words, status, err);
}

static int silent_shell(struct host_shell *s, struct err *err)
{
	AUTO_FREE char *words = words_of(s);

	if (*words)
		err_wrap(err, ERR_NONE, "it said: %s", words);
	err_wrap(err, ERR_NONE, "the login on %s began no shell", s->host);
	hint_at_login(err);
	return err_at_host(err, s->host);
}

/* The password is so short that the socket has room for it. */
static int answer(struct host_shell *s, struct host_become *b, int tries,
		  struct mono *deadline, struct err *err)
{
	char *secret = host_become_answer(b, tries, deadline, err);
	struct turn t = { .at = 0 };

	if (!secret)
		return -1;
	t.input[0] = secret;
	t.len[0] = strlen(secret);
	t.input[1] = "\n";
	t.len[1] = 1;
	write_some(s, &t);
	explicit_bzero(secret, strlen(secret));
	free(secret);
	return 0;
}

/* Until a shell of root's waits for its text. */
static int become_root(struct host_shell *s, struct host_become *b,
		       struct mono *deadline, struct err *err)
{
	int tries = 0;

	for (;;) {
		enum host_become_sight sight;

		take_output(s, &s->out);
		take_output(s, &s->err);
		sight = host_become_look(b, &s->out.text, &s->err.text);
		if (sight == HOST_BECOME_ROOT) {
			buf_free(&s->out.text);
			buf_free(&s->err.text);
			return 0;
		}
		if (sight == HOST_BECOME_ASKS) {
			if (answer(s, b, tries++, deadline, err) < 0)
				return -1;
			continue;
		}
		if (s->out.ended && s->err.ended)
			return no_shell(s, b, *deadline, err);
		if (buf_len(&s->out.text) > GREETING_BYTES ||
		    buf_len(&s->err.text) > GREETING_BYTES) {
			err_set(err, ERR_AUTH, "it prints too much");
			return silent_shell(s, err);
		}
		if (task_wait_fd(s->epoll_fd, EPOLLIN, *deadline, err) < 0) {
			if (err && err->kind == ERR_TIMEOUT)
				silent_shell(s, err);
			return -1;
		}
	}
}

/* @first: what the shell reads before its mark. */
static int await_shell(struct host_shell *s, const char *first,
		       struct mono deadline, struct err *err)
{
	/* the mark without the newline before it and the blank after */
	AUTO_FREE char *line =
		xasprintf("%.*s\n", (int)(strlen(s->mark) - 2), s->mark + 1);
	struct turn t = {
		.input = { first, line },
		.len = { strlen(first), strlen(line) },
		.max_output = GREETING_BYTES,
	};

	switch (take_turn(s, &t, deadline, err)) {
	case TURN_MARKED:
		(void)take_text(s, &s->out, NULL);
		(void)take_text(s, &s->err, NULL);
		s->usable = true;
		return 0;
	case TURN_ENDED:
		return no_shell(s, NULL, deadline, err);
	case TURN_OVERRUN:
		err_set(err, ERR_AUTH, "it prints too much");
		return silent_shell(s, err);
	case TURN_BROKEN:
		err_set(err, ERR_AUTH, "it prints what no shell of ours does");
		return silent_shell(s, err);
	default:
		if (err && err->kind == ERR_TIMEOUT)
			silent_shell(s, err);
		return -1;
	}
}

static char *login_line(const struct host_become *become)
{
	static const char *const argv[] = { "sh", "-c", host_shell_loop_sh,
					    NULL };

	return become ? host_become_line(become) : quote_login(argv);
}

static int begin(struct host_shell *s, struct host_become *become,
		 struct mono deadline, struct err *err)
{
	AUTO_FREE char *text = NULL;

	if (watch_all(s, err) < 0)
		return -1;
	if (!become)
		return await_shell(s, "", deadline, err);
	if (become_root(s, become, &deadline, err) < 0)
		return -1;
	text = xasprintf("%zu\n%s", strlen(host_shell_loop_sh),
			 host_shell_loop_sh);
	return await_shell(s, text, deadline, err);
}

struct host_shell *host_shell_open(const struct host_shell_ops *ops,
				   void *back_end, const char *host,
				   struct host_become *become,
				   struct mono deadline, struct err *err)
{
	AUTO_FREE char *line = login_line(become);
	struct host_shell *s = XNEW(struct host_shell);
	int fds[3] = { -1, -1, -1 };

	s->ops = ops;
	s->host = xstrdup(host);
	s->mark = make_mark();
	s->epoll_fd = -1;
	s->started = ops->start(back_end, line, fds, deadline, err);
	s->in = fds[0];
	s->out.fd = fds[1];
	s->err.fd = fds[2];
	if (s->started && begin(s, become, deadline, err) == 0)
		return s;
	host_shell_close(s);
	return NULL;
}

void host_shell_close(struct host_shell *s)
{
	if (!s)
		return;
	close_fd(s->epoll_fd);
	close_fd(s->in);
	close_fd(s->out.fd);
	close_fd(s->err.fd);
	if (s->started)
		s->ops->stop(s->started);
	buf_free(&s->out.text);
	buf_free(&s->err.text);
	free(s->mark);
	free(s->host);
	free(s);
}

/* --- running -------------------------------------------------------------- */

static int ended(struct host_shell *s, struct mono deadline, struct err *err)
{
	int status = -1;

	if (s->ops->await_end(s->started, end_by(deadline), &status, err) < 0)
		return -1;
	return err_set(err, ERR_REMOTE,
		       "the shell that ran it ended with status %d", status);
}

int host_shell_run(struct host_shell *s, const struct host_command *cmd,
		   struct host_result *result, struct err *err)
{
	AUTO_FREE char *line = quote_argv(cmd->argv);
	AUTO_FREE char *request =
		xasprintf("%zu %zu\n%s", strlen(line), cmd->input_len, line);
	struct turn t = {
		.input = { request, cmd->input },
		.len = { strlen(request), cmd->input_len },
		.max_output = cmd->max_output,
	};

	s->usable = false;
	switch (take_turn(s, &t, cmd->deadline, err)) {
	case TURN_MARKED:
		result->status = take_text(s, &s->out, &result->out);
		(void)take_text(s, &s->err, &result->err);
		/* a mark before all was read is not the loop's */
		s->usable = !writes(&t);
		return 0;
	case TURN_ENDED:
		return ended(s, cmd->deadline, err);
	case TURN_BROKEN:
		return err_set(err, ERR_REMOTE,
			       "the shell that ran %s did not say how it ended",
			       cmd->argv[0]);
	case TURN_OVERRUN:
		return err_set(err, ERR_REMOTE, "%s wrote more than %zu bytes",
			       cmd->argv[0], cmd->max_output);
	default:
		return -1;
	}
}

bool host_shell_is_usable(struct host_shell *s)
{
	if (s->usable) {
		take_output(s, &s->out);
		take_output(s, &s->err);
		s->usable = !s->out.ended && !s->err.ended;
	}
	/* what an earlier command's processes still say is nobody's */
	buf_free(&s->out.text);
	buf_free(&s->err.text);
	return s->usable;
}
