# SPDX-License-Identifier: MIT
# What a file is, for comparisons; hand_over.h has the functions' contract.
# shellcheck shell=sh disable=SC2046
mark_of() { stat -L -c %d:%i:%t:%T -- "$1"; }
# Sizes of devices are in sectors. Numbers of a name of the kernel's are hex.
describe_device() {
	set -- /sys/dev/block/$((0x$1)):$((0x$2))
	size=$(cat "$1/size")
	for name in dm/uuid wwid device/wwid serial device/serial; do
		[ -s "$1/$name" ] || continue
		id=$name:$(tr -s ' \n' '__' <"$1/$name")
		break
	done
	echo "b ${size:-0} ${id:--}"
}
# By the time that it was made, in ns, and the kind of its file system.
describe_file() {
	set -- $(stat -L -c '%i %s %.9W' -- "$1") $(stat -L -f -c %t -- "$1")
	case $3 in
	*[!0-9.]* | 0*) born=- ;;
	*) born=${3%.*}${3#*.} ;;
	esac
	echo "f $1 $2 $born $4"
}
describe() {
	if [ -f "$1" ]; then describe_file "$1"
	elif [ -b "$1" ]; then describe_device $(stat -L -c '%t %T' -- "$1")
	else echo -
	fi
}
