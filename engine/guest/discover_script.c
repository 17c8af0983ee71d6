/* SPDX-License-Identifier: MIT */
/*
 * discover_script: what is run on a host to read its /proc.
 *
 * POSIX sh as dash and busybox have it. One ls finds the candidates among
 * thousands of processes; only for those are programs started. What may hold
 * any byte is printed in hex, so that no name of a file or guest can forge a
 * line. Any step may fail because the process has just ended: then its `end`
 * or a key is missing, and the reader drops it.
 */
#include "engine/guest/discover_script.h"

const char discover_script[] =
	"LC_ALL=C; export LC_ALL; unset IFS\n"
	"echo vmferry-proc 1\n"
	"hex() { printf %s \"$1\"; od -An -v -tx1; echo; }\n"
	/* Numbers to names, without a program for each guest. */
	"lookup() {\n"
	"	while IFS=: read -r name _ id _; do\n"
	"		[ \"$id\" = \"$2\" ] && echo \"$1 $name\" && return 0\n"
	"	done 2>/dev/null <\"$3\"\n"
	"	return 1\n"
	"}\n"
	"user() {\n"
	"	lookup user \"$1\" /etc/passwd && return\n"
	"	name=$(id -un -- \"$1\" 2>/dev/null) && echo \"user $name\"\n"
	"}\n"
	"group() {\n"
	"	lookup group \"$1\" /etc/group && return\n"
	"	name=$(getent group \"$1\" 2>/dev/null) &&\n"
	"		echo \"group ${name%%:*}\"\n"
	"}\n"
	/* Variables end in NUL, unreadable for a shell: swapped for newline. */
	"environment() {\n"
	"	tr '\\000\\n' '\\n\\001' | while IFS= read -r line; do\n"
	"		case $line in\n"
	"		PWD=*|VMFERRY_*)\n"
	"			printf %s \"$line\" | tr '\\001' '\\n' | hex "
	"env ;;\n"
	"		esac\n"
	"	done\n"
	"}\n"
	"status() {\n"
	"	while IFS= read -r line; do\n"
	"		case $line in\n"
	"		PPid:*) parent=${line##*[!0-9]} ;;\n"
	"		Uid:*|Gid:*|Groups:*) ;;\n"
	"		*) continue ;;\n"
	"		esac\n"
	"		echo \"status $line\"\n"
	"		set -- $line\n"
	"		case $1 in\n"
	"		Uid:) user \"$3\" ;;\n"
	"		Gid:) group \"$3\" ;;\n"
	"		esac\n"
	"	done\n"
	"}\n"
	"lines() {\n"
	"	while IFS= read -r line; do printf '%s\\n' \"$1 $line\"; done\n"
	"}\n"
	"process() {\n"
	"	p=/proc/$1; parent=0\n"
	"	for ns in mnt net pid; do\n"
	"		[ $p/ns/$ns -ef /proc/self/ns/$ns ] || return 0\n"
	"	done\n"
	"	echo \"process $1\"\n"
	"	readlink $p/exe | hex exe\n"
	"	hex cmdline <$p/cmdline\n"
	"	readlink $p/cwd | hex cwd\n"
	"	environment <$p/environ\n"
	"	status <$p/status\n"
	"	[ \"$parent\" -gt 0 ] && hex parent </proc/$parent/cmdline\n"
	"	lines limits <$p/limits\n"
	"	lines cgroup <$p/cgroup\n"
	"	lines stat <$p/stat && echo end\n"
	"}\n"
	"ls -l /proc/[0-9]*/exe 2>/dev/null | while IFS= read -r line; do\n"
	"	case $line in\n"
	"	*\" -> \"*/qemu-system-*|*\" -> \"*/qemu-kvm*) ;;\n"
	"	*) continue ;;\n"
	"	esac\n"
	"	line=${line%%/exe -> *}\n"
	"	pid=${line##*/proc/}\n"
	"	case $pid in ''|*[!0-9]*) continue ;; esac\n"
	"	process \"$pid\" 2>/dev/null </dev/null\n"
	"done\n"
	"exit 0\n";

/*
 * A process of another user may be hidden from /proc (hidepid=), but kill
 * still knows it.
 */
const char discover_script_alive[] =
	"LC_ALL=C; export LC_ALL\n"
	"cat \"/proc/$1/stat\" 2>/dev/null && exit 0\n"
	"[ -e \"/proc/$1\" ] && exit 0\n"
	"case $( (kill -0 \"$1\") 2>&1) in\n"
	"*\"No such process\"*) echo gone ;;\n"
	"esac\n";

const char discover_script_real[] =
	"for path; do readlink -f -- \"$path\" || echo; done\n"
	"exit 0\n";
