/* SPDX-License-Identifier: MIT */
/* The scripts (.sh) that run on hosts, in each shell. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/hosts/as_user.h"
#include "engine/guest/discover_script.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/launch_script.h"
#include "engine/hosts/lingering.h"
#include "engine/hosts/memory_kinds.h"
#include "engine/hosts/probe.h"
#include "engine/hosts/proc_ask.h"
#include "engine/state/moved.h"
#include "tests/unit/in_shells.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char probe_host_sh[], probe_files_sh[], probe_qemu_sh[];
extern const char link_sink_sh[], cpu_trial_sh[];

TEST_FIXTURE(in_shells_setup, in_shells_teardown);

/* --- probe ---------------------------------------------------------------- */

TEST(a_host_is_probed)
{
	AUTO_FREE char *script =
		xasprintf("state=/s\n(\n%s) | sed "
			  "'/^memory=/d;/^room=/s/[0-9][0-9]*/N/g'\n",
			  probe_host_sh);
	AUTO_FREE char *out = NULL;

	in_shells(script, NULL);
	out = in_shells_get("out");
	assert_non_null(strstr(out, "run_root=/"));
	assert_non_null(strstr(out, "state_root=/s\n"));
	assert_non_null(strstr(out, "room=N N N N\n"));
}

/* --- identity ------------------------------------------------------------- */

TEST(a_host_is_identified)
{
	AUTO_FREE char *out = NULL;
	struct identity_space space;

	in_shells(identity_sh, NULL);
	out = in_shells_get("out");
	identity_space_read(out, &space);
	assert_int_not_equal(*space.host, '\0');
	assert_int_equal(strlen(space.boot), 36);
	assert_true(space.pid_namespace != 0);
}

TEST(a_token_is_read_from_its_file)
{
	AUTO_FREE char *path = in_shells_path("it's");
	AUTO_FREE char *script = identity_script(path);
	AUTO_FREE char *none = identity_script(NULL);
	struct identity_space space;

	in_shells(script, NULL);
	AUTO_FREE char *missing = in_shells_get("out");
	assert_non_null(strstr(missing, "\ntoken=\n"));
	identity_space_read(missing, &space);
	assert_string_equal(space.token, "");
	in_shells_put("it's", "0123456789abcdef0123456789abcdef\n", 0600);
	in_shells(script, NULL);
	AUTO_FREE char *found = in_shells_get("out");
	identity_space_read(found, &space);
	assert_string_equal(space.token, "0123456789abcdef0123456789abcdef");
	in_shells(none, NULL);
	AUTO_FREE char *unasked = in_shells_get("out");
	assert_null(strstr(unasked, "token="));
}

/* Its processes are not those that the shell could start. */
TEST(a_proc_of_another_pid_namespace_identifies_nothing)
{
	AUTO_FREE char *out = NULL;
	struct identity_space space;

	if (system("unshare --pid --fork true 2>/dev/null") != 0)
		skip();
	in_shells_put("identity", identity_sh, 0600);
	in_shells("unshare --pid --fork sh ./identity\n", NULL);
	out = in_shells_get("out");
	identity_space_read(out, &space);
	assert_int_equal(strlen(space.boot), 36);
	assert_true(space.pid_namespace == 0);
}

TEST(an_id_is_made_once)
{
	AUTO_FREE char *script =
		xasprintf("{\n%s} >/dev/null\nstate=%s/a/b\n%s", identity_sh,
			  in_shells_dir, identity_make_sh);
	AUTO_FREE char *made = NULL;
	struct identity_space space;

	/* the first shell makes what all others find */
	in_shells(script, NULL);
	made = in_shells_get("a/b/machine-id");
	assert_int_equal(strlen(made), 33);
	AUTO_FREE char *out = in_shells_get("out");
	identity_space_read(out, &space);
	made[32] = '\0';
	assert_string_equal(space.own, made);
}

TEST(files_are_probed)
{
	AUTO_FREE char *path = in_shells_path("it's one");
	AUTO_BUF struct buf script = { 0 };
	AUTO_FREE char *expected = NULL;
	struct stat st;
	struct statfs fs;

	in_shells_put("it's one", "12345", 0600);
	assert_int_equal(stat(path, &st), 0);
	as_user_assign(&script, NULL);
	buf_printf(&script, "%s%sf ", as_user_sh, probe_files_sh);
	quote_word(&script, path);
	buf_printf(&script, "\nf %s/none\n", in_shells_dir);
	assert_int_equal(statfs(path, &fs), 0);
	expected = xasprintf("%llu 5 rw %llx regular file\n-\n",
			     (unsigned long long)st.st_ino,
			     (unsigned long long)fs.f_type);
	in_shells(buf_data(&script), expected);
}

