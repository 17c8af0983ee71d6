/* SPDX-License-Identifier: MIT */
/*
 * host_shell and host_shells behind logins of all kinds: shells that are no
 * POSIX shells, that print, that are slow, that are none. Each by both ways to
 * a host.
 */
#include "transport/host_shell.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

/* --- both ways ------------------------------------------------------------ */

static const enum host_backend_choice ways[] = { HOST_SSH_LIBSSH2,
						 HOST_SSH_OPENSSH };

static bool has_ssh(void)
{
	return access("/usr/bin/ssh", X_OK) == 0;
}

static struct host *open_by(struct sshd *d, enum host_backend_choice way,
			    struct err *err)
{
	struct host_options opt = sshd_options(d);

	opt.backend = way;
	return host_open(d->target, &opt, SSHD_SOON, err);
}

static int run(struct host *h, const char *const *argv, struct host_result *r,
	       struct err *err)
{
	struct host_command cmd = { .argv = argv, .deadline = SSHD_SOON };

	return host_run(h, &cmd, r, err);
}

static void expect_echo(struct host *h, const char *word)
{
	const char *const argv[] = { "printf", "%s", word, NULL };
	struct host_result r = { 0 };
	struct err err = { 0 };

	if (run(h, argv, &r, &err) < 0)
		fail_with_err(&err);
	assert_int_equal(r.status, 0);
	assert_string_equal(buf_data(&r.out), word);
	assert_string_equal(buf_data(&r.err), "");
	host_result_free(&r);
}

/* Ends @d. */
static void expect_exact_answers(struct sshd *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct err err = { 0 };
		struct host *h;

		if (ways[i] == HOST_SSH_OPENSSH && !has_ssh())
			continue;
		h = open_by(d, ways[i], &err);
		if (!h)
			fail_with_err(&err);
		for (int n = 0; n < 3; n++)
			expect_echo(h, "it's\n\\ 'x'!");
		host_close(h);
	}
	sshd_stop(d);
}

/* A command's failure, or the login's. Ends @d. */
static void expect_no_shell(struct sshd *d, const char *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		static const char *const argv[] = { "true", NULL };
		struct host_result r = { 0 };
		struct err err = { 0 };
		struct host *h;

		if (ways[i] == HOST_SSH_OPENSSH && !has_ssh())
			continue;
		h = open_by(d, ways[i], &err);
		if (h)
			assert_int_equal(run(h, argv, &r, &err), -1);
		assert_non_null(err_hint_of(&err));
		assert_non_null(strstr(err_hint_of(&err), "login shell"));
		assert_non_null(strstr(err_hint_of(&err), "ForceCommand"));
		expect_err_kind(&err, ERR_AUTH, words);
		host_result_free(&r);
		host_close(h);
	}
	sshd_stop(d);
}

/* --- shells --------------------------------------------------------------- */

IN_TASK(a_shell_that_prints_at_a_login_spoils_no_answer)
{
	struct sshd *d = sshd_start_with_shell("/bin/bash", "");

	sshd_write(d, ".bashrc",
		   "echo Welcome to this host; echo mind the gap >&2\n"
		   "printf 'no newline'\n");
	expect_exact_answers(d);
}

IN_TASK(a_long_greeting_spoils_no_answer)
{
	struct sshd *d = sshd_start_with_shell("/bin/bash", "");

	sshd_write(d, ".bashrc",
		   "head -c 50000 /dev/zero | tr '\\0' x\n"
		   "head -c 50000 /dev/zero >&2\n");
	expect_exact_answers(d);
}

IN_TASK(a_csh_that_prints_spoils_no_answer)
{
	struct sshd *d = sshd_start_with_shell("/usr/bin/tcsh", "");

	sshd_write(d, ".tcshrc", "echo Welcome\n");
	expect_exact_answers(d);
}

IN_TASK(a_zsh_that_prints_spoils_no_answer)
{
	struct sshd *d = sshd_start_with_shell("/usr/bin/zsh", "");

	sshd_write(d, ".zshenv", "echo Welcome\n");
	expect_exact_answers(d);
}

IN_TASK(a_fish_that_prints_spoils_no_answer)
{
	struct sshd *d = sshd_start_with_shell("/usr/bin/fish", "");
	AUTO_FREE char *config = xasprintf("%s/.config", d->dir);
	AUTO_FREE char *local = xasprintf("%s/.local", d->dir);
	AUTO_FREE char *fish = xasprintf("%s/fish", config);

	assert_int_equal(mkdir(config, 0700), 0);
	assert_int_equal(mkdir(fish, 0700), 0);
	sshd_write(d, ".config/fish/config.fish", "echo Welcome\n");
	expect_exact_answers(d);
	remove_tree(config);
	remove_tree(local);
}

static void count_logins(enum host_backend_choice way, int logins)
{
	struct sshd *d = sshd_start_with_shell("/bin/bash", "");
	struct err err = { 0 };
	AUTO_FREE char *counted = NULL;
	struct host *h;

	sshd_write(d, ".bashrc", "printf x >>~/logins\n");
	h = open_by(d, way, &err);
	if (!h)
		fail_with_err(&err);
	for (int i = 0; i < 7; i++)
		expect_echo(h, "x");
	host_close(h);
	counted = sshd_read(d, "logins");
	sshd_stop(d);
	assert_int_equal(strlen(counted), logins);
}

