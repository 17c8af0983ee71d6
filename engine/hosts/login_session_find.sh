# SPDX-License-Identifier: MIT
# Sets $session to this shell's own login. There may be a login shell between
# the two.
# shellcheck shell=sh disable=SC2034,SC2046
# A process may have a line feed in its name.
stat_of() { tr '\n' ' ' <"/proc/$1/stat" | sed 's/.*) //'; } 2>/dev/null
p=$PPID session=
while [ "${p:-0}" -gt 1 ]; do
	set -- $(stat_of "$p")
	case $(cat "/proc/$p/comm" 2>/dev/null) in
	sshd*) session="$p ${20}"; break ;;
	esac
	p=${2:-0}
done
