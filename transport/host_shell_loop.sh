# SPDX-License-Identifier: MIT
# Runs commands, one after another, as long as they come: host_shell.h has what
# goes in and out. What a command leaves of its input is dropped.
# shellcheck shell=sh
mark() { printf '\n%s %d\n' "$mark" "$1"; printf '\n%s %d\n' "$mark" "$1" >&2; }
read -r mark
mark 0
while read -r length input; do
	command=$(head -c "$length")
	if [ "$input" = 0 ]; then
		(eval "exec $command") </dev/null
	else
		head -c "$input" | {
			(eval "exec $command")
			status=$?
			cat >/dev/null
			exit $status
		}
	fi
	mark $?
done
