# SPDX-License-Identifier: MIT
# forget DIR GUEST UUID; moved.h has the contract.
# shellcheck shell=sh
forget() {
	for f in "$1"/run-*; do
		[ -f "$f" ] || continue
		grep -qxF "uuid=$3" "$f" || continue
		[ -n "$3" ] || grep -qxF "guest=$2" "$f" || continue
		rm -f "$f" || return 1
	done
	[ ! -d "$1" ] || sync "$1" 2>/dev/null || sync
}
