/* SPDX-License-Identifier: MIT */
/*
 * guest_socket where root's rights come by sudo: sshd connects as the login
 * user. With a real sshd and a real sudo, by both ways to a host.
 */
#include "engine/hosts/guest_socket.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/socket_forwarding.h"
#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

enum { NOBODY = 65534 };

static const enum host_backend_choice ways[] = { HOST_SSH_LIBSSH2,
						 HOST_SSH_OPENSSH };

/*
 * A socket of nobody's in a directory of nobody's, below one of root's that can
 * be entered but not listed.
 */
struct place {
	struct sshd *server;
	struct sshd root, at;
	struct echo *echo;
	char *path;
};

static void place_open(struct place *p)
{
	*p = (struct place){
		.server = sshd_start_with_sudo(
			SSHD_PORTER " ALL=(root) NOPASSWD: ALL\n", ""),
		.root = { .dir = "/tmp/vmferry-place-XXXXXX" },
	};
	assert_non_null(mkdtemp(p->root.dir));
	assert_int_equal(chmod(p->root.dir, 0711), 0);
	assert_in_range(snprintf(p->at.dir, sizeof(p->at.dir), "%s/run",
				 p->root.dir),
			1, sizeof(p->at.dir) - 1);
	assert_int_equal(mkdir(p->at.dir, 0700), 0);
	p->echo = echo_start(&p->at, "qmp");
	p->path = sshd_path(&p->at, "qmp");
	assert_int_equal(chmod(p->path, 0755), 0);
	assert_int_equal(chown(p->path, NOBODY, NOBODY), 0);
	assert_int_equal(chown(p->at.dir, NOBODY, NOBODY), 0);
}

static void place_close(struct place *p)
{
	echo_stop(p->echo);
	(void)unlink(p->path);
	assert_int_equal(rmdir(p->at.dir), 0);
	/* nothing is left in it */
	assert_int_equal(rmdir(p->root.dir), 0);
	free(p->path);
	sshd_stop(p->server);
}

static struct host *open_by(struct place *p, enum host_backend_choice way)
{
	struct host_options opt = sshd_options(p->server);
	struct err err = { 0 };
	struct host *h;

	opt.backend = way;
	opt.become = HOST_BECOME_SUDO;
	h = host_open(p->server->target, &opt, SSHD_SOON, &err);
	if (!h)
		fail_with_err(&err);
	return h;
}

static void for_both_ways(void (*claim)(struct place *p, struct host *h))
{
	struct place p;

	place_open(&p);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct host *h;

		if (ways[i] == HOST_SSH_OPENSSH &&
		    access("/usr/bin/ssh", X_OK) < 0)
			continue;
		h = open_by(&p, ways[i]);
		claim(&p, h);
		host_close(h);
	}
	place_close(&p);
}

static void expect_given_back(const struct place *p)
{
	struct stat st;

	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_uid, NOBODY);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(st.st_nlink, 1);
}

static void expect_echo(struct stream *s)
{
	char back[4] = "";
	struct err err = { 0 };

	if (stream_write(s, "moo", 3, SSHD_SOON, &err) < 0)
		fail_with_err(&err);
	for (ssize_t n = 0, got = 0; got < 3; got += n) {
		n = stream_read(s, back + got, (size_t)(3 - got), SSHD_SOON,
				&err);
		if (n <= 0)
			fail_with_err(&err);
	}
	assert_string_equal(back, "moo");
	stream_close(s);
}

static void connect_it(struct place *p, struct host *h)
{
	const struct guest_socket_owner owner = { .uid = NOBODY };
	struct err err = { 0 };
	struct stream *s =
		guest_socket_connect(h, p->path, &owner, SSHD_SOON, &err);

	if (!s)
		fail_with_err(&err);
	expect_given_back(p);
	expect_echo(s);
	/* by its own name the login user gets nowhere */
	assert_null(host_connect(h, p->path, SSHD_SOON, &err));
	expect_err_kind(&err, ERR_REMOTE, p->path);
}

IN_TASK(a_guests_socket_is_connected_and_given_back)
{
	for_both_ways(connect_it);
}

static void tunnel_it(struct place *p, struct host *h)
{
	const struct guest_socket_owner owner = { .uid = NOBODY };
	struct err err = { 0 };
	struct tunnel *t =
		guest_socket_tunnel(h, p->path, &owner, SSHD_SOON, &err);

	if (!t)
		fail_with_err(&err);
	expect_given_back(p);
	tunnel_free(t);
}

IN_TASK(a_tunnel_ends_at_a_guests_socket)
{
	for_both_ways(tunnel_it);
}

static void connect_roots(struct place *p, struct host *h)
{
	const struct guest_socket_owner owner = { .uid = 0 };
	struct err err = { 0 };
	struct stream *s;

	assert_int_equal(chown(p->path, 0, 0), 0);
	s = guest_socket_connect(h, p->path, &owner, SSHD_SOON, &err);
	if (!s)
		fail_with_err(&err);
	expect_echo(s);
	assert_int_equal(chown(p->path, NOBODY, NOBODY), 0);
}

IN_TASK(a_guest_of_roots_is_no_exception)
{
	for_both_ways(connect_roots);
}

/* Also one of the login user's own, which a guest's user may have linked to. */
static void refuse_others(struct place *p, struct host *h)
{
	static const uid_t owners[] = { 0, SSHD_PORTER_UID };
	const struct guest_socket_owner owner = { .uid = NOBODY };

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		struct err err = { 0 };

		assert_int_equal(chown(p->path, owners[i], 0), 0);
		assert_null(guest_socket_connect(h, p->path, &owner, SSHD_SOON,
						 &err));
		expect_err_kind(&err, ERR_REFUSED, "belongs to another user");
	}
	assert_int_equal(chown(p->path, NOBODY, NOBODY), 0);
	expect_given_back(p);
}

IN_TASK(a_socket_of_anybody_elses_is_refused)
{
	for_both_ways(refuse_others);
}

/* Other programs that are tested beside this one have theirs for a moment. */
static void expect_no_listener(void)
{
	struct mono until = mono_in_ms(10000);
	struct err err = { 0 };
	glob_t g = { 0 };

	while (glob("/run/vmferry-??????", 0, NULL, &g) == 0) {
		globfree(&g);
		assert_true(mono_before(mono_now(), until));
		if (task_sleep_until(mono_in_ms(20), &err) < 0)
			fail_with_err(&err);
	}
}

static void ask_forwarding(struct place *p, struct host *h)
{
	enum socket_forwarding answer = FORWARDING_UNKNOWN;
	struct err err = { 0 };
	(void)p;
	if (access("/usr/bin/ssh-agent", X_OK) < 0)
		skip();
	if (socket_forwarding_ask(h, NULL, &answer, SSHD_SOON, &err) < 0)
		fail_with_err(&err);
	assert_int_equal(answer, FORWARDING_WORKS);
	expect_no_listener();
}

IN_TASK(the_login_user_is_whom_forwarding_is_asked_for)
{
	for_both_ways(ask_forwarding);
}
