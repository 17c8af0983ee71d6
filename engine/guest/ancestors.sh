# SPDX-License-Identifier: MIT
# ancestors PID: prints the processes above PID, nearest first; ancestors.h has
# the format.
#
# What an ancestor runs is read from its own open descriptor, so that no name is
# opened that somebody else can change. A shell keeps its script open as 255
# (bash) or as the first free one from 10 on (the others).
# shellcheck shell=sh disable=SC2046
# A process may have a line feed in its name.
stat_of() { tr '\n' ' ' <"/proc/$1/stat" | sed 's/.*) //'; } 2>/dev/null
put() { printf '%s ' "$1"; od -An -v -tx1 | tr -d ' \n'; echo; }
# It may have become a pipe by now, which must not be waited for.
head_of() { dd if="$1" iflag=nonblock bs=65537 count=1; }
script_of() {
	for n in 255 10 11 12 13 14 15 16; do
		[ -f "$1/fd/$n" ] || continue
		head_of "$1/fd/$n" | put text
		return
	done
}
ancestor() {
	p=/proc/$1
	echo "process $1"
	put comm <"$p/comm"
	readlink "$p/exe" | put exe
	put cmdline <"$p/cmdline"
	echo "state $2"
	echo "session $5"
	echo "tty $6"
	case $(readlink "$p/fd/0") in
	/dev/pts/* | /dev/tty* | /dev/console) echo stdin tty ;;
	esac
	[ -f "$p/fd/0" ] && head_of "$p/fd/0" | put input
	script_of "$p"
	echo end
}
ancestors() {
	set -- $(stat_of "$1")
	while [ "${2:-0}" -gt 0 ]; do
		up=$2
		set -- $(stat_of "$up")
		[ -n "${2:-}" ] || break
		ancestor "$up" "$1" "$2" "$3" "$4" "$5"
	done 2>/dev/null
	echo "above ${2:--}"
}
