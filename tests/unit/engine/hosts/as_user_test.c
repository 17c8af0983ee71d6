/* SPDX-License-Identifier: MIT */
/* Tests of engine/hosts/as_user.c and its scripts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/hosts/as_user.h"
#include "engine/hosts/probe.h"
#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

#define KEY "vmferry-test-key"

enum { SESSION_KEYRING = -3, JOIN_SESSION_KEYRING = 1 };

/* What root's login has (pam_keyinit): a keyring of its own, with a key. */
static bool have_key(void)
{
	return syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL) > 0 &&
	       syscall(SYS_add_key, "user", KEY, "x", 1, SESSION_KEYRING) > 0;
}

/* What a script prints, @command being run as nobody in it. */
static char *ask(const char *before, const char *command, bool keep)
{
	const struct as_user nobody = { .name = "nobody",
					.group = "nogroup",
					.keep_keyring = keep };
	struct host *h = host_local_new();
	AUTO_BUF struct buf script = { 0 };
	struct buf out = { 0 };
	AUTO_ERR struct err e = { 0 };

	as_user_assign(&script, &nobody);
	buf_printf(&script, "%s%s\n%s\necho status=$?", as_user_sh, before,
		   command);
	expect_ok(probe_script(h, "test", buf_data(&script), &out, SOON, &e),
		  &e);
	host_close(h);
	return buf_steal(&out);
}

static bool can_test(void)
{
	if (geteuid() == 0 && have_key())
		return true;
	print_message("root with a session keyring is needed\n");
	return false;
}

/* A process sees in /proc/keys what it possesses. */
static void expect_no_key(const char *before)
{
	AUTO_FREE char *text = ask(before, "ask_user cat /proc/keys", false);

	assert_non_null(strstr(text, "status=0"));
	assert_non_null(strstr(text, "keyring"));
	assert_null(strstr(text, KEY));
}

/* PATH has what every command needs, and @more. */
#define ONLY(more)                                                         \
	"bin=$(mktemp -d); for f in sh env setsid setpriv uname cat " more \
	"; do ln -s \"$(command -v $f)\" \"$bin\"; done\n"                 \
	"trap \"$(command -v rm) -r $bin\" EXIT; chmod 755 \"$bin\"; "     \
	"PATH=$bin"

IN_TASK(a_program_of_the_user_s_has_none_of_root_s_keys)
{
	if (can_test())
		expect_no_key("");
}

IN_TASK(perl_alone_takes_them_away)
{
	if (can_test())
		expect_no_key(ONLY("perl"));
}

IN_TASK(where_nothing_can_take_them_away_nothing_runs)
{
	AUTO_FREE char *text = NULL;

	if (!can_test())
		return;
	text = ask(ONLY(""), "ask_user cat /proc/keys 2>/dev/null", false);
	assert_string_equal(text, "status=125\n");
}

IN_TASK(unless_they_may_be_kept)
{
	AUTO_FREE char *text = NULL;

	if (!can_test())
		return;
	text = ask(ONLY(""), "ask_user cat /proc/keys", true);
	assert_non_null(strstr(text, KEY));
}

IN_TASK(a_command_in_words_has_none_of_them)
{
	const struct as_user nobody = { .name = "nobody", .group = "nogroup" };
	AUTO_BUF struct buf words = { 0 };
	AUTO_FREE char *text = NULL;

	if (!can_test())
		return;
	as_user_words(&words, &nobody);
	buf_printf(&words, " sh -c 'cat /proc/keys; id -u'");
	text = ask("", buf_data(&words), false);
	assert_null(strstr(text, KEY));
	assert_non_null(strstr(text, "\n65534\n"));
}

IN_TASK(a_number_without_a_name_is_no_mistake)
{
	const struct as_user nameless = { .name = "4294900000",
					  .group = "4294900001" };
	AUTO_BUF struct buf words = { 0 };
	AUTO_FREE char *text = NULL;

	if (!can_test())
		return;
	as_user_words(&words, &nameless);
	buf_printf(&words, " sh -c 'id -u; id -G'");
	text = ask("", buf_data(&words), false);
	assert_string_equal(text, "4294900000\n4294900001\nstatus=0\n");
}
