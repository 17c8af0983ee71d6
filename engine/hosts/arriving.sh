# SPDX-License-Identifier: MIT
# arriving ROOT PID TICKS: prints the mark of the run that brings process PID,
# and the directory with it; arrival.h has the contract. A mark that another
# user's vmferry has left is seen, but not read: $key is the name that it would
# have, $other the root that it would be in.
# shellcheck shell=sh disable=SC2154
arriving() {
	for l in "$1"/in-*; do
		p=; t=
		read -r p t <"$l/pid" && [ "$p $t" = "$2 $3" ] || continue
		cat "$l/marker"
		echo "directory=$l"
		return
	done 2>/dev/null
	[ -z "$key" ] || [ "$other" = "$1" ] || [ ! -e "$other/in-$key" ] ||
		echo "directory=$other/in-$key"
}
