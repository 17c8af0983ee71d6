/* SPDX-License-Identifier: MIT */
/* host_openssh, and openssh under it, against a real sshd on loopback. */
#include "transport/host_openssh.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/host_contract.h"
#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* What libssh2 1.10 cannot speak. */
static const char hardened[] = "Ciphers aes256-gcm@openssh.com\n"
			       "MACs hmac-sha2-512-etm@openssh.com\n";

static struct sshd *server;
static char *runtime_dir;

static int start_server(void **state)
{
	(void)state;
	if (access("/usr/bin/ssh", X_OK) < 0)
		return 0;
	server = sshd_start(hardened);
	/* others may make directories of ssh's in /run meanwhile */
	runtime_dir = sshd_path(server, "runtime");
	return mkdir(runtime_dir, 0700) < 0 ||
	       setenv("XDG_RUNTIME_DIR", runtime_dir, 1) < 0;
}

static int stop_server(void **state)
{
	(void)state;
	sshd_stop(STEAL(server));
	free(STEAL(runtime_dir));
	return 0;
}

TEST_GROUP_FIXTURE(start_server, stop_server);

static void need_server(void)
{
	if (server)
		return;
	print_message("no ssh client here: nothing to test\n");
	skip();
}

static struct host *try_open(struct sshd *d, const struct host_options *opt,
			     struct err *err)
{
	char port[8];
	const struct host_target t = {
		.host = (char[]){ "127.0.0.1" },
		.port = port,
	};

	(void)snprintf(port, sizeof(port), "%d", d->port);
	return host_openssh_open(&t, opt, IN_TASK_SOON, err);
}

static struct host *open_with(struct sshd *d)
{
	struct host_options opt = sshd_options(d);
	struct err err = { 0 };
	struct host *h = try_open(d, &opt, &err);

	if (!h)
		fail_with_err(&err);
	return h;
}

static struct host *open_host(void)
{
	need_server();
	return open_with(server);
}

HOST_CONTRACT(open_host);

static void refuse(struct sshd *d, const struct host_options *opt,
		   enum err_kind kind, const char *words)
{
	struct err err = { 0 };
	struct host *h = try_open(d, opt, &err);
	bool hinted;

	assert_null(h);
	hinted = err_hint_of(&err) != NULL;
	expect_err_kind(&err, kind, words);
	assert_true(hinted);
}

/* Directories of ours that are still about. */
static int count_dirs(void)
{
	DIR *d = opendir(runtime_dir);
	const struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += !strncmp(e->d_name, "vmferry-ssh-", 12);
	closedir(d);
	return n;
}

/* --- logging in ---------------------------------------------------------- */

IN_TASK(a_hardened_server_lets_us_in)
{
	struct host *h = open_host();

	assert_false(host_is_local(h));
	assert_string_equal(host_backend(h), "openssh");
	assert_non_null(strstr(host_name(h), "127.0.0.1:"));
	host_close(h);
}

IN_TASK(nothing_is_left_after_a_close)
{
	int dirs, fds;

	need_server();
	dirs = count_dirs();
	fds = count_fds();
	host_close(open_host());
	assert_int_equal(count_dirs(), dirs);
	assert_int_equal(count_fds(), fds);
}

IN_TASK(an_unknown_host_key_is_refused_and_nothing_is_left)
{
	struct host_options opt;
	int dirs, fds;

	need_server();
	dirs = count_dirs();
	fds = count_fds();
	opt = sshd_options(server);
	opt.known_hosts = "/dev/null";
	refuse(server, &opt, ERR_HOSTKEY, "Host key verification failed");
	assert_int_equal(count_dirs(), dirs);
	assert_int_equal(count_fds(), fds);
}

IN_TASK(an_unknown_host_key_is_taken_when_asked_to)
{
	AUTO_FREE char *path = NULL, *text = NULL;
	struct host_options opt;
	struct err err = { 0 };
	struct host *h;

	need_server();
	path = sshd_path(server, "new known_100%");
	opt = sshd_options(server);
	opt.known_hosts = path;
	opt.accept_new_host_key = true;
	h = try_open(server, &opt, &err);
	if (!h)
		fail_with_err(&err);
	host_close(h);
	text = sshd_read(server, "new known_100%");
	assert_non_null(strstr(text, "ssh-ed25519"));
}

