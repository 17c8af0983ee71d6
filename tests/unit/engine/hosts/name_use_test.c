/* SPDX-License-Identifier: MIT */
/* name_use: whose name may be replaced on this machine. */
#include "engine/hosts/name_use.h"

#include <fcntl.h>
#include <stdio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

enum { NOBODY = 65534 };

struct place {
	char root[40], name[64], other[64];
	int fd;
};

static int setup(void **state)
{
	struct place *p = XNEW(struct place);

	snprintf(p->root, sizeof(p->root), "/tmp/name-use-XXXXXX");
	assert_non_null(mkdtemp(p->root));
	snprintf(p->name, sizeof(p->name), "%s/it's a [guest]", p->root);
	snprintf(p->other, sizeof(p->other), "%s/other", p->root);
	p->fd = -1;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	if (p->fd >= 0)
		close(p->fd);
	assert_int_equal(remove_tree(p->root), 0);
	free(p);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void bind_to(struct place *p, const char *path, bool listens)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	if (listens)
		assert_int_equal(listen(p->fd, 1), 0);
}

static void leave(struct place *p)
{
	close(p->fd);
	p->fd = -1;
}

/* Leaves it open in p->fd. */
static void write_file(struct place *p, const char *path, const char *text)
{
	p->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(p->fd, text, strlen(text)), strlen(text));
}

static struct name_answer ask(const struct place *p, enum name_kind kind,
			      pid_t self)
{
	struct host *h = host_local_new();
	struct name_asker asker = { .source = 1, .self = self };
	struct name_answer answer = { NAME_USES, -1 };
	AUTO_STRV struct strv names = { .v = NULL };
	AUTO_ERR struct err e = { 0 };

	strv_push(&names, p->name);
	if (name_use_ask(h, &asker, &names, &kind, &answer, IN_TASK_SOON, &e) <
	    0)
		fail_with_err(&e);
	host_close(h);
	return answer;
}

static void expect_use(const struct place *p, enum name_kind kind,
		       enum name_use use)
{
	assert_int_equal(ask(p, kind, 0).use, use);
}

static void expect_live(const struct place *p, enum name_kind kind)
{
	struct name_answer a = ask(p, kind, 0);

	assert_int_equal(a.use, NAME_LIVE);
	assert_int_equal(a.pid, getpid());
}

