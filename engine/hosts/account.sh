# SPDX-License-Identifier: MIT
# What a host knows of the account $user (a name, or a number that had none where
# it comes from) and of the groups $gids: account.h has the contract.
# shellcheck shell=sh disable=SC2154
name_in() {
	if command -v getent >/dev/null; then getent "$1" "$2"
	else grep "^[^:]*:[^:]*:$2:" "/etc/$1"; fi 2>/dev/null |
		head -n 1 | cut -d : -f 1
}
uid=$(id -u -- "$user" 2>/dev/null) && echo "uid=$uid"
case $user in
*[!0-9]*) ;;
*) printf 'name=%s\n' "$(name_in passwd "$user")" ;;
esac
groups=$(id -G -- "$user" 2>/dev/null) && echo "groups=$groups"
for gid in $gids; do
	printf 'group-%s=%s\n' "$gid" "$(name_in group "$gid")"
done
