/* SPDX-License-Identifier: MIT */
/*
 * The scripts (.sh) that run on hosts, in each shell of this machine that may
 * be a host's sh: they are to print the same in all of them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/hosts/as_user.h"
#include "engine/guest/discover_script.h"
#include "engine/hosts/admit.h"
#include "engine/hosts/hand_over.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/launch_script.h"
#include "engine/hosts/lingering.h"
#include "engine/hosts/login_session.h"
#include "engine/hosts/name_use.h"
#include "engine/hosts/probe.h"
#include "engine/hosts/proc_ask.h"
#include "engine/run/departed_names.h"
#include "engine/run/socket_names.h"
#include "engine/state/moved.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char probe_host_sh[], probe_files_sh[], probe_qemu_sh[];
extern const char link_sink_sh[];
extern const char guest_socket_lend_sh[], guest_socket_trust_sh[],
	guest_socket_leave_sh[];

static const char *const shells[] = { "dash", "bash", "busybox",
				      "mksh", "ksh",  "yash" };

static char dir[40];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/scripts-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(dir);
}

TEST_FIXTURE(setup, teardown);

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put(const char *name, const char *text, mode_t mode)
{
	AUTO_FREE char *path = in_dir(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static char *get(const char *name)
{
	AUTO_FREE char *path = in_dir(name);
	FILE *f = fopen(path, "r");
	struct buf b = { 0 };
	size_t n;

	assert_non_null(f);
	while ((n = fread(buf_reserve(&b, 4096), 1, 4096, f)))
		buf_commit(&b, n);
	(void)fclose(f);
	return buf_steal(&b);
}

/* The place of @shell, or NULL where it is not installed. */
static char *find_shell(const char *shell)
{
	static const char *const places[] = { "/bin", "/usr/bin",
					      "/usr/local/bin" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", places[i], shell);

		if (access(path, X_OK) == 0)
			return STEAL(path);
	}
	return NULL;
}

/* A directory for PATH in which sh is @shell; NULL where there is none. */
static char *as_sh(const char *shell)
{
	AUTO_FREE char *path = find_shell(shell);
	AUTO_FREE char *bin = xasprintf("%s/bin-%s", dir, shell);
	AUTO_FREE char *sh = xasprintf("%s/sh", bin);

	if (!path)
		return NULL;
	if (mkdir(bin, 0700) == 0)
		assert_int_equal(symlink(path, sh), 0);
	return STEAL(bin);
}

/* What the file `script` prints, both outputs, as @how has sh read it. */
static char *output_of(const char *bin, const char *how)
{
	AUTO_FREE char *command = xasprintf(
		"cd %s && PATH=%s:$PATH && %s >out 2>&1", dir, bin, how);

	(void)!system(command);
	return get("out");
}

/* NULL for @expected: what the first shell prints. */
static void in_each(const char *how, const char *script, const char *expected)
{
	AUTO_FREE char *first = NULL;
	int n = 0;

	put("script", script, 0600);
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		AUTO_FREE char *bin = as_sh(shells[i]);
		AUTO_FREE char *out = NULL;

		if (!bin)
			continue;
		n++;
		out = output_of(bin, how);
		if (!expected) {
			first = STEAL(out);
			expected = first;
		} else if (strcmp(out, expected) != 0) {
			fail_msg("%s printed:\n%s\nand not:\n%s", shells[i],
				 out, expected);
		}
	}
	assert_true(n >= 2);
}

/* As a host gets it: on standard input, one compound. */
static void all_print(const char *script, const char *expected)
{
	AUTO_FREE char *whole = xasprintf(PROBE_SCRIPT_FORM, script);

	in_each("sh <script", whole, expected);
}

/* --- sockets of guests ---------------------------------------------------- */

/* A socket of the user @owner in the directory. */
static void put_socket(const char *name, uid_t owner)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO_FREE char *path = in_dir(name);
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(a.sun_path));
	memcpy(a.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(lchown(path, owner, owner), 0);
}

/* As user @login sshd would connect; 0: as root. */
static void add_trust(struct buf *b, const char *path, uid_t login)
{
	quote_assign(b, "path", path);
	buf_printf(b, "owner=65534 login=%d\n%s%s", (int)login,
		   guest_socket_lend_sh, guest_socket_trust_sh);
}

