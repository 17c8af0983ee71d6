# SPDX-License-Identifier: MIT
# Accounts of this host: the one called $user, or all but root that have the
# directory $below below their homes. local_users.h has the contract. Needs
# proc_ask_sh: a home may be on storage that does not answer, or its user may have
# mounted such there, and that must not keep those of others from being found.
# shellcheck shell=sh disable=SC2034,SC2154
accounts() {
	if ! command -v getent >/dev/null; then cat /etc/passwd
	elif [ -n "$user" ]; then getent passwd -- "$user"
	else getent passwd; fi
}
say_account() { printf 'account=%s:%s:%s:%s\n' "$uid" "$gid" "$name" "$home"; }
called() {
	accounts | while IFS=: read -r name x uid gid x home x; do
		[ "$name" != "$user" ] && [ "$uid" != "$user" ] || say_account
	done
}
# Those of the lines $1.
having() {
	while IFS=: read -r name x uid gid x home x; do
		[ "${uid:-0}" != 0 ] && [ -d "$home/$below" ] || continue
		say_account
	done <<-end
	$1
	end
}
if [ -n "$user" ]; then
	called
else
	all=$(accounts)
	# there may be thousands
	whole 2 having "$all" || while IFS= read -r line; do
		whole 1 having "$line" || printf 'silent=%s\n' "${line%%:*}"
	done <<-end
	$all
	end
fi
