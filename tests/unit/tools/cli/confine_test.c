/* SPDX-License-Identifier: MIT */
/*
 * Tests of tools/cli/confine.c. What it does cannot be taken back, so each
 * claim is tried in a child of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tools/cli/confine.h"
#include "transport/base/xalloc.h"

/* A new place for each claim, entered: what is in "in" may be changed. */
static char place[] = "/tmp/vmferry-confine-XXXXXX";

static int landlock_version(void)
{
	return (int)syscall(444, NULL, 0, 1);
}

/* --- claims, each in a child --------------------------------------------- */

/* For the body of a claim: it ends at the first thing that is not so. */
#define MUST(what)                                                    \
	do {                                                          \
		if (!(what)) {                                        \
			fprintf(stderr, "line %d: not so: %s (%s)\n", \
				__LINE__, #what, strerror(errno));    \
			return 1;                                     \
		}                                                     \
	} while (0)

#define REFUSED(call, why) MUST((call) < 0 && errno == (why))

static int confine(struct confine_rules r)
{
	const char *const dirs[] = { "in", NULL };
	enum confine_level level;
	AUTO_ERR struct err err = { 0 };

	r.write_dirs = dirs;
	if (confine_self(&r, &level, &err) == 0)
		return (int)level;
	fprintf(stderr, "%s\n", err.message);
	return -1;
}

static const struct confine_rules plain = { .allow_exec = true };

static int put_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	close_fd(fd);
	return fd < 0 ? -1 : 0;
}

/* Tries @claim in a child, from within the place; needs Landlock @version. */
static void try_claim(int (*claim)(void), int version)
{
	int status;
	pid_t child;

	if (landlock_version() < version)
		skip();
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(claim());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(place + sizeof(place) - 7, "XXXXXX");
	if (!mkdtemp(place) || chdir(place) < 0)
		return -1;
	return mkdir("in", 0700) | mkdir("in/sub", 0700) | mkdir("out", 0700) |
	       put_file("in/file") | put_file("out/file");
}

static int tear_down(void **state)
{
	AUTO_FREE char *rm = xasprintf("rm -rf %s", place);

	(void)state;
	return chdir("/") < 0 ? -1 : system(rm);
}

TEST_FIXTURE(set_up, tear_down);

/* --- files --------------------------------------------------------------- */

static int claim_outside(void)
{
	MUST(confine(plain) == CONFINE_LANDLOCK);
	REFUSED(open("out/file", O_WRONLY), EACCES);
	REFUSED(open("out/file", O_RDWR), EACCES);
	REFUSED(open("out/new", O_WRONLY | O_CREAT, 0600), EACCES);
	REFUSED(mkdir("out/dir", 0700), EACCES);
	REFUSED(unlink("out/file"), EACCES);
	REFUSED(rename("out/file", "out/other"), EACCES);
	REFUSED(symlink("x", "out/link"), EACCES);
	REFUSED(rename("out/file", "in/stolen"), EACCES);
	REFUSED(rename("in/file", "out/dropped"), EACCES);
	REFUSED(rmdir("in"), EACCES);
	return 0;
}

TEST(nothing_outside_is_changed)
{
	try_claim(claim_outside, 1);
}

