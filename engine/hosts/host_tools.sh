# SPDX-License-Identifier: MIT
# What the scripts of a destination use besides what every system has, tried as
# they use it: "lacks=" with the names of what a guest cannot be started without,
# "limits_lack=1" without prlimit. $user is the guest's, or empty.
# shellcheck shell=sh disable=SC2154
lacks=
needs() {
	tool=$1; shift
	"$@" </dev/null >/dev/null 2>&1 || lacks="$lacks $tool"
}
needs flock command -v flock
needs setsid setsid true
needs mktemp command -v mktemp
needs readlink readlink -f /
needs stat stat -L -c '%u %a %d' -- /
needs stat stat -L -f -c %t -- /
needs sleep sleep 0.01
if [ -n "$user" ]; then
	needs setpriv setpriv --init-groups --reuid "$user" \
		--regid "$group" --no-new-privs true
fi
echo "lacks=${lacks# }"
command -v prlimit >/dev/null || echo limits_lack=1
exit 0
