# SPDX-License-Identifier: MIT
# A process of another user may be hidden from /proc (hidepid=), but kill still
# knows it.
# shellcheck shell=sh disable=SC2034
LC_ALL=C; export LC_ALL
echo process=
cat "/proc/$1/stat" 2>/dev/null && exit 0
[ -e "/proc/$1" ] && exit 0
case $( (kill -0 "$1") 2>&1) in
*"No such process"*) echo gone ;;
esac
