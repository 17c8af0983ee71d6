# SPDX-License-Identifier: MIT
# For sh -c, with a format of stat(1) and then NOW, PUBLIC and ID of each name.
# shellcheck shell=sh disable=SC2034
form=$1
shift
while [ $# -ge 3 ]; do
	take "$1" "$2" "$3"
	shift 3
done
exit 0
