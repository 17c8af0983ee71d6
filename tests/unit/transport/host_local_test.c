/* SPDX-License-Identifier: MIT */
/* host_local, and through it the dispatch of host: this machine as a host. */
#include "transport/host_open.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/host_contract.h"
#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

static char dir[] = "/tmp/vmferry-local-XXXXXX";
static struct host *local;

static int set_up(void **state)
{
	(void)state;
	local = host_local_new();
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -rf %s", dir);

	(void)state;
	host_close(local);
	return system(command);
}

TEST_GROUP_FIXTURE(set_up, tear_down);

static struct host *open_host(void)
{
	return host_local_new();
}

HOST_CONTRACT(open_host);

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

TEST(it_knows_what_it_is)
{
	assert_true(host_is_local(local));
	assert_string_equal(host_name(local), "local");
	assert_string_equal(host_backend(local), "local");
}

TEST(it_is_always_alive)
{
	assert_int_equal(host_alive(local, 0, NULL), 0);
	assert_int_equal(host_ping(local, mono_in_ms(-1), NULL), 0);
}

/* --- commands ------------------------------------------------------------ */

IN_TASK(a_program_that_is_not_there_is_the_hosts_failure)
{
	const char *const argv[] = { "vmferry-none", NULL };
	struct host_command cmd = { .argv = argv, .deadline = IN_TASK_SOON };
	struct host_result r = { 0 };
	struct err err = { 0 };

	assert_int_equal(host_run(local, &cmd, &r, &err), -1);
	expect_err_kind(&err, ERR_REMOTE, "vmferry-none: No such file");
	host_result_free(&r);
}

/* --- sockets ------------------------------------------------------------- */

static int listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

IN_TASK(a_socket_is_connected_and_has_an_owner)
{
	AUTO_FREE char *path = in_dir("sock");
	AUTO_FD int listener = listen_at(path);
	struct stream *s = host_connect(local, path, IN_TASK_SOON, NULL);

	(void)listener;
	assert_non_null(s);
	assert_int_equal(stream_peer_pid(s), getpid());
	stream_close(s);
}

IN_TASK(a_tunnel_to_nowhere_fails_at_once)
{
	AUTO_FREE char *path = in_dir("nowhere");
	struct err err = { 0 };

	assert_null(host_tunnel(local, path, IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_SYSTEM, "nowhere: No such file");
	assert_null(host_connect(local, path, IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_SYSTEM, "nowhere: No such file");
}

/* --- tunnels to commands ------------------------------------------------- */

static struct tunnel *tunnel_to(const char *script, int *fd)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct err err = { 0 };
	struct tunnel *t = host_tunnel_command(local, argv, IN_TASK_SOON, &err);

	*fd = t ? tunnel_start_pair(t, 0, &err) : -1;
	if (*fd < 0)
		fail_with_err(&err);
	return t;
}

IN_TASK(a_command_ends_with_its_tunnel)
{
	AUTO_FD int fd = -1;
	struct tunnel *t = tunnel_to("echo $$; exec sleep 1000", &fd);
	char text[16] = "";
	pid_t pid;

	assert_true(read(fd, text, 15) > 0);
	pid = atoi(text);
	assert_int_equal(kill(pid, 0), 0);
	tunnel_free(t);
	assert_int_equal(kill(pid, 0), -1);
}

IN_TASK(a_command_that_is_not_there_opens_no_tunnel)
{
	const char *const argv[] = { "vmferry-none", NULL };
	struct err err = { 0 };

	assert_null(host_tunnel_command(local, argv, IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_REMOTE, "vmferry-none: No such file");
}
