#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs cmocka programs one after another; prints what failed, and a total.
# UNIT_RUNNER is put before each (valgrind, say).
set -u

failed=0
passed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for t in "$@"; do
	# shellcheck disable=SC2086 # a runner is several words
	if timeout 900 ${UNIT_RUNNER:-} "$t" >"$log" 2>&1; then
		passed=$((passed + 1))
		sed -nE 's/^\[  SKIPPED \] ([a-z_0-9]+)$/\1/p' "$log" | sort -u |
			sed "s/^/skipped: ${t##*/}./"
	else
		failed=$((failed + 1))
		echo "FAILED: $t"
		cat "$log"
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
