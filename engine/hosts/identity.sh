# SPDX-License-Identifier: MIT
# Whose processes this shell's /proc shows; identity.h has the contract. A /proc
# of another PID namespace than the shell's names the shell by another number.
# shellcheck shell=sh disable=SC2034
first_line() { l=; { read -r l <"$1"; } 2>/dev/null; }
say_line() { first_line "$2"; printf '%s=%s\n' "$1" "$l"; }
state=${XDG_STATE_HOME:-$HOME/.local/state}/vmferry
[ "$(id -u)" != 0 ] || state=/var/lib/vmferry
say_line hostname /proc/sys/kernel/hostname
say_line machine_id /etc/machine-id
say_line own_id "$state/machine-id"
[ -z "${token_file:-}" ] || say_line token "$token_file"
say_line boot_id /proc/sys/kernel/random/boot_id
first_line /proc/self/stat
[ "${l%% *}" != $$ ] ||
	printf 'pid_namespace=%s\n' "$(readlink /proc/$$/ns/pid)"
