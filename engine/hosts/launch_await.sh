# SPDX-License-Identifier: MIT
# Waits for QEMU, which the shell that was started in the background starts, and
# then for the monitor's socket. A child that has died stays a zombie of its
# parent until it is waited for, so its state is asked for.
# shellcheck shell=sh disable=SC2154
keeper=$!
exec 8>&- 9>&-
n=0
tick() {
	n=$((n + 1))
	[ $n -lt 700 ] || { echo slow=1; exit 0; }
	sleep 0.02
}
lived() {
	[ -z "$(ticks_of "$1")" ] || return 0
	n=0
	# what it said last is on its way to the file
	until [ -e "$lock/flushed" ] || [ $n -ge 150 ]; do
		n=$((n + 1))
		sleep 0.02
	done
	echo died=1
	exit 0
}
while read -r pid ticks <"$lock/pid" && [ "$pid" = $$ ]; do
	lived $keeper
	tick
done
trap - TERM
echo "pid=$pid"
echo "ticks=$ticks"
until [ -S "$monitor" ]; do
	lived "$pid"
	tick
done
echo ready=1
