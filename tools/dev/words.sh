#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the first line of each source file and words that mark unfinished work.
set -eu
cd "$(dirname "$0")/../.."

bad=0
for f in $(git ls-files --cached --others --exclude-standard \
	'*.c' '*.h' '*.py' '*.sh' '*.S' '*.mk' 'Makefile'); do
	[ -s "$f" ] || continue
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' || {
		echo "$f: no SPDX line" >&2
		bad=1
	}
done
marks='TO''DO|FIX''ME|X''XX'
if git grep -nIE "\\b($marks)\\b" -- '*.c' '*.h' '*.py' '*.sh' Makefile; then
	bad=1
fi
long=$(git ls-files --cached --others --exclude-standard '*.c' '*.h' |
	while read -r f; do
		expand "$f" | LC_ALL=C.UTF-8 grep -nE '^.{81,}' |
			sed "s,:.*,: over 80 columns,;s,^,$f:,"
	done)
if [ -n "$long" ]; then
	echo "$long" >&2
	bad=1
fi
exit $bad
