# SPDX-License-Identifier: MIT
# Waits for the monitor's socket. A child that has died stays a zombie of this
# shell until it is waited for, so its state is asked for.
# shellcheck shell=sh disable=SC2154
pid=$!
exec 8>&- 9>&-
ticks=$(ticks_of $pid)
echo $pid $ticks >"$lock/pid"
trap - TERM
echo pid=$pid
echo ticks=$ticks
n=0
until [ -S "$monitor" ]; do
	if [ -z "$(ticks_of $pid)" ]; then
		wait $pid; echo died=$?; exit 0
	fi
	n=$((n + 1))
	[ $n -lt 300 ] || { echo slow=1; exit 0; }
	sleep 0.05
done
echo ready=1
