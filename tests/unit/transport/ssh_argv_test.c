/* SPDX-License-Identifier: MIT */
/* ssh_argv: the words for ssh(1) that say how the caller wants to log in. */
#include "transport/ssh_argv.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect(const struct host_target *t, const struct host_options *opt,
		   const char *wanted)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *line = NULL;

	ssh_argv_login(&argv, t, opt);
	line = strv_join(&argv, "|");
	assert_string_equal(line, wanted);
}

static char *nobody(void *arg, const char *prompt, enum host_ask what)
{
	(void)arg;
	(void)prompt;
	(void)what;
	return NULL;
}

TEST(nothing_said_is_nothing_but_whether_to_ask)
{
	const struct host_target t = { .host = (char[]){ "h" } };
	const struct host_options ask = { .ask = nobody }, none = { 0 };

	expect(&t, &ask, "");
	expect(&t, &none, "-o|BatchMode=yes");
}

TEST(each_option_has_its_word)
{
	const struct host_target t = { .user = (char[]){ "u" },
				       .host = (char[]){ "h" },
				       .port = (char[]){ "5" } };
	const struct host_options opt = { .ask = nobody,
					  .ssh_config = "/c",
					  .accept_new_host_key = true,
					  .identity = "/i d%\"",
					  .known_hosts = "/k\\" };

	expect(&t, &opt,
	       "-F|/c|-l|u|-p|5|-o|StrictHostKeyChecking=accept-new|"
	       "-o|IdentityFile=\"/i d%%\\\"\"|"
	       "-o|UserKnownHostsFile=\"/k\\\\\"|"
	       "-o|GlobalKnownHostsFile=/dev/null");
}

TEST(a_silent_environment_is_ours_but_for_one_word)
{
	AUTO_STRV struct strv env = { .v = NULL };
	size_t found = 0;

	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	setenv("SSH_ASKPASS", "/bin/ask", 1);
	ssh_argv_silent_env(&env);
	assert_true(strv_has(&env, "SSH_ASKPASS=/bin/ask"));
	assert_true(strv_has(&env, "SSH_ASKPASS_REQUIRE=never"));
	for (size_t i = 0; i < env.n; i++)
		found += !strncmp(env.v[i], "SSH_ASKPASS_REQUIRE=", 20);
	assert_int_equal(found, 1);
	unsetenv("SSH_ASKPASS_REQUIRE");
	unsetenv("SSH_ASKPASS");
}
