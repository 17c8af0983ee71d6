/* SPDX-License-Identifier: MIT */
/* The scripts that start a guest's QEMU and remove what it left. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "engine/hosts/as_user.h"
#include "engine/hosts/admit.h"
#include "engine/hosts/hand_over.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/launch_script.h"
#include "engine/hosts/login_session.h"
#include "engine/hosts/proc_ask.h"
#include "engine/run/departed_names.h"
#include "engine/state/moved.h"
#include "tests/unit/in_shells.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST_FIXTURE(in_shells_setup, in_shells_teardown);

/* --- admission ------------------------------------------------------------ */

static char *admit_script(const char *script)
{
	return xasprintf("root=%s lock=%s/in-me cgroups=\n%s%s%s",
			 in_shells_dir, in_shells_dir, identity_match_sh,
			 admit_sh, script);
}

TEST(arrivals_are_counted)
{
	AUTO_FREE char *script = admit_script(
		"mkdir -p in-a in-dead; echo 999999999 1 >in-dead/pid\n"
		"echo $PPID $(ticks_of $PPID) >in-a/pid\n"
		"echo 4096 a guest >in-a/ram; echo run-a >in-a/run\n"
		"locked && echo locked\n"
		"tally | sed 's/^available=.*/available/'\n"
		"tally >/dev/null; need=0\n"
		"limit=1; may_come || echo full\n"
		"limit=2; may_come && echo welcome\n"
		"need=$((available + 1)); may_come || echo scarce\n");

	in_shells(script, "locked\narrival=0 4 run-a a guest\navailable\n"
			  "full\nwelcome\nscarce\n");
}

TEST(a_limit_of_a_cgroup_counts)
{
	AUTO_FREE char *script = admit_script(
		"mkdir -p g\n"
		"echo 10240000 >g/memory.max; echo 5120000 >g/memory.current\n"
		"printf 'active_file 1024\\nanon 7\\n' >g/memory.stat\n"
		"available=90000; below g memory.max memory.current ''\n"
		"echo $available\n"
		"echo max >g/memory.max; available=7\n"
		"below g memory.max memory.current ''; echo $available\n");

	in_shells(script, "5001\n7\n");
}

/* --- launch --------------------------------------------------------------- */

static const char launch_facts[] =
	"root=$PWD/root lock=$PWD/root/in-g dir=$PWD/root/d run=r1\n"
	"marker=role=x reserve='5 g' owner=$(id -u) monitor=$PWD/sock\n"
	"session= need=0 limit=0 cgroups= record=$PWD/arrived/r1 log=\n"
	"token=secret token_file=$PWD/root/tokens/r1-destination\n";

static int listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Starts @qemu below a shell that stays, as launch.c does. */
static char *launching(const char *qemu)
{
	AUTO_BUF struct buf keeper = { 0 };

	departed_names_begin(&keeper, NULL);
	return xasprintf("(\n%s%s%s%s"
			 "NONE=$dir setsid sh >&8 2>&9 8>&- 9>&- "
			 "<<'end of it' &\n{\n%s%s%s%s%s"
			 "qemu() { exec %s; }\n%s\n}\nend of it\n%s)",
			 launch_facts, identity_match_sh, admit_sh,
			 launch_make_sh, launch_facts, admit_sh,
			 buf_data(&keeper), file_mark_sh, hand_over_sh, qemu,
			 launch_keep_sh, launch_await_sh);
}

/* Of what was launched; variables are assigned before, functions by @more. */
static char *removing_with(const char *more)
{
	return xasprintf("(\n%s%s%s%s%s%s%s) ", admit_sh, as_user_sh,
			 proc_ask_sh, run_dir_pids_sh, run_dir_remove_sh, more,
			 launch_remove_sh);
}

static char *removing(void)
{
	AUTO_FREE char *script = removing_with("");

	return xasprintf("%s\n", script);
}

