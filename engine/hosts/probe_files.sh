# SPDX-License-Identifier: MIT
# f PATH: "inode size rw magic type words" of what it leads to, or "-". magic is
# the number of its file system, in hex; rw is what $user, of $group, may do with
# it, or this login if $user is empty; "??" if that cannot be tried. Needs
# ask_user.
# shellcheck shell=sh disable=SC2016,SC2154
may='r=-; w=-; [ -r "$1" ] && r=r; [ -w "$1" ] && w=w; echo $r$w'
f() {
	if [ -n "$user" ]; then
		setpriv --init-groups --reuid "$user" --regid "$group" \
			sh -c "$may" sh "$1"
	else
		sh -c "$may" sh "$1"
	fi
}
f() {
	a=$(ask_user sh -c "$may" sh "$1" 2>/dev/null)
	m=$(stat -L -f -c %t -- "$1" 2>/dev/null)
	stat -L -c "%i %s ${a:-??} ${m:-0} %F" -- "$1" 2>/dev/null || echo -
}
