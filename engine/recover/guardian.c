/* SPDX-License-Identifier: MIT */
/* guardian: finishes or undoes a run whose engine died or hangs. */
#include "engine/recover/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/hosts/proc_stat.h"
#include "engine/run/guard.h"
#include "engine/state/journal_read.h"
#include "transport/base/buf.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum {
	TICK_MS = 100,
	/* a tick that took longer was one in which we were starved ourselves */
	LATE_TICK_MS = 150,
	BUSY_MS = 2000, /* of CPU without a beat: it runs in circles */
	ASLEEP_TICKS = 3,
	DISK_TICKS = 70, /* ten seconds in all */
	LOGIN_MS = 20000,
	FIRST_BUSY_MS = 200,
	FIRST_RETRY_MS = 1000,
	LAST_RETRY_MS = 8000,
	GONE_POLL_MS = 500,
};

/* --- judging ------------------------------------------------------------- */

bool guardian_silence(struct guardian_watch *w, double passed_ms)
{
	w->silent_ms += passed_ms < LATE_TICK_MS ? passed_ms : LATE_TICK_MS;
	return w->silent_ms >= GUARDIAN_SILENCE_MS;
}

bool guardian_judge(struct guardian_watch *w, const struct guardian_sight *s)
{
	switch (s->state) {
	case 'T':
	case 't':
		return true;
	case 'S':
		return ++w->asleep >= ASLEEP_TICKS;
	case 'D': /* a disk that is only slow comes to an end */
		return ++w->asleep >= DISK_TICKS;
	case 'R':
		w->asleep = 0;
		return s->cpu_ms >= w->cpu_ms_then + BUSY_MS;
	default:
		return false;
	}
}

/* --- watching ------------------------------------------------------------ */

struct guardian {
	const struct guardian_options *opt;
	int pidfd;
	struct guardian_watch watch;
	struct host *warm;
	struct sentry *sentry;
};

static struct guardian_sight look(const struct guardian *g)
{
	struct guardian_sight s = { 0 };
	struct proc_stat stat;
	char path[64], line[512];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat",
		 (int)g->opt->engine, (int)g->opt->thread);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n <= 0)
		return s;
	line[n] = '\0';
	if (proc_stat_read(line, &stat) < 0)
		return s;
	s.state = stat.state;
	s.cpu_ms = stat.cpu_ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	return s;
}

static void kill_engine(const struct guardian *g)
{
	log_warn(NULL,
		 "the engine was silent for %d s and does not run: it is "
		 "killed",
		 GUARDIAN_SILENCE_MS / 1000);
	if (g->pidfd >= 0)
		(void)pidfd_send_signal(g->pidfd, SIGKILL, NULL, 0);
}

/* While the source lives: a second start would have its command line. */
static void note_source(void *arg)
{
	struct guardian *g = arg;
	AUTO_ERR struct err e = { 0 };

	g->sentry =
		sentry_new(g->opt->recover.state_dir, g->opt->recover.word, &e);
	if (!g->sentry)
		log_info(NULL, "the source cannot be watched later: %s",
			 e.message);
}

