# SPDX-License-Identifier: MIT
# forget DIR GUEST UUID PID KEY; moved.h has the contract.
# shellcheck shell=sh
forget() {
	blank='[[:space:]][[:space:]]*'
	who=$(sed -n "s/^Uid:${blank}[0-9]*${blank}\([0-9]*\).*/\1/p" \
		"/proc/$4/status")
	[ -n "$who" ] || return 0
	for f in "$1"/run-*; do
		[ -f "$f" ] || continue
		grep -qxF "uuid=$3" "$f" || continue
		[ -n "$3" ] || is_called "$2" "$5" "$f" || continue
		of=$(sed -n 's/^uid=//p' "$f")
		[ "${of:-$(stat -c %u "$f")}" = "$who" ] || continue
		rm -f "$f" || return 1
	done
	[ ! -d "$1" ] || sync "$1" 2>/dev/null || sync
}
# NAME KEY MARK; one of an earlier version has the name alone
is_called() {
	if grep -q '^key=' "$3"; then
		grep -qxF "key=$2" "$3"
	else
		grep -qxF "guest=$1" "$3"
	fi
}
