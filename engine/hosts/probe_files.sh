# SPDX-License-Identifier: MIT
# f PATH: "inode size rw type words" of what it leads to, or "-".
# shellcheck shell=sh
f() {
	r=-
	w=-
	[ -r "$1" ] && r=r
	[ -w "$1" ] && w=w
	stat -L -c "%i %s $r$w %F" -- "$1" 2>/dev/null || echo -
}
