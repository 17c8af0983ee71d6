/* SPDX-License-Identifier: MIT */
/* xalloc: allocation that aborts instead of failing. */
#include "transport/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* True when @fn ends the process by abort(). */
static bool aborts(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		const struct rlimit no_core = { 0, 0 };

		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void overflow_count(void)
{
	/* volatile: the compiler would see through it and warn */
	volatile size_t count = SIZE_MAX / 2;

	free(xrealloc(NULL, count, 3));
}

TEST(an_overflowing_size_aborts)
{
	assert_true(aborts(overflow_count));
}

TEST(nothing_is_still_a_pointer)
{
	void *p = xmalloc(0);

	assert_non_null(p);
	free(p);
	p = xcalloc(0, 8);
	assert_non_null(p);
	p = xrealloc(p, 0, 8);
	assert_non_null(p);
	free(p);
}

TEST(calloc_zeroes)
{
	AUTO_FREE char *p = xcalloc(4, 16);

	for (int i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
}

TEST(realloc_keeps_the_contents)
{
	AUTO_FREE char *p = xstrdup("abc");

	p = xrealloc(p, 1000, 10);
	assert_string_equal(p, "abc");
}

TEST(strdup_of_null_is_null)
{
	assert_null(xstrdup(NULL));
}

TEST(strndup_takes_exactly_that_many_bytes)
{
	AUTO_FREE char *p = xstrndup("a\0b", 3);

	assert_memory_equal(p, "a\0b", 4);
}

TEST(asprintf_formats)
{
	AUTO_FREE char *p = xasprintf("%s=%d", "x", 7);

	assert_string_equal(p, "x=7");
}

TEST(stealing_disarms_the_cleanup)
{
	AUTO_FREE char *p = xstrdup("x");
	char *q = STEAL(p);

	assert_null(p);
	assert_string_equal(q, "x");
	free(q);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST(a_descriptor_is_closed_when_its_scope_ends)
{
	int seen;

	{
		AUTO_FD int fd = open("/dev/null", O_RDONLY);

		seen = fd;
		assert_true(is_open(seen));
	}
	assert_false(is_open(seen));
}

TEST(a_stolen_descriptor_stays_open)
{
	int seen;

	{
		AUTO_FD int fd = open("/dev/null", O_RDONLY);

		seen = steal_fd(&fd);
		assert_int_equal(fd, -1);
	}
	assert_true(is_open(seen));
	close_fd(seen);
}

TEST(closing_keeps_errno)
{
	errno = EXDEV;
	close_fd(-1);
	close_fd(open("/dev/null", O_RDONLY));
	close_fd(1 << 20);
	assert_int_equal(errno, EXDEV);
}

TEST(an_empty_text_is_a_text)
{
	AUTO_FREE char *s = xasprintf("%s", "");

	assert_string_equal(s, "");
}
