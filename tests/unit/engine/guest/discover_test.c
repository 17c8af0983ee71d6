/* SPDX-License-Identifier: MIT */
/*
 * Tests of engine/guest/discover.c and its scripts, with processes of our own
 * that look like QEMU: a copy of this program, which then only waits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/guest/discover.h"
#include "engine/guest/discover_script.h"
#include "engine/hosts/proc_stat.h"
#include "engine/hosts/probe.h"
#include "engine/hosts/proc_ask.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

#define PAUSE "VMFERRY_TEST_PAUSE"

void test_begin(void)
{
	while (getenv(PAUSE))
		pause();
}

static char dir[] = "/tmp/vmferry-test.XXXXXX";

/* --- processes that look like QEMU --------------------------------------- */

static void copy_self(const char *to)
{
	AUTO_FREE char *command =
		xasprintf("cp /proc/%d/exe %s", (int)getpid(), to);

	assert_int_equal(system(command), 0);
}

static char *program(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);

	if (access(path, X_OK))
		copy_self(path);
	return path;
}

struct look {
	const char *name; /* of the program, in our directory */
	const char *path; /* of another program, instead */
	const char *argv; /* for argv_case_split() */
	const char *env;  /* one variable, or NULL */
	int namespace;	  /* to be left with unshare(), or 0 */
	uid_t uid;	  /* to run as; root can */
};

static void become(const struct look *l, const char *path)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	char *env[] = { (char *)PAUSE "=1", (char *)"SECRET=hunter2",
			(char *)l->env, NULL };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	argv_case_split(l->argv, &argv);
	if (chdir(dir) || (l->namespace && unshare(l->namespace)) ||
	    (l->uid && setresuid(l->uid, l->uid, l->uid)))
		_exit(1);
	/* setresuid() forgets it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execve(path, strv_argv(&argv), env);
	_exit(1);
}

/* Returns when it looks as it should: the pipe closes with execve(). */
static pid_t imitate(const struct look *l)
{
	AUTO_FREE char *path = l->path ? xstrdup(l->path) : program(l->name);
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		become(l, path);
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	return pid;
}

