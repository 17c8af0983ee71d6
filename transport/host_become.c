/* SPDX-License-Identifier: MIT */
/*
 * host_become: root's shell by sudo(8). The theory of operation is in
 * host_become.h.
 */
#include "transport/host_become.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char host_become_sh[];

enum {
	/* a shell's status of a command that cannot be run, or is not there */
	CANNOT_RUN = 126,
	NOT_FOUND = 127,
	UID_DIGITS = 10,  /* at most */
	MAX_ANSWERS = 10, /* sudo gives up before, after three by default */
};

struct host_become {
	char *host;
	char *prompt;
	char *ready;
	char *mark; /* what the shell of root's prints before a number */
	const struct host_options *asker;
	char *secret; /* NULL: none was needed, or none is known */
	uid_t login;
};

static char *random_word(const char *what)
{
	uint64_t r[2];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		abort();
	return xasprintf("vmferry-%s-%016llx%016llx", what,
			 (unsigned long long)r[0], (unsigned long long)r[1]);
}

static void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

struct host_become *host_become_new(const char *host)
{
	struct host_become *b = XNEW(struct host_become);

	b->host = xstrdup(host);
	b->prompt = random_word("password");
	b->ready = random_word("ready");
	b->mark = xasprintf("\n%s-root ", b->ready);
	return b;
}

void host_become_free(struct host_become *b)
{
	if (!b)
		return;
	secret_free(b->secret);
	free(b->mark);
	free(b->ready);
	free(b->prompt);
	free(b->host);
	free(b);
}

void host_become_supply(struct host_become *b, const char *password)
{
	secret_free(b->secret);
	b->secret = xstrdup(password);
}

const char *host_become_password(const struct host_become *b)
{
	return b->secret;
}

void host_become_set_asker(struct host_become *b,
			   const struct host_options *opt)
{
	b->asker = opt;
}

uid_t host_become_login(const struct host_become *b)
{
	return b->login;
}

static bool can_answer(const struct host_become *b)
{
	return b->secret || (b->asker && b->asker->ask);
}

char *host_become_line(const struct host_become *b)
{
	const char *const argv[] = { "sh",
				     "-c",
				     host_become_sh,
				     "sh",
				     b->prompt,
				     b->ready,
				     can_answer(b) ? "-S" : "-n",
				     NULL };

	return quote_login(argv);
}

/* --- what is seen --------------------------------------------------------- */

static const char *find(struct buf *in, const char *what)
{
	return memmem(buf_data(in), buf_len(in), what, strlen(what));
}

static bool take_login(struct host_become *b, struct buf *out)
{
	const char *at = find(out, b->mark);
	char digits[UID_DIGITS + 1] = "";
	size_t left, n;

	if (!at)
		return false;
	at += strlen(b->mark);
	left = buf_len(out) - (size_t)(at - buf_data(out));
	for (n = 0; n < left && n < UID_DIGITS && at[n] >= '0' && at[n] <= '9';
	     n++)
		digits[n] = at[n];
	if (n == left || at[n] != '\n')
		return false;
	b->login = (uid_t)strtoul(digits, NULL, 10);
	return true;
}

enum host_become_sight host_become_look(struct host_become *b, struct buf *out,
					struct buf *errors)
{
	const char *prompt;

	if (take_login(b, out))
		return HOST_BECOME_ROOT;
	prompt = find(errors, b->prompt);
	if (!prompt)
		return HOST_BECOME_WAITS;
	buf_consume(errors,
		    (size_t)(prompt + strlen(b->prompt) - buf_data(errors)));
	return HOST_BECOME_ASKS;
}

/* --- the password --------------------------------------------------------- */

static void hint_at_rule(struct err *err)
{
	err_hint(err, "let that user become root there without one: as root, "
		      "`visudo -f /etc/sudoers.d/vmferry` with the line `USER "
		      "ALL=(root) NOPASSWD: ALL`; or log in as root");
}

static char *nobody_answers(const struct host_become *b, bool refused,
			    struct err *err)
{
	/* who was asked may have cancelled instead of answering */
	if (task_cancel_asked()) {
		err_set(err, ERR_CANCELLED, "cancelled");
		return NULL;
	}
	err_set(err, ERR_BECOME, "sudo on %s %s", b->host,
		refused ? "refused the password"
			: "asks for a password, which is not known");
	hint_at_rule(err);
	err_at_host(err, b->host);
	return NULL;
}

