#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the first lines of each source file, marks of unfinished work, the
# width of lines, and that comments and names avoid the words of words.txt.
#	words.sh		the tree
#	words.sh FILE...	the words of words.txt in these files alone
#	words.sh --count	how often each of them occurs in the tree
set -eu

table=$(cd "$(dirname "$0")" && pwd)/words.txt

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

files() {
	git ls-files --cached --others --exclude-standard -- "$@" |
		while read -r f; do [ ! -s "$f" ] || echo "$f"; done
}

case ${1-} in
'') cd "$(dirname "$0")/../.." ;;
--count)
	cd "$(dirname "$0")/../.."
	# shellcheck disable=SC2046 # names without blanks
	find_words count $(files '*.c' '*.h' '*.py' '*.sh' '*.md') || true
	exit 0
	;;
*)
	find_words lines "$@"
	exit
	;;
esac

bad=0
marks='TO''DO|FIX''ME|X''XX'
# shellcheck disable=SC2046 # names without blanks
awk '
FNR == 1 && name && !licensed { print name ": no SPDX line"; bad = 1 }
FNR == 1 { name = FILENAME; licensed = 0 }
FNR <= 3 && /SPDX-License-Identifier: MIT/ { licensed = 1 }
END {
	if (!licensed)
		print name ": no SPDX line"
	exit bad || !licensed
}' $(files '*.c' '*.h' '*.py' '*.sh' '*.S' '*.mk' Makefile) >&2 || bad=1
if git grep -nIE "\\b($marks)\\b" -- '*.c' '*.h' '*.py' '*.sh' Makefile; then
	bad=1
fi
# Bytes that go on a character of UTF-8 count as none.
# shellcheck disable=SC2046 # names without blanks
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
END { exit bad }' $(files '*.c' '*.h') >&2 || bad=1
# shellcheck disable=SC2046 # names without blanks
find_words lines $(files '*.c' '*.h' '*.py' '*.md' engine) >&2 || {
	echo "words.txt has better words for those" >&2
	bad=1
}
exit $bad
