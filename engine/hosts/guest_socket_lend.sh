# SPDX-License-Identifier: MIT
# The second name of a socket: s, in a directory of root's, $at. What is known of
# it is in a record, below $lent, where nobody but root looks, writes or locks:
# beside the socket other users may have put, or mounted, anything. The record is
# there before the directory is:
#
#	the directory
#	which file the socket is, once it is lent to another user than root,
#	and whose it was: user and mode
#
# A socket that is connected to from several sides has several. `locked` is for who
# judges, lends or gives back: by then nothing is done that a user could make wait.
# shellcheck shell=sh disable=SC2034
root=/run/vmferry
lent=$root/sockets
lend_begin() {
	umask 077
	[ -d "$root" ] || { mkdir -p "$root" && chmod 711 "$root"; }
	mkdir -p "$lent"
} 2>/dev/null
id_of_socket() { stat -c %d:%i -- "$1"; }
# Reads the record $1.
read_lent() {
	at=; id=; was=
	{ IFS= read -r at && read -r id && read -r was; } <"$1"
	[ -n "$at" ]
} 2>/dev/null
# Sets $was to whose the socket $1 was when it was lent first, by another record
# than $2.
was_lent() {
	for record in "$lent"/*; do
		[ "$record" != "$2" ] && read_lent "$record" &&
			[ -n "$was" ] && [ "$id" = "$1" ] && return
	done
	was=
	return 1
}
# Removes what the record $1 is about. The last one gives the socket back.
hand_back() {
	read_lent "$1" || { rm -f -- "$1"; return; }
	place=$at owner_was=${was% *} mode_was=${was#* }
	if [ -n "$was" ] && [ "$id" = "$(id_of_socket "$place/s")" ] &&
		! was_lent "$id" "$1"
	then
		chmod "$mode_was" "$place/s"
		chown "$owner_was" "$place/s"
	fi
	rm -f -- "$place/s"
	rmdir -- "$place"
	rm -f -- "$1"
} 2>/dev/null
