/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/shell_text.c. */
#include "engine/guest/shell_text.h"
#include "tests/unit/test.h"
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