static pid_t imitate_guest(const char *argv)
{
	return imitate(
		&(struct look){ .name = "qemu-system-x86_64", .argv = argv });
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* --- running in a task --------------------------------------------------- */

/* What a job leaves for the test, which looks when its processes are gone. */
static struct guests list;
static struct guest one;
static struct err error;
static const char *word;
static struct identity wanted;
static struct identity_space here; /* this machine's, once it was asked */
static int verdict;
static struct host_result output;

static void job_list(void *arg)
{
	struct host *host = host_local_new();

	(void)arg;
	verdict = discover_guests(host, &list, IN_TASK_SOON, &error);
	host_close(host);
}

static void job_find(void *arg)
{
	struct host *host = host_local_new();

	(void)arg;
	verdict = discover_guest(host, word, &one, IN_TASK_SOON, &error);
	host_close(host);
}

static void job_alive(void *arg)
{
	struct host *host = host_local_new();

	(void)arg;
	verdict = discover_alive(host, &wanted, IN_TASK_SOON, &error);
	host_close(host);
}

static void job_here(void *arg)
{
	struct host_facts facts = { .hostname = NULL };

	(void)arg;
	verdict = probe_here(&facts, IN_TASK_SOON, &error);
	here = facts.space;
	host_facts_free(&facts);
}

static void job_script(void *arg)
{
	struct host *host = host_local_new();
	AUTO_FREE char *script = xasprintf("%s%s", proc_ask_sh, discover_sh);
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct host_command cmd = { .argv = argv, .deadline = IN_TASK_SOON };

	(void)arg;
	verdict = host_run(host, &cmd, &output, &error);
	host_close(host);
}

static void forget(void)
{
	guests_free(&list);
	guest_free(&one);
	err_reset(&error);
	host_result_free(&output);
}

static void find(const char *text)
{
	forget();
	word = text;
	in_task(job_find, NULL);
}

static const struct guest *listed(pid_t pid)
{
	forget();
	in_task(job_list, NULL);
	assert_int_equal(verdict, 0);
	for (size_t i = 0; i < list.n; i++) {
		if (list.v[i].pid == pid)
			return &list.v[i];
	}
	return NULL;
}

/* --- finding ------------------------------------------------------------- */

TEST(a_guest_is_found_with_its_facts)
{
	pid_t pid = imitate_guest("q -name vmferry-t1 -m 256 -qmp "
				  "unix:qmp.sock,server=on -append 'a\nb' ''");
	const struct guest *g = listed(pid);
	AUTO_FREE char *exe = xasprintf("%s/qemu-system-x86_64", dir);
	AUTO_FREE char *qmp = xasprintf("%s/qmp.sock", dir);

	end(pid);
	assert_non_null(g);
	assert_string_equal(g->name, "vmferry-t1");
	assert_string_equal(g->exe, exe);
	assert_string_equal(g->cwd, dir);
	assert_int_equal(g->uid, geteuid());
	assert_int_equal(g->gid, getegid());
	assert_int_equal(g->argv.n, 10);
	assert_string_equal(g->argv.v[9], "");
	assert_string_equal(g->argv.v[8], "a\nb");
	assert_string_equal(guest_qmp(g)->path, qmp);
	assert_true(g->limits.n > 10);
	assert_true(g->start_ticks > 0);
	forget();
}

TEST(users_and_groups_have_names)
{
	const struct guest *g;
	pid_t pid;

	if (geteuid())
		skip();
	pid = imitate_guest("q -name vmferry-t2");
	g = listed(pid);
	end(pid);
	assert_non_null(g);
	assert_string_equal(g->user, "root");
	assert_string_equal(g->group, "root");
	forget();
}

/*
 * The directories of a program whose line of ls(1) goes on, behind a line feed,
 * as that of process @pid.
 */
static char *forging(pid_t pid)
{
	AUTO_FREE char *parts = xasprintf(
		"lrwxrwxrwx 1 0 0 0 Jan 1 00:00 /proc/%d/exe -> ", (int)pid);
	AUTO_FREE char *command =
		xasprintf("cd %s && mkdir -p 'x\n%s'", dir, parts);

	assert_int_equal(system(command), 0);
	return xasprintf("%s/x\n%s/qemu-system-x86_64", dir, parts);
}

TEST(a_line_feed_in_a_programs_name_makes_no_second_guest)
{
	pid_t pid = imitate_guest("q -name vmferry-t10");
	AUTO_FREE char *path = forging(pid);
	AUTO_FREE char *quoted = xasprintf("'%s'", path);
	pid_t other;

	copy_self(quoted);
	other = imitate(&(struct look){ .path = path, .argv = "other" });
	find("vmferry-t10");
	end(other);
	end(pid);
	assert_int_equal(verdict, 0);
	assert_int_equal(one.pid, pid);
	forget();
}

TEST(other_programs_are_no_guests)
{
	pid_t pid = imitate(
		&(struct look){ .name = "other", .argv = "qemu-system-i386" });
	const struct guest *g = listed(pid);

	end(pid);
	assert_null(g);
	forget();
}

TEST(a_program_replaced_by_an_upgrade_is_still_a_guest)
{
	pid_t pid = imitate(
		&(struct look){ .name = "qemu-system-old", .argv = "q" });
	AUTO_FREE char *path = program("qemu-system-old");
	const struct guest *g;

	assert_int_equal(unlink(path), 0);
	g = listed(pid);
	end(pid);
	assert_non_null(g);
	assert_true(g->exe_replaced);
	assert_string_equal(g->exe, path);
	forget();
}

TEST(guests_of_other_namespaces_do_not_count)
{
	static const int namespaces[] = { CLONE_NEWNET, CLONE_NEWNS };

	if (geteuid())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		pid_t pid =
			imitate(&(struct look){ .name = "qemu-system-x86_64",
						.argv = "q",
						.namespace = namespaces[i] });
		const struct guest *g = listed(pid);

		assert_int_equal(kill(pid, 0), 0);
		end(pid);
		assert_null(g);
	}
	forget();
}

