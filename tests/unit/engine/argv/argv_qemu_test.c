/* SPDX-License-Identifier: MIT */
/*
 * Tests of what argv_rebuild() makes with a real QEMU: it starts, waits for
 * the migration, answers on our monitor, and has the same devices.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static const char program[] = "qemu-system-x86_64";
static char dir[] = "/tmp/vmferry-test.XXXXXX";
static char run_dir[sizeof(dir) + 4];

/* --- a QEMU -------------------------------------------------------------- */

struct qemu {
	pid_t pid;
	int fd; /* its QMP monitor */
};

static bool installed(void)
{
	return system("command -v qemu-system-x86_64 >/dev/null 2>&1") == 0;
}

/* Its stdin is empty, its output goes to a file that a failure shows. */
static void run_child(char *const *argv, const char *cwd)
{
	int null = open("/dev/null", O_RDONLY);
	int out = open("/dev/null", O_WRONLY);
	int err = open("stderr.txt", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
	    chdir(cwd))
		_exit(127);
	execvp(argv[0], argv);
	_exit(127);
}

static void show_stderr(void)
{
	char text[1024] = "";
	FILE *f = fopen("stderr.txt", "re");

	if (f) {
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
	}
	fail_msg("QEMU ended at once: %s", text);
}

/* Connects as soon as it listens. */
static int dial(pid_t pid, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	while (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		assert_true(errno == ENOENT || errno == ECONNREFUSED);
		if (waitpid(pid, NULL, WNOHANG) == pid)
			show_stderr();
		usleep(5000);
	}
	return fd;
}

/* Sends @command; everything up to its return, to be freed. */
static char *ask(const struct qemu *q, const char *command)
{
	struct buf b = { .base = NULL };
	char chunk[4096];

	assert_int_equal(write(q->fd, command, strlen(command)),
			 (ssize_t)strlen(command));
	for (;;) {
		ssize_t n = read(q->fd, chunk, sizeof(chunk));

		assert_true(n > 0);
		buf_append(&b, chunk, (size_t)n);
		if (strstr(buf_data(&b), "\"return\"") &&
		    strchr(strstr(buf_data(&b), "\"return\""), '\n'))
			return buf_steal(&b);
		assert_null(strstr(buf_data(&b), "\"error\""));
	}
}

static void qemu_start(struct qemu *q, struct strv *argv, const char *monitor,
		       const char *cwd)
{
	AUTO_FREE char *answer = NULL;

	q->pid = fork();
	if (!q->pid)
		run_child(strv_argv(argv), cwd);
	q->fd = dial(q->pid, monitor);
	answer = ask(q, "{\"execute\":\"qmp_capabilities\"}");
}

static void qemu_end(struct qemu *q)
{
	close(q->fd);
	kill(q->pid, SIGKILL);
	(void)waitpid(q->pid, NULL, 0);
}

/* --- source and destination ---------------------------------------------- */

static void empty_dir(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
}

/* What a device calls its character device is nothing the guest sees. */
static char *device_tree(const struct qemu *q)
{
	static const char name[] = "chardev = ";
	char *text = ask(q, "{\"execute\":\"human-monitor-command\","
			    "\"arguments\":{\"command-line\":"
			    "\"info qtree\"}}");

	for (char *p = text; (p = strstr(p, name)); p += strlen(name)) {
		char *value = p + strlen(name);

		memmove(value, strstr(value, "\\r"),
			strlen(strstr(value, "\\r")) + 1);
	}
	return text;
}

static void destination(const struct strv *argv, char **tree)
{
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *status = NULL;
	struct argv_plan plan;
	struct qemu q;

	if (argv_rebuild(&(struct argv_input){ .argv = argv,
					       .cwd = dir,
					       .machine = "pc-i440fx-7.2",
					       .run_dir = run_dir,
					       .binary = program,
					       .same_host = true },
			 &plan, &err))
		fail_msg("%s", err.message);
	assert_false(argv_case_noted(&plan, ARGV_REFUSED, ""));
	qemu_start(&q, &plan.argv, plan.monitor0, dir);
	status = ask(&q, "{\"execute\":\"query-status\"}");
	assert_non_null(strstr(status, "inmigrate"));
	*tree = device_tree(&q);
	qemu_end(&q);
	argv_plan_free(&plan);
}

