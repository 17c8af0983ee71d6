# SPDX-License-Identifier: MIT
# ask_user COMMAND...: asks a program, which $user may have chosen, with the
# rights of $user and $group, or this login's if $user is empty. It gets no
# terminal, which it could type into, and nothing of our environment.
# shellcheck shell=sh disable=SC2154
ask_user() {
	if [ -n "$user" ]; then
		set -- setpriv --init-groups --reuid "$user" \
			--regid "$group" --no-new-privs "$@"
	fi
	setsid env -i "PATH=$PATH" LC_ALL=C "$@" </dev/null
}