TEST(the_mapping_comes_through_the_environment)
{
	pid_t pid = imitate(
		&(struct look){ .name = "qemu-system-x86_64",
				.argv = "q -name vmferry-t3",
				.env = "VMFERRY_RUN_DIR=/run/a\n\001b" });
	const struct guest *g = listed(pid);

	end(pid);
	assert_non_null(g);
	assert_string_equal(g->run_dir, "/run/a\n\nb");
	forget();
}

/* "SECRET" in hex. */
TEST(nothing_else_of_the_environment_is_read)
{
	pid_t pid = imitate_guest("q -name vmferry-t4");
	bool leaked, pause;

	forget();
	in_task(job_script, NULL);
	end(pid);
	assert_int_equal(verdict, 0);
	leaked = strstr(buf_data(&output.out), "53 45 43 52 45 54");
	pause = strstr(buf_data(&output.out), "56 4d 46 45 52 52 59 5f");
	assert_false(leaked);
	assert_true(pause);
	assert_int_equal(buf_len(&output.err), 0);
	forget();
}

TEST(busybox_can_run_it_too)
{
	static const char *const applets[] = { "sh",	   "ls",  "od",
					       "tr",	   "cat", "xargs",
					       "readlink", "id",  "timeout",
					       "head",	   "sed" };
	AUTO_FREE char *old_path = NULL;
	AUTO_FREE char *bin = NULL;
	const struct guest *g;
	pid_t pid;

	if (access("/bin/busybox", X_OK))
		skip();
	old_path = xstrdup(getenv("PATH"));
	bin = xasprintf("%s/bin", dir);
	pid = imitate_guest("q -name vmferry-t5");
	assert_int_equal(mkdir(bin, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(applets); i++) {
		AUTO_FREE char *to = xasprintf("%s/%s", bin, applets[i]);

		assert_int_equal(symlink("/bin/busybox", to), 0);
	}
	setenv("PATH", bin, 1);
	g = listed(pid);
	setenv("PATH", old_path, 1);
	end(pid);
	assert_non_null(g);
	assert_string_equal(g->name, "vmferry-t5");
	assert_string_equal(g->cwd, dir);
	forget();
}

/* --- the word ------------------------------------------------------------ */

TEST(a_guest_goes_by_name_pid_or_socket)
{
	pid_t pid = imitate_guest("q -name vmferry-t6 -qmp unix:q6,server");
	AUTO_FREE char *by_pid = xasprintf("pid:%d", (int)pid);
	AUTO_FREE char *by_qmp = xasprintf("qmp:%s/q6", dir);
	const char *const words[] = { "vmferry-t6", by_pid, by_qmp };
	int found[ARRAY_SIZE(words)];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		find(words[i]);
		found[i] = verdict ? 0 : one.pid;
	}
	end(pid);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(found[i], pid);
	forget();
}

TEST(a_socket_may_go_by_another_path)
{
	pid_t pid = imitate_guest("q -name vmferry-t7 -qmp unix:q7,server");
	AUTO_FREE char *link = xasprintf("%s/link", dir);
	AUTO_FREE char *socket = xasprintf("%s/q7", dir);
	AUTO_FREE char *by_qmp = xasprintf("qmp:%s/q7", link);
	int fd = open(socket, O_CREAT | O_WRONLY, 0600);

	close(fd);
	assert_int_equal(symlink(dir, link), 0);
	find(by_qmp);
	end(pid);
	assert_int_equal(verdict, 0);
	assert_int_equal(one.pid, pid);
	forget();
}

TEST(an_unknown_guest_gets_a_list_of_those_there_are)
{
	static const char *const words[] = { "vmferry-nobody", "pid:999999",
					     "qmp:/nowhere/qmp" };
	pid_t pid = imitate_guest("q -name vmferry-t8");
	bool refused = true;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		find(words[i]);
		refused = refused && verdict && error.kind == ERR_NO_GUEST &&
			  strstr(error.message, words[i]) && error.hint &&
			  strstr(error.hint, "vmferry-t8");
	}
	end(pid);
	assert_true(refused);
	forget();
}

