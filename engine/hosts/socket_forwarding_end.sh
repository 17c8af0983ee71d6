# SPDX-License-Identifier: MIT
# Ends what socket_forwarding_begin_sh has started as process $pid (started at
# $ticks), and waits for $dir to be removed. Needs ticks_of.
# shellcheck shell=sh disable=SC2154
[ "$(ticks_of "$pid")" != "$ticks" ] || kill "$pid"
tries=0
while [ -d "$dir" ] && [ $tries -lt 100 ]; do
	tries=$((tries + 1))
	sleep 0.02
done