static char *ask_person(struct host_become *b, struct mono *deadline)
{
	AUTO_FREE char *prompt =
		xasprintf("Password for sudo on %s: ", b->host);
	struct mono start = mono_now();
	char *answer;

	if (!b->asker || !b->asker->ask)
		return NULL;
	answer = b->asker->ask(b->asker->arg, prompt, HOST_ASK_SECRET);
	*deadline = mono_add_since(*deadline, start);
	return answer;
}

char *host_become_answer(struct host_become *b, int tries,
			 struct mono *deadline, struct err *err)
{
	bool refused = tries > 0;
	char *answer;

	if (b->secret && !refused)
		return xstrdup(b->secret);
	answer = tries < MAX_ANSWERS ? ask_person(b, deadline) : NULL;
	if (!answer)
		return nobody_answers(b, refused, err);
	secret_free(b->secret);
	b->secret = xstrdup(answer);
	return answer;
}

/* --- what sudo says ------------------------------------------------------- */

struct saying {
	const char *words;
	const char *what; /* about the host's sudo */
	void (*hint)(struct err *err);
};

static void hint_at_tty(struct err *err)
{
	err_hint(err, "sudo has no terminal here: as root there, `visudo -f "
		      "/etc/sudoers.d/vmferry` with the line `Defaults:USER "
		      "!requiretty`; or log in as root");
}

static void hint_at_password(struct err *err)
{
	err_hint(err, "it is the password of the user who logs in there, "
		      "unless sudoers says rootpw or targetpw");
}

static void hint_at_setuid(struct err *err)
{
	err_hint(err, "sudo cannot work in that login: it may be in a "
		      "container without new privileges, or sudo on a file "
		      "system mounted nosuid; log in as root");
}

static const struct saying sayings[] = {
	{ "must have a tty", "wants a terminal", hint_at_tty },
	{ "incorrect password", "refused the password", hint_at_password },
	{ "password is required", "asks for a password", hint_at_rule },
	{ "terminal is required", "asks for a password", hint_at_rule },
	{ "no new privileges", "cannot become root", hint_at_setuid },
	{ "effective uid is not 0", "cannot become root", hint_at_setuid },
	{ "setuid bit", "cannot become root", hint_at_setuid },
	/* "is not in the sudoers file", "is not allowed to execute", … */
	{ "not in the sudoers file", "is not allowed to that user",
	  hint_at_rule },
	{ "not allowed", "is not allowed to that user", hint_at_rule },
	{ "may not run sudo", "is not allowed to that user", hint_at_rule },
	{ "sudo: ", "failed", hint_at_rule },
};

static int no_sudo(const struct host_become *b, const char *words,
		   struct err *err)
{
	err_set(err, ERR_BECOME, "%s", words);
	err_wrap(err, ERR_BECOME, "there is no sudo on %s", b->host);
	err_hint(err, "install sudo there, or log in as root and leave "
		      "--become out");
	return err_at_host(err, b->host);
}

/*
 * Of the command that is not allowed only the program: "… not allowed to
 * execute '/bin/sh' as root". To be freed.
 */
static char *without_text(const char *words)
{
	const char *begin = strstr(words, " to execute '");
	const char *text = begin ? strstr(begin, " -c ") : NULL;
	const char *end = text ? strstr(text, "' as ") : NULL;

	return end ? xasprintf("%.*s%s", (int)(text - words), words, end)
		   : xstrdup(words);
}

int host_become_refused(const struct host_become *b, const char *said,
			int status, struct err *err)
{
	AUTO_FREE char *words = without_text(said);

	if ((status == NOT_FOUND || status == CANNOT_RUN) &&
	    strstr(words, "sudo"))
		return no_sudo(b, words, err);
	for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
		const struct saying *s = &sayings[i];

		if (!strstr(words, s->words))
			continue;
		err_set(err, ERR_BECOME, "%s", words);
		err_wrap(err, ERR_BECOME, "sudo on %s %s", b->host, s->what);
		s->hint(err);
		return err_at_host(err, b->host);
	}
	return 0;
}
