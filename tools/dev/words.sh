#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the first lines of each source file, marks of unfinished work, the
# width of lines, and that comments and names avoid the words of words.txt.
#	words.sh		the tree
#	words.sh FILE...	the words of words.txt in these files alone
#	words.sh --count	how often each of them occurs in the tree
set -eu
unset CDPATH

here=$(cd "$(dirname "$0")" && pwd)
table=$here/words.txt

# find_words MODE FILE...: prints each line with a word of the table (MODE is
# lines), or how many there are of each (MODE is count). Fails when it finds a
# line.
find_words() {
	mode=$1
	shift
	awk -v mode="$mode" -v table="$table" '
	BEGIN {
		while ((getline row < table) > 0) {
			if (row ~ /^#/ || split(row, part, /\t+/) < 2)
				continue
			name[++n] = part[1]
			pattern[n] = "(^|[^a-z])(" part[1] ")([^a-z]|$)"
		}
	}
	FNR == 1 {
		before = ""
	}
	{
		text = tolower($0)
		gsub(/"""/, " ", text)
		gsub(/"([^"\\]|\\.)*"/, "\"\"", text)
		# The words may be parted by the end of a line.
		rest = text
		sub(/^[[:blank:]*#>-]*/, "", rest)
		joined = before " " rest
		before = text
		for (i = 1; i <= n; i++) {
			here = text ~ pattern[i] ? text : joined
			if (here !~ pattern[i])
				continue
			found[i] += gsub(pattern[i], " ", here)
			if (mode == "lines")
				print FILENAME ":" FNR ": " $0
			any = 1
		}
		for (i = 1; i <= n; i++)
			gsub(pattern[i], " ", before)
	}
	END {
		for (i = 1; mode == "count" && i <= n; i++)
			print found[i] + 0 "\t" name[i]
		exit any
	}' "$@"
}

# list NAME PATTERN...: sets the variable, or ends the shell. No list is empty:
# awk would read its standard input.
list() {
	found=$(cd "$here/../.." && shift && "$here/tree_files.sh" "$@") || exit 1
	[ -n "$found" ] || {
		echo "words.sh: nothing to look at in $here/../.." >&2
		exit 1
	}
	eval "$1=\$found"
}

# shellcheck disable=SC2086,SC2154 # names without blanks; list sets them
case ${1-} in
'') cd "$here/../.." ;;
--count)
	cd "$here/../.."
	list texts '*.c' '*.h' '*.py' '*.sh' '*.md'
	find_words count $texts || true
	exit 0
	;;
*)
	find_words lines "$@"
	exit
	;;
esac

list licensed '*.c' '*.h' '*.py' '*.sh' '*.S' '*.mk' Makefile
list marked '*.c' '*.h' '*.py' '*.sh' Makefile
list narrow '*.c' '*.h'
list worded '*.c' '*.h' '*.py' '*.md' engine
bad=0
marks='TO''DO|FIX''ME|X''XX'
# shellcheck disable=SC2086,SC2154 # names without blanks; list sets them
awk '
FNR == 1 && name && !licensed { print name ": no SPDX line"; bad = 1 }
FNR == 1 { name = FILENAME; licensed = 0 }
FNR <= 3 && /SPDX-License-Identifier: MIT/ { licensed = 1 }
END {
	if (!licensed)
		print name ": no SPDX line"
	exit bad || !licensed
}' $licensed >&2 || bad=1
# shellcheck disable=SC2086,SC2154 # as above
if grep -HnIE "\\b($marks)\\b" $marked; then
	bad=1
fi
# Bytes that go on a character of UTF-8 count as none.
# shellcheck disable=SC2086,SC2154 # as above
LC_ALL=C awk '{
	width = 0
	n = split($0, part, "\t")
	for (i = 1; i <= n; i++) {
		gsub(/[\200-\277]/, "", part[i])
		width += length(part[i])
		if (i < n)
			width += 8 - width % 8
	}
	if (width > 80) {
		print FILENAME ":" FNR ": over 80 columns"
		bad = 1
	}
}
END { exit bad }' $narrow >&2 || bad=1
# shellcheck disable=SC2086,SC2154 # as above
find_words lines $worded >&2 || {
	echo "words.txt has better words for those" >&2
	bad=1
}
exit $bad