#define CASE(claim)                                \
	static void claim##_body(struct place *p); \
	static void claim##_task(void *arg)        \
	{                                          \
		claim##_body(arg);                 \
	}                                          \
	TEST(claim)                                \
	{                                          \
		in_task(claim##_task, *state);     \
	}                                          \
	static void claim##_body(struct place *p)

CASE(what_is_not_there_is_free)
{
	expect_use(p, NAME_OF_SOCKET, NAME_FREE);
	expect_use(p, NAME_OF_PIDFILE, NAME_FREE);
}

CASE(a_socket_without_a_listener_is_free_for_a_socket)
{
	bind_to(p, p->name, false);
	leave(p);
	expect_use(p, NAME_OF_SOCKET, NAME_FREE);
	expect_use(p, NAME_OF_PIDFILE, NAME_SOCKET);
}

CASE(one_that_somebody_listens_on_is_not)
{
	bind_to(p, p->name, true);
	expect_live(p, NAME_OF_SOCKET);
	expect_live(p, NAME_OF_PIDFILE);
}

/* As with a find(1) that lacks an option. */
static char *without_lname(const struct place *p)
{
	AUTO_FREE char *dir = xasprintf("%s/bin", p->root);
	AUTO_FREE char *path = xasprintf("%s/find", dir);
	AUTO_FREE char *with = xasprintf("%s:%s", dir, getenv("PATH"));
	char *before = xstrdup(getenv("PATH"));
	FILE *f;

	assert_int_equal(mkdir(dir, 0700), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n"
		   "case \" $* \" in *' -lname '*) exit 1 ;; esac\n"
		   "PATH=${PATH#*:}; exec find \"$@\"\n");
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
	setenv("PATH", with, 1);
	return before;
}

CASE(nor_where_find_has_fewer_options)
{
	AUTO_FREE char *path = without_lname(p);
	AUTO_FREE char *pid = xasprintf("%d\n", (int)getpid());

	bind_to(p, p->name, true);
	expect_live(p, NAME_OF_SOCKET);
	leave(p);
	assert_int_equal(unlink(p->name), 0);
	write_file(p, p->name, pid);
	expect_live(p, NAME_OF_SOCKET);
	setenv("PATH", path, 1);
}

CASE(nor_one_that_a_link_leads_to)
{
	bind_to(p, p->other, true);
	assert_int_equal(symlink("other", p->name), 0);
	expect_live(p, NAME_OF_SOCKET);
}

CASE(nor_one_that_was_bound_under_another_name)
{
	if (system("command -v ss >/dev/null") != 0)
		skip();
	bind_to(p, p->other, true);
	assert_int_equal(rename(p->other, p->name), 0);
	expect_live(p, NAME_OF_SOCKET);
}

CASE(a_listener_whose_file_is_gone_has_no_name)
{
	bind_to(p, p->name, true);
	assert_int_equal(unlink(p->name), 0);
	expect_use(p, NAME_OF_SOCKET, NAME_FREE);
}

CASE(the_process_itself_does_not_count)
{
	bind_to(p, p->name, true);
	assert_int_equal(ask(p, NAME_OF_SOCKET, getpid()).use, NAME_FREE);
}

/*
 * A process of another user's listens at p->name, in its own mount namespace
 * if @apart, where that is another file. Until p->fd is closed.
 */
static pid_t start_listener(struct place *p, bool apart)
{
	int ends[2], ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		if (apart &&
		    (unshare(CLONE_NEWNS) < 0 ||
		     mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		     mount("none", p->root, "tmpfs", 0, NULL) < 0))
			_exit(1);
		bind_to(p, p->name, true);
		if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(1);
		(void)!write(ready[1], "", 1);
		(void)!read(ends[0], &c, 1);
		_exit(0);
	}
	close(ends[0]);
	close(ready[1]);
	p->fd = ends[1];
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_listener(struct place *p, pid_t pid)
{
	leave(p);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool may_change_users(void)
{
	if (geteuid() == 0)
		return true;
	skip();
	return false;
}

/* As a program that has given its rights up since. */
CASE(a_listener_of_another_users_is_seen)
{
	struct name_answer a;
	pid_t pid;

	if (!may_change_users())
		return;
	pid = start_listener(p, false);
	a = ask(p, NAME_OF_SOCKET, 0);
	end_listener(p, pid);
	assert_int_equal(a.use, NAME_LIVE);
}

CASE(a_name_in_another_mount_namespace_is_another_file)
{
	struct name_answer a;
	pid_t pid;

	if (!may_change_users())
		return;
	bind_to(p, p->name, false);
	leave(p);
	pid = start_listener(p, true);
	a = ask(p, NAME_OF_SOCKET, 0);
	end_listener(p, pid);
	assert_int_equal(a.use, NAME_FREE);
}

CASE(a_file_is_not_replaced_by_a_socket)
{
	write_file(p, p->name, "12\n");
	leave(p);
	expect_use(p, NAME_OF_SOCKET, NAME_FILE);
}

CASE(a_pid_file_is_replaced_by_a_pid_file)
{
	write_file(p, p->name, "12\n");
	leave(p);
	expect_use(p, NAME_OF_PIDFILE, NAME_FREE);
}

CASE(one_that_is_open_is_not)
{
	write_file(p, p->name, "12\n");
	expect_live(p, NAME_OF_PIDFILE);
	assert_int_equal(ask(p, NAME_OF_PIDFILE, getpid()).use, NAME_FREE);
}

CASE(other_text_is_no_pid_file)
{
	write_file(p, p->name, "12 monkeys\n");
	leave(p);
	expect_use(p, NAME_OF_PIDFILE, NAME_FILE);
}

CASE(a_pipe_is_not_replaced)
{
	assert_int_equal(mkfifo(p->name, 0600), 0);
	expect_use(p, NAME_OF_PIDFILE, NAME_FILE);
	expect_use(p, NAME_OF_SOCKET, NAME_FILE);
}

CASE(a_directory_is_not_replaced)
{
	assert_int_equal(mkdir(p->name, 0700), 0);
	expect_use(p, NAME_OF_SOCKET, NAME_DIRECTORY);
	expect_use(p, NAME_OF_PIDFILE, NAME_DIRECTORY);
}

CASE(a_link_that_leads_nowhere_is_free)
{
	assert_int_equal(symlink("/nonexistent/s0.sock", p->name), 0);
	expect_use(p, NAME_OF_SOCKET, NAME_FREE);
	expect_use(p, NAME_OF_PIDFILE, NAME_FREE);
}

CASE(a_log_that_others_read_is_appended_to)
{
	expect_use(p, NAME_OF_LOG, NAME_FREE);
	write_file(p, p->name, "what a guest said\n");
	expect_use(p, NAME_OF_LOG, NAME_FREE);
}

CASE(a_log_cannot_be_written_to_a_socket)
{
	bind_to(p, p->name, false);
	leave(p);
	expect_use(p, NAME_OF_LOG, NAME_SOCKET);
}
