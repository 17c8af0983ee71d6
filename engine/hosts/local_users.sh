# SPDX-License-Identifier: MIT
# Accounts of this host: the one called $user, or all but root that have the
# directory $below below their homes. local_users.h has the contract.
# shellcheck shell=sh disable=SC2034,SC2154
accounts() {
	if ! command -v getent >/dev/null; then cat /etc/passwd
	elif [ -n "$user" ]; then getent passwd -- "$user"
	else getent passwd; fi
}
accounts | while IFS=: read -r name x uid gid x home x; do
	if [ -z "$user" ]; then
		[ "$uid" != 0 ] && [ -d "$home/$below" ] || continue
	else
		[ "$name" = "$user" ] || [ "$uid" = "$user" ] || continue
	fi
	printf 'account=%s:%s:%s:%s\n' "$uid" "$gid" "$name" "$home"
done
