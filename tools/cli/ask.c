/* SPDX-License-Identifier: MIT */
/* ask: asks a person for a secret. */
#include "tools/cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "transport/base/xalloc.h"

enum { SECRET_MAX = 1024 };

/* One line, without its end; NULL when there is none. */
static char *read_line(int fd)
{
	char line[SECRET_MAX];
	size_t n = 0;
	ssize_t got = 0;
	char *answer = NULL;

	while (n < sizeof(line) - 1) {
		got = read(fd, line + n, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || line[n] == '\n')
			break;
		n++;
	}
	if (got > 0 || n)
		answer = xstrndup(line, n);
	explicit_bzero(line, sizeof(line));
	return answer;
}

static char *ask_terminal(int tty, const char *prompt)
{
	struct termios old, quiet;
	char *answer;

	dprintf(tty, "%s", prompt);
	if (tcgetattr(tty, &old) < 0)
		return NULL;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
	answer = read_line(tty);
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	dprintf(tty, "\n");
	return answer;
}

static char *ask_program(const char *program, const char *prompt)
{
	int out[2], status;
	char *answer;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return NULL;
	pid = fork();
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		execlp(program, program, prompt, (char *)NULL);
		_exit(127);
	}
	close_fd(out[1]);
	answer = pid < 0 ? NULL : read_line(out[0]);
	close_fd(out[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && answer && status != 0) {
		explicit_bzero(answer, strlen(answer));
		free(answer);
		answer = NULL;
	}
	return answer;
}

char *ask_secret(const char *prompt)
{
	const char *program = getenv("SSH_ASKPASS");
	AUTO_FD int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (tty >= 0)
		return ask_terminal(tty, prompt);
	return program && *program ? ask_program(program, prompt) : NULL;
}