static void source(const struct strv *argv, char **tree)
{
	AUTO_STRV struct strv words = { .v = NULL };
	AUTO_FREE char *monitor = xasprintf("%s/probe", dir);
	struct qemu q;

	strv_push_all(&words, argv);
	strv_push(&words, "-machine");
	strv_push(&words, "pc-i440fx-7.2");
	strv_push(&words, "-S");
	strv_push(&words, "-chardev");
	strv_pushf(&words, "socket,id=probe,path=%s,server=on,wait=off",
		   monitor);
	strv_push(&words, "-mon");
	strv_push(&words, "chardev=probe,mode=control");
	qemu_start(&q, &words, monitor, dir);
	*tree = device_tree(&q);
	qemu_end(&q);
}

/* The source's tree, and the destination's, which must be the same. */
static void same_devices(const char *words)
{
	AUTO_FREE char *text =
		xasprintf("%s -accel tcg -m 131080K %s", program, words);
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *here = NULL;
	AUTO_FREE char *there = NULL;

	if (!installed())
		skip();
	argv_case_split(text, &argv);
	source(&argv, &here);
	destination(&argv, &there);
	assert_string_equal(here, there);
	empty_dir(run_dir);
	empty_dir(dir);
}

static void make_disk(const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT, 0600);

	assert_int_equal(ftruncate(fd, 1 << 20), 0);
}

/* --- tests --------------------------------------------------------------- */

TEST(a_guest_of_a_script_starts)
{
	make_disk("a,b.img");
	same_devices("-name g1 -nodefaults -display none "
		     "-serial unix:serial,server,nowait "
		     "-qmp unix:q,,1,server=on,wait=off -pidfile pid "
		     "-drive file=a,,b.img,if=virtio,format=raw "
		     "-netdev user,id=n0 -device virtio-net-pci,netdev=n0");
}

TEST(a_guest_on_a_terminal_keeps_its_ports)
{
	same_devices("-nographic -nic none");
}

TEST(a_muxed_terminal_keeps_its_port)
{
	same_devices("-display none -serial mon:stdio -parallel none");
}

TEST(a_muxed_character_device_keeps_its_port)
{
	same_devices("-vga none -display none -nic none "
		     "-chardev stdio,id=c0,mux=on,logfile=log,signal=off "
		     "-serial chardev:c0 -mon chardev=c0");
}

TEST(json_options_start)
{
	make_disk("d.raw");
	same_devices("-nodefaults -display none "
		     "-blockdev '{\"driver\":\"raw\",\"node-name\":\"n\","
		     "\"file\":{\"driver\":\"file\",\"filename\":\"d.raw\"}}' "
		     "-device '{\"driver\":\"virtio-blk-pci\",\"drive\":\"n\","
		     "\"addr\":\"0x7\"}' "
		     "-object '{\"qom-type\":\"iothread\",\"id\":\"io\"}'");
}

TEST(sockets_of_all_kinds_are_bound_anew)
{
	same_devices("-nodefaults -display vnc=unix:vnc "
		     "-netdev stream,id=n1,server=on,addr.type=unix,"
		     "addr.path=n1 -device e1000,netdev=n1 "
		     "-netdev dgram,id=n0,local.type=unix,local.path=a,"
		     "remote.type=unix,remote.path=b "
		     "-device ne2k_pci,netdev=n0 "
		     "-gdb unix:gdb,server=on,wait=off "
		     "-monitor unix:mon,server=on,wait=off");
}

TEST(files_that_the_source_writes_are_continued)
{
	same_devices("-nodefaults -display none -serial file:s.log "
		     "-parallel file:p.log -chardev file,id=f,path=f.log "
		     "-serial chardev:f -D qemu.log");
}

static int make_dirs(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(run_dir, sizeof(run_dir), "%s/run", dir);
	return mkdir(run_dir, 0700) || chdir(dir);
}

static int remove_dirs(void **state)
{
	(void)state;
	empty_dir(run_dir);
	(void)rmdir(run_dir);
	empty_dir(dir);
	return chdir("/") || rmdir(dir);
}

TEST_GROUP_FIXTURE(make_dirs, remove_dirs);
