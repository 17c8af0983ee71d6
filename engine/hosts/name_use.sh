# SPDX-License-Identifier: MIT
# name_use KIND NAME: who has the name that a file of a guest is to get;
# name_use.h has the contract. A name is a file of ours in the eyes of another
# process when it leads to the same file there, whatever its namespaces are.
#
# The kernel lists a listening socket under the name it was bound to. Where ss(8)
# is installed it also says which file that is by now.
#
# Only processes are asked whose user may have the name: who has it open besides
# cannot keep the guest from it.
# shellcheck shell=sh disable=SC2012,SC2016,SC2046,SC2086,SC2154,SC3013
# the processes of root, of this login, of the guest's user, of the owner of $1
askable() {
	pids_of 0 "$(id -u)" $(uid_of "$user") \
		$(stat -L -c %u -- "$1" 2>/dev/null)
}
# of $pids, the descriptors that are open on what the pattern $1 matches
descriptors() {
	if [ -n "$knows_lname" ]; then
		printf '/proc/%s/fd\n' $pids |
			xargs sh -c 'exec find "$@" -maxdepth 1 -lname "$0"' "$1"
	else
		# alone a directory would have no heading
		printf '/proc/%s/fd\n' $pids | xargs ls -l /dev/null |
			while IFS= read -r line; do
			case $line in
			/proc/*/fd:) at=${line%:} ;;
			*" -> "$1) line=${line%%" -> "*}
				echo "$at/${line##* }" ;;
			esac
		done
	fi
} 2>/dev/null
holders() { descriptors "$1" | cut -d / -f 3 | sort -un; }
# not every busybox does
knows_lname=
! find / -maxdepth 0 -lname x >/dev/null 2>&1 || knows_lname=1
# one process of each network namespace, this one first
net_of() {
	{
		ls -l /proc/self/ns/net
		printf '/proc/%s/ns/net\n' $pids | xargs ls -l
	} 2>/dev/null |
		sed -n 's|.* /proc/\([0-9a-z]*\)/ns/net -> \(.*\)|\2 \1|p' |
		sort -s -u -k 1,1 | cut -d ' ' -f 2
}
# "INODE NAME" of the sockets that listen. The kernel hands the list out in parts,
# and one that goes meanwhile can take another's place in it: read twice.
listening() {
	for net in $(net_of); do
		cat "/proc/$net/net/unix" "/proc/$net/net/unix"
	done 2>/dev/null | sed -n \
		's/^[^ ]* [^ ]* [^ ]* 0*1.... [^ ]* [^ ]*  *\([0-9]*\) /\1 /p' |
		sort -u
}
# is_file PID NAME FILE: what PID calls NAME is FILE
is_file() {
	case $2 in
	/*) [ "/proc/$1/root$2" -ef "$3" ] ;;
	*) [ "/proc/$1/cwd/$2" -ef "$3" ] ;;
	esac
}
# "INODE FILE DEVICE" of the sockets that listen, as ss shows them: which file each
# is by now, whatever its name was. No name can look like the end of such a line.
bound() {
	command -v ss >/dev/null || return 0
	ss -xlHe 2>/dev/null | sed -n 's|.* \([0-9]\{1,\}\) \* 0 .* ino:\([0-9]*\) dev:\([0-9/]*\)[peers: 0-9]*$|\1 \2 \3|p'
}
file_id() {
	set -- $(stat -L -c '%i %D' -- "$1" 2>/dev/null)
	[ $# = 2 ] || return 0
	n=$((0x$2))
	n=$(((n >> 8 & 0xfff) << 20 | n & 0xff | n >> 12 & 0xfff00))
	echo "$1 $((n >> 8 & 0xfff))/$((n & 0xff | n >> 12 & 0xffff00))"
}
# The socket $1, which ss does not show and nobody who was asked has open, listens
# under what is this file here. Below a root of its own a user may have any name,
# but the file that has it has another owner.
unseen() (
	cd /proc && pids=$(echo [0-9]*)
	who=$(holders "socket:\[$1\]")
	for pid in $who; do
		[ "/proc/$pid/ns/mnt" -ef /proc/self/ns/mnt ] &&
			[ "$(readlink "/proc/$pid/root")" = / ] && echo "$pid"
	done
	[ -n "$who" ] || echo 0
)
# who listens on $1; 0 for one that cannot be seen
listeners() {
	base=$(readlink -f -- "$1") || base=$1
	base=${base##*/}
	places=$(bound)
	listening | grep -F -- "$base" | while IFS= read -r line; do
		ino=${line%% *} name=${line#* }
		who=$(holders "socket:\[$ino\]")
		for pid in $who; do
			! is_file "$pid" "$name" "$1" || echo "$pid"
		done
		[ -n "$who" ] || echo "$places" | grep -q "^$ino " ||
			[ ! "$name" -ef "$1" ] || unseen "$ino"
	done
	echo "$places" | sed -n "s|^\([0-9]*\) $(file_id "$1")\$|\1|p" |
		while read -r ino; do
			who=$(holders "socket:\[$ino\]")
			echo "${who:-0}"
		done
}
# The kernel lists a socket a moment longer than its last descriptor, and find(1)
# passes over a directory that has changed: what nobody has is asked about again.
listener() {
	n=0
	while :; do
		seen=
		for pid in $(listeners "$1"); do
			[ "$pid" = 0 ] || [ "$pid" != "$except" ] || continue
			seen=$pid
			[ "$pid" = 0 ] || break
		done
		n=$((n + 1))
		[ "$seen" = 0 ] && [ $n -lt 5 ] || break
		sleep 0.1
	done
	[ -z "$seen" ] || echo "$seen"
}
opener() {
	escaped=$(readlink -f -- "$1" | sed 's/[][*?\\]/\\&/g')
	for fd in $(descriptors "$escaped"); do
		pid=${fd%/fd/*} pid=${pid##*/}
		[ "$pid" != "$except" ] && [ "$fd" -ef "$1" ] &&
			echo "$pid" && return
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
# A guest's pid file that is not open was written for it when it arrived. Of
# another user's process this login may see its name only.
is_guest() {
	program=$(readlink "/proc/$1/exe" || cat "/proc/$1/comm") 2>/dev/null
	case $program in
	*/qemu-*|qemu-*) [ "$1" != "$except" ] && [ "$1" != "$guest" ] ;;
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
	pids=1
	[ ! -S "$2" ] && [ ! -f "$2" ] || pids=$(askable "$2")
	# this shell is one of them
	if [ -z "$pids" ]; then echo unknown
	elif [ -S "$2" ]; then
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
use_then() {
	now=$(use_now "$1" "$2")
	[ -e "$2" ] || now=free
	echo "$now"
}
# Seconds for an answer; what does not answer once is not waited for again.
name_time=15
name_use() {
	use=$(whole "$name_time" use_then "$1" "$2") || name_time=1
	echo "${use:=unknown}"
}