IN_TASK(a_changed_host_key_is_refused_even_then)
{
	AUTO_FREE char *path = NULL, *key = NULL, *line = NULL;
	struct host_options opt;

	need_server();
	key = sshd_read(server, "id.pub");
	line = xasprintf("[127.0.0.1]:%d %s", server->port, key);
	sshd_write(server, "changed", line);
	path = sshd_path(server, "changed");
	opt = sshd_options(server);
	opt.known_hosts = path;
	opt.accept_new_host_key = true;
	refuse(server, &opt, ERR_HOSTKEY, "Host key verification failed");
}

IN_TASK(a_key_that_is_not_authorized_is_refused)
{
	static const char *const ed25519[] = { "-t", "ed25519", "-N", "",
					       NULL };
	AUTO_FREE char *path = NULL, *config = NULL;
	struct host_options opt;

	need_server();
	sshd_keygen(server, "stranger", ed25519);
	config = xasprintf("IdentityAgent none\nIdentityFile %s/stranger\n"
			   "IdentitiesOnly yes\n"
			   "UserKnownHostsFile %s/known_hosts\n",
			   server->dir, server->dir);
	sshd_write(server, "strange-config", config);
	path = sshd_path(server, "strange-config");
	opt = sshd_options(server);
	opt.ssh_config = path;
	refuse(server, &opt, ERR_AUTH, "Permission denied");
}

IN_TASK(a_named_identity_is_used)
{
	AUTO_FREE char *path = NULL, *config = NULL, *id = NULL;
	struct host_options opt;
	struct err err = { 0 };
	struct host *h;

	need_server();
	config = xasprintf("IdentityAgent none\n"
			   "UserKnownHostsFile %s/known_hosts\n",
			   server->dir);
	sshd_write(server, "bare-config", config);
	path = sshd_path(server, "bare-config");
	id = sshd_path(server, "id");
	opt = sshd_options(server);
	opt.ssh_config = path;
	opt.identity = id;
	h = try_open(server, &opt, &err);
	if (!h)
		fail_with_err(&err);
	host_close(h);
}

IN_TASK(no_server_is_a_network_error)
{
	const struct host_target t = { .host = (char[]){ "127.0.0.1" },
				       .port = (char[]){ "1" } };
	struct host_options opt;
	struct err err = { 0 };

	need_server();
	opt = sshd_options(server);
	assert_null(host_openssh_open(&t, &opt, IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_NETWORK, "Connection refused");
}

IN_TASK(no_common_cipher_is_a_crypto_error)
{
	AUTO_FREE char *path = NULL, *config = NULL;
	struct host_options opt;

	need_server();
	config = xasprintf("Ciphers aes128-ctr\nUserKnownHostsFile "
			   "%s/known_hosts\n",
			   server->dir);
	sshd_write(server, "old-config", config);
	path = sshd_path(server, "old-config");
	opt = sshd_options(server);
	opt.ssh_config = path;
	refuse(server, &opt, ERR_CRYPTO, "no matching cipher");
}

IN_TASK(a_login_has_a_deadline_and_leaves_nothing)
{
	char port[8];
	const struct host_target t = { .host = (char[]){ "127.0.0.1" },
				       .port = port };
	struct host_options opt;
	struct err err = { 0 };
	int dirs;

	need_server();
	(void)snprintf(port, sizeof(port), "%d", server->port);
	dirs = count_dirs();
	opt = sshd_options(server);
	assert_null(host_openssh_open(&t, &opt, mono_in_ms(1), &err));
	expect_err_kind(&err, ERR_TIMEOUT, "cannot log in to 127.0.0.1:");
	assert_int_equal(count_dirs(), dirs);
}

/* --- tunnels ------------------------------------------------------------- */

static void wait_tunnel(const struct tunnel *t)
{
	assert_int_equal(
		task_wait_fd(tunnel_end_fd(t), EPOLLIN, IN_TASK_SOON, NULL), 0);
}

static struct tunnel *open_tunnel(struct host *h, const char *path, int *local)
{
	struct err err = { 0 };
	struct tunnel *t = host_tunnel(h, path, IN_TASK_SOON, &err);
	int pair[2];

	if (!t)
		fail_with_err(&err);
	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    0, pair),
			 0);
	assert_int_equal(tunnel_start(t, pair[1], 0, NULL), 0);
	*local = pair[0];
	return t;
}

