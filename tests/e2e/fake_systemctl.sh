#!/bin/sh
# SPDX-License-Identifier: MIT
# systemctl of a system with one unit, as far as vmferry asks it. $FAKE_SYSTEMD
# has what the unit's own file says (restart, enabled, group, condition), the
# unit's process (pid), and what counts since the last daemon-reload (effective).
manager=system base=/run/systemd/system
if [ "$1" = --user ]; then
	shift
	manager=user base=$XDG_RUNTIME_DIR/systemd/user
fi
echo "$manager $*" >>"$FAKE_SYSTEMD/log"
value() { cat "$FAKE_SYSTEMD/$1"; }
property() {
	case $1 in
	LoadState) echo "$1=loaded" ;;
	Restart) echo "$1=$(value effective)" ;;
	UnitFileState) echo "$1=$(value enabled)" ;;
	ControlGroup) echo "$1=$(value group)" ;;
	ExecCondition) echo "$1=$(value condition)" ;;
	ActiveState)
		if [ -d "/proc/$(value pid)" ]
		then echo "$1=active"; else echo "$1=inactive"; fi ;;
	esac
}
case $1 in
daemon-reload)
	value restart >"$FAKE_SYSTEMD/effective"
	for f in "$base"/web1.service.d/*.conf; do
		[ ! -e "$f" ] ||
			sed -n 's/^Restart=//p' "$f" >"$FAKE_SYSTEMD/effective"
	done ;;
show)
	while [ $# -gt 0 ]; do
		[ "$1" != -p ] || property "$2"
		shift
	done ;;
*) exit 1 ;;
esac
