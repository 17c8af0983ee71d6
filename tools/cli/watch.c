/* SPDX-License-Identifier: MIT */
/* watch: a process in the background that watches for second starts. */
#include "tools/cli/watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/recover/sentry.h"
#include "tools/cli/system_log.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

void watch_let_go(const struct cli *cli)
{
	AUTO_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	AUTO_FD int oom =
		open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	const char *dir = cli->settings.state_dir;
	sigset_t none;

	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	if (oom >= 0)
		(void)!write(oom, "0", 1);
	if (!dir || *dir == '/')
		(void)!chdir("/");
	(void)setsid();
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

struct one {
	struct sentry *sentry;
	double seconds;
};

static void watch_one(void *arg)
{
	struct one *one = arg;

	sentry_watch(one->sentry, one->seconds);
}

static void watch_all(void *arg)
{
	const struct cli *cli = arg;
	struct one *all = xcalloc(cli->n_sentries, sizeof(*all));
	struct task **tasks = xcalloc(cli->n_sentries, sizeof(struct task *));

	for (size_t i = 0; i < cli->n_sentries; i++) {
		all[i] = (struct one){ cli->sentries[i],
				       cli->settings.watch_source_s };
		tasks[i] = task_start(task_loop(), "watch", watch_one, &all[i]);
	}
	for (size_t i = 0; i < cli->n_sentries; i++)
		task_join(tasks[i]);
	free(tasks);
	free(all);
}

static void drop(struct cli *cli)
{
	for (size_t i = 0; i < cli->n_sentries; i++)
		sentry_free(cli->sentries[i]);
	free(cli->sentries);
	cli->sentries = NULL;
	cli->n_sentries = 0;
}

/* The result was printed: what fails here is for the system's log. */
static void watch(struct cli *cli)
{
	struct loop *loop;

	watch_let_go(cli);
	log_set_sink(system_log_warnings, NULL);
	loop = loop_new(NULL);
	if (loop)
		loop_run(loop, watch_all, cli);
	loop_free(loop);
	drop(cli);
	_exit(0);
}

void watch_in_background(struct cli *cli)
{
	if (cli->n_sentries && cli->settings.watch_source_s > 0 && fork() == 0)
		watch(cli);
	drop(cli);
}
