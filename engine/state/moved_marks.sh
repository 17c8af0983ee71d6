# SPDX-License-Identifier: MIT
# marks DIR; moved.h has the contract.
# shellcheck shell=sh
marks() {
	[ -e "$1" ] || [ -x "${1%/*}" ] || [ ! -e "${1%/*}" ] || return 1
	[ -e "$1" ] || return 0
	[ -r "$1" ] && [ -x "$1" ] || return 1
	for f in "$1"/run-*; do
		[ -f "$f" ] || continue
		echo mark=
		head -c 16384 "$f" || return 1
		echo
	done
}