TEST(a_program_is_launched_and_removed)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *sock = in_shells_path("sock");
	AUTO_FD int fd = listen_at(sock);
	AUTO_FREE char *launch = launching("sleep 1000");
	AUTO_FREE char *script = xasprintf(
		"%s | sed 's/=[0-9][0-9]*$/=N/'\n"
		"%sread -r pid ticks <root/in-g/pid\n"
		"ls root root/in-g root/d\nvariable=NONE\n"
		"cat $token_file; stat -c %%a $token_file ${token_file%%/*}\n"
		"%sls root root/tokens\n%s[ \"$(ticks_of $pid)\" ] || "
		"echo gone\n",
		launch, launch_facts, remove, admit_sh);

	(void)fd;
	in_shells(script, "available=N\npid=N\nticks=N\nready=N\n"
			  "root:\nd\nin-g\ntokens\n\n"
			  "root/d:\nstderr\nstdout\n\n"
			  "root/in-g:\nmarker\npid\nram\nrun\nsession\nspace\n"
			  "stderr\nstdout\nsecret\n600\n700\n"
			  "root:\ntokens\n\nroot/tokens:\ngone\n");
}

/* What nobody noted down must not be left running, and be called removed. */
TEST(without_a_pid_all_of_the_run_are_ended_or_it_is_an_error)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *deaf = removing_with("most_tries=5\n"
					     "run_dir_pids() { cat fifo; }\n");
	AUTO_FREE char *script = xasprintf(
		"%s%smkdir -p root/d; mkfifo fifo\nvariable=NONE pid= ticks=\n"
		"user=\n"
		"(NONE=$dir sleep 1000 & echo $! >p); read -r p <p; rm p\n"
		"until grep -qF \"NONE=$dir\" /proc/$p/environ; do :; done\n"
		"%s[ \"$(ticks_of $p)\" ] || echo ended\n"
		"mkdir -p root/d\n"
		/* in some shells what waits has our output open */
		"%s>said 2>&1; : >fifo\n"
		"sed \"s|$PWD|.|;s/uid [0-9]*/uid U/\" said\n"
		"ls root; rm -rf root fifo said\n",
		launch_facts, admit_sh, remove, deaf);

	in_shells(script, "ended\n"
			  "whether a QEMU of ./root/d runs is not known: "
			  "processes of uid U do not answer\nd\n");
}

TEST(of_what_a_program_prints_the_beginning_is_kept)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *sock = in_shells_path("sock");
	AUTO_FD int fd = listen_at(sock);
	AUTO_FREE char *launch =
		launching("sh -c 'echo why >&2; echo first; yes | head -c "
			  "67108864; : >printed; sleep 1000'");
	AUTO_FREE char *script =
		xasprintf("%s >/dev/null\n%sread -r pid ticks <root/in-g/pid\n"
			  "until [ -e printed ]; do sleep 0.1; done\n"
			  "head -n 1 root/d/stdout; cat root/d/stderr\n"
			  "[ $(stat -c %%s root/d/stdout) -le 1048576 ] && "
			  "echo bounded\nrm printed\nvariable=NONE\n%s",
			  launch, launch_facts, remove);

	(void)fd;
	in_shells(script, "first\nwhy\nbounded\n");
}

TEST(what_a_program_said_before_it_died_is_there)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *launch = launching("sh -c 'echo no such >&2; exit 1'");
	AUTO_FREE char *script = xasprintf(
		"%s >/dev/null\n%s\ncat root/d/stderr\nvariable=NONE pid=\n%s",
		launch, launch_facts, remove);

	in_shells(script, "no such\n");
}

TEST(a_program_that_ends_at_once_is_reported)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *launch = launching("sh -c 'exit 7'");
	AUTO_FREE char *script =
		xasprintf("%s | grep died\n%s\nvariable=NONE pid=\n%sls root\n",
			  launch, launch_facts, remove);

	in_shells(script, "died=1\ntokens\n");
}

/* A name, where its file is now, and a record of both. */
static const char departing[] =
	"echo it >\"it's a name\"; echo other >other; ln -sT nowhere link\n"
	"{ for f in \"it's a name\" other; do\n"
	"stat -c %d:%i:%Y \"$f\"; echo \"$PWD/x\"; echo \"$PWD/$f\"; done\n"
	"echo; echo nowhere; echo \"$PWD/link\"; } >names\n"
	"rm other; echo anothers >other; touch -t 200001010000 other\n";

