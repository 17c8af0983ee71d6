#!/bin/sh
# SPDX-License-Identifier: MIT
# Lists files of the tree in the current directory that are not empty, ignored
# ones left out.
#	tree_files.sh [PATTERN...]	git's: '*.c', 'engine/*.h', engine
# A tree without .git is a test's, and every file in it counts. Where git does
# not answer, one line says what to do, and the status is 1.
set -eu

# A git hook's variables name another index and repository.
# shellcheck disable=SC2046 # names without blanks
unset $(git rev-parse --local-env-vars 2>/dev/null) CDPATH

matching() {
	[ $# != 0 ] || set -- '*'
	for pattern in "$@"; do
		find . -type f \( -path "./$pattern" -o -path "./$pattern/*" \)
	done | sed 's,^\./,,' | sort -u
}

if [ ! -e .git ]; then
	found=$(matching "$@")
elif ! found=$(git ls-files --cached --others --exclude-standard -- "$@" 2>&1)
then
	hint="is this a git checkout, and is git installed?"
	case $found in
	*safe.directory*)
		hint="be its owner, or: git config --global --add"
		hint="$hint safe.directory '$PWD'"
		;;
	esac
	echo "git does not list the files of $PWD" \
		"($(echo "$found" | head -n 1)): $hint" >&2
	exit 1
fi
echo "$found" | while read -r f; do
	[ ! -f "$f" ] || [ ! -s "$f" ] || echo "$f"
done
