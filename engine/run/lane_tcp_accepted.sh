# SPDX-License-Identifier: MIT
# Waits until process $pid has accepted a TCP connection at its port $port (four
# hexadecimal digits, as the kernel prints it): "peers=N", and "peer=ADDRESS:PORT"
# of the last of them, again as the kernel prints it. "peers=0" when it has not in
# two seconds; nothing where that cannot be seen.
# shellcheck shell=sh disable=SC2154
held_by_qemu() {
	case $(ls -l "/proc/$pid/fd" 2>/dev/null) in
	*"socket:[$1]"*) ;;
	*) return 1 ;;
	esac
}
accepted() {
	peers=0
	while read -r _ _ remote state _ _ _ _ _ inode _; do
		# established, and no longer waiting for it
		[ "$state" = 01 ] && [ "$inode" != 0 ] &&
			held_by_qemu "$inode" || continue
		peers=$((peers + 1))
		peer=$remote
	done <<end
$(grep -hi "^ *[0-9]*: [0-9A-F]*:$port " "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null)
end
	[ $peers -gt 0 ]
}
ls "/proc/$pid/fd" >/dev/null 2>&1 && [ -r "/proc/$pid/net/tcp" ] || exit 0
tries=0 pause=0.02
until accepted || [ $tries -ge 25 ]; do
	tries=$((tries + 1))
	[ $tries -lt 6 ] || pause=0.1
	sleep $pause
done
printf 'peers=%s\npeer=%s\n' "$peers" "${peer:-}"