TEST(what_a_guest_leaves_is_removed_when_its_run_is_over)
{
	AUTO_FREE char *sock = in_shells_path("sock");
	AUTO_FD int fd = listen_at(sock);
	AUTO_FREE char *launch = launching("sleep 1000");
	AUTO_BUF struct buf functions = { 0 };
	AUTO_FREE char *script = NULL;

	(void)fd;
	departed_names_begin(&functions, NULL);
	script = xasprintf(
		"%s >/dev/null\n%s%s%s%s\n"
		"read -r pid ticks <root/in-g/pid\n"
		"note_arrival \"$record\" $pid $ticks \"$dir\" <names\n"
		"kill $pid\n"
		/* the run is not over */
		"sleep 0.3; ls root arrived\n"
		"rm -r root/in-g\n"
		"n=0; while [ -d root/d ] || [ -d arrived ]; do\n"
		"sleep 0.1; n=$((n + 1)); [ $n -lt 200 ] || break; done\n"
		"ls root arrived \"it's a name\" link 2>/dev/null\n"
		"cat other; rm -f names other\n",
		launch, launch_facts, admit_sh, buf_data(&functions),
		departing);
	in_shells(script, "arrived:\nr1\n\nroot:\nd\nin-g\ntokens\n"
			  "root:\ntokens\nanothers\n");
}

#define MACHINE "0123456789abcdef0123456789abcdef"
/* A machine without an id does not know its earlier boots. */
static const char with_an_id[] = "id_of() { printf '" MACHINE " '; }\n";

/* @boot: of the record, for sed; @qemu: who is to be its QEMU. */
static char *sweeping(const char *boot, const char *qemu)
{
	AUTO_BUF struct buf functions = { 0 };

	departed_names_begin(&functions, NULL);
	return xasprintf(
		"%s%s%s%s%smkdir -p root/d; true >root/d/stdout\n"
		"note_arrival \"$record\" %s \"$dir\" <names\n"
		"sed -i '1s/^[^ ]*/%s/;2s/.*/%s/;7s/^[0-9]*/%s/' \"$record\"\n"
		"sweep \"${record%%/*}\"\n"
		"ls -d root/d arrived/* \"it's a name\" link 2>/dev/null\n"
		"cat other; rm -rf root arrived \"it's a name\" link\n",
		launch_facts, admit_sh, buf_data(&functions), with_an_id,
		departing, qemu, boot, boot, *boot == '&' ? "&" : "12345");
}

TEST(what_a_guest_left_is_removed_by_the_next_command)
{
	AUTO_FREE char *script = sweeping("&", "999999999 1");

	in_shells(script, "anothers\n");
}

TEST(so_is_what_a_power_cut_left)
{
	/* the device has another number since */
	AUTO_FREE char *script = sweeping("earlier-boot", "$$ $(ticks_of $$)");

	in_shells(script, "anothers\n");
}

TEST(what_a_guest_uses_that_runs_is_left_alone)
{
	AUTO_FREE char *script = sweeping("&", "$$ $(ticks_of $$)");

	in_shells(script, "arrived/r1\nit's a name\nlink\nroot/d\nanothers\n");
}

/*
 * A record whose QEMU is gone, then @how it is swept. A read of `fifo` is one
 * that does not end.
 */
static char *sweeping_how(const char *how)
{
	AUTO_BUF struct buf functions = { 0 };

	departed_names_begin(&functions, NULL);
	return xasprintf("%s%s%smkdir -p root/d; mkfifo fifo; : >tried\n"
			 "list() { ls -d root/d arrived/* 2>/dev/null; }\n"
			 "note_arrival $record 999999999 1 $dir </dev/null\n"
			 "%slist; rm -rf root arrived fifo tried\n",
			 launch_facts, admit_sh, buf_data(&functions), how);
}

TEST(processes_that_do_not_answer_may_wait_for_a_guest)
{
	AUTO_FREE char *script = sweeping_how("run_dir_pids() { cat fifo; }\n"
					      "sweep arrived; : >fifo\n");

	in_shells(script, "arrived/r1\nroot/d\n");
}

TEST(so_it_is_when_they_cannot_be_listed)
{
	AUTO_FREE char *script =
		sweeping_how("pids_of() { :; }\nsweep arrived\n");

	in_shells(script, "arrived/r1\nroot/d\n");
}

