# SPDX-License-Identifier: MIT
# Starts a program that listens on a UNIX socket in a directory of its own, for
# the moment that it takes to connect to it: "socket=NAME", "pid=" and "ticks=",
# or nothing where there is no such program. Whatever happens it is gone, with the
# directory, $seconds later. User $login (0: the login's own) is to connect. Needs
# ticks_of.
#
# ssh-agent comes with most servers of SSH; it talks to nobody but the user who
# runs it. A QEMU is not run by root: it may be a program of the guest's user.
# shellcheck shell=sh disable=SC2086,SC2154
as_login=
[ "$login" = 0 ] || as_login="setpriv --reuid $login --regid $login --clear-groups"
[ -z "$as_login" ] || command -v setpriv >/dev/null || exit 0
bounded=
! command -v timeout >/dev/null || bounded="timeout $seconds"
listen() {
	if command -v ssh-agent >/dev/null; then
		exec $as_login $bounded ssh-agent -D -a "$1"
	elif [ -n "$qemu" ] && [ "$(id -u)" != 0 ]; then
		exec $bounded "$qemu" -machine none -nodefaults -display none \
			-S -qmp "unix:$1,server=on,wait=off"
	fi
}
dir=
for base in "${XDG_RUNTIME_DIR:-/run}" /run "${TMPDIR:-/tmp}"; do
	dir=$(mktemp -d "$base/vmferry-XXXXXX" 2>/dev/null) && break
done
[ -n "$dir" ] || exit 1
at=$dir
if [ "$login" != 0 ]; then
	at=$dir/l
	chmod 711 "$dir" && mkdir -m 700 "$at" && chown "$login" "$at" || exit 1
fi
(
	listen "$at/s" &
	printf '%s %s\n' $! "$(ticks_of $!)" >"$dir/pid"
	wait $!
	rm -rf "$dir"
) </dev/null >/dev/null 2>&1 &
tries=0
until [ -S "$at/s" ] && read -r pid ticks <"$dir/pid"; do
	tries=$((tries + 1))
	[ -d "$dir" ] && [ $tries -lt 150 ] || exit 0
	sleep 0.02
done 2>/dev/null
printf 'socket=%s\npid=%s\nticks=%s\n' "$at/s" "$pid" "$ticks"
