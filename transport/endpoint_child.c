/* SPDX-License-Identifier: MIT */
/* endpoint_child: an endpoint, seen from its parent. */
#include "transport/endpoint_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/endpoint/endpoint.h"

enum {
	GOODBYE_MS = 200,
	REAP_MS = 20,	     /* between the end of its socket and its own */
	WORDS_BYTES = 1024,  /* of its stderr */
	BURST_MESSAGES = 32, /* then others have their turn */
};

struct endpoint_child {
	unsigned int holders;
	char *host;
	struct child *child;
	int control_fd;
	int stderr_fd;
	struct control_counters *counters;
	enum control_phase phase;
	struct err death;
	bool stopping;
	int version, confined;
	uint32_t last_id;
	struct endpoint_subject *subjects;
	struct waitq activity;
	struct task *reader;
	struct control_message in;
};

/* --- how it ended --------------------------------------------------------- */

static void die(struct endpoint_child *c, struct err *why)
{
	if (c->death.kind == ERR_NONE)
		err_move(&c->death, why);
	waitq_wake_all(&c->activity);
}

static void lost(struct endpoint_child *c, struct err *why)
{
	err_wrap(why, why->kind, "the connection to %s is lost", c->host);
	die(c, why);
}

void endpoint_child_kill(struct endpoint_child *c, struct err *why)
{
	if (c->child)
		child_kill(c->child);
	die(c, why);
}

/* It said ERROR. */
static void failed(struct endpoint_child *c)
{
	struct err why = { 0 };

	err_set(&why,
		c->in.head.a == CONTROL_FAULT_CRYPTO ? ERR_CRYPTO : ERR_NETWORK,
		"%s", c->in.len ? c->in.text : "it does not say why");
	lost(c, &why);
}

