# SPDX-License-Identifier: MIT
# Starts QEMU (the function `qemu`) and stays as its parent; launch_script.h has
# the contract. When its scope is stopped all of it gets the signal: QEMU ends,
# and this shell after it.
#
# A log file of QEMU's (-D), which it would empty, is a pipe to it, and what comes
# through is appended to the file, with the rights of the guest's user.
# shellcheck shell=sh disable=SC2016,SC2046,SC2154
trap : HUP INT TERM
# The guest itself can make QEMU write (-serial stdio), and $dir is in memory: no
# more than 1 MiB is kept, the rest is read and dropped, so that QEMU never waits.
# Blocks are small since a short line is one, too.
bounded() {
	dd bs=64 count=16384 2>/dev/null
	exec cat >/dev/null
}
append='true >>"$2" || set -- "$1" /dev/null; exec cat <"$1" >>"$2"'
logger=
if [ -n "$log" ] && (exec_as_user mkfifo -m 600 "$dir/log"); then
	exec_as_user sh -c "$append" sh "$dir/log" "$log" </dev/null &
	logger=$!
fi
readers=
if (umask 077; mkfifo "$lock/stdout" "$lock/stderr") 2>/dev/null; then
	bounded <"$lock/stdout" &
	readers=$!
	bounded <"$lock/stderr" >&2 &
	readers="$readers $!"
	qemu </dev/null >"$lock/stdout" 2>"$lock/stderr" &
else
	qemu </dev/null &
fi
pid=$!
ticks=$(ticks_of $pid)
# the umask is QEMU's
(umask 077; echo "$pid ${ticks:-0}" >"$lock/pid.new") && mv -f "$lock/pid.new" "$lock/pid"
cd /
exec </dev/null >/dev/null 2>&1
while [ "$(ticks_of $pid)" = "${ticks:-0}" ]; do wait $pid; done
[ -z "$logger" ] || [ -z "$(ticks_of $logger)" ] || wait $logger
tries=0
for r in $readers; do
	while [ -n "$(ticks_of "$r")" ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		sleep 0.02
	done
done
true >"$lock/flushed"
# until the run is over this is for vmferry, or its recovery, to clean up
while [ "$(cat "$lock/run")" = "$run" ]; do sleep 1; done
if [ -f "$record" ]; then departed "$record"
else remove_run_dir "$dir"; fi