/* The new name's random letters are printed as T. */
static void trust_prints(const char *name, const char *expected)
{
	AUTO_FREE char *path = in_dir(name);
	AUTO_BUF struct buf script = { 0 };

	buf_printf(&script, "(\n");
	add_trust(&script, path, 0);
	buf_printf(&script,
		   ") | sed 's/vmferry-[A-Za-z0-9]*/T/'\n"
		   "rm -rf %s/.vmferry-*\n",
		   dir);
	all_print(buf_data(&script), expected);
}

TEST(a_socket_of_the_user_s_gets_a_second_name)
{
	AUTO_FREE char *expected =
		xasprintf("at=%s/.T/s\ndir=%s/.T\n", dir, dir);

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("its own", 65534);
	trust_prints("its own", expected);
}

TEST(nothing_else_is_trusted_as_a_socket)
{
	AUTO_FREE char *root = in_dir("root.sock");
	AUTO_FREE char *link = in_dir("link");

	if (geteuid()) {
		skip();
		return;
	}
	trust_prints("absent", "why=it does not exist\n");
	put("file", "", 0600);
	trust_prints("file", "why=it is no socket\n");
	put_socket("root.sock", 0);
	trust_prints("root.sock", "why=it belongs to another user\n");
	assert_int_equal(symlink(root, link), 0);
	trust_prints("link", "why=it belongs to another user\n");
}

TEST(a_second_name_goes_again)
{
	AUTO_FREE char *made = in_dir("made");
	AUTO_FREE char *script = NULL;

	script = xasprintf("dir=%s\nmkdir -p \"$dir\"; : >\"$dir/s\"\n%s%s"
			   "[ -e \"$dir\" ] || echo gone\n",
			   made, guest_socket_lend_sh, guest_socket_leave_sh);
	all_print(script, "gone\n");
}

enum { LOGIN = 64997 };

/* The answer is read into $at and $dir, of @tag. */
static void add_lending(struct buf *b, const char *path, const char *tag)
{
	buf_printf(b, "answer=$(\n");
	add_trust(b, path, LOGIN);
	buf_printf(b,
		   ")\ncase $answer in why=*) echo \"$answer\" ;; esac\n"
		   "dir%s=${answer##*dir=}\n",
		   tag);
}

static void add_leaving(struct buf *b, const char *tag)
{
	buf_printf(b, "(\ndir=$dir%s\n%s%s)\n", tag, guest_socket_lend_sh,
		   guest_socket_leave_sh);
}

static const char whose[] = "stat -c '%u %a' \"$path\"\n";

TEST(a_socket_is_lent_to_the_login_user)
{
	AUTO_FREE char *path = in_dir("lent");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("lent", 65534);
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(chmod(dir, 0711), 0);
	quote_assign(&script, "path", path);
	add_lending(&script, path, "");
	buf_printf(&script,
		   "%sstat -c '%%u %%a' \"$dir/s\"\n"
		   "stat -c '%%u %%a' \"$dir\"\n"
		   "setpriv --reuid 64997 --clear-groups sh -c "
		   "'ls \"$0\" 2>/dev/null || test -w \"$0/s\" && echo in' "
		   "\"$dir\"\n"
		   "setpriv --reuid 65534 --clear-groups sh -c "
		   "'test -w \"$0/s\" || echo out' \"$dir\"\n",
		   whose);
	add_leaving(&script, "");
	buf_printf(&script, "%s[ -e \"$dir\" ] || echo gone\n", whose);
	all_print(buf_data(&script),
		  "64997 600\n64997 600\n0 711\nin\nout\n65534 775\ngone\n");
}

TEST(a_socket_that_is_lent_twice_comes_back_with_the_last)
{
	AUTO_FREE char *path = in_dir("twice");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("twice", 65534);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(chmod(dir, 0711), 0);
	quote_assign(&script, "path", path);
	add_lending(&script, path, "1");
	add_lending(&script, path, "2");
	add_leaving(&script, "1");
	buf_printf(&script, "%s", whose);
	add_leaving(&script, "2");
	buf_printf(&script, "%s", whose);
	all_print(buf_data(&script), "64997 600\n65534 750\n");
}

