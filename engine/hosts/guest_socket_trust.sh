# SPDX-License-Identifier: MIT
# Gives the socket $path of user $owner a second name, below a directory that
# only root can change: "at=NAME" and "dir=DIRECTORY", which guest_socket_leave_sh
# removes; "why=REASON"; or nothing when the login is not root's. Needs
# admit_sh and guest_socket_lend_sh. Nothing is looked at there but what it made
# itself.
#
# Where root's rights come by sudo it is user $login whom sshd connects as. Until
# that name is removed the socket is his, and the directory one that he can enter
# and not list. Without sudo $login is 0.
# shellcheck shell=sh disable=SC2154
[ "$(id -u)" = 0 ] || exit 0
no() { echo "why=$1"; exit 0; }
# Nobody but root can rename what is in it: root's, and closed or sticky; and
# $login gets through.
is_safe() {
	facts=$(stat -c '%u %a %d' -- "$1") || return 1
	user=${facts%% *}; device=${facts##* }
	mode=${facts#* }; mode=0${mode% *}
	[ "$login" = 0 ] || [ $((mode & 1)) = 1 ] || return 1
	[ "$user" = 0 ] && { [ $((mode & 022)) = 0 ] || [ $((mode & 01000)) != 0 ]; }
}
real=$(readlink -f -- "$path") && [ -e "$real" ] || no "it does not exist"
# the deepest such directory on the way to it
safe=/; rest=${real#/}
is_safe / || no "the root directory is not only root's"
at=$device
while :; do
	case $rest in */*) ;; *) break ;; esac
	next=${safe%/}/${rest%%/*}
	is_safe "$next" || break
	at=$device; safe=$next; rest=${rest#*/}
done
[ "$(stat -c %d -- "$real")" = "$at" ] ||
	no "it is on a file system of its own that root does not own"
case $safe in
*'
'*) no "its directory has a line feed in its name" ;;
esac
lend_begin || no "$root cannot be written to"
new=$(mktemp "$lent/XXXXXXXXXXXX") || no "$lent cannot be written to"
dir=${safe%/}/.vmferry-${new##*/}
give_up() { hand_back "$new"; no "$1"; }
printf '%s\n' "$dir" >"$new" && mkdir -- "$dir" ||
	give_up "$safe cannot be written to"
ln -P -T -- "$real" "$dir/s" 2>/dev/null || give_up "it cannot be linked to"
[ ! -L "$dir/s" ] && [ -S "$dir/s" ] || give_up "it is no socket"
locked || give_up "other connections to sockets take too long"
# what a login that was cut off has left
find "$lent" -type f -mmin +5 2>/dev/null | while IFS= read -r old; do
	hand_back "$old"
done
socket=$(id_of_socket "$dir/s")
# $login may have it from another connection
was_lent "$socket" "$new" || was=$(stat -c '%u %a' -- "$dir/s")
[ "${was% *}" = "$owner" ] || give_up "it belongs to another user"
if [ "$login" != 0 ]; then
	printf '%s\n%s\n%s\n' "$dir" "$socket" "$was" >"$new" &&
		chmod 711 "$dir" && chown "$login" "$dir/s" &&
		chmod 600 "$dir/s" ||
		give_up "it cannot be given to the login user"
fi
printf 'at=%s/s\ndir=%s\n' "$dir" "$dir"