/* Bytes go there and back through @t, whose other end is @local. */
static void carry_and_end(struct tunnel *t, int local)
{
	enum { LEN = 8 << 20 };
	AUTO_FREE unsigned char *data = xmalloc(LEN);
	size_t sent = 0, got = 0;

	for (size_t i = 0; i < LEN; i++)
		data[i] = (unsigned char)(i * 2654435761u >> 9);
	while (got < LEN) {
		unsigned char back[65536];
		ssize_t n = sent < LEN ? write(local, data + sent, LEN - sent)
				       : 0;

		sent += n > 0 ? (size_t)n : 0;
		n = read(local, back, sizeof(back));
		if (n > 0) {
			assert_memory_equal(back, data + got, (size_t)n);
			got += (size_t)n;
		} else {
			assert_int_equal(
				task_wait_fd(local,
					     sent < LEN ? EPOLLIN | EPOLLOUT
							: EPOLLIN,
					     IN_TASK_SOON, NULL),
				0);
		}
	}
	shutdown(local, SHUT_WR);
	wait_tunnel(t);
	assert_int_equal(tunnel_verdict(t, NULL), 0);
	tunnel_free(t);
}

static struct tunnel *tunnel_to(struct host *h, const char *script, int *local)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct err err = { 0 };
	struct tunnel *t = host_tunnel_command(h, argv, IN_TASK_SOON, &err);

	*local = t ? tunnel_start_pair(t, 0, &err) : -1;
	if (*local < 0)
		fail_with_err(&err);
	assert_int_equal(fcntl(*local, F_SETFL, O_NONBLOCK), 0);
	return t;
}

