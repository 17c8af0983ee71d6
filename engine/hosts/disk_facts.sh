# SPDX-License-Identifier: MIT
# What a file is and where it lies; disk_facts.h has the contract. Needs the
# functions of file_mark.sh and disk_nonce.sh.
#
# $job: look, make or see, which is about $nonce, whose record is $record;
# $sample: not empty to read blocks of devices.
# shellcheck shell=sh disable=SC2016,SC2046,SC2086,SC2154
# Of the last mount on the way, since that is the one seen: "TYPE SOURCE ROOT
# POINT OPTIONS", as the kernel writes them, without blanks.
mount_line() {
	best=
	found=
	while read -r _ _ _ root point _ rest; do
		at=$point
		case $point in
		*\\*) at=$(printf %b "$(printf %s "$point" |
			sed 's/\\/\\0/g')") ;;
		esac
		# bash takes an empty "" before a slash for no match
		at=${at%/}/
		case $1/ in
		"$at"*)
			[ ${#at} -lt ${#best} ] || {
				best=$at
				found="$root $point  $rest"
			} ;;
		esac
	done </proc/self/mountinfo
	set -f
	set -- ${found%% *} $(printf %s "${found#* }" | sed 's/ .* - / /')
	set +f
	mount="${3:--} ${4:--} ${1:--} ${2:--} ${5:--}"
}
# Sixteen blocks from the first to the last, past the page cache.
read_blocks='step=1
[ "$2" -le 16 ] || step=$((($2 - 1) / 15))
i=0
while [ $i -lt "$2" ] && [ $i -le $((15 * step)) ]; do
	dd if="$1" bs=65536 skip=$i count=1 iflag=direct 2>/dev/null |
		sha256sum | cut -c1-16
	i=$((i + step))
done'
# A hash of nothing says that it could not be read.
samples_of() {
	words=$(ask_user sh -c "$read_blocks" sh "$1" "$2" 2>/dev/null)
	case $words in
	''|*e3b0c44298fc1c14*)
		[ -n "$user" ] && is_roots "$1" &&
			words=$(sh -c "$read_blocks" sh "$1" "$2") ;;
	esac
	case $words in
	''|*e3b0c44298fc1c14*) return ;;
	esac
	echo $words | tr ' ' ','
}
# hash_of SECONDS PATH: by root only where the user may not and the name is root's.
hash_of() {
	words=$(ask_user timeout "$1" sha256sum -- "$2" 2>/dev/null)
	[ -n "$words" ] || {
		place=$(readlink -f -- "$2")
		[ -n "$user" ] && is_roots "$place" &&
			words=$(timeout "$1" sha256sum -- "$place")
	}
	words=${words#\\}
	echo "${words%% *}"
} 2>/dev/null
nonce_job() {
	case $job in
	make) nonce_make "$1" && answer=made || answer=refused ;;
	see) nonce_is_there "$1" && answer=seen || answer=unseen ;;
	*) answer=- ;;
	esac
}
# disk PATH: one line.
disk() {
	place=$(readlink -f -- "$1") && [ -e "$place" ] || { echo -; return; }
	dir=${place%/*}/
	kind=o size=0 id=- samples=-
	if [ -d "$place" ]; then kind=d dir=${place%/}/
	elif [ -f "$place" ]; then kind=f
	elif [ -b "$place" ]; then
		kind=b
		set -- $(describe_device $(stat -c '%t %T' -- "$place"))
		size=$(($2 * 512))
		id=$3
		[ -z "$sample" ] ||
			samples=$(samples_of "$place" $((size / 65536)))
	fi
	[ "$dir" = "${last-}" ] || {
		last=$dir
		mount_line "${dir%/}"
		dir_mount=$mount
		case $kind$dir in
		[bo]*|*'
'*) answer=- last= ;;
		*) nonce_job "$dir" ;;
		esac
	}
	case $kind in [bo]) answer=- ;; esac
	mount=$dir_mount
	[ $kind != f ] || mount_line "$place"
	set -- $(stat -c '%d %i %s %t:%T %.9W' -- "$place")
	[ $kind = b ] || size=$3
	born=$(printf %s "$5" | tr -d .)
	case $born in *[!0-9]*|0*) born=0 ;; esac
	base=$(printf %s "${place##*/}" | cksum | tr ' ' :)
	over=-
	[ "$best" != "$place/" ] || [ $kind = d ] || over=over
	echo "$kind $1 $2 $size $4 $born $(stat -f -c %t -- "$place")" \
		"$answer $base $over ${id:--} ${samples:--} $mount"
}
# Storage that other hosts may have, too, and what is to be mounted at boot.
is_network() {
	case $1 in
	nfs*|cifs|smb*|ceph|9p|virtiofs|fuse.*|gfs2|ocfs2|lustre|afs|gpfs|\
	beegfs|orangefs) return 0 ;;
	esac
	return 1
}
mounts() {
	set -f
	while read -r _ _ _ root point _ rest; do
		rest=" $rest"
		set -- ${rest#* - }
		! is_network "$1" || echo "mount $1 $2 $root $point"
	done </proc/self/mountinfo
	while read -r source point type _; do
		case $source in ''|'#'*) continue ;; esac
		! is_network "$type" || echo "fstab $type $source / $point"
	done </etc/fstab
	set +f
} 2>/dev/null
