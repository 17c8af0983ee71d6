# SPDX-License-Identifier: MIT
# What is run on a host to read its /proc; discover_script.h has the format of
# what it prints.
#
# POSIX sh as dash and busybox have it. One ls finds the candidates among
# thousands of processes; only for those are programs started. What may hold
# any byte is printed in hex, so that no name of a file or guest can forge a
# line. Any step may fail because the process has just ended: then its `end`
# or a key is missing, and the reader drops it.
# shellcheck shell=sh disable=SC2012,SC2154,SC3013
LC_ALL=C; export LC_ALL; unset IFS
echo vmferry-proc 1
# More than that of a text is not read; a guest's command line is far shorter.
most_bytes=65536
hex() { printf %s "$1"; od -An -v -tx1 -N$most_bytes; echo; }
hex_of() { hex "$1" <"$2"; }
# One user's processes must not keep those of others from being found: reading
# them may take so long, in hundredths of a second. Root's are all read, each in
# half a minute.
most_time=600
# What the user $1 has left, in seconds, rounded up.
time_left() {
	left=3000
	[ "$1" = 0 ] || eval "left=\$((most_time - \${time_$1:-0}))"
	left=$(((left + 99) / 100))
}
now() { read -r now _ </proc/uptime; now=${now%.*}${now#*.}; }
may_read() { [ "$1" = 0 ] || eval "[ \${time_$1:-0} -lt $most_time ]"; }
add_time() { eval "time_$1=\$((\${time_$1:-0} + $2))"; }
# The effective user of process PID. The owner of its files in /proc is root for a
# program that its user may not read.
owner_of() {
	while read -r key _ owner _; do
		[ "$key" != Uid: ] || return 0
	done <"/proc/$1/status"
	return 1
} 2>/dev/null
is_qemu() {
	case $(readlink "/proc/$1/exe" 2>/dev/null) in
	*/qemu-system-*|*/qemu-kvm*) return 0 ;;
	*) return 1 ;;
	esac
}
# Numbers to names, without a program for each guest.
lookup() {
	while IFS=: read -r name _ id _; do
		[ "$id" = "$2" ] && echo "$1 $name" && return 0
	done 2>/dev/null <"$3"
	return 1
}
user() {
	lookup user "$1" /etc/passwd && return
	name=$(id -un -- "$1" 2>/dev/null) && echo "user $name"
}
group() {
	lookup group "$1" /etc/group && return
	name=$(getent group "$1" 2>/dev/null) &&
		echo "group ${name%%:*}"
}
# Variables end in NUL, unreadable for a shell: swapped for newline.
environment() {
	head -c $most_bytes | tr '\000\n' '\n\001' | while IFS= read -r line; do
		case $line in
		PWD=*|VMFERRY_*)
			printf %s "$line" | tr '\001' '\n' | hex env ;;
		esac
	done
}
status() {
	while IFS= read -r line; do
		case $line in
		PPid:*) parent=${line##*[!0-9]} ;;
		Uid:*|Gid:*|Groups:*|Umask:*) ;;
		*) continue ;;
		esac
		echo "status $line"
		set -- $line
		case $1 in
		Uid:) user "$3" ;;
		Gid:) group "$3" ;;
		esac
	done
}
lines() {
	while IFS= read -r line; do printf '%s\n' "$1 $line"; done
}
process() {
	p=/proc/$1; parent=0
	for ns in mnt net pid; do
		[ $p/ns/$ns -ef /proc/self/ns/$ns ] || return 0
	done
	echo "process $1"
	readlink $p/exe | hex exe
	hex cmdline <$p/cmdline
	readlink $p/cwd | hex cwd
	environment <$p/environ
	status <$p/status
	[ "$parent" -gt 0 ] && whole 1 hex_of parent "/proc/$parent/cmdline"
	lines limits <$p/limits
	lines cgroup <$p/cgroup
	printf 'stat %s\n' "$(tr '\n' ' ' <$p/stat)" && echo end
}
# A program's name may have a line feed and what looks like another line of ls: a
# line is no more than a hint at a process, which counts once.
seen=
# There may be more of them than one command line holds.
echo /proc/[0-9]*/exe | xargs ls -ln 2>/dev/null | sed -n '/\/qemu-/p' |
while IFS= read -r line; do
	case $line in
	*" -> "*/qemu-system-*|*" -> "*/qemu-kvm*) ;;
	*) continue ;;
	esac
	line=${line%%/exe -> *}
	pid=${line##*/proc/}
	case $pid in ''|*[!0-9]*) continue ;; esac
	case " $seen " in *" $pid "*) continue ;; esac
	owner_of "$pid" || continue
	seen="$seen $pid"
	may_read "$owner" || { echo "left-out $owner"; continue; }
	now; began=$now
	if is_qemu "$pid"; then
		time_left "$owner"
		whole "$left" process "$pid" || {
			echo "left-out $owner"
			add_time "$owner" $most_time
		}
	fi
	now; add_time "$owner" $((now - began))
done
exit 0
