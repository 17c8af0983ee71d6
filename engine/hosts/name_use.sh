# SPDX-License-Identifier: MIT
# name_use KIND NAME: who has the name that a file of a guest is to get;
# name_use.h has the contract. A name is a file of ours in the eyes of another
# process when it leads to the same file there, whatever its namespaces are.
#
# The kernel lists a listening socket under the name it was bound to. Where ss(8)
# is installed it also says which file that is by now.
# shellcheck shell=sh disable=SC2012,SC2046,SC2086,SC2154,SC3013
holders() {
	find /proc/[0-9]*/fd -maxdepth 1 -lname "$1" 2>/dev/null |
		cut -d / -f 3 | sort -un
}
# one process of each network namespace, this one first
net_of() {
	{
		ls -l /proc/self/ns/net
		ls -l /proc/[0-9]*/ns/net
	} 2>/dev/null |
		sed -n 's|.* /proc/\([0-9a-z]*\)/ns/net -> \(.*\)|\2 \1|p' |
		sort -s -u -k 1,1 | cut -d ' ' -f 2
}
# "INODE NAME" of the sockets that listen
listening() {
	for net in $(net_of); do
		sed -n 's/^[^ ]* [^ ]* [^ ]* 0*1.... [^ ]* [^ ]*  *\([0-9]*\) /\1 /p' \
			"/proc/$net/net/unix"
	done 2>/dev/null
}
# is_file PID NAME FILE: what PID calls NAME is FILE
is_file() {
	case $2 in
	/*) [ "/proc/$1/root$2" -ef "$3" ] ;;
	*) [ "/proc/$1/cwd/$2" -ef "$3" ] ;;
	esac
}
# A socket that was renamed since: the device as ss shows it.
renamed() {
	command -v ss >/dev/null || return 0
	set -- "$1" $(stat -L -c '%i %D' -- "$1" 2>/dev/null)
	[ $# = 3 ] || return 0
	n=$((0x$3))
	n=$(((n >> 8 & 0xfff) << 20 | n & 0xff | n >> 12 & 0xfff00))
	n=$((n >> 8 & 0xfff))/$((n & 0xff | n >> 12 & 0xffff00))
	ss -xlHpe 2>/dev/null | grep -F " ino:$2 dev:$n " |
		sed -n 's/.*pid=\([0-9]*\),.*/\1/p'
}
listener() {
	{
		base=${1##*/}
		listening | grep -F -- "$base" | while read -r ino name; do
			who=$(holders "socket:\[$ino\]")
			[ -n "$who" ] || [ ! "$name" -ef "$1" ] || echo 0
			for pid in $who; do
				! is_file "$pid" "$name" "$1" || echo "$pid"
			done
		done
		renamed "$1"
	} | while read -r pid; do
		[ "$pid" = "$except" ] || { echo "$pid"; break; }
	done
}
opener() {
	escaped=$(readlink -f -- "$1" | sed 's/[][*?\\]/\\&/g')
	for pid in $(holders "$escaped"); do
		for fd in "/proc/$pid/fd"/*; do
			[ "$pid" != "$except" ] && [ "$fd" -ef "$1" ] &&
				echo "$pid" && return
		done
	done
}
# the pid in a pid file; status 1 if it is none
pid_in() {
	text=$(ask_user dd iflag=nonblock bs=32 count=1 if="$1" 2>/dev/null) ||
		return 1
	case $text in
	*[!0-9[:space:]]*) return 1 ;;
	esac
	echo $text
}
# A guest's pid file that is not open was written for it when it arrived.
is_guest() {
	case $(readlink "/proc/$1/exe" 2>/dev/null) in
	*/qemu-*) [ "$1" != "$except" ] && [ "$1" != "$guest" ] ;;
	*) return 1 ;;
	esac
}
use_of_file() {
	[ "$1" != log ] || { echo free; return; }
	pid=$(opener "$2")
	[ -z "$pid" ] || { echo "live $pid"; return; }
	[ "$1" = pid ] || { echo file; return; }
	pid=$(pid_in "$2") || { echo file; return; }
	if is_guest "$pid"; then echo "live $pid"; else echo free; fi
}
use_now() {
	if [ -S "$2" ]; then
		pid=$(listener "$2")
		if [ -n "$pid" ]; then echo "live $pid"
		elif [ "$1" = socket ]; then echo free
		else echo socket; fi
	elif [ -f "$2" ]; then use_of_file "$1" "$2"
	elif [ -d "$2" ]; then echo directory
	elif [ -e "$2" ] && [ "$1" != log ]; then echo file
	# a link that leads nowhere, or nothing
	else echo free; fi
}
# The source's name may be taken away at any moment.
name_use() {
	use=$(use_now "$1" "$2")
	[ -e "$2" ] || use=free
	echo "$use"
}