TEST(a_qemu_is_probed)
{
	AUTO_FREE char *path = in_shells_path("it's a qemu");
	AUTO_BUF struct buf script = { 0 };
	AUTO_FREE char *expected = xasprintf("path=%s\nversion=9.1.2\n"
					     "machine=1\n",
					     path);

	in_shells_put(
		"it's a qemu",
		"#!/bin/sh\n[ \"$1\" = -version ] || { echo 'none x'; "
		"echo 'pc-q35-9.1 Standard PC'; exit; }\n"
		"echo 'QEMU emulator version 9.1.2 (x)'; echo Copyright\n",
		0700);
	quote_assign(&script, "binary", path);
	quote_assign(&script, "base", "none");
	quote_assign(&script, "machine", "pc-q35-9.1");
	as_user_assign(&script, NULL);
	buf_printf(&script, "%s%s", as_user_sh, probe_qemu_sh);
	in_shells(buf_data(&script), expected);
}

TEST(a_qemu_that_is_not_there_prints_nothing)
{
	AUTO_FREE char *script = xasprintf("binary=/no/such\nbase=no-such\n"
					   "machine=pc\n%s",
					   probe_qemu_sh);

	in_shells(script, "");
}

/* Its words are kept; what it reads is what QEMU would be asked. */
TEST(a_qemu_is_tried)
{
	AUTO_FREE char *path = in_shells_path("it's a qemu");
	AUTO_BUF struct buf script = { 0 };

	in_shells_put("it's a qemu",
		      "#!/bin/sh\nfor w; do echo \"<$w>\"; done\n"
		      "while read -r line; do echo \"$line\"; done\n"
		      "echo 'a warning' >&2\n",
		      0700);
	as_user_assign(&script, NULL);
	buf_printf(&script, "set -- ");
	quote_word(&script, path);
	buf_printf(&script, " -cpu 'a b' '*'\n%s%s", as_user_sh, cpu_trial_sh);
	in_shells(buf_data(&script),
		  "<-cpu>\n<a b>\n<*>\n<-qmp>\n<stdio>\n"
		  "{\"execute\":\"qmp_capabilities\"}\n"
		  "{\"execute\":\"query-cpus-fast\",\"id\":\"cpus\"}\n"
		  "{\"execute\":\"qom-get\",\"id\":\"type\",\"arguments\":"
		  "{\"path\":\"/machine/unattached/device[0]\","
		  "\"property\":\"type\"}}\n"
		  "{\"execute\":\"qom-get\",\"id\":\"vendor\",\"arguments\":"
		  "{\"path\":\"/machine/unattached/device[0]\","
		  "\"property\":\"vendor\"}}\n"
		  "{\"execute\":\"qom-get\",\"id\":\"feature-words\","
		  "\"arguments\":{\"path\":\"/machine/unattached/device[0]\""
		  ",\"property\":\"feature-words\"}}\n"
		  "{\"execute\":\"quit\"}\na warning\n");
}

TEST(a_qemu_that_goes_on_and_on_is_cut)
{
	AUTO_FREE char *path = in_shells_path("talks");
	AUTO_BUF struct buf script = { 0 };

	in_shells_put("talks", "#!/bin/sh\nexec yes\n", 0700);
	as_user_assign(&script, NULL);
	buf_printf(&script, "set -- ");
	quote_word(&script, path);
	buf_printf(&script, "\n{ %s%s\n} | wc -c", as_user_sh, cpu_trial_sh);
	in_shells(buf_data(&script), "262144\n");
}

TEST(huge_pages_are_read_with_what_a_login_may_lock)
{
	AUTO_BUF struct buf script = { 0 };

	quote_assign(&script, "root", in_shells_dir);
	buf_printf(&script,
		   "h=$root/sys/kernel/mm/hugepages/hugepages-2048kB\n"
		   "mkdir -p $h ${h%%2048kB}1048576kB\n"
		   "echo 5 >$h/free_hugepages; echo 2 >$h/resv_hugepages\n"
		   "echo 9 >$h/nr_overcommit_hugepages\n"
		   "echo 1 >$h/surplus_hugepages\n"
		   "ulimit -l 64\n%s",
		   memory_kinds_sh);
	in_shells(buf_data(&script), "pages=2048 5 2 9 1\nmemlock=64\n");
}