static int claim_inside(void)
{
	int fd;

	MUST(confine(plain) == CONFINE_LANDLOCK);
	fd = open("in/new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	MUST(rename("in/new", "in/other") == 0);
	MUST(truncate("in/other", 0) == 0);
	MUST(unlink("in/other") == 0);
	MUST(mkdir("in/dir", 0700) == 0 && rmdir("in/dir") == 0);
	MUST(symlink("x", "in/link") == 0);
	MUST(mkfifo("in/fifo", 0600) == 0);
	return 0;
}

TEST(inside_everything_works)
{
	try_claim(claim_inside, 1);
}

static int claim_moves(void)
{
	MUST(confine(plain) == CONFINE_LANDLOCK);
	MUST(rename("in/file", "in/sub/file") == 0);
	return 0;
}

TEST(files_move_between_directories_inside)
{
	try_claim(claim_moves, 2);
}

static int claim_truncate(void)
{
	MUST(confine(plain) == CONFINE_LANDLOCK);
	REFUSED(truncate("out/file", 0), EACCES);
	return 0;
}

TEST(nothing_outside_is_truncated)
{
	try_claim(claim_truncate, 3);
}

static int claim_reading(void)
{
	MUST(confine(plain) == CONFINE_LANDLOCK);
	MUST(open("out/file", O_RDONLY) >= 0);
	MUST(open("/etc/passwd", O_RDONLY) >= 0);
	MUST(open("/", O_RDONLY | O_DIRECTORY) >= 0);
	return 0;
}

TEST(everything_is_read)
{
	try_claim(claim_reading, 1);
}

static int claim_link(void)
{
	MUST(symlink("../out/file", "in/link") == 0);
	MUST(confine(plain) == CONFINE_LANDLOCK);
	REFUSED(open("in/link", O_WRONLY), EACCES);
	return 0;
}

TEST(a_link_inside_does_not_lead_outside)
{
	try_claim(claim_link, 1);
}

static int claim_device_files(void)
{
	MUST(confine(plain) == CONFINE_LANDLOCK);
	MUST(open("/dev/null", O_WRONLY | O_TRUNC) >= 0);
	REFUSED(open("/dev/zero", O_WRONLY), EACCES);
	if (geteuid() == 0)
		REFUSED(mknod("in/node", S_IFCHR | 0600, 0x103), EACCES);
	return 0;
}

TEST(of_devices_only_null_is_written)
{
	try_claim(claim_device_files, 1);
}

static int claim_open_files(void)
{
	int fd = open("out/file", O_WRONLY);

	MUST(confine(plain) == CONFINE_LANDLOCK);
	MUST(write(fd, "x", 1) == 1);
	MUST(ftruncate(fd, 0) == 0);
	return 0;
}

TEST(open_descriptors_go_on_working)
{
	try_claim(claim_open_files, 1);
}

static int claim_missing(void)
{
	const char *const dirs[] = { "none", "in/file/none", "out", NULL };
	const struct confine_rules r = { .write_dirs = dirs };
	enum confine_level level;

	MUST(confine_self(&r, &level, NULL) == 0);
	MUST(level == CONFINE_LANDLOCK);
	MUST(open("out/file", O_WRONLY) >= 0);
	return 0;
}

TEST(directories_that_do_not_exist_are_skipped)
{
	try_claim(claim_missing, 1);
}

static int claim_one_file(void)
{
	const char *const files[] = { "out/file", NULL };
	const struct confine_rules r = { .write_dirs = files };

	MUST(confine_self(&r, NULL, NULL) == 0);
	MUST(open("out/file", O_WRONLY) >= 0);
	REFUSED(unlink("out/file"), EACCES);
	REFUSED(open("in/file", O_WRONLY), EACCES);
	return 0;
}

TEST(a_single_file_may_be_written_to)
{
	try_claim(claim_one_file, 1);
}

/* --- devices ------------------------------------------------------------- */

static int claim_ioctl(void)
{
	int fd = open("/dev/zero", O_RDONLY);
	struct termios t;

	REFUSED(ioctl(fd, TCGETS, &t), ENOTTY);
	MUST(confine(plain) == CONFINE_LANDLOCK);
	fd = open("/dev/zero", O_RDONLY);
	REFUSED(ioctl(fd, TCGETS, &t), EACCES);
	return 0;
}

TEST(devices_take_no_orders)
{
	try_claim(claim_ioctl, 5);
}

/* /dev/pts/N by its name, /dev/tty as the controlling terminal. */
static int claim_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct termios t;
	const char *name;
	int fd;

	MUST(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	name = ptsname(master);
	MUST(setsid() > 0 && (fd = open(name, O_RDWR)) >= 0);
	MUST(confine(plain) == CONFINE_LANDLOCK);
	MUST((fd = open(name, O_RDWR | O_NOCTTY)) >= 0);
	MUST(ioctl(fd, TCGETS, &t) == 0);
	MUST((fd = open("/dev/tty", O_RDWR)) >= 0);
	MUST(ioctl(fd, TCGETS, &t) == 0 && ioctl(fd, TCSETS, &t) == 0);
	MUST(write(fd, "x", 1) == 1);
	return 0;
}

TEST(terminals_do)
{
	try_claim(claim_terminal, 1);
}

/* --- sockets ------------------------------------------------------------- */

/* Listens at @path; a leading '@' is an abstract name. */
static struct sockaddr_un unix_address(const char *path, socklen_t *len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			   strlen(path));
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	return a;
}

static int unix_listen(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len;
	struct sockaddr_un a = unix_address(path, &len);

	if (bind(fd, (struct sockaddr *)&a, len) < 0)
		return -1;
	return listen(fd, 8);
}

static int unix_connect(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len;
	struct sockaddr_un a = unix_address(path, &len);

	return connect(fd, (struct sockaddr *)&a, len);
}

static int claim_unix(void)
{
	MUST(unix_listen("out/socket") == 0);
	MUST(confine(plain) == CONFINE_LANDLOCK);
	MUST(unix_connect("out/socket") == 0);
	MUST(unix_listen("in/socket") == 0);
	REFUSED(unix_listen("out/other"), EACCES);
	return 0;
}

TEST(sockets_with_a_path_are_connected_to)
{
	try_claim(claim_unix, 1);
}

