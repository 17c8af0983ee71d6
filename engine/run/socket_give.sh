# SPDX-License-Identifier: MIT
# give NOW PUBLIC ID USE NUMBER: the public name for what QEMU made at NOW, a
# socket or a pid file. It can be renamed within one file system only (a copy
# would be another inode). Elsewhere the public name of a socket becomes a
# symbolic link to it, and a pid file is written once more: a link would outlive
# the run directory, and QEMU cannot make its pid file at the end of such a link.
# $taken has the numbers of the names that others have by now. Prints for each
# name that was given which file it is, NOW and PUBLIC.
# shellcheck shell=sh disable=SC2034,SC2154
write_pid() (
	rm -f -- "$2" && set -C && cat <"$1" >"$2"
)
give() {
	[ -e "$1" ] || return 0
	case " $taken " in
	*" $5 "*)
		echo "$2 is in use by now, so $1 keeps its name" >&2
		rc=1
		return ;;
	esac
	d=$(dirname -- "$2")
	if [ "$(stat -c %d -- "$1")" = "$(stat -c %d -- "$d")" ]
	then mv -f -T -- "$1" "$2"
	elif [ "$4" = pid ]
	then write_pid "$1" "$2.vmferry" && mv -f -T -- "$2.vmferry" "$2"
	else
		ln -s -n -f -T -- "$1" "$2.vmferry" &&
			mv -f -T -- "$2.vmferry" "$2"
	fi || { echo "cannot give $1 its name $2" >&2; rc=1; return; }
	printf '%s\n' "$(stat -c %d:%i:%Y -- "$2")" "$1" "$2"
}
rc=0
