# SPDX-License-Identifier: MIT
# Starts QEMU (the function `qemu`) and stays as its parent; launch_script.h has
# the contract. When its scope is stopped all of it gets the signal: QEMU ends,
# and this shell after it.
#
# A log file of QEMU's (-D), which it would empty, is a pipe to it, and what comes
# through is appended to the file, with the rights of the guest's user.
# shellcheck shell=sh disable=SC2016,SC2046,SC2154
trap : HUP INT TERM
append='true >>"$2" || set -- "$1" /dev/null; exec cat <"$1" >>"$2"'
logger=
if [ -n "$log" ] && (exec_as_user mkfifo -m 600 "$dir/log"); then
	exec_as_user sh -c "$append" sh "$dir/log" "$log" </dev/null &
	logger=$!
fi
qemu </dev/null &
pid=$!
ticks=$(ticks_of $pid)
# the umask is QEMU's
(umask 077; echo "$pid ${ticks:-0}" >"$lock/pid.new") && mv -f "$lock/pid.new" "$lock/pid"
cd /
exec </dev/null >/dev/null 2>&1
while [ "$(ticks_of $pid)" = "${ticks:-0}" ]; do wait $pid; done
[ -z "$logger" ] || [ -z "$(ticks_of $logger)" ] || wait $logger
# until the run is over this is for vmferry, or its recovery, to clean up
while [ "$(cat "$lock/run")" = "$run" ]; do sleep 1; done
if [ -f "$record" ]; then departed "$record"
else remove_run_dir "$dir"; fi