TEST(a_socket_whose_borrower_was_cut_off_comes_back)
{
	AUTO_FREE char *path = in_dir("cut off");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("cut off", 65534);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(chmod(dir, 0711), 0);
	quote_assign(&script, "path", path);
	add_lending(&script, path, "1");
	buf_printf(&script, "touch -d '10 minutes ago' \"$dir1\" 2>/dev/null "
			    "|| touch -t 202001010000 \"$dir1\"\n");
	add_lending(&script, path, "2");
	add_leaving(&script, "2");
	buf_printf(&script, "%s[ -e \"$dir1\" ] || echo gone\n", whose);
	all_print(buf_data(&script), "65534 750\ngone\n");
}

/* What its user makes beside it says nothing about whose it is. */
TEST(a_record_of_another_users_lends_nothing)
{
	AUTO_FREE char *path = in_dir("foreign");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("foreign", LOGIN);
	assert_int_equal(chmod(dir, 01777), 0);
	quote_assign(&script, "path", path);
	buf_printf(&script,
		   "f=%s/.vmferry-forged; mkdir -p \"$f\"\n"
		   "ln -f \"$path\" \"$f/s\"; echo 65534 600 >\"$f/was\"\n"
		   "chown -R 65534 \"$f/was\" \"$f\"; chown 64997 \"$path\"\n",
		   dir);
	add_lending(&script, path, "");
	buf_printf(&script, "rm -rf \"$f\"\n");
	all_print(buf_data(&script), "why=it belongs to another user\n");
}

TEST(a_directory_that_the_login_user_cannot_enter_lends_nothing)
{
	AUTO_FREE char *closed = in_dir("closed");
	AUTO_FREE char *path = in_dir("closed/s");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	assert_int_equal(mkdir(closed, 0700), 0);
	put_socket("closed/s", 65534);
	assert_int_equal(chmod(dir, 0711), 0);
	quote_assign(&script, "path", path);
	add_lending(&script, path, "");
	/* the nearest one above it that he can */
	buf_printf(&script, "echo ${dir%%/*}\n");
	add_leaving(&script, "");
	AUTO_FREE char *expected = xasprintf("%s\n", dir);
	all_print(buf_data(&script), expected);
}

/* --- probe ---------------------------------------------------------------- */

TEST(a_host_is_probed)
{
	AUTO_FREE char *script =
		xasprintf("state=/s\n(\n%s) | sed "
			  "'/^memory=/d;/^room=/s/[0-9][0-9]*/N/g'\n",
			  probe_host_sh);
	AUTO_FREE char *out = NULL;

	all_print(script, NULL);
	out = get("out");
	assert_non_null(strstr(out, "run_root=/"));
	assert_non_null(strstr(out, "state_root=/s\n"));
	assert_non_null(strstr(out, "room=N N N N\n"));
}

/* --- identity ------------------------------------------------------------- */

TEST(a_host_is_identified)
{
	AUTO_FREE char *out = NULL;
	struct identity_space space;

	all_print(identity_sh, NULL);
	out = get("out");
	identity_space_read(out, &space);
	assert_int_not_equal(*space.host, '\0');
	assert_int_equal(strlen(space.boot), 36);
	assert_true(space.pid_namespace != 0);
}

TEST(a_token_is_read_from_its_file)
{
	AUTO_FREE char *path = in_dir("it's");
	AUTO_FREE char *script = identity_script(path);
	AUTO_FREE char *none = identity_script(NULL);
	struct identity_space space;

	all_print(script, NULL);
	AUTO_FREE char *missing = get("out");
	assert_non_null(strstr(missing, "\ntoken=\n"));
	identity_space_read(missing, &space);
	assert_string_equal(space.token, "");
	put("it's", "0123456789abcdef0123456789abcdef\n", 0600);
	all_print(script, NULL);
	AUTO_FREE char *found = get("out");
	identity_space_read(found, &space);
	assert_string_equal(space.token, "0123456789abcdef0123456789abcdef");
	all_print(none, NULL);
	AUTO_FREE char *unasked = get("out");
	assert_null(strstr(unasked, "token="));
}

/* Its processes are not those that the shell could start. */
TEST(a_proc_of_another_pid_namespace_identifies_nothing)
{
	AUTO_FREE char *out = NULL;
	struct identity_space space;

	if (system("unshare --pid --fork true 2>/dev/null") != 0)
		skip();
	put("identity", identity_sh, 0600);
	all_print("unshare --pid --fork sh ./identity\n", NULL);
	out = get("out");
	identity_space_read(out, &space);
	assert_int_equal(strlen(space.boot), 36);
	assert_true(space.pid_namespace == 0);
}

