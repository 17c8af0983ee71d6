# SPDX-License-Identifier: MIT
# Whether a host can take one more guest; admit.h has the functions' contract.
#
# The lock is on the directory itself, so that no file of it stays behind.
# flock(1) comes with setsid(1), without which nothing is launched; the loop is
# because not every flock(1) has a timeout.
#
# Resident memory is read before what is available: a page that is taken in
# between counts twice, never not at all. Pages of files do not count, they are
# given up when memory runs short. $cgroups is where a limit may be that is lower
# than what the host has; page cache within it can be given up, too. Version 1 of
# cgroups has other names for the same, and for none a number of nineteen digits.
# shellcheck shell=sh disable=SC2034,SC2046,SC2154
# A process may have a line feed in its name.
stat_of() { tr '\n' ' ' <"/proc/$1/stat" | sed 's/.*) //'; } 2>/dev/null
# a zombie does not live
ticks_of() { set -- $(stat_of "$1"); [ "${1:-Z}" != Z ] && echo "${20}"; }
locked() {
	exec 7<"$root"
	tries=0
	until flock -n 7 7<&7; do
		tries=$((tries + 1))
		[ $tries -lt 250 ] || return 1
		sleep 0.02
	done
}
# Whether somebody answers for the lock $1, by identity.h: what is recorded of
# another PID namespace or machine is not gone. $match says which it is. Without
# a file `space` it is of a version that judged by pid and start alone.
lives() {
	p=; t=; s=; match=same
	read -r p t <"$1/pid"
	[ -n "$p" ] || return 1
	! read -r s <"$1/space" || match_space "$s"
	case $match in
	same) [ "$(ticks_of "$p")" = "$t" ] ;;
	rebooted) return 1 ;;
	esac
} 2>/dev/null
say_busy() {
	echo "busy=$p"
	[ "$match" = same ] || echo "busy_elsewhere=1"
}
resident_of() {
	taken=0
	while read -r key n rest; do
		case $key in
		RssAnon: | RssShmem:) taken=$((taken + n)) ;;
		esac
	done <"/proc/$1/status"
}
arrival() {
	ram=0; guest=; id=
	read -r ram guest <"$1/ram"
	read -r id <"$1/run"
	case $ram in '' | *[!0-9]*) ram=0 ;; esac
	ram=$((ram / 1024))
	taken=0
	[ "$match" != same ] || resident_of "$p"
	[ $taken -le $ram ] || taken=$ram
	promised=$((promised + ram - taken))
	arriving=$((arriving + 1))
	printf 'arrival=%s %s %s %s\n' \
		$((ram - taken)) $taken "${id:-?}" "${guest:-?}"
}
# DIRECTORY, and in it: LIMIT USED, and before a name in STAT
below() {
	max=max; now=0; cache=0
	read -r max <"$1/$2"
	case $max in
	'' | *[!0-9]* | ???????????????????*) return ;;
	esac
	read -r now <"$1/$3"
	while read -r key n; do
		case $key in
		"$4active_file" | "$4inactive_file")
			cache=$((cache + n)) ;;
		esac
	done <"$1/memory.stat"
	n=$(((max - now + cache) / 1024))
	[ $n -gt 0 ] || n=1
	[ $n -ge $available ] || available=$n
}
# ROOT GROUP, and what below() takes
upwards() {
	c=$1${2%/}; top=$1; shift 2
	while [ $available -gt 0 ]; do
		below "$c" "$@"
		[ "$c" != "$top" ] && [ -n "$c" ] || break
		c=${c%/*}
	done 2>/dev/null
}
group_of() { sed -n "s/^$2//p" "/proc/$1/cgroup" 2>/dev/null; }
limited() {
	[ -n "$cgroups" ] || return 0
	upwards "$cgroups" "$(group_of "$1" 0::)" memory.max memory.current ''
	upwards "$cgroups/memory" "$(group_of "$1" '[0-9]*:memory:')" \
		memory.limit_in_bytes memory.usage_in_bytes total_
}
tally() {
	promised=0; arriving=0
	for l in "$root"/in-*; do
		[ "$l" = "$lock" ] || ! lives "$l" || arrival "$l"
	done 2>/dev/null
	available=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
	[ -n "$available" ] || available=0
	limited self
	echo available=$available
}
may_come() {
	[ $limit = 0 ] || [ $arriving -lt $limit ] || return 1
	[ $need = 0 ] || [ $available = 0 ] ||
		[ $((promised + need)) -le $available ]
}
