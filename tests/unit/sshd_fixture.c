/* SPDX-License-Identifier: MIT */
/* sshd_fixture: a throw-away sshd on loopback, and an echo server. */
#include "tests/unit/sshd_fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/strv.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_file.h"

#define SSHD "/usr/sbin/sshd"

/* --- files --------------------------------------------------------------- */

char *sshd_path(const struct sshd *d, const char *name)
{
	return xasprintf("%s/%s", d->dir, name);
}

static void put_file(const struct sshd *d, const char *name, const char *text,
		     const char *how)
{
	AUTO_FREE char *path = sshd_path(d, name);
	FILE *f = fopen(path, how);

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

void sshd_write(const struct sshd *d, const char *name, const char *text)
{
	put_file(d, name, text, "w");
}

char *sshd_read(const struct sshd *d, const char *name)
{
	AUTO_FREE char *path = sshd_path(d, name);
	struct buf b = { .base = NULL };

	(void)ssh_file_read(path, &b);
	return buf_steal(&b);
}

/* --- processes ----------------------------------------------------------- */

/* It must not outlive a test that crashes, nor keep its output open. */
static pid_t spawn(char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

void sshd_keygen(const struct sshd *d, const char *name,
		 const char *const *arguments)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *path = sshd_path(d, name);
	int status;

	strv_push(&argv, "/usr/bin/ssh-keygen");
	strv_push(&argv, "-q");
	for (; *arguments; arguments++)
		strv_push(&argv, *arguments);
	strv_push(&argv, "-f");
	strv_push(&argv, path);
	assert_true(waitpid(spawn((char *const *)strv_argv(&argv)), &status,
			    0) > 0);
	assert_int_equal(status, 0);
}

void sshd_authorize(const struct sshd *d, const char *name)
{
	AUTO_FREE char *file = xasprintf("%s.pub", name);
	AUTO_FREE char *key = sshd_read(d, file);

	put_file(d, "authorized_keys", key, "a");
}

static pid_t parent_of(const char *pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%s/stat", pid);
	FILE *f = fopen(path, "r");
	int parent = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %d", &parent) != 1)
		parent = 0;
	fclose(f);
	return parent;
}

/* Parents first: none may say goodbye when its child goes. */
static void signal_tree(pid_t pid, int signal)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;

	kill(pid, signal);
	while (proc && (e = readdir(proc))) {
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    parent_of(e->d_name) == pid)
			signal_tree(atoi(e->d_name), signal);
	}
	if (proc)
		closedir(proc);
}

void sshd_freeze(struct sshd *d)
{
	signal_tree(d->pid, SIGSTOP);
}

void sshd_thaw(struct sshd *d)
{
	signal_tree(d->pid, SIGCONT);
}

static void kill_tree(pid_t pid)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;

	while (proc && (e = readdir(proc))) {
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    parent_of(e->d_name) == pid)
			kill_tree(atoi(e->d_name));
	}
	if (proc)
		closedir(proc);
	kill(pid, SIGKILL);
}

void sshd_kill(struct sshd *d)
{
	if (d->pid <= 0)
		return;
	sshd_freeze(d);
	kill_tree(d->pid);
	assert_int_equal(waitpid(d->pid, NULL, 0), d->pid);
	d->pid = 0;
}

/* --- starting it --------------------------------------------------------- */

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static bool listens(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return ok;
}

static void write_files(struct sshd *d, const char *extra)
{
	static const char *const ed25519[] = { "-t", "ed25519", "-N", "",
					       "-C", "test",	NULL };
	AUTO_FREE char *known = NULL, *conf = NULL, *client = NULL;
	AUTO_FREE char *key = NULL;

	sshd_keygen(d, "hostkey", ed25519);
	sshd_keygen(d, "id", ed25519);
	sshd_write(d, "authorized_keys", "");
	sshd_authorize(d, "id");
	key = sshd_read(d, "hostkey.pub");
	known = xasprintf("[127.0.0.1]:%d %s", d->port, key);
	sshd_write(d, "known_hosts", known);
	/*
	 * Of two settings sshd takes the first. What the user's shell does at
	 * a login is no business of a test.
	 */
	conf = xasprintf("%sListenAddress 127.0.0.1\nPort %d\n"
			 "HostKey %s/hostkey\n"
			 "PidFile none\nAuthorizedKeysFile %s/authorized_keys\n"
			 "StrictModes no\nUsePAM no\nPermitRootLogin yes\n"
			 "LogLevel VERBOSE\nSetEnv HOME=%s\n"
			 "MaxStartups 100\n",
			 extra, d->port, d->dir, d->dir, d->dir);
	sshd_write(d, "sshd_config", conf);
	client = xasprintf("IdentityAgent none\nIdentityFile %s/id\n"
			   "UserKnownHostsFile %s/known_hosts\n"
			   "GlobalKnownHostsFile /dev/null\n",
			   d->dir, d->dir);
	sshd_write(d, "config", client);
}