TEST(an_id_is_made_once)
{
	AUTO_FREE char *script =
		xasprintf("{\n%s} >/dev/null\nstate=%s/a/b\n%s", identity_sh,
			  dir, identity_make_sh);
	AUTO_FREE char *made = NULL;
	struct identity_space space;

	/* the first shell makes what all others find */
	all_print(script, NULL);
	made = get("a/b/machine-id");
	assert_int_equal(strlen(made), 33);
	AUTO_FREE char *out = get("out");
	identity_space_read(out, &space);
	made[32] = '\0';
	assert_string_equal(space.own, made);
}

TEST(files_are_probed)
{
	AUTO_FREE char *path = in_dir("it's one");
	AUTO_BUF struct buf script = { 0 };
	AUTO_FREE char *expected = NULL;
	struct stat st;
	struct statfs fs;

	put("it's one", "12345", 0600);
	assert_int_equal(stat(path, &st), 0);
	as_user_assign(&script, NULL);
	buf_printf(&script, "%s%sf ", as_user_sh, probe_files_sh);
	quote_word(&script, path);
	buf_printf(&script, "\nf %s/none\n", dir);
	assert_int_equal(statfs(path, &fs), 0);
	expected = xasprintf("%llu 5 rw %llx regular file\n-\n",
			     (unsigned long long)st.st_ino,
			     (unsigned long long)fs.f_type);
	all_print(buf_data(&script), expected);
}

TEST(a_qemu_is_probed)
{
	AUTO_FREE char *path = in_dir("it's a qemu");
	AUTO_BUF struct buf script = { 0 };
	AUTO_FREE char *expected = xasprintf("path=%s\nversion=9.1.2\n"
					     "machine=1\n",
					     path);

	put("it's a qemu",
	    "#!/bin/sh\n[ \"$1\" = -version ] || { echo 'none x'; "
	    "echo 'pc-q35-9.1 Standard PC'; exit; }\n"
	    "echo 'QEMU emulator version 9.1.2 (x)'; echo Copyright\n",
	    0700);
	quote_assign(&script, "binary", path);
	quote_assign(&script, "base", "none");
	quote_assign(&script, "machine", "pc-q35-9.1");
	as_user_assign(&script, NULL);
	buf_printf(&script, "%s%s", as_user_sh, probe_qemu_sh);
	all_print(buf_data(&script), expected);
}

TEST(a_qemu_that_is_not_there_prints_nothing)
{
	AUTO_FREE char *script = xasprintf("binary=/no/such\nbase=no-such\n"
					   "machine=pc\n%s",
					   probe_qemu_sh);

	all_print(script, "");
}

/* --- admission ------------------------------------------------------------ */

static char *admit_script(const char *script)
{
	return xasprintf("root=%s lock=%s/in-me cgroups=\n%s%s%s", dir, dir,
			 identity_match_sh, admit_sh, script);
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

	all_print(script, "locked\narrival=0 4 run-a a guest\navailable\n"
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

	all_print(script, "5001\n7\n");
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
	AUTO_FREE char *sock = in_dir("sock");
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
	all_print(script, "available=N\npid=N\nticks=N\nready=N\n"
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

	all_print(script, "ended\n"
			  "whether a QEMU of ./root/d runs is not known: "
			  "processes of uid U do not answer\nd\n");
}

TEST(of_what_a_program_prints_the_beginning_is_kept)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *sock = in_dir("sock");
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
	all_print(script, "first\nwhy\nbounded\n");
}

TEST(what_a_program_said_before_it_died_is_there)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *launch = launching("sh -c 'echo no such >&2; exit 1'");
	AUTO_FREE char *script = xasprintf(
		"%s >/dev/null\n%s\ncat root/d/stderr\nvariable=NONE pid=\n%s",
		launch, launch_facts, remove);

	all_print(script, "no such\n");
}

