# SPDX-License-Identifier: MIT
# The second name of a socket: s, in a directory of root's. Where somebody else
# than root is to connect to it, whose it was (user and mode) is there, too, as
# was. A socket that is connected to from several sides has several.
# shellcheck shell=sh
#
# Sets $other to another such directory, beside $1, of the socket of $1.
is_shared() {
	for other in "${1%/*}"/.vmferry-*; do
		[ "$other" != "$1" ] && [ ! -L "$other" ] &&
			[ "$(stat -c %u -- "$other")" = 0 ] &&
			[ -f "$other/was" ] &&
			[ "$(stat -c %d:%i -- "$other/s")" = "$(stat -c %d:%i -- "$1/s")" ] &&
			return 0
	done 2>/dev/null
	return 1
}
# Removes $1. The last one gives the socket back.
hand_back() {
	if ! is_shared "$1" && read -r was_owner was_mode <"$1/was"; then
		chown "$was_owner" "$1/s" && chmod "$was_mode" "$1/s"
	fi 2>/dev/null
	rm -f -- "$1/s" "$1/was"
	rmdir -- "$1"
}
