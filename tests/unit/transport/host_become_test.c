/* SPDX-License-Identifier: MIT */
/*
 * host_become: a host where commands are root's by sudo, by both ways to a
 * host, with a real sshd and a real sudo.
 */
#include "transport/host_become.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/host_contract.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

#define FREELY SSHD_PORTER " ALL=(root) NOPASSWD: ALL\n"
#define BY_PASSWORD SSHD_PORTER " ALL=(root) ALL\n"

static const enum host_backend_choice ways[] = { HOST_SSH_LIBSSH2,
						 HOST_SSH_OPENSSH };

static bool is_there(enum host_backend_choice way)
{
	return way != HOST_SSH_OPENSSH || access("/usr/bin/ssh", X_OK) == 0;
}

/* --- what a person types -------------------------------------------------- */

struct person {
	const char *const *answers; /* one after another, NULL-terminated */
	int asked;
	char prompt[256]; /* the last one */
};

static char *reply(void *arg, const char *prompt, enum host_ask what)
{
	struct person *p = arg;
	const char *answer = p->answers[p->asked];

	assert_int_equal(what, HOST_ASK_SECRET);
	snprintf(p->prompt, sizeof(p->prompt), "%s", prompt);
	if (answer)
		p->asked++;
	return xstrdup(answer);
}

static struct host *open_by(struct sshd *d, enum host_backend_choice way,
			    struct person *p, struct err *err)
{
	struct host_options opt = sshd_options(d);

	opt.backend = way;
	opt.become = HOST_BECOME_SUDO;
	if (p) {
		p->asked = 0;
		opt.ask = reply;
		opt.arg = p;
	}
	return host_open(d->target, &opt, SSHD_SOON, err);
}

/* --- the contract --------------------------------------------------------- */

static struct sshd *server;

static int stop_server(void **state)
{
	(void)state;
	sshd_stop(STEAL(server));
	return 0;
}

static int no_server(void **state)
{
	(void)state;
	return 0;
}

TEST_GROUP_FIXTURE(no_server, stop_server);

static struct host *open_host(void)
{
	struct err err = { 0 };
	struct host *h;

	if (!server)
		server = sshd_start_with_sudo(FREELY, "");
	h = open_by(server, HOST_SSH_LIBSSH2, NULL, &err);
	if (!h)
		fail_with_err(&err);
	return h;
}

HOST_CONTRACT(open_host);

/* --- what commands are ---------------------------------------------------- */

static char *output_of(struct host *h, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct host_command cmd = { .argv = argv, .deadline = SSHD_SOON };
	struct host_result r = { 0 };
	struct err err = { 0 };
	char *out;

	if (host_run(h, &cmd, &r, &err) < 0)
		fail_with_err(&err);
	assert_int_equal(r.status, 0);
	out = xstrdup(buf_data(&r.out));
	host_result_free(&r);
	return out;
}

static void expect_output(struct host *h, const char *script, const char *text)
{
	AUTO_FREE char *out = output_of(h, script);

	assert_string_equal(out, text);
}

/* Ends @d. */
static void expect_root(struct sshd *d, const char *const *answers, int asked)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct person p = { .answers = answers };
		struct err err = { 0 };
		struct host *h;
		uid_t login = 0;

		if (!is_there(ways[i]))
			continue;
		h = open_by(d, ways[i], answers ? &p : NULL, &err);
		if (!h)
			fail_with_err(&err);
		assert_int_equal(p.asked, asked);
		assert_true(host_becomes(h, &login));
		assert_int_equal(login, SSHD_PORTER_UID);
		expect_output(h, "id -u; id -g; id -G", "0\n0\n0\n");
		/* nobody is asked a second time */
		for (int n = 0; n < 3; n++)
			expect_output(h, "printf %s \"it's\"", "it's");
		assert_int_equal(p.asked, asked);
		host_close(h);
	}
	sshd_stop(d);
}

IN_TASK(commands_are_roots_without_a_password)
{
	expect_root(sshd_start_with_sudo(FREELY, ""), NULL, 0);
}

