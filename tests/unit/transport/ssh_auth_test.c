/* SPDX-License-Identifier: MIT */
/* ssh_auth: what a person types. Keys and agents: host_ssh_test.c. */
#include "transport/ssh_auth.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

#define PASSWORD_ONLY                                           \
	"PubkeyAuthentication no\nPasswordAuthentication yes\n" \
	"KbdInteractiveAuthentication no\n"
#define INTERVIEW_ONLY                          \
	"UsePAM yes\nPubkeyAuthentication no\n" \
	"PasswordAuthentication no\nKbdInteractiveAuthentication yes\n"

/* Answers its questions with one answer after another, the last for good. */
struct person {
	const char *answers[4];
	int asked;
	char *prompt; /* the latest */
};

static char *answer(void *arg, const char *prompt, enum host_ask what)
{
	struct person *p = arg;
	int i = p->asked++;

	assert_int_equal(what, HOST_ASK_SECRET);
	free(p->prompt);
	p->prompt = xstrdup(prompt);
	while (i && !p->answers[i])
		i--;
	return xstrdup(p->answers[i]);
}

static struct sshd *start(const char *extra)
{
	if (geteuid() != 0)
		skip();
	return sshd_start_with_password("open sesame", extra);
}

static struct host *open_as(struct sshd *d, struct person *p, struct err *err)
{
	struct host_options opt = sshd_options(d);

	opt.ask = answer;
	opt.arg = p;
	return host_open(d->target, &opt, SSHD_SOON, err);
}

static void expect_usable(struct host *h)
{
	static const char *const argv[] = { "echo", "in", NULL };
	const struct host_command cmd = { .argv = argv, .deadline = SSHD_SOON };
	struct host_result r = { 0 };
	struct err err = { 0 };

	if (host_run(h, &cmd, &r, &err) < 0)
		fail_with_err(&err);
	assert_string_equal(buf_data(&r.out), "in\n");
	host_result_free(&r);
}

/* In, with a tunnel for which nobody is asked again. */
static void expect_login(const char *extra, struct person *p, int asked)
{
	static const char *const argv[] = { "cat", NULL };
	struct sshd *d = start(extra);
	struct err err = { 0 };
	struct host *h = open_as(d, p, &err);
	struct tunnel *t;

	if (!h)
		fail_with_err(&err);
	expect_usable(h);
	t = host_tunnel_command(h, argv, SSHD_SOON, &err);
	if (!t)
		fail_with_err(&err);
	assert_int_equal(p->asked, asked);
	tunnel_free(t);
	host_close(h);
	sshd_stop(d);
	free(p->prompt);
}

static void expect_refusal(const char *extra, struct person *p,
			   const char *words)
{
	struct sshd *d = start(extra);
	struct err err = { 0 };

	assert_null(open_as(d, p, &err));
	expect_err_kind(&err, ERR_AUTH, words);
	sshd_stop(d);
	free(p->prompt);
}

IN_TASK(a_password_logs_in_and_is_asked_for_once)
{
	struct person p = { .answers = { "open sesame" } };

	expect_login(PASSWORD_ONLY, &p, 1);
}

IN_TASK(a_wrong_password_can_be_corrected)
{
	struct person p = { .answers = { "open barley", "open sesame" } };

	expect_login(PASSWORD_ONLY, &p, 2);
}

IN_TASK(a_wrong_password_is_asked_for_three_times)
{
	struct person p = { .answers = { "open barley" } };

	expect_refusal(PASSWORD_ONLY, &p, "password: refused");
	assert_int_equal(p.asked, 3);
}

IN_TASK(the_hosts_own_questions_are_put_to_the_person)
{
	struct person p = { .answers = { "open sesame" } };

	expect_login(INTERVIEW_ONLY, &p, 1);
}

IN_TASK(a_wrong_answer_can_be_corrected)
{
	struct person p = { .answers = { "open barley", "open sesame" } };

	expect_login(INTERVIEW_ONLY, &p, 2);
}

IN_TASK(who_gives_no_answer_is_not_asked_again)
{
	struct person p = { .answers = { NULL } };

	expect_refusal(PASSWORD_ONLY, &p, "refused the login");
	assert_int_equal(p.asked, 1);
}