TEST(a_program_that_ends_at_once_is_reported)
{
	AUTO_FREE char *remove = removing();
	AUTO_FREE char *launch = launching("sh -c 'exit 7'");
	AUTO_FREE char *script =
		xasprintf("%s | grep died\n%s\nvariable=NONE pid=\n%sls root\n",
			  launch, launch_facts, remove);

	all_print(script, "died=1\ntokens\n");
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
	AUTO_FREE char *sock = in_dir("sock");
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
	all_print(script, "arrived:\nr1\n\nroot:\nd\nin-g\ntokens\n"
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

	all_print(script, "anothers\n");
}

TEST(so_is_what_a_power_cut_left)
{
	/* the device has another number since */
	AUTO_FREE char *script = sweeping("earlier-boot", "$$ $(ticks_of $$)");

	all_print(script, "anothers\n");
}

TEST(what_a_guest_uses_that_runs_is_left_alone)
{
	AUTO_FREE char *script = sweeping("&", "$$ $(ticks_of $$)");

	all_print(script, "arrived/r1\nit's a name\nlink\nroot/d\nanothers\n");
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

	all_print(script, "arrived/r1\nroot/d\n");
}

TEST(so_it_is_when_they_cannot_be_listed)
{
	AUTO_FREE char *script =
		sweeping_how("pids_of() { :; }\nsweep arrived\n");

	all_print(script, "arrived/r1\nroot/d\n");
}

TEST(a_removal_that_is_ended_is_tried_again)
{
	AUTO_FREE char *script = sweeping_how(
		"remove_files() { kill -9 $(sh -c 'echo $PPID'); }\n"
		"sweep arrived 2>/dev/null; list\n"
		"remove_files() { rm -rf -- \"$1\"; }\n"
		"sweep arrived\n");

	all_print(script, "arrived/r1\nroot/d\n");
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

	all_print(script, "arrived/r1.stuck\nroot/d\nboot P T\nonce\n");
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

	all_print(script, "arrived/r1.stuck\nroot/d\n");
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
	all_print(script, "r1\nr1\nr1\n");
}

TEST(one_that_is_launched_already_is_busy)
{
	AUTO_FREE char *script = xasprintf(
		"%s%s%smkdir -p $lock; echo $PPID $(ticks_of $PPID) "
		">$lock/pid\n(\n%s) | sed \"s/=$PPID/=P/\"\n"
		"rm -rf root\n",
		launch_facts, identity_match_sh, admit_sh, launch_make_sh);

	all_print(script, "busy=P\n");
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
	all_print(script, "busy=P\nbusy_elsewhere=1\nP\n");
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
	all_print(script, "arrival=8 0 run-a a guest\n");
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
	all_print(script, "arrived/r1\nroot/d\n");
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
	all_print(script, "arrived/r1\nroot/d\n");
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

	all_print(script, "same\nsame\nsame\nelsewhere\nelsewhere\n"
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

	all_print(script, "busy=P\ngone\n");
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

	all_print(script, "64\n nonsense\n");
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

	all_print(script, "64\n128\n64\n nproc\n");
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

	all_print(script, NULL);
	out = get("out");
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

	all_print(script, "ended\n");
}

/* --- discovery ------------------------------------------------------------ */

/* A process that looks like a guest: "sleep 1000" under a QEMU's name. */
static pid_t start_guest(void)
{
	AUTO_FREE char *path = in_dir("qemu-system-it's");
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

	all_print(script, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	out = get("out");
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
	top = in_dir(padding);
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

	put("it", text, 0600);
	all_print(script, expected);
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

	put("it", text, 0600);
	put_process(proc, 6, 0);
	put_process(proc, 7, 107);
	put_process(proc, 8, 1070);
	put_process(proc, 9, 108);
	put_process(proc, 10, 107);
	all_print(script, "7\n9\n10\nnone\n12\n0\n");
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

	all_print(gone, "process=\ngone\n");
	all_print(alive, "process=\nN\n");
}

TEST(paths_are_resolved)
{
	AUTO_FREE char *link = in_dir("a link");
	AUTO_FREE char *script = xasprintf("set -- 'a link' /none/x\n(\n%s) "
					   "2>/dev/null\n",
					   discover_real_sh);
	AUTO_FREE char *expected = xasprintf("%s/there\n\n", dir);

	put("there", "", 0600);
	assert_int_equal(symlink("there", link), 0);
	all_print(script, expected);
}

/* --- names of sockets ----------------------------------------------------- */

TEST(a_socket_gets_its_name_and_loses_it)
{
	AUTO_FREE char *now = in_dir("s0.sock");
	AUTO_FREE char *public = in_dir("it's a guest.qmp");
	AUTO_FREE char *keep = in_dir("keep");
	AUTO_BUF struct buf give = { 0 }, take = { 0 };
	struct argv_moves m = { .v = NULL };
	AUTO_FREE char *script = NULL;

	put("s0.sock", "x", 0600);
	assert_int_equal(link(now, keep), 0);
	argv_moves_add(&m, now, public);
	socket_names_mark(&m);
	socket_names_give(&give, &m);
	socket_names_take(&take, &m);
	script = xasprintf("ln -f keep s0.sock\n"
			   "(\n%s) >/dev/null && ls *.qmp\n"
			   "(\n%s)\nls *.qmp 2>/dev/null || echo taken\n",
			   buf_data(&give), buf_data(&take));
	all_print(script, "it's a guest.qmp\ntaken\n");
	argv_moves_free(&m);
}

/* Who listens on a name: what @listeners print, without @except. */
static char *naming(const char *except, const char *listeners)
{
	AUTO_BUF struct buf functions = { 0 };
	const struct name_asker asker = { .source = 1 };

	name_use_begin(&functions, &asker);
	return xasprintf("%slisteners() {\n%s\n}\nexcept=%s\n"
			 "name_use socket $PWD/s >/dev/null; echo \"$use\"\n"
			 "rm -f tried\n",
			 buf_data(&functions), listeners, except);
}

TEST(a_listener_that_cannot_be_seen_has_its_name)
{
	AUTO_FREE char *nobody = naming("0", "echo 0");
	AUTO_FREE char *other = naming("7", "echo 0; echo 7");
	AUTO_FREE char *seen = naming("7", "echo 0; echo 8");
	AUTO_FREE char *script = xasprintf("%s%s%s", nobody, other, seen);

	put_socket("s", geteuid());
	all_print(script, "live 0\nlive 0\nlive 8\n");
}

/* As while its process ends, or a directory of /proc changes. */
TEST(one_that_is_not_seen_once_is_looked_for_again)
{
	AUTO_FREE char *own = naming("7", "[ -e tried ] || { : >tried; echo 0; "
					  "return; }; echo 7");
	AUTO_FREE char *gone = naming("0", "[ -e tried ] || echo 0; : >tried");
	AUTO_FREE char *script = xasprintf("%s%s", own, gone);

	put_socket("s", geteuid());
	all_print(script, "free\nfree\n");
}

/* The shells whose reader has our output open, too, would wait. */
TEST(a_name_is_not_known_when_processes_do_not_answer)
{
	AUTO_FREE char *name = naming("0", "cat fifo");
	AUTO_FREE char *script = xasprintf("mkfifo fifo; name_time=1\n%s"
					   "echo >fifo; rm fifo\n",
					   name);
	AUTO_FREE char *bin = as_sh("dash");
	AUTO_FREE char *out = NULL;

	if (!bin) {
		skip();
		return;
	}
	put_socket("s", geteuid());
	put("script", script, 0600);
	out = output_of(bin, "sh script");
	assert_string_equal(out, "unknown\n");
}

/* --- the probe of a link -------------------------------------------------- */

TEST(all_that_is_sent_is_taken)
{
	in_each("head -c 70000000 /dev/zero | sh script && echo all",
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

	all_print(script, "process UP\nwhole\nabove\n");
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

	all_print(script, "run-2\nrun-3\nrun-4\nrun-5\n"
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

	all_print(script, "run-2\nrun-2\nnone\n");
}

TEST(an_arrival_is_found_by_its_process)
{
	AUTO_FREE char *script = xasprintf(
		"%smkdir -p r/in-a r/in-b; key= other=\n"
		"echo 7 8 >r/in-a/pid; echo run=run-1 >r/in-a/marker\n"
		"arriving r 7 8; arriving r 7 9; arriving none 7 8\n"
		"key=b other=r; arriving none 7 8; arriving r 7 9; rm -r r\n",
		arriving_sh);

	all_print(script, "run=run-1\ndirectory=r/in-a\ndirectory=r/in-b\n");
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

	all_print(script, "in_session=1\nuser=vm\nLinger=no\n"
			  "KillUserProcesses=yes\n");
}

TEST(it_is_asked_about_a_users_manager)
{
	AUTO_FREE char *script =
		xasprintf("loginctl() { echo \"$*\"; }\nof=\"it's\"\n(\n%s)\n"
			  "loginctl() { echo none >&2; return 1; }\n(\n%s)\n",
			  lingering_manager_sh, lingering_manager_sh);

	all_print(script, "show-user it's -p Linger\n");
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

	all_print(script, "--user daemon-reload\n[Service]\nRestart=no\n"
			  "--user daemon-reload\n--user daemon-reload\n"
			  "--user daemon-reload\n");
}
