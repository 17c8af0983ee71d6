# SPDX-License-Identifier: MIT
# What logind does with this user's processes at a logout; lingering.h has what
# is read of it. Of a manager, and of a user, loginctl prints KEY=VALUE.
# shellcheck shell=sh
[ "$(id -u)" != 0 ] && command -v loginctl >/dev/null || exit 0
case $(cat /proc/self/cgroup) in
*/session-*.scope*) echo in_session=1 ;;
esac
echo "user=$(id -un)"
loginctl show-user "$(id -u)" -p Linger </dev/null 2>/dev/null
loginctl show-session -p KillUserProcesses -p KillOnlyUsers \
	-p KillExcludeUsers </dev/null 2>/dev/null
exit 0
