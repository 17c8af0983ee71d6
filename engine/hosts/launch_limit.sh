# SPDX-License-Identifier: MIT
# limit NAME SOFT HARD; launch_script.h has the contract. Without prlimit(1) a
# shell knows the two that a QEMU needs, with units of its own.
# shellcheck shell=sh disable=SC3045
limits=
kib() { if [ "$1" = unlimited ]; then echo "$1"; else echo $(($1 / 1024)); fi; }
ulimits() {
	case $1 in
	nofile) set -- n "$2" "$3" ;;
	memlock) set -- l "$(kib "$2")" "$(kib "$3")" ;;
	*) return 1 ;;
	esac
	# neither may ever be above the other
	ulimit -S "-$1" "$2"
	ulimit -H "-$1" "$3"
	[ "$(ulimit -S "-$1")" = "$2" ] || ulimit -S "-$1" "$2"
}
limit() {
	prlimit --pid $$ "--$1=$2:$3" 2>/dev/null ||
	prlimit --pid $$ "--$1=$2:" 2>/dev/null ||
	{ ! command -v prlimit >/dev/null && ulimits "$@" 2>/dev/null; } ||
	limits="$limits $1"
}
