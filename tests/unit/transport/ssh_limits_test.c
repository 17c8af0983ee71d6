/* SPDX-License-Identifier: MIT */
/* ssh_limits: which settings of ssh(1) the libssh2 back end does not follow. */
#include "transport/ssh_limits.h"

#include <stdlib.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define USUAL                                                        \
	"host h\nhostname h\ncheckhostip no\nciphers a,b\nport 22\n" \
	"rekeylimit 0 0\ntunnel false\n"

static void expect(const char *text, const char *wanted)
{
	AUTO_STRV struct strv beyond = { .v = NULL };
	AUTO_FREE char *list = NULL;

	ssh_limits_read(&beyond, text, USUAL);
	list = strv_join(&beyond, "|");
	assert_string_equal(list, wanted);
}

TEST(what_is_usual_is_fine)
{
	expect(USUAL, "");
	expect("checkhostip no", "");
}

TEST(what_is_followed_may_differ)
{
	expect("hostname other\nport 2222\nciphers a\nbatchmode yes\n"
	       "hashknownhosts yes\nstricthostkeychecking accept-new\n",
	       "");
}

TEST(what_has_no_meaning_here_may_differ)
{
	expect("tunnel true\nforwardagent yes\nsendenv LANG\n"
	       "canonicalizePermittedcnames *:x\ngssapiauthentication yes\n",
	       "");
}

TEST(everything_else_is_named_as_it_was_configured)
{
	expect("checkhostip yes\nport 22\nbindaddress 192.0.2.1\n",
	       "checkhostip yes|bindaddress 192.0.2.1");
	expect("rekeylimit 0 01\nrekeylimit 0\n",
	       "rekeylimit 0 01|rekeylimit 0");
}

TEST(an_option_of_a_version_to_come_is_not_followed)
{
	expect("checkmoreclosely yes\n", "checkmoreclosely yes");
}

/* --- paths ---------------------------------------------------------------- */

static char *check_paths(const char *identity, const char *user,
			 const char *global, const char *agent)
{
	struct ssh_config c = { .agent = xstrdup(agent) };
	char *list;

	if (identity)
		strv_push(&c.identities, identity);
	if (user)
		strv_push(&c.user_known_hosts, user);
	if (global)
		strv_push(&c.global_known_hosts, global);
	ssh_limits_paths(&c);
	list = strv_join(&c.beyond, "|");
	ssh_config_free(&c);
	return list;
}

TEST(plain_paths_are_fine)
{
	AUTO_FREE char *list = check_paths("key", "/u", "/g", "SSH_AUTH_SOCK");

	assert_string_equal(list, "");
}

TEST(a_token_that_is_left_is_named)
{
	AUTO_FREE char *a = check_paths("/k%C", NULL, NULL, NULL);
	AUTO_FREE char *b = check_paths(NULL, "/u${X}", "/g%k", NULL);
	AUTO_FREE char *c = check_paths(NULL, NULL, NULL, "/a%i");

	assert_string_equal(a, "identityfile /k%C");
	assert_string_equal(b, "userknownhostsfile /u${X}|"
			       "globalknownhostsfile /g%k");
	assert_string_equal(c, "identityagent /a%i");
}

TEST(a_part_of_a_name_with_blanks_is_named)
{
	AUTO_FREE char *list = check_paths(NULL, "hosts", NULL, NULL);

	assert_string_equal(list, "userknownhostsfile hosts");
}
