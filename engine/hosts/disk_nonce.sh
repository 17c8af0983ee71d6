# SPDX-License-Identifier: MIT
# Files with names that nobody can guess; disk_facts.h has the contract. Needs
# ask_user, ticks_of, match_space and is_roots.
#
# A record is there before the first file is: the space and "PID TICKS" of who
# waits for the answer, user, group, then a directory a line, with its slash.
# That is this script's parent, or where it is a part of a pipe, which ends with
# it (host_shell_loop.sh), the shell that has forked it, of one command line.
# shellcheck shell=sh disable=SC2016,SC2034,SC2046,SC2154
made=
make_new='umask 077; set -C; true >"$1"'
command_of() { tr '\0' '\n' <"/proc/$1/cmdline"; }
nonce_begin() (
	umask 077
	top=${1%/*/*}
	# users pass through root's (state_dir.h)
	[ -d "$top" ] || { mkdir -p "$top" && chmod 711 "$top"; }
	mkdir -p "${1%/*}" && space=$(this_space) || return
	set -- "$1" $(stat_of $PPID)
	of=$3
	[ "$(command_of $PPID)" = "$(command_of "$of")" ] || of=$PPID
	printf '%s\n' "$space" "$of $(ticks_of "$of")" "$user" "$group" >"$1"
) 2>/dev/null
# With the rights of the guest's user; root's own only where nobody else can
# change what the directory's name leads to.
nonce_make() {
	case $made in *"|$1|"*) return 0 ;; esac
	# the question is asked once more where the first answer was lost
	! grep -qxF -- "$1" "$record" || [ ! -f "$1$nonce" ] || return 0
	[ -s "$record" ] || nonce_begin "$record" || return
	printf '%s\n' "$1" >>"$record" || return
	ask_user sh -c "$make_new" sh "$1$nonce" || {
		[ -n "$user" ] && is_roots "$1." &&
			sh -c "$make_new" sh "$1$nonce"
	} || return
	made="$made|$1|"
} 2>/dev/null
nonce_is_there() {
	[ -f "$1$nonce" ] || ask_user test -f "$1$nonce"
} 2>/dev/null
nonce_remove_one() {
	rm_as=ask_user
	[ -z "$user" ] || ! is_roots "$1." || rm_as=
	$rm_as rm -f -- "$1$2"
	[ ! -e "$1$2" ]
}
# nonce_remove RECORD [COMMAND]: it stays if a file of it does. COMMAND bounds
# the time that a file takes.
nonce_remove() {
	[ -f "$1" ] || return 0
	gone=1
	{
		read -r _ && read -r _ && IFS= read -r user &&
			IFS= read -r group || gone=
		while [ -n "$gone" ] && IFS= read -r dir; do
			$2 nonce_remove_one "$dir" ".vmferry-${1##*/}" ||
				gone=
		done
	} <"$1"
	[ -n "$gone" ] || return 1
	rm -f -- "$1"
	rmdir -- "${1%/*}" || true
} 2>/dev/null
# nonce_sweep DIRECTORY: of those for whose answer nobody waits any more.
nonce_sweep() {
	for record in "$1"/*; do
		[ -f "$record" ] || continue
		{ read -r space && read -r of; } <"$record"
		match_space "$space"
		case $match in
		same) [ "${of%% *} $(ticks_of "${of%% *}")" != "$of" ] || continue ;;
		elsewhere) continue ;;
		esac
		nonce_remove "$record" in_time
	done
}
