# SPDX-License-Identifier: MIT
# Removes what a guest that has ended leaves on the host it was moved to;
# departed.h has the contract. What is its user's is removed with that user's
# rights: names lead anywhere, and a file system may be mounted in the directory.
# shellcheck shell=sh disable=SC2016,SC2094,SC2154
remove_run_dir() {
	ask_user sh -c 'cd "$1" && rm -rf -- ./* ./.[!.]*' sh "$1"
	[ ! -d "$1" ] || rmdir -- "$1"
} 2>/dev/null
# note_arrival RECORD PID TICKS DIR, with the names on standard input
note_arrival() (
	umask 077
	begin() { mkdir -p "${1%/*}" && true >"$1.new"; }
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
# Numbers of devices change with a reboot.
departed() {
	{
		read -r space && read -r boot && read -r pid ticks &&
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
	[ $# = 1 ] || ask_user sh -c "$take_all" sh "$@"
	remove_run_dir "$dir"
	rm -f -- "$record"
	rmdir -- "${record%/*}" 2>/dev/null
	true
}
# What no shell waits for any more.
sweep() {
	for record in "$1"/*; do
		[ -f "$record" ] || continue
		dir=$(sed -n 4p "$record")
		grep -qsF "$variable=$dir" /proc/[0-9]*/environ ||
			departed "$record"
	done
}
