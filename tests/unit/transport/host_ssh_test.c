/* SPDX-License-Identifier: MIT */
/* host_ssh against a real sshd on loopback. */
#include "transport/host_ssh.h"

#include <libssh2.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/host_contract.h"
#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/ssh_format.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/ssh_wire.h"

/* --- a clock and a server as a test wants them ---------------------------- */

/*
 * Shared with the endpoints, which are this program as well: they open the file
 * before they give up their rights.
 */
static struct knobs {
	atomic_long clock_ahead_ms;
	atomic_bool unanswered;	   /* no command is, any more */
	atomic_bool asked_in_vain; /* one was sent since */
} * knobs;

static char *knobs_path(pid_t pid)
{
	return xasprintf("/tmp/vmferry-knobs.%d", (int)pid);
}

__attribute__((constructor)) static void share_knobs(int argc, char **argv)
{
	bool endpoint = endpoint_wanted(argc, argv);
	AUTO_FREE char *path = knobs_path(endpoint ? getppid() : getpid());
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*knobs)) < 0)
		abort();
	knobs = mmap(NULL, sizeof(*knobs), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
	long rc = syscall(SYS_clock_gettime, clock, at);

	if (clock == CLOCK_MONOTONIC && knobs)
		at->tv_sec += knobs->clock_ahead_ms / 1000;
	return (int)rc;
}

int libssh2_channel_process_startup(LIBSSH2_CHANNEL *channel,
				    const char *request,
				    unsigned int request_len,
				    const char *message,
				    unsigned int message_len)
{
	static __typeof__(libssh2_channel_process_startup) *real;

	if (knobs->unanswered) {
		knobs->asked_in_vain = true;
		return LIBSSH2_ERROR_EAGAIN;
	}
	if (!real)
		*(void **)&real =
			dlsym(RTLD_NEXT, "libssh2_channel_process_startup");
	return real(channel, request, request_len, message, message_len);
}

/* --- one sshd for most tests --------------------------------------------- */

static struct sshd *server;

static int start_server(void **state)
{
	(void)state;
	server = sshd_start("RekeyLimit 1M\nPasswordAuthentication no\n"
			    "KbdInteractiveAuthentication no\n");
	return 0;
}

static int stop_server(void **state)
{
	AUTO_FREE char *path = knobs_path(getpid());

	(void)state;
	sshd_stop(STEAL(server));
	(void)unlink(path);
	return 0;
}

TEST_GROUP_FIXTURE(start_server, stop_server);

static struct host *open_with(struct sshd *d, const struct host_options *opt)
{
	struct err err = { 0 };
	struct host *h = host_open(d->target, opt, SSHD_SOON, &err);

	if (!h)
		fail_with_err(&err);
	return h;
}

static struct host *open_host(void)
{
	struct host_options opt = sshd_options(server);

	return open_with(server, &opt);
}

HOST_CONTRACT(open_host);

static void refuse(struct sshd *d, const struct host_options *opt,
		   struct err *err)
{
	struct host *h = host_open(d->target, opt, SSHD_SOON, err);

	if (h) {
		host_close(h);
		fail_msg("the login succeeded");
	}
}

static void run_ok(struct host *h, const char *const *argv, const void *input,
		   size_t input_len, struct host_result *r)
{
	struct err err = { 0 };
	struct host_command cmd = {
		.argv = argv,
		.input = input,
		.input_len = input_len,
		.max_output = 8 * 1024 * 1024,
		.deadline = SSHD_SOON,
	};

	if (host_run(h, &cmd, r, &err) < 0)
		fail_with_err(&err);
}

/* --- commands ------------------------------------------------------------ */

static char *pattern(size_t len, unsigned int seed)
{
	char *p = xmalloc(len);

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		p[i] = (char)(seed >> 16);
	}
	return p;
}

/* --- sockets ------------------------------------------------------------- */

static struct stream *connect_echo(struct host *h)
{
	AUTO_FREE char *path = sshd_path(server, "echo");
	struct err err = { 0 };
	struct stream *s = host_connect(h, path, SSHD_SOON, &err);

