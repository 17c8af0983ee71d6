# SPDX-License-Identifier: MIT
# held PATH: how process $pid, which was started at $ticks and is wholly $uid's,
# has the file at PATH open; hand_over.h has the contract.
#
# All that is said of one descriptor is from one reading of its fdinfo: its
# process can put another file behind the number at any time. An inode counts on
# its mount alone; numbers of mounts that this process sees are not used again.
# Where one mount has files of several devices, each with numbers of its own (the
# subvolumes of btrfs, an overlay of several file systems), no inode counts: the
# device of what is open cannot be read together with the rest.
# What was opened with O_PATH (010000000) was opened with no rights at all.
# shellcheck shell=sh disable=SC2016,SC2046,SC2154
is_it() {
	[ "$(ticks_of "$pid")" = "$ticks" ] && set -- $(
		sed -n 's/^Uid://p' "/proc/$pid/status"
	) && [ "$*" = "$uid $uid $uid $uid" ]
}
# "FLAGS MOUNT INODE", one descriptor a line
open_descriptors() {
	is_it || return
	for info in /proc/"$pid"/fdinfo/*; do
		# in one piece
		set -- $(cat "$info")
		case "$1 $3 $5 $7" in
		'pos: flags: mnt_id: ino:') echo "$4 $6 $8" ;;
		esac
	done
} 2>/dev/null
mount_of() {
	best=; mount=; device=
	while read -r n _ numbers _ point _; do
		case $point in *\\*) point=$(printf %b "$point") ;; esac
		# bash takes an empty "" before a slash for no match
		point=${point%/}/
		case $1 in
		"$point"*)
			[ ${#point} -lt ${#best} ] || {
				best=$point; mount=$n; device=$numbers
			} ;;
		esac
	done </proc/self/mountinfo
}
open_mode() {
	mode=--
	while read -r flags on inode; do
		[ "$inode" = "$2" ] && [ "$on" = "$mount" ] &&
			[ $((0$flags & 010000000)) = 0 ] || continue
		case $((0$flags & 3)) in
		0) [ $mode = rw ] || mode=r- ;;
		2) mode=rw ;;
		esac
	done <<end
$1
end
}
# The number that stat(1) has for the device "MAJOR:MINOR".
device_number() {
	set -- "${1%:*}" "${1#*:}"
	echo $(($1 << 8 | $2 & 0xff | ($2 & 0xfff00) << 12))
}
held() {
	mode=--
	place=$(readlink -f -- "$1") && mount_of "$place" &&
		set -- "$1" $(stat -c '%i %d' -- "$place") && [ $# = 3 ] &&
		[ "$3" = "$(device_number "$device")" ] &&
		open_mode "$open" "$2"
	a=$(access_of "$1" 2>/dev/null)
	i=$(mark_of "$1")
	echo "$mode ${a:-??} ${i:--} $(describe "$1")"
}
open=$(open_descriptors)
is_it || open=