/*
 * From OpenSSH 9.8 on sshd turns clients away for a while whose logins failed,
 * as those of tests do; before, it does not know the option.
 */
static const char *lenient(const char *conf)
{
	static const char option[] = "PerSourcePenalties=no";
	AUTO_FREE char *try = xasprintf("%s -t -f %s -o %s >/dev/null 2>&1",
					SSHD, conf, option);

	return system(try) ? "LogLevel=VERBOSE" : option;
}

static void launch(struct sshd *d)
{
	static const char in_namespace[] =
		"for f in shadow passwd group sudoers; do [ ! -e \"$0/$f\" ] ||"
		" mount --bind \"$0/$f\" \"/etc/$f\" || exit; done; "
		"exec \"$@\"";
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *conf = sshd_path(d, "sshd_config");
	AUTO_FREE char *log = sshd_path(d, "log");
	int status;

	if (d->own_shadow || d->own_passwd || d->own_sudoers) {
		const char *const words[] = {
			"/usr/bin/unshare", "-m",  "sh", "-c",
			in_namespace,	    d->dir
		};

		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			strv_push(&argv, words[i]);
	}
	strv_push(&argv, SSHD);
	strv_push(&argv, "-D");
	strv_push(&argv, "-f");
	strv_push(&argv, conf);
	strv_push(&argv, "-o");
	strv_push(&argv, lenient(conf));
	strv_push(&argv, "-E");
	strv_push(&argv, log);
	d->pid = spawn((char *const *)strv_argv(&argv));
	while (!listens(d->port)) {
		assert_int_equal(waitpid(d->pid, &status, WNOHANG), 0);
		sched_yield();
	}
}

static struct sshd *prepare(const char *extra)
{
	struct sshd *d;

	if (access(SSHD, X_OK) < 0 || access("/usr/bin/ssh-keygen", X_OK) < 0)
		skip();
	if (geteuid() == 0)
		(void)mkdir("/run/sshd", 0755);
	d = XNEW(struct sshd);
	strcpy(d->dir, "/tmp/vmferry-sshd-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	d->config = sshd_path(d, "config");
	d->port = free_port();
	snprintf(d->target, sizeof(d->target), "127.0.0.1:%d", d->port);
	write_files(d, extra ? extra : "");
	return d;
}

struct sshd *sshd_start(const char *extra)
{
	struct sshd *d = prepare(extra);

	launch(d);
	return d;
}

static void put_shadow(const struct sshd *d, const char *user,
		       const char *password)
{
	/* crypt(3) by openssl: libcrypt has no header everywhere */
	AUTO_FREE char *command =
		xasprintf("printf '%s:%%s:19000:0:99999:7:::\\n' "
			  "\"$(openssl passwd -6 '%s')\" >>%s/shadow",
			  user, password, d->dir);

	assert_int_equal(system(command), 0);
}

struct sshd *sshd_start_with_password(const char *password, const char *extra)
{
	struct sshd *d = prepare(extra);
	AUTO_FREE char *command = NULL;

	d->own_shadow = true;
	/* crypt(3) by openssl: libcrypt has no header everywhere */
	command = xasprintf("printf 'root:%%s:19000:0:99999:7:::\\n' "
			    "\"$(openssl passwd -6 '%s')\" >%s/shadow",
			    password, d->dir);
	assert_int_equal(system(command), 0);
	launch(d);
	return d;
}

struct sshd *sshd_start_with_shell(const char *shell, const char *extra)
{
	AUTO_FREE char *line = NULL;
	AUTO_FREE char *path = NULL;
	struct sshd *d;