TEST(a_name_that_two_guests_have_is_ambiguous)
{
	pid_t first = imitate_guest("q -name vmferry-t9");
	pid_t second = imitate_guest("q -name vmferry-t9 -S");
	AUTO_FREE char *a = xasprintf("%d", (int)first);
	AUTO_FREE char *b = xasprintf("%d", (int)second);

	find("vmferry-t9");
	end(first);
	end(second);
	assert_int_equal(verdict, -1);
	assert_int_equal(error.kind, ERR_AMBIGUOUS);
	assert_non_null(strstr(error.message, a));
	assert_non_null(strstr(error.message, b));
	forget();
}

/* --- of several users ----------------------------------------------------- */

static pid_t imitate_users(const char *argv, uid_t uid)
{
	assert_int_equal(chmod(dir, 0711), 0);
	return imitate(&(struct look){
		.name = "qemu-system-x86_64", .argv = argv, .uid = uid });
}

TEST(the_asking_users_own_guest_is_meant)
{
	pid_t own, another;
	int by_name;

	if (geteuid())
		skip();
	own = imitate_guest("q -name vmferry-t20");
	another = imitate_users("q -name vmferry-t20", 4242);
	find("vmferry-t20");
	by_name = verdict ? 0 : one.pid;
	find("4242/vmferry-t20");
	end(own);
	end(another);
	assert_int_equal(by_name, own);
	assert_int_equal(verdict, 0);
	assert_int_equal(one.pid, another);
	forget();
}

TEST(guests_of_two_other_users_are_ambiguous)
{
	pid_t first, second;
	AUTO_FREE char *message = NULL, *hint = NULL;
	enum err_kind kind;

	if (geteuid())
		skip();
	first = imitate_users("q -name vmferry-t21", 4242);
	second = imitate_users("q -name vmferry-t21", 4243);
	find("vmferry-t21");
	kind = error.kind;
	message = xstrdup(error.message ? error.message : "");
	hint = xstrdup(error.hint ? error.hint : "");
	find("4243/vmferry-t21");
	end(first);
	end(second);
	assert_int_equal(kind, ERR_AMBIGUOUS);
	assert_non_null(strstr(message, "(4242)"));
	assert_non_null(strstr(message, "(4243)"));
	assert_non_null(strstr(hint, "USER/NAME"));
	assert_int_equal(verdict, 0);
	assert_int_equal(one.pid, second);
	forget();
}

TEST(another_users_guest_is_found_when_there_is_no_own)
{
	pid_t pid;

	if (geteuid())
		skip();
	pid = imitate_users("q -name vmferry-t22", 4242);
	find("vmferry-t22");
	end(pid);
	assert_int_equal(verdict, 0);
	assert_int_equal(one.pid, pid);
	find("root/vmferry-t22");
	assert_int_equal(error.kind, ERR_NO_GUEST);
	forget();
}

TEST(a_word_of_another_form_is_a_usage_error)
{
	static const char long_name[] =
		"name-of-more-than-sixty-four-characters-which-is-more-than-"
		"enough";
	static const char *const words[] = {
		"",	"a b",	   "a/b/c",	     "/b",	"a/",
		"pid:", "pid:-1",  "pid:0",	     "pid:1x",	"qmp:",
		"a;b",	"qmp:rel", "pid:9999999999", long_name,
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		find(words[i]);
		assert_int_equal(verdict, -1);
		assert_int_equal(error.kind, ERR_USAGE);
	}
	forget();
}

/* --- alive --------------------------------------------------------------- */

static int alive(pid_t pid, uint64_t ticks)
{
	forget();
	wanted.space = here;
	wanted.pid = pid;
	wanted.start_ticks = ticks;
	in_task(job_alive, NULL);
	return verdict;
}

static const char *token_file;

