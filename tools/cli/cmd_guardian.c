/* SPDX-License-Identifier: MIT */
/*
 * vmferry guardian: not for people. `migrate` starts it, with a socket to
 * itself as standard input, before it changes anything.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/recover/guardian.h"
#include "engine/run/guard.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/system_log.h"
#include "tools/cli/watch.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

/* Of two processes the one that can mend things should be the last to go. */
static void hold_on_to_memory(void)
{
	AUTO_FD int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "-900", 4);
}

/* The process that started the migration and its terminal may be gone. */
static void log_recovery(const struct recovery *r)
{
	AUTO_FREE char *where = result_where(&r->result);
	AUTO_FREE char *text =
		xasprintf("the engine of %s ended early; its guardian: %s. %s",
			  r->result.run, verdict_name(r->verdict), where);

	system_log(text);
}

/*
 * The engine is the process that made the other end of standard input, even
 * when it has ended. 0: there is none, so vmferry did not start us.
 */
static pid_t find_engine(void)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	return peer.pid;
}

/*
 * In a process of its own, which is nobody's child and can be ended by anybody:
 * the caller need not wait.
 */
static void watch_source(const struct cli *cli, struct sentry *s)
{
	pid_t pid;

	if (!s || cli->settings.watch_source_s <= 0)
		return;
	pid = fork();
	if (pid > 0)
		_exit(0);
	if (pid == 0)
		watch_let_go(cli);
	sentry_watch(s, cli->settings.watch_source_s);
}

enum { LENGTH_DIGITS = 4 };

static bool read_all(char *to, size_t len)
{
	return recv(STDIN_FILENO, to, len, MSG_WAITALL) == (ssize_t)len;
}

/*
 * What the engine says first (GUARD_PASSWORD); NULL when it has ended before.
 * To be wiped.
 */
static char *read_password(void)
{
	char digits[LENGTH_DIGITS + 2] = "";
	size_t n = 0;
	char *text;

	while (n <= LENGTH_DIGITS && read_all(&digits[n], 1) &&
	       digits[n] != '\n')
		n++;
	if (digits[n] != '\n')
		return NULL;
	n = (size_t)strtoul(digits, NULL, 10);
	text = xmalloc(n + 1);
	text[n] = '\0';
	if (read_all(text, n))
		return text;
	free(text);
	return NULL;
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	char *password = NULL;
	struct sentry *sentry;
	struct guardian_options opt = {
		.fd = STDIN_FILENO,
		.engine = find_engine(),
		.destination = cli->operands.v[0],
		.thread = (pid_t)strtol(cli->operands.v[1], NULL, 10),
		.recover = {
			.word = cli->operands.v[2],
			.state_dir = cli->settings.state_dir,
		},
	};
	struct recoveries list = { .v = NULL };

	if (opt.engine <= 0 || opt.thread <= 0) {
		err_set(&err, ERR_USAGE,
			"guardian is started by vmferry itself only");
		return cli_usage(cli, &err);
	}
	hold_on_to_memory();
	log_set_sink(system_log_warnings, NULL);
	cli_host_options(cli, &opt.recover.ssh);
	opt.recover.ssh.ask = NULL;
	if (cli->operands.n > 3 && !strcmp(cli->operands.v[3], GUARD_PASSWORD))
		password = read_password();
	opt.recover.ssh.sudo_password = password;
	guardian_run(&opt, &list, &sentry);
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
	if (list.n)
		log_recovery(&list.v[0]);
	watch_source(cli, sentry);
	sentry_free(sentry);
	recoveries_free(&list);
	return 0;
}

static const struct option_group *const groups[] = {
	&group_state,
	&group_watch,
	&group_login,
	NULL,
};

const struct command cmd_guardian = {
	.name = "guardian",
	.args = "DEST THREAD RUN [" GUARD_PASSWORD "]",
	.min_operands = 3,
	.max_operands = 4,
	.summary = "recovers a run whose engine dies; started by migrate",
	.description = "",
	.groups = groups,
	.deaf = true,
	.run = run,
};
