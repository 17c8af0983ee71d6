# SPDX-License-Identifier: MIT
# What a host is like; behind identity.sh, which sets $state.
# shellcheck shell=sh disable=SC2046,SC2154
echo uid=$(id -u)
ns() { readlink /proc/self/ns/$1; }
echo namespaces=$(ns mnt) $(ns net) $(ns pid)
echo memory=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null
then echo systemd=1; fi
if [ "$(id -u)" = 0 ]; then root=/run/vmferry
elif [ -d "${XDG_RUNTIME_DIR:-}" ]; then
	root=$XDG_RUNTIME_DIR/vmferry
else root=$HOME/.vmferry; fi
printf 'run_root=%s\n' "$root"
printf 'state_root=%s\n' "$state"
at=$root
until [ -d "$at" ] || [ -z "$at" ]; do at=${at%/*}; done
# blocks for others than root, their size, inodes in all and free
echo room=$(stat -f -c '%a %S %c %d' -- "${at:-/}" 2>/dev/null)