	if (access(shell, X_OK) < 0 || geteuid() != 0)
		skip();
	d = prepare(extra);
	d->own_passwd = true;
	line = xasprintf("root:x:0:0:root:/root:%s\n"
			 "sshd:x:74:74::/run/sshd:/usr/sbin/nologin\n"
			 "nobody:x:65534:65534::/:/usr/sbin/nologin\n",
			 shell);
	sshd_write(d, "passwd", line);
	path = sshd_path(d, "passwd");
	assert_int_equal(chmod(path, 0644), 0);
	launch(d);
	return d;
}

/* Readable to all, as those files are. */
static void put_account_file(const struct sshd *d, const char *name,
			     const char *text, mode_t mode)
{
	AUTO_FREE char *path = sshd_path(d, name);

	sshd_write(d, name, text);
	assert_int_equal(chmod(path, mode), 0);
}

struct sshd *sshd_start_with_sudo(const char *sudoers, const char *extra)
{
	AUTO_FREE char *users = NULL;
	AUTO_FREE char *keys = NULL;
	struct sshd *d;

	if (access("/usr/bin/sudo", X_OK) < 0 || geteuid() != 0)
		skip();
	d = prepare(extra);
	d->own_sudoers = true;
	users = xasprintf("root:x:0:0:root:/root:/bin/sh\n"
			  "sshd:x:74:74::/run/sshd:/usr/sbin/nologin\n"
			  "nobody:x:65534:65534::/:/usr/sbin/nologin\n"
			  "%s:x:%d:%d::%s:/bin/sh\n",
			  SSHD_PORTER, SSHD_PORTER_UID, SSHD_PORTER_UID,
			  d->dir);
	put_account_file(d, "passwd", users, 0644);
	put_account_file(d, "group", "root:x:0:\nporter:x:64997:\n", 0644);
	put_account_file(d, "sudoers", sudoers, 0440);
	put_shadow(d, SSHD_PORTER, SSHD_PORTER_PASSWORD);
	keys = sshd_path(d, "authorized_keys");
	assert_int_equal(chmod(keys, 0644), 0);
	assert_int_equal(chmod(d->dir, 0711), 0);
	snprintf(d->target, sizeof(d->target), "%s@127.0.0.1:%d", SSHD_PORTER,
		 d->port);
	launch(d);
	return d;
}

void sshd_restart(struct sshd *d, const char *extra)
{
	sshd_kill(d);
	put_file(d, "sshd_config", extra, "a");
	launch(d);
}

static void remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	(void)rmdir(path);
}

void sshd_stop(struct sshd *d)
{
	if (!d)
		return;
	sshd_kill(d);
	remove_dir(d->dir);
	free(d->config);
	free(d);
}

struct host_options sshd_options(const struct sshd *d)
{
	return (struct host_options){
		.backend = HOST_SSH_LIBSSH2,
		.ssh_config = d->config,
	};
}

/* --- echo ---------------------------------------------------------------- */

enum { ECHO_CLIENTS = 16, ECHO_BYTES = 64 * 1024 };

struct echo {
	int listen_fd;
	pthread_t thread;
	int fds[ECHO_CLIENTS];
	pthread_t threads[ECHO_CLIENTS];
	int n;
};

static void *echo_client(void *arg)
{
	int fd = *(int *)arg;
	char *data = xmalloc(ECHO_BYTES);
	ssize_t n, done, m;

	while ((n = read(fd, data, ECHO_BYTES)) > 0) {
		for (done = 0; done < n; done += m) {
			m = send(fd, data + done, (size_t)(n - done),
				 MSG_NOSIGNAL);
			if (m <= 0)
				break;
		}
	}
	(void)shutdown(fd, SHUT_RDWR);
	free(data);
	return NULL;
}

static void *echo_main(void *arg)
{
	struct echo *e = arg;
	int fd;

	while (e->n < ECHO_CLIENTS &&
	       (fd = accept4(e->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		e->fds[e->n] = fd;
		pthread_create(&e->threads[e->n], NULL, echo_client,
			       &e->fds[e->n]);
		e->n++;
	}
	return NULL;
}

struct echo *echo_start(const struct sshd *d, const char *name)
{
	struct echo *e = XNEW(struct echo);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", d->dir, name);
	e->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(e->listen_fd, (struct sockaddr *)&a, sizeof(a)),
			 0);
	assert_int_equal(listen(e->listen_fd, ECHO_CLIENTS), 0);
	assert_int_equal(pthread_create(&e->thread, NULL, echo_main, e), 0);
	return e;
}

void echo_stop(struct echo *e)
{
	(void)shutdown(e->listen_fd, SHUT_RDWR);
	pthread_join(e->thread, NULL);
	for (int i = 0; i < e->n; i++) {
		(void)shutdown(e->fds[i], SHUT_RDWR);
		pthread_join(e->threads[i], NULL);
		close(e->fds[i]);
	}
	close(e->listen_fd);
	free(e);
}

int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}
