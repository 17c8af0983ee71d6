/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/shell_text.c. */
#include "engine/guest/shell_text.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static void repeats(const char *text)
{
	if (!shell_text_repeats(text))
		fail_msg("no loop seen in: %s", text);
}

static void runs_once(const char *text)
{
	if (shell_text_repeats(text))
		fail_msg("a loop seen in: %s", text);
}

TEST(a_loop_is_seen)
{
	repeats("while true; do qemu; done");
	repeats("#!/bin/sh\nset -e\n\tuntil qemu; do sleep 1; done\n");
	repeats("for i in 1 2 3; do qemu; done");
	repeats("x=1; while :\ndo qemu\ndone");
	repeats("true && while :; do qemu; done");
	repeats("(while :; do qemu; done) &");
	repeats("if [ -e x ]; then while :; do qemu; done; fi");
	repeats("run() {\nwhile :; do qemu; done\n}\nrun");
	repeats("case $1 in start) while :; do qemu; done;; esac");
	repeats("echo a # comment\nwhile :; do qemu; done");
	repeats("A=b while");
}

TEST(a_text_that_runs_itself_is_seen)
{
	repeats("qemu\nexec \"$0\" \"$@\"\n");
	repeats("qemu; $0");
	repeats("qemu && sh \"$0\"");
	repeats("qemu\n. ${0}\n");
}

TEST(a_text_without_a_loop_is_none)
{
	runs_once("");
	runs_once("#!/bin/sh\n# while nobody looks\nexec qemu -name a\n");
	runs_once("echo \"wait a while\"; qemu");
	runs_once("echo 'do it for me' until; qemu for while");
	runs_once("cd \"$(dirname \"$0\")\" && qemu -m 1G -name \"$NAME\"");
	runs_once("qemu \\\n\t-drive file=/srv/while \\\n\t-m 1G\n");
	runs_once("[ $# -gt 0 ] || echo \"usage: $0\"; qemu ${1#while}");
	runs_once("qemu >log 2>&1 </dev/null; touch meanwhile");
}

TEST(what_cannot_be_read_to_its_end_is_taken_for_one)
{
	repeats("cat <<X\ndon't\nX\nqemu\n");
	repeats("cat <<X\ndon't\nX\nwhile :; do qemu; done; echo 'x'\n");
}

/* --- what comes after the guest ------------------------------------------- */

static void goes_on(const char *text)
{
	if (!shell_text_goes_on(text))
		fail_msg("no further start seen in: %s", text);
}

static void ends(const char *text)
{
	if (shell_text_goes_on(text))
		fail_msg("a further start seen in: %s", text);
}

TEST(a_text_that_cleans_up_ends)
{
	ends("qemu-system-x86_64 -name a\n");
	ends("#!/bin/sh\nset -e\n\"$@\"\nexit\n");
	ends("./net-up tap0; qemu-system-x86_64 -name a; ip link del tap0");
	ends("qemu; rc=$?; echo \"ended: $rc\" >>log; rm -f x; exit $rc\n");
	ends("cd /srv && QEMU=qemu-kvm\n$QEMU -m 1G >log 2>&1 </dev/null\n");
	ends("if [ -e x ]; then\n\tqemu -m 1G\nfi\nlogger done\n");
	ends("clean() { rm -f pid; }\ntrap clean EXIT\nqemu\nclean\n");
	ends("run() {\n\tqemu \"$@\"\n}\nrun -m 1G\n");
	ends("trap 'rm -f x' EXIT; trap - INT; \"$@\"");
	ends("case $1 in\nstart) qemu ;;\nstop|end) kill $p ;;\nesac\n");
	ends("n=$((n + 1)); t=$(date); qemu; echo \"$(date) $t\"");
	ends("command -v qemu-system-x86_64 >/dev/null || exit; qemu; true");
	ends("/opt/start-web1 a b; /bin/rm -f c");
	ends("sudo qemu-system-x86_64; true");
	ends("/opt/qemu/net-up a; qemu-img create x; qemu; ip link del a");
}

TEST(a_function_that_calls_itself_goes_on)
{
	goes_on("r() { \"$@\"; sleep 0.1; r \"$@\"; }\nr \"$@\"\n");
	goes_on("a() { qemu; b; }\nb() { sleep 1; a; }\na\n");
	goes_on("a() { b; }\nb() { a; }\na\n");
}

TEST(any_other_command_behind_the_guest_goes_on)
{
	goes_on("\"$@\"\nsleep 0.1\nexec /run/s/web1.sh \"$@\"\n");
	goes_on("\"$@\"\nexec \"$SELF\"\n");
	goes_on("qemu; sh web1.sh");
	goes_on("qemu; . ./again");
	goes_on("qemu; eval \"$x\"");
	goes_on("qemu || qemu");
	goes_on("/opt/start a; ./again");
	goes_on("./rm; ./rm");
	goes_on("qemu; systemd-run ./again");
	goes_on("qemu; echo \"$(./again)\"");
	goes_on("qemu; x=$(./again)");
	goes_on("qemu; echo `./again`");
	goes_on("qemu; >log ./again");
	goes_on("qemu; ip netns exec a ./again");
	goes_on("rm() { ./again; }\nqemu\nrm x\n");
}

TEST(a_trap_that_starts_something_goes_on)
{
	goes_on("trap ./again EXIT; qemu");
	goes_on("trap 'sleep 1; \"$0\"' EXIT\nqemu\n");
	goes_on("trap \"$again\" EXIT; qemu");
	goes_on("a() { ./again; }\ntrap a EXIT\nqemu\n");
}

TEST(many_functions_are_judged_in_time)
{
	AUTO_BUF struct buf b = { 0 };

	for (int i = 0; i < 60; i++)
		buf_printf(&b, "f%d() { f%d; f%d; }\n", i, i + 1, i + 1);
	buf_printf(&b, "f60() { true; }\nf0; qemu\n");
	ends(buf_data(&b));
	for (int i = 61; i < 100; i++)
		buf_printf(&b, "f%d() { true; }\n", i);
	goes_on(buf_data(&b));
}

TEST(what_cannot_be_followed_goes_on)
{
	goes_on("function r { qemu; }\nr\n");
	goes_on("r() (qemu)\nr\n");
	goes_on("qemu; echo 'x");
	goes_on("case $1 in start qemu");
}
