# SPDX-License-Identifier: MIT
# A process of another user may be hidden from /proc (hidepid=), but kill still
# knows it.
# shellcheck shell=sh
LC_ALL=C; export LC_ALL
cat "/proc/$1/stat" 2>/dev/null && exit 0
[ -e "/proc/$1" ] && exit 0
case $( (kill -0 "$1") 2>&1) in
*"No such process"*) echo gone ;;
esac
