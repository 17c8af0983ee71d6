# SPDX-License-Identifier: MIT
# ask_user COMMAND...: asks a program, which $user may have chosen, with the
# rights of $user and $group, or this login's if $user is empty. It gets no
# terminal, which it could type into, and nothing of our environment.
# exec_as_user COMMAND...: becomes it, in our session.
# shellcheck shell=sh disable=SC2154
ask_user() {
	[ -z "$user" ] || set -- setpriv --no-new-privs "$@"
	setsid env -i "PATH=$PATH" LC_ALL=C sh -c "$become" sh "$user" \
		"$group" "$keep_keyring" "$@" </dev/null
}
exec_as_user() {
	exec sh -c "$become" sh "$user" "$group" "$keep_keyring" "$@"
}