TEST(a_removal_that_is_ended_is_tried_again)
{
	AUTO_FREE char *script = sweeping_how(
		"remove_files() { kill -9 $(sh -c 'echo $PPID'); }\n"
		"sweep arrived 2>/dev/null; list\n"
		"remove_files() { rm -rf -- \"$1\"; }\n"
		"sweep arrived\n");

	in_shells(script, "arrived/r1\nroot/d\n");
}

TEST(one_that_does_not_end_is_tried_again_when_its_process_has)
{
	AUTO_FREE char *script = sweeping_how(
		"run_dir_pids() { :; }; most_tries=20\n"
		"remove_files() { echo once >>tried; cat fifo; }\n"
		"sweep arrived; most_tries=100; list; sed -n '2s/.* "
		"[1-9][0-9]* [1-9][0-9]*/"
		"boot P T/p' arrived/*\n"
		"sweep arrived; cat tried\n"
		"read -r x <<end\n$(sed -n 2p arrived/r1.stuck)\nend\n"
		"set -- $x; : >fifo; while [ \"$(ticks_of $2)\" ]; do :; done\n"
		"remove_files() { rm -rf -- \"$1\"; }\n"
		"sweep arrived\n");

	in_shells(script, "arrived/r1.stuck\nroot/d\nboot P T\nonce\n");
}

/* As earlier versions, which did not say who waits, left it. */
TEST(a_record_that_is_stuck_for_an_unknown_process_waits_for_the_next_boot)
{
	AUTO_FREE char *script =
		sweeping_how("mv arrived/r1 arrived/r1.stuck\n"
			     "sed -i \"2s/.*/$(cat /proc/sys/kernel/random/"
			     "boot_id)/\" arrived/r1.stuck\n"
			     "sweep arrived; list\n"
			     "sed -i '2s/.*/earlier/' arrived/r1.stuck\n"
			     "sweep arrived\n");

	in_shells(script, "arrived/r1.stuck\nroot/d\n");
}

TEST(a_record_is_forgotten_by_its_own_process)
{
	AUTO_BUF struct buf functions = { 0 };
	AUTO_FREE char *script = NULL;

	departed_names_begin(&functions, NULL);
	script = xasprintf(
		"%s%s%snote_arrival arrived/r1 7 8 /run/r1 </dev/null\n"
		"for w in '7 9 /run/r1' '6 8 /run/r1' '7 8 /run/r2'; do\n"
		"forget_arrival arrived/r1 $w; ls arrived; done\n"
		"forget_arrival arrived/none 7 8 /run/r1\n"
		"forget_arrival arrived/r1 7 8 /run/r1; ls arrived\n"
		"rmdir arrived\n",
		launch_facts, admit_sh, buf_data(&functions));
	in_shells(script, "r1\nr1\nr1\n");
}

TEST(one_that_is_launched_already_is_busy)
{
	AUTO_FREE char *script = xasprintf(
		"%s%s%smkdir -p $lock; echo $PPID $(ticks_of $PPID) "
		">$lock/pid\n(\n%s) | sed \"s/=$PPID/=P/\"\n"
		"rm -rf root\n",
		launch_facts, identity_match_sh, admit_sh, launch_make_sh);

	in_shells(script, "busy=P\n");
}

/* --- other PID namespaces ------------------------------------------------- */

/* Makes of what is on standard input a script in a PID namespace of its own. */
static const char elsewhere[] = "unshare -pf --mount-proc sh";

static bool has_namespaces(void)
{
	return system("unshare -pf --mount-proc true 2>/dev/null") == 0;
}

TEST(a_lock_of_another_pid_namespace_is_not_free)
{
	AUTO_FREE char *script = NULL;

	if (!has_namespaces()) {
		skip();
		return;
	}
	script = xasprintf("%s%s%smkdir -p $lock; p=$PPID\n"
			   "echo $p $(ticks_of $p) >$lock/pid\n"
			   "this_space >$lock/space\n"
			   "cat >inner <<'end of it'\n%s%s%s%s\nend of it\n"
			   "<inner %s | sed \"s/=$p\\$/=P/\"; cat $lock/pid |\n"
			   "sed \"s/^$p .*/P/\"; rm -rf root inner\n",
			   launch_facts, identity_match_sh, admit_sh,
			   launch_facts, identity_match_sh, admit_sh,
			   launch_make_sh, elsewhere);
	in_shells(script, "busy=P\nbusy_elsewhere=1\nP\n");
}

