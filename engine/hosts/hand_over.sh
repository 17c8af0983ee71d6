# SPDX-License-Identifier: MIT
# Files that root opens for a guest; hand_over.h has the functions' contract.
# shellcheck shell=sh disable=SC2046
# Whether nobody but root can change what the names on the way to $1 lead to. In
# a directory with the sticky bit (first digit odd) nobody else can take away
# what is root's.
is_roots() {
	at=$1
	while [ "$at" != / ]; do
		owner=$(stat -c %u -- "$at") || return 1
		at=${at%/*}
		at=${at:-/}
		set -- $(stat -c '%u %a' -- "$at")
		[ "$1" = 0 ] || return 1
		case $2 in
		*[2367] | *[2367]?)
			case $2 in
			[1357][0-7][0-7][0-7]) [ "$owner" = 0 ] || return 1 ;;
			*) return 1 ;;
			esac
			;;
		esac
	done
} 2>/dev/null
# may_hand PATH
may_hand() {
	place=$(readlink -f -- "$1") && is_roots "$place" || {
		echo "- -- - $(describe "$1")"
		return
	}
	m=r-
	[ -r "$place" ] || m=--
	[ ! -w "$place" ] || m=${m%-}w
	echo "y $m $(mark_of "$place") $(describe "$place")"
}
# hand FD MODE PATH ID
hand() {
	place=$(readlink -f -- "$3") && is_roots "$place" &&
		{ [ -f "$place" ] || [ -b "$place" ]; } &&
		[ "$(mark_of "$place")" = "$4" ] || {
		echo "$3 is not opened: it leads to another file than before" >&2
		exit 1
	}
	case $2 in
	rw) eval "exec $1<>\"\$place\"" ;;
	*) eval "exec $1<\"\$place\"" ;;
	esac
	[ "$(mark_of "/proc/self/fd/$1")" = "$4" ] || exit 1
}
