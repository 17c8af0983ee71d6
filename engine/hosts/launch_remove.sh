# SPDX-License-Identifier: MIT
# Ends a QEMU and removes what was made for it.
# shellcheck shell=sh disable=SC2046,SC2154
# A process may have a line feed in its name.
stat_of() { tr '\n' ' ' <"/proc/$1/stat" | sed 's/.*) //'; } 2>/dev/null
alive() {
	set -- $(stat_of "$pid")
	[ "${1:-Z}" != Z ] && [ "${20}" = "$ticks" ]
}
stop() {
	kill -$1 $pid 2>/dev/null
	n=0
	while alive && [ $n -lt $2 ]; do
		n=$((n + 1))
		sleep 0.05
	done
}
# a launch that was cut short has left its pid in the lock only
if [ -z "$pid" ] && [ "$(cat "$lock/run" 2>/dev/null)" = "$run" ]
then read -r pid ticks <"$lock/pid"; fi 2>/dev/null
if [ -n "$pid" ]; then
	alive && stop TERM 60
	alive && stop KILL 60
	alive && { echo "process $pid does not end" >&2; exit 1; }
fi
# one whose pid nobody came to note down
for f in $(grep -lsF "$variable=$dir" /proc/[0-9]*/environ); do
	f=${f#/proc/}; kill -KILL "${f%/environ}" 2>/dev/null
done
rm -rf "$dir" "${lock%/*}/new-$run" || exit 1
[ "$(cat "$lock/run" 2>/dev/null)" != "$run" ] || rm -rf "$lock"
