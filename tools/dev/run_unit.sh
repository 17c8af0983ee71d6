#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs cmocka programs, $JOBS at a time; prints what failed, and a total.
#	run_unit.sh PROGRAM...
# UNIT_RUNNER is put before each (valgrind, say).
set -u

# Runs one, and writes a line with its verdict to the file that is named first;
# nobody else prints meanwhile.
if [ "${1-}" = --one ]; then
	results=$2
	log=$results.$$
	verdict=failed
	# shellcheck disable=SC2086 # a runner is several words
	timeout 900 ${UNIT_RUNNER:-} "$3" >"$log" 2>&1 && verdict=passed
	exec 9>>"$results"
	flock 9
	echo $verdict >&9
	if [ $verdict = passed ]; then
		sed -nE 's/^\[  SKIPPED \] ([a-z_0-9]+)$/\1/p' "$log" | sort -u |
			sed "s/^/skipped: ${3##*/}./"
	else
		echo "FAILED: $3"
		cat "$log"
	fi
	rm -f "$log"
	exit 0
fi

results=$(mktemp)
trap 'rm -f "$results" "$results".*' EXIT
trap 'exit 130' INT TERM
printf '%s\0' "$@" | xargs -0 -n 1 -P "${JOBS:-1}" "$0" --one "$results"
passed=$(grep -c passed "$results")
failed=$(grep -c failed "$results")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" = $# ]