TEST(an_arrival_of_another_pid_namespace_counts_in_full)
{
	AUTO_FREE char *script = NULL;

	if (!has_namespaces()) {
		skip();
		return;
	}
	script = xasprintf(
		"%s%s%smkdir -p root/in-a; echo $PPID $(ticks_of $PPID) "
		">root/in-a/pid\nthis_space >root/in-a/space\n"
		"echo 8192 a guest >root/in-a/ram; echo run-a >root/in-a/run\n"
		"cat >inner <<'end of it'\n%s%s%stally\nend of it\n"
		"<inner %s | grep arrival; rm -rf root inner\n",
		launch_facts, identity_match_sh, admit_sh, launch_facts,
		identity_match_sh, admit_sh, elsewhere);
	in_shells(script, "arrival=8 0 run-a a guest\n");
}

TEST(what_a_guest_uses_in_another_pid_namespace_is_left_alone)
{
	AUTO_BUF struct buf functions = { 0 };
	AUTO_FREE char *script = NULL;

	if (!has_namespaces()) {
		skip();
		return;
	}
	departed_names_begin(&functions, NULL);
	script = xasprintf(
		"%s%s%smkdir -p root/d; true >root/d/stdout\n"
		"note_arrival \"$record\" $PPID $(ticks_of $PPID) \"$dir\" "
		"</dev/null\n"
		"cat >inner <<'end of it'\n%s%s%ssweep \"${record%%/*}\"\n"
		"end of it\n<inner %s\nls -d root/d arrived/*\n"
		"rm -rf root arrived inner\n",
		launch_facts, admit_sh, buf_data(&functions), launch_facts,
		admit_sh, buf_data(&functions), elsewhere);
	in_shells(script, "arrived/r1\nroot/d\n");
}

TEST(a_record_of_an_earlier_version_waits_for_the_next_boot)
{
	AUTO_BUF struct buf functions = { 0 };
	AUTO_FREE char *script = NULL;

	departed_names_begin(&functions, NULL);
	script = xasprintf(
		"%s%s%s%smkdir -p root/d arrived; true >root/d/stdout\n"
		"boot=$(cat /proc/sys/kernel/random/boot_id)\n"
		"for b in $boot earlier; do\n"
		"printf '%%s\\n' " MACHINE " $b '999999999 1' \"$dir\" '' '' "
		">$record\n"
		"sweep \"${record%%/*}\"; ls -d root/d arrived/* 2>/dev/null\n"
		"done; rm -rf root arrived\n",
		launch_facts, admit_sh, buf_data(&functions), with_an_id);
	in_shells(script, "arrived/r1\nroot/d\n");
}

TEST(spaces_are_compared_as_identities_are)
{
	AUTO_FREE char *script = xasprintf(
		"%sm=%s o=fedcba98765432100123456789abcdef\n"
		"is() { here_now=$2; match_space \"$1\"; echo $match; }\n"
		"is \"b n $m - h\" \"b n $m - h\"\n"
		"is \"b n - - h\" \"b n $m - h\"\n"
		"is \"b n - $o h\" \"b n $m $o h\"\n"
		"is \"b n $m - h\" \"b o $m - h\"\n"
		"is \"b - $m - h\" \"b - $m - h\"\n"
		"is \"b n $m - h\" \"c n $m - h\"\n"
		"is \"b n $m - h\" \"c n $m - i\"\n"
		"is \"b n - - h\" \"c n - - h\"\n"
		"is \"b n $o - h\" \"b n $m - h\"\n"
		"is torn \"b n $m - h\"\n",
		identity_match_sh, MACHINE);

	in_shells(script, "same\nsame\nsame\nelsewhere\nelsewhere\n"
			  "rebooted\nelsewhere\nelsewhere\nelsewhere\n"
			  "elsewhere\n");
}

