# SPDX-License-Identifier: MIT
# end_session PID TICKS. Each process is stopped first, so that it starts nothing
# while its children are counted.
# shellcheck shell=sh disable=SC2046,SC2154
children_of() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
end_below() {
	for c in $(children_of "$1"); do
		kill -STOP "$c" 2>/dev/null
		(end_below "$c")
		kill -KILL "$c" 2>/dev/null
	done
}
end_session() {
	[ -n "${2:-}" ] && [ "$1 $2" != "$session" ] || return 0
	[ "$(ticks_of "$1")" = "$2" ] || return 0
	case $(cat "/proc/$1/comm" 2>/dev/null) in
	sshd*) ;;
	*) return 0 ;;
	esac
	kill -STOP "$1" 2>/dev/null
	end_below "$1"
	kill -KILL "$1" 2>/dev/null
}
