#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that folders include only what stands to their right:
# tools -> engine -> qmp -> transport, and that no basename occurs twice.
set -eu
cd "$(dirname "$0")/../.."

bad=0
forbid() {
	if grep -nE "^#include \"($2)/" "$1"/*.[ch] "$1"/*/*.[ch] 2>/dev/null
	then
		echo "$1 must not include from: $2" >&2
		bad=1
	fi
}
forbid transport 'qmp|engine|tools|tests'
forbid qmp 'engine|tools|tests'
forbid engine 'tools|tests'
forbid tools 'tests'

twice=$(git ls-files --cached --others --exclude-standard '*.c' '*.h' |
	grep -vE '^tests/' | sed 's,.*/,,' | sort | uniq -d)
if [ -n "$twice" ]; then
	echo "basenames that occur twice: $twice" >&2
	bad=1
fi
exit $bad
