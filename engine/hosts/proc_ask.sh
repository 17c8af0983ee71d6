# SPDX-License-Identifier: MIT
# Questions to /proc that end; proc_ask.h has the contract.
# shellcheck shell=sh
# A user can make each reader of a process's memory wait, and not be ended: it
# runs in the background. The timeout of busybox keeps the output open for a
# second more.
timeout --version >/dev/null 2>&1 || timeout() { shift; "$@"; }
whole() {
	within=$1
	shift
	# in a subshell nothing of ours stays open
	text=$({ ("$@") 2>/dev/null </dev/null & } | timeout "$within" cat) ||
		return
	[ -z "$text" ] || cat <<-end
	$text
	end
}
uid_of() {
	case $1 in
	*[!0-9]*) id -u -- "$1" 2>/dev/null ;;
	*) echo "$1" ;;
	esac
}
# There may be more of them than one command line holds. No name of a process can
# look like such a line: the kernel escapes line feeds there.
pids_of() {
	pattern=
	for id; do
		pattern="$pattern
s|^/proc/\\([0-9]*\\)/status:Uid:.*[[:blank:]]${id}[[:blank:]].*|\\1|p"
	done
	echo /proc/[0-9]*/status | xargs grep -s '^Uid:' /dev/null |
		sed -n "$pattern"
}
