# SPDX-License-Identifier: MIT
# Which package of a distribution libssh2 comes from: "package=NAME VERSION".
# shellcheck shell=sh
for name in libssh2-1t64 libssh2-1; do
	v=$(dpkg-query -W -f '${Version}' "$name" 2>/dev/null) || continue
	[ -z "$v" ] || { echo "package=$name $v" && exit 0; }
done
v=$(rpm -q --qf '%{VERSION}-%{RELEASE}' libssh2 2>/dev/null) ||
	v=$(pacman -Q libssh2 2>/dev/null | cut -d ' ' -f 2) || v=
[ -n "$v" ] || v=$(apk info -e -v libssh2 2>/dev/null | sed 's/^libssh2-//')
[ -z "$v" ] || echo "package=libssh2 $v"
exit 0
