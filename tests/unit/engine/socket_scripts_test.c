/* SPDX-License-Identifier: MIT */
/* The scripts that lend, trust, move and look for sockets of guests. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/hosts/admit.h"
#include "engine/hosts/name_use.h"
#include "engine/run/socket_names.h"
#include "tests/unit/in_shells.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char guest_socket_lend_sh[], guest_socket_trust_sh[],
	guest_socket_leave_sh[];

TEST_FIXTURE(in_shells_setup, in_shells_teardown);

/* --- sockets of guests ---------------------------------------------------- */

/* A socket of the user @owner in the directory. */
static void put_socket(const char *name, uid_t owner)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO_FREE char *path = in_shells_path(name);
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
	buf_printf(b, "owner=65534 login=%d\n%s%s%s", (int)login, admit_sh,
		   guest_socket_lend_sh, guest_socket_trust_sh);
}

/* The new name's random letters are printed as T. */
static void trust_prints(const char *name, const char *expected)
{
	AUTO_FREE char *path = in_shells_path(name);
	AUTO_BUF struct buf script = { 0 };

	buf_printf(&script, "(\n");
	add_trust(&script, path, 0);
	buf_printf(&script,
		   ") >answer; sed 's/vmferry-[A-Za-z0-9]*/T/' answer\n"
		   "dir=$(sed -n 's/^dir=//p' answer)\n"
		   "[ -z \"$dir\" ] || (\n%s%s%s)\n"
		   "ls -d %s/.vmferry-* 2>/dev/null\n",
		   admit_sh, guest_socket_lend_sh, guest_socket_leave_sh,
		   in_shells_dir);
	in_shells(buf_data(&script), expected);
}

TEST(a_socket_of_the_user_s_gets_a_second_name)
{
	AUTO_FREE char *expected = xasprintf("at=%s/.T/s\ndir=%s/.T\n",
					     in_shells_dir, in_shells_dir);

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("its own", 65534);
	trust_prints("its own", expected);
}

TEST(nothing_else_is_trusted_as_a_socket)
{
	AUTO_FREE char *root = in_shells_path("root.sock");
	AUTO_FREE char *link = in_shells_path("link");

	if (geteuid()) {
		skip();
		return;
	}
	trust_prints("absent", "why=it does not exist\n");
	in_shells_put("file", "", 0600);
	trust_prints("file", "why=it is no socket\n");
	put_socket("root.sock", 0);
	trust_prints("root.sock", "why=it belongs to another user\n");
	assert_int_equal(symlink(root, link), 0);
	trust_prints("link", "why=it belongs to another user\n");
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
	buf_printf(b, "(\ndir=$dir%s\n%s%s%s)\n", tag, admit_sh,
		   guest_socket_lend_sh, guest_socket_leave_sh);
}

static const char whose[] = "stat -c '%u %a' \"$path\"\n";

TEST(a_socket_is_lent_to_the_login_user)
{
	AUTO_FREE char *path = in_shells_path("lent");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("lent", 65534);
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(chmod(in_shells_dir, 0711), 0);
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
	in_shells(buf_data(&script),
		  "64997 600\n64997 600\n0 711\nin\nout\n65534 775\ngone\n");
}

TEST(a_socket_that_is_lent_twice_comes_back_with_the_last)
{
	AUTO_FREE char *path = in_shells_path("twice");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("twice", 65534);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(chmod(in_shells_dir, 0711), 0);
	quote_assign(&script, "path", path);
	add_lending(&script, path, "1");
	add_lending(&script, path, "2");
	add_leaving(&script, "1");
	buf_printf(&script, "%s", whose);
	add_leaving(&script, "2");
	buf_printf(&script, "%s", whose);
	in_shells(buf_data(&script), "64997 600\n65534 750\n");
}

TEST(a_socket_whose_borrower_was_cut_off_comes_back)
{
	AUTO_FREE char *path = in_shells_path("cut off");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("cut off", 65534);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(chmod(in_shells_dir, 0711), 0);
	quote_assign(&script, "path", path);
	add_lending(&script, path, "1");
	buf_printf(&script, "touch -t 202001010000 "
			    "\"/run/vmferry/sockets/${dir1##*/.vmferry-}\"\n");
	add_lending(&script, path, "2");
	add_leaving(&script, "2");
	buf_printf(&script, "%s[ -e \"$dir1\" ] || echo gone\n", whose);
	in_shells(buf_data(&script), "65534 750\ngone\n");
}

/* Each of them sees that the other has it still. */
TEST(a_socket_that_is_left_by_several_at_once_comes_back)
{
	AUTO_FREE char *path = in_shells_path("at once");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("at once", 65534);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(chmod(in_shells_dir, 0711), 0);
	quote_assign(&script, "path", path);
	buf_printf(&script, "round() {\n");
	add_lending(&script, path, "1");
	add_lending(&script, path, "2");
	buf_printf(&script, "{\n");
	add_leaving(&script, "1");
	buf_printf(&script, "} &\n{\n");
	add_leaving(&script, "2");
	buf_printf(&script, "} &\nwait\n%s}\n", whose);
	buf_printf(&script,
		   "for n in 1 2 3 4 5 6 7 8; do round; done | sort -u\n");
	in_shells(buf_data(&script), "65534 750\n");
}

