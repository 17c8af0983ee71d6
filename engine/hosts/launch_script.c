/* SPDX-License-Identifier: MIT */
/* launch_script: shell that starts a QEMU on a host and removes it again. */
#include "engine/hosts/launch_script.h"

const char launch_script_limit[] =
	"limits=\n"
	"limit() {\n"
	"	prlimit --pid $$ \"--$1=$2:$3\" 2>/dev/null ||\n"
	"	prlimit --pid $$ \"--$1=$2:\" 2>/dev/null ||\n"
	"	limits=\"$limits $1\"\n"
	"}\n";

const char launch_script_make[] =
	"fail() { echo \"$1\" >&2; exit 1; }\n"
	"is_wanted() { [ -z \"$session\" ] ||\n"
	"	[ \"$(ticks_of ${session% *})\" = \"${session#* }\" ]; }\n"
	/* a clean-up that comes before QEMU's pid is known ends both */
	"trap '[ -z \"$!\" ] || kill -KILL $!; exit 1' TERM\n"
	"umask 077\n"
	"mkdir -p \"$root\" || fail \"cannot make $root\"\n"
	"[ \"$(id -u)\" != 0 ] || chmod 711 \"$root\"\n"
	"locked || fail \"cannot lock $root\"\n"
	"if [ -e \"$lock\" ]; then\n"
	"	read -r pid ticks 2>/dev/null <\"$lock/pid\"\n"
	"	if [ -n \"${pid:-}\" ] && [ \"$(ticks_of $pid)\" = \"$ticks\" "
	"]\n"
	"	then echo busy=$pid; exit 0; fi\n"
	"	rm -rf \"$lock\"\n"
	"fi\n"
	"tally\n"
	"if ! may_come; then echo full=1; exit 0; fi\n"
	"new=$root/new-$run\n"
	"fail() { rm -rf \"$new\" \"$lock\" \"$dir\"; echo \"$1\" >&2; exit 1; "
	"}\n"
	"mkdir \"$new\" || fail \"cannot make $new\"\n"
	"echo $$ $(ticks_of $$) >\"$new/pid\" &&\n"
	"printf '%s\\n' \"$run\" >\"$new/run\" &&\n"
	"printf '%s\\n' \"$marker\" >\"$new/marker\" &&\n"
	"echo $session >\"$new/session\" &&\n"
	"printf '%s\\n' \"$reserve\" >\"$new/ram\" || "
	"fail \"cannot write to $new\"\n"
	/* one that outlives its login comes after its own clean-up */
	"is_wanted || fail \"the login that wanted it is gone\"\n"
	"mv -T \"$new\" \"$lock\" || fail \"cannot make $lock\"\n"
	/* from here on it counts; QEMU must not inherit the lock */
	"exec 7<&-\n"
	"mkdir \"$dir\" || fail \"cannot make $dir\"\n"
	/* opened before its user may put links there */
	"true >\"$dir/stdout\" && true >\"$dir/stderr\" || "
	"fail \"cannot write to $dir\"\n"
	"exec 8>>\"$dir/stdout\" 9>>\"$dir/stderr\"\n"
	"chown \"$owner\" \"$dir\" || fail \"cannot give $dir to $owner\"\n";

/*
 * Waits for the monitor's socket; a child that has died stays a zombie of this
 * shell until it is waited for, so its state is asked for.
 */
const char launch_script_await[] =
	"pid=$!\n"
	"exec 8>&- 9>&-\n"
	"ticks=$(ticks_of $pid)\n"
	"echo $pid $ticks >\"$lock/pid\"\n"
	"trap - TERM\n"
	"echo pid=$pid\n"
	"echo ticks=$ticks\n"
	"n=0\n"
	"until [ -S \"$monitor\" ]; do\n"
	"	if [ -z \"$(ticks_of $pid)\" ]; then\n"
	"		wait $pid; echo died=$?; exit 0\n"
	"	fi\n"
	"	n=$((n + 1))\n"
	"	[ $n -lt 300 ] || { echo slow=1; exit 0; }\n"
	"	sleep 0.05\n"
	"done\n"
	"echo ready=1\n";

const char launch_script_remove[] =
	"alive() { set -- $(sed 's/.*) //' /proc/$pid/stat 2>/dev/null); "
	"[ \"${1:-Z}\" != Z ] && [ \"${20}\" = \"$ticks\" ]; }\n"
	"stop() { kill -$1 $pid 2>/dev/null; n=0\n"
	"	while alive && [ $n -lt $2 ]; do\n"
	"		n=$((n + 1)); sleep 0.05; done; }\n"
	/* a launch that was cut short has left its pid in the lock only */
	"if [ -z \"$pid\" ] && [ \"$(cat \"$lock/run\" 2>/dev/null)\" = "
	"\"$run\" ]\n"
	"then read -r pid ticks <\"$lock/pid\"; fi 2>/dev/null\n"
	"if [ -n \"$pid\" ]; then\n"
	"	alive && stop TERM 60\n"
	"	alive && stop KILL 60\n"
	"	alive && { echo \"process $pid does not end\" >&2; exit 1; }\n"
	"fi\n"
	/* one whose pid nobody came to note down */
	"for f in $(grep -lsF \"$variable=$dir\" "
	"/proc/[0-9]*/environ); do\n"
	"	f=${f#/proc/}; kill -KILL \"${f%/environ}\" 2>/dev/null\n"
	"done\n"
	"rm -rf \"$dir\" \"${lock%/*}/new-$run\" || exit 1\n"
	"[ \"$(cat \"$lock/run\" 2>/dev/null)\" != \"$run\" ] || "
	"rm -rf \"$lock\"\n";
