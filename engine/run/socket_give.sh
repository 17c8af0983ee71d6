# SPDX-License-Identifier: MIT
# give NOW PUBLIC ID: a socket can be renamed within one file system only (a copy
# would be another inode); elsewhere the public name becomes a symbolic link to
# it.
# shellcheck shell=sh disable=SC2034
give() {
	[ -e "$1" ] || return 0
	d=$(dirname -- "$2")
	if [ "$(stat -c %d -- "$1")" = "$(stat -c %d -- "$d")" ]
	then mv -f -T -- "$1" "$2"
	else
		ln -s -n -f -- "$1" "$2.vmferry" &&
			mv -f -T -- "$2.vmferry" "$2"
	fi || { echo "cannot give $1 its name $2" >&2; rc=1; }
}
rc=0
