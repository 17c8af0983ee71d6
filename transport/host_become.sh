# SPDX-License-Identifier: MIT
# Starts a shell of root's, by sudo where the login is another user's; $1 is
# sudo's prompt, $3 the option that says whether it may ask. host_become.h has
# what that shell prints and reads. Its text is read from its input, so that it
# is neither in sudo's log nor in what sudo says when it refuses. sudo takes away
# where the login came from, which some texts ask for.
# shellcheck shell=sh disable=SC2016
boot='printf "\n%s-root %d\n" "$1" "${SUDO_UID:-0}"
[ -z "$2" ] || { SSH_CONNECTION=$2; export SSH_CONNECTION; }
unset LC_ALL LANGUAGE SUDO_COMMAND SUDO_USER SUDO_UID SUDO_GID SUDO_HOME
read -r length && eval "$(head -c "$length")"'
[ "$(id -u)" != 0 ] || exec sh -c "$boot" sh "$2" ""
exec env LC_ALL=C LANGUAGE=C sudo -H "$3" -p "$1" -- sh -c "$boot" sh "$2" \
	"${SSH_CONNECTION:-}"
