# SPDX-License-Identifier: MIT
# Removal where a guest's user may have mounted a file system that never answers:
# a process that waits for it cannot be ended, so nobody waits for that process
# for long. Needs ask_user and ticks_of.
#
# in_time COMMAND...: its status, without output; 124 when it takes over 5 s, and
# then $waits is "PID TICKS" of what still runs.
# remove_run_dir DIRECTORY: with the rights of $user, since names in it lead
# anywhere; then the directory itself.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086
# In twentieths of a second.
most_tries=100
in_time() {
	("$@") </dev/null >/dev/null 2>&1 &
	tries=0
	while waits=$(ticks_of $!) && [ -n "$waits" ]; do
		tries=$((tries + 1))
		waits="$! $waits"
		[ $tries -lt $most_tries ] || return 124
		sleep 0.05
	done
	wait $!
}
# One that was not given to its user yet is ours.
remove_files() {
	if [ "$(stat -c %u -- "$1")" = "$(id -u)" ]; then
		rm -rf -- "$1"
		return
	fi
	ask_user sh -c 'cd "$1" && rm -rf -- ./* ./.[!.]*' sh "$1"
	rmdir -- "$1" || [ ! -e "$1" ]
}
remove_run_dir() { in_time remove_files "$1"; }
