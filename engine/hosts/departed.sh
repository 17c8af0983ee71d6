# SPDX-License-Identifier: MIT
# Removes what a guest that has ended leaves on the host it was moved to;
# departed.h has the contract. What is its user's is removed with that user's
# rights: names lead anywhere, and a file system may be mounted in the directory.
# shellcheck shell=sh disable=SC2016,SC2094,SC2154
# note_arrival RECORD PID TICKS DIR, with the names on standard input
note_arrival() (
	umask 077
	begin() {
		top=.
		case $1 in */*/*) top=${1%/*/*} ;; esac
		# users pass through root's (state_dir.h)
		[ -d "$top" ] || { mkdir -p "$top" && chmod 711 "$top"; }
		mkdir -p "${1%/*}" && true >"$1.new"
	}
	# another guest that departs may remove the directory in between
	{ begin "$1" || begin "$1"; } 2>/dev/null && space=$(this_space) && {
		printf '%s\n' "$space" "${space%% *}" "$2 $3" "$4" "$user" \
			"$group"
		cat
	} >"$1.new" && mv -f -- "$1.new" "$1"
)
# Earlier versions noted a machine id and a boot, not the namespace.
departed_space() {
	case $1 in
	*' '*) echo "$1" ;;
	*) echo "$2 - ${1:--} - -" ;;
	esac
}
forget_arrival() {
	{
		read -r space && read -r boot _ && read -r of &&
			IFS= read -r at
	} <"$1" || return 0
	match_space "$(departed_space "$space" "$boot")"
	[ "$match $of $at" != "same $2 $3 $4" ] || rm -f -- "$1"
} 2>/dev/null
# What fails, or is ended by somebody, is tried again by the next command.
attempt() {
	in_time "$@"
	case $? in
	0) ;;
	124) hung=$waits ;;
	*) failed=1 ;;
	esac
}
# The second line has the process that does not come back, behind the boot.
keep_stuck() {
	stuck=${1%.stuck}.stuck
	if (umask 077; sed "2s/ .*//;2s/\$/ $hung/" "$1" >"$1.new") &&
		mv -f -- "$1.new" "$stuck"
	then [ "$1" = "$stuck" ] || rm -f -- "$1"
	else rm -f -- "$1.new"; fi
} 2>/dev/null
# Numbers of devices change with a reboot.
departed() {
	{
		read -r space && read -r boot _ && read -r pid ticks &&
			IFS= read -r dir && read -r user && read -r group ||
			return
		match_space "$(departed_space "$space" "$boot")"
		form=%i:%Y
		case $match in
		same)
			[ "$(ticks_of "$pid")" != "$ticks" ] || return
			form=%d:%i:%Y ;;
		elsewhere) return ;;
		esac
		set -- "$1" "$form"
		while IFS= read -r id && IFS= read -r at && IFS= read -r name
		do
			[ "$match" = same ] || id=${id#*:}
			set -- "$@" "$at" "$name" "$id"
		done
	} <"$1"
	record=$1
	shift
	hung=
	failed=
	[ $# = 1 ] || attempt ask_user sh -c "$take_all" sh "$@"
	attempt remove_files "$dir"
	[ -z "$hung" ] || keep_stuck "$record"
	[ -z "$hung$failed" ] || return
	rm -f -- "$record"
	rmdir -- "${record%/*}" 2>/dev/null
	true
}
# Earlier versions did not note the process.
is_stuck() {
	{ read -r space && read -r boot by ticks; } <"$1"
	read -r now </proc/sys/kernel/random/boot_id
	[ "$boot" = "$now" ] || return
	[ -z "$by" ] || [ "$(ticks_of "$by")" = "$ticks" ]
}
# The shell that waits for QEMU has the rights of this login, and QEMU itself is
# in the record.
is_kept() { kept=$(run_dir_pids "$1" "$(id -u)") || return 2; [ -n "$kept" ]; }
# After a reboot another process may have its number and time.
runs_on() {
	{ read -r space && read -r boot _ && read -r pid ticks; } <"$1" &&
		read -r now </proc/sys/kernel/random/boot_id &&
		[ "$boot" = "$now" ] && [ "$(ticks_of "$pid")" = "$ticks" ]
}
# What no shell waits for any more. Where that is not known, one may.
sweep() {
	for record in "$1"/*; do
		[ -f "$record" ] || continue
		case $record in
		*.stuck) ! is_stuck "$record" || continue ;;
		esac
		! runs_on "$record" || continue
		in_time is_kept "$(sed -n 4p "$record")"
		case $? in
		1) departed "$record" ;;
		124) return ;;
		esac
	done
}