/* What its user makes beside it says nothing about whose it is. */
TEST(a_record_of_another_users_lends_nothing)
{
	AUTO_FREE char *path = in_shells_path("foreign");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("foreign", LOGIN);
	assert_int_equal(chmod(in_shells_dir, 01777), 0);
	quote_assign(&script, "path", path);
	buf_printf(&script,
		   "f=%s/.vmferry-forged; mkdir -p \"$f\"\n"
		   "ln -f \"$path\" \"$f/s\"; echo 65534 600 >\"$f/was\"\n"
		   "chown -R 65534 \"$f/was\" \"$f\"; chown 64997 \"$path\"\n",
		   in_shells_dir);
	add_lending(&script, path, "");
	buf_printf(&script, "rm -rf \"$f\"\n");
	in_shells(buf_data(&script), "why=it belongs to another user\n");
}

/* Of all in a file system of FUSE its user can say that it is root's. */
TEST(what_lies_beside_it_is_not_touched)
{
	AUTO_FREE char *path = in_shells_path("beside");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	put_socket("beside", 65534);
	in_shells_put("victim", "", 0600);
	assert_int_equal(chmod(in_shells_dir, 01777), 0);
	quote_assign(&script, "path", path);
	buf_printf(&script,
		   "f=%s/.vmferry-forged; mkdir -p \"$f\"\n"
		   "ln -sf %s/victim \"$f/s\"; echo 65534 4755 >\"$f/was\"\n"
		   "touch -t 202001010000 \"$f\"\n",
		   in_shells_dir, in_shells_dir);
	add_lending(&script, path, "");
	add_leaving(&script, "");
	buf_printf(&script,
		   "stat -c '%%u %%a' %s/victim\nls \"$f\"\nrm -rf \"$f\"\n",
		   in_shells_dir);
	in_shells(buf_data(&script), "0 600\ns\nwas\n");
}

TEST(a_directory_that_the_login_user_cannot_enter_lends_nothing)
{
	AUTO_FREE char *closed = in_shells_path("closed");
	AUTO_FREE char *path = in_shells_path("closed/s");
	AUTO_BUF struct buf script = { 0 };

	if (geteuid()) {
		skip();
		return;
	}
	assert_int_equal(mkdir(closed, 0700), 0);
	put_socket("closed/s", 65534);
	assert_int_equal(chmod(in_shells_dir, 0711), 0);
	quote_assign(&script, "path", path);
	add_lending(&script, path, "");
	/* the nearest one above it that he can */
	buf_printf(&script, "echo ${dir%%/*}\n");
	add_leaving(&script, "");
	AUTO_FREE char *expected = xasprintf("%s\n", in_shells_dir);
	in_shells(buf_data(&script), expected);
}

/* --- names of sockets ----------------------------------------------------- */

TEST(a_socket_gets_its_name_and_loses_it)
{
	AUTO_FREE char *now = in_shells_path("s0.sock");
	AUTO_FREE char *public = in_shells_path("it's a guest.qmp");
	AUTO_FREE char *keep = in_shells_path("keep");
	AUTO_BUF struct buf give = { 0 }, take = { 0 };
	struct argv_moves m = { .v = NULL };
	AUTO_FREE char *script = NULL;

	in_shells_put("s0.sock", "x", 0600);
	assert_int_equal(link(now, keep), 0);
	argv_moves_add(&m, now, public);
	socket_names_mark(&m);
	socket_names_give(&give, &m);
	socket_names_take(&take, &m);
	script = xasprintf("ln -f keep s0.sock\n"
			   "(\n%s) >/dev/null && ls *.qmp\n"
			   "(\n%s)\nls *.qmp 2>/dev/null || echo taken\n",
			   buf_data(&give), buf_data(&take));
	in_shells(script, "it's a guest.qmp\ntaken\n");
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
	in_shells(script, "live 0\nlive 0\nlive 8\n");
}

/* As while its process ends, or a directory of /proc changes. */
TEST(one_that_is_not_seen_once_is_looked_for_again)
{
	AUTO_FREE char *own = naming("7", "[ -e tried ] || { : >tried; echo 0; "
					  "return; }; echo 7");
	AUTO_FREE char *gone = naming("0", "[ -e tried ] || echo 0; : >tried");
	AUTO_FREE char *script = xasprintf("%s%s", own, gone);

	put_socket("s", geteuid());
	in_shells(script, "free\nfree\n");
}

/* The shells whose reader has our output open, too, would wait. */
TEST(a_name_is_not_known_when_processes_do_not_answer)
{
	AUTO_FREE char *name = naming("0", "cat fifo");
	AUTO_FREE char *script = xasprintf("mkfifo fifo; name_time=1\n%s"
					   "echo >fifo; rm fifo\n",
					   name);
	AUTO_FREE char *out = NULL;

	put_socket("s", geteuid());
	in_shells_put("script", script, 0600);
	out = in_shells_output("dash", "sh script");
	if (!out) {
		skip();
		return;
	}
	assert_string_equal(out, "unknown\n");
}
