#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs cmocka programs, $JOBS at a time; prints what failed, and a total.
#	run_unit.sh PROGRAM...
# UNIT_RUNNER is put before each (valgrind, say).
set -u

# Runs one, in a process group of its own, which timeout(1) ends as a whole when
# it is ended. Writes a line with its verdict to `results` in the directory that
# is named first; nobody else prints meanwhile.
one() {
	dir=$1
	log=$dir/log.$$
	verdict=failed
	trap 'kill "$child" && wait "$child"; exit 1' INT TERM
	# shellcheck disable=SC2086 # a runner is several words
	timeout 900 ${UNIT_RUNNER:-} "$2" >"$log" 2>&1 &
	child=$!
	wait $child && verdict=passed
	exec 9>>"$dir/results"
	flock 9
	echo $verdict >&9
	if [ $verdict = passed ]; then
		sed -nE 's/^\[  SKIPPED \] ([a-z_0-9]+)$/\1/p' "$log" | sort -u |
			sed "s/^/skipped: ${2##*/}./"
	else
		echo "FAILED: $2"
		cat "$log"
	fi
}

if [ "${1-}" = --one ]; then
	one "$2" "$3"
	exit 0
fi

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'kill "$all" && wait "$all"; exit 130' HUP INT TERM
: >"$scratch/results"
printf '%s\0' "$@" | xargs -0 -n 1 -P "${JOBS:-1}" \
	setpriv --pdeathsig TERM "$0" --one "$scratch" &
all=$!
wait $all
passed=$(grep -c passed "$scratch/results")
failed=$(grep -c failed "$scratch/results")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" = $# ]