IN_TASK(nobody_is_asked_where_none_is_needed)
{
	static const char *const answers[] = { NULL };

	expect_root(sshd_start_with_sudo(FREELY, ""), answers, 0);
}

IN_TASK(a_password_is_asked_for_once)
{
	static const char *const answers[] = { SSHD_PORTER_PASSWORD, NULL };

	expect_root(sshd_start_with_sudo(BY_PASSWORD, ""), answers, 1);
}

IN_TASK(a_wrong_password_is_asked_for_again)
{
	static const char *const answers[] = { "sesame", SSHD_PORTER_PASSWORD,
					       NULL };

	expect_root(sshd_start_with_sudo(BY_PASSWORD, ""), answers, 2);
}

IN_TASK(a_lecture_and_a_pseudo_terminal_spoil_nothing)
{
	static const char *const answers[] = { SSHD_PORTER_PASSWORD, NULL };

	expect_root(sshd_start_with_sudo("Defaults lecture=always\n"
					 "Defaults use_pty\n" BY_PASSWORD,
					 ""),
		    answers, 1);
}

IN_TASK(a_shell_of_roots_is_all_that_has_to_be_allowed)
{
	expect_root(sshd_start_with_sudo(SSHD_PORTER " ALL=(root) NOPASSWD: "
						     "/bin/sh, /usr/bin/sh\n",
					 ""),
		    NULL, 0);
}

static void echo_one(void *arg)
{
	expect_output(arg, "sleep 0.5; id -u", "0\n");
}

IN_TASK(further_shells_have_the_password)
{
	static const char *const answers[] = { SSHD_PORTER_PASSWORD, NULL };
	struct sshd *d = sshd_start_with_sudo(BY_PASSWORD, "");
	struct person p = { .answers = answers };
	struct err err = { 0 };
	struct host *h = open_by(d, HOST_SSH_LIBSSH2, &p, &err);
	struct task *t[3];

	if (!h)
		fail_with_err(&err);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = task_start(task_loop(), "echo", echo_one, h);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		task_join(t[i]);
	assert_int_equal(p.asked, 1);
	host_close(h);
	sshd_stop(d);
}

IN_TASK(a_second_connection_gets_the_password)
{
	static const char *const answers[] = { SSHD_PORTER_PASSWORD, NULL };
	struct sshd *d = sshd_start_with_sudo(BY_PASSWORD, "");
	struct host_options opt = sshd_options(d);
	struct person p = { .answers = answers };
	struct err err = { 0 };
	struct host *h = open_by(d, HOST_SSH_LIBSSH2, &p, &err);
	struct host *second;

	if (!h)
		fail_with_err(&err);
	opt.become = HOST_BECOME_SUDO;
	opt.sudo_password = host_sudo_password(h);
	second = host_open(d->target, &opt, SSHD_SOON, &err);
	if (!second)
		fail_with_err(&err);
	host_close(h);
	expect_output(second, "id -u", "0\n");
	host_close(second);
	sshd_stop(d);
}

IN_TASK(the_password_is_in_no_process)
{
	static const char *const answers[] = { SSHD_PORTER_PASSWORD, NULL };
	struct sshd *d = sshd_start_with_sudo(BY_PASSWORD, "");
	struct person p = { .answers = answers };
	struct err err = { 0 };
	struct host *h = open_by(d, HOST_SSH_LIBSSH2, &p, &err);

	if (!h)
		fail_with_err(&err);
	assert_non_null(strstr(p.prompt, d->target));
	/* its own command line has it in two pieces */
	expect_output(h,
		      "w='open se''same'\n"
		      "printf '%s\\n' \"$w\" | grep -l -a -F -f - "
		      "/proc/[0-9]*/cmdline /proc/[0-9]*/environ "
		      "2>/dev/null | head -n 1",
		      "");
	expect_output(h, "env | grep ^SUDO_ | head -n 1", "");
	host_close(h);
	sshd_stop(d);
}