/* What libssh2 or the C library printed when it gave up; one line, or "". */
static char *last_words(struct endpoint_child *c)
{
	char *text = xcalloc(1, WORDS_BYTES + 1);
	ssize_t n = read(c->stderr_fd, text, WORDS_BYTES);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* It ended without a word: a fault in libssh2, or somebody killed it. */
static void vanished(struct endpoint_child *c)
{
	struct pollfd p = { .fd = child_end_fd(c->child), .events = POLLIN };
	AUTO_FREE char *words = last_words(c);
	struct err why = { 0 };
	int status = 0;

	(void)poll(&p, 1, REAP_MS);
	if (child_ended(c->child))
		(void)child_wait(c->child, mono_now(), &status, NULL);
	if (*words)
		err_set(&why, ERR_NETWORK, "%s", words);
	else if (status > 128)
		err_set(&why, ERR_NETWORK, "it was ended by signal %d (%s)",
			status - 128, strsignal(status - 128));
	else
		err_set(&why, ERR_NETWORK, "it ended with status %d", status);
	err_wrap(&why, ERR_NETWORK, "the process that spoke to it has failed");
	lost(c, &why);
}

static void broke_rules(struct endpoint_child *c, const char *how)
{
	struct err why = { 0 };

	child_kill(c->child);
	err_set(&why, ERR_NETWORK,
		"the process that spoke to it said what it must not (%s)", how);
	lost(c, &why);
}

/* --- what it says --------------------------------------------------------- */

static struct endpoint_subject *find(struct endpoint_child *c, uint32_t id)
{
	struct endpoint_subject *s = c->subjects;

	while (s && s->id != id)
		s = s->next;
	return s;
}

static void greeted(struct endpoint_child *c)
{
	c->version = c->in.head.a;
	c->confined = c->in.head.b;
	log_debug(c->host, "process %d for it:%s%s%s", (int)child_pid(c->child),
		  c->confined & CONTROL_OWN_UID ? " own uid" : "",
		  c->confined & CONTROL_LANDLOCK ? " landlock" : "",
		  c->confined & CONTROL_SECCOMP ? " seccomp" : "");
}

static void hear(struct endpoint_child *c)
{
	struct endpoint_subject *s;

	if (c->in.head.word >= CONTROL_WORDS ||
	    !control_step(&c->phase, CONTROL_ENDPOINT,
			  (enum control_word)c->in.head.word)) {
		broke_rules(c, control_word_name((int)c->in.head.word));
		return;
	}
	if (c->in.head.word == CONTROL_ERROR) {
		failed(c);
		return;
	}
	if (c->in.head.word == CONTROL_HELLO)
		greeted(c);
	s = find(c, c->in.head.id);
	if (!s)
		return;
	s->heard |= 1U << c->in.head.word;
	s->head = c->in.head;
	if (c->in.len) {
		buf_wipe(&s->text);
		buf_append(&s->text, c->in.text, c->in.len);
	}
	waitq_wake_all(&c->activity);
}

/* True when there may be more. */
static bool hear_some(struct endpoint_child *c)
{
	for (int i = 0; i < BURST_MESSAGES; i++) {
		struct err err = { 0 };
		int rc;

		if (c->death.kind != ERR_NONE)
			return false;
		rc = control_receive(c->control_fd, &c->in, false, &err);
		if (rc == 1)
			return false;
		if (rc == 0)
			hear(c);
		else if (err.kind == ERR_CLOSED)
			vanished(c);
		else
			broke_rules(c, err.message);
		err_reset(&err);
	}
	return true;
}

int endpoint_child_check(struct endpoint_child *c, struct err *err)
{
	if (!c->stopping)
		(void)hear_some(c);
	if (c->death.kind == ERR_NONE)
		return 0;
	err_copy(err, &c->death);
	return err_at_host(err, c->host);
}

static void reader(void *arg)
{
	struct endpoint_child *c = arg;

	while (!c->stopping && c->death.kind == ERR_NONE) {
		if (hear_some(c))
			task_yield();
		else if (c->death.kind == ERR_NONE &&
			 task_wait_fd(c->control_fd, EPOLLIN, MONO_NEVER,
				      NULL) < 0)
			break;
	}
}

/* --- what the parent says ------------------------------------------------- */

static void add(struct endpoint_child *c, struct endpoint_subject *s,
		uint32_t id)
{
	*s = (struct endpoint_subject){ .id = id, .next = c->subjects };
	c->subjects = s;
}

void endpoint_child_begin(struct endpoint_child *c, struct endpoint_subject *s)
{
	add(c, s, ++c->last_id);
}

void endpoint_child_begin_login(struct endpoint_child *c,
				struct endpoint_subject *s)
{
	add(c, s, 0);
}

void endpoint_child_forget(struct endpoint_child *c, struct endpoint_subject *s)
{
	struct endpoint_subject **at = &c->subjects;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	buf_wipe(&s->text);
}

int endpoint_child_say(struct endpoint_child *c, struct endpoint_subject *s,
		       const struct endpoint_words *words, struct mono deadline,
		       struct err *err)
{
	const struct control_head head = { words->word, s->id, words->a, 0 };
	int rc;

	if (endpoint_child_check(c, err) < 0)
		return -1;
	if (words->len > CONTROL_TEXT_MAX)
		return err_set(err, ERR_INTERNAL, "%s of %zu bytes is too long",
			       control_word_name(words->word), words->len);
	if (!control_step(&c->phase, CONTROL_PARENT, words->word))
		return err_set(err, ERR_INTERNAL, "%s was not expected",
			       control_word_name(words->word));
	while ((rc = control_send(c->control_fd, &head, words->text, words->len,
				  words->fds, words->n_fds, err)) == 1) {
		if (task_wait_fd(c->control_fd, EPOLLOUT, deadline, err) < 0)
			return -1;
	}
	/* the reason is on its way, or here already */
	return rc < 0 && endpoint_child_check(c, err) == 0 ? -1 : rc;
}

int endpoint_child_await(struct endpoint_child *c, struct endpoint_subject *s,
			 uint32_t bits, struct mono deadline, struct err *err)
{
	while (!(s->heard & bits)) {
		if (endpoint_child_check(c, err) < 0)
			return -1;
		if (s->heard & bits)
			break;
		if (task_wait_queue(&c->activity, deadline, err) == 0)
			continue;
		if (err && err->kind == ERR_TIMEOUT)
			err_set(err, ERR_TIMEOUT, "%s did not answer in time",
				c->host);
		return err_at_host(err, c->host);
	}
	return 0;
}

int endpoint_child_ask(struct endpoint_child *c, struct endpoint_subject *s,
		       const struct endpoint_words *words, uint32_t bits,
		       struct mono deadline, struct err *err)
{
	s->heard = 0;
	buf_wipe(&s->text);
	if (endpoint_child_say(c, s, words, deadline, err) < 0)
		return -1;
	return endpoint_child_await(c, s, bits, deadline, err);
}

/* --- from the start to the end -------------------------------------------- */

static char *program;

void endpoint_child_program(const char *path)
{
	free(program);
	program = xstrdup(path);
}

/* Its size cannot change: no access to it by us can fail. */
static int make_counters(struct endpoint_child *c, struct err *err)
{
	AUTO_FD int fd = memfd_create("vmferry counters",
				      MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *at;

	if (fd < 0 || ftruncate(fd, CONTROL_COUNTERS_BYTES) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
		    0)
		return err_sys(err, errno, "cannot make a memory file");
	at = mmap(NULL, CONTROL_COUNTERS_BYTES, PROT_READ | PROT_WRITE,
		  MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return err_sys(err, errno, "cannot map a memory file");
	c->counters = at;
	return steal_fd(&fd);
}

static int spawn(struct endpoint_child *c, const int more[3], struct err *err)
{
	static const char *const argv[] = { "vmferry", ENDPOINT_WORD, NULL };
	static char *const no_environment[] = { NULL };
	const struct child_spec spec = {
		.file = program,
		.argv = argv,
		.env = no_environment,
		.in = CHILD_FD_NULL,
		.out = CHILD_FD_NULL,
		.err = CHILD_FD_PIPE,
		.more = more,
		.n_more = 3,
		.new_session = true,
	};

	c->child = child_start(&spec, err);
	if (!c->child)
		return -1;
	c->stderr_fd = child_take_stderr(c->child);
	(void)fcntl(c->stderr_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static int start(struct endpoint_child *c, int peer_fd, struct err *err)
{
	AUTO_FD int counters_fd = -1, theirs = -1;
	int pair[2];

	if (!program)
		return err_set(err, ERR_USAGE,
			       "no program is named that speaks SSH");
	counters_fd = make_counters(c, err);
	if (counters_fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	c->control_fd = pair[0];
	theirs = pair[1];
	return spawn(c, (const int[]){ theirs, peer_fd, counters_fd }, err);
}

struct endpoint_child *endpoint_child_start(const char *host, int peer_fd,
					    struct err *err)
{
	struct endpoint_child *c = XNEW(struct endpoint_child);
	int rc;

	c->holders = 1;
	c->host = xstrdup(host);
	c->control_fd = -1;
	c->stderr_fd = -1;
	rc = start(c, peer_fd, err);
	close_fd(peer_fd);
	if (rc < 0) {
		err_wrap(err, ERR_NONE, "cannot start a process for %s", host);
		endpoint_child_close(c);
		return NULL;
	}
	c->reader = task_start(task_loop(), "endpoint", reader, c);
	return c;
}

void endpoint_child_close(struct endpoint_child *c)
{
	struct err why = { 0 };

	if (!c)
		return;
	c->stopping = true;
	if (c->reader) {
		task_cancel(c->reader);
		task_join(STEAL(c->reader));
	}
	close_fd(steal_fd(&c->control_fd));
	if (c->child) {
		task_shield();
		(void)child_wait(c->child, mono_in_ms(GOODBYE_MS), NULL, NULL);
		task_unshield();
	}
	child_free(STEAL(c->child));
	close_fd(steal_fd(&c->stderr_fd));
	err_set(&why, ERR_CLOSED, "the connection to %s is closed", c->host);
	die(c, &why);
	err_reset(&why);
	endpoint_child_drop(c);
}

struct endpoint_child *endpoint_child_hold(struct endpoint_child *c)
{
	c->holders++;
	return c;
}

void endpoint_child_drop(struct endpoint_child *c)
{
	if (--c->holders)
		return;
	if (c->counters)
		(void)munmap(c->counters, CONTROL_COUNTERS_BYTES);
	err_reset(&c->death);
	free(c->host);
	free(c);
}

const char *endpoint_child_host(const struct endpoint_child *c)
{
	return c->host;
}

const struct control_counters *
endpoint_child_counters(const struct endpoint_child *c)
{
	return c->counters;
}

pid_t endpoint_child_pid(const struct endpoint_child *c)
{
	return child_pid(c->child);
}

int endpoint_child_version(const struct endpoint_child *c)
{
	return c->version;
}

int endpoint_child_confined(const struct endpoint_child *c)
{
	return c->confined;
}

struct waitq *endpoint_child_activity(struct endpoint_child *c)
{
	return &c->activity;
}
