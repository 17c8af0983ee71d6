/* SPDX-License-Identifier: MIT */
/* endpoint_sandbox: what cannot be done any more. */
#include "transport/endpoint/endpoint_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/control.h"

enum { REFUSED = 42, CONFINED = 43 };

/* The wait(2) status of a process that runs @fn and exits by its result. */
static int status_of(int (*fn)(const void *arg), const void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* --- attempts ------------------------------------------------------------- */

static long try_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long try_create(void)
{
	return open("/tmp/vmferry-sandbox-test", O_WRONLY | O_CREAT, 0600);
}

static long try_unlink(void)
{
	return unlink("/tmp/vmferry-sandbox-test-none");
}

static long try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_socket_pair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static long try_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/x" };

	return connect(0, (struct sockaddr *)&a, sizeof(a));
}

static long try_sendto(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/x" };

	return sendto(0, "x", 1, 0, (struct sockaddr *)&a, sizeof(a));
}

static long try_exec(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };

	return execve("/bin/true", argv, NULL);
}

static long try_fork(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long try_kill_parent(void)
{
	return kill(getppid(), 0);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_setuid(void)
{
	return setuid(0);
}

static long try_executable_memory(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long try_make_executable(void)
{
	static char page[8192] __attribute__((aligned(4096)));

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long try_socket_option(void)
{
	const int on = 1;

	return setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

static long try_dup(void)
{
	return fcntl(0, F_DUPFD, 10);
}

static long try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_prctl(void)
{
	return prctl(PR_SET_DUMPABLE, 1);
}

static const struct attempt {
	const char *name;
	long (*run)(void);
} attempts[] = {
	{ "open", try_open },
	{ "create", try_create },
	{ "unlink", try_unlink },
	{ "socket", try_socket },
	{ "socketpair", try_socket_pair },
	{ "connect", try_connect },
	{ "sendto with an address", try_sendto },
	{ "execve", try_exec },
	{ "fork", try_fork },
	{ "kill", try_kill_parent },
	{ "ptrace", try_ptrace },
	{ "setuid", try_setuid },
	{ "mmap of code", try_executable_memory },
	{ "mprotect to code", try_make_executable },
	{ "setsockopt", try_socket_option },
	{ "dup", try_dup },
	{ "io_uring", try_io_uring },
	{ "prctl", try_prctl },
};

/* --- system calls --------------------------------------------------------- */

static int enter_and_try(const void *arg)
{
	const struct attempt *a = arg;

	if (endpoint_sandbox_enter(NULL) < 0)
		return CONFINED;
	return a->run() < 0 ? REFUSED : 0;
}

TEST(each_call_that_is_not_needed_kills)
{
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int status = status_of(enter_and_try, &attempts[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %#x", attempts[i].name,
				 (unsigned int)status);
	}
}

/* --- each layer by itself ------------------------------------------------- */

static int landlock_and_try(const void *arg)
{
	const struct attempt *a = arg;
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return CONFINED;
	rc = endpoint_sandbox_landlock(NULL);
	if (rc <= 0)
		return rc < 0 ? CONFINED : REFUSED;
	return a->run() < 0 && errno == EACCES ? REFUSED : 0;
}

TEST(landlock_alone_keeps_it_from_files)
{
	static const char *const names[] = { "open", "create", "execve" };

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			if (attempts[i].name != names[j] &&
			    strcmp(attempts[i].name, names[j]) != 0)
				continue;
			assert_int_equal(WEXITSTATUS(status_of(landlock_and_try,
							       &attempts[i])),
					 REFUSED);
		}
	}
}

static int limits_and_fork(const void *arg)
{
	(void)arg;
	/* root's processes do not count */
	if (endpoint_sandbox_user(NULL) < 0 ||
	    endpoint_sandbox_limits(NULL) != 1)
		return CONFINED;
	return try_fork() < 0 && errno == EAGAIN ? REFUSED : 0;
}

TEST(limits_alone_keep_it_from_processes)
{
	assert_int_equal(WEXITSTATUS(status_of(limits_and_fork, NULL)),
			 REFUSED);
}

static int be_another_user(const void *arg)
{
	uid_t r, e, s;

	(void)arg;
	if (endpoint_sandbox_user(NULL) != 1)
		return CONFINED;
	if (getresuid(&r, &e, &s) < 0 || !r || r != e || r != s ||
	    getgid() == 0 || getgroups(0, NULL) != 0)
		return 0;
	return setuid(0) < 0 && kill(getppid(), 0) < 0 ? REFUSED : 0;
}

TEST(root_becomes_a_user_of_its_own_for_good)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(WEXITSTATUS(status_of(be_another_user, NULL)),
			 REFUSED);
}

/* --- who may signal it ---------------------------------------------------- */

static int wait_confined(const void *arg)
{
	const int *fd = arg;
	char byte = 'x';

	if (endpoint_sandbox_enter(NULL) < 0)
		return CONFINED;
	(void)!write(fd[1], &byte, 1);
	(void)!read(fd[1], &byte, 1);
	return 0;
}

static int signal_as_nobody(const void *arg)
{
	const pid_t *pid = arg;

	if (setresuid(65534, 65534, 65534) < 0)
		return CONFINED;
	return kill(*pid, SIGKILL) < 0 && errno == EPERM ? REFUSED : 0;
}

TEST(a_process_of_nobody_cannot_signal_it)
{
	int pair[2], status;
	char byte;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (pid == 0)
		_exit(wait_confined(pair));
	assert_int_equal(read(pair[0], &byte, 1), 1);
	assert_int_equal(WEXITSTATUS(status_of(signal_as_nobody, &pid)),
			 REFUSED);
	assert_int_equal(write(pair[0], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(pair[0]);
	close(pair[1]);
}

/* --- what goes on working ------------------------------------------------- */

static int work(const void *arg)
{
	const int *fd = arg;
	const int on = 1;
	char byte = 'x';
	char *memory;

	if (endpoint_sandbox_enter(NULL) < 0)
		return CONFINED;
	memory = malloc(1 << 20);
	if (!memory || send(fd[1], &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recv(fd[1], &byte, 1, 0) != 1)
		return 0;
	free(memory);
	(void)setsockopt(fd[1], IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	return fcntl(fd[1], F_GETFL) < 0 ? 0 : REFUSED;
}

TEST(bytes_and_memory_go_on_working)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[0], "y", 1), 1);
	assert_int_equal(WEXITSTATUS(status_of(work, pair)), REFUSED);
	close(pair[0]);
	close(pair[1]);
}

static int look_at_fds(const void *arg)
{
	(void)arg;
	if (dup2(0, 6) < 0 || dup2(0, 200) < 0 || dup2(0, 5) < 0 ||
	    endpoint_sandbox_close_fds(NULL) < 0)
		return CONFINED;
	return fcntl(5, F_GETFD) >= 0 && fcntl(6, F_GETFD) < 0 &&
			       fcntl(200, F_GETFD) < 0
		       ? REFUSED
		       : 0;
}

TEST(descriptors_that_it_is_not_meant_to_have_are_closed)
{
	assert_int_equal(WEXITSTATUS(status_of(look_at_fds, NULL)), REFUSED);
}

static int enter(const void *arg)
{
	(void)arg;
	return endpoint_sandbox_enter(NULL);
}

TEST(it_says_what_holds)
{
	int confined = WEXITSTATUS(status_of(enter, NULL));

	assert_true(confined & CONTROL_SECCOMP);
	assert_int_equal(!!(confined & CONTROL_OWN_UID), geteuid() == 0);
}