/* What a look on this machine says of a process of @space that is not there. */
static int alive_of(const struct identity_space *space)
{
	forget();
	wanted = (struct identity){
		.space = *space,
		.pid = 999999999,
		.start_ticks = 1,
		.token_file = token_file,
	};
	in_task(job_alive, NULL);
	return verdict;
}

static uint64_t ticks_of(pid_t pid)
{
	const struct guest *g = listed(pid);

	return g ? g->start_ticks : 0;
}

TEST(a_running_process_is_alive)
{
	pid_t pid = imitate_guest("q");
	int is = alive(pid, ticks_of(pid));

	end(pid);
	assert_int_equal(is, 1);
}

TEST(another_process_of_that_pid_does_not_count)
{
	pid_t pid = imitate_guest("q");
	int is = alive(pid, ticks_of(pid) + 1);

	end(pid);
	assert_int_equal(is, 0);
}

TEST(a_zombie_is_gone)
{
	pid_t pid = imitate_guest("q");
	uint64_t ticks = ticks_of(pid);
	siginfo_t info;
	int is;

	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	is = alive(pid, ticks);
	waitpid(pid, NULL, 0);
	assert_int_equal(is, 0);
}

TEST(a_process_that_was_reaped_is_gone)
{
	pid_t pid = imitate_guest("q");
	uint64_t ticks = ticks_of(pid);

	end(pid);
	assert_int_equal(alive(pid, ticks), 0);
	forget();
}

/* The run has left a token in a file, of which none is there. */
TEST(on_a_host_that_lacks_the_token_nothing_is_gone)
{
	struct identity_space space = here;

	strcpy(space.token, "0123456789abcdef0123456789abcdef");
	token_file = "/nonexistent/token";
	assert_int_equal(alive_of(&space), -1);
	expect_err_kind(&error, ERR_FAILED, "lacks the token of the run");
	space.token_may_go = true;
	assert_int_equal(alive_of(&space), 0);
	token_file = NULL;
}

/* An id that no machine has in place of one of this machine's. */
static void assert_elsewhere(size_t offset)
{
	struct identity_space space = here;

	strcpy((char *)&space + offset, "00000000000000000000000000000000");
	assert_int_equal(alive_of(&space), -1);
	expect_err_kind(&error, ERR_REMOTE, "cannot tell whether process");
}

TEST(on_another_machine_nothing_is_gone)
{
	assert_elsewhere(offsetof(struct identity_space, machine));
}

TEST(in_another_pid_namespace_nothing_is_gone)
{
	struct identity_space space = here;

	space.pid_namespace++;
	assert_int_equal(alive_of(&space), -1);
	forget();
}

TEST(with_a_proc_of_another_namespace_nothing_is_gone)
{
	struct identity_space space = here;

	space.pid_namespace = 0;
	assert_int_equal(alive_of(&space), -1);
	forget();
}

/* A machine without an id of any kind cannot know itself again. */
TEST(after_a_reboot_all_processes_are_gone)
{
	struct identity_space space = here;

	strcpy(space.machine, identity_machine(&here));
	strcpy(space.boot, "00000000-0000-0000-0000-000000000000");
	assert_int_equal(alive_of(&space), *space.machine ? 0 : -1);
	forget();
}

TEST(a_later_boot_of_a_machine_whose_id_is_shared_proves_nothing)
{
	struct identity_space space = here;

	strcpy(space.boot, "00000000-0000-0000-0000-000000000000");
	space.id_is_shared = true;
	assert_int_equal(alive_of(&space), -1);
	forget();
}

TEST(a_later_boot_under_another_name_proves_nothing)
{
	struct identity_space space = here;

	strcpy(space.boot, "00000000-0000-0000-0000-000000000000");
	strcat(space.host, "-2");
	assert_int_equal(alive_of(&space), -1);
	forget();
}

/* --- main ---------------------------------------------------------------- */

static int make_dir(void **state)
{
	(void)state;
	in_task(job_here, NULL);
	return mkdtemp(dir) && verdict == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -rf %s", dir);

	(void)state;
	return system(command);
}

TEST_GROUP_FIXTURE(make_dir, remove_dir);
