/* SPDX-License-Identifier: MIT */
/* socket_forwarding: asked of real servers. */
#include "engine/hosts/socket_forwarding.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

static char place[32]; /* XDG_RUNTIME_DIR of the commands there */

static bool has_listener(void)
{
	return access("/usr/bin/ssh-agent", X_OK) == 0;
}

/* Directories of the kind that is made there. */
static size_t count_left(void)
{
	AUTO_FREE char *pattern = xasprintf("%s/vmferry-??????", place);
	glob_t g = { 0 };
	size_t n = glob(pattern, 0, NULL, &g) == 0 ? g.gl_pathc : 0;

	globfree(&g);
	return n;
}

static void ask(const char *config, enum host_backend_choice way,
		enum socket_forwarding expected)
{
	struct sshd *d = sshd_start(config);
	struct host_options opt = sshd_options(d);
	enum socket_forwarding answer;
	struct err err = { 0 };
	struct host *h;

	opt.backend = way;
	h = host_open(d->target, &opt, SSHD_SOON, &err);
	if (!h || socket_forwarding_ask(h, NULL, &answer, SSHD_SOON, &err) < 0)
		fail_with_err(&err);
	assert_int_equal(answer, expected);
	assert_int_equal(count_left(), 0);
	host_close(h);
	sshd_stop(d);
}

static void ask_both(const char *extra, enum socket_forwarding expected)
{
	AUTO_FREE char *config = NULL;

	if (!has_listener())
		skip();
	strcpy(place, "/tmp/forwarding-XXXXXX");
	assert_non_null(mkdtemp(place));
	config = xasprintf("%sSetEnv XDG_RUNTIME_DIR=%s\n", extra, place);
	ask(config, HOST_SSH_LIBSSH2, expected);
	if (access("/usr/bin/ssh", X_OK) == 0)
		ask(config, HOST_SSH_OPENSSH, expected);
	assert_int_equal(rmdir(place), 0);
}

IN_TASK(a_server_that_connects_to_sockets_does)
{
	ask_both("", FORWARDING_WORKS);
}

IN_TASK(a_server_without_stream_local_forwarding_is_known)
{
	ask_both("AllowStreamLocalForwarding no\n", FORWARDING_REFUSED);
	ask_both("AllowStreamLocalForwarding remote\n", FORWARDING_REFUSED);
}

IN_TASK(a_server_without_any_forwarding_is_known)
{
	ask_both("DisableForwarding yes\n", FORWARDING_REFUSED);
}

IN_TASK(this_machine_is_not_asked)
{
	struct host *h = host_local_new();
	enum socket_forwarding answer;

	assert_int_equal(
		socket_forwarding_ask(h, NULL, &answer, SSHD_SOON, NULL), 0);
	assert_int_equal(answer, FORWARDING_WORKS);
	host_close(h);
}
