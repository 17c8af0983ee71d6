/* SPDX-License-Identifier: MIT */
/* ask: asks a person for a secret. */
#include "tools/cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tools/cli/text.h"
#include "transport/child.h"
#include "transport/base/xalloc.h"

enum { SECRET_MAX = 1024, ASK_MS = 5 * 60 * 1000 };

/*
 * One line, without its end; NULL when there is none. The terminal keeps its
 * blocking mode, which others share: read(2) comes after it is readable, and
 * in canonical mode that is a whole line.
 */
static char *read_line(int tty, struct mono deadline)
{
	char line[SECRET_MAX];
	char *answer = NULL;
	ssize_t n;

	if (task_wait_fd(tty, EPOLLIN, deadline, NULL) < 0)
		return NULL;
	n = read(tty, line, sizeof(line));
	if (n > 0 && line[n - 1] == '\n')
		answer = xstrndup(line, (size_t)n - 1);
	explicit_bzero(line, sizeof(line));
	return answer;
}

static void print(int tty, const char *text)
{
	AUTO_BUF struct buf b = { 0 };

	text_put(&b, text_locale_is_utf8(), text);
	(void)!write(tty, buf_data(&b), buf_len(&b));
}

void ask_restore(struct ask *a)
{
	if (!a->quiet)
		return;
	a->quiet = false;
	(void)tcsetattr(a->tty, TCSAFLUSH, &a->before);
	(void)!write(a->tty, "\n", 1);
}

static char *ask_terminal(struct ask *a, int tty, const char *prompt)
{
	struct termios quiet;
	char *answer;

	if (tcgetattr(tty, &a->before) < 0)
		return NULL;
	a->tty = tty;
	quiet = a->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return NULL;
	a->quiet = true;
	print(tty, prompt);
	answer = read_line(tty, mono_in_ms(ASK_MS));
	ask_restore(a);
	return answer;
}

static char *ask_program(const char *program, const char *prompt)
{
	const char *const argv[] = { program, prompt, NULL };
	struct buf out = { 0 };
	char *answer = NULL;
	int status = -1;

	if (child_run(argv, NULL, 0, SECRET_MAX, mono_in_ms(ASK_MS), &status,
		      &out, NULL, NULL) == 0 &&
	    status == 0)
		answer = xstrndup(buf_data(&out),
				  strcspn(buf_data(&out), "\r\n"));
	buf_wipe(&out);
	return answer;
}

static char *ask_now(struct ask *a, const char *prompt)
{
	const char *program = getenv("SSH_ASKPASS");
	const char *require = getenv("SSH_ASKPASS_REQUIRE");
	bool force = require && !strcmp(require, "force");
	bool never = require && !strcmp(require, "never");
	AUTO_FD int tty = -1;

	if (!program || !*program)
		never = true;
	if (never || !force)
		tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty >= 0)
		return ask_terminal(a, tty, prompt);
	return never ? NULL : ask_program(program, prompt);
}

char *ask_secret(struct ask *a, const char *prompt)
{
	char *answer;

	if (task_lock(&a->lock, MONO_NEVER, NULL) < 0)
		return NULL;
	answer = ask_now(a, prompt);
	task_unlock(&a->lock);
	return answer;
}