static int claim_abstract(void)
{
	AUTO_FREE char *before = xasprintf("@%s.before", place);
	AUTO_FREE char *after = xasprintf("@%s.after", place);

	MUST(unix_listen(before) == 0);
	MUST(confine(plain) == CONFINE_LANDLOCK);
	REFUSED(unix_connect(before), EPERM);
	MUST(unix_listen(after) == 0 && unix_connect(after) == 0);
	return 0;
}

TEST(abstract_sockets_from_outside_are_not)
{
	try_claim(claim_abstract, 6);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int tcp_bind(int fd)
{
	struct sockaddr_in a = loopback(0);

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

/* The port of a new listener, or 0. */
static uint16_t tcp_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	if (tcp_bind(fd) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	return ntohs(a.sin_port);
}

static int tcp_connect(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = loopback(port);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static int claim_tcp(void)
{
	uint16_t port = tcp_listen();

	MUST(port && confine(plain) == CONFINE_LANDLOCK);
	REFUSED(tcp_bind(socket(AF_INET, SOCK_STREAM, 0)), EACCES);
	MUST(tcp_connect(port) == 0);
	return 0;
}

TEST(tcp_is_not_bound_and_connects_anywhere)
{
	try_claim(claim_tcp, 4);
}

static int claim_ports(void)
{
	const uint16_t ports[] = { tcp_listen(), tcp_listen() };
	const struct confine_rules r = { .connect_ports = ports, .n_ports = 1 };

	MUST(ports[0] && ports[1] && confine(r) == CONFINE_LANDLOCK);
	MUST(tcp_connect(ports[0]) == 0);
	REFUSED(tcp_connect(ports[1]), EACCES);
	return 0;
}

TEST(given_ports_are_the_only_ones_connected_to)
{
	try_claim(claim_ports, 4);
}

/* --- processes ----------------------------------------------------------- */

static bool has_no_new_privs(void)
{
	char line[128];
	bool found = false;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strcmp(line, "NoNewPrivs:\t1\n");
	if (f)
		fclose(f);
	return found;
}

static int claim_privileges(void)
{
	MUST(!has_no_new_privs());
	MUST(confine(plain) >= 0);
	MUST(has_no_new_privs());
	return 0;
}

TEST(there_are_no_new_privileges)
{
	try_claim(claim_privileges, -1);
}

static void *open_outside(void *arg)
{
	int *errnum = arg;

	*errnum = open("out/file", O_WRONLY) < 0 ? errno : 0;
	return NULL;
}

static int claim_thread(void)
{
	pthread_t thread;
	int errnum = 0;

	MUST(confine(plain) == CONFINE_LANDLOCK);
	MUST(pthread_create(&thread, NULL, open_outside, &errnum) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(errnum == EACCES);
	return 0;
}

TEST(a_thread_made_afterwards_is_confined)
{
	try_claim(claim_thread, 1);
}

static int run(const char *script)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(errno == EACCES ? 77 : 78);
	}
	return waitpid(child, &status, 0) == child ? status : -1;
}

static int claim_program(void)
{
	MUST(confine(plain) == CONFINE_LANDLOCK);
	MUST(run("true >in/new && exec 2>/dev/null && ! true >out/new") == 0);
	MUST(access("in/new", F_OK) == 0 && access("out/new", F_OK) < 0);
	return 0;
}

TEST(a_program_run_afterwards_is_confined)
{
	try_claim(claim_program, 1);
}

static int claim_no_program(void)
{
	MUST(confine((struct confine_rules){ .allow_exec = false }) ==
	     CONFINE_LANDLOCK);
	MUST(WEXITSTATUS(run("true")) == 77);
	return 0;
}

TEST(without_exec_no_program_is_run)
{
	try_claim(claim_no_program, 1);
}

static int open_of_parent(const char *name)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/%s", (int)getppid(), name);

	return open(path, O_RDONLY);
}

static int claim_others(void)
{
	MUST(open_of_parent("root") >= 0);
	MUST(confine(plain) == CONFINE_LANDLOCK);
	REFUSED(open_of_parent("root"), EACCES);
	REFUSED(open_of_parent("exe"), EACCES);
	MUST(open_of_parent("stat") >= 0);
	MUST(open_of_parent("cmdline") >= 0);
	MUST(kill(getppid(), 0) == 0);
	return 0;
}

TEST(of_other_processes_the_state_is_seen_and_no_more)
{
	try_claim(claim_others, 1);
}

/* --- kernels without it -------------------------------------------------- */

/* From here on the kernel has no system call 444. */
static int lose_landlock(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 444, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) |
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int claim_old_kernel(void)
{
	MUST(lose_landlock() == 0);
	MUST(confine(plain) == CONFINE_PRIVS);
	MUST(has_no_new_privs());
	MUST(open("out/file", O_WRONLY) >= 0);
	return 0;
}

TEST(without_landlock_only_privileges_are_given_up)
{
	try_claim(claim_old_kernel, -1);
}
