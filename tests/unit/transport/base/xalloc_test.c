/* SPDX-License-Identifier: MIT */
/* xalloc: allocation that aborts instead of failing. */
#include "transport/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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

static void an_overflowing_size_aborts(void **state)
{
	(void)state;
	assert_true(aborts(overflow_count));
}

static void nothing_is_still_a_pointer(void **state)
{
	void *p = xmalloc(0);

	(void)state;
	assert_non_null(p);
	free(p);
	p = xcalloc(0, 8);
	assert_non_null(p);
	p = xrealloc(p, 0, 8);
	assert_non_null(p);
	free(p);
}

static void calloc_zeroes(void **state)
{
	AUTO_FREE char *p = xcalloc(4, 16);

	(void)state;
	for (int i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
}

static void realloc_keeps_the_contents(void **state)
{
	AUTO_FREE char *p = xstrdup("abc");

	(void)state;
	p = xrealloc(p, 1000, 10);
	assert_string_equal(p, "abc");
}

static void strdup_of_null_is_null(void **state)
{
	(void)state;
	assert_null(xstrdup(NULL));
}

static void strndup_takes_exactly_that_many_bytes(void **state)
{
	AUTO_FREE char *p = xstrndup("a\0b", 3);

	(void)state;
	assert_memory_equal(p, "a\0b", 4);
}

static void asprintf_formats(void **state)
{
	AUTO_FREE char *p = xasprintf("%s=%d", "x", 7);

	(void)state;
	assert_string_equal(p, "x=7");
}

static void stealing_disarms_the_cleanup(void **state)
{
	AUTO_FREE char *p = xstrdup("x");
	char *q = STEAL(p);

	(void)state;
	assert_null(p);
	assert_string_equal(q, "x");
	free(q);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void a_descriptor_is_closed_when_its_scope_ends(void **state)
{
	int seen;

	(void)state;
	{
		AUTO_FD int fd = open("/dev/null", O_RDONLY);

		seen = fd;
		assert_true(is_open(seen));
	}
	assert_false(is_open(seen));
}

static void a_stolen_descriptor_stays_open(void **state)
{
	int seen;

	(void)state;
	{
		AUTO_FD int fd = open("/dev/null", O_RDONLY);

		seen = steal_fd(&fd);
		assert_int_equal(fd, -1);
	}
	assert_true(is_open(seen));
	close_fd(seen);
}

static void closing_keeps_errno(void **state)
{
	(void)state;
	errno = EXDEV;
	close_fd(-1);
	close_fd(open("/dev/null", O_RDONLY));
	close_fd(1 << 20);
	assert_int_equal(errno, EXDEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_overflowing_size_aborts),
		cmocka_unit_test(nothing_is_still_a_pointer),
		cmocka_unit_test(calloc_zeroes),
		cmocka_unit_test(realloc_keeps_the_contents),
		cmocka_unit_test(strdup_of_null_is_null),
		cmocka_unit_test(strndup_takes_exactly_that_many_bytes),
		cmocka_unit_test(asprintf_formats),
		cmocka_unit_test(stealing_disarms_the_cleanup),
		cmocka_unit_test(a_descriptor_is_closed_when_its_scope_ends),
		cmocka_unit_test(a_stolen_descriptor_stays_open),
		cmocka_unit_test(closing_keeps_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