/* --- discovery ------------------------------------------------------------ */

/* A process that looks like a guest: "sleep 1000" under a QEMU's name. */
static pid_t start_guest(void)
{
	AUTO_FREE char *path = in_shells_path("qemu-system-it's");
	AUTO_FREE char *copy = xasprintf("cp /bin/sleep \"%s\"", path);
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(system(copy), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		char *const env[] = { (char *)"VMFERRY_X=a\nb",
				      (char *)"PWD=/x y", (char *)"SECRET=1",
				      NULL };

		execle(path, "q", "1000", NULL, env);
		_exit(127);
	}
	close(ready[1]);
	/* closed by exec */
	assert_int_equal(read(ready[0], &c, 1), 0);
	close(ready[0]);
	return pid;
}

TEST(a_guest_is_found)
{
	pid_t pid = start_guest();
	AUTO_FREE char *script =
		xasprintf("(\n%s%s) | sed -n '/^process %d$/,/^end$/p' | "
			  "grep -v '^stat '\n",
			  proc_ask_sh, discover_sh, (int)pid);
	AUTO_FREE char *out = NULL;

	in_shells(script, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	out = in_shells_get("out");
	assert_non_null(strstr(out, "\nexe "));
	assert_non_null(strstr(out, "\nenv "));
	assert_non_null(strstr(out, "\nstatus Uid:"));
	assert_null(strstr(out, "53 45 43 52 45 54"));
	assert_non_null(strstr(out, "\nend\n"));
}

/* A made-up /proc, below a long path, whose processes all are a QEMU. */
static void put_process(const char *proc, int pid, int uid)
{
	AUTO_FREE char *script = xasprintf(
		"mkdir -p \"%s/%d/ns\" && cd \"%s/%d\" || exit 1\n"
		"for n in mnt net pid; do ln -s /dev/null ns/$n; done\n"
		"ln -s /bin/qemu-system-x86_64 exe; ln -s / cwd\n"
		"echo q >cmdline; echo A=1 >environ; : >limits; : >cgroup\n"
		"printf 'PPid:\\t0\\nUid:\\t%d\\t%d\\t%d\\t%d\\n' >status\n"
		"echo '%d (q) S 0' >stat\n",
		proc, pid, proc, pid, uid, uid, uid, uid, pid);

	assert_int_equal(system(script), 0);
}

static char *make_proc(void)
{
	char padding[201] = "";
	AUTO_FREE char *top = NULL;
	char *proc;
	AUTO_FREE char *script = NULL;

	memset(padding, 'p', 200);
	top = in_shells_path(padding);
	proc = xasprintf("%s/proc", top);
	script = xasprintf("mkdir -p \"%s\" && cd \"%s\" &&\n"
			   "ln -s 9 self && ln -s /proc/uptime uptime\n",
			   proc, proc);
	assert_int_equal(system(script), 0);
	return proc;
}

/* discover_sh about @proc, run by @how, with what a user's may take. */
static void discover_in(const char *proc, const char *how, int time,
			const char *expected)
{
	AUTO_FREE char *script = xasprintf(
		"sed 's|/proc|%s|g; s/^most_time=.*/most_time=%d/' it |\n"
		"%s | grep -E '^(process|end|left-out)'\n",
		proc, time, how);
	AUTO_FREE char *text = xasprintf("%s%s", proc_ask_sh, discover_sh);

	in_shells_put("it", text, 0600);
	in_shells(script, expected);
}

/*
 * As one whose user holds its mmap_lock, by a FUSE: the open blocks. The reader
 * of mksh and ksh has our output open, too; as sh of a host they would wait.
 */
TEST(a_process_that_does_not_answer_hides_those_of_its_user_only)
{
	AUTO_FREE char *proc = make_proc();
	AUTO_FREE char *hang = xasprintf("%s/7/cmdline", proc);

	put_process(proc, 7, 107);
	put_process(proc, 8, 107);
	put_process(proc, 9, 108);
	assert_int_equal(unlink(hang), 0);
	assert_int_equal(mkfifo(hang, 0600), 0);
	discover_in(proc, "dash", 100,
		    "left-out 107\nleft-out 107\nprocess 9\nend\n");
	/* the reader ends */
	close(open(hang, O_RDWR | O_CLOEXEC));
}

/* Of 9 the environment cannot be read, as of a program with more rights. */
TEST(processes_of_a_run_directory_are_those_of_its_users)
{
	AUTO_FREE char *proc = make_proc();
	AUTO_FREE char *text = xasprintf("%s%s", proc_ask_sh, run_dir_pids_sh);
	AUTO_FREE char *script = xasprintf(
		"cd %s; for p in 6 7 8; do printf 'A=1\\000NONE=/d\\000' "
		">$p/environ; done; echo NONE=/e >10/environ\n"
		"rm -f 9/environ; printf 'q\\000unix:/d/qmp' >9/cmdline\n"
		"cd - >/dev/null; eval \"$(sed 's|/proc|%s|g' it)\"\n"
		"variable=NONE\nrun_dir_pids /d 107 108; run_dir_pids /e 107\n"
		"run_dir_pids /d 99 || echo none; uid_of 12; uid_of root\n",
		proc, proc);

	in_shells_put("it", text, 0600);
	put_process(proc, 6, 0);
	put_process(proc, 7, 107);
	put_process(proc, 8, 1070);
	put_process(proc, 9, 108);
	put_process(proc, 10, 107);
	in_shells(script, "7\n9\n10\nnone\n12\n0\n");
}

TEST(more_processes_than_a_command_line_holds_hide_none)
{
	AUTO_FREE char *proc = make_proc();

	for (int pid = 1000; pid < 1700; pid++) {
		AUTO_FREE char *process = xasprintf("%s/%d", proc, pid);
		AUTO_FREE char *exe = xasprintf("%s/exe", process);

		assert_int_equal(mkdir(process, 0700), 0);
		assert_int_equal(symlink("/bin/other", exe), 0);
	}
	put_process(proc, 9, 108);
	/* no more than 128 KiB of arguments */
	discover_in(proc, "(ulimit -s 512; sh)", 6000, "process 9\nend\n");
}

TEST(a_process_that_is_gone_is_proved_gone)
{
	AUTO_FREE char *gone =
		xasprintf("set -- 999999999\n%s", discover_alive_sh);
	AUTO_FREE char *alive = xasprintf("set -- $PPID\n(\n%s) | "
					  "sed 's/ .*//;s/[0-9][0-9]*/N/'\n",
					  discover_alive_sh);

	in_shells(gone, "process=\ngone\n");
	in_shells(alive, "process=\nN\n");
}

TEST(paths_are_resolved)
{
	AUTO_FREE char *link = in_shells_path("a link");
	AUTO_FREE char *script = xasprintf("set -- 'a link' /none/x\n(\n%s) "
					   "2>/dev/null\n",
					   discover_real_sh);
	AUTO_FREE char *expected = xasprintf("%s/there\n\n", in_shells_dir);

	in_shells_put("there", "", 0600);
	assert_int_equal(symlink("there", link), 0);
	in_shells(script, expected);
}

/* --- the probe of a link -------------------------------------------------- */

TEST(all_that_is_sent_is_taken)
{
	in_shells_how("head -c 70000000 /dev/zero | sh script && echo all",
		      link_sink_sh, "all\n");
}

/* --- what else would start or move a guest -------------------------------- */

extern const char ancestors_sh[], arriving_sh[], unit_hold_sh[];

TEST(ancestors_are_printed_up_to_the_first_process)
{
	AUTO_FREE char *script =
		xasprintf("%ssh -c 'sleep 1000 & echo $! >p; wait' &\nmine=$!\n"
			  "until [ -s p ]; do sleep 0.02; done; read -r c <p\n"
			  "ancestors $c >all; kill -9 $c; head -n 1 all |\n"
			  "sed \"s/ $mine\\$/ UP/\"\n"
			  "grep -c '^end$' all >/dev/null && echo whole\n"
			  "sed -n 's/^above .*/above/p' all\nrm -f p all\n",
			  ancestors_sh);

	in_shells(script, "process UP\nwhole\nabove\n");
}

TEST(marks_of_a_guest_are_forgotten)
{
	AUTO_FREE char *script = xasprintf(
		"%smkdir -p m\n"
		"printf 'guest=a b\\nuuid=\\n' >m/run-1\n"
		"printf 'guest=a b\\nuuid=u\\n' >m/run-2\n"
		"printf 'guest=a\\nuuid=\\n' >m/run-3\n"
		"printf 'guest=a b\\nuuid=\\nuid=9\\n' >m/run-4\n"
		"printf 'guest=a b\\nkey=k\\nuuid=\\n' >m/run-5\n"
		"forget m 'a b' '' $$ l && ls m; forget m x u $$ l && ls m\n"
		"forget m x '' $$ k && ls m\n"
		"forget none x '' $$ l && echo none; rm -r m\n",
		moved_forget_sh);

	in_shells(script, "run-2\nrun-3\nrun-4\nrun-5\n"
			  "run-3\nrun-4\nrun-5\nrun-3\nrun-4\nnone\n");
}

TEST(marks_in_a_home_are_forgotten)
{
	AUTO_FREE char *script = xasprintf(
		"%s%shome=$PWD/h d=.local/state/vmferry\n"
		"getent() { echo \"u:x:$(id -u):9:a b:$PWD/h:/bin/sh\"; }\n"
		"for p in moved away; do\n"
		"	mkdir -p h/$d/$p\n"
		"	printf 'guest=a\\nkey=a\\nuuid=\\n' >h/$d/$p/run-1\n"
		"	printf 'guest=b\\nkey=b\\nuuid=\\n' >h/$d/$p/run-2\n"
		"done\n"
		"forget_own a '' $$ a && ls h/$d/moved h/$d/away | grep run\n"
		"getent() { echo; }; forget_own b '' $$ b && echo none\n"
		"rm -r h\n",
		moved_forget_sh, moved_forget_own_sh);

	in_shells(script, "run-2\nrun-2\nnone\n");
}

TEST(an_arrival_is_found_by_its_process)
{
	AUTO_FREE char *script = xasprintf(
		"%smkdir -p r/in-a r/in-b; key= other=\n"
		"echo 7 8 >r/in-a/pid; echo run=run-1 >r/in-a/marker\n"
		"arriving r 7 8; arriving r 7 9; arriving none 7 8\n"
		"key=b other=r; arriving none 7 8; arriving r 7 9; rm -r r\n",
		arriving_sh);

	in_shells(script, "run=run-1\ndirectory=r/in-a\ndirectory=r/in-b\n");
}

TEST(logind_is_asked_about_ordinary_users)
{
	AUTO_FREE char *script = xasprintf(
		"id() { case $1 in -u) echo $uid ;; *) echo vm ;; esac; }\n"
		"cat() { echo 0::/user.slice/user-7.slice/session-3.scope; }\n"
		"loginctl() {\n"
		"	case \"$*\" in\n"
		"	'show-user 7 -p Linger') echo Linger=no ;;\n"
		"	'show-session -p KillUserProcesses '*)\n"
		"		echo KillUserProcesses=yes ;;\n"
		"	esac\n"
		"}\n"
		"uid=7; (\n%s)\nuid=0; (\n%s)\n",
		lingering_sh, lingering_sh);

	in_shells(script, "in_session=1\nuser=vm\nLinger=no\n"
			  "KillUserProcesses=yes\n");
}

TEST(it_is_asked_about_a_users_manager)
{
	AUTO_FREE char *script =
		xasprintf("loginctl() { echo \"$*\"; }\nof=\"it's\"\n(\n%s)\n"
			  "loginctl() { echo none >&2; return 1; }\n(\n%s)\n",
			  lingering_manager_sh, lingering_manager_sh);

	in_shells(script, "show-user it's -p Linger\n");
}

TEST(a_unit_of_a_user_is_held_and_released)
{
	AUTO_FREE char *script = xasprintf(
		"XDG_RUNTIME_DIR=$PWD unit=a.service file=z.conf manager=user\n"
		"d=systemd/user/a.service.d\n"
		"systemctl() {\n"
		"	case $* in\n"
		"	*ActiveState*) echo ActiveState=failed ;;\n"
		"	*show*) [ ! -e $d/z.conf ] && echo Restart=always ||\n"
		"		echo Restart=no ;;\n"
		"	*) echo \"$*\" ;;\n"
		"	esac\n"
		"}\n%s"
		"hold && cat $d/z.conf; release_when_over; ls systemd/user\n"
		"release; hold; release; ls systemd/user; rm -r systemd\n",
		unit_hold_sh);

	in_shells(script, "--user daemon-reload\n[Service]\nRestart=no\n"
			  "--user daemon-reload\n--user daemon-reload\n"
			  "--user daemon-reload\n");
}
