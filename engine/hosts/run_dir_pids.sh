# SPDX-License-Identifier: MIT
# run_dir_pids DIRECTORY UID...; proc_ask.h has the contract. A program that may
# do more than its user (file capabilities) hides its environment from that
# user's login, not its command line, which has the names of its sockets.
# shellcheck shell=sh disable=SC2086,SC2154
hidden_of() {
	for p; do
		{ true <"/proc/$p/environ"; } 2>/dev/null ||
			echo "/proc/$p/cmdline"
	done
}
run_dir_pids() {
	at=$1
	shift
	of=$(pids_of "$@")
	[ -n "$of" ] || return
	{
		printf '/proc/%s/environ\n' $of |
			xargs grep -lsF -e "$variable=$at" /dev/null
		hidden_of $of | xargs grep -lsF -e "$at/" /dev/null
	} | sed -n 's|^/proc/\([0-9]*\)/.*|\1|p'
}
