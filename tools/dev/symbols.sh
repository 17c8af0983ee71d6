#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that what an object exports is named after its file, so that a reader
# of a call knows where to look. A name may begin with
#	- the file's name (argv_moves_add in argv_moves.c),
#	- a shorter one of the same folder that the file's name continues
#	  (qmp_stop in qmp_status.c, beside qmp.h),
#	- a type that the file's own header, or that shorter one, defines
#	  (mono_now in clock.c: struct mono),
#	- what symbols.txt admits.
#	symbols.sh BUILD [TREE]	BUILD: within the tree, with its objects
set -eu
unset CDPATH
build=$1
here=$(cd "$(dirname "$0")" && pwd)
cd "${2:-"$here/../.."}"

every=$("$here/tree_files.sh" 'transport/*.[ch]' 'qmp/*.[ch]' 'engine/*.[ch]' \
	'tools/cli/*.[ch]')
headers=$(echo "$every" | grep '\.h$') || true

# shellcheck disable=SC2086 # names without blanks
echo "$every" | sed -n 's/\.c$//p' | while read -r f; do
	[ ! -f "$build/obj/$f.o" ] || nm -gP --defined-only "$build/obj/$f.o" |
		sed "s,^,$f.c ,"
done | awk '
function stem_of(path) {
	sub(/\.[ch]$/, "", path)
	return path
}
function begins(name, list,	word, i, n) {
	n = split(list, word, " ")
	for (i = 1; i <= n; i++)
		if (index(name, word[i]) == 1)
			return 1
	return 0
}
# The file itself, then the shorter names of its folder.
function fits(file, name,	stem, base) {
	stem = stem_of(file)
	for (;;) {
		base = stem
		sub(/.*\//, "", base)
		if ((stem in known) && (name == base ||
		    begins(name, base "_ " types[stem])))
			return 1
		if (base !~ /_/)
			return 0
		sub(/_[^_]*$/, "", stem)
	}
}
function admitted(file, name,	i) {
	for (i = 1; i <= rows; i++)
		if (index(file, place[i]) == 1 && index(name, start[i]) == 1)
			return 1
	return 0
}
FILENAME ~ /symbols\.txt$/ {
	if (!/^#/ && NF) {
		place[++rows] = $1
		start[rows] = $2
	}
	next
}
FILENAME != "-" {
	known[stem_of(FILENAME)] = 1
	if (/^(struct|enum) [a-z0-9_]+ {$/)
		types[stem_of(FILENAME)] = types[stem_of(FILENAME)] " " $2 "_"
	next
}
{
	known[stem_of($1)] = 1
	if (!fits($1, $2) && !admitted($1, $2)) {
		print $1 ": " $2 " is not named after its file"
		failed = 1
	}
}
END { exit failed }
' tools/dev/symbols.txt $headers - >&2