	if (!s)
		fail_with_err(&err);
	return s;
}

static void ping_pong(struct stream *s, const char *data, size_t len)
{
	AUTO_FREE char *back = xmalloc(len);
	struct err err = { 0 };
	size_t got = 0;

	if (stream_write(s, data, len, SSHD_SOON, &err) < 0)
		fail_with_err(&err);
	while (got < len) {
		ssize_t n =
			stream_read(s, back + got, len - got, SSHD_SOON, &err);

		if (n < 0)
			fail_with_err(&err);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_memory_equal(back, data, len);
}

struct rounds {
	struct host *host;
	int n;
	size_t len;
};

static void monitor_rounds(void *arg)
{
	struct rounds *r = arg;
	struct stream *s = connect_echo(r->host);

	for (int i = 0; i < r->n; i++) {
		AUTO_FREE char *data = pattern(r->len, (unsigned int)i);

		ping_pong(s, data, r->len);
	}
	stream_close(s);
}

static void exec_rounds(void *arg)
{
	static const char *const argv[] = { "cat", NULL };
	enum { LEN = 100000 };
	AUTO_FREE char *data = pattern(LEN, 5);
	struct rounds *r = arg;

	for (int i = 0; i < r->n; i++) {
		struct host_result result = { 0 };

		run_ok(r->host, argv, data, LEN, &result);
		assert_int_equal(buf_len(&result.out), LEN);
		assert_memory_equal(buf_data(&result.out), data, LEN);
		host_result_free(&result);
	}
}

/* 1 MiB between two key exchanges: these meet dozens of them. */
IN_TASK(channels_and_commands_share_a_session)
{
	AUTO_FREE char *path = sshd_path(server, "echo");
	struct echo *echo = echo_start(server, "echo");
	struct host *h = open_host();
	struct rounds monitor = { h, 200, 1000 }, bulk = { h, 200, 60000 };
	struct rounds exec = { h, 80, 0 };
	struct task *t[] = {
		task_start(task_loop(), "m1", monitor_rounds, &monitor),
		task_start(task_loop(), "m2", monitor_rounds, &monitor),
		task_start(task_loop(), "m3", monitor_rounds, &bulk),
		task_start(task_loop(), "x1", exec_rounds, &exec),
		task_start(task_loop(), "x2", exec_rounds, &exec),
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		task_join(t[i]);
	assert_int_equal(host_alive(h, 5000, NULL), 0);
	host_close(h);
	echo_stop(echo);
	(void)unlink(path);
}

/* --- tunnels ------------------------------------------------------------- */

static struct tunnel *start_tunnel(struct host *h, int *our_fd)
{
	AUTO_FREE char *path = sshd_path(server, "echo");
	struct err err = { 0 };
	struct tunnel *t;
	int fds[2];

	t = host_tunnel(h, path, SSHD_SOON, &err);
	if (!t)
		fail_with_err(&err);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	if (tunnel_start(t, fds[1], 0, &err) < 0)
		fail_with_err(&err);
	*our_fd = fds[0];
	return t;
}

IN_TASK(a_stream_may_outlive_its_host)
{
	AUTO_FREE char *path = sshd_path(server, "echo");
	struct echo *echo = echo_start(server, "echo");
	struct host *h = open_host();
	struct stream *s = connect_echo(h);
	struct err err = { 0 };
	char c;

	host_close(h);
	assert_int_equal(stream_read(s, &c, 1, SSHD_SOON, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "closed");
	stream_close(s);
	echo_stop(echo);
	(void)unlink(path);
}

/* --- the host's key ------------------------------------------------------ */

static bool was_asked_for_auth(const struct sshd *d, size_t from)
{
	AUTO_FREE char *log = sshd_read(d, "log");
	const char *since = strlen(log) > from ? log + from : "";

	return strstr(since, "publickey") || strstr(since, "Accepted") ||
	       strstr(since, "Failed");
}

static size_t log_size(const struct sshd *d)
{
	AUTO_FREE char *log = sshd_read(d, "log");

	return strlen(log);
}

static char *fingerprint_of(const struct sshd *d, const char *name)
{
	AUTO_FREE char *text = sshd_read(d, name);
	AUTO_BUF struct buf blob = { .base = NULL };
	const char *base64 = strchr(text, ' ') + 1;

	assert_int_equal(
		ssh_base64_decode(&blob, base64, strcspn(base64, " \n")), 0);
	return ssh_fingerprint((struct ssh_bytes){
		(const unsigned char *)buf_data(&blob), buf_len(&blob) });
}

IN_TASK(an_unknown_host_key_is_refused_before_any_credential)
{
	AUTO_FREE char *fingerprint = fingerprint_of(server, "hostkey.pub");
	struct host_options opt = sshd_options(server);
	size_t log = log_size(server);
	struct err err = { 0 };

	opt.known_hosts = "/dev/null";
	refuse(server, &opt, &err);
	assert_non_null(strstr(err_hint_of(&err), "--accept-new-host-key"));
	expect_err_kind(&err, ERR_HOSTKEY, fingerprint);
	assert_false(was_asked_for_auth(server, log));
}

/* A known_hosts file of its own that says what @format makes of the key. */
static char *other_known_hosts(const char *prefix, const char *key)
{
	AUTO_FREE char *line =
		xasprintf("%s[127.0.0.1]:%d %s", prefix, server->port, key);

	sshd_write(server, "other_hosts", line);
	return sshd_path(server, "other_hosts");
}

IN_TASK(a_changed_host_key_is_refused_with_both_fingerprints)
{
	AUTO_FREE char *key = sshd_read(server, "id.pub");
	AUTO_FREE char *file = other_known_hosts("\n", key);
	AUTO_FREE char *known = fingerprint_of(server, "id.pub");
	AUTO_FREE char *offered = fingerprint_of(server, "hostkey.pub");
	AUTO_FREE char *text = NULL;
	struct host_options opt = sshd_options(server);
	size_t log = log_size(server);
	struct err err = { 0 };

	opt.known_hosts = file;
	opt.accept_new_host_key = true;
	refuse(server, &opt, &err);
	text = err_text(&err);
	assert_non_null(strstr(text, known));
	assert_non_null(strstr(text, "other_hosts:2"));
	assert_non_null(strstr(err_hint_of(&err), "ssh-keygen -f"));
	expect_err_kind(&err, ERR_HOSTKEY, offered);
	assert_false(was_asked_for_auth(server, log));
}

IN_TASK(a_revoked_host_key_is_refused_even_when_known)
{
	AUTO_FREE char *key = sshd_read(server, "hostkey.pub");
	AUTO_FREE char *both =
		xasprintf("%s[127.0.0.1]:%d %s", key, server->port, key);
	AUTO_FREE char *file = other_known_hosts("@revoked ", both);
	struct host_options opt = sshd_options(server);
	struct err err = { 0 };

	opt.known_hosts = file;
	opt.accept_new_host_key = true;
	refuse(server, &opt, &err);
	expect_err_kind(&err, ERR_HOSTKEY, "revoked");
}

IN_TASK(a_new_host_key_is_added_once_when_that_is_asked_for)
{
	AUTO_FREE char *file = sshd_path(server, "new/known_hosts");
	AUTO_FREE char *dir = sshd_path(server, "new");
	AUTO_FREE char *first = NULL, *second = NULL;
	struct host_options opt = sshd_options(server);
	struct stat st;

	opt.known_hosts = file;
	opt.accept_new_host_key = true;
	host_close(open_with(server, &opt));
	first = sshd_read(server, "new/known_hosts");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	host_close(open_with(server, &opt));
	second = sshd_read(server, "new/known_hosts");
	assert_string_equal(first, second);
	opt.accept_new_host_key = false;
	host_close(open_with(server, &opt));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
}

IN_TASK(of_several_host_keys_the_one_on_file_is_asked_for)
{
	static const char *const ecdsa[] = { "-t", "ecdsa", "-N", "", NULL };
	AUTO_FREE char *line = NULL, *key = NULL, *conf = NULL;
	struct sshd *d = sshd_start("");
	struct host_options opt = sshd_options(d);

	sshd_keygen(d, "hostkey2", ecdsa);
	key = sshd_read(d, "hostkey2.pub");
	conf = xasprintf("HostKey %s/hostkey2\n", d->dir);
	sshd_restart(d, conf);
	line = xasprintf("[127.0.0.1]:%d %s", d->port, key);
	sshd_write(d, "known_hosts", line);
	host_close(open_with(d, &opt));
	sshd_stop(d);
}

/* --- logins -------------------------------------------------------------- */

struct person {
	const char *answer;
	int asked;
};

static char *answer(void *arg, const char *prompt, enum host_ask what)
{
	struct person *p = arg;

	(void)prompt;
	(void)what;
	p->asked++;
	return xstrdup(p->answer);
}

/* Options that know one key only; *file is their configuration. */
static void with_key(const char *name, struct host_options *opt, char **file)
{
	AUTO_FREE char *text =
		xasprintf("IdentityAgent none\nIdentitiesOnly yes\n"
			  "IdentityFile %s/%s\nGlobalKnownHostsFile /dev/null\n"
			  "UserKnownHostsFile %s/known_hosts\n",
			  server->dir, name, server->dir);

	sshd_write(server, "config.key", text);
	*file = sshd_path(server, "config.key");
	*opt = sshd_options(server);
	opt->ssh_config = *file;
}

static void make_key(const char *name, const char *type, const char *passphrase)
{
	const char *argv[] = { "-t", type, "-N", passphrase, "-C", "t", NULL };
	AUTO_FREE char *path = sshd_path(server, name);

	if (access(path, F_OK) < 0)
		sshd_keygen(server, name, argv);
}

IN_TASK(a_key_the_host_does_not_know_fails_the_login)
{
	AUTO_FREE char *file = NULL;
	struct host_options opt;
	struct err err = { 0 };

	make_key("stranger", "ed25519", "");
	with_key("stranger", &opt, &file);
	refuse(server, &opt, &err);
	expect_err_kind(&err, ERR_AUTH, "stranger: refused");
}

IN_TASK(an_ecdsa_key_logs_in)
{
	AUTO_FREE char *file = NULL;
	struct host_options opt;

	make_key("ecdsa", "ecdsa", "");
	sshd_authorize(server, "ecdsa");
	with_key("ecdsa", &opt, &file);
	host_close(open_with(server, &opt));
}

IN_TASK(an_encrypted_key_logs_in_and_opens_tunnels_asking_once)
{
	AUTO_FREE char *file = NULL, *path = sshd_path(server, "echo");
	struct echo *echo = echo_start(server, "echo");
	struct person person = { "secret", 0 };
	struct host_options opt;
	struct host *h;
	struct tunnel *t;
	int fd;

	make_key("locked", "ed25519", "secret");
	sshd_authorize(server, "locked");
	with_key("locked", &opt, &file);
	opt.ask = answer;
	opt.arg = &person;
	h = open_with(server, &opt);
	t = start_tunnel(h, &fd);
	assert_int_equal(person.asked, 1);
	close(fd);
	tunnel_free(t);
	host_close(h);
	echo_stop(echo);
	(void)unlink(path);
}

IN_TASK(a_wrong_passphrase_is_asked_for_three_times)
{
	AUTO_FREE char *file = NULL;
	struct person person = { "wrong", 0 };
	struct host_options opt;
	struct err err = { 0 };

	make_key("locked", "ed25519", "secret");
	with_key("locked", &opt, &file);
	opt.ask = answer;
	opt.arg = &person;
	refuse(server, &opt, &err);
	assert_int_equal(person.asked, 3);
	expect_err_kind(&err, ERR_AUTH, "no passphrase opened it");
}

IN_TASK(without_a_person_the_encrypted_key_is_named)
{
	AUTO_FREE char *file = NULL;
	struct host_options opt;
	struct err err = { 0 };

	make_key("locked", "ed25519", "secret");
	with_key("locked", &opt, &file);
	refuse(server, &opt, &err);
	expect_err_kind(&err, ERR_AUTH, "needs a passphrase");
}

IN_TASK(nobody_is_asked_for_a_key_that_the_host_refuses)
{
	AUTO_FREE char *file = NULL;
	struct person person = { NULL, 0 };
	struct host_options opt;
	struct err err = { 0 };

	make_key("strangerlocked", "ed25519", "secret");
	with_key("strangerlocked", &opt, &file);
	opt.ask = answer;
	opt.arg = &person;
	refuse(server, &opt, &err);
	expect_err_kind(&err, ERR_AUTH, "strangerlocked: refused");
	assert_int_equal(person.asked, 0);
}

IN_TASK(an_rsa_key_logs_in_or_is_named_as_what_libssh2_1_10_cannot_use)
{
	AUTO_FREE char *file = NULL;
	struct host_options opt;
	struct err err = { 0 };

	make_key("rsa", "rsa", "");
	sshd_authorize(server, "rsa");
	with_key("rsa", &opt, &file);
	if (libssh2_version(0x010b00)) {
		host_close(open_with(server, &opt));
		return;
	}
	refuse(server, &opt, &err);
	assert_non_null(strstr(err_hint_of(&err), "ed25519"));
	expect_err_kind(&err, ERR_AUTH, "an RSA key");
}

/* --- the agent ----------------------------------------------------------- */

static pid_t spawn_agent(const char *socket)
{
	char *const argv[] = { (char[]){ "/usr/bin/ssh-agent" },
			       (char[]){ "-D" }, (char[]){ "-a" },
			       (char *)(uintptr_t)socket, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		execv(argv[0], argv);
		_exit(127);
	}
	while (access(socket, F_OK) < 0)
		sched_yield();
	return pid;
}

static void add_to_agent(const char *socket, const char *key)
{
	AUTO_FREE char *command =
		xasprintf("SSH_AUTH_SOCK=%s ssh-add -q %s/%s 2>/dev/null",
			  socket, server->dir, key);

	while (system(command) != 0)
		sched_yield();
}

IN_TASK(the_agents_key_logs_in_and_opens_tunnels)
{
	AUTO_FREE char *socket_path = sshd_path(server, "agent");
	AUTO_FREE char *path = sshd_path(server, "echo");
	AUTO_FREE char *config = NULL, *file = NULL;
	struct echo *echo = echo_start(server, "echo");
	struct host_options opt = sshd_options(server);
	pid_t agent;
	struct host *h;
	struct tunnel *t;
	int fd;

	make_key("inagent", "ed25519", "");
	sshd_authorize(server, "inagent");
	agent = spawn_agent(socket_path);
	make_key("stranger", "ed25519", "");
	add_to_agent(socket_path, "stranger");
	add_to_agent(socket_path, "inagent");
	config = xasprintf("IdentityAgent %s\nIdentityFile /no/such\n"
			   "GlobalKnownHostsFile /dev/null\n"
			   "UserKnownHostsFile %s/known_hosts\n",
			   socket_path, server->dir);
	sshd_write(server, "config.agent", config);
	file = sshd_path(server, "config.agent");
	opt.ssh_config = file;
	h = open_with(server, &opt);
	t = start_tunnel(h, &fd);
	close(fd);
	tunnel_free(t);
	host_close(h);
	kill(agent, SIGTERM);
	waitpid(agent, NULL, 0);
	echo_stop(echo);
	(void)unlink(path);
}

/* --- servers of other kinds ---------------------------------------------- */

IN_TASK(a_server_without_a_common_cipher_is_a_matter_of_crypto)
{
	struct sshd *d = sshd_start("Ciphers chacha20-poly1305@openssh.com\n");
	struct host_options opt = sshd_options(d);
	struct err err = { 0 };

	refuse(d, &opt, &err);
	assert_non_null(strstr(err_hint_of(&err), "--ssh openssh"));
	expect_err_kind(&err, ERR_CRYPTO, "in common");
	sshd_stop(d);
}

IN_TASK(a_server_without_a_common_mac_is_a_matter_of_crypto)
{
	struct sshd *d = sshd_start("Ciphers aes128-ctr\n"
				    "MACs umac-128-etm@openssh.com\n");
	struct host_options opt = sshd_options(d);
	struct err err = { 0 };

	refuse(d, &opt, &err);
	expect_err_kind(&err, ERR_CRYPTO, "in common");
	sshd_stop(d);
}

IN_TASK(a_forbidden_forwarding_names_the_setting)
{
	struct sshd *d = sshd_start("AllowStreamLocalForwarding no\n");
	struct host_options opt = sshd_options(d);
	struct host *h = open_with(d, &opt);
	struct err err = { 0 };

	assert_null(host_connect(h, "/no/such.sock", SSHD_SOON, &err));
	assert_non_null(
		strstr(err_hint_of(&err), "AllowStreamLocalForwarding"));
	expect_err_kind(&err, ERR_REMOTE, "/no/such.sock");
	host_close(h);
	sshd_stop(d);
}

/* --- where something is short -------------------------------------------- */

static void run_sleep(void *arg)
{
	static const char *const argv[] = { "sleep", "20", NULL };
	struct host_command cmd = { .argv = argv, .deadline = SSHD_SOON };
	struct host_result r = { 0 };
	struct err err = { 0 };

	assert_int_equal(host_run(arg, &cmd, &r, &err), -1);
	expect_err_kind(&err, ERR_CANCELLED, "sleep");
	host_result_free(&r);
}

static int run_true_by(struct host *h, struct mono deadline, struct err *err)
{
	static const char *const argv[] = { "true", NULL };
	struct host_command cmd = { .argv = argv, .deadline = deadline };
	struct host_result r = { 0 };
	int rc = host_run(h, &cmd, &r, err);

	host_result_free(&r);
	return rc;
}

static int run_true(struct host *h, struct err *err)
{
	return run_true_by(h, SSHD_SOON, err);
}

IN_TASK(one_session_is_enough_for_one_command_at_a_time)
{
	struct sshd *d = sshd_start("MaxSessions 1\n");
	struct host_options opt = sshd_options(d);
	struct host *h = open_with(d, &opt);
	struct task *sleeping;
	struct err err = { 0 };

	for (int i = 0; i < 3; i++) {
		if (run_true(h, &err) < 0)
			fail_with_err(&err);
	}
	sleeping = task_start(task_loop(), "sleep", run_sleep, h);
	/* it is in the shell by then */
	assert_int_equal(host_ping(h, SSHD_SOON, NULL), 0);
	/* long enough for the host to refuse another session */
	assert_int_equal(run_true_by(h, mono_in_ms(5000), &err), -1);
	assert_non_null(strstr(err_hint_of(&err), "MaxSessions"));
	expect_err_kind(&err, ERR_REMOTE, "did not start a command");
	task_cancel(sleeping);
	task_join(sleeping);
	assert_int_equal(host_alive(h, 60000, NULL), 0);
	host_close(h);
	sshd_stop(d);
}

static void run_echo(void *arg)
{
	static const char *const argv[] = { "sh", "-c", "sleep 0.4; echo x",
					    NULL };
	struct host_result r = { 0 };

	run_ok(arg, argv, NULL, 0, &r);
	assert_string_equal(buf_data(&r.out), "x\n");
	host_result_free(&r);
}

IN_TASK(where_one_session_is_all_commands_wait_for_each_other)
{
	struct sshd *d = sshd_start("MaxSessions 1\n");
	struct host_options opt = sshd_options(d);
	struct host *h = open_with(d, &opt);
	struct task *t[3];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = task_start(task_loop(), "echo", run_echo, h);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		task_join(t[i]);
	host_close(h);
	sshd_stop(d);
}

/* How many more may be opened. */
static void limit_fds(int more, struct rlimit *old)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
	l = *old;
	/* . and .. and the directory itself are counted, too */
	l.rlim_cur = (rlim_t)(count_fds() - 3 + more);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
}

IN_TASK(without_descriptors_calls_fail_and_nothing_is_lost)
{
	int fds = count_fds();

	for (int more = 0; more < 12; more++) {
		struct host *h = open_host();
		struct err err = { 0 };
		struct rlimit old;
		struct tunnel *t;
		struct stream *s;

		limit_fds(more, &old);
		(void)run_true(h, NULL);
		s = host_connect(h, "/run/vmferry-none", SSHD_SOON, NULL);
		t = host_tunnel(h, "/run/vmferry-none", SSHD_SOON, NULL);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_null(s);
		assert_null(t);
		if (run_true(h, &err) < 0)
			fail_with_err(&err);
		host_close(h);
		assert_int_equal(count_fds(), fds);
	}
}

static void read_until_dead(void *arg)
{
	struct err err = { 0 };
	char c;

	assert_int_equal(stream_read(arg, &c, 1, SSHD_SOON, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "lost");
}

static void run_until_dead(void *arg)
{
	static const char *const argv[] = { "sleep", "5", NULL };
	struct host_command cmd = { .argv = argv, .deadline = SSHD_SOON };
	struct host_result r = { 0 };
	struct err err = { 0 };

	assert_int_equal(host_run(arg, &cmd, &r, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "lost");
	host_result_free(&r);
}

IN_TASK(a_killed_sshd_fails_everybody_at_once)
{
	struct sshd *d = sshd_start("");
	struct echo *echo = echo_start(d, "echo");
	AUTO_FREE char *path = sshd_path(d, "echo");
	struct host_options opt = sshd_options(d);
	struct host *h = open_with(d, &opt);
	struct err err = { 0 };
	struct tunnel *t = host_tunnel(h, path, SSHD_SOON, &err);
	struct stream *s = host_connect(h, path, SSHD_SOON, &err);
	struct task *tasks[2];
	int fds[2];

	assert_non_null(t);
	assert_non_null(s);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(tunnel_start(t, fds[1], 0, &err), 0);
	tasks[0] = task_start(task_loop(), "read", read_until_dead, s);
	tasks[1] = task_start(task_loop(), "run", run_until_dead, h);
	assert_int_equal(host_ping(h, SSHD_SOON, &err), 0);
	sshd_kill(d);
	task_join(tasks[0]);
	task_join(tasks[1]);
	assert_int_equal(host_alive(h, 60000, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "lost");
	assert_int_equal(host_ping(h, SSHD_SOON, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "lost");
	assert_int_equal(
		task_wait_fd(tunnel_end_fd(t), POLLIN, SSHD_SOON, &err), 0);
	assert_int_equal(tunnel_verdict(t, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "lost");
	close(fds[0]);
	stream_close(s);
	tunnel_free(t);
	host_close(h);
	echo_stop(echo);
	sshd_stop(d);
}

IN_TASK(a_silent_host_is_reported_and_may_come_back)
{
	struct sshd *d = sshd_start("");
	struct host_options opt = sshd_options(d);
	struct host *h = open_with(d, &opt);
	struct err err = { 0 };

	/* what sshd still says of itself after a login has come then */
	assert_int_equal(host_ping(h, SSHD_SOON, &err), 0);
	assert_int_equal(host_alive(h, 1, &err), 0);
	sshd_freeze(d);
	assert_int_equal(host_ping(h, mono_in_ms(50), &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "in time");
	/* asked a moment after the deadline was set */
	while (host_alive(h, 50, &err) == 0)
		(void)task_sleep_until(mono_in_ms(1), NULL);
	expect_err_kind(&err, ERR_NETWORK, "no sign of life");
	assert_int_equal(host_alive(h, 60000, &err), 0);
	sshd_thaw(d);
	if (host_ping(h, SSHD_SOON, &err) < 0)
		fail_with_err(&err);
	assert_int_equal(host_alive(h, 1, &err), 0);
	host_close(h);
	sshd_stop(d);
}

static void exec_until_dead(void *arg)
{
	static const char *const argv[] = { "true", NULL };
	struct host_command cmd = { .argv = argv,
				    .max_output = 1,
				    .deadline = MONO_NEVER };
	struct host_result r = { 0 };
	struct err err = { 0 };

	assert_int_equal(host_run(arg, &cmd, &r, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "lost");
	host_result_free(&r);
}

/* Other channels go on, but none can be opened, nor a sign of life be got. */
IN_TASK(a_command_that_is_never_answered_ends_the_session)
{
	enum { STEP_MS = SSH_SILENCE_MS / 3 };
	AUTO_FREE char *path = sshd_path(server, "echo");
	struct echo *echo = echo_start(server, "echo");
	struct host *h = open_host();
	struct stream *s = connect_echo(h);
	struct task *exec;
	struct err err = { 0 };

	knobs->unanswered = true;
	exec = task_start(task_loop(), "exec", exec_until_dead, h);
	while (!knobs->asked_in_vain)
		(void)task_sleep_until(mono_in_ms(1), NULL);
	/* in steps in which the host is not silent */
	for (int i = 0; i < 2; i++) {
		knobs->clock_ahead_ms += STEP_MS;
		ping_pong(s, "ping", 4);
		if (host_alive(h, 60000, &err) < 0)
			fail_with_err(&err);
	}
	knobs->clock_ahead_ms += STEP_MS;
	task_join(exec);
	assert_int_equal(host_alive(h, 60000, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, "no answer to a request for 30 s");
	knobs->unanswered = false;
	stream_close(s);
	host_close(h);
	echo_stop(echo);
	(void)unlink(path);
}

IN_TASK(a_frozen_host_does_not_hold_up_closing)
{
	struct sshd *d = sshd_start("");
	struct echo *echo = echo_start(d, "echo");
	AUTO_FREE char *path = sshd_path(d, "echo");
	struct host_options opt = sshd_options(d);
	struct host *h = open_with(d, &opt);
	struct stream *s = host_connect(h, path, SSHD_SOON, NULL);
	struct err err = { 0 };

	assert_non_null(s);
	sshd_freeze(d);
	assert_int_equal(host_ping(h, mono_in_ms(1), &err), -1);
	err_reset(&err);
	stream_close(s);
	host_close(h);
	echo_stop(echo);
	sshd_stop(d);
}

IN_TASK(nobody_listening_is_a_network_error)
{
	struct sshd *d = sshd_start("");
	struct host_options opt = sshd_options(d);
	struct err err = { 0 };

	sshd_kill(d);
	refuse(d, &opt, &err);
	expect_err_kind(&err, ERR_NETWORK, "refused");
	sshd_stop(d);
}

/* --- ways there ---------------------------------------------------------- */

IN_TASK(a_jump_host_carries_the_session)
{
	static const char *const argv[] = { "echo", "hi", NULL };
	AUTO_FREE char *file = sshd_path(server, "config.proxy");
	AUTO_FREE char *config = NULL;
	AUTO_FREE char *echo_path = sshd_path(server, "echo");
	struct echo *echo = echo_start(server, "echo");
	struct host_options opt = sshd_options(server);
	struct host_result r = { 0 };
	struct host *h;
	struct tunnel *t;
	int fd, before = count_fds();
	char byte;

	config = xasprintf("IdentityAgent none\nIdentityFile %s/id\n"
			   "GlobalKnownHostsFile /dev/null\n"
			   "UserKnownHostsFile %s/known_hosts\n"
			   "Host jump\nHostName 127.0.0.1\nPort %d\n"
			   "HostKeyAlias [127.0.0.1]:%d\n"
			   "Host 127.0.0.1\nProxyJump jump\n",
			   server->dir, server->dir, server->port,
			   server->port);
	sshd_write(server, "config.proxy", config);
	opt.ssh_config = file;
	h = open_with(server, &opt);
	run_ok(h, argv, NULL, 0, &r);
	assert_string_equal(buf_data(&r.out), "hi\n");
	t = start_tunnel(h, &fd);
	/* an answer shows that the echo has taken the connection */
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
	tunnel_free(t);
	host_close(h);
	host_result_free(&r);
	assert_int_equal(count_fds(), before + 1);
	echo_stop(echo);
	(void)unlink(echo_path);
}
