/* SPDX-License-Identifier: MIT */
/* ask: asks a person, for a secret or for a yes. */
#include "tools/cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tools/cli/text.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/host_options.h"

enum { SECRET_MAX = 1024 };

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

/* Lines stay lines only where nothing in the text is another's. */
static void print(int tty, const char *text, bool lines)
{
	bool utf8 = text_locale_is_utf8();
	AUTO_BUF struct buf b = { 0 };

	while (*text) {
		size_t len = lines ? strcspn(text, "\n") : strlen(text);
		AUTO_FREE char *line = xstrndup(text, len);

		text_put(&b, utf8, line);
		text += len;
		if (*text == '\n') {
			buf_append(&b, "\n", 1);
			text++;
		}
	}
	(void)!write(tty, buf_data(&b), buf_len(&b));
}

void ask_restore(struct ask *a)
{
	if (!a->changed)
		return;
	a->changed = false;
	(void)tcsetattr(a->tty, TCSAFLUSH, &a->before);
	if (a->quiet)
		(void)!write(a->tty, "\n", 1);
}

/* What was typed ahead is no answer. */
static char *ask_terminal(struct ask *a, int tty, const char *prompt,
			  bool secret)
{
	struct termios mode;
	char *answer;

	if (tcgetattr(tty, &a->before) < 0)
		return NULL;
	a->tty = tty;
	a->quiet = secret;
	mode = a->before;
	if (secret)
		mode.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	else
		mode.c_lflag |= ECHO;
	mode.c_lflag |= ICANON | ISIG;
	if (tcsetattr(tty, TCSAFLUSH, &mode) < 0)
		return NULL;
	a->changed = true;
	print(tty, prompt, !secret);
	answer = read_line(tty, mono_in_ms(HOST_PERSON_MS));
	ask_restore(a);
	return answer;
}

static char *ask_program(const char *program, const char *prompt)
{
	const char *const argv[] = { program, prompt, NULL };
	struct buf out = { 0 };
	char *answer = NULL;
	int status = -1;

	if (child_run(argv, NULL, 0, SECRET_MAX, mono_in_ms(HOST_PERSON_MS),
		      &status, &out, NULL, NULL) == 0 &&
	    status == 0)
		answer = xstrndup(buf_data(&out),
				  strcspn(buf_data(&out), "\r\n"));
	buf_wipe(&out);
	return answer;
}

static char *ask_now(struct ask *a, const char *prompt, bool secret)
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
		return ask_terminal(a, tty, prompt, secret);
	return never ? NULL : ask_program(program, prompt);
}

char *ask_answer(struct ask *a, const char *prompt, bool secret)
{
	char *answer;

	if (task_lock(&a->lock, MONO_NEVER, NULL) < 0)
		return NULL;
	answer = ask_now(a, prompt, secret);
	task_unlock(&a->lock);
	return answer;
}