IN_TASK(a_command_that_is_refused_has_the_hosts_words)
{
	const char *const argv[] = { "cat", NULL };
	struct err err = { 0 };
	struct sshd *d;
	struct host *h;

	need_server();
	/* which the login itself takes */
	d = sshd_start("MaxSessions 1\n");
	h = open_with(d);
	assert_null(host_tunnel_command(h, argv, IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_REMOTE, "refused");
	host_close(h);
	sshd_stop(d);
}

IN_TASK(a_tunnel_leaves_nothing)
{
	struct host *h = open_host();
	struct echo *e = echo_start(server, "lecho");
	AUTO_FREE char *path = sshd_path(server, "lecho");
	int dirs = count_dirs(), fds = count_fds();
	struct tunnel *t;
	int local;

	t = open_tunnel(h, path, &local);
	tunnel_free(t);
	close(local);
	t = tunnel_to(h, "exec cat", &local);
	tunnel_free(t);
	close(local);
	assert_int_equal(count_dirs(), dirs);
	echo_stop(e);
	assert_int_equal(count_fds(), fds - 1);
	host_close(h);
}

/* Though it has what a tunnel takes first where that is allowed. */
IN_TASK(a_tunnel_takes_no_cipher_that_the_configuration_forbids)
{
	struct sshd *other;
	struct host_options opt;
	AUTO_FREE char *text = NULL, *config = NULL;
	struct err err = { 0 };
	struct host *h;

	need_server();
	other = sshd_start("");
	config = sshd_path(other, "strict");
	text = xasprintf("Ciphers aes256-ctr\nInclude %s/config\n", other->dir);
	sshd_write(other, "strict", text);
	opt = sshd_options(other);
	opt.ssh_config = config;
	h = try_open(other, &opt, &err);
	if (!h)
		fail_with_err(&err);
	sshd_restart(other, "Ciphers aes128-gcm@openssh.com\n");
	assert_null(host_tunnel(h, "/nowhere", IN_TASK_SOON, &err));
	expect_err_kind(&err, ERR_CRYPTO, "no matching cipher");
	host_close(h);
	sshd_stop(other);
}

/* --- asking -------------------------------------------------------------- */

static char *never_called(void *arg, const char *prompt, enum host_ask what)
{
	(void)what;
	(void)arg;
	(void)prompt;
	fail_msg("ssh(1) asks by itself");
	return NULL;
}

/* A key with a passphrase, and a program that types it for the person. */
static struct host *open_asking(void)
{
	static const char *const locked[] = { "-t", "ed25519", "-N",
					      "open sesame", NULL };
	AUTO_FREE char *key = sshd_path(server, "locked");
	AUTO_FREE char *askpass = sshd_path(server, "askpass");
	AUTO_FREE char *config = sshd_path(server, "locked-config");
	AUTO_FREE char *text = NULL;
	struct host_options opt = sshd_options(server);
	struct err err = { 0 };
	struct host *h;

	if (access(key, F_OK) < 0) {
		sshd_keygen(server, "locked", locked);
		sshd_authorize(server, "locked");
	}
	text = xasprintf("IdentityAgent none\nIdentityFile %s/locked\n"
			 "UserKnownHostsFile %s/known_hosts\n",
			 server->dir, server->dir);
	sshd_write(server, "locked-config", text);
	sshd_write(server, "askpass", "#!/bin/sh\necho 'open sesame'\n");
	assert_int_equal(chmod(askpass, 0700), 0);
	setenv("SSH_ASKPASS", askpass, 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	opt.ssh_config = config;
	opt.ask = never_called;
	h = try_open(server, &opt, &err);
	if (!h)
		fail_with_err(&err);
	return h;
}

/* A child of ours by that name. */
static pid_t find_child(const char *name)
{
	AUTO_FREE char *path =
		xasprintf("/proc/self/task/%d/children", getpid());
	FILE *f = fopen(path, "r");
	int pid, found = 0;

	assert_non_null(f);
	while (fscanf(f, "%d", &pid) == 1) {
		AUTO_FREE char *comm = xasprintf("/proc/%d/comm", pid);
		FILE *c = fopen(comm, "r");
		char text[32] = "";

		if (c && fscanf(c, "%31s", text) == 1 && !strcmp(text, name))
			found = pid;
		if (c)
			fclose(c);
	}
	fclose(f);
	assert_true(found);
	return found;
}

IN_TASK(what_was_asked_once_serves_the_tunnel_as_well)
{
	AUTO_FREE char *path = NULL;
	AUTO_FD int local = -1;
	struct err err = { 0 };
	struct tunnel *t;
	struct host *h;
	struct echo *e;
	char text[8] = "";

	need_server();
	h = open_asking();
	e = echo_start(server, "aecho");
	path = sshd_path(server, "aecho");
	t = open_tunnel(h, path, &local);
	assert_int_equal(write(local, "hello", 5), 5);
	assert_int_equal(task_wait_fd(local, EPOLLIN, IN_TASK_SOON, NULL), 0);
	assert_int_equal(read(local, text, 7), 5);
	assert_string_equal(text, "hello");
	kill(find_child("ssh"), SIGKILL);
	wait_tunnel(t);
	assert_int_equal(tunnel_verdict(t, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "shared ssh connection is gone");
	tunnel_free(t);
	echo_stop(e);
	host_close(h);
}

IN_TASK(what_was_asked_once_serves_a_command_as_well)
{
	AUTO_FD int local = -1;
	struct tunnel *t;
	struct host *h;

	need_server();
	h = open_asking();
	t = tunnel_to(h, "exec cat", &local);
	carry_and_end(t, local);
	assert_int_equal(host_ping(h, IN_TASK_SOON, NULL), 0);
	host_close(h);
}

IN_TASK(a_login_at_the_terminal_is_deaf_to_its_signals)
{
	struct host *h;
	pid_t ssh;

	need_server();
	h = open_asking();
	ssh = find_child("ssh");
	assert_int_equal(getsid(ssh), getsid(0));
	kill(ssh, SIGINT);
	kill(ssh, SIGQUIT);
	kill(ssh, SIGTSTP);
	kill(ssh, SIGHUP);
	assert_int_equal(host_ping(h, IN_TASK_SOON, NULL), 0);
	host_close(h);
	unsetenv("SSH_ASKPASS");
	unsetenv("SSH_ASKPASS_REQUIRE");
}

/* --- a server that dies -------------------------------------------------- */

IN_TASK(the_death_of_the_connection_is_noticed_everywhere)
{
	struct sshd *d;
	struct host_result r = { 0 };
	struct err err = { 0 };
	struct tunnel *t;
	struct host *h;
	struct echo *e;
	AUTO_FREE char *path = NULL;
	AUTO_FD int local = -1;

	need_server();
	d = sshd_start(hardened);
	h = open_with(d);
	e = echo_start(d, "echo");
	path = sshd_path(d, "echo");
	t = open_tunnel(h, path, &local);
	assert_int_equal(host_ping(h, IN_TASK_SOON, NULL), 0);
	sshd_kill(d);
	wait_tunnel(t);
	assert_int_equal(tunnel_verdict(t, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "lost the connection");
	assert_int_equal(host_ping(h, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "");
	while (host_alive(h, 60000, &err) == 0)
		(void)task_sleep_until(mono_in_ms(1), NULL);
	expect_err_kind(&err, ERR_NETWORK, "");
	assert_int_equal(
		host_run(h,
			 &(struct host_command){
				 .argv = (const char *const[]){ "true", NULL },
				 .deadline = IN_TASK_SOON },
			 &r, &err),
		-1);
	expect_err_kind(&err, ERR_NETWORK, "");
	host_result_free(&r);
	tunnel_free(t);
	host_close(h);
	echo_stop(e);
	sshd_stop(d);
}

IN_TASK(a_host_that_falls_silent_is_not)
{
	struct err err = { 0 };
	struct sshd *d;
	struct host *h;

	need_server();
	d = sshd_start(hardened);
	h = open_with(d);
	assert_int_equal(host_alive(h, 60000, NULL), 0);
	assert_int_equal(host_ping(h, IN_TASK_SOON, NULL), 0);
	sshd_freeze(d);
	assert_int_equal(host_ping(h, mono_in_ms(50), &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "did not answer in time");
	while (host_alive(h, 100, &err) == 0)
		(void)task_sleep_until(mono_in_ms(5), NULL);
	expect_err_kind(&err, ERR_NETWORK, "has not answered for");
	sshd_thaw(d);
	assert_int_equal(host_ping(h, IN_TASK_SOON, NULL), 0);
	assert_int_equal(host_alive(h, 100, NULL), 0);
	host_close(h);
	sshd_stop(d);
}

/* --- us dying ------------------------------------------------------------ */

struct orphan {
	struct host *h;
	int ready_fd;
};

/* In a process that is killed: says who its ssh is, and waits for the end. */
static void orphan_body(void *arg)
{
	struct orphan *o = arg;

	o->h = open_host();
	(void)!write(o->ready_fd, "r", 1);
	(void)task_sleep_until(MONO_NEVER, NULL);
}

static void open_and_close(void *arg)
{
	(void)arg;
	host_close(open_host());
}

static int first_child(pid_t pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/task/%d/children", pid, pid);
	FILE *f = fopen(path, "r");
	int child = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &child), 1);
	fclose(f);
	return child;
}

static void wait_gone(pid_t pid)
{
	AUTO_FD int fd = pidfd_open(pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	/* or it is gone already */
	if (fd >= 0)
		assert_int_equal(poll(&p, 1, 60000), 1);
	else
		assert_int_equal(errno, ESRCH);
}

TEST(ssh_does_not_outlive_us)
{
	int ready[2];
	char byte;
	pid_t pid;
	int ssh, dirs;

	need_server();
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct orphan o = { .ready_fd = ready[1] };

		in_task(orphan_body, &o);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	ssh = first_child(pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	wait_gone(ssh);
	/* and the next one tidies up */
	dirs = count_dirs();
	in_task(open_and_close, NULL);
	assert_true(count_dirs() < dirs);
	close(ready[0]);
	close(ready[1]);
}