/* A name of others in it ends no line. */
static void add_answer(struct buf *b, char *text)
{
	for (char *c = text; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	buf_printf(b, "%c%s\n", GUARD_TWIN, text);
}

static void answer_look(const struct guardian *g)
{
	AUTO_STRV struct strv found = { 0 };
	AUTO_BUF struct buf b = { 0 };

	if (g->sentry)
		sentry_look(g->sentry, &found);
	for (size_t i = 0; i < found.n; i++)
		add_answer(&b, found.v[i]);
	buf_printf(&b, "%c\n", GUARD_SEEN);
	(void)!send(g->opt->fd, buf_data(&b), buf_len(&b),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum heard { HEARD_BEAT, HEARD_DONE, HEARD_MOVED, HEARD_END };

/* Takes what the engine has said. */
static enum heard listen_to_engine(struct guardian *g)
{
	char words[64];
	ssize_t n = recv(g->opt->fd, words, sizeof(words), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? HEARD_BEAT
							 : HEARD_END;
	if (n == 0)
		return HEARD_END;
	if (memchr(words, GUARD_DONE, (size_t)n))
		return HEARD_DONE;
	if (memchr(words, GUARD_MOVED, (size_t)n))
		return HEARD_MOVED;
	if (memchr(words, GUARD_LOOK, (size_t)n))
		answer_look(g);
	g->watch = (struct guardian_watch){ .cpu_ms_then = look(g).cpu_ms };
	return HEARD_BEAT;
}

/* How it ended: HEARD_END when it has not finished. */
static enum heard watch_engine(struct guardian *g)
{
	struct mono before = mono_now();

	for (;;) {
		AUTO_ERR struct err e = { 0 };
		int heard = task_wait_fd(g->opt->fd, EPOLLIN,
					 mono_in_ms(TICK_MS), &e);
		struct mono now = mono_now();
		struct guardian_sight s;

		if (heard < 0 && e.kind != ERR_TIMEOUT)
			return HEARD_END;
		if (heard == 0) {
			enum heard said = listen_to_engine(g);

			if (said != HEARD_BEAT)
				return said;
		} else if (guardian_silence(&g->watch,
					    mono_diff_ms(now, before))) {
			s = look(g);
			if (guardian_judge(&g->watch, &s)) {
				kill_engine(g);
				g->watch = (struct guardian_watch){ 0 };
			}
		}
		before = now;
	}
}

/* --- acting -------------------------------------------------------------- */

/* A login takes its time; a frozen guest does not have it. */
static void log_in(void *arg)
{
	struct guardian *g = arg;
	struct host_options ssh = g->opt->recover.ssh;

	ssh.ask = NULL;
	g->warm = host_open(g->opt->destination, &ssh, mono_in_ms(LOGIN_MS),
			    NULL);
}

bool guardian_is_over(const struct recoveries *list)
{
	const struct recovery *r = list->v;

	if (!list->n)
		return true; /* somebody else has finished it */
	if (r->result.error.kind == ERR_BUSY)
		return false;
	return r->verdict == VERDICT_PERSON ||
	       (r->result.error.kind == ERR_NONE && !r->result.leftovers.n &&
		r->verdict != VERDICT_HOLD);
}

int guardian_pause_ms(bool busy, unsigned int tries)
{
	int ms = busy ? FIRST_BUSY_MS : FIRST_RETRY_MS;

	while (tries-- && ms < LAST_RETRY_MS)
		ms *= 2;
	return ms < LAST_RETRY_MS ? ms : LAST_RETRY_MS;
}

/* Waits for the next try; true when the journal has gone meanwhile. */
static bool is_gone_in(const char *journal, int ms)
{
	struct mono until = mono_in_ms(ms);

	do {
		if (access(journal, F_OK) < 0 && errno == ENOENT)
			return true;
		if (task_sleep_until(mono_min(until, mono_in_ms(GONE_POLL_MS)),
				     NULL) < 0)
			return true;
	} while (mono_before(mono_now(), until));
	return false;
}

static void report_held(const char *run, const struct err *why)
{
	log_warn(NULL,
		 "%s cannot be finished yet: %s; it is tried again "
		 "until it can",
		 run,
		 why->message ? why->message : "something is left to clean up");
}

static void recover(struct guardian *g, struct recoveries *out)
{
	const struct recover_options *ro = &g->opt->recover;
	AUTO_FREE char *journal =
		recover_journal_path(ro->state_dir, ro->word, NULL);
	struct recover_options opt = *ro;
	unsigned int tries[2] = { 0 }; /* held, busy */
	bool reported = false;

	opt.warm = &g->warm;
	opt.ssh.ask = NULL;
	for (;;) {
		bool busy;

		recoveries_free(out);
		if (recover_run(&opt, out, NULL) == 0 && guardian_is_over(out))
			return;
		busy = out->n && out->v[0].result.error.kind == ERR_BUSY;
		if (!busy && !reported && out->n) {
			report_held(ro->word, &out->v[0].result.error);
			reported = true;
		}
		if (is_gone_in(journal ? journal : "/",
			       guardian_pause_ms(busy, tries[busy]++)))
			return;
	}
}

static void end_task(struct task *t)
{
	task_cancel(t);
	task_join(t);
}

void guardian_run(const struct guardian_options *opt, struct recoveries *out,
		  struct sentry **sentry)
{
	struct guardian g = {
		.opt = opt,
		.pidfd = pidfd_open(opt->engine, 0),
	};
	struct task *login = task_start(task_loop(), "login", log_in, &g);
	struct task *source =
		task_start(task_loop(), "source", note_source, &g);
	enum heard end = watch_engine(&g);

	if (end == HEARD_END) {
		log_info(NULL, "the engine is gone");
		recover(&g, out);
	}
	end_task(login);
	end_task(source);
	host_close(g.warm);
	close_fd(g.pidfd);
	*sentry = NULL;
	if (end == HEARD_MOVED || (out->n && recovery_has_moved(&out->v[0])))
		*sentry = STEAL(g.sentry);
	sentry_free(g.sentry);
}