IN_TASK(a_slow_login_is_paid_once)
{
	count_logins(HOST_SSH_LIBSSH2, 1);
}

/* Its connection has a session of its own. */
IN_TASK(a_slow_login_is_paid_twice_with_ssh)
{
	if (!has_ssh())
		skip();
	count_logins(HOST_SSH_OPENSSH, 2);
}

static void echo_x(void *arg)
{
	expect_echo(arg, "x");
}

IN_TASK(commands_that_come_at_once_wait_for_one_login)
{
	struct sshd *d = sshd_start_with_shell("/bin/bash", "");
	struct err err = { 0 };
	AUTO_FREE char *counted = NULL;
	struct task *t[8];
	struct host *h;

	sshd_write(d, ".bashrc",
		   "printf x >>~/logins\n"
		   "until [ -e ~/go ]; do sleep 0.02; done\n");
	h = open_by(d, HOST_SSH_LIBSSH2, &err);
	if (!h)
		fail_with_err(&err);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = task_start(task_loop(), "echo", echo_x, h);
	(void)task_sleep_until(mono_in_ms(1500), NULL);
	counted = sshd_read(d, "logins");
	sshd_write(d, "go", "");
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		task_join(t[i]);
	host_close(h);
	sshd_stop(d);
	assert_int_equal(strlen(counted), 1);
}

static pid_t parent_there(struct host *h)
{
	static const char *const argv[] = { "sh", "-c", "echo $PPID", NULL };
	struct host_result r = { 0 };
	struct err err = { 0 };
	pid_t pid;

	if (run(h, argv, &r, &err) < 0)
		fail_with_err(&err);
	pid = atoi(buf_data(&r.out));
	host_result_free(&r);
	return pid;
}

static void wait_until_gone(pid_t pid)
{
	while (kill(pid, 0) == 0 || errno != ESRCH)
		(void)task_sleep_until(mono_in_ms(2), NULL);
}

IN_TASK(a_shell_that_is_killed_is_replaced)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct sshd *d = sshd_start("");
		struct err err = { 0 };
		struct host *h;
		pid_t shell;

		if (ways[i] == HOST_SSH_OPENSSH && !has_ssh()) {
			sshd_stop(d);
			continue;
		}
		h = open_by(d, ways[i], &err);
		if (!h)
			fail_with_err(&err);
		shell = parent_there(h);
		assert_int_equal(parent_there(h), shell);
		assert_int_equal(kill(shell, SIGKILL), 0);
		wait_until_gone(shell);
		/* its end has arrived here behind this */
		assert_int_equal(host_ping(h, SSHD_SOON, &err), 0);
		(void)task_sleep_until(mono_in_ms(100), NULL);
		expect_echo(h, "x");
		host_close(h);
		sshd_stop(d);
	}
}

IN_TASK(what_a_process_prints_late_is_in_no_later_answer)
{
	static const char *const argv[] = {
		"sh", "-c", "(sleep 0.2; echo late; echo late >&2) & true", NULL
	};
	struct sshd *d = sshd_start("");
	struct host_result r = { 0 };
	struct err err = { 0 };
	struct host *h = open_by(d, HOST_SSH_LIBSSH2, &err);

	if (!h || run(h, argv, &r, &err) < 0)
		fail_with_err(&err);
	(void)task_sleep_until(mono_in_ms(500), NULL);
	expect_echo(h, "x");
	host_result_free(&r);
	host_close(h);
	sshd_stop(d);
}

/* --- no shells ------------------------------------------------------------ */

IN_TASK(nologin_is_quoted)
{
	expect_no_shell(sshd_start_with_shell("/usr/sbin/nologin", ""),
			"This account is currently not available");
}

IN_TASK(a_login_that_says_nothing_is_named)
{
	expect_no_shell(sshd_start_with_shell("/bin/false", ""),
			"ended with status 1 instead of running a command");
}

IN_TASK(a_forced_command_is_quoted)
{
	expect_no_shell(sshd_start("ForceCommand echo Backups only, please\n"),
			"Backups only, please");
}

IN_TASK(a_host_for_files_only_is_quoted)
{
	expect_no_shell(sshd_start("ForceCommand internal-sftp\n"),
			"sftp connections only");
}

IN_TASK(a_forced_command_that_repeats_what_it_reads_is_no_shell)
{
	struct sshd *d = sshd_start("ForceCommand cat\n");
	static const char *const argv[] = { "true", NULL };
	struct host_command cmd = { .argv = argv,
				    .deadline = mono_in_ms(6000) };
	struct host_result r = { 0 };
	struct err err = { 0 };
	struct host *h = open_by(d, HOST_SSH_LIBSSH2, &err);

	if (!h)
		fail_with_err(&err);
	assert_int_equal(host_run(h, &cmd, &r, &err), -1);
	assert_non_null(strstr(err_hint_of(&err), "ForceCommand"));
	expect_err_kind(&err, ERR_TIMEOUT, "began no shell");
	host_result_free(&r);
	host_close(h);
	sshd_stop(d);
}

IN_TASK(a_shell_that_exits_as_it_begins_is_named)
{
	struct sshd *d = sshd_start_with_shell("/bin/bash", "");

	sshd_write(d, ".bashrc", "echo Closed for today >&2; exit 3\n");
	expect_no_shell(d, "status 3 instead of running a command: "
			   "Closed for today");
}
