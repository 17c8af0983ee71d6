# SPDX-License-Identifier: MIT
# Whether there is a QEMU $binary, or one that PATH has as $base, and whether it
# knows the machine type $machine. Its user may have written that program.
# shellcheck shell=sh disable=SC2154
b=$(command -v "$binary" || PATH=$PATH:/usr/libexec command -v "$base") ||
	exit 0
printf 'path=%s\n' "$b"
printf 'version=%s\n' "$(ask_user "$b" -version |
	sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p;q')"
ask_user "$b" -machine help | while read -r name rest; do
	[ "$name" = "$machine" ] && echo machine=1
done
exit 0
