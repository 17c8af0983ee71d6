# SPDX-License-Identifier: MIT
# sh -c TEXT sh USER GROUP KEEP COMMAND...: becomes COMMAND with the rights of
# USER, a name or the number of one without a name, and of GROUP, or with this
# login's if USER is empty.
#
# Whatever root's login hands on but its limits is taken away: capabilities, and
# the session keyring (pam_keyinit), with which a program could read the keys of
# root's. No program of util-linux takes that away. Where nothing here can, it
# ends with status 125, unless KEEP is not empty.
# shellcheck shell=sh disable=SC2016
user=$1 group=$2 keep=$3
shift 3
[ -n "$user" ] || exec "$@"
case $user in
*[!0-9]*) set -- --init-groups "$@" ;;
*) set -- --clear-groups "$@" ;;
esac
set -- setpriv --inh-caps=-all --reuid "$user" --regid "$group" "$@"
[ -e /proc/keys ] || exec "$@"
# of this shell, the parent of these
{ keyctl new_session || e4crypt new_session; } >/dev/null 2>&1 && exec "$@"
case $(uname -m) in
x86_64) call=250 ;;
i?86) call=288 ;;
aarch64|riscv64|loongarch64) call=219 ;;
arm*) call=311 ;;
ppc*) call=271 ;;
s390*) call=280 ;;
*) call= ;;
esac
# keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL). Where a filter lets nobody use
# keyrings (EPERM, ENOSYS) there is nothing to take away.
join='my $key = syscall(0 + shift, 1, 0);
exit 125 if $key <= 0 && $! != 1 && $! != 38;
exec { $ARGV[0] } @ARGV or exit 127;'
[ -z "$call" ] || ! command -v perl >/dev/null || [ -n "$keep" ] ||
	exec perl -e "$join" "$call" "$@"
[ -n "$keep" ] || {
	echo "no keyctl, e4crypt or perl, to give $user a session keyring" >&2
	exit 125
}
exec "$@"
