#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks each include of the product against the table in layers.txt, and that
# no basename occurs twice.
#	layers.sh [TREE]	TREE: another tree than this one, for the tests
set -eu
unset CDPATH
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-"$here/../.."}"

every=$("$here/tree_files.sh" '*.c' '*.h')
every=$(echo "$every" | grep -v '^tests/')
sources=$(echo "$every" | grep -v '^tools/guest/')

bad=0
# shellcheck disable=SC2086 # names without blanks
awk '
function complain(text) {
	print text
	failed = 1
}
function folder_of(path) {
	return path ~ /\// ? substr(path, 1, match(path, /\/[^\/]*$/) - 1) : "."
}
function open_to(dir, what,	list, i, n) {
	may[dir, what] = 1
	n = split(all[what], list, " ")
	for (i = 1; i <= n; i++)
		may[dir, list[i]] = 1
}
FILENAME ~ /layers\.txt$/ {
	if (/^#/ || !NF)
		next
	row[$1] = 1
	for (i = 2; i <= NF; i++) {
		what = $i
		if (what ~ /^-/) {
			denied[$1] = denied[$1] " " substr(what, 2)
			continue
		}
		sub(/^\+/, "", what)
		dir = what ~ /\.h$/ ? folder_of(what) : what
		if (!(dir in row) || dir == $1)
			complain("layers.txt: " $1 " names " dir \
				", which has no row above it")
		all[$1] = all[$1] " " what
		may[$1, what] = 1
		if ($i ~ /^\+/) {
			all[$1] = all[$1] all[what]
			open_to($1, what)
		}
	}
	next
}
FNR == 1 {
	here = folder_of(FILENAME)
	if (!(here in row))
		complain(FILENAME ": its folder has no row in layers.txt")
}
/^#include "/ {
	split($0, part, "\"")
	there = folder_of(part[2])
	if (there != here && !((here, there) in may) &&
	    !((here, part[2]) in may))
		complain(FILENAME ":" FNR ": " here \
			" must not include " part[2])
}
/^#include </ {
	split($0, part, /[<>]/)
	n = split(denied[here], list, " ")
	for (i = 1; i <= n; i++)
		if (index(part[2], list[i]) == 1)
			complain(FILENAME ":" FNR ": " here \
				" must not include <" part[2] ">")
}
END { exit failed }
' tools/dev/layers.txt $sources >&2 || bad=1

twice=$(echo "$every" | sed 's,.*/,,' | sort | uniq -d)
if [ -n "$twice" ]; then
	echo "basenames that occur twice: $twice" >&2
	bad=1
fi
exit $bad
