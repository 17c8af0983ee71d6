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
end_of_run() {
	run_dir_pids "$dir" "$1" | while read -r p; do kill -KILL "$p"; done
}
unknown=
[ -n "$pid" ] || unknown=1
# a launch that was cut short has left its pid in the lock only
if [ -z "$pid" ] && [ "$(cat "$lock/run" 2>/dev/null)" = "$run" ]
then read -r pid ticks <"$lock/pid"; fi 2>/dev/null
if [ -n "$pid" ]; then
	alive && stop TERM 60
	alive && stop KILL 60
	alive && { echo "process $pid does not end" >&2; exit 1; }
fi
# The shell that waits for it, which has the rights of this login, and a QEMU
# whose pid nobody came to note down.
for of in $(id -u) ${unknown:+$(uid_of "$user")}; do
	in_time end_of_run "$of"
	[ $? != 124 ] || {
		echo "whether a QEMU of $dir runs is not known: processes of uid $of do not answer" >&2
		exit 1
	}
done
rm -rf "${lock%/*}/new-$run" || exit 1
remove_run_dir "$dir" || { echo "cannot remove $dir" >&2; exit 1; }
[ "$(cat "$lock/run" 2>/dev/null)" != "$run" ] || rm -rf "$lock"
[ -z "$token_file" ] || rm -f -- "$token_file"