/* A program's name, which sh gets as @name, is chosen by its user. */
static void known_again(const char *name)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *script = xasprintf(
		"name=%s\ncp /bin/sleep \"$name\"\n"
		"\"./$name\" 1000 & other=$!\n"
		"until [ \"$(cat /proc/$other/comm)\" = \"$name\" ]; do :; "
		"done\n"
		"t=$(tr '\\n' ' ' </proc/$other/stat |\n"
		"LC_ALL=C awk '{ sub(/.*[)] /, \"\"); print $20 }')\n"
		"%s%s%smkdir -p $lock; echo $other $t >$lock/pid\n"
		"(\n%s) | sed \"s/=$other/=P/\"\n"
		"rm -rf root\npid=$other ticks=$t variable=NONE\n"
		"%skill -0 $other 2>/dev/null || echo gone\n"
		"rm -rf root \"$name\"\n",
		name, launch_facts, identity_match_sh, admit_sh, launch_make_sh,
		remove);

	in_shells(script, "busy=P\ngone\n");
}

TEST(a_process_with_a_line_feed_in_its_name_is_known_again)
{
	known_again("'q\n) R 7 8'");
}

/* As in a login whose locale has characters of several bytes. */
TEST(a_process_with_bytes_that_are_no_characters_in_its_name_is_known_again)
{
	AUTO_FREE char *before = getenv("LC_ALL") ? xstrdup(getenv("LC_ALL"))
						  : NULL;

	setenv("LC_ALL", "C.UTF-8", 1);
	known_again("$(printf 'q\\377) R 7 8')");
	if (before)
		setenv("LC_ALL", before, 1);
	else
		unsetenv("LC_ALL");
}

TEST(limits_are_taken_over)
{
	AUTO_FREE char *script =
		xasprintf("%slimit nofile 64 64\nlimit nonsense 1 1\n"
			  "ulimit -n\necho \"$limits\"\n",
			  launch_limit_sh);

	in_shells(script, "64\n nonsense\n");
}

TEST(without_prlimit_the_shell_takes_over_two_of_them)
{
	AUTO_FREE char *script =
		xasprintf("prlimit() { false; }\ncommand() { false; }\n"
			  "%slimit nofile 64 128\nlimit memlock 65536 65536\n"
			  "limit nproc 5000 5000\n"
			  "ulimit -S -n\nulimit -H -n\nulimit -S -l\n"
			  "echo \"$limits\"\n",
			  launch_limit_sh);

	in_shells(script, "64\n128\n64\n nproc\n");
}

TEST(a_login_is_found_and_nothing_but_an_sshd_is_ended)
{
	AUTO_FREE char *script = xasprintf(
		"%s%s%sprintf '[%%s]\\n' \"$session\"\n"
		"(sleep 1000 & echo $! >p); read -r p <p\n"
		"end_session $p $(ticks_of $p)\n"
		"[ \"$(ticks_of $p)\" ] && echo alive; kill -9 $p\n",
		login_session_find_sh, admit_sh, login_session_end_sh);
	AUTO_FREE char *out = NULL;

	in_shells(script, NULL);
	out = in_shells_get("out");
	assert_non_null(strstr(out, "]\nalive\n"));
}

/* A command of ours runs some shells below its login. */
TEST(a_login_ends_with_all_that_is_below_it)
{
	AUTO_FREE char *script = xasprintf(
		"%s%s%scp /bin/sh sshd-x; rm -f deep\n"
		"cat >nest <<'end'\n"
		"[ \"$1\" != 0 ] || { echo $$ >deep; sleep 1000; exit; }\n"
		"sh ./nest $(($1 - 1))\n"
		"true\n"
		"end\n"
		"(./sshd-x ./nest 5 & echo $! >p); read -r p <p\n"
		"until [ -s deep ]; do sleep 0.02; done\n"
		"read -r deep <deep; t=$(ticks_of $deep)\n"
		"end_session $p $(ticks_of $p)\n"
		"n=0; while [ \"$(ticks_of $deep)\" = \"$t\" ] &&"
		" [ $n -lt 100 ]\n"
		"do n=$((n + 1)); sleep 0.02; done\n"
		"[ $n = 100 ] || echo ended\n"
		"rm -f sshd-x nest deep\n",
		login_session_find_sh, admit_sh, login_session_end_sh);

	in_shells(script, "ended\n");
}
