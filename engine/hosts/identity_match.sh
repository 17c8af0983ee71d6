# SPDX-License-Identifier: MIT
# The rule of identity.h for scripts that keep a process in a file.
#
# this_space: prints whose processes this /proc shows, in one line of five words:
# boot, PID namespace, machine id, id of our own, host name; "-" where unknown.
# match_space LINE: sets $match: "same", "rebooted" or "elsewhere".
# shellcheck shell=sh disable=SC2016,SC2034,SC2086
word_of() { w=; { read -r w _ <"$1"; } 2>/dev/null; printf '%s ' "${w:--}"; }
id_of() {
	w=; { read -r w <"$1"; } 2>/dev/null
	case $w in *[!0-9a-f]*) w= ;; esac
	[ ${#w} = 32 ] || w=-
	printf '%s ' $w
}
this_space() (
	state=${XDG_STATE_HOME:-$HOME/.local/state}/vmferry
	[ "$(id -u)" != 0 ] || state=/var/lib/vmferry
	word_of /proc/sys/kernel/random/boot_id
	# a /proc of another namespace names the shell by another number
	n=$(sh -c 'read -r p _ <"/proc/self/stat"; [ "$p" != $$ ] ||
		readlink /proc/$$/ns/pid' 2>/dev/null)
	printf '%s ' "${n:--}"
	id_of /etc/machine-id
	id_of "$state/machine-id"
	word_of /proc/sys/kernel/hostname
	echo
)
match_space() {
	[ -n "${here_now:-}" ] || here_now=$(this_space)
	match=elsewhere
	set -- $1 $here_now
	[ $# = 10 ] || return 0
	m=$3
	[ "$m" != - ] || m=$4
	case $m in -|"$8"|"$9") ;; *) return 0 ;; esac
	if [ "$1" != - ] && [ "$1" = "$6" ]; then
		[ "$2" = - ] || [ "$2" != "$7" ] || match=same
	elif [ "$m" != - ] && [ "$1" != - ] && [ "$6" != - ] &&
		{ [ "$5" = - ] || [ "$5" = "${10}" ]; }
	then match=rebooted; fi
}
