/* SPDX-License-Identifier: MIT */
/* quote: the one way words get into a shell of another host. */
#include "transport/quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/strv.h"
#include "transport/base/xalloc.h"

static char *quoted(const char *word)
{
	struct buf b = { 0 };

	quote_word(&b, word);
	return buf_steal(&b);
}

static void expect_quoted(const char *word, const char *expected)
{
	AUTO_FREE char *q = quoted(word);

	assert_string_equal(q, expected);
}

TEST(plain_words_stay_bare)
{
	expect_quoted("/usr/bin/x-1.0", "/usr/bin/x-1.0");
	expect_quoted("a@b%c+d=e:f,g", "a@b%c+d=e:f,g");
}

TEST(the_empty_word_stays_a_word)
{
	expect_quoted("", "''");
}

TEST(whatever_a_shell_might_read_is_quoted)
{
	static const char *const words[] = {
		" ", "*", "?", "$", "`", "~",  "#",  ";",  "&",	 "|",	    "<",
		">", "(", "{", "[", "!", "\\", "\"", "\n", "\t", "\303\244"
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		AUTO_FREE char *expected = xasprintf("'%s'", words[i]);

		expect_quoted(words[i], expected);
	}
}

TEST(a_quote_is_left_and_entered_again)
{
	expect_quoted("it's", "'it'\\''s'");
	expect_quoted("'", "''\\'''");
}

TEST(an_argv_is_joined_by_blanks)
{
	const char *const argv[] = { "ls", "-l", "a b", NULL };
	AUTO_FREE char *line = quote_argv(argv);

	assert_string_equal(line, "ls -l 'a b'");
}

TEST(an_assignment_is_a_line_of_its_own)
{
	AUTO_BUF struct buf b = { 0 };

	quote_assign(&b, "a", "$(id) b");
	quote_assign(&b, "c", "");
	assert_string_equal(buf_data(&b), "a='$(id) b'\nc=''\n");
}

TEST(an_empty_argv_is_an_empty_line)
{
	const char *const argv[] = { NULL };
	AUTO_FREE char *line = quote_argv(argv);

	assert_string_equal(line, "");
}

/* What sh makes of a line, byte for byte. */
static void shell(const char *line, struct buf *out)
{
	AUTO_FREE char *own = NULL;
	AUTO_BUF struct buf command = { 0 };
	FILE *p;
	int c;

	quote_word(&command, line);
	own = xasprintf("exec sh -c %s 2>&1", buf_data(&command));
	p = popen(own, "r");
	assert_non_null(p);
	while ((c = getc(p)) != EOF) {
		char byte = (char)c;

		buf_append(out, &byte, 1);
	}
	pclose(p);
}

/* printf ends each word with a NUL, which no word can hold. */
static void expect_round_trip(const struct strv *words)
{
	AUTO_STRV struct strv argv = { 0 };
	AUTO_BUF struct buf out = { 0 }, expected = { 0 };
	AUTO_FREE char *line = NULL;

	strv_push(&argv, "printf");
	strv_push(&argv, "%s\\0");
	strv_push_all(&argv, words);
	for (size_t i = 0; i < words->n; i++)
		buf_append(&expected, words->v[i], strlen(words->v[i]) + 1);
	line = quote_argv((const char *const *)strv_argv(&argv));
	shell(line, &out);
	assert_int_equal(buf_len(&out), buf_len(&expected));
	assert_memory_equal(buf_data(&out), buf_data(&expected), buf_len(&out));
}

TEST(a_shell_reads_back_every_byte)
{
	AUTO_STRV struct strv words = { 0 };

	for (int c = 1; c < 256; c++) {
		strv_pushf(&words, "%c", c);
		strv_pushf(&words, "x%cy", c);
	}
	expect_round_trip(&words);
}

TEST(a_shell_reads_back_words_of_chance)
{
	AUTO_STRV struct strv words = { 0 };
	unsigned int seed = 42;

	for (int i = 0; i < 400; i++) {
		char word[24] = "";
		int n = rand_r(&seed) % 23;

		for (int j = 0; j < n; j++)
			word[j] = (char)("'\"\\$ `\n!*x;&|~#"[rand_r(&seed) %
							      15]);
		strv_push(&words, word);
	}
	expect_round_trip(&words);
}

/* "sh: 1: WORD: not found", as opposed to an assignment or a syntax error. */
static void expect_a_command(const char *word)
{
	const char *const argv[] = { word, NULL };
	AUTO_FREE char *line = quote_argv(argv);
	AUTO_BUF struct buf out = { 0 };

	shell(line, &out);
	assert_non_null(strstr(buf_data(&out), word));
	assert_non_null(strstr(buf_data(&out), "not found"));
}

TEST(a_first_word_is_always_the_command)
{
	expect_a_command("A=b");
	expect_a_command("PATH=/nowhere");
	expect_a_command("if");
	expect_a_command("while");
	expect_a_command("done");
}

/* --- login shells --------------------------------------------------------- */

TEST(plain_words_need_no_other_shell)
{
	const char *const argv[] = { "ls", "-l", "/a.b", NULL };
	AUTO_FREE char *line = quote_login(argv);

	assert_string_equal(line, "ls -l /a.b");
}

/* What @shell, started as sshd starts it, prints for a line. */
static void login_shell(const char *shell, const char *line, struct buf *out)
{
	int p[2];
	pid_t pid;
	ssize_t n;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], STDOUT_FILENO);
		dup2(p[1], STDERR_FILENO);
		close(p[0]);
		close(p[1]);
		if (!strcmp(shell, "busybox"))
			execlp(shell, shell, "sh", "-c", line, NULL);
		execlp(shell, shell, "-c", line, NULL);
		_exit(99);
	}
	close(p[1]);
	while ((n = read(p[0], buf_reserve(out, 4096), 4096)) > 0)
		buf_commit(out, (size_t)n);
	close(p[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

TEST(any_login_shell_reads_back_every_byte)
{
	static const char *const shells[] = { "sh",   "dash", "bash", "busybox",
					      "mksh", "ksh",  "yash", "zsh",
					      "tcsh", "csh",  "fish" };
	AUTO_STRV struct strv argv = { 0 };
	AUTO_BUF struct buf expected = { 0 };
	AUTO_FREE char *line = NULL;
	int tried = 0;

	strv_push(&argv, "printf");
	strv_push(&argv, "%s\\0");
	for (int c = 1; c < 256; c++) {
		strv_pushf(&argv, "%cx%c", c, c);
		buf_printf(&expected, "%cx%c", c, c);
		buf_append(&expected, "", 1);
	}
	line = quote_login((const char *const *)strv_argv(&argv));
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		AUTO_FREE char *there =
			xasprintf("command -v %s >/dev/null", shells[i]);
		AUTO_BUF struct buf out = { 0 };

		if (system(there) != 0)
			continue;
		tried++;
		login_shell(shells[i], line, &out);
		if (buf_len(&out) != buf_len(&expected) ||
		    memcmp(buf_data(&out), buf_data(&expected),
			   buf_len(&out)) != 0)
			fail_msg("%s printed: %.200s", shells[i],
				 buf_data(&out));
	}
	assert_true(tried >= 2);
}
