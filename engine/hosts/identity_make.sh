# SPDX-License-Identifier: MIT
# Makes a machine's id of our own, once: who comes second takes the first's.
# shellcheck shell=sh disable=SC2154
umask 077
id=$state/machine-id
if [ ! -s "$id" ]; then
	[ -d "$state" ] || { mkdir -p "$state" && chmod 711 "$state"; } || exit 1
	tr -d - </proc/sys/kernel/random/uuid >"$id.$$" || exit 1
	sync "$id.$$" 2>/dev/null
	ln "$id.$$" "$id" 2>/dev/null
	rm -f "$id.$$"
	sync "$state" "$state/.." 2>/dev/null
fi
say_line own_id "$id"