IN_TASK(root_needs_no_sudo)
{
	struct sshd *d = sshd_start("");
	struct err err = { 0 };
	struct host *h = open_by(d, HOST_SSH_LIBSSH2, NULL, &err);

	if (geteuid()) {
		host_close(h);
		sshd_stop(d);
		skip();
	}
	if (!h)
		fail_with_err(&err);
	assert_false(host_becomes(h, NULL));
	expect_output(h, "id -u", "0\n");
	host_close(h);
	sshd_stop(d);
}

/* --- refusals ------------------------------------------------------------- */

/* Ends @d. */
static void expect_refusal(struct sshd *d, const char *const *answers,
			   const char *words, const char *hint)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct person p = { .answers = answers };
		struct err err = { 0 };
		AUTO_FREE char *text = NULL;

		if (!is_there(ways[i]))
			continue;
		assert_null(open_by(d, ways[i], answers ? &p : NULL, &err));
		text = err_text(&err);
		assert_null(strstr(text, "vmferry-password"));
		assert_null(strstr(text, "vmferry-ready"));
		if (err.kind != ERR_BECOME || !err_hint_of(&err))
			fail_with_err(&err);
		assert_non_null(strstr(err_hint_of(&err), hint));
		expect_err_kind(&err, ERR_BECOME, words);
	}
	sshd_stop(d);
}

IN_TASK(a_user_who_is_not_in_sudoers_is_reported)
{
	static const char *const answers[] = { SSHD_PORTER_PASSWORD, NULL };

	expect_refusal(sshd_start_with_sudo("root ALL=(ALL) ALL\n", ""),
		       answers, "is not in the sudoers file", "visudo");
}

IN_TASK(a_rule_for_other_commands_is_reported)
{
	expect_refusal(sshd_start_with_sudo(SSHD_PORTER
					    " ALL=(root) NOPASSWD: /bin/ls\n"
					    "Defaults !authenticate\n",
					    ""),
		       NULL, "not allowed to execute '/usr/bin/sh' as root",
		       "visudo");
}

IN_TASK(a_terminal_that_sudo_wants_is_reported)
{
	expect_refusal(sshd_start_with_sudo("Defaults requiretty\n" FREELY, ""),
		       NULL, "you must have a tty", "requiretty");
}

IN_TASK(a_password_that_nobody_can_be_asked_for_is_reported)
{
	expect_refusal(sshd_start_with_sudo(BY_PASSWORD, ""), NULL,
		       "a password is required", "NOPASSWD");
}

IN_TASK(a_password_that_nobody_types_is_reported)
{
	static const char *const answers[] = { NULL };

	expect_refusal(sshd_start_with_sudo(BY_PASSWORD, ""), answers,
		       "asks for a password", "NOPASSWD");
}

IN_TASK(wrong_passwords_are_reported)
{
	static const char *const answers[] = { "a", "b", "c", "d", NULL };

	expect_refusal(sshd_start_with_sudo(BY_PASSWORD, ""), answers,
		       "3 incorrect password attempts", "password of the user");
}

IN_TASK(a_missing_sudo_is_reported)
{
	char bin[] = "/tmp/vmferry-bin-XXXXXX";
	AUTO_FREE char *make = NULL;
	AUTO_FREE char *path = NULL;

	assert_non_null(mkdtemp(bin));
	path = xasprintf("SetEnv PATH=%s\n", bin);
	make = xasprintf("chmod 711 %s && "
			 "ln -s /bin/sh /bin/cat /usr/bin/env /usr/bin/id %s",
			 bin, bin);
	assert_int_equal(system(make), 0);
	expect_refusal(sshd_start_with_sudo(FREELY, path), NULL,
		       "there is no sudo on", "install sudo");
	remove_tree(bin);
}

/* sudo was not reached, and is not to blame. */
IN_TASK(a_forced_command_is_the_logins)
{
	struct sshd *d =
		sshd_start_with_sudo(FREELY, "ForceCommand echo go away\n");
	struct err err = { 0 };

	assert_null(open_by(d, HOST_SSH_LIBSSH2, NULL, &err));
	expect_err_kind(&err, ERR_AUTH, "go away");
	sshd_stop(d);
}
